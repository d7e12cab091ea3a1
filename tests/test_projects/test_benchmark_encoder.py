"""Which encoders a benchmark takes."""

import json

import pytest
import run_benchmark
from benchmark.config_options import check_backbone
from benchmark.presets import SMALLEST, STAGE1_CONFIG, WHOLE_CONFIG
from benchmark.settings import check_settings
from mmengine.config import Config

from tests.stage1_config import STAGE1
from tests.tiny_training import ROOT

BACKBONE = "dict(type='ViT', arch=dict(embed_dims=192, depth={depth}, num_heads=3), {})"


@pytest.mark.parametrize(
    ('depth', 'more', 'fits'),
    [
        (6, 'conv_stem=[0, 1, 2, 3]', True),
        (6, 'conv_stem=(0, 1, 2, 3), drop_path_rate=0.1', True),
        (12, 'conv_stem=(0, 1, 2, 3)', False),
        (6, '', False),
    ],
)
def test_stage_1_trains_the_encoder_that_the_heads_take(
    depth, more, fits, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(ROOT)
    config = tmp_path / 'stage1.py'
    backbone = BACKBONE.format(more, depth=depth)
    config.write_text(f'{STAGE1}\nmodel = dict(backbone={backbone})\n')
    arguments = ['--dry-run', '--until', 'stage1', '--stage1-config', str(config)]
    arguments += ['--data', str(tmp_path / 'd'), '--work-dir', str(tmp_path / 'w')]
    if fits:
        run_benchmark.main(arguments)
        assert '# stage1: missing' in capsys.readouterr().out
        return
    message = f'{config.name}: model.backbone: expected that of the heads, .* got '
    with pytest.raises(SystemExit, match=message):
        run_benchmark.main(arguments)


def test_the_benchmark_s_own_config_trains_the_encoder_that_the_heads_take():
    stage1, whole = (Config.fromfile(ROOT / x) for x in (STAGE1_CONFIG, WHOLE_CONFIG))
    check_backbone(stage1, whole, STAGE1_CONFIG)


def test_an_encoder_may_be_given_by_any_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'e.pth').touch()
    found = []
    for path in ('e.pth', tmp_path / 'e.pth'):
        args = run_benchmark.parse_args(['--smallest', '--encoder', str(path)])
        found.append(run_benchmark.settings_of(args, SMALLEST))
        check_settings(tmp_path, found[-1])
    assert found[0] == found[1] and found[0]['encoder'] == 'e.pth'
    # A folder of before, whose stage 1 would have been another, had there been one.
    settings = {**SMALLEST.settings(), 'stage1_epochs': 3, 'encoder': 'some/e.pth'}
    (tmp_path / 'settings.json').write_text(json.dumps(settings))
    check_settings(tmp_path, found[0])
