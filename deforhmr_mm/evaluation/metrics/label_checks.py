"""Whether labels can be scored by a protocol, told before a model sees anybody."""

import typing
from collections.abc import Iterable, Sequence

import numpy as np
import torch

from deforhmr_mm.structures import get_keypoint_set

from .labelled_joints import MIN_JOINTS, labelled_joints
from .protocols import Protocol


class UnscorableLabelsError(ValueError):
    """A data set has no labels that the metric could score."""


class LabelColumns(typing.Protocol):
    """Labels of N people, such as `deforhmr_mm.datasets.LabelRecord`.

    Attributes:
        has_smpl: (N,) 1 where pose and shape are labels.
        joints_3d: (N, K, 4) metres and confidence.
        genders: N of 'male', 'female' and 'neutral'.
    """

    has_smpl: np.ndarray
    joints_3d: np.ndarray
    genders: Sequence[str]


def check_scorable(
    protocol: Protocol,
    labels: Iterable[LabelColumns],
    keypoint_set: str = 'smpl45',
) -> None:
    """Check that people can be scored, before a model sees any of them.

    Args:
        protocol: What they are to be scored by.
        labels: Of all data sets that are scored together.
        keypoint_set: Order of their joints.

    Raises:
        UnscorableLabelsError: Nobody can, or SMPL labels are to be posed with the body
            of the person's gender and none of these people has one.
    """
    keypoints = get_keypoint_set(keypoint_set)
    people, by_joints, genders = 0, 0, []
    for columns in labels:
        posed = np.asarray(columns.has_smpl) > 0
        if protocol.truth == 'joints':
            posed = np.zeros_like(posed)
        genders += [columns.genders[row] for row in np.flatnonzero(posed)]
        people += len(posed)
        if protocol.truth != 'smpl':
            # A copy: torch warns of arrays that are not to be written.
            joints = torch.from_numpy(np.array(columns.joints_3d, dtype=np.float32))
            found = labelled_joints(
                protocol, keypoints, joints[..., :3], joints[..., 3]
            )
            by_joints += int((found.scorable.numpy() & ~posed).sum())
    if not genders and not by_joints:
        raise nothing_to_score(protocol, people)
    check_genders(protocol, genders)


def check_genders(protocol: Protocol, genders: Sequence[str]) -> None:
    """Check that people with SMPL labels have genders where the truth is gendered.

    Args:
        protocol: What they are scored by.
        genders: 'male', 'female' or 'neutral' of everybody whose labels are posed.

    Raises:
        UnscorableLabelsError: None has.
    """
    if not protocol.needs_gendered_bodies or not genders:
        return
    if all(gender not in ('male', 'female') for gender in genders):
        raise UnscorableLabelsError(
            f"MeshMetric: protocol '{protocol.name}' poses the truth with the "
            f"body of the person's gender, but none of {len(genders)} people has one. "
            "Use labels with a column 'gender' ('m' or 'f'), or set "
            'gendered_truth=False, whose figures are not those of the literature'
        )


def nothing_to_score(protocol: Protocol, people: int) -> UnscorableLabelsError:
    """The error for so many people without labels that the protocol can score."""
    joints = (
        f"{MIN_JOINTS} labelled 3D joints of protocol '{protocol.name}' with the "
        'pelvis or both hips (joints_3d_conf > 0)'
    )
    wanted = {
        'auto': f'SMPL labels (has_smpl = 1), or {joints}',
        'smpl': 'SMPL labels (has_smpl = 1)',
        'joints': joints,
    }[protocol.truth]
    return UnscorableLabelsError(
        f'MeshMetric: none of {people} samples has {wanted}, so there is nothing to '
        'score'
    )
