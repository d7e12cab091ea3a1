"""Figures of single bodies: errors of joints and of vertices, by their names."""

from typing import NamedTuple

import torch
from torch import Tensor

from deforhmr_mm.evaluation.functional import (
    auc,
    pa_point_errors,
    pa_pve,
    pck,
    point_errors,
    pve,
)
from deforhmr_mm.evaluation.functional.means import mean_over_points

MILLIMETRES = 1000.0
PCK_THRESHOLD = 150.0  # millimetres, that of 3DPCK
PCK_KEY = f'PCK@{PCK_THRESHOLD:.0f}'

KEYS = ('MPJPE', 'PA-MPJPE', 'PVE', 'PVE-area', 'PA-PVE', PCK_KEY, 'AUC')
"""All figures in the order in which they are reported."""

MORE_IS_BETTER = (PCK_KEY, 'AUC')
"""Those of `KEYS` that are percent and the higher the better; the rest are errors."""


class JointFigures(NamedTuple):
    """What the joints of B bodies say.

    Attributes:
        errors: (B, 2, J) millimetres, pelvis aligned and after Procrustes; without
            meaning where a joint has no weight.
        figures: (B,) each, by the names of `KEYS`.
    """

    errors: Tensor
    figures: dict[str, Tensor]


def joint_figures(
    joints: Tensor,
    true_joints: Tensor,
    pelvis: Tensor,
    true_pelvis: Tensor,
    weights: Tensor | None = None,
) -> JointFigures:
    """MPJPE, PA-MPJPE, PCK and AUC of bodies.

    Args:
        joints: (B, J, 3) recovered joints, metres.
        true_joints: (B, J, 3) metres, finite.
        pelvis: (B, 3) what is moved to the origin in the recovered bodies.
        true_pelvis: (B, 3) the same of the true ones.
        weights: (B, J) 1 where a joint counts and 0 where it does not; all do by
            default.
    """
    distance = MILLIMETRES * point_errors(joints, true_joints, pelvis, true_pelvis)
    aligned = MILLIMETRES * pa_point_errors(joints, true_joints, weights)
    return JointFigures(
        torch.stack((distance, aligned), dim=1),
        {
            'MPJPE': mean_over_points(distance, weights),
            'PA-MPJPE': mean_over_points(aligned, weights),
            PCK_KEY: pck(distance, PCK_THRESHOLD, weights),
            'AUC': auc(distance, PCK_THRESHOLD, weights=weights),
        },
    )


def surface_figures(
    vertices: Tensor,
    true_vertices: Tensor,
    pelvis: Tensor,
    true_pelvis: Tensor,
    areas: Tensor,
) -> dict[str, Tensor]:
    """PVE, PVE-area and PA-PVE of bodies, (B,) millimetres each.

    Args:
        vertices: (B, V, 3) recovered vertices, metres.
        true_vertices: (B, V, 3) metres.
        pelvis: (B, 3) what is moved to the origin in the recovered bodies.
        true_pelvis: (B, 3) the same of the true ones.
        areas: (V,) share of the surface that belongs to each vertex.
    """
    surfaces = (vertices, true_vertices, pelvis, true_pelvis)
    return {
        'PVE': MILLIMETRES * pve(*surfaces),
        'PVE-area': MILLIMETRES * pve(*surfaces, weights=areas),
        'PA-PVE': MILLIMETRES * pa_pve(vertices, true_vertices),
    }
