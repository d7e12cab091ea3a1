"""What a viewer at the camera's right side sees."""

import numpy as np
import pytest
import trimesh

from deforhmr_mm.structures import get_keypoint_set
from deforhmr_mm.visualization import PALETTE, MeshRenderer
from deforhmr_mm.visualization.label_skeleton import LEFT_COLOR, RIGHT_COLOR
from deforhmr_mm.visualization.side_view import (
    BACKGROUND,
    draw_scene,
    draw_side_view,
    fit_view,
    turn_to_side,
    turn_to_top,
)

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


def test_from_above_depth_goes_up():
    axes = turn_to_top(np.eye(3))
    np.testing.assert_array_equal(axes, [[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    assert np.linalg.det(axes) == pytest.approx(1)


def people_at(*places):
    sphere = trimesh.creation.icosphere(subdivisions=3, radius=0.2)
    return [sphere.vertices + place for place in places], sphere.faces


def color_of(canvas, index):
    """Mean x and y of the pixels that have a person's colour, lit."""
    pixels = canvas / np.linalg.norm(canvas, axis=-1, keepdims=True).clip(1)
    colors = np.array(PALETTE[:2])
    colors /= np.linalg.norm(colors, axis=-1, keepdims=True)
    rows, cols = np.nonzero(
        (pixels @ colors[index] > 0.998) & (canvas != BACKGROUND).any(-1)
    )
    return np.array([cols.mean(), rows.mean()])


def test_everybody_stands_in_one_scene():
    # The second is 2 m behind, 1 m to the right and 0.6 m above the first.
    meshes, faces = people_at((0, 0, 3), (1, -0.6, 5))
    side = draw_scene((120, 90), RENDERER, meshes, faces, scale_bar=False)
    meter = 0.88 * 120 / 2.4
    apart = color_of(side, 1) - color_of(side, 0)
    np.testing.assert_allclose(apart, [2 * meter, -0.6 * meter], atol=3)
    top = draw_scene((90, 120), RENDERER, meshes, faces, turn_to_top, scale_bar=False)
    meter = 0.88 * 120 / 2.4
    apart = color_of(top, 1) - color_of(top, 0)
    np.testing.assert_allclose(apart, [meter, -2 * meter], atol=3)


def test_who_is_nearer_to_the_viewer_hides_the_other():
    # Seen from the right, the one at the right is in front.
    for places in (((-1, 0, 3), (1, 0, 3)), ((1, 0, 3), (-1, 0, 3))):
        meshes, faces = people_at(*places)
        view = draw_scene((59, 59), RENDERER, meshes, faces, colors=PALETTE[:2])
        front = PALETTE[int(places[1][0] > 0)]
        pixel = view[29, 29] / np.linalg.norm(view[29, 29])
        assert pixel @ front / np.linalg.norm(front) > 0.999


def test_views_with_one_extent_have_one_scale():
    small = fit_view(np.array([[0, 0, 0], [0.5, 1, 0.2]]), (100, 100), (2, 2))
    large = fit_view(np.array([[0, 0, 0], [2, 2, 2]]), (100, 100), (2, 2))
    assert small.meter == large.meter == pytest.approx(44)
    wide = fit_view(np.array([[0, 0, 0], [40, 2, 1]]), (100, 100))
    # Far enough away for 40 m to look nearly parallel.
    assert wide.focal_length / wide.meter == pytest.approx(320)


def test_with_bounds_a_view_keeps_still_while_somebody_walks():
    bounds = np.array([[-1, -1.0, 2], [3, 1, 8]])
    places, bars = {}, {}
    for kept in (None, bounds):
        views = []
        for depth in (4, 7):
            meshes, faces = people_at((0, 0, 3), (1, 0, depth))
            views.append(draw_scene((180, 90), RENDERER, meshes, faces, bounds=kept))
        places[kept is not None] = [color_of(view, 0) for view in views]
        bars[kept is not None] = [view[-12:] for view in views]
    np.testing.assert_allclose(*places[True], atol=0.5)
    np.testing.assert_array_equal(*bars[True])
    # The view's own fit would move and shrink who stands still.
    assert np.abs(np.subtract(*places[False])).max() > 10
    # The middle of the bounds is that of the view above its bar, 6 m wide.
    meter = 0.88 * min(180 / 6, (90 - 26) / 2)
    assert places[True][0][0] == pytest.approx(89.5 + (3 - 5) * meter, abs=3)


def test_scale_bar_is_as_long_as_it_says():
    meshes, faces = people_at((0, 0, 3), (0, 0, 5))
    view = draw_scene((240, 90), RENDERER, meshes, faces)
    drawn = (view != BACKGROUND).any(-1)
    # 2.4 m fill 88 % of 240 pixels: half a metre has 44, one metre more than a third.
    assert np.ptp(np.flatnonzero(drawn[-9])) == pytest.approx(44, abs=1)
    # Its text is above it, and the people above the strip, in the middle of the rest.
    assert drawn[-26:-14].any()
    rows = np.flatnonzero(drawn[:-26].any(axis=1))
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(63 / 2, abs=1)


def test_nobody_is_a_plain_ground():
    canvas = draw_scene((20, 10), RENDERER, [], np.zeros((0, 3), int))
    assert canvas.shape == (10, 20, 3) and (canvas == BACKGROUND).all()


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
