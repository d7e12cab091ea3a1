"""Labels that nobody can score end a run before it begins."""

from types import SimpleNamespace

import numpy as np
import pytest
from torch.utils.data import ConcatDataset

from deforhmr_mm.datasets import HMRDataset
from deforhmr_mm.engine import ScorableLabelsHook
from deforhmr_mm.evaluation import MeshMetric, UnscorableLabelsError
from tests.built_loop import BuiltLoop
from tests.toy_body import ToyBody


@pytest.fixture
def people(tmp_path):
    """Make a data set of two people, without pictures, that has such labels."""

    def make(name, **labels):
        path = tmp_path / f'{name}.npz'
        np.savez(
            path,
            imgname=np.array(['no/1.jpg', 'no/2.jpg']),
            center=np.full((2, 2), 50.0),
            scale=np.ones(2),
            part=np.ones((2, 24, 3)),
            **labels,
        )
        return HMRDataset(str(path))

    return make


JOINTS = dict(S=np.ones((2, 24, 4)))
POSED = dict(pose=np.zeros((2, 72)), shape=np.zeros((2, 10)))


def check(**loops):
    names = ('_train_loop', '_val_loop', '_test_loop')
    ScorableLabelsHook().before_run(SimpleNamespace(**dict.fromkeys(names) | loops))


@pytest.mark.parametrize('name', ['_val_loop', '_test_loop'])
def test_labels_that_can_be_scored(people, name):
    keypoints, joints = people('keypoints'), people('joints', **JOINTS)
    metric = MeshMetric(ToyBody())
    for dataset in (
        joints,
        people('posed', **POSED),
        ConcatDataset([keypoints, joints]),
    ):
        check(**{name: BuiltLoop(dataset, object(), metric)})
    with pytest.raises(
        UnscorableLabelsError, match='none of 2 samples has SMPL labels'
    ):
        check(**{name: BuiltLoop(keypoints, object(), metric)})
    with pytest.raises(UnscorableLabelsError, match='none of 4 samples'):
        check(**{name: BuiltLoop(ConcatDataset([keypoints, keypoints]), metric)})


def test_genders_are_asked_for(people):
    bodies = dict(male=ToyBody(), female=ToyBody())
    metric = MeshMetric(ToyBody(), protocol='3dpw', gendered_body_models=bodies)
    posed = people('posed', **POSED)
    check(
        _val_loop=BuiltLoop(
            people('known', **POSED, gender=np.array(['m', 'f'])), metric
        )
    )
    with pytest.raises(
        UnscorableLabelsError, match="none of 2 people has one.*'gender'"
    ):
        check(_val_loop=BuiltLoop(posed, metric))


def test_what_is_not_evaluated_or_not_at_hand_is_not_looked_at(people):
    keypoints, metric = people('keypoints'), MeshMetric(ToyBody())
    check(
        _train_loop=BuiltLoop(keypoints),
        _val_loop=dict(),
        _test_loop=BuiltLoop(keypoints),
    )
    cache = SimpleNamespace(cache='features')
    check(_test_loop=BuiltLoop(cache, metric), _val_loop=BuiltLoop(keypoints, object()))
    check(_test_loop=BuiltLoop(ConcatDataset([keypoints, [cache]]), metric))
