"""The columns that converters write: an annotation file of the SPIN family."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deforhmr_mm.geometry.boxes import BBOX_PADDING, CROP_ASPECT, fit_aspect
from deforhmr_mm.structures import get_keypoint_set

from ..labels import AnnotationError

__all__ = [
    'Columns',
    'box_around',
    'check_columns',
    'concatenate',
    'crop_scale',
    'place_joints',
]

Columns = dict[str, np.ndarray]
"""Columns of N people by the keys that `read_spin_npz` reads."""

_ROW_SHAPES: dict[str, tuple[int, ...]] = {
    'center': (2,),
    'scale': (2,),
    'part': (24, 3),
    'openpose': (25, 3),
    'pose': (72,),
    'shape': (10,),
    'has_smpl': (),
    'S': (24, 4),
    'global_t': (3,),
    'transl': (3,),
    'focal_l': (),
    'principal_point': (2,),
}
_MAY_BE_NAN = ('global_t', 'transl', 'focal_l', 'principal_point')
_INTEGERS = ('person_id', 'annot_id')
_STRINGS = ('imgname', 'gender')
_REQUIRED = ('imgname', 'center', 'scale')


def check_columns(columns: Columns, source: str) -> Columns:
    """Check the columns of N people and bring them to the types that are stored.

    Args:
        columns: Arrays by key; ``imgname``, ``center`` and ``scale`` must be there, the
            latter (N,), see `crop_scale`, or (N, 2).
        source: What they come from, for messages.

    Returns:
        The same columns: float32, int64 and strings; ``scale`` (N, 2), width and height
        of crops, so that no reader takes it for SPIN's longer side.

    Raises:
        AnnotationError: If a column is missing, unknown, of another shape, or holds
            what a reader would refuse.
    """
    missing = [key for key in _REQUIRED if key not in columns]
    if missing:
        raise AnnotationError(f'{source}: no {", ".join(missing)} came out of it.')
    count = len(columns['imgname'])
    checked = {}
    for key, values in columns.items():
        values = np.asarray(values)
        if key in _STRINGS:
            shape, kind, values = (), 'U', values.astype(str)
        elif key in _INTEGERS:
            shape, kind, values = (), 'i', values.astype(np.int64)
        elif key in _ROW_SHAPES:
            shape, kind = _ROW_SHAPES[key], 'f'
            values = values.astype(np.float32)
            if key == 'scale' and values.ndim == 1:
                values = np.stack([CROP_ASPECT * values, values], axis=-1)
        else:
            raise AnnotationError(f'{source}: {key!r} is no column of these files.')
        if values.shape != (count, *shape):
            raise AnnotationError(
                f'{source}: {key!r} must have the shape {(count, *shape)}, but has '
                f'{values.shape}.'
            )
        if kind == 'f' and key not in _MAY_BE_NAN:
            _expect_finite(values, key, source)
        checked[key] = values
    least = checked['scale'].min(axis=1)
    if count and least.min() <= 0:
        row = int(least.argmin())
        raise AnnotationError(
            f'{source}: the box of row {row} ({checked["imgname"][row]}) has no size.'
        )
    return checked


def concatenate(parts: Sequence[Columns]) -> Columns:
    """People of several parts, one after the other.

    A column that only some parts have is filled with what means "unknown".
    ``person_id`` numbers the people of a part; in the result, those of all parts.

    Raises:
        ValueError: If there are no parts.
    """
    if not parts:
        raise ValueError('there are no parts to put together')
    present = set().union(*parts)
    order = (*_STRINGS, *_ROW_SHAPES, *_INTEGERS)
    keys = [key for key in order if key in present]
    joined = {
        key: np.concatenate([part.get(key, _unknown(key, part)) for part in parts])
        for key in keys
    }
    if 'person_id' in joined:
        joined['person_id'] = np.concatenate(_renumber(parts))
    return joined


def place_joints(
    values: np.ndarray, names: Sequence[str], target: str = 'spin24'
) -> np.ndarray:
    """Put joints where a keypoint set has them.

    Args:
        values: (N, K, C), the last of C being the confidence.
        names: K joint names; those that the target lacks are left out.
        target: Name of a keypoint set with T joints.

    Returns:
        (N, T, C) float64, zeros for joints that did not come.

    Example:
        >>> placed = place_joints(np.ones((1, 2, 3)), ('nose', 'no such joint'))
        >>> placed.shape, np.flatnonzero(placed[0, :, 2])
        ((1, 24, 3), array([19]))
    """
    known = get_keypoint_set(target)
    placed = np.zeros((len(values), len(known), values.shape[-1]))
    for index, name in enumerate(names):
        if name in known.names:
            placed[:, known.index(name)] = values[:, index]
    return placed


def box_around(
    points: np.ndarray, valid: np.ndarray | None = None, padding: float = BBOX_PADDING
) -> tuple[np.ndarray, np.ndarray]:
    """Square boxes around points.

    Args:
        points: (N, K, 2) pixels.
        valid: (N, K), which of them count; each row needs one. None is all.
        padding: Factor on the box.

    Returns:
        Centre (N, 2) in pixels and `crop_scale` (N,), which is 0 around one point.

    Example:
        >>> center, scale = box_around(np.array([[[10.0, 20.0], [30.0, 120.0]]]))
        >>> center.tolist(), scale.round(3).tolist()
        ([[20.0, 70.0]], [0.6])
    """
    if valid is None:
        valid = np.ones(points.shape[:2], dtype=bool)
    use = np.asarray(valid, dtype=bool)[..., None]
    low = np.where(use, points, np.inf).min(axis=1)
    high = np.where(use, points, -np.inf).max(axis=1)
    return (low + high) / 2, padding * crop_scale(high - low)


def crop_scale(sizes: np.ndarray) -> np.ndarray:
    """The ``scale`` of boxes: the height of the crop that they fit in, over 200.

    SPIN's is the longer side over 200, and so is this of people who are taller than
    wide. Of others a crop of 3:4 of that height would cut off the sides.

    Args:
        sizes: (N, 2) widths and heights, pixels.

    Returns:
        (N,).

    Example:
        >>> crop_scale(np.array([[50.0, 200.0], [200.0, 50.0]])).round(3)
        array([1.   , 1.333])
    """
    return fit_aspect(sizes)[:, 1] / 200


def _expect_finite(values: np.ndarray, key: str, source: str) -> None:
    finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    bad = np.flatnonzero(~finite)
    if bad.size:
        raise AnnotationError(
            f'{source}: {key!r} is not finite in {bad.size} rows, the first of them '
            f'row {bad[0]}.'
        )


def _unknown(key: str, part: Columns) -> np.ndarray:
    count = len(part['imgname'])
    if key in _STRINGS:
        return np.full(count, 'n')
    if key in _INTEGERS:
        return np.full(count, -1, dtype=np.int64)
    fill = np.nan if key in _MAY_BE_NAN else 0
    return np.full((count, *_ROW_SHAPES[key]), fill, dtype=np.float32)


def _renumber(parts: Sequence[Columns]) -> list[np.ndarray]:
    start, numbers = 0, []
    for part in parts:
        ids = part.get('person_id', _unknown('person_id', part))
        numbers.append(np.where(ids < 0, ids, ids + start))
        start += int(ids.max(initial=-1)) + 1
    return numbers
