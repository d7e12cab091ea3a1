"""Score a model on photographs whose people have labelled 2D joints, as COCO's.

The model recovers the people of the labelled boxes, and the full-image camera projects
their joints. COCO's 17 joints are those of the same name in `smpl45`: shoulders,
elbows, wrists, hips, knees and ankles are joints of the body's skeleton; nose, eyes and
ears are vertices of its mesh. A joint counts where the labeller saw it (visibility 2),
and is near if it is at most --thr times the height of the labelled box from the label
(PCK). Scored together are limbs (elbows, wrists, knees, ankles), the body (these,
shoulders and hips) and all 17. Left out are people whose box is lower than
--min-height, crowds, and people without a visible joint.

--mean-body also scores a guess that sees the box and nothing of the picture: one body
with the mean shape and the mean pose of the training set, upright and facing the
camera. It stands before the same camera as the model's result, for each person at the
one place where the box around its projected mesh has the centre and the height of the
labelled box; its width follows. So it gets what the model is told of the person. A
whole body is pressed into a box that is cut off by the picture's edge, and people who
face away have left and right the other way round: a box does not tell. Without a FILE
the means are those of the config's training labels, whose pictures are not read; a FILE
is one of tools/misc/mean_params.py, or an smpl_mean_params.npz.

python tools/analysis_tools/evaluate_photographs.py CONFIG CHECKPOINT
    --ann person_keypoints.json --img-root val2017 --mean-body --out outputs/photographs
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config, DictAction
from mmengine.device import get_device
from torch import nn

from deforhmr_mm.apis import inference_topdown, init_model
from deforhmr_mm.apis.command_line import run_command
from deforhmr_mm.datasets import (
    LabelledPerson,
    build_labels,
    mean_body,
    read_image,
    read_labelled_people,
)
from deforhmr_mm.evaluation import COCO_GROUPS, CocoPCK, Share, coco_pck
from deforhmr_mm.evaluation.metrics.result_tables import text_table
from deforhmr_mm.geometry import (
    perspective_projection,
    place_in_box,
    rot6d_to_rotmat,
    rotmat_to_rot6d,
)
from deforhmr_mm.models.heads import MeanParams, facing_rest_pose, load_mean_params
from deforhmr_mm.structures import MeshDataSample, get_keypoint_set
from deforhmr_mm.visualization import (
    MeshVisualizer,
    encode_image,
    figure_grid,
)
from deforhmr_mm.visualization.joint_comparison import draw_joint_comparison
from deforhmr_mm.whole_files import write_bytes, write_json

COCO = get_keypoint_set('coco17')
IN_SMPL45 = list(get_keypoint_set('smpl45').indices(COCO.names))
KEYS = {'model': 'model', 'mean body': 'mean_body'}
# Photographs are enlarged to this height, for joints lie close together in them.
PANEL_HEIGHT = 720


class Result(NamedTuple):
    """A person, as labelled and as recovered.

    Attributes:
        name: Of the picture, as the labels have it: its path in the folder of pictures.
        person: The labels.
        joints: (17, 2) pixels by 'model' and perhaps 'mean body'.
    """

    name: str
    person: LabelledPerson
    joints: dict[str, np.ndarray]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config of the model')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument(
        '--ann', type=Path, required=True, help='COCO keypoint file, JSON'
    )
    parser.add_argument(
        '--img-root', type=Path, required=True, help='folder of the photographs'
    )
    parser.add_argument(
        '--min-height',
        type=float,
        default=150,
        help='pixels that a box has at least (default: 150)',
    )
    parser.add_argument(
        '--thr',
        type=float,
        default=0.1,
        help="share of the box's height that a joint may be off (default: 0.1)",
    )
    parser.add_argument(
        '--mean-body',
        nargs='?',
        const='',
        metavar='FILE',
        help='score the mean body too: that of FILE, or of the training labels',
    )
    parser.add_argument('--out', type=Path, help='folder for drawn photographs')
    parser.add_argument(
        '--json',
        type=Path,
        help='file of the figures (default: photographs.json, in the folder of --out)',
    )
    parser.add_argument('--device', help='cpu, cuda:0, ... (default: what there is)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='settings that replace those of the config, as key=value',
    )
    args = parser.parse_args(argv)
    if not args.thr > 0:
        parser.error(f'--thr must be positive, but is {args.thr}')
    return args


def load_mean(cfg: Config, path: str) -> MeanParams:
    """Mean pose and shape of a file, or for '' of the training labels; facing."""
    start = facing_rest_pose()
    if path:
        means = load_mean_params(path)
    elif 'train_dataloader' in cfg:
        mean = mean_body(build_labels(cfg.train_dataloader))
        rotmats = torch.cat((mean['global_orient'], mean['body_pose']), dim=1)[0]
        means = MeanParams(rotmat_to_rot6d(rotmats), mean['betas'][0], start.camera)
    else:
        raise ValueError(f'{cfg.filename} has no train_dataloader: give a FILE')
    # The mean of the headings is no way to face: they cancel one another in it.
    return means._replace(rot6d=torch.cat((start.rot6d[:1], means.rot6d[1:])))


@torch.no_grad()
def mean_joints(
    body: nn.Module, means: MeanParams, person: LabelledPerson, sample: MeshDataSample
) -> np.ndarray:
    """(17, 2) pixels: the mean body's joints where its mesh fills the labelled box.

    Args:
        body: The model's.
        means: See `load_mean`.
        person: Whose box it is.
        sample: What the model recovered of the person: for the camera.
    """
    like = body.v_template
    rotmats = rot6d_to_rotmat(means.rot6d.to(like))[None]
    betas = means.betas[None, : body.num_betas].to(like)
    posed = body(rotmats[:, :1], rotmats[:, 1:], betas)
    focal_length = sample.pred_instances.focal_length[0].item()
    point = sample.pred_instances.principal_point[0].to(like)
    left, top, width, height = person.bbox.tolist()
    center = like.new_tensor([left + width / 2, top + height / 2])
    transl = place_in_box(posed.vertices[0], center, height, focal_length, point)
    joints = posed.joints[0, IN_SMPL45]
    return perspective_projection(joints, focal_length, point, transl).cpu().numpy()


def compare(
    model: nn.Module,
    name: str,
    people: Sequence[LabelledPerson],
    samples: Sequence[MeshDataSample],
    means: MeanParams | None,
) -> list[Result]:
    """Put a picture's labels, what was recovered, and the mean body beside another."""
    results = []
    for person, sample in zip(people, samples, strict=True):
        joints = {'model': sample.pred_instances.keypoints[0, IN_SMPL45].numpy()}
        if means is not None:
            joints['mean body'] = mean_joints(model.body_model, means, person, sample)
        results.append(Result(name, person, joints))
    return results


def score(results: Sequence[Result], threshold: float) -> dict[str, CocoPCK]:
    """Score all people together; by 'model' and, if it is there, 'mean body'."""
    people = [result.person for result in results]
    target = np.stack([person.keypoints for person in people])
    visible = np.stack([person.visible for person in people])
    height = np.array([person.bbox[3] for person in people])
    return {
        who: coco_pck(
            np.stack([result.joints[who] for result in results]),
            target,
            visible,
            height,
            threshold,
        )
        for who in results[0].joints
    }


def difference(shares: Sequence[Share]) -> float | None:
    """How many points the first share, the model's, is above the other."""
    values = [share.pck for share in shares]
    return None if None in values else values[0] - values[1]


def tables(results: Sequence[Result], scores: dict[str, CocoPCK]) -> list[str]:
    """Tables of groups and joints, and of the limbs of each person."""

    def row(name: str, shares: Sequence[Share]) -> list[str]:
        values = [share.pck for share in shares]
        cells = ['-' if value is None else f'{value:.1f}' for value in values]
        if len(shares) > 1:
            points = difference(shares)
            cells.append('-' if points is None else f'{points:+.1f}')
        return [name, str(shares[0].counted), *cells]

    columns = ['counted', *scores, *['points above it'] * (len(scores) - 1)]
    groups = [
        row(f'{name} ({len(joints)})', [pck.groups[name] for pck in scores.values()])
        for name, joints in COCO_GROUPS.items()
    ]
    joints = [
        row(name, [pck.joints[name] for pck in scores.values()]) for name in COCO.names
    ]
    people = [
        row(
            f'{result.name} {result.person.annotation_id}',
            [pck.people[number]['limbs'] for pck in scores.values()],
        )
        for number, result in enumerate(results)
    ]
    return [
        text_table(['joints', *columns], groups + joints),
        text_table(['limbs of each person (annotation)', *columns], people),
    ]


def figures(results: Sequence[Result], scores: dict[str, CocoPCK]) -> dict[str, Any]:
    """The figures as the JSON file has them."""

    def plain(shares: dict[str, Share]) -> dict[str, dict]:
        return {name: share._asdict() for name, share in shares.items()}

    content: dict[str, Any] = {
        KEYS[who]: {**plain(pck.groups), 'joints': plain(pck.joints)}
        for who, pck in scores.items()
    }
    if len(scores) > 1:
        content['points_above_mean_body'] = {
            name: difference([pck.groups[name] for pck in scores.values()])
            for name in COCO_GROUPS
        }
    content['people'] = [
        {
            'picture': result.name,
            'annotation_id': result.person.annotation_id,
            'bbox': result.person.bbox.tolist(),
            **{KEYS[who]: plain(pck.people[n]) for who, pck in scores.items()},
        }
        for n, result in enumerate(results)
    ]
    return content


def drawing_names(names: Iterable[str]) -> dict[str, str]:
    """A file name for the drawing of each picture.

    Args:
        names: Of the pictures, as the labels have them.

    Returns:
        By the picture's name: its stem, or its whole path where others have that stem,
        with ``_joints.jpg``.
    """
    names = list(names)
    same = Counter(Path(name).stem for name in names)
    drawings: dict[str, str] = {}
    for name in names:
        stem = Path(name).stem
        # The suffix stays, as it may be all that tells two pictures apart.
        own = stem if same[stem] == 1 else name.replace('/', '_')
        while f'{own}_joints.jpg' in drawings.values():
            own += '_'
        drawings[name] = f'{own}_joints.jpg'
    return drawings


def draw(
    path: Path,
    results: Sequence[Result],
    samples: Sequence[MeshDataSample],
    visualizer: MeshVisualizer,
) -> np.ndarray:
    """Draw a picture's meshes, and its joints as labelled and as recovered."""
    image = np.ascontiguousarray(read_image(path)[..., ::-1])
    panels = [visualizer.draw_people(image, samples)]
    labels = [(r.person.keypoints, r.person.visibility) for r in results]
    for who in results[0].joints:
        joints = [result.joints[who] for result in results]
        zoom = PANEL_HEIGHT / image.shape[0]
        panels.append(draw_joint_comparison(image, labels, joints, zoom))
    titles = ['model', *(f'labels and {who}' for who in results[0].joints)]
    return figure_grid([panels], titles, PANEL_HEIGHT)


def run(args: argparse.Namespace) -> int:
    """Score, print and draw; returns the exit code."""
    labelled = read_labelled_people(args.ann, args.min_height)
    device = args.device or get_device()
    model = init_model(args.config, args.checkpoint, device, args.cfg_options)
    means = None if args.mean_body is None else load_mean(model.cfg, args.mean_body)
    visualizer = MeshVisualizer('photographs', faces=model.body_model.faces)
    drawings = drawing_names(labelled)
    results = []
    for name, people in labelled.items():
        path = args.img_root / name
        samples = inference_topdown(model, path, [one.bbox for one in people], 'xywh')
        found = compare(model, name, people, samples, means)
        if args.out is not None:
            image = encode_image(draw(path, found, samples, visualizer), '.jpg')
            write_bytes(args.out / drawings[name], image)
        results += found
    scores = score(results, args.thr)
    print(
        f'{len(results)} people in {len(labelled)} photographs, boxes at least '
        f'{args.min_height:g} pixels high.\nPercent of the visible joints at most '
        f'{args.thr:g} of the height of the box off:',
        *tables(results, scores),
        sep='\n',
    )
    content = {
        'config': Path(args.config).name,
        'checkpoint': model.checkpoint_info._asdict(),
        'annotations': args.ann.name,
        'threshold': args.thr,
        'min_height': args.min_height,
        'groups': COCO_GROUPS,
        **figures(results, scores),
    }
    path = args.json or (args.out or Path()) / 'photographs.json'
    write_json(path, content)
    print(f'\nThese figures are in {path}')
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; returns the exit code."""
    args = parse_args(argv)
    return run_command(lambda: run(args))


if __name__ == '__main__':
    sys.exit(main())
