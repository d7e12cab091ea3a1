"""A very small training of our own classes, for the tests of the command lines."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
NUM_PEOPLE = 16

CONFIG = """
_base_ = [
    {configs!r} + '/_base_/default_runtime.py',
    {configs!r} + '/_base_/models/mesh_estimator.py',
    {configs!r} + '/_base_/schedules/adamw.py',
]
custom_imports = dict(imports=['interruptions'])
model = dict(
    backbone=dict(
        type='ViT', arch=dict(embed_dims=16, depth=2, num_heads=2),
        img_size=(128, 96), patch_size=32, drop_path_rate=0.5,
    ),
    head=dict(
        type='DeforHMRHead', in_channels=16, feat_size=(4, 3), num_layers=1,
        embed_dims=16, num_heads=2, head_dims=8, ffn_dims=16,
        cross_attention=dict(num_groups=2),
    ),
    losses=dict(vertices=None),
    auxiliary_head=dict(type='PartAuxHead', in_channels=16),
)
pipeline = [
    dict(type='LoadImage'),
    dict(type='RandomFlip'),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine', input_size=(96, 128)),
    dict(type='ColorJitter'),
    dict(type='RandomErasing'),
    dict(type='PackMeshInputs'),
]
test_pipeline = [pipeline[0], pipeline[3], pipeline[-1]]
dataset = dict(
    type='HMRDataset', data_root={folder!r}, ann_file='people.npz', pipeline=pipeline
)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    collate_fn=dict(type='mesh_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dataset,
)
val_dataloader = test_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type='mesh_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(dataset, pipeline=test_pipeline, test_mode=True),
)
val_evaluator = test_evaluator = dict(type='MeshMetric', protocol='smpl24')
train_cfg = dict(type='ResumableEpochBasedTrainLoop', max_epochs=2)
val_cfg = test_cfg = dict()
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=5),
    dict(type='MultiStepLR', milestones=[1], by_epoch=True),
]
default_hooks = dict(
    logger=dict(interval=1),
    checkpoint=dict(by_epoch=False, interval=3),
)
custom_hooks = [
    dict(type='EMAHook', momentum=0.1, interval=2),
    dict(type='Interruption'),
]
log_processor = dict(window_size=1, num_digits=6)
randomness = dict(seed=3)
"""

INTERRUPTIONS = """
import os
import signal

from mmengine.hooks import Hook

from deforhmr_mm.registry import HOOKS


@HOOKS.register_module()
class Interruption(Hook):
    '''Kill the process, or raise, after the iteration that the environment names.'''

    priority = 'LOWEST'

    def after_train_iter(self, runner, *args, **kwargs):
        done = str(runner.iter + 1)
        if os.environ.get('TEST_KILL_AFTER') == done:
            os.kill(os.getpid(), signal.SIGKILL)
        if os.environ.get('TEST_STOP_AFTER') == done:
            raise KeyboardInterrupt

    def before_val(self, runner):
        if os.environ.get('TEST_STOP_AFTER') == f'{runner.iter} val':
            raise KeyboardInterrupt
"""


def make_workplace(folder: Path) -> Path:
    """Write pictures, labels, some without a pose, and the config ``tiny.py``."""
    rng = np.random.default_rng(0)
    names = [f'{index}.jpg' for index in range(NUM_PEOPLE)]
    for name in names:
        colors = rng.integers(0, 255, (3, 4, 3), dtype=np.uint8)
        picture = cv2.resize(colors, (160, 120), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / name), picture)
    points = rng.uniform(20, 100, (NUM_PEOPLE, 24, 2))
    seen = rng.integers(0, 2, (NUM_PEOPLE, 24, 1))
    np.savez(
        folder / 'people.npz',
        imgname=np.array(names),
        center=np.full((NUM_PEOPLE, 2), (80.0, 60.0)),
        scale=np.full(NUM_PEOPLE, 0.5),
        pose=rng.normal(0, 0.3, (NUM_PEOPLE, 72)),
        shape=rng.normal(0, 1, (NUM_PEOPLE, 10)),
        has_smpl=np.arange(NUM_PEOPLE) % 3 > 0,
        part=np.concatenate([points, seen], axis=-1),
    )
    (folder / 'interruptions.py').write_text(INTERRUPTIONS)
    config = CONFIG.format(configs=str(ROOT / 'configs'), folder=str(folder))
    (folder / 'tiny.py').write_text(config)
    return folder


def run_tool(
    workplace: Path, tool: str, *arguments: object, **environment: str
) -> subprocess.CompletedProcess:
    """Run ``tools/TOOL``, a python or a shell script, in the workplace."""
    program = 'bash' if tool.endswith('.sh') else sys.executable
    return subprocess.run(
        [program, str(ROOT / 'tools' / tool), *map(str, arguments)],
        cwd=workplace,
        env=tool_environment(workplace, **environment),
        capture_output=True,
        text=True,
        timeout=500,
    )


def tool_environment(workplace: Path, **environment: str) -> dict[str, str]:
    """What a tool's process needs to find this code, on the CPU."""
    return {
        **os.environ,
        'PYTHONPATH': f'{ROOT}{os.pathsep}{workplace}',
        'PYTHON': sys.executable,
        'OMP_NUM_THREADS': '1',
        'CUDA_VISIBLE_DEVICES': '',
        **environment,
    }


def scalars(work_dir: Path) -> list[dict]:
    """What the last training in the folder logged, in order."""
    log = max(work_dir.glob('*/vis_data/scalars.json'))
    return [json.loads(line) for line in log.read_text().splitlines()]


def losses(work_dir: Path) -> dict[int, float]:
    """The total loss of each logged iteration."""
    return {line['iter']: line['loss'] for line in scalars(work_dir) if 'loss' in line}


def metrics(work_dir: Path) -> dict[int, float]:
    """PA-MPJPE of each validation, by its step."""
    lines = scalars(work_dir)
    return {line['step']: line['PA-MPJPE'] for line in lines if 'PA-MPJPE' in line}
