"""People of COCO keypoint files with their boxes and joints as they were labelled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .labels import AnnotationError
from .readers.coco_rows import keypoints_of, numbers_of, person_categories

__all__ = ['LabelledPerson', 'read_labelled_people']

# COCO's mark of joints that the labeller saw; 1 is for hidden ones, 0 for none.
VISIBLE = 2


class LabelledPerson(NamedTuple):
    """A person of a COCO keypoint file.

    Attributes:
        annotation_id: Of the file.
        bbox: (4,) left, top, width and height in pixels.
        keypoints: (17, 2) pixels, in the order of ``coco17``.
        visibility: (17,) 0 for joints without a label, 1 for hidden, 2 for visible.
    """

    annotation_id: int
    bbox: np.ndarray
    keypoints: np.ndarray
    visibility: np.ndarray

    @property
    def visible(self) -> np.ndarray:
        """(17,) bool: joints that the labeller saw."""
        return self.visibility == VISIBLE


def read_labelled_people(
    path: str | Path, min_height: float = 0.0
) -> dict[str, list[LabelledPerson]]:
    """Read people who can be scored: those with a visible joint.

    Unlike `read_coco_json` it keeps the boxes as they were drawn, and needs no compiled
    package. Crowds and other categories than ``person`` are left out.

    Args:
        path: The JSON file, with ``images``, ``annotations`` and ``categories``.
        min_height: Pixels that a box has at least.

    Returns:
        People by the file names of their pictures, in the file's order.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If it is no COCO keypoint file, or nobody is left.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise FileNotFoundError(f'the annotation file {path} does not exist') from error
    except ValueError as error:
        raise AnnotationError(f'{path} is not a readable JSON file: {error}') from error
    try:
        categories = person_categories(content['categories'], path)
        names = {image['id']: image['file_name'] for image in content['images']}
        people: dict[str, list[LabelledPerson]] = {}
        for row in content['annotations']:
            if row['category_id'] in categories and not row.get('iscrowd'):
                person = _person(row, path)
                if person.bbox[3] >= min_height and person.visible.any():
                    people.setdefault(names[row['image_id']], []).append(person)
    except (AttributeError, KeyError, TypeError) as error:
        raise AnnotationError(
            f'{path} is not a COCO keypoint file: {error!r}'
        ) from error
    if not people:
        raise AnnotationError(
            f'{path}: none of its {len(content["annotations"])} annotations is a '
            f'person with a visible joint and a box of at least {min_height:g} pixels '
            'in height'
        )
    return people


def _person(row: dict[str, Any], path: Path) -> LabelledPerson:
    # Files of boxes have people without keypoints: none of theirs is visible.
    keypoints = keypoints_of(row, path)
    bbox = numbers_of(row, 'bbox', 4, path)
    return LabelledPerson(row['id'], bbox, keypoints[:, :2], keypoints[:, 2])
