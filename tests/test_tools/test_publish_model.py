"""Checkpoints to hand out."""

import runpy
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def publish(monkeypatch):
    def call(*arguments):
        monkeypatch.setattr('sys.argv', ['publish_model', *map(str, arguments)])
        runpy.run_path(str(ROOT / 'tools/misc/publish_model.py'))['main']()

    return call


def test_weights_and_plain_facts_are_left(publish, tmp_path, capsys):
    weights = {'a.weight': torch.rand(3), 'a.steps': torch.tensor(7)}
    meta = dict(epoch=4, seed=2, experiment_name='x', cfg='...')
    path = tmp_path / 'in.pth'
    torch.save(dict(state_dict=weights, meta=meta, optimizer={}), path)
    publish(path, tmp_path / 'out.pth')
    stored = torch.load(tmp_path / 'out.pth', weights_only=True)
    assert set(stored) == {'state_dict', 'meta'}
    assert stored['meta'] == dict(epoch=4, seed=2, experiment_name='x')
    assert stored['state_dict']['a.weight'].equal(weights['a.weight'].half())
    assert stored['state_dict']['a.steps'] == 7
    assert 'sha256' in capsys.readouterr().out
    publish(path, tmp_path / 'out.pth', '--precision', 'fp32')
    stored = torch.load(tmp_path / 'out.pth', weights_only=True)
    assert stored['state_dict']['a.weight'].equal(weights['a.weight'])


def test_a_missing_file_is_one_line(publish, tmp_path, capsys):
    with pytest.raises(SystemExit):
        publish(tmp_path / 'no.pth', tmp_path / 'out.pth')
    error = capsys.readouterr().err
    assert 'no.pth' in error and 'Traceback' not in error
    assert not (tmp_path / 'out.pth').exists()
