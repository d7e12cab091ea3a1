"""Joints, boxes and tags lie where they belong."""

import numpy as np

from deforhmr_mm.structures import get_keypoint_set
from deforhmr_mm.visualization import draw_skeleton
from deforhmr_mm.visualization.marks import draw_box, draw_label


def test_skeleton_leaves_out_joints_that_are_not_finite():
    joints = get_keypoint_set('smpl45')
    keypoints = np.full((45, 2), np.nan)
    keypoints[joints.index('left_knee')] = (10, 10)
    keypoints[joints.index('left_ankle')] = (10, 40)
    keypoints[joints.index('right_knee')] = (1e12, 10)
    keypoints[joints.index('right_ankle')] = (50, 40)
    canvas = np.zeros((48, 64, 3), np.uint8)
    draw_skeleton(canvas, keypoints, (1, 1, 1))
    drawn = canvas.any(-1)
    assert drawn[25, 10] and drawn[40, 50]
    assert not drawn[25, 20:].any()


def test_box_is_an_outline():
    canvas = np.zeros((60, 80, 3), np.uint8)
    draw_box(canvas, np.array([10.0, 20, 50, 45]), (1, 0, 0))
    for row, col in ((20, 30), (45, 30), (30, 10), (30, 50)):
        assert canvas[row, col, 0] > 200 and canvas[row, col, 1] == 0
    assert not canvas[24:42, 14:46].any() and not canvas[:17].any()


def test_far_off_and_unknown_boxes():
    canvas = np.zeros((60, 80, 3), np.uint8)
    draw_box(canvas, np.array([-1e12, 30, 1e12, 1e12]), (0, 1, 0))
    assert (canvas[30, 2:-2, 1] > 200).all() and not canvas[34:].any()
    before = canvas.copy()
    draw_box(canvas, np.array([np.nan, 0, 5, 5]), (0, 1, 0))
    np.testing.assert_array_equal(canvas, before)


def test_tags_stand_above_their_point_and_stay_inside():
    canvas = np.zeros((60, 80, 3), np.uint8)
    draw_label(canvas, '7', (20, 40), (0, 0, 1))
    rows, cols = np.nonzero(canvas[..., 2] == 255)
    assert rows.max() == 39 and cols.min() == 20
    for place in ((-50, -50), (500, 500)):
        canvas = np.zeros((60, 80, 3), np.uint8)
        draw_label(canvas, '7', place, (0, 0, 1))
        assert (canvas[..., 2] == 255).sum() > 50
    draw_label(np.zeros((5, 5, 3), np.uint8), '1234', (0, 0), (0, 0, 1))
