"""Which commands the benchmark consists of, and what their options are."""

from dataclasses import replace
from pathlib import Path

import pytest
import run_benchmark
from benchmark.commands import as_typed, launched
from benchmark.config_options import (
    as_arguments,
    batch_options,
    data_options,
    length_options,
    own_epochs,
)
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

ROOT = Path(__file__).parents[2]
STAGE1 = """
data_root = 'data/open_body_v1/'
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=5)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=100, by_epoch=False),
    dict(type='MultiStepLR', end=20, milestones=[15, 19], by_epoch=True),
]
auto_scale_lr = dict(base_batch_size=64)
train_dataloader = dict(
    batch_size=32, dataset=dict(data_root=data_root, ann_file='coco_train.json'))
val_dataloader = dict(
    batch_size=32, dataset=dict(data_root=data_root, ann_file='coco_val.json'))
val_evaluator = dict(type='CocoMetric', ann_file=data_root + 'coco_val.json')
"""
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
    whole = f'{configs}/deforhmr_vit-tiny_openbody-v1-256x192.py'
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
    assert state('stage2/hmr2/seed0') is State.DONE
    assert state('stage2/hmr2/seed5') is State.MISSING
    (tmp_path / 'w/tables.md').touch()
    assert state('tables') is not State.DONE


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
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--people', 'tset=3'], 'SPLIT=NUMBER'),
        (['--jobs', '0'], "expected 1 or more, got '0'"),
        (['--variants', 'hmr'], 'invalid choice'),
        (['--stage1-config', 'no.py', '--dry-run'], 'no.py does not exist'),
        (
            ['--data', 'my disk/v1', '--dry-run'],
            '--data: expected a path without',
        ),
        (['--work-dir', 'a,b', '--dry-run'], '--work-dir: expected a path'),
    ],
)
def test_impossible_arguments_are_refused(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run_benchmark.main(['--work-dir', str(tmp_path / 'w'), *arguments])
    assert message in f'{stop.value} {capsys.readouterr().err}'
    assert not (tmp_path / 'w').exists()


def test_data_roots_are_found_at_any_depth():
    config = dict(
        train_dataloader=dict(
            dataset=dict(datasets=[dict(data_root='a/'), dict(data_root='b/')])
        ),
        val_dataloader=dict(dataset=dict(dataset=dict(data_root='a'))),
        val_evaluator=[dict(type='M'), dict(ann_file='a/x/y.json')],
    )
    assert data_options(config, Path('b')) == {
        'train_dataloader.dataset.datasets.0.data_root': 'b/',
        'val_dataloader.dataset.dataset.data_root': 'b/',
        'val_evaluator.1.ann_file': 'b/x/y.json',
    }


def test_schedules_that_count_epochs_are_scaled():
    config = dict(
        train_cfg=dict(max_epochs=10, val_interval=2),
        param_scheduler=[
            dict(type='LinearLR', by_epoch=False, end=5),
            dict(type='LinearLR', end=1),
            dict(type='CosineAnnealingLR', begin=1, end=10, T_max=9),
        ],
    )
    assert length_options(config, 10, 10) == {}
    assert length_options(config, 10, 20) == {
        'train_cfg.max_epochs': 20,
        'param_scheduler.1.end': 2,
        'param_scheduler.2.T_max': 18,
        'param_scheduler.2.end': 20,
    }


def test_the_batch_is_dealt_out():
    config = dict(train_dataloader=dict(batch_size=32), auto_scale_lr=None)
    assert batch_options(config, 1, 'c.py') == {}
    assert batch_options(config, 4, 'c.py') == {'train_dataloader.batch_size': 8}
    config['auto_scale_lr'] = dict(base_batch_size=96)
    assert batch_options(config, 1, 'c.py') == {'train_dataloader.batch_size': 96}
    assert batch_options(config, 2, 'c.py', 32) == {'train_dataloader.batch_size': 16}
    with pytest.raises(ValueError, match='c.py: the batch of 96 .* to 5 processes'):
        batch_options(config, 5, 'c.py')


def test_a_config_without_epochs_is_refused():
    config = dict(train_cfg=dict(max_iters=100))
    with pytest.raises(ValueError, match='c.py: train_cfg.max_epochs.*got None'):
        own_epochs(config, 'c.py')


def test_command_lines(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert as_typed(launched('tools/train.py', 1, 'c.py', 'a=[1]')) == (
        "python tools/train.py c.py 'a=[1]'"
    )
    assert as_typed(['cp', "a'b"]) == """cp 'a'"'"'b'"""
    assert as_arguments({}) == []
    assert as_arguments({'a.b': 1, 'c': 'd/'}) == ['--cfg-options', 'a.b=1', 'c=d/']
