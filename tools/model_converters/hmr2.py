"""Convert HMR2.0's checkpoint: python tools/model_converters/hmr2.py SRC DST [options].

SRC is the Lightning checkpoint of the 4D-Humans code; DST then runs under
configs/hmr2/hmr2_vit-h_mixed-256x192.py. See docs/checkpoints.md.
"""

import argparse
from pathlib import Path

from deforhmr_mm.body_models import load_smpl_file
from deforhmr_mm.engine.conversion import (
    convert_hmr2,
    open_published_checkpoint,
    write_checkpoint,
)
from deforhmr_mm.engine.launching import one_line_errors


def parse_args():
    parser = argparse.ArgumentParser(description="Convert HMR2.0's checkpoint.")
    parser.add_argument('src', help="HMR2.0's checkpoint (.ckpt)")
    parser.add_argument('dst', help='checkpoint to write')
    parser.add_argument(
        '--body-model',
        help='the SMPL file that you run it with, whose fingerprint the checkpoint is '
        'to carry; without it init_model and tools/test.py refuse the result',
    )
    return parser.parse_args()


def main():
    args = parse_args()
    with one_line_errors(ValueError, OSError):
        source = open_published_checkpoint(args.src)
        body = load_smpl_file(args.body_model) if args.body_model else None
        converted = convert_hmr2(source.state_dict, body)
        meta = dict(source=Path(args.src).name, layout=converted.layout)
        write_checkpoint(converted.state_dict, args.dst, meta)
    print(*converted.report(source.ignored), sep='\n')
    print(f'written: {args.dst}')


if __name__ == '__main__':
    main()
