"""Time the decoder's context in one pass against layer by layer.

    python tools/analysis_tools/benchmark_decoder.py CONFIG --batch-size 1 8

Both ways run in turn on the same random features, and the ratio of their median times
is what counts: machines differ and are shared, so that seconds alone say little. With
``--train`` a run is forward and backward. No file of the user's is needed: the head
alone is built, without its mean parameters.
"""

import argparse
import statistics
import time

import torch
from mmengine.config import DictAction
from mmengine.registry import init_default_scope

from deforhmr_mm.engine.launching import load_config, one_line_errors
from deforhmr_mm.registry import MODELS


def parse_args():
    parser = argparse.ArgumentParser(
        description="Time the decoder's context in one pass against layer by layer."
    )
    parser.add_argument('config', help='config file with a DeforHMRHead')
    parser.add_argument('--batch-size', type=int, nargs='+', default=[1, 8])
    parser.add_argument('--repeats', type=int, default=15)
    parser.add_argument('--train', action='store_true', help='backward pass, too')
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def in_one_pass(decoder, features):
    return decoder.encode_context(features, one_pass=True)


def layer_by_layer(decoder, features):
    return decoder.encode_context(features, one_pass=False)


def synchronize(device):
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def seconds(way, decoder, features, tokens, train):
    synchronize(features.device)
    begin = time.perf_counter()
    with torch.set_grad_enabled(train):
        decoded = decoder(tokens, way(decoder, features))
        if train:
            decoded.square().mean().backward()
    synchronize(features.device)
    return time.perf_counter() - begin


def main():
    args = parse_args()
    with one_line_errors():
        config = load_config(args.config, args.cfg_options)
    init_default_scope(config.default_scope)
    config.model.head.mean_params = None
    head = MODELS.build(config.model.head).to(args.device)
    attention = head.decoder.layers[0].cross_attention
    mode = 'forward and backward' if args.train else 'forward'
    print(
        f'{len(head.decoder.layers)} layers, {mode} on {args.device}, medians of '
        f'{args.repeats} runs, torch {torch.__version__}'
    )
    for batch in args.batch_size:
        shape = (batch, attention.in_channels, *attention.feat_size)
        features = torch.randn(shape, device=args.device, requires_grad=args.train)
        tokens = head.tokens.expand(batch, -1, -1)
        times = {in_one_pass: [], layer_by_layer: []}
        for repeat in range(args.repeats + 2):
            for way, measured in times.items():
                taken = seconds(way, head.decoder, features, tokens, args.train)
                if repeat >= 2:  # the first two warm up
                    measured.append(taken)
        one, many = (statistics.median(measured) for measured in times.values())
        print(
            f'batch {batch:3d}: one pass {1000 * one:7.1f} ms, layer by layer '
            f'{1000 * many:7.1f} ms, ratio {many / one:.2f}'
        )


if __name__ == '__main__':
    main()
