"""Train a model: python tools/train.py CONFIG [options]."""

import argparse
import os
from pathlib import Path

from mmengine.config import DictAction
from mmengine.runner import IterBasedTrainLoop, Runner

from deforhmr_mm.datasets import AnnotationError, ImageReadError
from deforhmr_mm.engine import NonFiniteLossError
from deforhmr_mm.engine.checkpoints import (
    CheckpointError,
    check_resumable,
    find_last_checkpoint,
    load_checkpoint_safely,
)
from deforhmr_mm.engine.launching import (
    enable_mixed_precision,
    leave_processes,
    load_config,
    one_line_errors,
    prepare_launcher,
    set_work_dir,
)
from deforhmr_mm.evaluation import UnscorableLabelsError
from deforhmr_mm.models import BodyMismatchError, FrozenWeightsError
from deforhmr_mm.registry import LOOPS, OPTIMIZERS


def parse_args():
    parser = argparse.ArgumentParser(description='Train a model.')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--work-dir', help='folder for logs and checkpoints (work_dirs/CONFIG)'
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='go on from this checkpoint, or, without a value, from the last one in '
        'the work dir (from the beginning if there is none)',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: bfloat16, or float16 on a GPU without it',
    )
    parser.add_argument(
        '--no-validate', action='store_true', help='do not validate while training'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate to the batch size (auto_scale_lr in the config)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override config values, for example train_dataloader.batch_size=8 or '
        'key="[a,b]"',
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none'
    )
    # torch.distributed.launch passes it in either spelling.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def merge_args(config, args):
    set_work_dir(config, args.config, args.work_dir)
    if args.no_validate:
        config.val_cfg = config.val_dataloader = config.val_evaluator = None
    if args.amp:
        enable_mixed_precision(config)
    resume_from = args.resume
    if resume_from == 'auto':
        resume_from = find_last_checkpoint(config.work_dir)
    if resume_from is not None:
        config.resume = True
        config.load_from = str(resume_from)
    if args.auto_scale_lr:
        if 'auto_scale_lr' not in config:
            raise ValueError(
                '--auto-scale-lr needs auto_scale_lr = dict(base_batch_size=...) in '
                'the config.'
            )
        config.auto_scale_lr.enable = True
    load_from = config.get('load_from')
    if load_from and '://' not in load_from:
        if resume_from is None and not Path(load_from).is_file():
            raise FileNotFoundError(
                f'The checkpoint {load_from} does not exist; it is load_from of the '
                'config, which the training is to begin with. Name another with '
                '--cfg-options load_from=FILE; load_from=None begins from random '
                'weights.'
            )
        checkpoint = load_checkpoint_safely(load_from)
        if config.get('resume'):
            schedulers = config.get('param_scheduler')
            check_resumable(checkpoint, load_from, has_schedulers=bool(schedulers))
    log_by_iterations(config)


def log_by_iterations(config):
    """Log validations by iterations in a training without epochs.

    mmengine logs them by epochs, all as number 0, unless the config says otherwise.
    """
    loop = config.get('train_cfg') or {}
    if 'type' in loop:
        kind = LOOPS.get(loop.type) if isinstance(loop.type, str) else loop.type
        by_epoch = kind is None or not issubclass(kind, IterBasedTrainLoop)
    else:
        by_epoch = loop.get('by_epoch', True)
    logger = (config.get('default_hooks') or {}).get('logger')
    if not by_epoch and logger is not None:
        logger.setdefault('log_metric_by_epoch', False)


def build_training(runner):
    """Build what `Runner.train` would, data sets included, and in its order.

    It takes what is built already, so that a mistake in the config is told apart from
    an error while training.
    """
    _ = runner.train_loop, runner.val_loop
    kind = ((runner.optim_wrapper or {}).get('optimizer') or {}).get('type')
    if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
        # mmengine's own error is that None is not callable.
        raise KeyError(
            f'optim_wrapper.optimizer.type: no optimizer is called {kind!r}.'
        )
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)
    # Done, and not to be done twice.
    runner.auto_scale_lr = None
    if runner.param_schedulers is not None:
        runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)


def main():
    args = parse_args()
    with one_line_errors():
        config = load_config(args.config, args.cfg_options)
        merge_args(config, args)
        prepare_launcher(config, args.launcher)
        runner = Runner.from_cfg(config)
        build_training(runner)
    with one_line_errors(
        AnnotationError,
        BodyMismatchError,
        CheckpointError,
        FrozenWeightsError,
        ImageReadError,
        NonFiniteLossError,
        # A missing picture, a full disk.
        OSError,
        UnscorableLabelsError,
    ):
        runner.train()
    leave_processes()


if __name__ == '__main__':
    main()
