"""Bodies of the model, the labels and the metrics are compared before a run."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

from deforhmr_mm.engine import SameBodyHook
from deforhmr_mm.evaluation import MeshMetric
from deforhmr_mm.models import BodyMismatchError
from deforhmr_mm.registry import MODELS
from tests.built_loop import BuiltLoop
from tests.tiny_estimator import CONFIG
from tests.toy_body import ToyBody


@pytest.fixture(scope='module')
def model():
    return MODELS.build(CONFIG)


@pytest.fixture
def warnings():
    seen = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: seen.append(record.getMessage())
    MMLogger.get_current_instance().addHandler(handler)
    yield seen
    MMLogger.get_current_instance().removeHandler(handler)


def labels_of(fingerprint, has_pose=True):
    columns = SimpleNamespace(has_pose=np.array([has_pose]), has_betas=np.zeros(1))
    meta = dict(body_fingerprint=fingerprint)
    return SimpleNamespace(dataset_name='people', metainfo=meta, labels=columns)


def check(model, **loops):
    names = ('_train_loop', '_val_loop', '_test_loop')
    runner = SimpleNamespace(model=model, **dict.fromkeys(names) | loops)
    SameBodyHook().before_run(runner)


def test_one_body_passes_in_silence(model, warnings):
    labels = labels_of(model.body_model.fingerprint)
    loop = BuiltLoop(labels, MeshMetric(), object())
    # Loops that are not built are still configs.
    check(model, _train_loop=BuiltLoop(labels), _val_loop=loop, _test_loop=dict())
    assert warnings == []


@pytest.mark.parametrize('loop', ['_train_loop', '_val_loop', '_test_loop'])
def test_labels_of_another_body(model, loop):
    inside = SimpleNamespace(
        datasets=[labels_of(model.body_model.fingerprint), labels_of('feedfeed')]
    )
    with pytest.raises(BodyMismatchError, match='labels of people .* body feedfeed.*'):
        check(model, **{loop: BuiltLoop(SimpleNamespace(dataset=inside))})


def test_a_metric_of_another_body(model):
    loop = BuiltLoop(labels_of(None), MeshMetric(ToyBody()))
    with pytest.raises(BodyMismatchError, match='MeshMetric has the body .*evaluator'):
        check(model, _val_loop=loop)


def test_labels_of_a_gendered_body(model):
    metric = MeshMetric()
    metric.truth_bodies['male'] = SimpleNamespace(fingerprint='a man')
    check(model, _test_loop=BuiltLoop(labels_of('a man'), metric))
    with pytest.raises(BodyMismatchError, match='body a man'):
        check(model, _train_loop=BuiltLoop(labels_of('a man')))


def test_labels_that_do_not_say(model, warnings):
    check(model, _train_loop=BuiltLoop(labels_of(None, has_pose=False)))
    assert warnings == []
    check(model, _train_loop=BuiltLoop(labels_of(None)))
    (line,) = warnings
    assert 'the labels of people do not say' in line and 'your SMPL file' in line


def test_smpl_labels_do_not_say_and_need_not(model, warnings, monkeypatch):
    monkeypatch.setattr(model.body_model, 'body_name', 'SMPL_NEUTRAL')
    check(model, _train_loop=BuiltLoop(labels_of(None)))
    assert warnings == []


def test_other_models_are_not_looked_at():
    check(torch.nn.Identity(), _train_loop=BuiltLoop(labels_of('feedfeed')))
