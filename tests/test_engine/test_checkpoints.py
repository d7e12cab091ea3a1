import argparse
import os
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from torch import nn

from deforhmr_mm.engine.checkpoints import (
    CheckpointError,
    check_checkpoint_fits,
    load_checkpoint_safely,
)

ROOT = Path(__file__).resolve().parents[2]


def model(width=4):
    return nn.Sequential(nn.Linear(3, width), nn.Linear(width, 2))


@pytest.fixture
def save(tmp_path):
    def call(content, name='model.pth', **kwargs):
        torch.save(content, tmp_path / name, **kwargs)
        return tmp_path / name

    return call


class RunsCode:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


class ReachesOut:
    """Pickled as getattr(HistoryBuffer, '__init__'), as a way to other attributes."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


@pytest.mark.parametrize('zipped', [True, False])
def test_what_mmengine_writes_can_be_opened(save, zipped):
    buffer = HistoryBuffer([1.0, 2.0], [1, 1])
    hub = {'log_scalars': {'train/loss': buffer}, 'runtime_info': {'lr': np.float64(3)}}
    content = {'state_dict': model().state_dict(), 'message_hub': hub}
    path = save(content, _use_new_zipfile_serialization=zipped)
    loaded = load_checkpoint_safely(path)
    again = loaded['message_hub']
    assert again['log_scalars']['train/loss'].mean() == 1.5
    assert again['runtime_info']['lr'] == 3
    torch.testing.assert_close(
        loaded['state_dict']['0.weight'], content['state_dict']['0.weight']
    )


def test_code_is_not_run(save, tmp_path):
    target = tmp_path / 'made_by_the_pickle'
    path = save({'state_dict': {}, 'extra': RunsCode(target)})
    with pytest.raises(
        CheckpointError, match='model.pth cannot be opened safely.*mkdir'
    ):
        load_checkpoint_safely(path)
    assert not target.exists()


@pytest.mark.parametrize('zipped', [True, False])
def test_another_project_s_settings_are_named_with_the_way(save, zipped):
    """As ViTPose's .pth and Lightning's .ckpt hold them."""
    content = {'state_dict': {}, 'args': argparse.Namespace(lr=1)}
    path = save(content, 'vitpose.pth', _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint_safely(path)
    text = str(error.value)
    assert 'vitpose.pth cannot be opened safely: it holds argparse.Namespace,' in text
    for script in ('hmr2', 'vitpose'):
        name = f'tools/model_converters/{script}.py'
        assert name in text and (ROOT / name).is_file()
    # What torch says to whoever trusts the file.
    assert not re.search('add_safe_globals|allowlist|trust|weights_only', text)


def test_getattr_reaches_only_the_log_s_statistics(save):
    path = save({'state_dict': {}, 'extra': ReachesOut()})
    with pytest.raises(CheckpointError, match='getattr.*__init__'):
        load_checkpoint_safely(path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'not a readable checkpoint'),
        (b'hello', 'safely|not a readable'),
        (pickle.dumps({'state_dict': {}}), 'safely|not a readable'),
    ],
)
def test_other_files(tmp_path, content, message):
    path = tmp_path / 'file.pth'
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f'file.pth.*({message})'):
        load_checkpoint_safely(path)


def test_missing_cut_and_empty(save, tmp_path):
    with pytest.raises(FileNotFoundError, match='no.pth does not exist'):
        load_checkpoint_safely(tmp_path / 'no.pth')
    path = save({'state_dict': model().state_dict()})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(CheckpointError, match='not a readable checkpoint'):
        load_checkpoint_safely(path)
    for content in ({'weights': {}}, [1, 2], torch.zeros(3)):
        with pytest.raises(CheckpointError, match='state_dict'):
            load_checkpoint_safely(save(content))


def test_a_checkpoint_of_this_model_fits(save):
    check_checkpoint_fits(model(), save({'state_dict': model().state_dict()}))


def test_a_checkpoint_of_another_model(save):
    path = save({'state_dict': model(5).state_dict()})
    with pytest.raises(CheckpointError) as error:
        check_checkpoint_fits(model(), path)
    text = str(error.value)
    assert '3 of another shape' in text and '0.weight ((5, 3), not (4, 3))' in text

    path = save({'state_dict': nn.Linear(3, 4).state_dict()})
    with pytest.raises(CheckpointError, match='4 missing.*2 left over'):
        check_checkpoint_fits(model(), path)
