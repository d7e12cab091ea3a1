"""Bodies that SMPL labels are posed with."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from deforhmr_mm.registry import MODELS

from .protocols import Protocol, ProtocolJoints


def build_body(body: Mapping[str, Any] | nn.Module) -> nn.Module:
    """Build a body from its config, or take a built one; in evaluation mode."""
    return (body if isinstance(body, nn.Module) else MODELS.build(body)).eval()


def build_truth_bodies(
    protocol: Protocol,
    neutral: nn.Module,
    gendered: Mapping[str, Mapping[str, Any] | nn.Module] | None,
) -> dict[str, nn.Module]:
    """Build the bodies that a protocol needs, by gender.

    Args:
        protocol: Says whether the truth is gendered.
        neutral: The metric's own body.
        gendered: Configs or modules of 'male' and 'female'; not built where the
            protocol does not need them.

    Raises:
        ValueError: A body is missing, is of another mesh than `neutral`, or has no
            H36M regressor where the protocol needs one.
    """
    bodies = {'neutral': neutral}
    if protocol.needs_gendered_bodies:
        bodies |= _build_gendered(protocol, gendered or {}, neutral.num_vertices)
    for body in bodies.values():
        if protocol.joints == 'h36m14' and body.h36m_regressor is None:
            raise ValueError(
                f"protocol '{protocol.name}' needs a body with an H36M regressor, "
                f'but {body.body_name} has none: give its config h36m_regressor='
                "'J_regressor_h36m.npy', or use protocol='smpl24'"
            )
    return bodies


def _build_gendered(
    protocol: Protocol,
    bodies: Mapping[str, Mapping[str, Any] | nn.Module],
    num_vertices: int,
) -> dict[str, nn.Module]:
    if set(bodies) != {'male', 'female'}:
        raise ValueError(
            f"protocol '{protocol.name}' poses the truth with the body of the "
            "person's gender: give gendered_body_models=dict(male=..., "
            f'female=...), got {sorted(bodies) or "none"}; or set '
            "truth='joints' for labels that are joints alone, or "
            'gendered_truth=False, whose figures are not those of the literature'
        )
    built = {gender: build_body(body) for gender, body in bodies.items()}
    for gender, body in built.items():
        if body.num_vertices != num_vertices:
            raise ValueError(
                f'gendered_body_models: the {gender} body has '
                f'{body.num_vertices} vertices, body_model '
                f'{num_vertices}: both must be of one mesh'
            )
    return built


def pose_truth(
    protocol: Protocol,
    bodies: Mapping[str, nn.Module],
    genders: Sequence[str],
    labels: Mapping[str, Tensor],
    pelvis_weights: Tensor | None,
) -> tuple[Tensor, ProtocolJoints]:
    """Pose people's SMPL labels, each with the body of the gender.

    Args:
        protocol: Says which joints are scored.
        bodies: By gender.
        genders: B of their keys, at least one.
        labels: ``global_orient`` (B, 1, 3, 3), ``body_pose`` (B, 23, 3, 3) rotation
            matrices, ``betas`` (B, K).
        pelvis_weights: See `Protocol.select`.

    Returns:
        Vertices (B, V, 3), metres, and what the protocol scores.
    """
    parts, order = [], []
    for name in sorted(set(genders)):
        rows = [row for row, other in enumerate(genders) if other == name]
        body = bodies[name].to(labels['betas'].device)
        posed = body(
            *(labels[key][rows] for key in ('global_orient', 'body_pose', 'betas'))
        )
        selected = protocol.select(body, posed.vertices, posed.joints, pelvis_weights)
        parts.append((posed.vertices, *selected))
        order.extend(rows)
    back = torch.as_tensor(order).argsort()
    vertices, *selected = (
        torch.cat(part)[back.to(part[0].device)] for part in zip(*parts, strict=True)
    )
    return vertices, ProtocolJoints(*selected)
