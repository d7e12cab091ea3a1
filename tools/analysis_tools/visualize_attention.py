"""Draw what the deformable attention looks at (the paper's Fig. 5).

A row for each person: the crop, then for each layer and head the positions that were
sampled and whose attention, summed over the query tokens, is above the threshold,
coloured by it. A line leads from the centre of the cell to where it was sampled.

python tools/analysis_tools/visualize_attention.py PICTURE --bbox 50 40 200 400
python tools/analysis_tools/visualize_attention.py PICTURE --layers 0 1 2 --heads 0 1
python tools/analysis_tools/visualize_attention.py PICTURE --queries left_knee shape
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine.config import DictAction
from torch import nn

from deforhmr_mm.apis import MeshInferencer
from deforhmr_mm.apis.command_line import (
    add_box_arguments,
    given_boxes,
    run_command,
)
from deforhmr_mm.datasets import read_image
from deforhmr_mm.datasets.transforms import warp_antialiased
from deforhmr_mm.geometry.sampling import cell_centres
from deforhmr_mm.models.layers import RecordedAttention, TokenGrid, record_attention
from deforhmr_mm.structures import MeshDataSample, get_keypoint_set
from deforhmr_mm.visualization import (
    attention_legend,
    draw_attention,
    encode_image,
    figure_grid,
)
from deforhmr_mm.whole_files import write_bytes

JOINTS = get_keypoint_set('smpl24').names
# More people than a picture has.
MANY = 100_000


class Panel(NamedTuple):
    """One layer and head of one person: (N, 2) input pixels and (N,) attention."""

    positions: np.ndarray
    origins: np.ndarray
    values: np.ndarray


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('image', help='picture')
    add_box_arguments(parser)
    parser.add_argument(
        '--model', default='openbody-tiny', help='short name of a model, or a config'
    )
    parser.add_argument(
        '--weights', help='checkpoint (default: that of the short name)'
    )
    parser.add_argument('--device', help='cpu, cuda:0, ... (default: what there is)')
    parser.add_argument(
        '--layers',
        nargs='+',
        type=int,
        default=[0, -1],
        help='decoder layers from 0, or from the last one, -1 (default: 0 -1)',
    )
    parser.add_argument(
        '--heads', nargs='+', type=int, default=[0], help='heads from 0 (default: 0)'
    )
    parser.add_argument(
        '--queries',
        nargs='+',
        default=['all'],
        help="tokens to sum over: all, SMPL's joints by name, shape, camera",
    )
    parser.add_argument(
        '--threshold',
        type=float,
        default=0.25,
        help='positions of more attention are drawn (default: 0.25)',
    )
    parser.add_argument(
        '--full-image',
        action='store_true',
        help='draw in the whole picture, not in the crop',
    )
    parser.add_argument(
        '--height', type=int, default=480, help='of a panel, pixels (default: 480)'
    )
    parser.add_argument(
        '--out', type=Path, default=Path('attention.png'), help='picture to write'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='settings that replace those of the config, as key=value',
    )
    args = parser.parse_args(argv)
    if args.height < 32:
        parser.error(f'--height must be at least 32, but is {args.height}')
    return args


def find_queries(names: Sequence[str], count: int) -> list[int]:
    """Numbers of the tokens that the names mean.

    Args:
        names: 'all', joints of SMPL, 'shape', 'camera'.
        count: How many tokens the model has: 24 pose tokens, one for the shape and
            perhaps one for the camera; or one for everything.

    Raises:
        ValueError: For a token that the model does not have.
    """
    if list(names) == ['all']:
        return list(range(count))
    known = [*JOINTS, 'shape', 'camera'][:count] if count > 1 else []
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(
            f'--queries: the model has no token {", ".join(unknown)}; it has '
            + (', '.join(['all', *known]) if known else 'one for everything: all')
        )
    return [known.index(name) for name in names]


def find_number(number: int, count: int, what: str) -> int:
    """A layer or head counted from the front, from one that may be counted back."""
    if not -count <= number < count:
        raise ValueError(f'--{what}: {number} is none of the {count} {what}')
    return number % count


def find_token_grid(backbone: nn.Module, input_height: int, rows: int) -> TokenGrid:
    """Where the tokens lie in the input; without word of it they divide it evenly."""
    if hasattr(backbone, 'token_grid'):
        return backbone.token_grid
    print(
        f'{type(backbone).__name__} does not say where its tokens lie: they are taken '
        'to divide the input evenly'
    )
    stride = input_height / rows
    return TokenGrid(stride, (stride - 1) / 2)


def make_panel(
    record: RecordedAttention,
    person: int,
    head: int,
    queries: list[int],
    grid: TokenGrid,
) -> Panel:
    """Take one head of one person out of a layer's attention."""
    origins = cell_centres(*record.feat_size)
    positions = record.head_positions(head)[person].cpu()
    weights = record.weights[person, head][queries]
    return Panel(
        grid.pixels(positions, record.feat_size).numpy(),
        grid.pixels(origins, record.feat_size).numpy(),
        weights.sum(dim=0).cpu().numpy(),
    )


def make_canvas(
    image: np.ndarray, sample: MeshDataSample, height: int, full_image: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The picture to draw on, RGB, and the (2, 3) map to it from input pixels."""
    to_input = np.vstack([np.asarray(sample.input_affine, np.float64), [0, 0, 1]])
    target = image.shape[0] if full_image else sample.input_size[1]
    zoom = height / target
    # The first pixel's outer corner stays where it is.
    scaling = np.diag([zoom, zoom, 1.0])
    scaling[:2, 2] = (zoom - 1) / 2
    from_image = scaling if full_image else scaling @ to_input
    width = round(zoom * (image.shape[1] if full_image else sample.input_size[0]))
    canvas = warp_antialiased(image, from_image[:2], (width, height))
    to_canvas = from_image @ np.linalg.inv(to_input)
    return np.ascontiguousarray(canvas[..., ::-1]), to_canvas[:2]


def move(points: np.ndarray, affine: np.ndarray) -> np.ndarray:
    return points @ affine[:, :2].T + affine[:, 2]


def run(args: argparse.Namespace) -> int:
    """Draw the figure; returns the exit code."""
    boxes = given_boxes(args)
    inferencer = MeshInferencer(
        args.model, args.weights, args.device, cfg_options=args.cfg_options
    )
    # The attention to the picture itself, not to its mirror image.
    inferencer.model.flip_test = False
    with record_attention(inferencer.model) as records:
        (result,) = inferencer(
            args.image,
            return_datasamples=True,
            # All people of the picture in one record.
            batch_size=MANY,
            bboxes=boxes,
            bbox_format='xywh',
        )
    (samples,) = result['predictions']
    if not samples:
        raise ValueError(f'{args.image}: there is nobody to draw')
    image = read_image(args.image)
    # With several rounds of error feedback the last one is drawn.
    count = 1 + max(record.layer for record in records)
    records = records[-count:]
    layers = [find_number(number, count, 'layers') for number in args.layers]
    _, num_heads, num_queries, _ = records[0].weights.shape
    heads = [find_number(number, num_heads, 'heads') for number in args.heads]
    queries = find_queries(args.queries, num_queries)
    input_height = samples[0].input_size[1]
    grid = find_token_grid(
        inferencer.model.backbone, input_height, records[0].feat_size[0]
    )
    panels = [
        [
            make_panel(records[layer], person, head, queries, grid)
            for layer in layers
            for head in heads
        ]
        for person in range(len(samples))
    ]
    values = [panel.values for row in panels for panel in row]
    # One colour has one meaning in the whole figure.
    top = max(max(v.max() for v in values), args.threshold + 0.01)
    rows = []
    for sample, row in zip(samples, panels, strict=True):
        canvas, affine = make_canvas(image, sample, args.height, args.full_image)
        scale = np.sqrt(abs(np.linalg.det(affine[:, :2]))) * input_height
        drawn = [
            draw_attention(
                canvas,
                move(panel.positions, affine),
                panel.values,
                args.threshold,
                top,
                move(panel.origins, affine),
                radius=max(2.0, scale / 75),
            )
            for panel in row
        ]
        rows.append(
            [canvas, *drawn, attention_legend(args.height, args.threshold, top)]
        )
    titles = [f'layer {layer}, head {head}' for layer in layers for head in heads]
    figure = figure_grid(rows, ['picture' if args.full_image else 'crop', *titles, ''])
    write_bytes(args.out, encode_image(figure, args.out.suffix))
    above = sum(int((v > args.threshold).sum()) for v in values)
    print(
        f'{args.out}: {above} of {sum(map(len, values))} positions are above '
        f'{args.threshold:g}; the largest sum is {max(v.max() for v in values):.2f}'
    )
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; returns the exit code."""
    args = parse_args(argv)
    return run_command(lambda: run(args))


if __name__ == '__main__':
    sys.exit(main())
