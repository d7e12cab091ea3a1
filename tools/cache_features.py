"""Cache a frozen encoder's features.

    python tools/cache_features.py CONFIG CKPT --out DIR --views K

Writes the features of K views of each sample, drawn by the config's pipeline, with all
their labels. A run that was stopped goes on where it stopped when it is started again;
one with more --views adds them. CKPT is a checkpoint of the whole model or of the
encoder alone. See docs/training.md.
"""

import argparse
import os
import shutil

import torch
from mmengine.config import DictAction
from mmengine.dist import (
    barrier,
    broadcast_object_list,
    get_dist_info,
    init_dist,
    is_distributed,
)
from mmengine.registry import init_default_scope
from mmengine.utils import ProgressBar

from deforhmr_mm.datasets import ImageReadError
from deforhmr_mm.datasets.samplers import part_sizes
from deforhmr_mm.engine.checkpoints import CheckpointError
from deforhmr_mm.engine.feature_cache import (
    CacheManifest,
    FeatureCacheError,
    FeatureCacheWriter,
    SeededViews,
    build_encoder,
    check_free_space,
    describe_encoder,
    encode_with,
    features_size,
    find_pipeline,
    find_source,
    people_digest,
    readable_size,
    write_shards,
)
from deforhmr_mm.engine.launching import (
    leave_processes,
    load_config,
    one_line_errors,
    prepare_launcher,
)
from deforhmr_mm.registry import DATASETS


def parse_args():
    parser = argparse.ArgumentParser(description="Cache a frozen encoder's features.")
    parser.add_argument('config', help='config file that trains with the encoder')
    parser.add_argument('checkpoint', help='checkpoint with the encoder')
    parser.add_argument('--out', required=True, help='folder of the cache')
    parser.add_argument(
        '--views', type=int, default=1, help='augmented views of each sample (1)'
    )
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument(
        '--dtype', choices=['float16', 'bfloat16', 'float32'], default='float16'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the views (0)')
    parser.add_argument(
        '--amp', action='store_true', help='encode under bfloat16 autocast'
    )
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--num-workers', type=int, default=4)
    parser.add_argument(
        '--shard-size', type=int, default=512, help='samples in a file (512)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override config values',
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none'
    )
    # torch.distributed.launch passes it in either spelling.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    if args.views > 1 and args.split != 'train':
        parser.error(
            f'--views {args.views}: the pipeline of --split {args.split} draws '
            'nothing, so that there is one view'
        )
    if args.seed < 0:
        parser.error(f'--seed must not be negative, but is {args.seed}')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def join_processes(config, launcher):
    prepare_launcher(config, launcher)
    if launcher != 'none' and not is_distributed():
        init_dist(launcher, **config.get('env_cfg', {}).get('dist_cfg', {}))


def probe_shape(encode, views):
    """The shape (C, H, W) of a sample's features."""
    sample = views[0, 0]
    return tuple(encode({'inputs': sample['inputs'][None]}).shape[1:])


def pending_shards(writer):
    """What is missing, and the disk's free bytes, as the first process sees them."""
    found = [writer.pending(), shutil.disk_usage(writer.folder).free]
    # To all of them alike: they go on together or not at all.
    broadcast_object_list(found)
    return found


def main():
    args = parse_args()
    with one_line_errors():
        config = load_config(args.config, args.cfg_options)
        init_default_scope(config.get('default_scope', 'deforhmr_mm'))
        join_processes(config, args.launcher)
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
        encoder, preprocessor = build_encoder(config, args.checkpoint)
        said = describe_encoder(config, encoder, 'bfloat16' if args.amp else 'float32')
        encode = encode_with(encoder.to(device), preprocessor.to(device), args.amp)
        data_config = config[f'{args.split}_dataloader'].dataset
        dataset = DATASETS.build(data_config)
        views = SeededViews(dataset, args.seed)
        manifest = CacheManifest(
            num_samples=len(dataset),
            feature_shape=probe_shape(encode, views),
            dtype=args.dtype,
            views=args.views,
            shard_size=args.shard_size,
            seed=args.seed,
            dataset_name=str(getattr(dataset, 'dataset_name', '')),
            metainfo=dataset.metainfo,
            encoder=said,
            pipeline=find_pipeline(data_config),
            source=find_source(data_config),
            people=people_digest(dataset),
            parts=part_sizes(dataset),
        )
        writer = FeatureCacheWriter(args.out, manifest)
    rank, world_size = get_dist_info()
    with one_line_errors(
        CheckpointError, FeatureCacheError, FileNotFoundError, ImageReadError
    ):
        missing, free = pending_shards(writer)
        needed = features_size(writer.manifest, missing)
        if rank == 0:
            every = writer.manifest.all_shards
            done = len(every) - len(missing)
            whole = features_size(writer.manifest, every)
            print(
                f'{args.out}: {len(dataset)} samples, {args.views} views, features '
                f'{manifest.feature_shape} in {args.dtype}; {done} of '
                f'{len(every)} shards are there.\n'
                f'The features of the whole cache take {readable_size(whole)}, those '
                f'still to be written {readable_size(needed)}; labels, which are '
                'small, are not counted.'
            )
        check_free_space(args.out, needed, free)
        shards = missing[rank::world_size]
        rows = sum(shard.rows for shard in shards)
        bar = ProgressBar(rows) if rank == 0 and rows else None
        write_shards(
            writer,
            shards,
            views,
            encode,
            batch_size=args.batch_size,
            num_workers=args.num_workers,
            progress=bar.update if bar else lambda count: None,
        )
        barrier()
        if rank == 0:
            finished = writer.finish()
            size = sum(
                file['size']
                for record in finished.shards
                for file in record['files'].values()
            )
            print(f'\n{args.out}: finished, {readable_size(size)}.')
    leave_processes()


if __name__ == '__main__':
    main()
