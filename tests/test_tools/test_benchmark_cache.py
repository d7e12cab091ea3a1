"""What benchmark_cache.py prints."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'benchmark_cache.py'
CONFIG = ROOT / 'configs' / 'deforhmr' / 'deforhmr_vit-tiny_openbody-256x192.py'


def test_the_arithmetic():
    tool = runpy.run_path(str(TOOL))
    times = tool['Times'](
        encoder=[9.0, 8.0, 100.0],
        head=[1.0, 1.0, 3.0],
        cached=[1.2, 1.25, 1.3],
        waiting=[0.1, 0.05, 0.0],
    )
    assert tool['report'](times, 8) == [
        'encoder 9000.0 ms, head 1000.0 ms, from the cache 1250.0 ms a step of 8, '
        'medians of 3, 3 and 3 runs',
        'speed-up 8.00 of an ideal 10.00: 80.0 % reached',
        'waiting for data: 4.0 % of a step',
    ]


def test_the_clock_waits_for_the_device_that_works(monkeypatch):
    waited = []
    monkeypatch.setattr('torch.cuda.synchronize', waited.append)
    stopwatch = runpy.run_path(str(TOOL))['Stopwatch']
    assert stopwatch('cpu')() >= 0 and not waited
    assert stopwatch('cuda:1')() >= 0
    assert [str(device) for device in waited] == ['cuda:1']


@pytest.mark.parametrize('workers', [0, 1])
def test_three_times_from_one_run(monkeypatch, capsys, workers):
    arguments = f'--batch-size 2 --rounds 2 --steps 3 --num-workers {workers}'
    options = 'model.head.num_layers=1 model.backbone.arch.depth=1'
    command = [TOOL, CONFIG, *arguments.split(), '--cfg-options', *options.split()]
    monkeypatch.setattr('sys.argv', [str(part) for part in command])
    runpy.run_path(str(TOOL))['main']()
    out = capsys.readouterr().out
    assert 'medians of 2, 6 and 6 runs' in out
    encoder, head, cached = (
        float(re.search(rf'{name} ([\d.]+) ms', out).group(1))
        for name in ('encoder', 'head', 'from the cache')
    )
    reached, waiting = (float(x) for x in re.findall(r'([\d.]+) %', out))
    assert encoder > 0
    assert reached == pytest.approx(100 * head / cached, rel=0.02)
    assert 0 <= waiting < 100
