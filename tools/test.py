"""Test a checkpoint: python tools/test.py CONFIG CHECKPOINT [options]."""

import argparse
import os

from mmengine.config import DictAction
from mmengine.dist import is_main_process
from mmengine.evaluator import DumpResults
from mmengine.runner import Runner

from deforhmr_mm.datasets import AnnotationError, ImageReadError
from deforhmr_mm.engine import MeshVisualizationHook
from deforhmr_mm.engine.checkpoints import CheckpointError, check_checkpoint_fits
from deforhmr_mm.engine.launching import (
    leave_processes,
    load_config,
    one_line_errors,
    prepare_launcher,
    set_work_dir,
)
from deforhmr_mm.evaluation import MeshMetric, UnscorableLabelsError
from deforhmr_mm.models import BodyMismatchError
from deforhmr_mm.whole_files import write_json


def parse_args():
    parser = argparse.ArgumentParser(description='Test (and score) a checkpoint.')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='folder for logs (work_dirs/CONFIG)')
    parser.add_argument(
        '--out', help='file to write the metrics and their protocol to, as JSON'
    )
    parser.add_argument('--dump', help='file to write all predictions to, .pkl')
    parser.add_argument(
        '--show-dir', help='folder to write the pictures with their meshes to'
    )
    parser.add_argument(
        '--interval',
        type=int,
        default=1,
        help='with --show-dir: draw one of so many pictures (all of them)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override config values, for example test_dataloader.batch_size=8 or '
        'key="[a,b]"',
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none'
    )
    # torch.distributed.launch passes it in either spelling.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump must end in .pkl or .pickle, but is {args.dump}')
    if args.interval < 1:
        parser.error(f'--interval must be at least 1, but is {args.interval}')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def protocols(metrics):
    """How figures of bodies were made, as ``protocol``; nothing for other metrics."""
    lines = [one.description for one in metrics if isinstance(one, MeshMetric)]
    return {'protocol': '; '.join(lines)} if lines else {}


def write_metrics(metrics, about, path):
    content = {key: float(value) for key, value in metrics.items()} | about
    write_json(path, content)


def main():
    args = parse_args()
    with one_line_errors():
        config = load_config(args.config, args.cfg_options)
        set_work_dir(config, args.config, args.work_dir)
        config.load_from = args.checkpoint
        prepare_launcher(config, args.launcher)
        runner = Runner.from_cfg(config)
        model = getattr(runner.model, 'module', runner.model)
        check_checkpoint_fits(model, args.checkpoint)
        _ = runner.test_loop
        if args.show_dir:
            hook = MeshVisualizationHook(out_dir=args.show_dir, interval=args.interval)
            runner.register_hook(hook)
        if args.dump:
            runner.test_evaluator.metrics.append(DumpResults(out_file_path=args.dump))
    with one_line_errors(
        AnnotationError,
        BodyMismatchError,
        CheckpointError,
        FileNotFoundError,
        ImageReadError,
        UnscorableLabelsError,
    ):
        metrics = runner.test()
    if args.out and is_main_process():
        write_metrics(metrics, protocols(runner.test_evaluator.metrics), args.out)
    leave_processes()


if __name__ == '__main__':
    main()
