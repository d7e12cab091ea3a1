"""MPJPE, PA-MPJPE and PVE of recovered bodies."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor, nn

from deforhmr_mm.evaluation.functional import mpjpe, pa_mpjpe, pve
from deforhmr_mm.registry import METRICS, MODELS
from deforhmr_mm.structures import H36M_EVAL_JOINTS, get_keypoint_set

MILLIMETRES = 1000.0

PELVIS_JOINTS = {'pelvis': ('pelvis',), 'hips': ('left_hip', 'right_hip')}
"""Joints whose mean is the point that is moved to the origin."""


class _Scored(NamedTuple):
    """What one protocol compares of a batch of bodies."""

    joints: Tensor  # (B, J, 3)
    pelvis: Tensor  # (B, 3)
    vertices: Tensor  # (B, V, 3)


@METRICS.register_module()
class MeshMetric(BaseMetric):
    """Errors of recovered bodies in millimetres, averaged over bodies.

    Keys: `MPJPE` (mean joint distance, pelvis aligned), `PA-MPJPE` (after similarity
    Procrustes on the same joints), `PVE` (mean vertex distance, pelvis aligned) and
    `PVE-area` (the same with every vertex weighted by its share of the template's
    surface: most vertices of a body mesh are hands, feet and head).

    The truth is posed from the SMPL labels with `body_model`; the recovered body is
    taken as it comes, in camera axes. Bodies without SMPL labels are left out. No flip
    test, no alignment of scale outside PA-MPJPE.

    Protocols:

    - 'smpl24': the 24 joints of the posed skeleton (RICH, EMDB, the open body).
    - 'h36m14': 14 joints that the body's H36M regressor takes from both meshes, in
      LSP's order (3DPW).

    Args:
        body_model: Config of the body of the labels, or the built module.
        protocol: 'smpl24' or 'h36m14'.
        pelvis: 'pelvis', the protocol's own pelvis joint (for 'h36m14' H36M's joint 0,
            before the 14 are selected); or 'hips', the mean of both hip joints.
        kwargs: See `mmengine.evaluator.BaseMetric`.

    Raises:
        ValueError: An argument is not one of those above, or the body has no H36M
            regressor where the protocol needs one.
    """

    # Plain keys without a prefix; None would be warned about.
    default_prefix = ''

    def __init__(
        self,
        body_model: Mapping[str, Any] | nn.Module | None = None,
        protocol: str = 'smpl24',
        pelvis: str = 'pelvis',
        **kwargs: Any,
    ) -> None:
        if protocol not in ('smpl24', 'h36m14'):
            raise ValueError(
                f"protocol: expected 'smpl24' or 'h36m14', got {protocol!r}"
            )
        if pelvis not in PELVIS_JOINTS:
            raise ValueError(
                f'pelvis: expected one of {tuple(PELVIS_JOINTS)}, got {pelvis!r}'
            )
        super().__init__(**kwargs)
        if not isinstance(body_model, nn.Module):
            body_model = MODELS.build(body_model or dict(type='SMPL'))
        self.body_model = body_model.eval()
        self.protocol = protocol
        self.pelvis = pelvis
        if protocol == 'h36m14' and self.body_model.h36m_regressor is None:
            raise ValueError(
                f"protocol 'h36m14' needs a body with an H36M regressor, but "
                f'{self.body_model.body_name} has none: give its model file a 17-row '
                "h36m_regressor, or use protocol='smpl24'"
            )

    @property
    def description(self) -> str:
        """One line that says how the figures are made."""
        joints = {
            'smpl24': '24 joints of the posed skeleton',
            'h36m14': '14 H36M joints regressed from both meshes',
        }[self.protocol]
        pelvis = {
            'pelvis': 'aligned at the pelvis joint',
            'hips': 'aligned at the mean of the hip joints',
        }[self.pelvis]
        return (
            f'protocol {self.protocol}: {joints}, {pelvis}; body '
            f'{self.body_model.body_name} ({self.body_model.fingerprint})'
        )

    @torch.no_grad()
    def process(self, data_batch: Any, data_samples: Sequence[Mapping]) -> None:
        """Score a batch; keep four numbers a body.

        Args:
            data_batch: Not used.
            data_samples: `MeshDataSample`s as dictionaries, with `gt_instances` and
                `pred_instances` of one body each.

        Raises:
            ValueError: The prediction or the labels belong to another body model.
        """
        del data_batch
        if not data_samples:
            return
        for sample in data_samples:
            self._check_body('the prediction', sample.get('body_fingerprint'))
        self._check_body(
            'the data set', (self.dataset_meta or {}).get('body_fingerprint')
        )

        pred = {
            key: torch.cat([s['pred_instances'][key] for s in data_samples]).float()
            for key in ('vertices', 'joints')
        }
        self._check_vertices(pred['vertices'])
        device = pred['vertices'].device
        truth = {
            key: torch.cat([s['gt_instances'][key] for s in data_samples]).to(device)
            for key in ('global_orient', 'body_pose', 'betas', 'has_smpl')
        }
        self.body_model.to(device)
        body = self.body_model(
            truth['global_orient'], truth['body_pose'], truth['betas']
        )
        errors = self._errors(
            self._scored(pred['vertices'], pred['joints']),
            self._scored(body.vertices, body.joints),
        )
        # One entry for every sample, labelled or not: what a distributed sampler pads
        # is cut off by position when the results of all processes are collected. Not
        # None for those without labels: the collection would drop it.
        self.results.extend(
            row if labelled else ()
            for row, labelled in zip(
                errors.tolist(), (truth['has_smpl'] > 0).tolist(), strict=True
            )
        )

    def compute_metrics(self, results: list[Sequence[float]]) -> dict[str, float]:
        """Average over bodies.

        Args:
            results: What `process` kept, one entry for each sample; empty for a sample
                without SMPL labels.

        Returns:
            MPJPE, PA-MPJPE, PVE and PVE-area in millimetres.

        Raises:
            ValueError: No sample has SMPL labels.
        """
        scored = [row for row in results if row]
        if not scored:
            raise ValueError(
                f'MeshMetric: none of {len(results)} samples has SMPL labels '
                '(has_smpl = 1), so there is nothing to score'
            )
        left_out = len(results) - len(scored)
        note = f', {left_out} without SMPL labels left out' if left_out else ''
        print_log(
            f'MeshMetric on {len(scored)} bodies{note}; millimetres; '
            f'{self.description}',
            logger='current',
        )
        means = np.mean(np.asarray(scored, dtype=np.float64), axis=0)
        keys = ('MPJPE', 'PA-MPJPE', 'PVE', 'PVE-area')
        return dict(zip(keys, means.tolist(), strict=True))

    def _scored(self, vertices: Tensor, joints: Tensor) -> _Scored:
        """Joints and pelvis of the protocol for a batch of bodies."""
        if self.protocol == 'smpl24':
            keypoints = get_keypoint_set('smpl24')
            skeleton = joints[:, : len(keypoints)]
            scored = skeleton
        else:
            keypoints = get_keypoint_set('h36m17')
            skeleton = self.body_model.h36m_regressor.to(vertices) @ vertices
            scored = skeleton[:, list(keypoints.indices(H36M_EVAL_JOINTS))]
        root = keypoints.indices(PELVIS_JOINTS[self.pelvis])
        return _Scored(scored, skeleton[:, list(root)].mean(1), vertices)

    def _errors(self, pred: _Scored, truth: _Scored) -> Tensor:
        """MPJPE, PA-MPJPE, PVE and PVE-area in millimetres, (B, 4)."""
        pelvises = (pred.pelvis, truth.pelvis)
        areas = self.body_model.vertex_area_weights
        return MILLIMETRES * torch.stack(
            [
                mpjpe(pred.joints, truth.joints, *pelvises),
                pa_mpjpe(pred.joints, truth.joints),
                pve(pred.vertices, truth.vertices, *pelvises),
                pve(pred.vertices, truth.vertices, *pelvises, weights=areas),
            ],
            dim=-1,
        )

    def _check_body(self, what: str, fingerprint: str | None) -> None:
        if fingerprint is not None and fingerprint != self.body_model.fingerprint:
            raise ValueError(
                f'MeshMetric: {what} belongs to the body {fingerprint}, but the metric '
                f'has {self.body_model.body_name} ({self.body_model.fingerprint}). Set '
                "the metric's body_model to the same body"
            )

    def _check_vertices(self, vertices: Tensor) -> None:
        expected = self.body_model.num_vertices
        if vertices.shape[-2:] != (expected, 3):
            raise ValueError(
                f'MeshMetric: pred_instances.vertices: expected shape (1, {expected}, '
                f'3) for the body {self.body_model.body_name}, got '
                f'(1, {", ".join(map(str, vertices.shape[1:]))})'
            )
