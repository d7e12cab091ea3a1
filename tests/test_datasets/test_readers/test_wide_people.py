"""Crops of people of whom a file has the longer side of the box alone."""

import numpy as np
import pytest

from deforhmr_mm.datasets.readers.boxes import fit_wide_people
from deforhmr_mm.geometry.boxes import fit_aspect

CENTER = np.array([[300.0, 200.0]])
PADDING = 1.2


def crop_of(width, height, joints_share=0.98, padding=PADDING):
    """What comes of the longer side and of joints that nearly span the box."""
    longer = padding * max(width, height)
    spread = joints_share * np.array([width, height]) / 2
    corners = CENTER + spread * np.array([[-1, 0.3], [1, -0.2], [0.1, -1], [0, 1]])
    keypoints = np.ones((1, 6, 3))
    keypoints[0, :4, :2] = corners
    # Not labelled: far away, and nowhere.
    keypoints[0, 4:] = [[9000, 9000, 0], [np.nan, np.nan, 0]]
    scale = np.array([[0.75 * longer, longer]], np.float32)
    return fit_wide_people(CENTER, scale, keypoints, padding)[0]


@pytest.mark.parametrize('padding', [1.2, 1.0, 1.5])
@pytest.mark.parametrize(
    'size', [(40, 200), (149, 200), (170, 200), (199, 200), (200, 190), (200, 40)]
)
def test_the_crop_is_nearly_that_of_the_whole_box(size, padding):
    found = crop_of(*size, padding=padding)
    expected = padding * fit_aspect(np.array(size, float))
    np.testing.assert_allclose(found, expected, rtol=0.02)
    assert found.dtype == np.float32 and found[0] / found[1] == pytest.approx(0.75)


def test_crops_only_grow_and_never_beyond_the_square():
    # Joints of somebody upright who is cut by the picture's edge below the knees.
    for share in (0.1, 0.5, 1.0):
        found = crop_of(160, 200, joints_share=share)
        assert 1.2 * 200 - 1e-3 <= found[1] <= 1.2 * 200 * 4 / 3 + 1e-3


def test_nobody_and_people_without_joints():
    nobody = np.zeros((0, 2))
    assert fit_wide_people(nobody, nobody, np.zeros((0, 4, 3)), 1.2).shape == (0, 2)
    scale = np.array([[90.0, 120.0]])
    for joints in (np.zeros((1, 4, 3)), np.zeros((1, 0, 3))):
        assert fit_wide_people(CENTER, scale, joints, 1.2).tolist() == [[90, 120]]
