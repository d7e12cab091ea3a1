"""Reading results files: JSON or NPZ, of a picture or of a video."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from deforhmr_mm.structures import Motion, PersonMotion

from .schema import (
    ANY,
    CAMERA_COLUMNS,
    COLUMN_TYPES,
    JOINTS,
    PICTURE_COLUMNS,
    SCHEMA_VERSION,
    VIDEO_COLUMNS,
)
from .unpacking import unpack_json, unpack_npz


@dataclass(frozen=True)
class Results:
    """What a results file holds, in the same form for all of them.

    Attributes:
        kind: 'image' or 'video'.
        source: ``path``, ``height`` and ``width`` of the picture or video; of a video
            also ``fps`` and ``num_frames``.
        camera: ``focal_length``, ``focal_length_source`` and ``principal_point``; None
            for a picture without people, whose file does not tell.
        model: See `describe_model`.
        joint_names: Of the 45 joints, in the order of the arrays.
        people: Columns by name, one row for each person, in a video for each person and
            frame (``frames`` has its number); see `PICTURE_COLUMNS` and
            `VIDEO_COLUMNS`. A video's have the columns of its camera, too.
        generator: Which version wrote the file.
    """

    kind: str
    source: dict[str, Any]
    camera: dict[str, Any] | None
    model: dict[str, Any]
    joint_names: tuple[str, ...]
    people: dict[str, np.ndarray]
    generator: str

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.people['person_ids'])


def load_results(path: str | PathLike) -> Results:
    """Read a results file, JSON or NPZ, of a picture or of a video.

    Nothing in the file is run: NPZ files are read without pickle.

    Args:
        path: The file; its content says which format it has.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is no results file, of another schema version, or incomplete;
            the message names the file and the key.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'the results file {path} does not exist')
    is_npz = zipfile.is_zipfile(path)
    document = _read_npz(path) if is_npz else _read_json(path)
    _check_version(document, path)
    try:
        parts = unpack_npz(document) if is_npz else unpack_json(document)
        names = tuple(parts['joint_names'])
    except KeyError as error:
        raise ValueError(f'{path}: the key {error} is missing') from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(
            f'{path} does not have the form of results: {error}'
        ) from error
    if names != JOINTS.names:
        raise ValueError(
            f'{path}: joint_names must be those of {JOINTS.name}, got {list(names)}'
        )
    people = _check_columns(parts['people'], parts['kind'], path)
    return Results(
        kind=parts['kind'],
        source=parts['source'],
        camera=parts['camera'] or _camera_of(people),
        model=parts['model'],
        joint_names=JOINTS.names,
        people=people,
        generator=parts['generator'],
    )


def load_motion(path: str | PathLike) -> Motion:
    """Read the results file of a video as a `Motion`.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: As `load_results`, or if it is the file of a picture.
    """
    try:
        return motion_from_results(load_results(path))
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(f'{path}: {error}') from error


def motion_from_results(results: Results) -> Motion:
    """Return a video's people as a `Motion`.

    A person's shape is that of the first row; the rows of a file share one.

    Raises:
        ValueError: If the results are those of a picture.
    """
    if results.kind != 'video':
        raise ValueError(
            f'a motion needs results of a video, got those of kind {results.kind!r}'
        )
    columns = results.people
    people = []
    for person_id in dict.fromkeys(columns['person_ids'].tolist()):
        rows = np.flatnonzero(columns['person_ids'] == person_id)
        people.append(
            PersonMotion(
                person_id=person_id,
                frames=columns['frames'][rows],
                global_orient=columns['global_orient_rotmat'][rows],
                body_pose=columns['body_pose_rotmat'][rows],
                betas=columns['betas'][rows[0]],
                transl=columns['transl'][rows],
                bboxes=columns['bboxes'][rows],
                bbox_scores=columns['bbox_scores'][rows],
                observed=columns['observed'][rows],
            )
        )
    return Motion(
        fps=results.source['fps'],
        num_frames=results.source['num_frames'],
        image_size=(results.source['height'], results.source['width']),
        focal_length=results.camera['focal_length'],
        principal_point=tuple(results.camera['principal_point']),
        people=tuple(people),
    )


def _read_json(path: Path) -> dict[str, Any]:
    def refuse(name: str) -> None:
        raise ValueError(f'{name} is no number of JSON')

    try:
        text = path.read_text(encoding='utf-8')
        document = json.loads(text, parse_constant=refuse)
    except (OSError, ValueError) as error:
        raise ValueError(f'{path} is neither JSON nor NPZ: {error}') from error
    return document if isinstance(document, dict) else {}


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f'{path} cannot be read as NPZ: {error}') from error


def _check_version(document: Mapping[str, Any], path: Path) -> None:
    if 'schema_version' not in document:
        raise ValueError(f'{path} is no results file: it has no schema_version')
    version = str(document['schema_version'])
    ours = SCHEMA_VERSION.partition('.')[0]
    if version.partition('.')[0] != ours:
        raise ValueError(
            f'{path} has results of schema version {version}, and this reads {ours}.x: '
            f'read it with what wrote it ({document.get("generator", "unknown")}), or '
            'make it anew'
        )


def _check_columns(
    columns: Mapping[str, Any], kind: str, path: Path
) -> dict[str, np.ndarray]:
    """Return the columns with the types and shapes that the schema says."""
    expected = PICTURE_COLUMNS
    if kind == 'video':
        expected = {**VIDEO_COLUMNS, **CAMERA_COLUMNS}
    missing = [name for name in expected if name not in columns]
    if missing:
        raise ValueError(f'{path}: missing {", ".join(missing)}')
    count = len(columns['person_ids'])
    checked = {}
    for name, shape in expected.items():
        dtype = COLUMN_TYPES.get(name, np.float32)
        try:
            column = np.asarray(columns[name])
            if column.dtype == object:
                raise ValueError('rows of different lengths')
            with np.errstate(over='ignore', invalid='raise'):  # infinity: see below
                column = column.astype(dtype)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise ValueError(f'{path}: {name} is not an array: {error}') from error
        if count == 0 and column.size == 0:
            column = column.reshape(0, *(10 if size is ANY else size for size in shape))
        fits = column.ndim == 1 + len(shape) and len(column) == count
        fits = fits and all(
            size in (ANY, found)
            for size, found in zip(shape, column.shape[1:], strict=True)
        )
        if not fits:
            sizes = ', '.join('*' if size is ANY else str(size) for size in shape)
            raise ValueError(
                f'{path}: {name} must have {count} rows of the shape ({sizes}), got '
                f'{column.shape}'
            )
        if dtype is np.float32 and not np.isfinite(column).all():
            raise ValueError(f'{path}: {name} holds NaN or infinity')
        checked[name] = column
    return checked


def _camera_of(people: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """Return the camera that a picture's people share."""
    if not len(people['focal_length']):
        return None
    return {
        'focal_length': float(people['focal_length'][0]),
        'focal_length_source': str(people['focal_length_source'][0]),
        'principal_point': people['principal_point'][0].tolist(),
    }
