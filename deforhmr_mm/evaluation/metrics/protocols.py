"""What an evaluation compares: joints, pelvis, and the body of the truth."""

from dataclasses import dataclass, replace

from torch import Tensor, nn

from deforhmr_mm.structures import H36M_EVAL_JOINTS, KeypointSet, get_keypoint_set

JOINT_SETS = {
    'skeleton': '24 joints of the posed skeleton',
    'smpl_regressor': "24 joints by SMPL's regressor from both meshes",
    'h36m14': '14 H36M joints regressed from both meshes',
}
PELVIS_JOINTS = {'pelvis': ('pelvis',), 'hips': ('left_hip', 'right_hip'), 'hmr2': None}
"""Joints whose mean is the point that is moved to the origin; None: none of the set."""


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
        gendered_truth: The truth is posed with the body of the person's gender; the
            recovered body is always taken as it comes.

    Raises:
        ValueError: A value is not one of those above.
    """

    name: str
    joints: str
    pelvis: str = 'pelvis'
    gendered_truth: bool = False

    def __post_init__(self) -> None:
        """Check the names."""
        for field, known in (('joints', JOINT_SETS), ('pelvis', PELVIS_JOINTS)):
            value = getattr(self, field)
            if value not in known:
                raise ValueError(
                    f'{field}: expected one of {tuple(known)}, got {value!r}'
                )

    def changed(
        self, pelvis: str | None = None, gendered_truth: bool | None = None
    ) -> 'Protocol':
        """The protocol with other choices; None keeps one."""
        return replace(
            self,
            pelvis=self.pelvis if pelvis is None else pelvis,
            gendered_truth=(
                self.gendered_truth if gendered_truth is None else gendered_truth
            ),
        )

    @property
    def description(self) -> str:
        """One line that says how the figures are made."""
        pelvis = {
            'pelvis': 'aligned at the pelvis joint',
            'hips': 'aligned at the mean of the hip joints',
            'hmr2': "aligned at HMR2.0's keypoint 39",
        }[self.pelvis]
        truth = "the person's gender" if self.gendered_truth else 'no gender'
        return (
            f'protocol {self.name}: {JOINT_SETS[self.joints]}, {pelvis}, truth posed '
            f'with the body of {truth}'
        )

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
    ) -> tuple[Tensor, Tensor]:
        """Scored joints (B, J, 3) and pelvis (B, 3) of bodies.

        Args:
            body_model: The body whose regressors apply.
            vertices: (B, V, 3) posed vertices.
            joints: (B, at least 24, 3) posed joints, SMPL's first.
            pelvis_weights: (V,) weights of the vertices for a pelvis that is none of
                the joints, 'hmr2'.
        """
        keypoints, skeleton = self._skeleton(body_model, vertices, joints)
        scored = skeleton[:, list(keypoints.indices(self.joint_names))]
        names = PELVIS_JOINTS[self.pelvis]
        if names is None:
            return scored, pelvis_weights.to(vertices) @ vertices
        return scored, skeleton[:, list(keypoints.indices(names))].mean(1)

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
