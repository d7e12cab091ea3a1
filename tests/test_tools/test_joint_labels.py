"""Tests and trainings on people whose labels are joints alone, or nothing to score."""

import json

import numpy as np
import pytest

from deforhmr_mm.structures import get_keypoint_set

SPIN24 = get_keypoint_set('spin24')
LIMBS = SPIN24.names[:12]
VALIDATED = """
_base_ = ['./whole.py']
train_dataloader = dict(dataset=dict(ann_file='lost.npz'))
val_dataloader = {{_base_.test_dataloader}}
val_evaluator = {{_base_.test_evaluator}}
val_cfg = dict()
"""


@pytest.fixture
def labels(frozen_workplace):
    """Write an annotation file of the workplace's pictures: labels('x.npz', ...)."""

    def write(name, **columns):
        with np.load(frozen_workplace / 'train.npz') as file:
            kept = {key: file[key] for key in ('imgname', 'center', 'scale')}
        part = np.full((len(kept['scale']), 24, 3), 60.0)
        np.savez(frozen_workplace / name, **{**kept, 'part': part, **columns})
        return f'test_dataloader.dataset.ann_file={name}'

    return write


def test_joints_alone_are_scored(labels, frozen_tool, frozen_workplace):
    rng = np.random.default_rng(0)
    joints = np.zeros((8, 24, 4))
    joints[:, list(SPIN24.indices(LIMBS))] = rng.normal(0, 0.3, (8, 12, 4))
    joints[:, list(SPIN24.indices(LIMBS)), 3] = 1
    joints[0, :, 3] = 0
    option = labels('joints.npz', S=joints)
    arguments = ('whole.py', 'whole.pth', '--out', 'joints.json', '--cfg-options')
    result = frozen_tool('test', *arguments, option)
    assert result.returncode == 0, result.stderr
    line = 'on 7 bodies, 1 without SMPL labels or enough joints left out; millimetres'
    assert line in result.stdout
    content = json.loads((frozen_workplace / 'joints.json').read_text())
    assert list(content) == ['MPJPE', 'PA-MPJPE', 'PCK@150', 'AUC', 'protocol']
    assert 150 < content['PA-MPJPE'] < content['MPJPE'] < 1500
    assert 'all bodies by their labelled joints alone: 12 of' in content['protocol']
    assert content['protocol'] in result.stdout


def test_nothing_to_score_is_told_before_the_test(labels, frozen_tool, one_line_error):
    # There is no such picture: the test would end there.
    option = labels('keypoints.npz', imgname=np.array(['no.png'] * 8))
    arguments = ('whole.py', 'whole.pth', '--out', 'never.json', '--cfg-options')
    result = frozen_tool('test', *arguments, option)
    one_line_error(result, 'none of 8 samples has SMPL labels', 'nothing to score')


def test_a_training_ends_before_its_first_step(
    labels, frozen_tool, frozen_workplace, one_line_error
):
    labels('keypoints.npz')
    # There are no such pictures: the first step would end there.
    labels('lost.npz', imgname=np.array(['no.png'] * 8))
    (frozen_workplace / 'unscored.py').write_text(VALIDATED)
    option = 'val_dataloader.dataset.ann_file=keypoints.npz'
    arguments = ('unscored.py', '--work-dir', 'never', '--cfg-options', option)
    result = frozen_tool('train', *arguments)
    one_line_error(result, 'none of 8 samples has SMPL labels')


def test_gendered_labels_without_a_gender(labels, frozen_tool, one_line_error):
    poses = dict(pose=np.zeros((8, 72)), shape=np.zeros((8, 10)))
    option = labels('posed.npz', imgname=np.array(['no.png'] * 8), **poses)
    body = 'test_evaluator.gendered_body_models.{}.type=SMPL'
    result = frozen_tool(
        *('test', 'whole.py', 'whole.pth', '--cfg-options', option),
        *('test_evaluator.protocol=3dpw', body.format('male'), body.format('female')),
    )
    one_line_error(result, 'none of 8 people has one', "column 'gender'")
