"""A body's place from its 2D joints."""

import numpy as np
import pytest

from deforhmr_mm.visualization.placement import fit_translation

PLACE = np.array([0.4, -0.3, 6.0])
CENTER = np.array([320.0, 240.0])


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    joints = rng.normal(0, 0.4, (45, 3))
    seen = joints + PLACE
    return joints, 800 * seen[:, :2] / seen[:, 2:] + CENTER


def test_projection_is_undone(people):
    place = fit_translation(*people, np.ones(45), 800.0, CENTER)
    np.testing.assert_allclose(place, PLACE, atol=1e-9)


def test_unknown_joints_do_not_count(people):
    joints, keypoints = people
    confidence = np.zeros(45)
    confidence[:3] = (1.0, 0.2, 0.6)
    keypoints[3:] = 1e6
    keypoints[3:6] = np.nan
    place = fit_translation(joints, keypoints, confidence, 800.0, CENTER)
    np.testing.assert_allclose(place, PLACE, atol=1e-9)
    confidence[2] = 0
    assert fit_translation(joints, keypoints, confidence, 800.0, CENTER) is None


def test_confidence_weighs(people):
    """A joint in the wrong place matters as little as its confidence."""
    joints, keypoints = people
    keypoints[0] += 50
    errors = []
    for weight in (1.0, 1e-4):
        confidence = np.ones(45)
        confidence[0] = weight
        place = fit_translation(joints, keypoints, confidence, 800.0, CENTER)
        errors.append(np.linalg.norm(place - PLACE))
    assert errors[0] > 0.01 and errors[1] < 1e-3 * errors[0]


def test_a_person_who_is_upside_down_in_the_picture_has_no_place(people):
    joints, keypoints = people
    assert (
        fit_translation(joints, 2 * CENTER - keypoints, np.ones(45), 800.0, CENTER)
        is None
    )
