"""COCO's keypoint annotations (JSON)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from deforhmr_mm.geometry.boxes import BBOX_PADDING
from deforhmr_mm.structures import get_keypoint_set

from ..labels import AnnotationError
from .columns import Columns, crop_scale, place_joints

__all__ = ['convert_coco', 'load_json']


def load_json(path: Path, kind: type, what: str) -> Any:
    """Read a JSON file that is to hold a list or an object.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If it holds something else, or is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f'there is no {what} {path}')
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise AnnotationError(f'{path} is not readable JSON: {error}') from error
    if not isinstance(content, kind):
        raise AnnotationError(
            f'{path} must hold a {kind.__name__}, but holds a {type(content).__name__}.'
        )
    return content


def convert_coco(path: Path, image_folder: str, min_keypoints: int = 1) -> Columns:
    """People of a COCO file.

    Kept are people who are not marked as a crowd, whose box has a size, and of whom at
    least `min_keypoints` keypoints are labelled, hidden ones included.

    Args:
        path: ``person_keypoints_*.json``.
        image_folder: Goes before the pictures' names.
        min_keypoints: 0 keeps people without keypoints.

    Returns:
        Columns of N people: ``part``, ``annot_id`` and ``person_id`` (both COCO's id)
        beside picture and box. The box is square, 1.2 times the longer side of COCO's.

    Raises:
        AnnotationError: If the file is not such a file.
    """
    content = load_json(path, dict, 'annotation file')
    missing = [key for key in ('images', 'annotations') if key not in content]
    if missing:
        raise AnnotationError(f'{path}: there is no {", ".join(missing)}.')
    coco = get_keypoint_set('coco17').names
    names, boxes, joints, ids = [], [], [], []
    try:
        files = {image['id']: image['file_name'] for image in content['images']}
        for annotation in content['annotations']:
            x, y, width, height = annotation['bbox']
            keypoints = annotation.get('keypoints', [0] * 3 * len(coco))
            found = np.array(keypoints, dtype=np.float64).reshape(len(coco), 3)
            labelled = found[:, 2] > 0
            if annotation.get('iscrowd', 0) or min(width, height) <= 0:
                continue
            if labelled.sum() < min_keypoints:
                continue
            names.append(f'{image_folder}/{files[annotation["image_id"]]}')
            boxes.append((x, y, width, height))
            joints.append(np.where(labelled[:, None], found, 0))
            ids.append(annotation['id'])
    except (KeyError, TypeError, ValueError) as error:
        raise AnnotationError(
            f'{path}: annotation {len(ids)} of those kept is not as COCO has them '
            f'({type(error).__name__}: {error}).'
        ) from error
    box = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    part = np.array(joints).reshape(-1, len(coco), 3)
    # COCO marks hidden keypoints with 1 and visible ones with 2; both are labels.
    part[..., 2] = part[..., 2] > 0
    return {
        'imgname': np.array(names, dtype=str),
        'center': box[:, :2] + box[:, 2:] / 2,
        'scale': BBOX_PADDING * crop_scale(box[:, 2:]),
        'part': place_joints(part, coco),
        'annot_id': np.array(ids, dtype=np.int64),
        'person_id': np.array(ids, dtype=np.int64),
    }
