"""People seen from the side or from above: what a picture's own camera cannot show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .label_skeleton import draw_labelled_joints
from .lettering import put_text
from .renderer import MeshRenderer
from .shading import PALETTE

# The viewer is at least this far away, and this often the size of what is seen: far
# enough for the view to be nearly parallel.
_DISTANCE = 20.0
_DISTANCE_PER_EXTENT = 8.0
BACKGROUND = (238, 239, 242)
"""RGB of the ground that meshes are drawn on."""
# Metres that the view shows at least: keeps a lone joint from filling it.
_SMALLEST_EXTENT = 0.5
_FILL = 0.88
# Lengths that the scale bar can have, metres.
_BAR_LENGTHS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_BAR_COLOR = (110, 114, 122)
# Height of the strip that is kept free for it, pixels, and of the lowest view with one.
_BAR_STRIP = 26
_LOWEST_WITH_BAR = 60


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


def turn_to_top(points: np.ndarray) -> np.ndarray:
    """Camera axes, from the camera's frame to that of a viewer above, looking down.

    The camera is then at the bottom and looks upwards: x stays, depth goes up.

    Args:
        points: (..., 3) metres, x right, y down, z forward.

    Returns:
        (..., 3) metres, the same for the viewer.

    Example:
        >>> turn_to_top(np.array([1.0, 2.0, 3.0]))
        array([ 1., -3.,  2.])
    """
    x, y, z = np.moveaxis(np.asarray(points), -1, 0)
    return np.stack([x, -z, y], axis=-1)


class ViewFit(NamedTuple):
    """A camera that sees a scene whole.

    Attributes:
        shift: (3,) metres, added to the scene's points before they are projected.
        focal_length: Pixels.
        center: (x, y) pixels, the principal point.
        meter: Pixels that a metre has in the middle of the scene.
    """

    shift: np.ndarray
    focal_length: float
    center: tuple[float, float]
    meter: float


def fit_view(
    points: np.ndarray,
    size: tuple[int, int],
    extent: tuple[float, float] | None = None,
) -> ViewFit:
    """Place the camera so that points fill the view.

    Args:
        points: (N, 3) metres, the viewer's axes; at least one.
        size: Width and height of the view in pixels.
        extent: Width and height that the view is to show, metres; the points' own by
            default. With the same extent and size several views have one scale.
    """
    width, height = size
    low, high = points.min(0), points.max(0)
    shown = np.maximum(high - low, _SMALLEST_EXTENT)
    distance = max(_DISTANCE, _DISTANCE_PER_EXTENT * (high - low).max())
    if extent is not None:
        shown = np.maximum(extent, _SMALLEST_EXTENT)
    meter = _FILL * min(width / shown[0], height / shown[1])
    shift = np.array([0, 0, distance]) - (low + high) / 2
    return ViewFit(
        shift, distance * meter, ((width - 1) / 2, (height - 1) / 2), float(meter)
    )


def draw_scene(
    size: tuple[int, int],
    renderer: MeshRenderer,
    meshes: Sequence[np.ndarray],
    faces: np.ndarray,
    turn: Callable[[np.ndarray], np.ndarray] = turn_to_side,
    colors: Sequence[Sequence[float]] | None = None,
    extent: tuple[float, float] | None = None,
    scale_bar: bool = True,
    bounds: np.ndarray | None = None,
) -> np.ndarray:
    """Draw all people of a picture, each where it stands, as another viewer sees them.

    Args:
        size: Width and height in pixels.
        renderer: Draws the meshes.
        meshes: People's vertices, each (V, 3) metres, camera axes; may be none.
        faces: (F, 3) vertex indices, shared.
        turn: `turn_to_side` or `turn_to_top`.
        colors: RGB in [0, 1] of each person; the palette's by default.
        extent: See `fit_view`.
        scale_bar: Whether a bar below the people gives the scale; small views have
            none.
        bounds: (2, 3) lowest and highest metres, camera axes, that the view is to show:
            the same for all frames of a video keeps the view still. The people's own by
            default.

    Returns:
        (height, width, 3) uint8 RGB; a plain ground for nobody.
    """
    width, height = size
    canvas = np.full((height, width, 3), BACKGROUND, np.uint8)
    if not len(meshes):
        return canvas
    turned = [turn(mesh) for mesh in meshes]
    shown = np.concatenate(turned) if bounds is None else turn(np.asarray(bounds))
    scale_bar &= min(size) >= _LOWEST_WITH_BAR
    free = (width, height - _BAR_STRIP if scale_bar else height)
    fit = fit_view(shown, free, extent)
    rendered = renderer.render(
        [mesh + fit.shift for mesh in turned],
        faces,
        fit.focal_length,
        fit.center,
        (height, width),
        colors,
    )
    canvas = rendered.overlay(canvas, alpha=1.0)
    if scale_bar:
        _draw_scale_bar(canvas, fit.meter)
    return canvas


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
    fit = fit_view(turn_to_side(points), size)
    canvas = np.full((height, width, 3), BACKGROUND, np.uint8)
    if vertices is not None:
        rendered = renderer.render(
            turn_to_side(vertices) + fit.shift,
            faces,
            fit.focal_length,
            fit.center,
            (height, width),
            [PALETTE[0]],
        )
        canvas = rendered.overlay(canvas, alpha=1.0)
    if joints is not None:
        seen = turn_to_side(joints) + fit.shift
        pixels = fit.focal_length * seen[:, :2] / seen[:, 2:] + fit.center
        draw_labelled_joints(canvas, pixels, confidence)
    return canvas


def _draw_scale_bar(canvas: np.ndarray, meter: float) -> None:
    """Draw a bar of a round length into the lower left corner, in place."""
    height, width = canvas.shape[:2]
    fitting = [n for n in _BAR_LENGTHS if n * meter <= width / 3]
    if not fitting:
        return
    length, left, bottom = fitting[-1], 8, height - 9
    right = left + round(length * meter)
    canvas[bottom : bottom + 2, left : right + 1] = _BAR_COLOR
    for x in (left, right):
        canvas[bottom - 3 : bottom + 2, x : x + 1] = _BAR_COLOR
    put_text(
        canvas,
        f'{length:g} m',
        ((left + right) / 2, bottom - 3),
        11,
        _BAR_COLOR,
        anchor=(0.5, 1),
    )
