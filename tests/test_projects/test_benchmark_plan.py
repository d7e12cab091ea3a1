"""Which commands the benchmark consists of, and what their options are."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import run_benchmark
import torch
from benchmark.commands import as_typed, launched
from benchmark.config_options import as_arguments
from benchmark.places import Places
from benchmark.plan import PHASES, Machine, Plan
from benchmark.presets import (
    FULL,
    SMALLEST,
    STAGE1_CONFIG,
    VARIANT_CONFIGS,
    Preset,
)
from benchmark.step import State
from mmengine.config import Config

from deforhmr_mm.engine.feature_cache import weights_fingerprint
from tests.stage1_config import STAGE1

ROOT = Path(__file__).parents[2]
TINY = Preset(
    name='open_body_v1_tiny',
    people={'train': 7, 'val': 2, 'test': 3, 'test_occluded': 1},
    variants=('deforhmr', 'hmr2'),
    seeds=(0, 5),
    views=3,
    stage1_epochs=4,
    stage2_epochs=5,
    stage2_options={'custom_hooks.0.momentum': 0.1},
)


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = tmp_path / 'stage1.py'
    config.write_text(STAGE1)

    def make(**options):
        places = Places(tmp_path / 'd', tmp_path / 'f', tmp_path / 'w', TINY.name)
        machine = Machine(cores=4, processes=2, jobs=3, readers=1, workers=5)
        return Plan(TINY, places, machine, stage1_config=str(config), **options)

    return make


def trained(folder, epoch):
    """The files of a training that has been validated in the end."""
    log = folder / '20260101_000000/vis_data/scalars.json'
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(f'{{"PA-MPJPE": 1.0, "step": {epoch}}}\n')
    (folder / f'epoch_{epoch}.pth').touch()


def steps_of(plan):
    return {step.name: step for group in plan.groups() for step in group.steps}


def typed(plan, name, folder):
    """The step's command with the test's folder as T."""
    return as_typed(steps_of(plan)[name].command).replace(str(folder), 'T')


def test_phases_come_in_order_and_share_the_cores(plan):
    groups = plan().groups()
    assert [group.phase for group in groups] == list(PHASES)
    shares = {group.phase: (group.jobs, group.threads) for group in groups}
    assert shares['stage1'] == shares['features'] == (1, 2)
    assert shares['mean_body'] == shares['stage2'] == shares['test'] == (3, 1)


def test_a_head_that_is_alone_has_its_neighbours_cores(plan):
    machine = Machine(cores=4, processes=2, jobs=2)
    preset = replace(TINY, variants=('deforhmr',), seeds=(0,))
    groups = Plan(preset, plan().places, machine).groups()
    shares = {group.phase: (group.jobs, group.threads) for group in groups}
    assert shares['stage2'] == (2, 2)
    assert shares['mean_body'] == (2, 1)


def test_heads_that_are_done_take_no_cores(plan, tmp_path):
    machine = Machine(cores=4, processes=2, jobs=2)
    preset = replace(TINY, seeds=(0,))
    done = tmp_path / 'w/mean_body/test.json'
    done.parent.mkdir(parents=True)
    done.touch()
    trained(tmp_path / 'w/stage2/hmr2/seed0', 5)
    groups = Plan(preset, plan().places, machine).groups()
    shares = {group.phase: (group.jobs, group.threads) for group in groups}
    assert shares['mean_body'] == shares['stage2'] == (2, 2)
    assert shares['test'] == (2, 1)


def test_every_step_has_its_name(plan):
    assert list(steps_of(plan())) == [
        'data',
        'stage1',
        'features/train',
        'features/val',
        'features/test',
        'features/test_occluded',
        'mean_body/test',
        'mean_body/test_occluded',
        'stage2/deforhmr/seed0',
        'stage2/hmr2/seed0',
        'stage2/deforhmr/seed5',
        'stage2/hmr2/seed5',
        'test/deforhmr/seed0/test',
        'test/deforhmr/seed0/test_occluded',
        'test/hmr2/seed0/test',
        'test/hmr2/seed0/test_occluded',
        'test/deforhmr/seed5/test',
        'test/deforhmr/seed5/test_occluded',
        'test/hmr2/seed5/test',
        'test/hmr2/seed5/test_occluded',
        'model',
        'tables',
    ]


def test_commands(plan, tmp_path):
    configs = 'configs/open_body'
    whole = f'{configs}/deforhmr_vit-tiny_frozen_openbody-v1-256x192.py'
    head = 'T/w/stage2/hmr2/seed5'
    launch = 'python -m torch.distributed.run --standalone --nproc_per_node=2'
    expected = {
        'data': 'python projects/open_body/synthesize_v1.py --out T/d --workers 5 '
        '--people train=7 val=2 test=3 test_occluded=1',
        'stage1': f'{launch} tools/train.py T/stage1.py --work-dir T/w/stage1 --resume '
        '--amp --cfg-options train_dataloader.dataset.data_root=T/d/ '
        'val_dataloader.dataset.data_root=T/d/ val_evaluator.ann_file=T/d/coco_val.json'
        ' train_cfg.max_epochs=4 train_cfg.val_interval=4 param_scheduler.1.end=4 '
        "'param_scheduler.1.milestones=[3,4]' --launcher pytorch",
        'features/train': f'{launch} tools/cache_features.py {whole} '
        'T/w/stage1/epoch_4.pth --out T/f/openbody-v1_tiny_train --split train '
        '--views 3 --num-workers 1 --cfg-options '
        'train_dataloader.dataset.data_root=T/d/ --launcher pytorch',
        'features/test_occluded': f'{launch} tools/cache_features.py {whole} '
        'T/w/stage1/epoch_4.pth --out T/f/openbody-v1_tiny_test_occluded --split test '
        '--views 1 --num-workers 1 --cfg-options '
        'test_dataloader.dataset.data_root=T/d/ '
        'test_dataloader.dataset.ann_file=annotations/test_occluded.npz '
        '--launcher pytorch',
        'mean_body/test': f'python tools/analysis_tools/mean_body.py {whole} --split '
        'test --out T/w/mean_body/test.json --cfg-options '
        'train_dataloader.dataset.data_root=T/d/ '
        'test_dataloader.dataset.data_root=T/d/',
        'stage2/hmr2/seed5': 'python tools/train.py '
        f'{configs}/hmr2_vit-tiny_cached_openbody-v1.py --work-dir {head} --resume '
        '--cfg-options train_dataloader.dataset.cache_dir=T/f/openbody-v1_tiny_train '
        'val_dataloader.dataset.cache_dir=T/f/openbody-v1_tiny_val '
        'train_cfg.max_epochs=5 param_scheduler.1.T_max=5 randomness.seed=5 '
        'custom_hooks.0.momentum=0.1',
        'test/hmr2/seed5/test_occluded': 'python tools/test.py '
        f'{configs}/hmr2_vit-tiny_cached_openbody-v1.py {head}/epoch_5.pth --out '
        f'{head}/metrics/test_occluded.json --work-dir '
        f'{head}/metrics/logs/test_occluded --cfg-options '
        'test_dataloader.dataset.cache_dir=T/f/openbody-v1_tiny_test_occluded',
        'model': 'python tools/misc/merge_backbone.py '
        'T/w/stage2/deforhmr/seed0/epoch_5.pth T/w/model.pth --encoder '
        'T/w/stage1/epoch_4.pth',
        'tables': 'python tools/analysis_tools/summarize_runs.py T/w/stage2 '
        '--mean-body T/w/mean_body --splits test test_occluded --out T/w/tables.md '
        '--curves T/w/curves.png',
    }
    assert {name: typed(plan(), name, tmp_path) for name in expected} == expected


def test_every_script_and_config_is_there(plan):
    for step in steps_of(plan()).values():
        for word in step.command:
            if word.startswith(('tools/', 'configs/', 'projects/')):
                assert Path(word).is_file()
    for path in VARIANT_CONFIGS.values():
        assert (ROOT / path).is_file()


def test_an_encoder_takes_the_place_of_stage_1(plan, tmp_path):
    steps = steps_of(plan(encoder=tmp_path / 'vitpose.pth'))
    assert 'stage1' not in steps
    assert str(tmp_path / 'vitpose.pth') in steps['features/train'].command
    assert steps['model'].command[-1] == str(tmp_path / 'vitpose.pth')


def test_states_follow_the_files(plan, tmp_path):
    def state(name):
        return steps_of(plan())[name].state

    assert state('stage2/hmr2/seed0') is State.MISSING
    folder = tmp_path / 'w/stage2/hmr2/seed0'
    folder.mkdir(parents=True)
    (folder / 'epoch_4.pth').touch()
    assert state('stage2/hmr2/seed0') is State.STOPPED
    (folder / 'epoch_5.pth').touch()
    # The checkpoint is written before the last validation.
    assert state('stage2/hmr2/seed0') is State.STOPPED
    trained(folder, 5)
    assert state('stage2/hmr2/seed0') is State.DONE
    assert state('stage2/hmr2/seed5') is State.MISSING
    (tmp_path / 'w/tables.md').touch()
    assert state('tables') is not State.DONE


def test_the_model_is_the_first_seed_s(plan, tmp_path):
    def save(path, seed):
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({'state_dict': {}, 'meta': {'seed': seed}}, path)

    heads = tmp_path / 'w/stage2/deforhmr'
    for seed in TINY.seeds:
        save(heads / f'seed{seed}/epoch_5.pth', seed)
    save(tmp_path / 'w/model.pth', 5)
    assert steps_of(plan())['model'].state is State.MISSING
    save(tmp_path / 'w/model.pth', 0)
    assert steps_of(plan())['model'].state is State.DONE


def test_sources_are_what_is_there_of_data_and_encoder(plan, tmp_path):
    assert plan().sources() == {}
    splits = {
        split: {'people': number, 'annotations': f'sum {number}'}
        for split, number in TINY.people.items()
    }
    (tmp_path / 'd/annotations').mkdir(parents=True)
    for split, number in TINY.people.items():
        np.savez(tmp_path / f'd/annotations/{split}.npz', scale=np.ones(number))
    (tmp_path / 'd/manifest.json').write_text(json.dumps({'splits': splits}))
    encoder = tmp_path / 'encoder.pth'
    torch.save({'state_dict': {'backbone.proj.weight': torch.ones(2)}}, encoder)
    assert plan(encoder=encoder).sources() == {
        'labels of train': 'sum 7',
        'labels of val': 'sum 2',
        'labels of test': 'sum 3',
        'labels of test_occluded': 'sum 1',
        'encoder': weights_fingerprint({'proj.weight': torch.ones(2)}),
    }


def test_presets():
    assert sum(FULL.people.values()) == 70000
    assert FULL.seeds == (0, 1, 2) and len(FULL.variants) == 10
    assert set(SMALLEST.people) == set(FULL.people)
    assert SMALLEST.variants == ('deforhmr',)
    assert SMALLEST.test_splits == (
        'test',
        'test_occluded',
        'test_truncated',
        'test_rare_poses',
        'test_extreme_views',
    )


def test_the_presets_shorten_what_the_configs_have():
    """Warm-up and averaging lie where the presets change them, in both stages."""
    for path in (STAGE1_CONFIG, *VARIANT_CONFIGS.values()):
        config = Config.fromfile(ROOT / path)
        assert config.custom_hooks[0].type == 'EMAHook'
        assert config.param_scheduler[0].end == 500
    shorter = {'param_scheduler.0.end': 100, 'custom_hooks.0.momentum': 0.05}
    assert SMALLEST.stage1_options == SMALLEST.stage2_options == shorter


def test_a_dry_run_shows_what_the_arguments_ask_for(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    (tmp_path / 'e.pth').touch()
    places = ['--data', tmp_path / 'd', '--features', tmp_path / 'f']
    places += ['--work-dir', tmp_path / 'w', '--encoder', tmp_path / 'e.pth']
    size = [
        '--seeds',
        4,
        5,
        '--variants',
        'regular',
        '--people',
        'train=9',
        '--views',
        2,
    ]
    size += ['--stage2-epochs', 1, '--until', 'stage2', '--jobs', 2]
    run_benchmark.main(['--smallest', '--dry-run', *map(str, places + size)])
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if line.startswith('# ')]
    assert (
        heads[0] == '# data: missing' and heads[-1] == '# stage2/regular/seed5: missing'
    )
    assert ' train=9 val=500 ' in lines[1]
    assert lines[-1].startswith('OMP_NUM_THREADS=1 python tools/train.py ')
    assert 'param_scheduler.1.T_max=1 randomness.seed=5' in lines[-1]
    assert [path.name for path in tmp_path.iterdir()] == ['e.pth']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--people', 'tset=3'], 'SPLIT=NUMBER'),
        (['--jobs', '0'], "expected 1 or more, got '0'"),
        (['--readers', '-1'], "expected 0 or more, got '-1'"),
        (['--seeds', '0', '-1'], "expected 0 or more, got '-1'"),
        (['--variants', 'hmr'], 'invalid choice'),
        (['--stage1-config', 'no.py'], 'no.py does not exist'),
        (
            ['--data', 'my disk/v1'],
            '--data: expected a path without',
        ),
        (['--work-dir', 'a,b'], '--work-dir: expected a path'),
        (['--seeds', '0', '0'], '--seeds: expected each once, got 0 0'),
        (['--variants', 'hmr2', 'hmr2'], '--variants: expected each once, got hmr2'),
        (
            ['--encoder', 'no.pth'],
            "error: --encoder: expected a checkpoint, got 'no.pth', which is no file",
        ),
        *[
            (
                ['--encoder', __file__, *more],
                f'{more[0]}: of no effect beside --encoder',
            )
            for more in (['--stage1-config', 'c.py'], ['--stage1-epochs', '3'])
        ],
        (['--encoder', __file__, '--no-amp'], '--amp: of no effect beside --encoder'),
    ],
)
def test_impossible_arguments_are_refused(arguments, message, tmp_path, capsys):
    # A dry run: if it were not refused, it would render.
    with pytest.raises(SystemExit) as stop:
        run_benchmark.main(['--work-dir', str(tmp_path / 'w'), '--dry-run', *arguments])
    assert message in f'{stop.value} {capsys.readouterr().err}'
    assert not (tmp_path / 'w').exists()


def test_there_is_a_gpu_for_each_process(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    run_benchmark.check_processes(3)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    run_benchmark.check_processes(2)
    with pytest.raises(SystemExit, match='--procs: expected at most 2, .*got 3'):
        run_benchmark.main(['--procs', '3', '--dry-run'])


def test_command_lines(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert as_typed(launched('tools/train.py', 1, 'c.py', 'a=[1]')) == (
        "python tools/train.py c.py 'a=[1]'"
    )
    assert as_typed(['cp', "a'b"]) == """cp 'a'"'"'b'"""
    assert as_arguments({}) == []
    assert as_arguments({'a.b': 1, 'c': 'd/'}) == ['--cfg-options', 'a.b=1', 'c=d/']
