"""Put an encoder into a checkpoint, or take it out.

    python tools/misc/merge_backbone.py HEAD OUT --encoder ENCODER
    python tools/misc/merge_backbone.py WHOLE OUT --without-encoder

The first makes of a head that was trained from a feature cache a whole model, which
takes pictures; ENCODER is the checkpoint that the features were computed with. The
second makes of a whole model one that takes cached features of its encoder. Optimizer
and schedule are dropped.
"""

import argparse

from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from deforhmr_mm.engine.conversion import write_checkpoint
from deforhmr_mm.engine.feature_cache import with_encoder, without_encoder
from deforhmr_mm.engine.launching import one_line_errors


def parse_args():
    parser = argparse.ArgumentParser(
        description='Put an encoder into a checkpoint, or take it out.'
    )
    parser.add_argument('checkpoint', help='checkpoint of a head, or of a whole model')
    parser.add_argument('out', help='checkpoint to write')
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('--encoder', help='checkpoint whose encoder is put in')
    what.add_argument(
        '--without-encoder', action='store_true', help='take the encoder out'
    )
    return parser.parse_args()


def main():
    args = parse_args()
    with one_line_errors(ValueError, OSError):
        checkpoint = load_checkpoint_safely(args.checkpoint)
        weights = checkpoint['state_dict']
        if args.without_encoder:
            weights = without_encoder(weights)
        else:
            encoder = load_checkpoint_safely(args.encoder)['state_dict']
            weights = with_encoder(weights, encoder)
        meta = checkpoint.get('meta', {})
        known = ('epoch', 'iter', 'time', 'seed', 'experiment_name')
        meta = {key: meta[key] for key in known if key in meta}
        write_checkpoint(weights, args.out, meta)
    print(f'{args.out}: {len(weights)} weights')


if __name__ == '__main__':
    main()
