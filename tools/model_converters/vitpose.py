"""Convert an encoder: python tools/model_converters/vitpose.py SRC DST [options].

SRC is a checkpoint of ViTPose's own code, of mmpose 1.x or mmpretrain, or of HMR2.0,
found out from its keys; DST then serves as ``init_cfg=dict(type='Pretrained',
checkpoint=DST)`` of the backbone `ViT`. See docs/checkpoints.md.
"""

import argparse
from pathlib import Path

from deforhmr_mm.engine.conversion import (
    convert_vit,
    open_published_checkpoint,
    write_checkpoint,
)
from deforhmr_mm.engine.launching import one_line_errors


def parse_args():
    parser = argparse.ArgumentParser(description='Convert the weights of a ViT.')
    parser.add_argument('src', help='published checkpoint')
    parser.add_argument('dst', help='checkpoint to write')
    parser.add_argument(
        '--input-size',
        nargs=2,
        type=int,
        default=(256, 192),
        metavar=('H', 'W'),
        help='pixels of the pictures that the encoder is to take (256 192): the '
        'position embedding is resized where the source has another',
    )
    return parser.parse_args()


def main():
    args = parse_args()
    with one_line_errors(ValueError, OSError):
        source = open_published_checkpoint(args.src)
        converted = convert_vit(source.state_dict, tuple(args.input_size))
        meta = dict(source=Path(args.src).name, layout=converted.layout)
        write_checkpoint(converted.state_dict, args.dst, meta)
    print(*converted.report(source.ignored), sep='\n')
    print(f'written: {args.dst}')


if __name__ == '__main__':
    main()
