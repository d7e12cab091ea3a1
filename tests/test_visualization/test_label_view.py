"""Views of labels that were made by projecting the open body."""

import numpy as np
import pytest
import torch

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import get_keypoint_set
from deforhmr_mm.visualization.contact_sheet import text_tile
from deforhmr_mm.visualization.label_skeleton import LEFT_COLOR, RIGHT_COLOR
from deforhmr_mm.visualization.label_view import (
    LabelDrawer,
    describe_change,
    describe_labels,
)

JOINTS = get_keypoint_set('smpl45')
PLACE = np.array([0.3, 0.2, 6.0], np.float32)
ZOOM = 2


@pytest.fixture(scope='module')
def body():
    return SMPL()


@pytest.fixture
def sample(body):
    """A person facing the camera in a black crop of 96 x 128 pixels."""
    pose = torch.eye(3).repeat(1, 24, 1, 1)
    pose[:, 0] = torch.tensor([1.0, -1.0, -1.0]).diag()
    betas = torch.zeros(1, 10)
    with torch.no_grad():
        joints = body(pose[:, :1], pose[:, 1:], betas).joints[0].numpy()
    seen = joints + PLACE
    pixels = 600 * seen[:, :2] / seen[:, 2:] + (300, 200)
    # The crop shows half a picture's pixel as one of its own.
    affine = np.array([[0.5, 0, 0], [0, 0.5, 0]], np.float32)
    affine[:, 2] = (48, 64) - pixels[0] / 2
    return {
        'img': np.zeros((128, 96, 3), np.uint8),
        'input_affine': affine,
        'keypoints': (pixels / 2 + affine[:, 2])[None].astype(np.float32),
        'keypoints_conf': np.ones((1, 45), np.float32),
        'global_orient': pose[:, :1].numpy(),
        'body_pose': pose[:, 1:].numpy(),
        'betas': betas.numpy(),
        'has_pose': np.ones(1, np.float32),
        'has_betas': np.ones(1, np.float32),
        'joints_3d': (joints - joints[0])[None],
        'joints_3d_conf': np.ones((1, 45), np.float32),
        'transl': PLACE[None],
        'focal_length': 600.0,
        'principal_point': np.array([300, 200], np.float32),
        'sample_id': 'people/3',
    }


def on_tile(sample, name):
    """Row and column of a joint in pictures that are twice as large as the crop."""
    x, y = (sample['keypoints'][0, JOINTS.index(name)] + 0.5) * ZOOM - 0.5
    return round(float(y)), round(float(x))


def test_joints_and_mesh_lie_where_the_labels_are(body, sample):
    view = LabelDrawer(body, height=256).draw(sample)
    flat, over, side = view.images
    assert view.camera == 'camera: labels'
    assert {image.shape for image in view.images} == {(256, 192, 3)}
    assert tuple(flat[on_tile(sample, 'left_knee')]) == LEFT_COLOR
    assert tuple(flat[on_tile(sample, 'right_knee')]) == RIGHT_COLOR
    mesh = over.any(-1)
    for name in JOINTS.names[:24]:
        assert mesh[on_tile(sample, name)], name
    # The mesh's outline: the landmarks at its ends, to three pixels.
    rows, cols = np.nonzero(mesh)
    ends = [on_tile(sample, f'{side}_middle')[1] for side in ('right', 'left')]
    assert (cols.min(), cols.max()) == pytest.approx(ends, abs=3)
    # From the side the person faces the camera, which is on the left: toes too.
    ground = (side == side[0, 0]).all(-1)
    feet = np.flatnonzero(~ground[-40:-12].all(0))
    waist = np.flatnonzero(~ground[120:130].all(0))
    assert feet.min() < waist.min() - 5


def test_unknown_translation_is_fitted_to_the_joints(body, sample):
    known = LabelDrawer(body, height=256).draw(sample).images[1]
    sample['transl'] = np.full((1, 3), np.nan, np.float32)
    view = LabelDrawer(body, height=256).draw(sample)
    assert view.camera == 'camera: fitted to 2D joints'
    differs = np.abs(view.images[1].astype(int) - known).max(-1) > 40
    assert differs.sum() < 0.01 * known.any(-1).sum()


@pytest.mark.parametrize(
    ('change', 'with_mesh', 'words'),
    [
        ({'has_pose': 0}, True, 'no pose label'),
        ({}, False, 'other body'),
        (
            {'transl': np.nan, 'keypoints_conf': 0},
            True,
            'no camera:\ntransl unknown,\ntoo few 2D joints',
        ),
    ],
)
def test_what_is_missing_is_said(body, sample, change, with_mesh, words):
    for key, value in change.items():
        sample[key] = np.full_like(sample[key], value)
    view = LabelDrawer(body, height=256).draw(sample, with_mesh)
    np.testing.assert_array_equal(view.images[1], text_tile((192, 256), words))
    assert view.camera == 'no camera'
    # Joints in space are still drawn.
    assert (view.images[2] == LEFT_COLOR).all(-1).any()


def test_no_3d_label_is_said(sample):
    sample['joints_3d_conf'][:] = 0
    view = LabelDrawer(None, height=256).draw(sample)
    np.testing.assert_array_equal(view.images[2], text_tile((192, 256), 'no 3D label'))


def test_the_sample_is_not_changed(body, sample):
    before = {key: np.array(value) for key, value in sample.items()}
    LabelDrawer(body, height=256).draw(sample)
    for key, value in before.items():
        np.testing.assert_array_equal(sample[key], value)


def test_captions(sample):
    sample['has_betas'][:] = 0
    sample['keypoints_conf'][0, :5] = 0
    sample['joints_3d_conf'][0, 10:] = 0
    assert describe_labels(sample) == (
        'people/3   pose yes   betas NO   2D joints 40/45   3D joints 10/45'
    )
    cos, sin = np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20))
    turn = np.array([[cos, -sin, 7], [sin, cos, 9]])
    plain = {'image_affine': turn, 'flip': False}
    assert describe_change(plain) == 'augmented: not mirrored, turned by 20 degrees'
    mirrored = {'image_affine': turn * (-1, 1, 1), 'flip': True}
    assert describe_change(mirrored) == 'augmented: mirrored, turned by 20 degrees'
