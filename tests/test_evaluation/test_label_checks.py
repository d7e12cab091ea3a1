"""What labels can be scored, told from their columns."""

from types import SimpleNamespace

import numpy as np
import pytest

from deforhmr_mm.evaluation import MeshMetric, UnscorableLabelsError
from deforhmr_mm.structures import get_keypoint_set
from tests.toy_body import ToyBody

SMPL45 = get_keypoint_set('smpl45')
LIMBS = get_keypoint_set('spin24').names[:12]


def columns(has_smpl, names=(), genders=None, count=3):
    joints = np.full((count, 45, 4), np.nan, dtype=np.float32)
    joints[..., 3] = 0
    joints[:, list(SMPL45.indices(names))] = 1
    joints.flags.writeable = False
    return SimpleNamespace(
        has_smpl=np.full(count, has_smpl, dtype=np.float32),
        joints_3d=joints,
        genders=genders or ('neutral',) * count,
    )


def test_labels_are_checked_before_a_run():
    body, bodies = ToyBody(), dict(male=ToyBody(), female=ToyBody())
    auto, joints, smpl = (
        MeshMetric(body, truth=truth) for truth in ('auto', 'joints', 'smpl')
    )
    nothing, alone, posed = columns(0), columns(0, LIMBS), columns(1)
    few = columns(0, ('left_hip', 'right_hip', 'left_knee'))
    for metric, good, bad in (
        (auto, (alone, posed), (nothing, few)),
        (joints, (alone,), (nothing, few, posed)),
        (smpl, (posed,), (nothing, few, alone)),
    ):
        for labels in good:
            metric.check_labels([labels])
            metric.check_labels([nothing, labels])
        for labels in bad:
            with pytest.raises(UnscorableLabelsError, match='none of 6 samples has'):
                metric.check_labels([labels, nothing])
    gendered = MeshMetric(body, protocol='3dpw', gendered_body_models=bodies)
    gendered.check_labels([alone])
    for labels in ([posed], [alone, posed]):
        with pytest.raises(UnscorableLabelsError, match='none of 3 people has one'):
            gendered.check_labels(labels)
    gendered.check_labels([columns(1, genders=('neutral', 'neutral', 'female'))])
    MeshMetric(body, protocol='3dpw', gendered_truth=False).check_labels([posed])
