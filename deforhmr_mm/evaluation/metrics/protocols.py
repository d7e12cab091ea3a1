"""What an evaluation compares: joints, pelvis, and the body of the truth."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import Tensor, nn

from deforhmr_mm.structures import H36M_EVAL_JOINTS, KeypointSet, get_keypoint_set

JOINT_SETS = {
    'skeleton': '24 joints of the posed skeleton',
    'smpl_regressor': "24 joints by SMPL's regressor from {meshes}",
    'h36m14': '14 H36M joints regressed from {meshes}',
}
HIPS = ('left_hip', 'right_hip')
PELVIS_JOINTS = {'pelvis': ('pelvis',), 'hips': HIPS, 'hmr2': ('pelvis_mpii',)}
"""Joints whose mean is the point that is moved to the origin, by name."""
PELVIS_TEXTS = {
    'pelvis': 'the pelvis joint',
    'hips': 'the mean of the hip joints',
    'hmr2': "HMR2.0's keypoint 39",
}
TRUTHS = {
    'auto': 'SMPL labels, or joints where there are none',
    'smpl': 'SMPL labels alone',
    'joints': 'labelled joints alone',
}


class ProtocolJoints(NamedTuple):
    """What a protocol takes from B bodies, in metres.

    Attributes:
        joints: (B, J, 3) the scored joints, in the order of `Protocol.joint_names`.
        pelvis: (B, 3) what the protocol moves to the origin.
        hips: (B, 3) the mean of both hips, which labels have that lack the pelvis.
    """

    joints: Tensor
    pelvis: Tensor
    hips: Tensor


@dataclass(frozen=True)
class Protocol:
    """How bodies are scored.

    Args:
        name: Name in configs and results.
        joints: 'skeleton', the joints that the pose moves; 'smpl_regressor', the rest
            regressor applied to the posed mesh; 'h36m14', 14 joints of the H36M
            regressor in LSP's order.
        pelvis: 'pelvis', the joint set's own pelvis (for 'h36m14' H36M's joint 0,
            before the 14 are selected); 'hips', the mean of both hip joints; 'hmr2',
            keypoint 39 of HMR2.0's 44, by a regressor of its own.
        gendered_truth: SMPL labels are posed with the body of the person's gender; the
            recovered body is always taken as it comes.
        truth: 'auto', bodies that SMPL labels pose, and labelled joints of people who
            have no SMPL labels; 'smpl', the former alone; 'joints', everybody's
            labelled joints, also of those with SMPL labels.

    Raises:
        ValueError: A value is not one of those above.
    """

    name: str
    joints: str
    pelvis: str = 'pelvis'
    gendered_truth: bool = False
    truth: str = 'auto'

    def __post_init__(self) -> None:
        """Check the names."""
        choices = (
            ('joints', JOINT_SETS),
            ('pelvis', PELVIS_JOINTS),
            ('truth', TRUTHS),
        )
        for field, known in choices:
            value = getattr(self, field)
            if value not in known:
                raise ValueError(
                    f'{field}: expected one of {tuple(known)}, got {value!r}'
                )

    def changed(
        self,
        pelvis: str | None = None,
        gendered_truth: bool | None = None,
        truth: str | None = None,
    ) -> 'Protocol':
        """The protocol with other choices; None keeps one."""
        changes = dict(pelvis=pelvis, gendered_truth=gendered_truth, truth=truth)
        return replace(
            self, **{key: value for key, value in changes.items() if value is not None}
        )

    @property
    def needs_gendered_bodies(self) -> bool:
        """Whether SMPL labels are posed with the bodies of both genders."""
        return self.gendered_truth and self.truth != 'joints'

    def describe(self, posed: bool) -> str:
        """One line that says how the figures are made.

        Args:
            posed: Whether the truth is posed from SMPL labels, at least of some people.
        """
        if posed:
            meshes = 'both meshes'
            gender = "the person's gender" if self.gendered_truth else 'no gender'
            truth = f'truth posed with the body of {gender}'
        else:
            meshes, truth = 'the recovered mesh', 'the labelled joints are the truth'
        return (
            f'protocol {self.name}: {JOINT_SETS[self.joints].format(meshes=meshes)}, '
            f'aligned at {PELVIS_TEXTS[self.pelvis]}, {truth}'
        )

    def shares_pelvis(self, keypoints: KeypointSet) -> bool:
        """Whether the joint `pelvis` of labels is the one that is regressed or posed.

        H36M's joint 0 and the pelvis of SMPL and OpenPose have one name and lie
        centimetres apart.
        """
        return (self.joints == 'h36m14') == (keypoints.name == 'h36m17')

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the scored joints."""
        if self.joints == 'h36m14':
            return H36M_EVAL_JOINTS
        return get_keypoint_set('smpl24').names

    def select(
        self,
        body_model: nn.Module,
        vertices: Tensor,
        joints: Tensor,
        pelvis_weights: Tensor | None = None,
    ) -> ProtocolJoints:
        """Scored joints and pelvis of bodies.

        Args:
            body_model: The body whose regressors apply.
            vertices: (B, V, 3) posed vertices.
            joints: (B, at least 24, 3) posed joints, SMPL's first.
            pelvis_weights: (V,) weights of the vertices for a pelvis that is none of
                the joints, 'hmr2'.
        """
        keypoints, skeleton = self._skeleton(body_model, vertices, joints)
        scored = skeleton[:, list(keypoints.indices(self.joint_names))]
        hips = skeleton[:, list(keypoints.indices(HIPS))].mean(1)
        if self.pelvis == 'hmr2':
            pelvis = pelvis_weights.to(vertices) @ vertices
        else:
            rows = keypoints.indices(PELVIS_JOINTS[self.pelvis])
            pelvis = skeleton[:, list(rows)].mean(1)
        return ProtocolJoints(scored, pelvis, hips)

    def _skeleton(
        self, body_model: nn.Module, vertices: Tensor, joints: Tensor
    ) -> tuple[KeypointSet, Tensor]:
        if self.joints == 'h36m14':
            regressor = body_model.h36m_regressor.to(vertices)
            return get_keypoint_set('h36m17'), regressor @ vertices
        keypoints = get_keypoint_set('smpl24')
        if self.joints == 'smpl_regressor':
            return keypoints, body_model.joint_regressor.to(vertices) @ vertices
        return keypoints, joints[:, : len(keypoints)]


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol('smpl24', 'skeleton'),
        Protocol('h36m14', 'h36m14'),
        Protocol('3dpw', 'h36m14', gendered_truth=True),
        Protocol('rich', 'smpl_regressor', 'hips', gendered_truth=True),
        Protocol('emdb', 'smpl_regressor', 'hips', gendered_truth=True),
    )
}
"""Protocols by name; docs/evaluation.md says where each comes from."""


def get_protocol(name: str) -> Protocol:
    """Get a protocol by its name.

    Raises:
        ValueError: No protocol has that name.
    """
    if name not in PROTOCOLS:
        raise ValueError(f'protocol: expected one of {tuple(PROTOCOLS)}, got {name!r}')
    return PROTOCOLS[name]
