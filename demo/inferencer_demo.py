"""Recover people's meshes from pictures: overlays, GLB meshes, SMPL parameters.

python demo/inferencer_demo.py                             the sample pictures
python demo/inferencer_demo.py photo.jpg --bbox 50 40 200 400
python demo/inferencer_demo.py folder/ --bbox-file coco.json --out-dir results
"""

import argparse
import pickle
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import roma
import torch
from mmengine.config import DictAction
from torch import nn

from deforhmr_mm.apis import MeshInferencer, load_coco_boxes
from deforhmr_mm.apis.inference import BBOX_PADDING
from deforhmr_mm.evaluation import mpjpe
from deforhmr_mm.geometry.boxes import CROP_ASPECT
from deforhmr_mm.structures import get_keypoint_set

SAMPLES = Path(__file__).resolve().parent / 'samples'
JOINTS = get_keypoint_set('smpl24')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'inputs',
        nargs='?',
        help='picture, folder or glob (default: the sample pictures)',
    )
    boxes = parser.add_mutually_exclusive_group()
    boxes.add_argument(
        '--bbox',
        nargs=4,
        type=float,
        action='append',
        metavar=('X', 'Y', 'W', 'H'),
        help='box of a person in pixels, once for each person '
        '(default: the whole picture is one person)',
    )
    boxes.add_argument(
        '--bbox-file', help='COCO annotation file with the boxes of each picture'
    )
    parser.add_argument(
        '--bbox-format',
        choices=('xywh', 'xyxy'),
        default='xywh',
        help='what the numbers of --bbox are (default: xywh)',
    )
    parser.add_argument(
        '--model', default='openbody-tiny', help='short name of a model, or a config'
    )
    parser.add_argument(
        '--weights', help='checkpoint (default: that of the short name)'
    )
    parser.add_argument('--device', help='cpu, cuda:0, ... (default: what there is)')
    parser.add_argument('--out-dir', default='outputs/demo', help='where files go')
    parser.add_argument(
        '--focal-length',
        type=float,
        help='of the pictures, in pixels (default: their diagonal)',
    )
    parser.add_argument('--batch-size', type=int, default=16, help='people at a time')
    parser.add_argument(
        '--draw-joints', action='store_true', help='show the 2D joints, too'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='settings that replace those of the config, as key=value',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit code, 1 if a picture or a setting failed."""
    args = parse_args(argv)
    start = time.perf_counter()
    try:
        failed = run(args)
    except (OSError, ValueError, pickle.UnpicklingError) as error:
        print(f'error: {one_line(error)}', file=sys.stderr)
        return 1
    print(f'{time.perf_counter() - start:.1f} s in all')
    return 1 if failed else 0


def run(args: argparse.Namespace) -> int:
    """Go through the pictures; returns how many failed."""
    samples = None
    inputs, bboxes, bbox_format = args.inputs, args.bbox, args.bbox_format
    if inputs is None:
        if args.bbox or args.bbox_file:
            raise ValueError('--bbox and --bbox-file need the picture that they are of')
        inputs = SAMPLES
        samples = load_samples(SAMPLES / 'annotations.npz')
        bboxes, bbox_format = samples.bboxes, 'xyxy'
    elif args.bbox_file:
        bboxes, bbox_format = load_coco_boxes(args.bbox_file), 'xywh'
    inferencer = MeshInferencer(
        args.model, args.weights, args.device, cfg_options=args.cfg_options
    )
    body = inferencer.model.body_model
    true_joints = {} if samples is None else pose_samples(samples, body)
    if samples is not None and not true_joints:
        print(
            f"no MPJPE: the truth is of another body than the model's {body.body_name}"
        )
    results = inferencer(
        inputs,
        batch_size=args.batch_size,
        bboxes=bboxes,
        bbox_format=bbox_format,
        focal_length=args.focal_length,
        draw_joints=args.draw_joints,
        out_dir=args.out_dir,
        on_error='continue',
    )
    return print_results(results, true_joints)


def print_results(
    results: Iterable[dict], true_joints: Mapping[str, np.ndarray]
) -> int:
    """Print the table as pictures are done, then the files; returns how many failed."""
    row = '{:<24} {:>6}  {:>24}  {:>9}  {:>7}'
    print(row.format('picture', 'person', 'box (x y w h)', 'MPJPE mm', 'seconds'))
    errors, files, scores = [], [], []
    for result in results:
        name = Path(result['input']).name
        if result['error'] is not None:
            print(row.format(name, '-', 'failed', '-', '-'), flush=True)
            errors.append(result['error'])
            continue
        files += result['files']
        (people,) = result['predictions']
        if not people:
            print(row.format(name, 0, '-', '-', f'{result["seconds"]:.2f}'))
        for index, person in enumerate(people):
            x0, y0, x1, y1 = person['bbox']
            score = '-'
            if name in true_joints:
                scores.append(joint_error(person, true_joints[name][index]))
                score = f'{scores[-1]:.1f}'
            box = f'{x0:.0f} {y0:.0f} {x1 - x0:.0f} {y1 - y0:.0f}'
            seconds = f'{result["seconds"] / len(people):.2f}'
            print(row.format(name, index, box, score, seconds), flush=True)
    if scores:
        print(f'mean MPJPE of {len(scores)} people: {np.mean(scores):.1f} mm')
    if files:
        print(f'\n{len(files)} files:')
    for file in files:
        print(f'  {file}')
    for error in errors:
        print(f'error: {one_line(error)}', file=sys.stderr)
    return len(errors)


def joint_error(person: dict, true_joints: np.ndarray) -> float:
    """Return the MPJPE of one person in mm over SMPL's joints, pelvis at the origin."""
    pred = np.array([person['joints_3d'][name] for name in JOINTS.names])
    pelvis = JOINTS.index('pelvis')
    return 1000 * float(mpjpe(pred, true_joints, pred[pelvis], true_joints[pelvis]))


class Samples(NamedTuple):
    """What is known of the sample pictures, by file name.

    bboxes: (N, 4) left, top, right, bottom in pixels. pose: (N, 24, 3) axis-angle in
    the camera frame, root first. betas: (N, 10). body_fingerprint: of their body.
    """

    bboxes: dict[str, np.ndarray]
    pose: dict[str, np.ndarray]
    betas: dict[str, np.ndarray]
    body_fingerprint: str


def load_samples(path: Path) -> Samples:
    """Read annotations in the layout of SPIN's npz files.

    The boxes leave out the margin that inference adds: crops become those of a test.
    """
    with np.load(path) as data:
        columns = {key: data[key] for key in data.files}
    names = np.array([Path(name).name for name in columns['imgname']])
    height = 200 * columns['scale'] / BBOX_PADDING
    half = np.stack([CROP_ASPECT * height, height], axis=-1) / 2
    columns['bbox'] = np.concatenate(
        [columns['center'] - half, columns['center'] + half], axis=-1
    )
    columns['pose'] = columns['pose'].reshape(-1, len(JOINTS), 3)
    by_name = [
        {name: columns[key][names == name] for name in names.tolist()}
        for key in ('bbox', 'pose', 'shape')
    ]
    return Samples(*by_name, str(columns['body_fingerprint']))


def pose_samples(samples: Samples, body: nn.Module) -> dict[str, np.ndarray]:
    """Return the true joints (N, 24, 3) in metres by file name.

    There are none for another body than that of the truth: its joints lie elsewhere.
    """
    if body.fingerprint != samples.body_fingerprint:
        return {}
    joints = {}
    for name, pose in samples.pose.items():
        rotmats = roma.rotvec_to_rotmat(torch.from_numpy(pose).float())
        betas = torch.from_numpy(samples.betas[name]).float()
        device = next(body.buffers()).device
        with torch.no_grad():
            posed = body(
                *(x.to(device) for x in (rotmats[:, :1], rotmats[:, 1:], betas))
            )
        joints[name] = posed.joints[:, : len(JOINTS)].cpu().numpy()
    return joints


def one_line(error: object) -> str:
    return ' '.join(str(error).split())


if __name__ == '__main__':
    sys.exit(main())
