"""A person seen from the side: what a picture's own camera cannot show."""

from __future__ import annotations

import numpy as np

from .label_skeleton import draw_labelled_joints
from .renderer import MeshRenderer
from .shading import PALETTE

# Far enough for the view to be nearly parallel.
_DISTANCE = 20.0
_BACKGROUND = (238, 239, 242)
# Metres that the view shows at least: keeps a lone joint from filling it.
_SMALLEST_EXTENT = 0.5
_FILL = 0.88


def turn_to_side(points: np.ndarray) -> np.ndarray:
    """Camera axes, from the camera's frame to that of a viewer at its right side.

    The camera is then on the left and looks to the right: depth becomes x, y stays.

    Args:
        points: (..., 3) metres, x right, y down, z forward.

    Returns:
        (..., 3) metres, the same for the viewer.

    Example:
        >>> turn_to_side(np.array([1.0, 2.0, 3.0]))
        array([ 3.,  2., -1.])
    """
    x, y, z = np.moveaxis(np.asarray(points), -1, 0)
    return np.stack([z, y, -x], axis=-1)


def draw_side_view(
    size: tuple[int, int],
    renderer: MeshRenderer,
    vertices: np.ndarray | None = None,
    faces: np.ndarray | None = None,
    joints: np.ndarray | None = None,
    confidence: np.ndarray | None = None,
) -> np.ndarray:
    """Draw a mesh, 3D joints or both on a plain ground, filling the view.

    Args:
        size: Width and height in pixels.
        renderer: Draws the mesh.
        vertices: (V, 3) metres, camera axes; None for no mesh.
        faces: (F, 3) vertex indices.
        joints: (45, 3) metres, the frame of the vertices; None for no joints.
        confidence: (45,), 0 where a joint is unknown.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ValueError: If there is neither a mesh nor a known joint.
    """
    known = np.zeros((0, 3), np.float32)
    if joints is not None:
        known = joints[confidence > 0]
    points = known if vertices is None else np.concatenate([vertices, known])
    if not len(points):
        raise ValueError('a side view needs a mesh or known joints, got neither')
    width, height = size
    turned = turn_to_side(points)
    low, high = turned.min(0), turned.max(0)
    extent = np.maximum(high - low, _SMALLEST_EXTENT)
    focal_length = _DISTANCE * _FILL * min(width / extent[0], height / extent[1])
    shift = np.array([0, 0, _DISTANCE]) - (low + high) / 2
    center = ((width - 1) / 2, (height - 1) / 2)
    canvas = np.full((height, width, 3), _BACKGROUND, np.uint8)
    if vertices is not None:
        rendered = renderer.render(
            turn_to_side(vertices) + shift,
            faces,
            focal_length,
            center,
            (height, width),
            [PALETTE[0]],
        )
        canvas = rendered.overlay(canvas, alpha=1.0)
    if joints is not None:
        seen = turn_to_side(joints) + shift
        pixels = focal_length * seen[:, :2] / seen[:, 2:] + center
        draw_labelled_joints(canvas, pixels, confidence)
    return canvas
