"""Which pictures a caller means, and which boxes belong to each."""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

import numpy as np

IMAGE_SUFFIXES = frozenset(
    ('.bmp', '.jpeg', '.jpg', '.png', '.ppm', '.tif', '.tiff', '.webp')
)


@dataclass(frozen=True)
class PictureInput:
    """One picture that is to be worked on.

    Attributes:
        name: What messages and results call it: its path, or `image_<index>`.
        source: Its path, or the (H, W, 3) uint8 BGR array.
        stem: What the names of its output files start with; no two inputs share one.
    """

    name: str
    source: str | np.ndarray
    stem: str


def expand_inputs(
    inputs: str | PathLike | np.ndarray | Sequence,
) -> list[PictureInput]:
    """List the pictures that a path, an array, a folder, a glob or a list means.

    Folders give their pictures by name, not those of folders inside. A single path is
    taken as it is: whether it can be read shows when it is.

    Raises:
        FileNotFoundError: If a folder holds no picture, or nothing matches a glob.
        TypeError: If an input is none of the above.
    """
    sources = _sources(inputs)
    stems: set[str] = set()
    items = []
    for index, source in enumerate(sources):
        if isinstance(source, np.ndarray):
            name = stem = f'image_{index:04d}'
        else:
            name, path = source, Path(source)
            stem = path.stem
            if stem in stems:
                stem = path.name.replace('.', '_')
        while stem in stems:
            stem = f'{stem}_{index}'
        stems.add(stem)
        items.append(PictureInput(name, source, stem))
    return items


def _sources(inputs: object) -> list[str | np.ndarray]:
    if isinstance(inputs, np.ndarray):
        return [inputs]
    if isinstance(inputs, str | PathLike):
        path = Path(fspath(inputs))
        if path.is_dir():
            found = sorted(
                str(file)
                for file in path.iterdir()
                if file.suffix.lower() in IMAGE_SUFFIXES
                and not file.name.startswith('.')
            )
            if not found:
                raise FileNotFoundError(
                    f'the folder {path} holds no picture '
                    f'({", ".join(sorted(IMAGE_SUFFIXES))})'
                )
            return found
        if glob.has_magic(str(path)) and not path.exists():
            found = sorted(glob.glob(str(path), recursive=True))
            if not found:
                raise FileNotFoundError(f'no picture matches {path}')
            return found
        return [str(path)]
    if isinstance(inputs, Sequence):
        return [source for part in inputs for source in _sources(part)]
    raise TypeError(
        'inputs must be a path, a (H, W, 3) array, a folder, a glob or a list of them, '
        f'got {type(inputs).__name__}'
    )


class BoxSource:
    """Boxes by picture, from any form in which a caller gives them.

    Args:
        bboxes: None (every picture is one person); (N, 4) boxes of the only picture; a
            list with one entry, boxes or None, for each picture; or a mapping of file
            names to boxes, where a name may leave out leading folders.
        items: The pictures.

    Raises:
        ValueError: If the boxes are of no such form, or of another number of pictures.
    """

    def __init__(self, bboxes: object, items: Sequence[PictureInput]) -> None:
        self._by_name: dict[str, object] | None = None
        self._in_order: list = [None] * len(items)
        if bboxes is None:
            return
        if isinstance(bboxes, Mapping):
            self._by_name = {Path(key).as_posix(): v for key, v in bboxes.items()}
        elif _are_boxes(bboxes) and len(items) == 1:
            self._in_order = [np.asarray(bboxes, float).reshape(-1, 4)]
        elif _are_boxes(bboxes):
            raise ValueError(
                f'bboxes are of one picture, but there are {len(items)}: give one '
                'entry for each picture, or a mapping of file names'
            )
        elif isinstance(bboxes, Sequence | np.ndarray) and len(bboxes) == len(items):
            self._in_order = list(bboxes)
        else:
            raise ValueError(
                'bboxes must be (N, 4) numbers, a list with one entry for each of the '
                f'{len(items)} pictures or a mapping of file names, got {bboxes!r:.200}'
            )

    def get(self, index: int, item: PictureInput) -> object:
        """Return the boxes of a picture; None stands for the whole picture.

        Raises:
            ValueError: If the mapping does not name the picture.
        """
        if self._by_name is None:
            return self._in_order[index]
        parts = Path(item.name).parts
        for start in range(len(parts)):
            name = Path(*parts[start:]).as_posix()
            if name in self._by_name:
                return self._by_name[name]
        raise ValueError(f'there are no boxes for {item.name}')


def _are_boxes(bboxes: object) -> bool:
    try:
        array = np.asarray(bboxes, dtype=float)
    except (TypeError, ValueError):
        return False
    return array.shape == (4,) or (array.ndim == 2 and array.shape[1] == 4)


def load_coco_boxes(path: str | PathLike) -> dict[str, list[list[float]]]:
    """Read people's boxes from a COCO annotation file.

    Crowds, and categories other than `person` where categories are named, are left out.

    Args:
        path: JSON with ``images`` and ``annotations``.

    Returns:
        File names and their boxes (left, top, width, height) in pixels; a picture
        without people has an empty list.

    Raises:
        FileNotFoundError: If the file is not there.
        ValueError: If it is not of that form; the message says what is missing.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise FileNotFoundError(f'the box file {path} does not exist') from error
    except (OSError, ValueError) as error:
        raise ValueError(f'the box file {path} is not JSON: {error}') from error
    try:
        names = {image['id']: image['file_name'] for image in data['images']}
        people = {
            c['id'] for c in data.get('categories', []) if c.get('name') == 'person'
        }
        boxes: dict[str, list[list[float]]] = {name: [] for name in names.values()}
        for annotation in data['annotations']:
            is_person = not people or annotation.get('category_id') in people
            if is_person and not annotation.get('iscrowd'):
                boxes[names[annotation['image_id']]].append(annotation['bbox'])
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f'the box file {path} is not a COCO annotation file: {error!r}'
        ) from error
    return boxes
