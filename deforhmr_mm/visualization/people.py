"""The people of one picture as plain arrays: what the drawing functions work on."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from deforhmr_mm.structures import MeshDataSample

from .shading import PALETTE


@dataclass(frozen=True)
class People:
    """The P people of one picture, all seen by one camera.

    Attributes:
        vertices: P arrays (V, 3), metres in the camera frame, translation included.
        focal_length: Pixels; None if there is nobody.
        principal_point: (cx, cy) pixels; None if there is nobody.
        ids: P numbers, no two the same.
        keypoints: P arrays (K, 2), pixels of the picture, or None.
        bboxes: P arrays (4,), left, top, right, bottom in pixels, or None.
    """

    vertices: list[np.ndarray]
    focal_length: float | None
    principal_point: tuple[float, float] | None
    ids: list[int]
    keypoints: list[np.ndarray | None]
    bboxes: list[np.ndarray | None]

    @property
    def colors(self) -> list[tuple[float, float, float]]:
        """RGB in [0, 1] of each person, by `person_color`."""
        return [person_color(number) for number in self.ids]


def person_color(person_id: int) -> tuple[float, float, float]:
    """Return the colour of a person: the same id has the same colour everywhere.

    The first ids have the palette's colours, later ones hues a golden section apart.

    Args:
        person_id: 0 or more.

    Returns:
        RGB in [0, 1].

    Example:
        >>> person_color(0) == PALETTE[0]
        True
        >>> person_color(7) in PALETTE
        False
    """
    if person_id < len(PALETTE):
        return PALETTE[person_id]
    hue = (0.05 + (person_id - len(PALETTE)) * 0.6180339887) % 1
    return colorsys.hsv_to_rgb(hue, 0.36, 0.95)


def person_ids(samples: Sequence[MeshDataSample]) -> list[int]:
    """Return people's ids: ``person_id`` of their metainfo, or else their order.

    The order stands in for all of them where one has no id (a whole number from 0 on),
    or two have the same.
    """
    ids = [sample.metainfo.get('person_id') for sample in samples]
    known = all(isinstance(number, Integral) and number >= 0 for number in ids)
    if not known or len(set(ids)) < len(ids):
        return list(range(len(samples)))
    return [int(number) for number in ids]


def gather_people(samples: Sequence[MeshDataSample]) -> People:
    """Collect what is drawn of one picture's people.

    Args:
        samples: People with `pred_instances` in the camera of the whole picture.

    Raises:
        ValueError: If they have different cameras; the message names them.
    """
    people = [sample.pred_instances for sample in samples]
    cameras = [
        (float(p.focal_length[0]), *_numpy(p.principal_point[0]).tolist())
        for p in people
    ]
    if cameras and not np.allclose(cameras, cameras[0], equal_nan=True):
        raise ValueError(
            'people drawn together must share one camera, got (focal length, '
            f'principal point) {sorted(set(cameras))}'
        )
    return People(
        vertices=[
            _numpy(p.vertices[0] + p.transl[0, None]).astype(np.float32) for p in people
        ],
        focal_length=cameras[0][0] if cameras else None,
        principal_point=cameras[0][1:] if cameras else None,
        ids=person_ids(samples),
        keypoints=[
            _numpy(p.keypoints[0]) if 'keypoints' in p else None for p in people
        ],
        bboxes=[_numpy(p.bboxes[0]) if 'bboxes' in p else None for p in people],
    )


def _numpy(tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
