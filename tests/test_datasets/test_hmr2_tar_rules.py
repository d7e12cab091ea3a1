"""What is cleaned of HMR2.0's training tars, and where their 3D joints are rooted."""

from functools import partial

import numpy as np
import pytest
import torch

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.models.losses import Joints3DLoss
from deforhmr_mm.structures import get_keypoint_set
from tests.test_datasets.hmr2_tars import build_dataset, person, picture, single

SMPL45 = get_keypoint_set('smpl45')
# Places among the 44 joints.
LIMBS, PELVIS_MPII = range(25, 37), 39


@pytest.fixture
def build(tmp_path):
    """Build a data set of one tar with these members."""
    return partial(build_dataset, tmp_path)


def test_a_perfect_prediction_loses_nothing_by_another_pelvis(build):
    body, eye = SMPL(), torch.eye(3).expand(1, 24, 3, 3)
    with torch.no_grad():
        posed = body(eye[:, :1], eye[:, 1:], torch.zeros(1, 10))
    names = get_keypoint_set('hmr2_extra19').names[:12]
    points = np.zeros((44, 4))
    points[LIMBS, :3] = posed.joints[0, list(SMPL45.indices(names))]
    points[PELVIS_MPII, :3] = (body.h36m_regressor @ posed.vertices)[0, 0]
    points[[*LIMBS, PELVIS_MPII], 3] = 1
    assert np.linalg.norm(points[PELVIS_MPII, :3] - posed.joints[0, 0].numpy()) > 0.01
    sample = build(single(keypoints_3d=points)).get_data_info(0)
    target = {
        'joints': torch.tensor(sample['joints_3d']),
        'joints_conf': torch.tensor(sample['joints_3d_conf']),
    }
    assert np.count_nonzero(sample['joints_3d_conf']) == len(LIMBS)
    loss = Joints3DLoss()({'joints': posed.joints}, target)['loss_joints_3d']
    assert loss.item() < 1e-12
    # The root that the labels came with is still the file's pelvis.
    hips = points[[27, 28], :3].mean(0) - points[PELVIS_MPII, :3]
    found = sample['joints_3d'][0, list(SMPL45.indices(('left_hip', 'right_hip')))]
    np.testing.assert_allclose(found.mean(0), hips, atol=1e-6)


def test_what_is_left_out_is_counted(build, tmp_path, logged):
    members = {
        **single(),
        'alone.jpg': picture(1),
        'blind.data.pyd': [person()],
        '9.jpg': picture(9),
        '9.data.pyd': [person(scale=0.0), person(scale=np.array([np.nan, 1]))],
        '7.json': b'{}',
        '__readme__': b'of no interest',
    }
    assert len(build(members)) == 1
    assert logged.of('INFO') == [
        f'{tmp_path}/few.tar: 1 people in 1 pictures; left out: 1 labels without a '
        'picture, 1 pictures without labels, 2 boxes without an area; people who lost '
        'labels: none.'
    ]


def keypoints_of(*confidences):
    """Joints of the data set, from the right ankle on."""
    points = np.zeros((44, 3))
    points[25 : 25 + len(confidences)] = [(50, 60, conf) for conf in confidences]
    return points


def fit_of(loss):
    # numpy keeps the dictionary as an array of one.
    return {'fitting_loss': np.array({'reprojection_loss': loss})}


FITS = [
    person(betas=np.linspace(-3, 3, 10), extra_info=fit_of(30999.0)),
    person(betas=np.linspace(-3.01, 0, 10)),
    person(keypoints_2d=keypoints_of(0.3, 0.29, *[0.5] * 4)),
    person(keypoints_2d=keypoints_of(0.3, 0.29, *[0.5] * 3)),
    person(extra_info=fit_of(31000.0)),
    person(extra_info=fit_of(np.float32('nan'))),
    person(extra_info=fit_of(None)),
    person(extra_info={'fitting_loss': np.array({})}),
]


def test_fits_are_cleaned_as_in_hmr2(build, tmp_path, logged):
    data = build({'7.png': picture(7), '7.data.pyd': FITS})
    labels = data.labels
    assert labels.has_pose.tolist() == labels.has_betas.tolist() == [1, 0, 1, 1, 1]
    assert not labels.betas[1].any() and not labels.pose[1].any()
    limbs = list(SMPL45.indices(get_keypoint_set('hmr2_extra19').names[:6]))
    conf = labels.keypoints[2, limbs, 2]
    np.testing.assert_allclose(conf, [0.3, 0, *[0.5] * 4])
    assert logged.of('INFO') == [
        f'{tmp_path}/few.tar: 5 people in 1 pictures; left out: 1 people with fewer '
        'than 5 keypoints, 2 people with a fitting loss of 31000 or more; people who '
        'lost labels: 1 betas beyond 3, and the pose with them, 1 keypoints of '
        'confidence below 0.3.'
    ]


@pytest.mark.parametrize(
    ('off', 'people', 'with_pose', 'doubtful'),
    [
        ('min_keypoint_conf', 6, 5, 2),
        ('max_beta', 5, 5, 0),
        ('min_keypoints', 6, 5, 0),
        ('max_fitting_loss', 7, 6, 0),
    ],
)
def test_each_rule_can_be_turned_off(build, off, people, with_pose, doubtful):
    data = build({'7.png': picture(7), '7.data.pyd': FITS}, **{off: None})
    assert len(data) == people
    assert np.count_nonzero(data.labels.has_pose) == with_pose
    conf = data.labels.keypoints[..., 2]
    assert np.count_nonzero((conf > 0) & (conf < 0.3)) == doubtful


@pytest.mark.parametrize(
    ('extra_info', 'message'),
    [
        (5, r"pyd\[0\]: 'extra_info' must be a dictionary.*int"),
        ({'fitting_loss': [1]}, "'fitting_loss' must be a dictionary.*list"),
        (fit_of('low'), "'reprojection_loss' .*one number.*low.*=None"),
    ],
)
def test_losses_that_cannot_be_read(build, extra_info, message):
    with pytest.raises(AnnotationError, match=message):
        build(single(extra_info=extra_info))
    assert len(build(single(extra_info=extra_info), max_fitting_loss=None)) == 1


def test_wrong_limits_and_nobody_left(build):
    with pytest.raises(ValueError, match='max_beta must be at least 0, or None.*-3'):
        build(single(), max_beta=-3)
    with pytest.raises(AnnotationError, match='0 people.*than 9 keyp.*min_keypoints='):
        build(single(), min_keypoints=9)
