"""Which boxes belong to which input, from any form in which a caller gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .downloads import is_url, name_in_url

if TYPE_CHECKING:
    from .inputs import InputItem

__all__ = ['BoxSource', 'Boxes', 'as_boxes']


class Boxes(NamedTuple):
    """The boxes of one picture or frame.

    numpy takes it for its boxes: ``np.asarray(boxes)`` is ``boxes.bboxes``.

    Attributes:
        bboxes: (N, 4) pixels.
        scores: (N,), how sure each is; None if nobody said.
        bbox_format: 'xyxy' (left, top, right, bottom) or 'xywh' (left, top, width,
            height).
    """

    bboxes: np.ndarray
    scores: np.ndarray | None = None
    bbox_format: str = 'xyxy'

    def __array__(
        self, dtype: np.dtype | None = None, copy: bool | None = None
    ) -> np.ndarray:
        """Return the boxes alone."""
        return np.array(self.bboxes, dtype=dtype)


def as_boxes(value: object, bbox_format: str = 'xyxy') -> Boxes | None:
    """Bring the boxes of one picture to one form.

    Args:
        value: None, `Boxes`, or numbers: (N, 4), (N, 5) with scores in the last
            column, a single row of these, or an empty list.
        bbox_format: What the numbers are; `Boxes` say it themselves.

    Returns:
        The boxes; None for None.

    Raises:
        ValueError: If the numbers have another shape.

    Example:
        >>> as_boxes([[1, 2, 3, 4, 0.5]]).scores
        array([0.5])
    """
    if value is None or isinstance(value, Boxes):
        return value
    rows = _as_rows(value)
    if rows is None:
        raise ValueError(
            'boxes must be rows of 4 numbers, or of 5 where the last is a score, got '
            f'{value!r:.200}'
        )
    scores = rows[:, 4] if rows.shape[1] == 5 else None
    return Boxes(rows[:, :4], scores, bbox_format)


class BoxSource:
    """Boxes by input, and by frame where the input is a video.

    The boxes of a picture have the forms that `as_boxes` takes; None stands for the
    whole picture. For a video they may also be a sequence with one such entry for each
    frame, or a mapping of frame numbers (from 0) to them, where frames that it does not
    name have nobody. A single box that is not given by frame holds for every frame, and
    those of a camera do.

    Args:
        bboxes: None; the boxes of the only input; a sequence with one entry for each
            input; or a mapping of file names to boxes, as `load_boxes` gives it, where
            a name may leave out leading folders and its suffix.
        items: The inputs.
        bbox_format: 'xyxy' or 'xywh': what those boxes are that do not say it.

    Raises:
        ValueError: If the boxes are of no such form, or of another number of inputs.
    """

    def __init__(
        self,
        bboxes: object,
        items: Sequence[InputItem],
        bbox_format: str = 'xyxy',
    ) -> None:
        self._bbox_format = bbox_format
        self._by_name: dict[str, object] | None = None
        self._in_order: list = [None] * len(items)
        # No two inputs share a stem.
        self._places = {item.stem: index for index, item in enumerate(items)}
        self._by_frame: dict[str, object] = {}
        self.is_empty = bboxes is None
        if bboxes is None:
            return
        is_one = len(items) == 1
        is_one_video = is_one and items[0].kind != 'image'
        rows = _as_rows(bboxes)
        if isinstance(bboxes, Mapping) and not (is_one_video and _is_by_frame(bboxes)):
            self._by_name = {Path(str(key)).as_posix(): v for key, v in bboxes.items()}
        elif is_one and rows is not None:
            self._in_order = [bboxes]
        elif rows is not None and (len(rows) or isinstance(bboxes, Boxes)):
            raise ValueError(
                f'bboxes are of one picture, but there are {len(items)}: give one '
                'entry for each picture, or a mapping of file names'
            )
        elif isinstance(bboxes, Sequence | np.ndarray) and len(bboxes) == len(items):
            self._in_order = list(bboxes)
        elif is_one_video and isinstance(bboxes, Sequence | np.ndarray | Mapping):
            self._in_order = [bboxes]
        else:
            raise ValueError(
                'bboxes must be (N, 4) numbers, a list with one entry for each of the '
                f'{len(items)} pictures or a mapping of file names, got {bboxes!r:.200}'
            )

    def get(self, index: int, item: InputItem) -> Boxes | None:
        """Return the boxes of a picture; None stands for the whole picture.

        Raises:
            ValueError: If the mapping does not name the picture, or its boxes are not
                rows of 4 or 5 numbers.
        """
        return as_boxes(self._entry(index, item), self._bbox_format)

    def get_frame(self, item: InputItem, frame: int) -> Boxes | None:
        """Return the boxes of one frame of a video; None stands for the whole frame.

        Args:
            item: The video.
            frame: The frame's number, from 0.

        Raises:
            ValueError: As `get`, or if a sequence has fewer entries than `frame` + 1.
        """
        if item.stem not in self._by_frame:
            entry = self._entry(self._places[item.stem], item)
            self._by_frame[item.stem] = self._of_video(entry, item)
        boxes = self._by_frame[item.stem]
        if boxes is None or isinstance(boxes, Boxes):
            return boxes
        if isinstance(boxes, Mapping):
            return as_boxes(boxes.get(frame, ()), self._bbox_format)
        if frame >= len(boxes):
            raise ValueError(
                f'{item.name}: there are boxes of {len(boxes)} frames, but none of '
                f'frame {frame} (from 0)'
            )
        return as_boxes(boxes[frame], self._bbox_format)

    def _of_video(self, entry: object, item: InputItem) -> object:
        """`Boxes` of every frame or None, or those of each as a mapping or sequence."""
        if isinstance(entry, Mapping):
            if entry and not _is_by_frame(entry):
                raise ValueError(
                    f"{item.name}: boxes by frame need the frames' numbers as keys, "
                    f'got {list(entry)[:3]}'
                )
            return {int(number): boxes for number, boxes in entry.items()}
        if isinstance(entry, Sequence | np.ndarray) and _as_rows(entry) is None:
            return entry
        boxes = as_boxes(entry, self._bbox_format)
        if item.kind == 'video' and boxes is not None and len(boxes.bboxes) > 1:
            raise ValueError(
                f'{item.name}: are its {len(boxes.bboxes)} boxes of one frame each, or '
                'of everybody in every frame? Give one entry for each frame: '
                '[[box], [box], ...], or [[box, box], [box, box], ...]'
            )
        return boxes

    def _entry(self, index: int, item: InputItem) -> object:
        if self._by_name is None:
            return self._in_order[index]
        path = Path(name_in_url(item.name) if is_url(item.name) else item.name)
        for start in range(len(path.parts)):
            name = Path(*path.parts[start:])
            for key in (name.as_posix(), name.with_suffix('').as_posix()):
                if key in self._by_name:
                    return self._by_name[key]
        raise ValueError(
            f'there are no boxes for {item.name} (where there is nobody, give [])'
        )


def _as_rows(value: object) -> np.ndarray | None:
    """(N, 4) or (N, 5) numbers; None if it is not that."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return None
    if array.shape in ((4,), (5,)):
        # None would be a number here: NaN.
        return None if any(number is None for number in value) else array[None]
    if array.shape == (0,):
        return array.reshape(0, 4)
    is_rows = array.ndim == 2 and array.shape[1] in (4, 5)
    return array if is_rows else None


def _is_by_frame(bboxes: Mapping) -> bool:
    """Whether a mapping is of frame numbers and not of names."""
    return bool(bboxes) and all(
        isinstance(key, int) or str(key).isdecimal() for key in bboxes
    )
