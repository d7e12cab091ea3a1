"""People's boxes from the JSON files that annotators and detectors write."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from .box_source import Boxes

__all__ = ['load_boxes', 'load_coco_boxes']

# Where a file numbers classes and does not name them: COCO's number of people, and that
# of mmdet's models, which count from 0.
COCO_PERSON = 1
MMDET_PERSON = 0

FORMS = """it is none of
- COCO annotations: {"images": [...], "annotations": [...]}
- COCO results: [{"image_id": ..., "bbox": [x, y, w, h], "score": ...}, ...]
- file names: {"a.jpg": [[x, y, w, h], [x, y, w, h, score], ...], "b.jpg": []}
- frames of videos: {"a.mp4": {"0": [[x, y, w, h], ...]}} or a list with one entry each
- what mmdet's or mmpose's inferencer writes (left, top, right, bottom)"""

Frames = dict[int, Boxes] | list[Boxes | None]


class _FormError(Exception):
    """A part of the file does not have the form that it seemed to have."""


def load_boxes(
    path: str | PathLike,
    annotations: str | PathLike | None = None,
    bbox_format: str = 'xywh',
) -> dict[str, Boxes | Frames | None] | Boxes | Frames:
    """Read people's boxes from a JSON file, in whichever of these forms it is.

    - COCO annotations, see `load_coco_boxes`
    - COCO results, a list of ``{"image_id", "bbox", "score", "category_id"}``, as
      detectors are evaluated by. Ids that are strings are names; numbers are looked up
      in `annotations`
    - ``{"a.jpg": [[x, y, w, h], [x, y, w, h, score], ...], "b.jpg": []}``; null stands
      for the whole picture
    - the same by frame for a video: ``{"a.mp4": {"0": [...], "7": [...]}}``, where
      frames that are not named have nobody, or ``{"a.mp4": [[...], [...]]}``, or the
      inner part of these alone for the only video
    - what mmdet's inferencer writes of a picture (``bboxes``, ``scores``, ``labels``),
      which is named as its file is, and what mmpose's inferencer and demos write of a
      picture or a video (``bbox``, ``bbox_score``; ``frame_id``, ``instances``)

    Of several classes people are kept: those that `annotations` names so, else COCO's
    class 1, and the log says it. Of mmdet's labels it is 0, also in a file without it.

    Args:
        path: The JSON file.
        annotations: A COCO annotation file with the names of the pictures whose numbers
            COCO results hold. Its pictures that have no result have nobody.
        bbox_format: 'xywh' or 'xyxy': what plain rows of numbers are. The other forms
            say it themselves.

    Returns:
        What `BoxSource` takes: boxes by name, or those of the only input; scores where
        the file has them.

    Raises:
        FileNotFoundError: If a file is not there.
        ValueError: If it is not JSON, or of no such form; the message names the entry.
    """
    path = Path(path)
    data = _read_json(path)
    if isinstance(data, Mapping) and 'instance_info' in data:  # by mmpose's demos
        data = data['instance_info']
    try:
        if isinstance(data, Mapping) and {'images', 'annotations'} & data.keys():
            coco = load_coco_boxes(path)
            return {name: _picture(rows, name, 'xywh') for name, rows in coco.items()}
        if isinstance(data, list) and _all_have(data, 'image_id', 'bbox'):
            return _coco_results(data, path, annotations)
        if isinstance(data, Mapping) and 'bboxes' in data:
            return {path.stem: _mmdet(data, path.name)}
        if isinstance(data, list) and _all_have(data, 'bbox'):
            return {path.stem: _mmpose(data, path.name)}
        if isinstance(data, list):
            return _entry(data, path.name, bbox_format)
        if isinstance(data, Mapping):
            return {
                name: _entry(value, name, bbox_format) for name, value in data.items()
            }
    except _FormError as error:
        raise ValueError(f'the box file {path}, {error}; {FORMS}') from error
    raise ValueError(f'the box file {path} holds {_describe(data)}; {FORMS}')


def load_coco_boxes(path: str | PathLike) -> dict[str, list[list[float]]]:
    """Read people's boxes from a COCO annotation file.

    Crowds, and categories other than `person` (or `Person`) where categories are named,
    are left out.

    Args:
        path: JSON with ``images`` and ``annotations``.

    Returns:
        File names and their boxes (left, top, width, height) in pixels, a fifth number
        being the score if all have one; a picture without people has an empty list.

    Raises:
        FileNotFoundError: If the file is not there.
        ValueError: If it is not of that form; the message says what is missing.
    """
    path = Path(path)
    data = _read_json(path)
    try:
        names = {image['id']: image['file_name'] for image in data['images']}
        people = _people(data, path)
        boxes: dict[str, list[list[float]]] = {name: [] for name in names.values()}
        rows = data['annotations']
        have_scores = bool(rows) and all('score' in row for row in rows)
        for row in rows:
            is_person = not people or row.get('category_id') in people
            if is_person and not row.get('iscrowd'):
                score = [row['score']] if have_scores else []
                boxes[names[row['image_id']]].append([*row['bbox'], *score])
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f'the box file {path} is not a COCO annotation file: {error!r}'
        ) from error
    return boxes


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise FileNotFoundError(f'the box file {path} does not exist') from error
    except (OSError, ValueError) as error:
        raise ValueError(f'the box file {path} is not JSON: {error}') from error


def _people(data: Mapping, path: str | PathLike) -> set:
    """The ids of the categories that are called person; none where none has a name."""
    names = {c['id']: c['name'] for c in data.get('categories', []) if c.get('name')}
    people = {key for key, name in names.items() if name.casefold() == 'person'}
    if names and not people:
        raise ValueError(
            f"the box file {path} has no category 'person', only "
            f'{list(names.values())[:10]}'
        )
    return people


def _coco_results(
    rows: Sequence[Mapping], path: Path, annotations: str | PathLike | None
) -> dict[str, Boxes]:
    names: dict = {}
    people = set()
    if annotations is not None:
        names = {name: name for name in load_coco_boxes(annotations)}
        data = _read_json(Path(annotations))
        names |= {image['id']: image['file_name'] for image in data['images']}
        people = _people(data, annotations)
    if not people:
        people = _numbered_people([row.get('category_id') for row in rows], path)
    found: dict[str, list[Mapping]] = {name: [] for name in names.values()}
    for index, row in enumerate(rows):
        name = names.get(row['image_id'], row['image_id'])
        if not isinstance(name, str):
            raise _FormError(
                f'entry {index}: the name of picture {name!r} is not known: '
                + (
                    'give the COCO annotation file with it as `annotations`'
                    if annotations is None
                    else f'{annotations} has no such picture'
                )
            )
        if row.get('category_id') in people:
            found.setdefault(name, []).append(row)
        else:
            found.setdefault(name, [])
    return {
        name: _boxes(
            [row['bbox'] for row in picture],
            [row.get('score') for row in picture],
            'xywh',
            name,
        )
        for name, picture in found.items()
    }


def _numbered_people(numbers: Sequence, path: Path | str) -> set:
    """Which of COCO's class numbers are people's where the file does not name them."""
    known = set(numbers)
    if len(known) <= 1:
        return known
    print_log(
        f'the box file {path} holds {len(known)} classes without names: boxes of class '
        f'{COCO_PERSON} are taken for people',
        'current',
        logging.WARNING,
    )
    return {COCO_PERSON}


def _entry(value: Any, name: str, bbox_format: str) -> Boxes | None | Frames:
    """Boxes of a picture, or by frame."""
    if _is_by_frame(value):
        return {
            int(key): _picture(part, f'{name}: {key}', bbox_format)
            for key, part in value.items()
        }
    is_list = isinstance(value, list) and bool(value)
    if is_list and _all_have(value, 'frame_id', 'instances'):
        # mmpose writes every frame, and numbers them from 1 or from 0.
        first = value[0]['frame_id']
        return {
            part['frame_id'] - first: _mmpose(part['instances'], name) for part in value
        }
    if is_list and all(_is_picture(part) for part in value):
        return [
            _picture(part, f'{name}: {index}', bbox_format)
            for index, part in enumerate(value)
        ]
    return _picture(value, name, bbox_format)


def _is_picture(value: Any) -> bool:
    """Whether a part of a list is a frame's boxes: no row of numbers."""
    if isinstance(value, list):
        return all(isinstance(part, list | Mapping) for part in value)
    return value is None or (isinstance(value, Mapping) and 'bboxes' in value)


def _picture(value: Any, name: str, bbox_format: str) -> Boxes | None:
    if value is None:
        return None
    if isinstance(value, Mapping) and 'bboxes' in value:
        return _mmdet(value, name)
    if isinstance(value, list) and value and _all_have(value, 'bbox'):
        return _mmpose(value, name)
    if not isinstance(value, list):
        raise _FormError(f'{name!r} holds {_describe(value)}')
    rows = [value] if value and not isinstance(value[0], list) else value
    lengths = {len(row) if isinstance(row, list) else 0 for row in rows}
    if not lengths <= {4, 5}:
        raise _FormError(f'{name!r}: boxes need 4 numbers or 5, got {rows!r:.100}')
    scores = [row[4] if len(row) == 5 else None for row in rows]
    return _boxes([row[:4] for row in rows], scores, bbox_format, name)


def _mmdet(value: Mapping, name: str) -> Boxes:
    bboxes = value['bboxes']
    scores = value.get('scores') or [None] * len(bboxes)
    labels = value.get('labels') or [MMDET_PERSON] * len(bboxes)
    if not len(bboxes) == len(scores) == len(labels):
        raise _FormError(f'{name!r}: its bboxes, scores and labels differ in number')
    # Not `_numbered_people`: a picture whose only label is another has no people.
    kept = [index for index, label in enumerate(labels) if label == MMDET_PERSON]
    return _boxes([bboxes[i] for i in kept], [scores[i] for i in kept], 'xyxy', name)


def _mmpose(people: Any, name: str) -> Boxes:
    if not isinstance(people, list) or not _all_have(people, 'bbox'):
        raise _FormError(f'{name!r}: an instance has no "bbox"')
    # mmpose writes each box inside a list of one.
    bboxes = [np.asarray(person['bbox'], object).ravel().tolist() for person in people]
    scores = [person.get('bbox_score', person.get('score')) for person in people]
    return _boxes(bboxes, scores, 'xyxy', name)


def _boxes(bboxes: list, scores: list, bbox_format: str, name: str) -> Boxes:
    """Check the numbers; scores are None unless every box has one."""
    if not bboxes:
        return Boxes(np.zeros((0, 4)), None, bbox_format)
    try:
        rows = np.array(bboxes, np.float64)
        values = None
        if all(score is not None for score in scores):
            values = np.array(scores, np.float64)
    except (TypeError, ValueError) as error:
        raise _FormError(f'{name!r}: boxes and scores must be numbers') from error
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise _FormError(f'{name!r}: a box has 4 numbers, got {bboxes[0]!r:.100}')
    if not np.isfinite(rows).all():
        bad = int(np.argmin(np.isfinite(rows).all(1)))
        raise _FormError(f'{name!r}: box {bad} = {bboxes[bad]} is not finite')
    if values is not None and (values.ndim != 1 or not np.isfinite(values).all()):
        raise _FormError(f'{name!r}: a score is not a finite number')
    return Boxes(rows, values, bbox_format)


def _is_by_frame(value: Any) -> bool:
    keys = value if isinstance(value, Mapping) else ()
    return bool(keys) and all(key.isdecimal() for key in keys)


def _all_have(parts: Sequence, *keys: str) -> bool:
    return all(isinstance(part, Mapping) and set(keys) <= part.keys() for part in parts)


def _describe(value: Any) -> str:
    if isinstance(value, Mapping):
        return f'an object with the keys {list(value)[:5]}'
    if isinstance(value, list):
        return f'a list that begins with {value[:1]!r:.100}'
    return f'{value!r:.100}'
