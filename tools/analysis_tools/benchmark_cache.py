"""Time a training step from a feature cache against its parts.

    python tools/analysis_tools/benchmark_cache.py CONFIG --batch-size 8

CONFIG is one that trains with its encoder. Three things are timed in turn, in one run,
since machines differ and are shared:

- encoder: its forward pass over a batch of pictures
- head: forward, loss, backward and optimizer step on features and labels that are on
  the device already
- cached: the same step with everything read from a cache, in random order

With the encoder a step takes at least encoder + head; the head alone is the ideal, and
head / cached is the share of the ideal speed-up that is reached. Waiting is the time
until the loader hands the batch out. No file of the user's is needed: weights are
random, the body is the open one where the config's is missing, and the cache is a
temporary one (in --dir, such as the disk that the real one is to be on), which the
operating system may well keep in memory.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.config import DictAction
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch.utils.data import DataLoader, RandomSampler

from deforhmr_mm.engine.feature_cache import (
    CachedFeatureDataset,
    CacheManifest,
    FeatureCacheWriter,
    cached_collate,
)
from deforhmr_mm.engine.launching import load_config, one_line_errors
from deforhmr_mm.registry import MODELS
from deforhmr_mm.structures import MeshDataSample

CACHED = dict(type='CachedFeatures')
SHAPES = dict(
    global_orient=(1, 3, 3),
    body_pose=(23, 3, 3),
    betas=(10,),
    has_pose=(),
    has_betas=(),
    has_smpl=(),
    keypoints=(45, 2),
    keypoints_conf=(45,),
    joints_3d=(45, 3),
    joints_3d_conf=(45,),
    transl=(3,),
)


class Times(NamedTuple):
    """Seconds of the timed runs; `waiting` is part of `cached`."""

    encoder: list[float]
    head: list[float]
    cached: list[float]
    waiting: list[float]


def parse_args():
    parser = argparse.ArgumentParser(
        description='Time a training step from a feature cache against its parts.'
    )
    parser.add_argument('config', help='config file that trains with its encoder')
    parser.add_argument('--batch-size', type=int, default=8)
    parser.add_argument('--rounds', type=int, default=3, help='of all three (3)')
    parser.add_argument('--steps', type=int, default=5, help='in each round (5)')
    parser.add_argument('--num-workers', type=int, default=1)
    parser.add_argument(
        '--batches', type=int, default=8, help='size of the temporary cache (8)'
    )
    parser.add_argument(
        '--dtype', choices=['float16', 'bfloat16', 'float32'], default='float16'
    )
    parser.add_argument('--dir', help='folder of the temporary cache')
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def build(config, device):
    """Encoder and a model that takes its features, without the user's files."""
    backbone = config.model.backbone
    if backbone.type == CACHED['type']:
        raise ValueError('the config has no encoder; give the one that it is based on')
    backbone.pop('init_cfg', None)
    encoder = MODELS.build(backbone).eval().requires_grad_(False).to(device)
    model_config = config.model
    model_config.backbone = CACHED
    model_config.data_preprocessor = dict(type='FeatureDataPreprocessor')
    model_config.auxiliary_head = None
    if 'mean_params' in model_config.head:
        model_config.head.mean_params = None
    body = model_config.get('body_model') or {}
    if not Path(body.get('model_path') or '').is_file():
        model_config.body_model = dict(type='SMPL')
    return encoder, MODELS.build(model_config).train().to(device)


def random_sample(index):
    """A person with labels of any kind; only their size matters here."""
    sample = MeshDataSample(
        metainfo=dict(
            img_path=f'pictures/{index:09d}.jpg',
            img_id=index,
            sample_id=f'random/{index}',
            ori_shape=(1080, 1920),
            focal_length=2202.9,
            principal_point=torch.rand(2).numpy(),
            image_affine=torch.rand(2, 3).numpy(),
            input_size=(192, 256),
            input_center=torch.rand(2).numpy() + 500,
            input_scale=torch.rand(2).numpy() + 300,
            input_affine=torch.rand(2, 3).numpy(),
        )
    )
    labels = {name: torch.rand(1, *shape) for name, shape in SHAPES.items()}
    labels['global_orient'] = torch.eye(3).view(1, 1, 3, 3)
    labels['body_pose'] = torch.eye(3).expand(1, 23, 3, 3)
    for name in ('has_pose', 'has_betas', 'has_smpl'):
        labels[name] = torch.ones(1)
    sample.gt_instances = InstanceData(**labels)
    return sample


def write_cache(folder, features, batches, dtype):
    """Write a cache of these features, moved about in each batch."""
    batch = len(features)
    manifest = CacheManifest(
        num_samples=batches * batch,
        feature_shape=tuple(features.shape[1:]),
        dtype=dtype,
        shard_size=2 * batch,
    )
    writer = FeatureCacheWriter(folder, manifest)
    for shard in writer.pending():
        writer.write(
            shard,
            (
                (
                    features.roll(start, dims=-1),
                    [random_sample(index) for index in range(start, start + batch)],
                )
                for start in range(shard.start, shard.stop, batch)
            ),
        )
    writer.finish()


class Stopwatch:
    """Seconds since the last call, after the device has finished."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._last = time.perf_counter()

    def __call__(self) -> float:
        if self._device.type == 'cuda':
            torch.cuda.synchronize(self._device)
        now = time.perf_counter()
        taken, self._last = now - self._last, now
        return taken


def head_step(model, optimizer, inputs, data_samples):
    losses = model(inputs, data_samples, mode='loss')
    optimizer.update_params(BaseModel.parse_losses(model, losses)[0])


def measure(encoder, model, optimizer, dataset, pictures, args):
    """Time all three in turn."""
    # Batches that the workers make ahead while something else is timed: not counted.
    ahead = 2 * args.num_workers
    steps = args.rounds * (args.steps + ahead) + 1
    loader = iter(
        DataLoader(
            dataset,
            args.batch_size,
            sampler=RandomSampler(
                dataset, replacement=True, num_samples=steps * args.batch_size
            ),
            num_workers=args.num_workers,
            collate_fn=cached_collate,
            pin_memory=args.device.startswith('cuda'),
        )
    )
    resident = model.data_preprocessor(next(loader), True)
    resident['inputs'] = resident['inputs'].float()
    head_step(model, optimizer, **resident)
    times = Times([], [], [], [])
    watch = Stopwatch(args.device)
    for _ in range(args.rounds):
        watch()
        with torch.no_grad():
            encoder(pictures)
        times.encoder.append(watch())
        for _ in range(args.steps):
            watch()
            head_step(model, optimizer, **resident)
            times.head.append(watch())
        for step in range(args.steps + ahead):
            watch()
            batch = next(loader)
            waited = watch()
            head_step(model, optimizer, **model.data_preprocessor(batch, True))
            worked = watch()
            if step >= ahead:
                times.waiting.append(waited)
                times.cached.append(waited + worked)
    return times


def report(times, batch_size):
    """The lines that are printed."""
    encoder, head, cached = (statistics.median(values) for values in times[:3])
    waiting = sum(times.waiting) / sum(times.cached)
    return [
        f'encoder {1000 * encoder:.1f} ms, head {1000 * head:.1f} ms, from the cache '
        f'{1000 * cached:.1f} ms a step of {batch_size}, medians of '
        f'{len(times.encoder)}, {len(times.head)} and {len(times.cached)} runs',
        f'speed-up {(encoder + head) / cached:.2f} of an ideal '
        f'{(encoder + head) / head:.2f}: {100 * head / cached:.1f} % reached',
        f'waiting for data: {100 * waiting:.1f} % of a step',
    ]


def main():
    args = parse_args()
    with one_line_errors():
        config = load_config(args.config, args.cfg_options)
        init_default_scope(config.get('default_scope', 'deforhmr_mm'))
        encoder, model = build(config, args.device)
    options = dict(config.optim_wrapper)
    # It costs no time, but mmengine logs a line for each parameter.
    options.pop('paramwise_cfg', None)
    optimizer = build_optim_wrapper(model, options)
    pictures = torch.randn(args.batch_size, 3, 256, 192, device=args.device)
    with torch.no_grad():
        features = encoder(pictures)
    with tempfile.TemporaryDirectory(dir=args.dir) as folder:
        write_cache(folder, features, args.batches, args.dtype)
        dataset = CachedFeatureDataset(folder)
        times = measure(encoder, model, optimizer, dataset, pictures, args)
    print(*report(times, args.batch_size), sep='\n')


if __name__ == '__main__':
    main()
