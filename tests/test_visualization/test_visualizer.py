"""`MeshVisualizer` with data samples, files and mmengine's backends."""

import cv2
import numpy as np
import pytest
import torch
import trimesh
from mmengine.structures import InstanceData

from deforhmr_mm.registry import VISUALIZERS
from deforhmr_mm.structures import MeshDataSample, get_keypoint_set
from deforhmr_mm.visualization import MeshVisualizer, draw_skeleton, encode_image

SPHERE = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
FOCAL, CENTER = 100.0, (31.5, 23.5)


def person(x, z, focal=FOCAL):
    sample = MeshDataSample()
    sample.pred_instances = InstanceData(
        vertices=torch.tensor(np.asarray(SPHERE.vertices), dtype=torch.float32)[None],
        transl=torch.tensor([[x, 0.0, z]]),
        focal_length=torch.tensor([focal]),
        principal_point=torch.tensor([CENTER]),
        keypoints=torch.full((1, 45, 2), 20.0),
    )
    return sample


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def test_people_are_drawn_where_their_camera_sees_them(image):
    visualizer = MeshVisualizer(faces=SPHERE.faces)
    before = image.copy()
    drawn = visualizer.draw_people(image, [person(-0.3, 3.0), person(0.5, 4.0)])
    np.testing.assert_array_equal(image, before)
    changed = np.argwhere((drawn != image).any(-1))
    left, right = changed[:, 1].min(), changed[:, 1].max()
    # Outlines of spheres: the angle to the axis plus the angle of the radius.
    angles = np.arctan2([-0.3, 0.5], [3.0, 4.0])
    reach = np.arcsin(0.5 / np.hypot([-0.3, 0.5], [3.0, 4.0]))
    assert left == pytest.approx(31.5 + 100 * np.tan(angles - reach)[0], abs=1.5)
    assert right == pytest.approx(31.5 + 100 * np.tan(angles + reach)[1], abs=1.5)


def test_nobody_leaves_the_picture_as_it_is(image):
    drawn = MeshVisualizer().draw_people(image, [])
    np.testing.assert_array_equal(drawn, image)
    assert drawn is not image


def test_built_from_a_config_and_written_to_a_file(image, tmp_path):
    visualizer = VISUALIZERS.build(
        dict(type='MeshVisualizer', name='to_file', alpha=0.5)
    )
    visualizer.faces = SPHERE.faces
    path = tmp_path / 'new' / 'overlay.png'
    drawn = visualizer.add_datasample('a', image, person(0, 3.0), out_file=path)
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], drawn)
    np.testing.assert_array_equal(visualizer.get_image(), drawn)


def test_handed_to_the_backends(image, tmp_path):
    visualizer = MeshVisualizer(
        'to_backend',
        faces=SPHERE.faces,
        vis_backends=[dict(type='LocalVisBackend', save_dir=str(tmp_path))],
    )
    drawn = visualizer.add_datasample('seen', image, [person(0, 3.0)], step=3)
    (path,) = tmp_path.rglob('seen_3.png')
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], drawn)


def test_what_cannot_be_drawn_is_said(image):
    with pytest.raises(ValueError, match=r'visualizer\.faces'):
        MeshVisualizer().draw_people(image, [person(0, 3.0)])
    visualizer = MeshVisualizer(faces=SPHERE.faces)
    with pytest.raises(ValueError, match='share one camera'):
        visualizer.draw_people(image, [person(0, 3.0), person(0, 3.0, focal=50.0)])
    with pytest.raises(ValueError, match='draw_gt'):
        visualizer.add_datasample('a', image, person(0, 3.0), draw_gt=True)
    with pytest.raises(ValueError, match='alpha'):
        MeshVisualizer(alpha=2)
    with pytest.raises(ValueError, match=r"'\.jpeg9'"):
        encode_image(image, '.jpeg9')


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
