"""Write the mean parameters of a config's training set, from which a head starts.

The file has the mean betas, the chordal mean rotation of each joint and a crop camera,
in the layout that ``mean_params=`` of a head reads. No picture is read.

The global orientation is, with ``--global-orient facing``, upright and facing the
camera; with ``mean`` it is averaged like the joints, which determines it only where
people do not face every direction alike. The camera is (0.9, 0, 0), where regressors of
this family start, or with ``--camera mean`` that of the labels, if they have places in
space (transl, focal_length, principal_point) and boxes like those of training.

Example: python tools/misc/mean_params.py CONFIG --out data/body_models/mean_params.npz
"""

import argparse
from pathlib import Path

import torch
from mmengine.config import DictAction
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope

from deforhmr_mm.datasets import (
    AnnotationError,
    build_labels,
    mean_body,
    mean_crop_camera,
)
from deforhmr_mm.engine.launching import load_config, one_line_errors
from deforhmr_mm.geometry import rotmat_to_rot6d
from deforhmr_mm.models.heads import MeanParams, facing_rest_pose, save_mean_params


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file with training data')
    parser.add_argument('--out', type=Path, required=True, help='npz file to write')
    parser.add_argument(
        '--global-orient',
        choices=('facing', 'mean'),
        default='facing',
        help='upright and facing the camera, or the mean of the labels',
    )
    parser.add_argument(
        '--camera',
        choices=('start', 'mean'),
        default='start',
        help='(0.9, 0, 0), or the mean of the labels',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config, key=value',
    )
    return parser.parse_args()


def mean_params(
    dataset: BaseDataset, global_orient: str = 'facing', camera: str = 'start'
) -> MeanParams:
    """Mean parameters of a data set without a pipeline; see the module's head.

    Raises:
        AnnotationError: if the data set lacks the labels.
    """
    mean = mean_body(dataset)
    start = facing_rest_pose()
    rotmats = torch.cat((mean['global_orient'], mean['body_pose']), dim=1)
    rot6d = rotmat_to_rot6d(rotmats[0])
    if global_orient == 'facing':
        rot6d = torch.cat((start.rot6d[:1], rot6d[1:]))
    return MeanParams(
        rot6d=rot6d,
        betas=mean['betas'][0],
        camera=mean_crop_camera(dataset) if camera == 'mean' else start.camera,
    )


def main() -> None:
    args = parse_args()
    if args.out.suffix != '.npz':
        raise SystemExit(f'error: --out must end with .npz, got {args.out}')
    with one_line_errors():
        config = load_config(args.config, args.cfg_options)
        init_default_scope(config.get('default_scope', 'deforhmr_mm'))
        train = build_labels(config.train_dataloader)
    try:
        means = mean_params(train, args.global_orient, args.camera)
    except AnnotationError as error:
        raise SystemExit(f'error: {args.config}: train_dataloader: {error}') from error
    save_mean_params(args.out, means)
    print(
        f'{args.out}: means of {len(train)} people, global orientation '
        f'{args.global_orient!r}, crop camera '
        f'({", ".join(f"{value:.3f}" for value in means.camera.tolist())})'
    )


if __name__ == '__main__':
    main()
