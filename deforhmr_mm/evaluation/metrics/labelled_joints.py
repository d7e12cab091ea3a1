"""Labels that are joints alone, as the truth of a protocol."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from deforhmr_mm.structures import KeypointSet

from .protocols import HIPS, PELVIS_JOINTS, Protocol

MIN_JOINTS = 4
"""A person with fewer labelled joints is left out: a similarity transform, which has
seven numbers, brings the nine of three joints nearly together whatever they are."""


class LabelledJoints(NamedTuple):
    """Labelled joints of B people, metres, camera axes.

    Attributes:
        joints: (B, J, 3) in the order of the protocol's `joint_names`; zeros where
            there is no label.
        labelled: (B, J) bool.
        pelvis: (B, 3) the protocol's pelvis, or the mean of the hips without one.
        has_pelvis: (B,) bool, which of the two it is.
        scorable: (B,) bool, at least `MIN_JOINTS` are labelled, and the pelvis or both
            hips.
    """

    joints: Tensor
    labelled: Tensor
    pelvis: Tensor
    has_pelvis: Tensor
    scorable: Tensor


def labelled_joints(
    protocol: Protocol, keypoints: KeypointSet, joints: Tensor, conf: Tensor
) -> LabelledJoints:
    """Take the joints that a protocol scores from labels, by their names.

    A label counts whole or, with a confidence of 0, not at all: published figures
    weigh all joints alike.

    The origin of such labels is a pelvis, but each data set's own (Human3.6M's lies
    centimetres from SMPL's). So it is not taken for the protocol's: where no joint of
    that name is labelled, the hips are. Nor is the joint `pelvis` of SMPL's sets taken
    for H36M's of the same name, or that for SMPL's.

    Args:
        protocol: Says which joints.
        keypoints: Order of the labels, K joints.
        joints: (B, K, 3) metres; may be anything where the confidence is 0.
        conf: (B, K) confidence.
    """
    known = set(keypoints.names)
    if not protocol.shares_pelvis(keypoints):
        known.discard('pelvis')

    def pick(names: Sequence[str]) -> tuple[Tensor, Tensor]:
        rows = [keypoints.index(n) if n in known else -1 for n in names]
        rows = torch.tensor(rows, device=conf.device)
        there = (conf[:, rows] > 0) & (rows >= 0)
        return joints[:, rows].where(there[..., None], 0.0), there

    scored, labelled = pick(protocol.joint_names)
    pelvis, pelvis_there = pick(PELVIS_JOINTS[protocol.pelvis])
    hips, hips_there = pick(HIPS)
    has_pelvis, has_hips = pelvis_there.all(1), hips_there.all(1)
    return LabelledJoints(
        scored,
        labelled,
        pelvis.mean(1).where(has_pelvis[:, None], hips.mean(1)),
        has_pelvis,
        (labelled.sum(1) >= MIN_JOINTS) & (has_pelvis | has_hips),
    )


def read_joint_labels(
    people: Sequence[Mapping[str, Any]], num_joints: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Put the joint labels of several people together.

    Args:
        people: B samples; ``joints_3d`` (1, K, 3) metres and ``joints_3d_conf`` (1, K)
            of their `gt_instances`, if they have them.
        num_joints: K.
        device: Where the labels are put together.

    Returns:
        (B, K, 3) joints and (B, K) confidences, zeros for people without.

    Raises:
        ValueError: The shapes are not as given above.
    """
    joints, conf = [], []
    for person in people:
        labels = person['gt_instances']
        found = [labels.get(key) for key in ('joints_3d', 'joints_3d_conf')]
        if any(label is None for label in found):
            found = [torch.zeros(1, num_joints, 3), torch.zeros(1, num_joints)]
        shapes = [tuple(label.shape) for label in found]
        if shapes != [(1, num_joints, 3), (1, num_joints)]:
            raise ValueError(
                f'MeshMetric: joints_3d and joints_3d_conf: expected shapes '
                f'(1, {num_joints}, 3) and (1, {num_joints}) as of the keypoint set, '
                f'got {shapes[0]} and {shapes[1]}'
            )
        joints.append(found[0].to(device))
        conf.append(found[1].to(device))
    return torch.cat(joints), torch.cat(conf)
