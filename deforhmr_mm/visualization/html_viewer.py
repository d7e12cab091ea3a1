"""Meshes in 3D beside their picture or video: one HTML file that needs no network."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

import numpy as np

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import Motion

from .exporters import camera_to_y_up
from .shading import PALETTE, Shading
from .three_js import three_js
from .viewer_data import (
    encode_picture,
    has_pose_blend_shapes,
    pack_faces,
    pack_points,
    pack_skinned,
    pack_weights,
    posed_vertices,
)

_SCRIPTS = (
    'person.js',
    'orbit.js',
    'materials.js',
    'stage.js',
    'player.js',
    'viewer.js',
)
# Poses of each person from which the floor of a video is found.
_FLOOR_POSES = 16


def encode_still_page(
    title: str,
    image: np.ndarray,
    meshes: Sequence[np.ndarray],
    faces: np.ndarray,
    focal_length: float,
    principal_point: Sequence[float],
    person_ids: Sequence[int] | None = None,
    colors: Sequence[Sequence[float]] | None = None,
    note: str = '',
    max_size: int = 1600,
    quality: int = 88,
) -> bytes:
    """Return a page that shows people's meshes in 3D beside their picture.

    It holds all it needs, opens from disk and asks the network for nothing. Beside the
    picture it takes 0.7 MB for three.js and the viewer, and for the open body 0.2 MB
    and 0.1 MB a person.

    Args:
        title: What the page is called: the picture's name.
        image: (H, W, 3) uint8 RGB.
        meshes: People's vertices, each (V, 3) metres in the camera frame (x right,
            y down, z forward), translation included; there may be nobody.
        faces: (F, 3) vertex indices, shared.
        focal_length: Pixels.
        principal_point: (cx, cy) pixels; the top left pixel's centre is (0, 0).
        person_ids: Numbers by which people are named; 0, 1, ... by default.
        colors: RGB in [0, 1] of each person; the palette's by default.
        note: Last line of the page, such as what made the meshes.
        max_size: Pixels; a picture with a longer side is reduced to it.
        quality: The picture's as JPEG, 1 to 100.

    Raises:
        ValueError: If the picture, a mesh or the camera cannot be shown.
        RuntimeError: If the installed trimesh does not carry three.js.
    """
    _check_image(image, None)
    meshes = [np.asarray(mesh) for mesh in meshes]
    for i, mesh in enumerate(meshes):
        if mesh.shape != (len(meshes[0]), 3) or not np.isfinite(mesh).all():
            raise ValueError(
                f'meshes must be finite and (V, 3), the same V for all; mesh {i} has '
                f'the shape {mesh.shape} and {(~np.isfinite(mesh)).sum()} numbers that '
                'are not finite'
            )
    faces = np.asarray(faces)
    if meshes and faces.size and not 0 <= faces.min() <= faces.max() < len(meshes[0]):
        raise ValueError(
            f'faces must index the {len(meshes[0])} vertices, got indices '
            f'{faces.min()} to {faces.max()}'
        )
    if person_ids is None:
        person_ids = range(len(meshes))
    if len(person_ids) != len(meshes):
        raise ValueError(f'{len(meshes)} meshes need as many ids: {len(person_ids)}')
    people = _label(person_ids, colors)
    for person, mesh in zip(people, meshes, strict=True):
        person |= {'rows': [0], 'poses': [pack_points(mesh)]}
    data = {
        'pictures': [encode_picture(image, max_size, quality)],
        'frames': [0],
        'fps': None,
        'camera': _camera(focal_length, principal_point, image.shape[:2]),
        'faces': pack_faces(faces),
        'skin': None,
        'people': people,
        'room': _room(meshes),
    }
    return _page(title, note, data)


def encode_video_page(
    title: str,
    frames: Iterable[np.ndarray],
    motion: Motion,
    body: SMPL,
    colors: Sequence[Sequence[float]] | None = None,
    note: str = '',
    max_size: int = 640,
    quality: int = 75,
    max_frames: int = 600,
    stride: int | None = None,
) -> bytes:
    """Return a page that plays a video beside the moving meshes of its people.

    Like `encode_still_page`; a frame's picture and meshes are shown together. Bodies
    are posed in the page, by all their weights: a person takes 0.1 MB and 1.5 kB a
    frame. A body with pose blend shapes comes as vertices, 8 bytes each a frame. Beside
    that a page's size is that of its pictures, one JPEG a frame in base64: two people
    in 100 frames of 640 x 360 pixels took 4.6 MB in all.

    Args:
        title: What the page is called: the video's name.
        frames: All `motion.num_frames` pictures in order, (H, W, 3) uint8 RGB of
            `motion.image_size`; read once, one at a time.
        motion: Everybody in the video; there may be nobody.
        body: What the motion moves.
        colors: RGB in [0, 1] of each of the motion's people; the palette's by default.
        note: Last line of the page, such as what made the meshes.
        max_size: Pixels; pictures with a longer side are reduced to it.
        quality: The pictures' as JPEG, 1 to 100.
        max_frames: How many frames the page is to have at most, where `stride` is None.
        stride: Every which frame the page shows; by default the smallest that leaves
            `max_frames`. The speed stays the video's.

    Raises:
        ValueError: If the pictures are not those of the motion, or cannot be shown.
        RuntimeError: If the installed trimesh does not carry three.js.
    """
    if max_frames < 1 or (stride is not None and stride < 1):
        raise ValueError(
            f'max_frames and stride must be at least 1, got {max_frames} and {stride}'
        )
    if stride is None:
        stride = max(1, math.ceil(motion.num_frames / max_frames))
    shown = range(0, motion.num_frames, stride)
    people = _label([person.person_id for person in motion.people], colors)
    as_vertices = has_pose_blend_shapes(body)
    samples: list[np.ndarray] = []
    for record, person in zip(people, motion.people, strict=True):
        taken = np.nonzero(person.frames % stride == 0)[0]
        rows = np.full(len(shown), -1)
        rows[person.frames[taken] // stride] = np.arange(len(taken))
        record['rows'] = rows.tolist()
        if as_vertices:
            posed = posed_vertices(person, taken, body)
            record['poses'] = [pack_points(vertices) for vertices in posed]
        else:
            few = np.linspace(0, len(taken) - 1, min(len(taken), _FLOOR_POSES))
            posed = posed_vertices(person, taken[few.astype(int)], body)
            record |= pack_skinned(person, taken, body)
        samples.extend(posed)
    data = {
        'pictures': _encode_frames(frames, motion, stride, max_size, quality),
        'frames': list(shown),
        'fps': motion.fps / stride,
        'camera': _camera(
            motion.focal_length, motion.principal_point, motion.image_size
        ),
        'faces': pack_faces(body.faces),
        'skin': None if as_vertices else pack_weights(body.blend_weights.cpu().numpy()),
        'people': people,
        'room': _room(samples),
    }
    return _page(title, note, data)


def _encode_frames(frames, motion: Motion, stride: int, max_size, quality) -> list[str]:
    pictures, count = [], 0
    for count, frame in enumerate(frames, start=1):
        if count > motion.num_frames:
            break
        if (count - 1) % stride == 0:
            _check_image(frame, motion.image_size)
            pictures.append(encode_picture(frame, max_size, quality))
    if count != motion.num_frames or not pictures:
        came = f'at least {count}' if count > motion.num_frames else count
        raise ValueError(
            f'frames must be all {motion.num_frames} of the motion, and at least one, '
            f'got {came}'
        )
    return pictures


def _check_image(image: np.ndarray, size: tuple[int, int] | None) -> None:
    expected = ('H', 'W', 3) if size is None else (*size, 3)
    shape = np.shape(image)
    fits = len(shape) == 3 and shape[2] == 3 and min(shape) > 0
    if size is not None:
        fits = shape == expected
    if not fits or image.dtype != np.uint8:
        raise ValueError(
            f'pictures must be uint8 RGB of shape ({", ".join(map(str, expected))}), '
            f'got {getattr(image, "dtype", type(image).__name__)} of shape {shape}'
        )


def _label(
    person_ids: Sequence[int], colors: Sequence[Sequence[float]] | None
) -> list[dict[str, Any]]:
    """Say what people are called and how they are coloured."""
    if colors is None:
        colors = [PALETTE[i % len(PALETTE)] for i in range(len(person_ids))]
    if len(colors) != len(person_ids):
        raise ValueError(f'{len(person_ids)} people need as many colors: {len(colors)}')
    return [
        {'id': int(number), 'color': [float(c) for c in color]}
        for number, color in zip(person_ids, colors, strict=True)
    ]


def _camera(focal_length, principal_point, image_size) -> dict[str, Any]:
    focal, (x, y) = float(focal_length), (float(p) for p in principal_point)
    if not (np.isfinite([focal, x, y]).all() and focal > 0):
        raise ValueError(
            'focal_length must be positive pixels and principal_point finite, got '
            f'{focal_length} and {principal_point}'
        )
    height, width = (int(side) for side in image_size)
    return {'focal': focal, 'center': [x, y], 'width': width, 'height': height}


def _room(meshes: Sequence[np.ndarray]) -> dict[str, Any]:
    """Return the corners of the space that people take, and the floor's height.

    The floor is level in the camera's frame: nothing says how the camera was held. It
    lies at the lower end of people's lowest points, but not below every one of them,
    since a leap or a bad frame is not to move it far.
    """
    if len(meshes) == 0:
        return {'low': [-1.0, -1.5, -4.0], 'high': [1.0, 0.5, -2.0], 'floor': -1.5}
    lows = np.array([camera_to_y_up(mesh).min(0) for mesh in meshes], np.float64)
    highs = np.array([camera_to_y_up(mesh).max(0) for mesh in meshes], np.float64)
    return {
        'low': lows.min(0).tolist(),
        'high': highs.max(0).tolist(),
        'floor': float(np.quantile(lows[:, 1], 0.1)),
    }


def _page(title: str, note: str, data: dict[str, Any]) -> bytes:
    """Fill the template, so that nothing that comes in can end its element."""
    assets = resources.files(__package__) / 'assets'

    def read(name: str) -> str:
        return (assets / name).read_text(encoding='utf-8')

    data = data | {'title': title, 'shading': _lights(Shading())}
    parts = {
        'title': html.escape(title),
        'note': html.escape(note),
        'style': read('viewer.css'),
        'three': three_js(),
        'scripts': '\n'.join(read(name) for name in _SCRIPTS),
        'data': json.dumps(data, allow_nan=False).replace('<', '\\u003c'),
    }
    # One pass: what is filled in is not looked through again.
    page = re.sub(r'\{\{(\w+)\}\}', lambda match: parts[match[1]], read('viewer.html'))
    # A file name that is no UTF-8 is to cost a question mark, not the page.
    return page.encode('utf-8', errors='replace')


def _lights(shading: Shading) -> dict[str, Any]:
    direction = np.asarray(shading.key_direction)
    direction = camera_to_y_up(direction / np.linalg.norm(direction))
    return asdict(shading) | {'key_direction': direction.tolist()}
