"""What a viewer at the camera's right side sees."""

import numpy as np
import pytest
import trimesh

from deforhmr_mm.structures import get_keypoint_set
from deforhmr_mm.visualization import MeshRenderer
from deforhmr_mm.visualization.label_skeleton import LEFT_COLOR, RIGHT_COLOR
from deforhmr_mm.visualization.side_view import draw_side_view, turn_to_side

JOINTS = get_keypoint_set('smpl45')
RENDERER = MeshRenderer(edge_samples=1, occlusion=False)
SIZE = (90, 120)


def find(canvas, color):
    """Mean x and y of the pixels of a colour."""
    rows, cols = np.nonzero((canvas == color).all(-1))
    return np.array([cols.mean(), rows.mean()])


def joints_at(**places):
    joints, confidence = np.zeros((45, 3)), np.zeros(45)
    for name, place in places.items():
        joints[JOINTS.index(name)] = place
        confidence[JOINTS.index(name)] = 1
    return joints, confidence


def test_the_turn_is_a_rotation_about_the_vertical():
    axes = turn_to_side(np.eye(3))
    np.testing.assert_array_equal(axes, [[0, 0, -1], [0, 1, 0], [1, 0, 0]])
    assert np.linalg.det(axes) == pytest.approx(1)


def test_depth_goes_right_and_down_stays_down():
    # The left knee is farther from the camera and lower; x does not matter.
    joints, confidence = joints_at(left_knee=(-1, 0.5, 1.0), right_knee=(1, -0.5, 0))
    canvas = draw_side_view(SIZE, RENDERER, joints=joints, confidence=confidence)
    assert canvas.shape == (120, 90, 3)
    left, right = find(canvas, LEFT_COLOR), find(canvas, RIGHT_COLOR)
    # 1 m of depth would fill 88 % of 90 pixels at the centre's distance; 1 m to
    # either side of it, 20 m away, is 5 % farther or nearer.
    step = 0.88 * 90 / 2
    np.testing.assert_allclose(
        left - (44.5, 59.5), np.array([1, 1]) * step * 20 / 21, atol=1
    )
    np.testing.assert_allclose(
        right - (44.5, 59.5), np.array([-1, -1]) * step * 20 / 19, atol=1
    )


def test_joints_lie_on_the_mesh_they_share_a_place_with():
    sphere = trimesh.creation.icosphere(subdivisions=3, radius=0.1)
    vertices = np.concatenate([sphere.vertices, sphere.vertices + (0, 0.8, 0.5)])
    faces = np.concatenate([sphere.faces, sphere.faces + len(sphere.vertices)])
    joints, confidence = joints_at(left_knee=(0, 0, 0), right_knee=(0, 0.8, 0.5))
    plain = draw_side_view(SIZE, RENDERER, vertices, faces)
    drawn = draw_side_view(SIZE, RENDERER, vertices, faces, joints, confidence)
    mesh = (plain != plain[0, 0]).any(-1)
    rows, cols = np.nonzero(mesh)
    np.testing.assert_allclose(
        find(drawn, LEFT_COLOR),
        [cols[rows < 60].mean(), rows[rows < 60].mean()],
        atol=1,
    )
    np.testing.assert_allclose(
        find(drawn, RIGHT_COLOR),
        [cols[rows > 60].mean(), rows[rows > 60].mean()],
        atol=1,
    )
    # 1 m of height, 0.7 m of depth: the height fills its share of the view.
    assert np.ptp(rows) == pytest.approx(0.88 * 120, abs=2)


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match='neither'):
        draw_side_view(SIZE, RENDERER)
    joints, confidence = joints_at()
    with pytest.raises(ValueError, match='neither'):
        draw_side_view(SIZE, RENDERER, joints=joints, confidence=confidence)
