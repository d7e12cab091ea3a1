"""Contact sheets: people or whole pictures of a split, to be looked at."""

from pathlib import Path

import cv2
import numpy as np
from synthetic.labels import BOX_PADDING

from deforhmr_mm.structures import get_keypoint_set
from deforhmr_mm.whole_files import write_bytes

CELL = (144, 192)  # width and height of a person's cell, pixels
PICTURE_CELL = 256
MARGIN = 1.15  # of a cell around the person's box
SEEN, HIDDEN = (0, 255, 0), (0, 0, 255)  # BGR


def draw_keypoints(picture: np.ndarray, keypoints: np.ndarray) -> None:
    """Draw COCO keypoints (17, 3), in place: green where seen, red where hidden."""
    for a, b in get_keypoint_set('coco17').links:
        if keypoints[[a, b], 2].min() > 0:
            seen = keypoints[[a, b], 2].min() > 1
            ends = np.rint(keypoints[[a, b], :2]).astype(int).tolist()
            cv2.line(picture, *ends, SEEN if seen else HIDDEN, 1, cv2.LINE_AA)
    for x, y, flag in keypoints:
        if flag:
            place = (int(round(x)), int(round(y)))
            cv2.circle(picture, place, 2, SEEN if flag > 1 else HIDDEN, -1)


def person_cell(picture: np.ndarray, center: np.ndarray, scale: float) -> np.ndarray:
    """A person cut from a picture (h, w, 3), in a cell's size."""
    side = 200 * scale / BOX_PADDING * MARGIN
    zoom = CELL[1] / side
    matrix = np.float32(
        [
            [zoom, 0, CELL[0] / 2 - center[0] * zoom],
            [0, zoom, CELL[1] / 2 - center[1] * zoom],
        ]
    )
    way = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    return cv2.warpAffine(picture, matrix, CELL, flags=way)


def contact_sheet(
    out: Path, split: str, count: int, columns: int, labels: bool, whole: bool
) -> np.ndarray:
    """A sheet (h, w, 3) uint8 BGR of a split's people, evenly spread over its rows.

    Args:
        out: The data set's folder.
        split: Name of the split.
        count: How many people, or pictures, at most.
        columns: Cells in a row.
        labels: Whether to draw keypoints.
        whole: Whole pictures instead of people.

    Raises:
        FileNotFoundError: The split has not been made.
    """
    path = out / 'annotations' / f'{split}.npz'
    if not path.is_file():
        raise FileNotFoundError(
            f'{path}: expected the labels of {split}, but there is no such file; '
            'synthesize_v1.py makes it'
        )
    with np.load(path) as file:
        data = {k: file[k] for k in ('imgname', 'center', 'scale', 'coco')}
    rows = np.arange(len(data['imgname']))
    if whole:
        rows = np.unique(data['imgname'], return_index=True)[1]
    rows = rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]
    cells = []
    for row in rows:
        picture = cv2.imread(str(out / data['imgname'][row]))
        same = np.flatnonzero(data['imgname'] == data['imgname'][row])
        for other in (same if whole else [row]) if labels else ():
            draw_keypoints(picture, data['coco'][other])
        if whole:
            cells.append(_fitted(picture))
        else:
            cells.append(person_cell(picture, data['center'][row], data['scale'][row]))
    while len(cells) % columns:
        cells.append(np.zeros_like(cells[0]))
    return np.vstack(
        [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    )


def _fitted(picture: np.ndarray) -> np.ndarray:
    """A picture in a square cell."""
    zoom = PICTURE_CELL / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    cell = np.zeros((PICTURE_CELL, PICTURE_CELL, 3), dtype=np.uint8)
    cell[: small.shape[0], : small.shape[1]] = small[:PICTURE_CELL, :PICTURE_CELL]
    return cell


def write_sheet(path: Path, sheet: np.ndarray, most_bytes: int) -> None:
    """Write a sheet; a JPEG at the best quality that keeps it below a size.

    Raises:
        ValueError: A JPEG is too large at the lowest quality, too.
    """
    for quality in range(92, 30, -4):
        options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix != '.png' else []
        done, data = cv2.imencode(path.suffix, sheet, options)
        assert done, 'OpenCV could not encode the sheet'
        if len(data) <= most_bytes or not options:
            write_bytes(path, data.tobytes())
            return
    raise ValueError(
        f'{path}: expected at most {most_bytes / 1000:g} kB, got '
        f'{len(data) / 1000:.0f} kB at the lowest quality; show fewer people '
        '(--count), or allow more --kilobytes'
    )
