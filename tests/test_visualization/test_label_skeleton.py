"""Joints in the colours of their sides, where they are."""

import numpy as np

from deforhmr_mm.structures import get_keypoint_set
from deforhmr_mm.visualization.label_skeleton import (
    LEFT_COLOR,
    MIDDLE_COLOR,
    RIGHT_COLOR,
    draw_labelled_joints,
    labelled_links,
)

JOINTS = get_keypoint_set('smpl45')


def draw(places, confidences=None):
    """Canvas with the joints of `places`, name -> (x, y)."""
    keypoints, confidence = np.full((45, 2), np.nan), np.zeros(45)
    for name, place in places.items():
        keypoints[JOINTS.index(name)] = place
        confidence[JOINTS.index(name)] = (confidences or {}).get(name, 1.0)
    canvas = np.zeros((100, 120, 3), np.uint8)
    draw_labelled_joints(canvas, keypoints, confidence)
    return canvas


def links(*names):
    labelled = np.zeros(45, bool)
    labelled[list(JOINTS.indices(names))] = True
    return {tuple(JOINTS.names[i] for i in link) for link in labelled_links(labelled)}


def test_each_side_has_its_colour():
    canvas = draw(
        {'left_knee': (20, 30), 'right_knee': (60, 30), 'pelvis': (90, 80)},
        {'left_knee': 0.9},
    )
    assert tuple(canvas[30, 20]) == LEFT_COLOR
    assert tuple(canvas[30, 60]) == RIGHT_COLOR
    assert tuple(canvas[80, 90]) == MIDDLE_COLOR
    # Nothing is drawn further than a few pixels from a joint that has no link.
    rows, cols = np.nonzero(canvas.any(-1))
    near = [np.hypot(rows - y, cols - x) for x, y in ((20, 30), (60, 30), (90, 80))]
    assert np.min(near, axis=0).max() < 6


def test_links_have_the_colour_of_their_side():
    canvas = draw(
        {
            'left_knee': (20, 20),
            'left_ankle': (20, 80),
            'right_hip': (60, 20),
            'right_knee': (60, 80),
        }
    )
    # Smoothed lines of one pixel: nearly the colour.
    np.testing.assert_allclose(canvas[50, 20], LEFT_COLOR, atol=20)
    np.testing.assert_allclose(canvas[50, 60], RIGHT_COLOR, atol=20)
    assert not canvas[50, 40].any()


def test_hidden_joints_are_hollow_and_unknown_ones_left_out():
    places = {'left_knee': (20, 30), 'right_knee': (60, 30), 'nose': (90, 80)}
    canvas = draw(places, {'left_knee': 0.5, 'right_knee': 0.51, 'nose': 0.0})
    assert tuple(canvas[30, 20]) == (255, 255, 255)
    assert tuple(canvas[30, 60]) == RIGHT_COLOR
    assert not canvas[60:].any()
    # The ring around the hollow one is green: more green than red or blue.
    ring = canvas[30, 20:28].astype(int)
    assert (ring[:, 1] > ring[:, [0, 2]].max(-1) + 50).any()


def test_joints_far_outside_are_left_out():
    canvas = draw({'left_knee': (1e9, 30), 'left_ankle': (20, 30)})
    assert tuple(canvas[30, 20]) == LEFT_COLOR
    assert not canvas[30, 40:].any()


def test_links_are_those_of_what_is_labelled():
    smpl = JOINTS.names[:24]
    assert ('left_collar', 'left_shoulder') in links(*smpl)
    arms = ('left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow')
    hips = ('left_hip', 'right_hip')
    assert ('left_shoulder', 'left_hip') in links('nose', *arms, *hips)
    assert ('neck', 'left_shoulder') in links('nose', 'neck', 'pelvis', *arms, *hips)
    assert links('nose') == set()
