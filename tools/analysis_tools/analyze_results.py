"""Draw the best, the median and the worst people of a test.

Each person is drawn as the picture, the recovered mesh over it, and the recovered body
(blue) with the true one (yellow), moved to one pelvis as for the metrics: from the
front, as the camera looks, and from the side, the camera being on the left.

Which people these are is read from the figures that the test wrote. People whose labels
are joints alone have no true body to draw, and are left out:

python tools/test.py CONFIG CHECKPOINT
    --cfg-options test_evaluator.out_file_prefix=scores/test
python tools/analysis_tools/analyze_results.py CONFIG CHECKPOINT
    --scores scores/test.npz --out cases.jpg
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from rich.progress import track
from torch import nn

from deforhmr_mm.apis import init_model
from deforhmr_mm.apis.command_line import run_command
from deforhmr_mm.datasets import read_sample_image
from deforhmr_mm.evaluation import MORE_IS_BETTER
from deforhmr_mm.registry import DATASETS, METRICS
from deforhmr_mm.structures import MeshDataSample
from deforhmr_mm.visualization import MeshVisualizer, encode_image
from deforhmr_mm.visualization.contact_sheet import SheetRow, contact_sheet
from deforhmr_mm.visualization.figure_grid import resize
from deforhmr_mm.visualization.shading import PALETTE
from deforhmr_mm.visualization.side_view import draw_scene, turn_to_side
from deforhmr_mm.whole_files import write_bytes

# Of the recovered body and of the true one: blue and yellow.
COLORS = PALETTE[:2]
# Besides the one that is sorted by, each person's caption has these.
CAPTION_METRICS = ('PA-MPJPE', 'MPJPE')
CASES_PER_ROW = 2


class Case(NamedTuple):
    """A person that is to be drawn.

    Attributes:
        kind: 'best', 'median' or 'worst'.
        sample_id: Of the data set.
        figures: By metric.
    """

    kind: str
    sample_id: str
    figures: dict[str, float]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config of the test; its model reads pictures')
    parser.add_argument('checkpoint', help='checkpoint that was tested')
    parser.add_argument(
        '--scores',
        type=Path,
        required=True,
        help="everybody's figures: PREFIX.npz of MeshMetric's out_file_prefix",
    )
    parser.add_argument(
        '--metric', default='PA-MPJPE', help='what people are sorted by (PA-MPJPE)'
    )
    parser.add_argument(
        '--topk', type=int, default=4, help='people of each of the three kinds (4)'
    )
    parser.add_argument('--height', type=int, default=224, help='of a picture, pixels')
    parser.add_argument(
        '--out', type=Path, default=Path('cases.jpg'), help='picture to write'
    )
    parser.add_argument('--device', help='cpu, cuda:0, ... (default: what there is)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='settings that replace those of the config, as key=value',
    )
    args = parser.parse_args(argv)
    if args.topk < 1 or args.height < 32:
        parser.error('--topk must be at least 1, --height 32')
    return args


def choose_cases(path: Path, metric: str, topk: int) -> list[Case]:
    """The people with the best, middling and worst figures, best first.

    Args:
        path: File of figures, see `parse_args`.
        metric: What they are sorted by: of those in `MORE_IS_BETTER` the highest is
            best, of others, errors, the lowest.
        topk: How many of each kind; all three kinds have other people.

    Raises:
        ValueError: The metric is not in the file, or there are too few people.
    """
    with np.load(path) as file:
        keys, figures, ids = (file[k] for k in ('keys', 'figures', 'sample_id'))
        if 'truth' in file:
            is_posed = file['truth'] == 'smpl'
            figures, ids = figures[is_posed], ids[is_posed]
    keys = keys.tolist()
    if metric not in keys:
        raise ValueError(f'{path}: expected the metric {metric}, got {", ".join(keys)}')
    if len(ids) < 3 * topk:
        raise ValueError(
            f'{path}: {topk} of each kind need {3 * topk} people with SMPL labels, got '
            f'{len(ids)}; choose a smaller --topk'
        )
    sign = -1 if metric in MORE_IS_BETTER else 1
    order = (sign * figures[:, keys.index(metric)]).argsort(kind='stable')
    middle = (len(order) - topk) // 2
    kinds = {
        'best': order[:topk],
        'median': order[middle : middle + topk],
        'worst': order[len(order) - topk :],
    }
    shown = dict.fromkeys((metric, *CAPTION_METRICS))
    return [
        Case(
            kind,
            str(ids[row]),
            {key: float(figures[row, keys.index(key)]) for key in shown if key in keys},
        )
        for kind, rows in kinds.items()
        for row in rows
    ]


def rows_of(dataset: BaseDataset, ids: Sequence[str]) -> dict[str, int]:
    """Where people stand in a data set.

    Raises:
        ValueError: Somebody is not in it.
    """
    wanted = set(ids)
    rows = {}
    for row in range(len(dataset)):
        name = dataset.get_data_info(row)['sample_id']
        if name in wanted:
            rows[name] = row
    if missing := sorted(wanted - set(rows)):
        raise ValueError(
            f"{missing[0]} of --scores is not in the config's test data: are they of "
            'another split? Give the test its --cfg-options'
        )
    return rows


def cut_out(image: np.ndarray, sample: MeshDataSample, height: int) -> np.ndarray:
    """The part of a picture that the network was shown, upright.

    Args:
        image: (H, W, 3) uint8 RGB.
        sample: With ``input_center`` and ``input_scale``.
        height: Of what is returned; its shape is the crop's.
    """
    scale = np.asarray(sample.input_scale, float)
    zoom = height / scale[1]
    size = max(1, round(zoom * scale[0])), height
    # The centre of pixel 0 is at 0, so that the outer corner is at -0.5.
    center = zoom * (np.asarray(sample.input_center) + 0.5)
    shift = (np.array(size) / 2 - center)[:, None]
    affine = np.concatenate((np.eye(2), shift), axis=1)
    return cv2.warpAffine(resize(image, zoom), affine, size)


def truth_bodies(config: Config, body: nn.Module) -> dict[str, nn.Module]:
    """Bodies that the test's metric poses the truth with, by gender."""
    evaluators = config.test_evaluator
    for evaluator in evaluators if isinstance(evaluators, list) else [evaluators]:
        if evaluator['type'] == 'MeshMetric':
            return METRICS.build(dict(evaluator)).truth_bodies
    return {'neutral': body}


@torch.no_grad()
def draw_case(
    model: nn.Module,
    bodies: Mapping[str, nn.Module],
    visualizer: MeshVisualizer,
    sample: MeshDataSample,
    height: int,
) -> list[np.ndarray]:
    """Picture, overlay, and both bodies from the front and from the side."""
    image = np.ascontiguousarray(read_sample_image(sample.metainfo)[..., ::-1])
    recovered, truth = sample.pred_instances, sample.gt_instances
    body = model.body_model
    gendered = bodies.get(sample.get('gender', 'neutral'), bodies['neutral'])
    device = recovered.vertices.device
    true_body = gendered.to(device)(
        *(truth.get(key).to(device) for key in ('global_orient', 'body_pose', 'betas'))
    )
    meshes = [
        (one.vertices[0] - one.joints[0, :1]).cpu().numpy()
        for one in (recovered, true_body)
    ]
    together = np.concatenate(meshes)
    # One scale from the front and from the side.
    extent = tuple(np.ptp(together, axis=0).max(initial=0) * np.ones(2))
    scenes = [
        draw_scene(
            (height, height),
            visualizer.renderer,
            meshes,
            body.faces,
            turn,
            COLORS,
            extent,
        )
        for turn in (np.asarray, turn_to_side)
    ]
    overlay = visualizer.draw_people(image, [sample])
    return [cut_out(image, sample, height), cut_out(overlay, sample, height), *scenes]


def caption(case: Case) -> str:
    figures = '  '.join(f'{key} {value:.0f}' for key, value in case.figures.items())
    return f'{case.kind}: {figures}  ({case.sample_id})'


def run(args: argparse.Namespace) -> int:
    """Choose, draw and write; returns the exit code."""
    cases = choose_cases(args.scores, args.metric, args.topk)
    device = args.device or get_device()
    model = init_model(args.config, args.checkpoint, device, args.cfg_options)
    init_default_scope(model.cfg.get('default_scope', 'deforhmr_mm'))
    dataset = DATASETS.build(dict(model.cfg.test_dataloader.dataset))
    rows = rows_of(dataset, [case.sample_id for case in cases])
    visualizer = MeshVisualizer('analyze_results', faces=model.body_model.faces)
    bodies = truth_bodies(model.cfg, model.body_model)
    groups = []
    for case in track(cases, 'people'):
        with torch.no_grad():
            batch = pseudo_collate([dataset[rows[case.sample_id]]])
            (sample,) = model.test_step(batch)
        # Everybody's mesh in the colour of recovered bodies.
        sample.set_metainfo(dict(person_id=0))
        groups.append(draw_case(model, bodies, visualizer, sample, args.height))
    sheet = [
        SheetRow(groups[part], [caption(case) for case in cases[part]])
        for start in range(0, len(cases), CASES_PER_ROW)
        for part in [slice(start, start + CASES_PER_ROW)]
    ]
    unit = 'percent' if args.metric in MORE_IS_BETTER else 'mm'
    title = (
        f'{Path(args.checkpoint).name}: best, median and worst of {args.metric}, '
        f'{unit}; blue is recovered, yellow true, from the front and from the side'
    )
    image = contact_sheet(sheet, title)
    write_bytes(args.out, encode_image(image, args.out.suffix))
    print(f'{args.out}: {args.topk} people of each kind, by {args.metric}')
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; returns the exit code."""
    args = parse_args(argv)
    return run_command(lambda: run(args))


if __name__ == '__main__':
    sys.exit(main())
