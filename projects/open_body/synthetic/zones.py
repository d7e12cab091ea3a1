"""Where clothes and hair lie on the body at rest: what both data sets' looks share."""

from typing import NamedTuple, Protocol

import numpy as np

from .garments import Measures


class Cut(Protocol):
    """What looks say of the cut of clothes and hair; metres on the body at rest."""

    measures: Measures
    sleeve_x: float
    hem_y: float
    neckline: float
    neckline_width: float
    waist_y: float
    cuff_y: float
    hairline_y: float
    nape_y: float


class Zones(NamedTuple):
    """(N,) bool each: which points lie where."""

    in_head: np.ndarray
    front: np.ndarray
    top: np.ndarray
    bottom: np.ndarray


def zones(cut: Cut, points: np.ndarray) -> Zones:
    """Where points (N, 3) on the body at rest lie, for a cut."""
    m = cut.measures
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    in_head = (y > m.neck[1] + 0.015) & (x < m.ear_x + 0.06)
    front = z > m.neck[2] - 0.01
    collar = m.neck[1] + 0.012 + 0.1 * np.maximum(0, m.neck[2] - z)
    dip = cut.neckline * np.maximum(0, 1 - x / cut.neckline_width)
    collar = np.where(front, collar - dip, collar)
    trunk = (y < collar) & (x < cut.sleeve_x) & (y > cut.hem_y)
    arm_band = x > m.shoulder_x * 1.25
    top = trunk | ((x < cut.sleeve_x) & arm_band & (y > m.chest_y))
    bottom = (y < cut.waist_y) & (y > cut.cuff_y) & (x < m.shoulder_x * 1.6)
    return Zones(in_head, front, top, bottom)


def hairline(cut: Cut, points: np.ndarray) -> np.ndarray:
    """Least height (N,) of hair at points (N, 3): high in front, low at the nape."""
    m = cut.measures
    share = np.clip((points[:, 2] - m.ear_centre[2] + 0.005) / 0.05, 0, 1)
    share = share * share * (3 - 2 * share)
    temple = 0.02 * np.clip(np.abs(points[:, 0]) / m.ear_x, 0, 1)
    return cut.nape_y * (1 - share) + (cut.hairline_y - temple) * share
