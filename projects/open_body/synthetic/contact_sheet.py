"""Contact sheets: pictures with their boxes and projected joints, for looking at."""

from pathlib import Path

import cv2
import numpy as np

from deforhmr_mm.structures import get_keypoint_set
from deforhmr_mm.whole_files import write_bytes

from .labels import BOX_PADDING

CELL = 320  # pixels
COLUMNS = 6
BOX_COLOUR = (0, 255, 255)  # BGR
LEFT_COLOUR, RIGHT_COLOUR = (0, 255, 0), (0, 0, 255)


def draw_labels(
    picture: np.ndarray, center: np.ndarray, scale: float, keypoints: np.ndarray
) -> None:
    """Draw one person's box (without padding) and OpenPose skeleton, in place.

    Args:
        picture: (h, w, 3) uint8 BGR.
        center: (2,) pixels.
        scale: Padded side over 200.
        keypoints: (25, 3) pixels and confidence.
    """
    half = 100 * scale / BOX_PADDING
    low, high = np.rint(center - half).astype(int), np.rint(center + half).astype(int)
    cv2.rectangle(picture, low.tolist(), high.tolist(), BOX_COLOUR, 1)
    joints = get_keypoint_set('openpose25')
    for a, b in joints.links:
        if keypoints[[a, b], 2].min() <= 0:
            continue
        right = 'right' in joints.names[a] or 'right' in joints.names[b]
        ends = np.rint(keypoints[[a, b], :2]).astype(int).tolist()
        colour = RIGHT_COLOUR if right else LEFT_COLOUR
        cv2.line(picture, *ends, colour, 1, cv2.LINE_AA)


def write_contact_sheet(out: Path, split: str, path: Path, pictures: int = 48) -> None:
    """Write a sheet of a split's first pictures.

    Args:
        out: The data set's folder, with the split's annotations.
        split: Name of the split.
        path: Where to write; the suffix says the format.
        pictures: How many.
    """
    with np.load(out / 'annotations' / f'{split}.npz') as file:
        data = {k: file[k] for k in ('imgname', 'center', 'scale', 'openpose')}
    cells = []
    for name in list(dict.fromkeys(data['imgname'].tolist()))[:pictures]:
        picture = cv2.imread(str(out / name))
        for row in np.flatnonzero(data['imgname'] == name):
            draw_labels(
                picture, data['center'][row], data['scale'][row], data['openpose'][row]
            )
        shrink = CELL / max(picture.shape[:2])
        picture = cv2.resize(
            picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA
        )
        cell = np.full((CELL, CELL, 3), 30, dtype=np.uint8)
        cell[: picture.shape[0], : picture.shape[1]] = picture
        cells.append(cell)
    while len(cells) % COLUMNS:
        cells.append(np.full((CELL, CELL, 3), 30, dtype=np.uint8))
    rows = [np.hstack(cells[i : i + COLUMNS]) for i in range(0, len(cells), COLUMNS)]
    done, data_bytes = cv2.imencode(path.suffix, np.vstack(rows))
    assert done, 'OpenCV could not encode the sheet'
    write_bytes(path, data_bytes.tobytes())
