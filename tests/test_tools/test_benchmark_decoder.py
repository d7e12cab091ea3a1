"""What benchmark_decoder.py prints."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

TOOL = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'benchmark_decoder.py'
CONFIG = """
default_scope = 'deforhmr_mm'
model = dict(head=dict(type='DeforHMRHead', in_channels=16, feat_size=(4, 3),
    num_layers=1, embed_dims=16, num_heads=2, head_dims=8, ffn_dims=16,
    mean_params='no.npz', cross_attention=dict(num_groups=2)))
"""


@pytest.mark.parametrize(
    ('flags', 'mode'), [([], 'forward'), (['--train'], 'forward and backward')]
)
def test_both_ways_are_timed(tmp_path, monkeypatch, capsys, flags, mode):
    path = tmp_path / 'tiny.py'
    path.write_text(CONFIG)
    arguments = [TOOL, path, '--batch-size', 1, '--repeats', 2, '--device', 'cpu']
    monkeypatch.setattr('sys.argv', [str(part) for part in [*arguments, *flags]])
    runpy.run_path(str(TOOL))['main']()
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f'1 layers, {mode} on cpu, medians of 2 runs')
    times = r'batch +1: one pass +([\d.]+) ms, layer by layer +([\d.]+) ms, ratio (.*)'
    one, many, ratio = (float(part) for part in re.fullmatch(times, second).groups())
    # The times are rounded to a tenth of a millisecond.
    assert (many - 0.05) / (one + 0.05) - 0.01 <= ratio
    assert ratio <= (many + 0.05) / max(one - 0.05, 1e-3) + 0.01


def test_the_clock_waits_for_the_device_that_works(monkeypatch):
    tool = runpy.run_path(str(TOOL))
    order = []
    monkeypatch.setattr(
        'torch.cuda.synchronize', lambda device: order.append(str(device))
    )
    features = SimpleNamespace(device=torch.device('cuda:1'))
    tool['seconds'](
        lambda decoder, features: order.append('way'),
        lambda tokens, contexts: order.append('decoder'),
        features,
        None,
        train=False,
    )
    assert order == ['cuda:1', 'way', 'decoder', 'cuda:1']
