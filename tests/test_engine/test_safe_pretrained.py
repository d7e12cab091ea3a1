import pytest
import torch
from mmengine.model import BaseModule, Sequential
from mmengine.registry import DefaultScope
from torch import nn

from deforhmr_mm.engine.checkpoints import CheckpointError


class Foreign(BaseModule):
    """A module that knows nothing of this project."""

    def __init__(self, **source):
        super().__init__(init_cfg=dict(type='Pretrained', **source))
        self.layer = nn.Linear(3, 2)


@pytest.fixture
def start(tmp_path):
    """Call of init_weights in our scope: start(content, prefix) -> the module."""

    def call(content, **options):
        torch.save(content, tmp_path / 'encoder.pth')
        checkpoint = str(tmp_path / 'encoder.pth')
        # Within another module, as in an estimator.
        module = Sequential(Foreign(checkpoint=checkpoint, **options))
        with DefaultScope.overwrite_default_scope('deforhmr_mm'):
            module.init_weights()
        return module[0]

    return call


WEIGHTS = {'layer.weight': torch.ones(2, 3), 'layer.bias': torch.ones(2)}


@pytest.mark.parametrize('content', [{'state_dict': WEIGHTS}, WEIGHTS])
def test_weights_are_loaded_with_and_without_a_state_dict(start, content):
    assert (start(content).layer.weight == 1).all()


@pytest.mark.parametrize('prefix', ['backbone', 'backbone.'])
def test_a_part_of_a_model_is_loaded(start, prefix):
    whole = {f'backbone.{name}': value for name, value in WEIGHTS.items()}
    assert (start({'state_dict': whole}, prefix=prefix).layer.bias == 1).all()


def test_code_is_not_run(start, running_pickle):
    content = {'state_dict': WEIGHTS, 'extra': running_pickle}
    with pytest.raises(CheckpointError, match='encoder.pth cannot be opened safely'):
        start(content)


def test_what_is_not_there_is_named(start, tmp_path):
    with pytest.raises(CheckpointError, match=r"'head\.'.*first is 'layer\.weight'"):
        start({'state_dict': WEIGHTS}, prefix='head')
    with pytest.raises(CheckpointError, match='by their names, but a list'):
        start([1, 2])
    lost = Foreign(checkpoint=str(tmp_path / 'lost.pth'))
    with (
        DefaultScope.overwrite_default_scope('deforhmr_mm'),
        pytest.raises(FileNotFoundError, match='lost.pth does not exist'),
    ):
        lost.init_weights()
