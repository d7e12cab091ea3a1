"""Errors of recovered bodies: joints, vertices, and what lies within a threshold."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor, nn

from deforhmr_mm.body_models import load_joint_regressor
from deforhmr_mm.evaluation.functional import (
    auc,
    pa_point_errors,
    pa_pve,
    pck,
    point_errors,
    pve,
)
from deforhmr_mm.registry import METRICS, MODELS
from deforhmr_mm.structures import get_keypoint_set

from .protocols import Protocol, get_protocol
from .result_tables import BodyScore, joint_table, sequence_table, write_scores

MILLIMETRES = 1000.0
PCK_THRESHOLD = 150.0  # millimetres, that of 3DPCK

KEYS = (
    'MPJPE',
    'PA-MPJPE',
    'PVE',
    'PVE-area',
    'PA-PVE',
    f'PCK@{PCK_THRESHOLD:.0f}',
    'AUC',
)


@METRICS.register_module()
class MeshMetric(BaseMetric):
    """Errors of recovered bodies in millimetres, means over bodies.

    Each figure is a mean of one number a body. Keys:

    - `MPJPE`: mean joint distance, pelvis aligned.
    - `PA-MPJPE`: the same after similarity Procrustes on the scored joints.
    - `PVE`: mean vertex distance, aligned at the same pelvis.
    - `PVE-area`: the same with every vertex weighted by its share of the template's
      surface, since most vertices of a body mesh are hands, feet and head.
    - `PA-PVE`: mean vertex distance after similarity Procrustes on the vertices.
    - `PCK@150`: percent of joints at most 150 mm off, pelvis aligned.
    - `AUC`: mean of PCK over 31 thresholds from 0 to 150 mm, percent.

    The truth is posed from the SMPL labels; the recovered body is taken as it comes, in
    camera axes. Bodies without SMPL labels are left out. No alignment of scale outside
    the PA figures. Predictions of a model with a flip test are named so.

    Protocols (`deforhmr_mm.evaluation.PROTOCOLS`; docs/evaluation.md):

    - 'smpl24': the posed skeleton's 24 joints (the open body).
    - 'h36m14': 14 joints that the body's H36M regressor takes from both meshes.
    - '3dpw': 'h36m14', and the truth posed with the body of the person's gender.
    - 'rich', 'emdb': 24 joints by SMPL's regressor from both meshes, aligned at the
      mean of the hip joints, gendered truth.

    Args:
        body_model: Config of the body of the labels, or the built module.
        protocol: Name of a protocol.
        pelvis: 'pelvis', 'hips' or 'hmr2' in place of the protocol's own; see
            `Protocol`.
        hmr2_regressor: HMR2.0's ``SMPL_to_J19.pkl``, or an ``.npy`` file of the same
            (19, V) weights, for the pelvis 'hmr2'.
        gendered_truth: In place of the protocol's own.
        gendered_body_models: Configs of the bodies, or built modules, of 'male' and
            'female', where the truth is gendered; 'neutral' is `body_model`.
        per_joint: Log a table of the joints' mean errors.
        per_sequence: Log a table of means over each sequence: the sample's `sequence`,
            or the folder of its picture.
        out_file_prefix: Write every body's figures to PREFIX.csv, and with the joints'
            errors to PREFIX.npz.
        kwargs: See `mmengine.evaluator.BaseMetric`.

    Raises:
        ValueError: An argument is not one of those above, the body has no H36M
            regressor where the protocol needs one, or bodies of the genders are
            missing.
    """

    # Plain keys without a prefix; None would be warned about.
    default_prefix = ''

    def __init__(
        self,
        body_model: Mapping[str, Any] | nn.Module | None = None,
        protocol: str = 'smpl24',
        pelvis: str | None = None,
        hmr2_regressor: str | None = None,
        gendered_truth: bool | None = None,
        gendered_body_models: Mapping[str, Mapping[str, Any] | nn.Module] | None = None,
        per_joint: bool = False,
        per_sequence: bool = False,
        out_file_prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        chosen = get_protocol(protocol).changed(pelvis, gendered_truth)
        super().__init__(**kwargs)
        self.body_model = _build(body_model or dict(type='SMPL'))
        self.protocol: Protocol = chosen
        self.per_joint = per_joint
        self.per_sequence = per_sequence
        self.out_file_prefix = out_file_prefix
        self.truth_bodies = {'neutral': self.body_model}
        if chosen.gendered_truth:
            self.truth_bodies |= self._build_gendered(gendered_body_models or {})
        for body in self.truth_bodies.values():
            self._check_regressor(body)
        self.pelvis_weights = self._read_pelvis_weights(hmr2_regressor)
        self._flip_test = False

    @property
    def description(self) -> str:
        """One line that says how the figures are made."""
        flip_test = '; flip test' if self._flip_test else ''
        return (
            f'{self.protocol.description}; body {self.body_model.body_name} '
            f'({self.body_model.fingerprint}){flip_test}'
        )

    @torch.no_grad()
    def process(self, data_batch: Any, data_samples: Sequence[Mapping]) -> None:
        """Score a batch; keep a body's figures and its joints' errors.

        Args:
            data_batch: Not used.
            data_samples: `MeshDataSample`s as dictionaries, with `gt_instances` and
                `pred_instances` of one body each; `gender` where the truth is
                gendered.

        Raises:
            ValueError: The prediction or the labels belong to another body model.
        """
        del data_batch
        if not data_samples:
            return
        for sample in data_samples:
            self._check_body('the prediction', sample.get('body_fingerprint'))
        self._flip_test = any(sample.get('flip_test') for sample in data_samples)
        self._check_labels((self.dataset_meta or {}).get('body_fingerprint'))

        vertices, joints = (
            torch.cat([s['pred_instances'][key] for s in data_samples]).float()
            for key in ('vertices', 'joints')
        )
        self._check_vertices(vertices)
        truth = {
            key: torch.cat([s['gt_instances'][key] for s in data_samples]).to(vertices)
            for key in ('global_orient', 'body_pose', 'betas', 'has_smpl')
        }
        recovered = self.protocol.select(
            self.body_model.to(vertices.device), vertices, joints, self.pelvis_weights
        )
        true_vertices, *true_joints = self._posed_truth(truth, data_samples)
        joint_errors, figures = self._figures(
            (vertices, *recovered), (true_vertices, *true_joints)
        )
        labelled = (truth['has_smpl'] > 0).tolist()
        # One entry for every sample, labelled or not: what a distributed sampler pads
        # is cut off by position when the results of all processes are collected. Not
        # None for those without labels: the collection would drop it.
        self.results.extend(
            BodyScore(
                sample_id=str(sample.get('sample_id', '')),
                sequence=_sequence(sample),
                figures=tuple(figures[row].tolist()),
                joint_errors=tuple(joint_errors[row].tolist()),
                gender=self._gender(sample),
            )
            if labelled[row]
            else ()
            for row, sample in enumerate(data_samples)
        )

    def compute_metrics(self, results: list[BodyScore | tuple]) -> dict[str, float]:
        """Average over bodies.

        Args:
            results: What `process` kept, one entry for each sample; empty for a sample
                without SMPL labels.

        Returns:
            The keys of the class; millimetres, and percent for PCK and AUC.

        Raises:
            ValueError: No sample has SMPL labels, or, where the truth is gendered, none
                has a gender.
        """
        scores = [score for score in results if score]
        if not scores:
            raise ValueError(
                f'MeshMetric: none of {len(results)} samples has SMPL labels '
                '(has_smpl = 1), so there is nothing to score'
            )
        left_out = len(results) - len(scores)
        note = f', {left_out} without SMPL labels left out' if left_out else ''
        note += self._note_on_genders(scores)
        self._log(
            f'MeshMetric on {len(scores)} bodies{note}; millimetres; {self.description}'
        )
        if self.per_joint:
            self._log(joint_table(scores, self.protocol.joint_names))
        if self.per_sequence:
            self._log(sequence_table(scores, KEYS))
        if self.out_file_prefix:
            write_scores(
                self.out_file_prefix,
                scores,
                KEYS,
                self.protocol.joint_names,
                self.description,
            )
            self._log(f'Figures of every body: {self.out_file_prefix}.csv and .npz')
        figures = np.array([score.figures for score in scores], dtype=np.float64)
        return dict(zip(KEYS, figures.mean(0).tolist(), strict=True))

    def _posed_truth(
        self, truth: dict[str, Tensor], data_samples: Sequence[Mapping]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The labels' vertices (B, V, 3), scored joints (B, J, 3) and pelvis (B, 3)."""
        names = [self._gender(sample) for sample in data_samples]
        parts, order = [], []
        for name in sorted(set(names)):
            rows = [row for row, other in enumerate(names) if other == name]
            body = self.truth_bodies[name].to(truth['betas'].device)
            posed = body(
                *(truth[key][rows] for key in ('global_orient', 'body_pose', 'betas'))
            )
            selected = self.protocol.select(
                body, posed.vertices, posed.joints, self.pelvis_weights
            )
            parts.append((posed.vertices, *selected))
            order.extend(rows)
        back = torch.as_tensor(order).argsort()
        vertices, joints, pelvis = (
            torch.cat(part)[back.to(part[0].device)]
            for part in zip(*parts, strict=True)
        )
        return vertices, joints, pelvis

    def _figures(
        self,
        pred: tuple[Tensor, Tensor, Tensor],
        truth: tuple[Tensor, Tensor, Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Errors of the joints (B, 2, J), as they are and aligned, and of `KEYS`."""
        (vertices, joints, pelvis), (true_vertices, true_joints, root) = pred, truth
        areas = self.body_model.vertex_area_weights
        distance = MILLIMETRES * point_errors(joints, true_joints, pelvis, root)
        aligned = MILLIMETRES * pa_point_errors(joints, true_joints)
        surfaces = (vertices, true_vertices, pelvis, root)
        figures = [
            distance.mean(-1),
            aligned.mean(-1),
            MILLIMETRES * pve(*surfaces),
            MILLIMETRES * pve(*surfaces, weights=areas),
            MILLIMETRES * pa_pve(vertices, true_vertices),
            pck(distance, PCK_THRESHOLD),
            auc(distance, PCK_THRESHOLD),
        ]
        return torch.stack((distance, aligned), dim=1), torch.stack(figures, dim=-1)

    def _gender(self, sample: Mapping) -> str:
        """Whose body the truth is posed with."""
        gender = sample.get('gender', 'neutral')
        return gender if gender in self.truth_bodies else 'neutral'

    def _note_on_genders(self, scores: Sequence[BodyScore]) -> str:
        """Say how many bodies of a gendered truth have no gender; not all may."""
        if not self.protocol.gendered_truth:
            return ''
        neutral = sum(score.gender == 'neutral' for score in scores)
        if neutral == len(scores):
            raise ValueError(
                f"MeshMetric: protocol '{self.protocol.name}' poses the truth with the "
                f"body of the person's gender, but none of {neutral} people has one. "
                "Use labels with a column 'gender' ('m' or 'f'), or set "
                'gendered_truth=False, whose figures are not those of the literature'
            )
        return f', {neutral} without a gender and so neutral' if neutral else ''

    def _build_gendered(
        self, bodies: Mapping[str, Mapping[str, Any] | nn.Module]
    ) -> dict[str, nn.Module]:
        """The bodies of both genders."""
        if set(bodies) != {'male', 'female'}:
            raise ValueError(
                f"protocol '{self.protocol.name}' poses the truth with the body of the "
                "person's gender: give gendered_body_models=dict(male=..., "
                f'female=...), got {sorted(bodies) or "none"}; or set '
                'gendered_truth=False, whose figures are not those of the literature'
            )
        built = {gender: _build(body) for gender, body in bodies.items()}
        for gender, body in built.items():
            if body.num_vertices != self.body_model.num_vertices:
                raise ValueError(
                    f'gendered_body_models: the {gender} body has '
                    f'{body.num_vertices} vertices, body_model '
                    f'{self.body_model.num_vertices}: both must be of one mesh'
                )
        return built

    def _check_regressor(self, body: nn.Module) -> None:
        if self.protocol.joints == 'h36m14' and body.h36m_regressor is None:
            raise ValueError(
                f"protocol '{self.protocol.name}' needs a body with an H36M regressor, "
                f'but {body.body_name} has none: give its config h36m_regressor='
                "'J_regressor_h36m.npy', or use protocol='smpl24'"
            )

    def _read_pelvis_weights(self, path: str | None) -> Tensor | None:
        """(V,) weights of HMR2.0's pelvis, where the protocol needs them."""
        if self.protocol.pelvis != 'hmr2':
            return None
        if path is None:
            raise ValueError(
                "pelvis='hmr2' needs hmr2_regressor, HMR2.0's SMPL_to_J19.pkl"
            )
        row = get_keypoint_set('hmr2_extra19').index('pelvis_mpii')
        regressor = load_joint_regressor(path, 19, self.body_model.num_vertices)
        return torch.from_numpy(regressor[row])

    def _check_labels(self, fingerprint: str | None) -> None:
        known = {body.fingerprint for body in self.truth_bodies.values()}
        if fingerprint not in known:
            self._check_body('the data set', fingerprint)

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

    @staticmethod
    def _log(text: str) -> None:
        print_log(text, logger='current')


def _build(body: Mapping[str, Any] | nn.Module) -> nn.Module:
    return (body if isinstance(body, nn.Module) else MODELS.build(body)).eval()


def _sequence(sample: Mapping) -> str:
    """The sample's sequence, or the folder of its picture."""
    named = sample.get('sequence')
    return str(named) if named else PurePath(sample.get('img_path') or '').parent.name
