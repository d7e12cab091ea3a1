"""Score the training set's mean body on a split: what a blind guess would get.

The mean body has the mean betas of the training set and, for each of the 24 joints,
the chordal mean of its rotation matrices: the rotation nearest to their arithmetic
mean. The global orientation is averaged in the same way, in the camera frame. Where
people face every direction alike, their headings cancel in the arithmetic mean, so that
only the common upright axis is well determined and the heading is whatever small
imbalance of the training set is left; PA-MPJPE does not depend on it, the other scores
do.

No picture is read: the annotations alone are needed. The mean body is compared with
every person of the split by the metric of the config.

Example: python tools/analysis_tools/mean_body.py CONFIG --split test --out scores.json
"""

import argparse
from pathlib import Path

import torch
from mmengine.config import DictAction
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from torch import Tensor

from deforhmr_mm.datasets import AnnotationError, build_labels, mean_body, read_labels
from deforhmr_mm.engine.launching import load_config, one_line_errors
from deforhmr_mm.evaluation import MeshMetric, UnscorableLabelsError
from deforhmr_mm.registry import METRICS
from deforhmr_mm.whole_files import write_json

BATCH_SIZE = 64
LABELS = (
    *('global_orient', 'body_pose', 'betas', 'has_smpl'),
    *('joints_3d', 'joints_3d_conf'),
)
# What a metric may want to know of a person beside the labels.
ABOUT = ('gender', 'sample_id', 'img_path', 'sequence')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Score the mean body of the training set on another split.'
    )
    parser.add_argument('config', help='config file with train and test data')
    parser.add_argument('--split', default='test', choices=('val', 'test'))
    parser.add_argument('--out', type=Path, help='also write the scores to this JSON')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config, key=value',
    )
    return parser.parse_args()


@torch.no_grad()
def score(
    metric: MeshMetric, mean: dict[str, Tensor], dataset: BaseDataset
) -> dict[str, float]:
    """Score one and the same body as the prediction for every sample."""
    body = metric.body_model(**mean)
    pred = {'vertices': body.vertices, 'joints': body.joints}
    metric.dataset_meta = dataset.metainfo
    batch = []
    for index, label in enumerate(read_labels(dataset, LABELS)):
        person = dataset.get_data_info(index)
        about = {key: person[key] for key in ABOUT if key in person}
        batch.append({'gt_instances': label, 'pred_instances': pred, **about})
        if len(batch) == BATCH_SIZE:
            metric.process(None, batch)
            batch = []
    metric.process(None, batch)
    return metric.evaluate(len(dataset))


def main() -> None:
    args = parse_args()
    with one_line_errors():
        config = load_config(args.config, args.cfg_options)
        init_default_scope(config.get('default_scope', 'deforhmr_mm'))
        evaluators = config[f'{args.split}_evaluator']
        if not isinstance(evaluators, list | tuple):
            evaluators = [evaluators]
        metrics = [METRICS.build(evaluator) for evaluator in evaluators]
        metrics = [metric for metric in metrics if isinstance(metric, MeshMetric)]
        if not metrics:
            raise ValueError(f'{args.config}: {args.split}_evaluator has no MeshMetric')
        train = build_labels(config.train_dataloader)
        split = build_labels(config[f'{args.split}_dataloader'])
    try:
        mean = mean_body(train)
    except AnnotationError as error:
        raise SystemExit(f'error: {args.config}: train_dataloader: {error}') from error
    report = []
    for metric in metrics:
        try:
            scores = score(metric, mean, split)
        except UnscorableLabelsError as error:
            message = f'error: {args.config}: {args.split}: {error}'
            raise SystemExit(message) from error
        report.append({'protocol': metric.description, **scores})
        print(
            f'Mean body of {len(train)} training people, scored on {len(split)} people '
            f'of the {args.split} split ({metric.description}):'
        )
        print('  '.join(f'{key:>9}' for key in scores))
        print('  '.join(f'{value:9.1f}' for value in scores.values()))
        print('Millimetres; PCK and AUC in percent.')
    if args.out:
        write_json(args.out, {'split': args.split, 'scores': report})


if __name__ == '__main__':
    main()
