"""What COCO's keypoint files hold: the category of people, boxes and keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deforhmr_mm.structures import get_keypoint_set

from ..labels import AnnotationError

__all__ = ['keypoints_of', 'numbers_of', 'person_categories']


def person_categories(
    categories: Sequence[Mapping[str, Any]], path: str | Path
) -> set[int]:
    """Return the ids of the categories named ``person``.

    Args:
        categories: The file's.
        path: The file, for errors.

    Raises:
        AnnotationError: If there is none, or its keypoints are not COCO's 17.
    """
    names = get_keypoint_set('coco17').names
    people = [one for one in categories if one['name'] == 'person']
    if not people:
        raise AnnotationError(
            f"{path}: there is no category 'person'; the file has "
            f'{sorted(str(one["name"]) for one in categories)}.'
        )
    for category in people:
        given = tuple(category.get('keypoints', names))
        if given != names:
            raise AnnotationError(
                f"{path}: the keypoints of the category 'person' must be COCO's "
                f'{names}, but are {given}.'
            )
    return {one['id'] for one in people}


def keypoints_of(annotation: Mapping[str, Any], path: str | Path) -> np.ndarray:
    """Return x, y and visibility (17, 3); zeros for an annotation without keypoints.

    Raises:
        AnnotationError: If they are not 51 finite numbers.
    """
    count = len(get_keypoint_set('coco17'))
    if 'keypoints' not in annotation:
        return np.zeros((count, 3))
    return numbers_of(annotation, 'keypoints', 3 * count, path).reshape(count, 3)


def numbers_of(
    annotation: Mapping[str, Any], key: str, count: int, path: str | Path
) -> np.ndarray:
    """Return the `count` numbers (count,) float64 of an annotation's key.

    Raises:
        AnnotationError: If they are others, or not finite.
    """
    try:
        values = np.asarray(annotation[key], dtype=np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise AnnotationError(
            f'{path}: annotation {annotation["id"]}: {key!r} must hold {count} finite '
            f'numbers, but is {annotation[key]!r:.200}.'
        )
    return values
