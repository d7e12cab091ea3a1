"""Pseudo-labels (CLIFF's files), joined to people of another annotation."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np

from ..labels import AnnotationError
from ..readers.npz import open_npz
from .columns import Columns

__all__ = [
    'attach',
    'join_pseudo_labels',
    'match_by_box',
    'match_by_id',
    'read_pseudo_labels',
]

# Of a box's side: people of one picture whose centres lie nearer are one person.
_SAME_PERSON = 0.15


def read_pseudo_labels(path: Path) -> Columns:
    """Read SMPL labels of an npz of CLIFF's.

    Returns:
        ``imgname``, ``center``, ``scale``, ``pose``, ``shape`` and ``has_smpl``, and
        ``global_t``, ``focal_l`` and ``annot_id`` where the file has them. Shapes as in
        `read_spin_npz`.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If a key is missing or has another shape.
    """
    if not path.is_file():
        raise FileNotFoundError(f'there is no file of pseudo-labels {path}')
    with open_npz(path) as file:
        labels = {
            'imgname': np.array(file.strings('imgname'), dtype=str),
            'center': file.floats('center', 2),
            'scale': file.floats('scale'),
            'pose': file.floats('pose', 72),
            'shape': file.floats('shape', 10),
            'has_smpl': file.floats_or('has_smpl', 1.0),
        }
        for key, shape in (('global_t', (3,)), ('focal_l', ())):
            if key in file:
                labels[key] = file.floats(key, *shape)
        if 'annot_id' in file:
            labels['annot_id'] = file.integers('annot_id')
    return labels


def match_by_id(ids: np.ndarray, labels: Columns, path: Path) -> np.ndarray:
    """Row of the labels for each annotation id, -1 where there is none.

    Args:
        ids: (N,) annotation ids.
        labels: From `read_pseudo_labels`.
        path: Where the labels come from, for messages.

    Raises:
        AnnotationError: If the labels have no ids, or one twice.
    """
    if 'annot_id' not in labels:
        raise AnnotationError(
            f"{path}: there is no key 'annot_id' to join its labels by."
        )
    known = labels['annot_id'].tolist()
    rows = {annotation: row for row, annotation in enumerate(known)}
    if len(rows) != len(known):
        twice = next(a for row, a in enumerate(known) if rows[a] != row)
        raise AnnotationError(f'{path}: annot_id {twice} is there more than once.')
    return np.array([rows.get(value, -1) for value in ids.tolist()], dtype=np.int64)


def match_by_box(people: Columns, labels: Columns) -> np.ndarray:
    """Row of the labels for each person, -1 where there is none.

    A person and a label belong together if they are in the picture of the same file
    name, each is the other's nearest by the boxes' centres, and these lie within 0.15
    of the box's side.

    Args:
        people: Columns with ``imgname``, ``center`` and ``scale`` (side over 200).
        labels: From `read_pseudo_labels`.

    Returns:
        (N,) int64.
    """
    pictures: dict[str, list[int]] = {}
    for row, name in enumerate(labels['imgname'].tolist()):
        pictures.setdefault(_file_name(name), []).append(row)
    of_picture: dict[str, list[int]] = {}
    for row, name in enumerate(np.asarray(people['imgname']).tolist()):
        of_picture.setdefault(_file_name(name), []).append(row)
    matched = np.full(len(people['imgname']), -1, dtype=np.int64)
    for name, ours in of_picture.items():
        theirs = pictures.get(name, [])
        if not theirs:
            continue
        offsets = people['center'][ours][:, None] - labels['center'][theirs][None]
        distance = np.linalg.norm(offsets, axis=-1)
        limit = _SAME_PERSON * 200 * np.asarray(people['scale'])[ours]
        nearest = distance.argmin(axis=1)
        for place, row in enumerate(ours):
            label = nearest[place]
            mutual = distance[:, label].argmin() == place
            if mutual and distance[place, label] <= limit[place]:
                matched[row] = theirs[label]
    return matched


def attach(people: Columns, labels: Columns, rows: np.ndarray) -> Columns:
    """People with the SMPL labels of the rows that match them.

    Args:
        people: Columns of N people.
        labels: From `read_pseudo_labels`.
        rows: (N,) row of the labels, -1 where there is none.

    Returns:
        New columns; ``has_smpl`` is 0 where nothing matches.
    """
    has = rows >= 0
    joined = dict(people)
    for key, fill in (
        *(('pose', 0.0), ('shape', 0.0), ('has_smpl', 0.0)),
        *(('global_t', np.nan), ('focal_l', np.nan)),
    ):
        if key in labels:
            values = labels[key]
            column = np.full((len(rows), *values.shape[1:]), fill, dtype=np.float32)
            column[has] = values[rows[has]]
            joined[key] = column
    return joined


def join_pseudo_labels(
    people: Columns, path: Path, by: str, only_labelled: bool = False
) -> tuple[Columns, str]:
    """Read pseudo-labels and attach them to people.

    Args:
        people: Columns of N people.
        path: CLIFF's npz.
        by: 'annot_id' or 'box', see `match_by_id` and `match_by_box`.
        only_labelled: Leave out people without SMPL parameters.

    Returns:
        The columns, and a line that tells how many were joined.
    """
    labels = read_pseudo_labels(path)
    if by == 'annot_id':
        rows = match_by_id(people['annot_id'], labels, path)
    else:
        rows = match_by_box(people, labels)
    joined = attach(people, labels, rows)
    found = int((rows >= 0).sum())
    note = (
        f'{found} of {len(rows)} people have pseudo-labels, '
        f'{len(labels["pose"]) - found} pseudo-labels are left over'
    )
    if only_labelled:
        keep = joined['has_smpl'] > 0
        joined = {key: values[keep] for key, values in joined.items()}
    return joined, note


def _file_name(name: str) -> str:
    return PurePosixPath(name).name
