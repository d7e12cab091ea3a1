"""Make a small checkpoint to hand out: python tools/misc/publish_model.py IN OUT.

Keeps the weights (of a run with an EMA hook, the averaged ones) as float16 and a line
of plain facts, and drops the optimizer, the schedule and the log. The result opens with
``torch.load(weights_only=True)``.
"""

import argparse
import hashlib
from pathlib import Path

import torch

from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from deforhmr_mm.engine.conversion import write_checkpoint
from deforhmr_mm.engine.launching import one_line_errors


def parse_args():
    parser = argparse.ArgumentParser(description='Strip a checkpoint for publishing.')
    parser.add_argument('in_file', help='checkpoint of a training run')
    parser.add_argument('out_file', help='checkpoint to write')
    parser.add_argument(
        '--precision',
        choices=['fp16', 'fp32'],
        default='fp16',
        help='of the stored weights; models compute in their own',
    )
    return parser.parse_args()


def publish(in_file, out_file, precision='fp16'):
    """Write the stripped checkpoint; return its sha256."""
    checkpoint = load_checkpoint_safely(in_file)
    dtype = torch.float16 if precision == 'fp16' else torch.float32
    weights = {
        name: value.to(dtype) if value.is_floating_point() else value.clone()
        for name, value in checkpoint['state_dict'].items()
    }
    meta = checkpoint.get('meta', {})
    facts = {key: meta[key] for key in ('epoch', 'iter', 'time', 'seed') if key in meta}
    facts['experiment_name'] = str(meta.get('experiment_name', ''))
    write_checkpoint(weights, out_file, facts)
    return hashlib.sha256(Path(out_file).read_bytes()).hexdigest()


def main():
    args = parse_args()
    with one_line_errors(ValueError, OSError):
        digest = publish(args.in_file, args.out_file, args.precision)
    size = Path(args.out_file).stat().st_size / 2**20
    print(f'{args.out_file}: {size:.1f} MiB, sha256 {digest}')


if __name__ == '__main__':
    main()
