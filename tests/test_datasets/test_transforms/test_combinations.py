"""Whatever is combined, the posed and projected open body lands on its keypoints."""

from itertools import product

import numpy as np
import pytest
import roma
import torch

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.datasets.transforms import (
    LoadImage,
    RandomBBoxTransform,
    RandomFlip,
    RandomTruncation,
    TopdownAffine,
)
from deforhmr_mm.structures import get_keypoint_set

STEPS = {
    'truncate': lambda: RandomTruncation(1, parts={'above_chest': 1, 'torso': 1}),
    'flip': lambda: RandomFlip(prob=1),
    'rotate': lambda: RandomBBoxTransform(1, scale_range=0, shift_range=0),
    'scale': lambda: RandomBBoxTransform(0, scale_range=0.25, shift_range=0.1),
}
SUBSETS = [
    tuple(name for name, is_in in zip(STEPS, chosen, strict=True) if is_in)
    for chosen in product((False, True), repeat=len(STEPS))
]
LABELS = (
    *('global_orient', 'body_pose', 'betas', 'transl', 'rest_pelvis', 'has_smpl'),
    *('keypoints', 'keypoints_conf', 'joints_3d', 'joints_3d_conf', 'bbox_center'),
    *('bbox_scale', 'focal_length', 'principal_point', 'image_affine', 'ori_shape'),
)


@pytest.fixture(scope='module')
def body():
    return SMPL()


def joints_of(body, sample):
    """(45, 3) metres, camera frame."""
    names = ('global_orient', 'body_pose', 'betas', 'transl')
    with torch.no_grad():
        output = body(*(torch.tensor(sample[name]) for name in names))
    return output.joints[0].double().numpy()


def project(joints, sample):
    """(45, 2) by the pinhole equation, in the pixels that the labels are in."""
    plane = joints[:, :2] / joints[:, 2:]
    return sample['focal_length'] * plane + sample['principal_point']


@pytest.fixture
def person(body):
    """A posed person off the optical axis, labelled with all 45 joints."""
    rng = np.random.default_rng(5)
    rotvec = rng.normal(0, 0.3, (1, 24, 3))
    rotvec[0, 0] += (np.pi, 0, 0)
    rotations = roma.rotvec_to_rotmat(torch.tensor(rotvec)).float().numpy()
    betas = rng.normal(size=(1, 10)).astype(np.float32)
    sample = {
        'img': np.zeros((480, 640, 3), dtype=np.uint8),
        'global_orient': rotations[:, :1],
        'body_pose': rotations[:, 1:],
        'betas': betas,
        'transl': np.array([[0.8, -0.3, 4.5]], dtype=np.float32),
        'has_smpl': np.ones(1, dtype=np.float32),
        'focal_length': 700.0,
        'principal_point': np.array([310.0, 250.0], dtype=np.float32),
    }
    with torch.no_grad():
        eye = torch.eye(3).expand(1, 24, 3, 3)
        rest = body(eye[:, :1], eye[:, 1:], torch.tensor(betas)).joints
    joints = joints_of(body, sample)
    keypoints = project(joints, sample)
    low, high = keypoints.min(axis=0), keypoints.max(axis=0)
    height = 1.2 * (high - low).max()
    sample.update(
        rest_pelvis=rest[:, 0].numpy(),
        keypoints=keypoints[None].astype(np.float32),
        keypoints_conf=rng.uniform(0.1, 1, (1, 45)).astype(np.float32),
        joints_3d=(joints - joints[0])[None].astype(np.float32),
        joints_3d_conf=rng.uniform(0.1, 1, (1, 45)).astype(np.float32),
        bbox_center=((low + high) / 2).astype(np.float32),
        bbox_scale=np.array([0.75 * height, height], dtype=np.float32),
    )
    return LoadImage()(sample)


@pytest.mark.parametrize('names', SUBSETS, ids='-'.join)
def test_the_body_lands_on_the_keypoints_of_the_crop(body, person, names):
    np.random.seed(len(names))
    for _ in range(3):
        results = dict(person)
        for name in names:
            results = STEPS[name]()(results)
        crop = TopdownAffine()(results)
        joints = joints_of(body, crop)
        matrix = crop['input_affine']
        landed = project(joints, crop) @ matrix[:, :2].T + matrix[:, 2]
        errors = np.linalg.norm(landed - crop['keypoints'][0], axis=-1)
        assert errors.max() < 0.5
        relative = joints - joints[0]
        np.testing.assert_allclose(crop['joints_3d'][0], relative, atol=2e-3)
        assert crop['flip'] == ('flip' in names)
        order = list(get_keypoint_set('smpl45').flip_indices)
        order = order if crop['flip'] else list(range(45))
        for key in ('keypoints_conf', 'joints_3d_conf'):
            np.testing.assert_array_equal(crop[key], person[key][:, order])
        width, height = crop['input_scale']
        assert width / height == pytest.approx(0.75, rel=1e-5)
        changed = not np.allclose(crop['input_scale'], person['bbox_scale'])
        assert changed == ('truncate' in names or 'scale' in names)


@pytest.mark.parametrize('names', SUBSETS, ids='-'.join)
def test_flipping_twice_is_the_identity(person, names):
    np.random.seed(1)
    before = dict(person)
    for name in names:
        before = STEPS[name]()(before)
    flip = RandomFlip(prob=1)
    once = flip(dict(before))
    assert once['flip'] != before['flip']
    twice = flip(dict(once))
    assert set(twice) == set(before) and twice['flip'] == before['flip']
    for key in LABELS:
        np.testing.assert_allclose(
            twice[key], before[key], rtol=1e-6, atol=1e-4, err_msg=key
        )
    assert set(before) == {*LABELS, 'img', 'flip'}
