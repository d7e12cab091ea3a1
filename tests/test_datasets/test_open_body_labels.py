"""Augmented labels of the open body, checked by posing and projecting it."""

import cv2
import numpy as np
import pytest
import roma
import torch

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.datasets import AnnotationError, HMRDataset, transforms
from deforhmr_mm.geometry import perspective_projection
from deforhmr_mm.structures import get_keypoint_set

COUNT = 6
BODY = dict(type='deforhmr_mm.SMPL')


def pose(body, labels):
    """Joints (N, 45, 3), metres, camera frame."""
    with torch.no_grad():
        output = body(labels['global_orient'], labels['body_pose'], labels['betas'])
    return output.joints + labels['transl'][:, None]


def project(joints, focal_length, principal_point):
    return perspective_projection(joints, focal_length, principal_point, None)


@pytest.fixture(scope='module')
def body():
    return SMPL()


@pytest.fixture(scope='module')
def people(body, tmp_path_factory):
    """Folder of an annotation file of 6 people, all joints of the body labelled."""
    folder = tmp_path_factory.mktemp('people')
    rng = np.random.default_rng(0)
    rotvec = rng.normal(0, 0.3, (COUNT, 24, 3))
    rotvec[:, 0] += (np.pi, 0, 0)
    labels = {
        'betas': rng.normal(size=(COUNT, 10)),
        'transl': rng.uniform((-1, -0.5, 4), (1, 0.5, 6), (COUNT, 3)),
    }
    labels = {key: torch.tensor(value).float() for key, value in labels.items()}
    rotations = roma.rotvec_to_rotmat(torch.tensor(rotvec)).float()
    labels.update(global_orient=rotations[:, :1], body_pose=rotations[:, 1:])
    joints = pose(body, labels)
    center = np.tile((330.0, 250.0), (COUNT, 1))
    keypoints = project(
        joints, torch.full((COUNT,), 700.0), torch.tensor(center).float()
    )

    def columns(name, values):
        target = get_keypoint_set(name)
        index = get_keypoint_set('smpl45').map_to(target)
        array = np.zeros((COUNT, len(target), values.shape[-1] + 1))
        array[:, index.target, :-1] = values[:, index.source]
        array[:, index.target, -1] = 1
        return array

    low, high = keypoints.amin(1).numpy(), keypoints.amax(1).numpy()
    cv2.imwrite(str(folder / 'grey.png'), np.full((480, 640, 3), 128, np.uint8))
    np.savez(
        folder / 'people.npz',
        imgname=np.array(['grey.png'] * COUNT),
        center=(low + high) / 2,
        scale=1.2 * (high - low).max(axis=1) / 200,
        openpose=columns('openpose25', keypoints),
        S=columns('spin24', joints - joints[:, :1]),
        pose=rotvec.reshape(COUNT, 72),
        shape=labels['betas'],
        transl=labels['transl'],
        focal_l=np.full(COUNT, 700.0),
        principal_point=center,
        body_fingerprint=body.fingerprint,
    )
    return folder


def test_the_augmented_body_lands_on_the_augmented_keypoints(people, body):
    pipeline = [
        transforms.LoadImage(),
        transforms.RandomFlip(),
        transforms.RandomBBoxTransform(rotate_prob=1, shift_range=0.1),
        transforms.TopdownAffine(),
        transforms.PackMeshInputs(),
    ]
    data = HMRDataset(
        'people.npz', data_root=str(people), body_model=BODY, pipeline=pipeline
    )
    np.random.seed(0)
    errors, joint_errors, flips = [], [], 0
    for sample in (data[i]['data_samples'] for i in list(range(COUNT)) * 4):
        labels = sample.gt_instances
        joints = pose(body, labels)
        full = project(
            joints,
            torch.tensor([sample.focal_length]),
            torch.tensor(sample.principal_point)[None],
        )
        affine = torch.tensor(sample.input_affine)
        crop = full @ affine[:, :2].T + affine[:, 2]
        seen = labels.keypoints_conf > 0
        errors.append((crop - labels.keypoints)[seen].norm(dim=-1).max())
        known = labels.joints_3d_conf > 0
        relative = joints - joints[:, :1]
        joint_errors.append((relative - labels.joints_3d)[known].norm(dim=-1).max())
        flips += sample.flip
    assert 0 < flips < len(errors)
    assert max(errors) < 0.5
    assert max(joint_errors) < 2e-3


def test_labels_of_another_body_are_refused(people, tmp_path):
    columns = dict(np.load(people / 'people.npz'))
    columns['body_fingerprint'] = 'another body'
    np.savez(tmp_path / 'other.npz', **columns)
    with pytest.raises(AnnotationError, match='labelled with the body another body'):
        HMRDataset(str(tmp_path / 'other.npz'), body_model=BODY)
