"""Errors of recovered bodies: joints, vertices, and what lies within a threshold."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import broadcast_object_list, get_world_size, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor, nn

from deforhmr_mm.body_models import load_joint_regressor
from deforhmr_mm.registry import METRICS
from deforhmr_mm.structures import get_keypoint_set

from .body_figures import KEYS, joint_figures, surface_figures
from .body_scores import BodyScore, body_scores
from .label_checks import (
    LabelColumns,
    check_genders,
    check_scorable,
    nothing_to_score,
)
from .labelled_joints import labelled_joints, read_joint_labels
from .protocols import Protocol, ProtocolJoints, get_protocol
from .result_tables import column_means, joint_table, sequence_table, write_scores
from .score_notes import note_on_joints, note_on_people
from .truth_bodies import build_body, build_truth_bodies, pose_truth


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
    camera axes. No alignment of scale outside the PA figures. Predictions of a model
    with a flip test are named so.

    People without SMPL labels are scored by their labelled 3D joints, those of the
    protocol that have a confidence: no vertex errors then, and the pelvis of both
    bodies is the mean of the hips where the protocol's is not labelled. Where a set has
    people of both kinds, each figure is the mean over those who have it. People with
    fewer than four such joints, or without a pelvis and hips, are left out. The line
    that is logged says how many people are of which kind, and which joints count. A key
    that nobody has is not reported.

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
            'female', where SMPL labels are posed with them; 'neutral' is `body_model`.
        per_joint: Log a table of the joints' mean errors.
        per_sequence: Log a table of means over each sequence: the sample's `sequence`,
            or the folder of its picture.
        out_file_prefix: Write every body's figures to PREFIX.csv, and with the joints'
            errors to PREFIX.npz.
        truth: 'auto', as above; 'smpl', people with SMPL labels alone; 'joints',
            everybody's labelled joints, also where there are SMPL labels, as figures on
            Human3.6M and MPI-INF-3DHP are made.
        kwargs: See `mmengine.evaluator.BaseMetric`. Processes hand their results over
            in a new folder in `collect_dir`, which is deleted afterwards.

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
        truth: str | None = None,
        **kwargs: Any,
    ) -> None:
        chosen = get_protocol(protocol).changed(pelvis, gendered_truth, truth)
        super().__init__(**kwargs)
        self.body_model = build_body(body_model or dict(type='SMPL'))
        self.protocol: Protocol = chosen
        self.per_joint = per_joint
        self.per_sequence = per_sequence
        self.out_file_prefix = out_file_prefix
        self.truth_bodies = build_truth_bodies(
            chosen, self.body_model, gendered_body_models
        )
        self.pelvis_weights = self._read_pelvis_weights(hmr2_regressor)
        self._flip_test = False
        self._is_posed = chosen.truth != 'joints'
        self._joint_note = ''

    @property
    def description(self) -> str:
        """One line that says how the figures are made.

        After an evaluation also whose truth were labelled joints alone, and which.
        """
        flip_test = '; flip test' if self._flip_test else ''
        return (
            f'{self.protocol.describe(self._is_posed)}{self._joint_note}; body '
            f'{self.body_model.body_name} ({self.body_model.fingerprint}){flip_test}'
        )

    def check_labels(self, labels: Iterable[LabelColumns]) -> None:
        """Check that there is something to score, before a model sees any of it.

        Args:
            labels: Of all data sets that are scored together.

        Raises:
            UnscorableLabelsError: As from `compute_metrics`.
        """
        check_scorable(self.protocol, labels)

    @torch.no_grad()
    def process(self, data_batch: Any, data_samples: Sequence[Mapping]) -> None:
        """Score a batch; keep a body's figures and its joints' errors.

        Args:
            data_batch: Not used.
            data_samples: `MeshDataSample`s as dictionaries, with `gt_instances` and
                `pred_instances` of one body each; `gender` where the truth is
                gendered.

        Raises:
            ValueError: The prediction or the labels belong to another body model, or
                there are more or fewer labelled joints than the data set's keypoint
                set has.
        """
        del data_batch
        if not data_samples:
            return
        for sample in data_samples:
            self._check_body('the prediction', sample.get('body_fingerprint'))
        self._flip_test = any(sample.get('flip_test') for sample in data_samples)
        self._check_fingerprint((self.dataset_meta or {}).get('body_fingerprint'))

        vertices, joints = (
            torch.cat([s['pred_instances'][key] for s in data_samples]).float()
            for key in ('vertices', 'joints')
        )
        self._check_vertices(vertices)
        recovered = self.protocol.select(
            self.body_model.to(vertices.device), vertices, joints, self.pelvis_weights
        )
        # One entry for every sample, scored or not: what a distributed sampler pads is
        # cut off by position when the results of all processes are collected. Not None
        # for those that are not scored: the collection would drop it.
        entries: list[BodyScore | tuple] = [()] * len(data_samples)
        posed, by_joints = self._kinds(data_samples)
        for rows, score in (
            (posed, self._score_posed),
            (by_joints, self._score_joints),
        ):
            if rows:
                samples = [data_samples[row] for row in rows]
                picked = ProtocolJoints(*(part[rows] for part in recovered))
                for row, entry in zip(
                    rows, score(samples, vertices[rows], picked), strict=True
                ):
                    entries[row] = entry
        self.results.extend(entries)

    def evaluate(self, size: int) -> dict[str, float]:
        """Average over the bodies of all processes; all must call it.

        Args:
            size: Samples of the whole data set.

        Returns:
            As `compute_metrics`.
        """
        shared = self.collect_dir
        if shared is not None and get_world_size() > 1:
            # mmengine deletes the folder, and names the files in it always alike.
            self.collect_dir = _new_folder_in(shared)
        try:
            return super().evaluate(size)
        finally:
            self.collect_dir = shared

    def compute_metrics(self, results: list[BodyScore | tuple]) -> dict[str, float]:
        """Average over bodies.

        Args:
            results: What `process` kept, one entry for each sample; empty for a sample
                that has no labels to score.

        Returns:
            The keys of the class that the labels tell; millimetres, and percent for PCK
            and AUC.

        Raises:
            UnscorableLabelsError: No sample has labels to score, or, where the truth is
                gendered, none of those with SMPL labels has a gender.
        """
        scores = [score for score in results if score]
        if not scores:
            raise nothing_to_score(self.protocol, len(results))
        check_genders(
            self.protocol, [score.gender for score in scores if score.truth == 'smpl']
        )
        self._is_posed = any(score.truth == 'smpl' for score in scores)
        self._joint_note = note_on_joints(self.protocol, scores)
        note = note_on_people(self.protocol, scores, len(results))
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
        means = column_means([score.figures for score in scores])
        return {
            key: mean for key, mean in zip(KEYS, means, strict=True) if mean is not None
        }

    def _kinds(self, data_samples: Sequence[Mapping]) -> tuple[list[int], list[int]]:
        """Rows that are scored by posed SMPL labels, and by joints if they have any."""
        posed, others = [], []
        for row, sample in enumerate(data_samples):
            is_posed = self.protocol.truth != 'joints' and bool(
                sample['gt_instances']['has_smpl'] > 0
            )
            (posed if is_posed else others).append(row)
        return posed, [] if self.protocol.truth == 'smpl' else others

    def _score_posed(
        self, samples: Sequence[Mapping], vertices: Tensor, recovered: ProtocolJoints
    ) -> list[BodyScore]:
        """Scores of people with SMPL labels."""
        labels = {
            key: torch.cat([s['gt_instances'][key] for s in samples]).to(vertices)
            for key in ('global_orient', 'body_pose', 'betas')
        }
        genders = [self._gender(sample) for sample in samples]
        true_vertices, truth = pose_truth(
            self.protocol, self.truth_bodies, genders, labels, self.pelvis_weights
        )
        pelvises = (recovered.pelvis, truth.pelvis)
        joints = joint_figures(recovered.joints, truth.joints, *pelvises)
        surfaces = surface_figures(
            vertices, true_vertices, *pelvises, self.body_model.vertex_area_weights
        )
        return body_scores(
            samples, joints, surfaces, genders=genders, pelvis=self.protocol.pelvis
        )

    def _score_joints(
        self, samples: Sequence[Mapping], vertices: Tensor, recovered: ProtocolJoints
    ) -> list[BodyScore | tuple]:
        """Scores of people by labelled joints; empty for those who lack them."""
        keypoints = get_keypoint_set(
            (self.dataset_meta or {}).get('keypoint_set') or 'smpl45'
        )
        labels = read_joint_labels(samples, len(keypoints), vertices.device)
        labels = (label.to(vertices) for label in labels)
        truth = labelled_joints(self.protocol, keypoints, *labels)
        joints = joint_figures(
            recovered.joints,
            truth.joints,
            recovered.pelvis.where(truth.has_pelvis[:, None], recovered.hips),
            truth.pelvis,
            truth.labelled.to(vertices),
        )
        return body_scores(samples, joints, labelled=truth, pelvis=self.protocol.pelvis)

    def _gender(self, sample: Mapping) -> str:
        """Whose body the truth is posed with."""
        gender = sample.get('gender', 'neutral')
        return gender if gender in self.truth_bodies else 'neutral'

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

    def _check_fingerprint(self, fingerprint: str | None) -> None:
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


def _new_folder_in(parent: str) -> str:
    """Make a folder in `parent`, the same one for all processes."""
    made = [None]
    if is_main_process():
        Path(parent).mkdir(parents=True, exist_ok=True)
        made = [tempfile.mkdtemp(dir=parent)]
    broadcast_object_list(made)
    return made[0]
