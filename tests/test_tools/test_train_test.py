"""The command lines train.py and test.py, on a very small model."""

import json
import os
import runpy
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from mmengine.fileio import load
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from deforhmr_mm.visualization import MeshVisualizer
from tests.processes import free_port

ROOT = Path(__file__).parents[2]
MODEL = """
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.structures import InstanceData

from deforhmr_mm.registry import METRICS, MODELS


@MODELS.register_module()
class TinyModel(BaseModel):
    def __init__(self, size=4, poison_at=None, data_preprocessor=None):
        super().__init__(data_preprocessor=BaseDataPreprocessor())
        self.linear = torch.nn.Linear(3, size)
        self.out = torch.nn.Linear(size, 10)
        self.calls, self.poison_at = 0, poison_at

    def forward(self, inputs, data_samples, mode='tensor'):
        means = torch.stack(list(inputs)).float().mean(dim=(-1, -2)) / 255
        betas = self.out(self.linear(means))
        if mode == 'tensor':
            return betas
        if mode == 'predict':
            for sample, value in zip(data_samples, betas):
                sample.pred_instances = InstanceData(betas=value[None])
            return data_samples
        self.calls += 1
        target = torch.cat([sample.gt_instances.betas for sample in data_samples])
        loss = (betas - target.to(betas)).square().mean()
        factor = float('nan') if self.calls == self.poison_at else 1.0
        return {'loss_betas': factor * loss}


@METRICS.register_module()
class BetasError(BaseMetric):
    def process(self, data_batch, data_samples):
        for sample in data_samples:
            error = sample['pred_instances']['betas'] - sample['gt_instances']['betas']
            self.results.append(float(error.abs().mean()))

    def compute_metrics(self, results):
        return {'betas_error': sum(results) / len(results), 'count': len(results)}
"""
CONFIG = """
_base_ = {base!r}
custom_imports = dict(imports=['tiny_model'])
data_root = {data_root!r}
pipeline = [
    dict(type='LoadImage'),
    dict(type='RandomFlip'),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine'),
    dict(type='ColorJitter'),
    dict(type='RandomErasing'),
    dict(type='PackMeshInputs'),
]
test_pipeline = [
    dict(type='LoadImage'), dict(type='TopdownAffine'), dict(type='PackMeshInputs')
]
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    collate_fn=dict(type='mesh_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='HMRDataset', data_root=data_root, ann_file='train.npz', pipeline=pipeline
    ),
)
val_dataloader = test_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='HMRDataset', data_root=data_root, ann_file='train.npz',
        pipeline=test_pipeline, test_mode=True,
    ),
)
val_evaluator = test_evaluator = dict(type='BetasError')
model = dict(type='TinyModel')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-2))
train_cfg = dict(by_epoch=True, max_epochs=2)
val_cfg = dict()
test_cfg = dict()
randomness = dict(seed=0)
"""


@pytest.fixture(scope='module')
def workplace(tmp_path_factory):
    """A folder with 8 pictures, their labels, a model and a config."""
    folder = tmp_path_factory.mktemp('workplace')
    rng = np.random.default_rng(0)
    names = [f'{index}.jpg' for index in range(8)]
    for name in names:
        picture = np.full((120, 160, 3), rng.integers(0, 255, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / name), picture)
    np.savez(
        folder / 'train.npz',
        imgname=np.array(names),
        center=np.full((8, 2), (80.0, 60.0)),
        scale=np.full(8, 0.5),
        pose=rng.normal(0, 0.3, (8, 72)),
        shape=rng.normal(0, 1, (8, 10)),
    )
    (folder / 'tiny_model.py').write_text(MODEL)
    base = str(ROOT / 'configs' / '_base_' / 'default_runtime.py')
    config = CONFIG.format(base=base, data_root=str(folder))
    (folder / 'tiny.py').write_text(config)
    return folder


class Result(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def tool(workplace, monkeypatch, capfd):
    """Call of a tool's main() in this process: tool('train', 'tiny.py', ...)."""
    monkeypatch.chdir(workplace)
    monkeypatch.syspath_prepend(str(workplace))
    monkeypatch.delenv('DEFORHMR_DEBUG', raising=False)
    monkeypatch.setenv('LOCAL_RANK', '0')
    # mmengine keeps these for the whole process; loggers would hold closed streams.
    for kind in (MMLogger, MessageHub, DefaultScope, Visualizer, MeshVisualizer):
        monkeypatch.setattr(kind, '_instance_dict', OrderedDict())

    def call(name, *arguments):
        monkeypatch.setattr('sys.argv', [name, *map(str, arguments)])
        main = runpy.run_path(str(ROOT / 'tools' / f'{name}.py'))['main']
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code
        return Result(code, *capfd.readouterr())

    return call


def run(workplace, *command):
    """Run a command line in the workplace."""
    environment = {
        **os.environ,
        'PYTHONPATH': f'{ROOT}{os.pathsep}{workplace}',
        'PYTHON': sys.executable,
        'OMP_NUM_THREADS': '1',
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=workplace,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope='module')
def trained(workplace):
    """The work dir of a finished training in mixed precision."""
    script = ROOT / 'tools' / 'train.py'
    options = ('--work-dir', 'first', '--amp')
    result = run(workplace, sys.executable, script, 'tiny.py', *options)
    assert result.returncode == 0, result.stderr
    assert 'BFloat16OptimWrapper' in (workplace / 'first' / 'tiny.py').read_text()
    return workplace / 'first'


def assert_one_line_error(result, *parts):
    assert result.returncode == 1
    assert 'Traceback' not in result.stderr
    lines = [x for x in result.stderr.splitlines() if x.startswith('error: ')]
    assert len(lines) == 1
    for part in parts:
        assert part in lines[0]


def test_train_then_score(workplace, trained, tool):
    weights = load_checkpoint_safely(trained / 'epoch_2.pth')['state_dict']
    assert all(value.isfinite().all() for value in weights.values())
    out = workplace / 'new_folder' / 'metrics.json'
    result = tool('test', 'tiny.py', trained / 'epoch_2.pth', '--out', out)
    assert result.returncode == 0, result.stderr
    metrics = json.loads(out.read_text())
    assert metrics['count'] == 8
    assert 0 < metrics['betas_error'] < 3
    assert list(out.parent.iterdir()) == [out]


def test_predictions_are_dumped_a_row_a_person(workplace, trained, tool):
    path = workplace / 'predictions.pkl'
    result = tool('test', 'tiny.py', trained / 'epoch_2.pth', '--dump', path)
    assert result.returncode == 0, result.stderr
    rows = load(path)
    assert len(rows) == 8
    with np.load(workplace / 'train.npz') as labels:
        for row, shape in zip(rows, labels['shape'], strict=True):
            np.testing.assert_allclose(
                row['gt_instances']['betas'][0], shape, rtol=1e-5
            )
            assert row['pred_instances']['betas'].shape == (1, 10)


def test_resume_goes_on(workplace, trained, tool):
    options = ('tiny.py', '--work-dir', 'second', '--amp')
    result = tool('train', *options, '--cfg-options', 'train_cfg.max_epochs=1')
    assert result.returncode == 0, result.stderr
    result = tool('train', *options, '--resume')
    assert result.returncode == 0, result.stderr
    assert 'weights_only=False' not in result.stdout + result.stderr
    assert 'resumed epoch: 1' in result.stdout
    whole, resumed = (
        load_checkpoint_safely(folder / 'epoch_2.pth')
        for folder in (trained, workplace / 'second')
    )
    assert resumed['meta']['iter'] == whole['meta']['iter'] == 4
    assert resumed['optimizer']['state'][0]['step'] == 4


@pytest.mark.slow
def test_two_processes_without_cuda(workplace, trained, tool):
    script = ROOT / 'tools' / 'dist_train.sh'
    options = ('--work-dir', 'third', '--cfg-options', 'train_cfg.max_epochs=1')
    command = ('env', f'PORT={free_port()}', 'CUDA_VISIBLE_DEVICES=', 'bash')
    result = run(workplace, *command, script, 'tiny.py', 2, *options)
    assert result.returncode == 0, result.stderr
    # 8 people, 2 processes of 4 each.
    checkpoint = load_checkpoint_safely(workplace / 'third' / 'epoch_1.pth')
    assert checkpoint['meta']['iter'] == 1

    script = ROOT / 'tools' / 'dist_test.sh'
    arguments = ('tiny.py', trained / 'epoch_2.pth')
    result = run(workplace, *command, script, *arguments, 2, '--out', 'two.json')
    assert result.returncode == 0, result.stderr
    assert tool('test', *arguments, '--out', 'one.json').returncode == 0
    one, two = (
        json.loads((workplace / f'{n}.json').read_text()) for n in ('one', 'two')
    )
    assert one == pytest.approx(two)


@pytest.mark.parametrize(
    ('option', 'parts'),
    [
        ('model.type=TinyMordel', ['TinyMordel']),
        ('train_dataloader.dataset.type=HRMDataset', ['HRMDataset']),
        ('train_dataloader.dataset.ann_file=no.npz', ['no.npz', 'does not exist']),
        ('model.sise=3', ['sise']),
        ('load_from=no.pth', ['no.pth', 'does not exist']),
    ],
)
def test_mistake_in_the_config(tool, option, parts):
    result = tool('train', 'tiny.py', '--work-dir', 'bad', '--cfg-options', option)
    assert_one_line_error(result, *parts)


def test_missing_config(tool):
    assert_one_line_error(tool('train', 'no.py'), 'no.py', 'does not exist')


def test_debug_shows_the_traceback(tool, monkeypatch):
    monkeypatch.setenv('DEFORHMR_DEBUG', '1')
    with pytest.raises(FileNotFoundError, match='no.py'):
        tool('train', 'no.py')


def test_damaged_pictures_alone_stop_the_training(workplace, tool):
    data = (workplace / '0.jpg').read_bytes()
    (workplace / 'cut.jpg').write_bytes(data[:-20])
    labels = dict(np.load(workplace / 'train.npz'))
    labels['imgname'] = np.array(['cut.jpg'] * 8)
    np.savez(workplace / 'cut.npz', **labels)
    option = 'train_dataloader.dataset.ann_file=cut.npz'
    result = tool('train', 'tiny.py', '--work-dir', 'bad', '--cfg-options', option)
    assert_one_line_error(result, 'cut.jpg', 'cut off')


def test_loss_that_is_not_a_number_stops_the_training(tool):
    option = 'model.poison_at=2'
    result = tool('train', 'tiny.py', '--work-dir', 'bad', '--cfg-options', option)
    assert_one_line_error(result, 'loss_betas = nan', 'train/', '.jpg', 'Iteration')


def test_bad_checkpoints(workplace, trained, tool):
    result = tool('test', 'tiny.py', 'no.pth')
    assert_one_line_error(result, 'no.pth', 'does not exist')

    good = trained / 'epoch_2.pth'
    (workplace / 'cut.pth').write_bytes(good.read_bytes()[:500])
    result = tool('test', 'tiny.py', 'cut.pth', '--out', 'never.json')
    assert_one_line_error(result, 'cut.pth', 'not a readable checkpoint')
    assert not (workplace / 'never.json').exists()

    result = tool('test', 'tiny.py', good, '--cfg-options', 'model.size=5')
    assert_one_line_error(result, 'epoch_2.pth', 'another model', 'linear.weight')
