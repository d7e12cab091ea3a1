"""How boxes move: their course through time, smoothed, bridged and extrapolated.

A box is described by its centre and the logarithms of its width and height, whose
noise, unlike that of its corners, is nearly independent.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import solveh_banded

Array = np.ndarray

# What people's boxes do, for (centre x, centre y, log width, log height). Centres are
# in units of the box's size, the square root of its area: about 1 m on a person.
_JITTER = np.array([0.06, 0.06, 0.08, 0.06])  # a detection's noise
_SPEED = np.array([2.0, 2.0, 0.15, 0.15])  # usual speeds, a second
_WANDER = np.array([0.4, 0.4, 0.05, 0.05])  # how far speeds change within a second
# Half the amplitude of slower movements than these is lost by smoothing, Hz.
_CENTER_CUTOFF, _SIZE_CUTOFF = 2.0, 1.5


def box_to_course(bboxes: Array) -> Array:
    """Boxes (..., 4) as (centre x, centre y, log width, log height), pixels.

    Example:
        >>> box_to_course(np.array([0.0, 0.0, 1.0, 1.0]))
        array([0.5, 0.5, 0. , 0. ])
    """
    low, high = bboxes[..., :2], bboxes[..., 2:]
    return np.concatenate([(low + high) / 2, np.log(high - low)], axis=-1)


def course_to_box(course: Array) -> Array:
    """Undo :func:`box_to_course`."""
    half = np.exp(course[..., 2:]) / 2
    return np.concatenate([course[..., :2] - half, course[..., :2] + half], axis=-1)


def bridge(frames: Array, bboxes: Array, fps: float, smooth: bool) -> Array:
    """Boxes for all frames from the first to the last.

    With `smooth` the boxes' jitter is taken away and gaps are bridged as a thin rod
    would: by the course with the least sum of squared distances from the boxes plus
    squared second differences (Whittaker, "On a New Method of Graduation", 1923), which
    lags nothing and leaves even movement as it is. Otherwise boxes stay as they are and
    gaps are bridged by straight lines.

    Args:
        frames: (T,) increasing.
        bboxes: (T, 4) pixels (left, top, right, bottom).
        fps: Frames a second.
        smooth: Whether to take jitter away.

    Returns:
        (L, 4) pixels, L frames from the first to the last.

    Example:
        >>> boxes = np.array([[0.0, 1, 8, 9], [4, 1, 12, 9]])
        >>> bridge(np.array([5, 7]), boxes, fps=30, smooth=False).round(3)
        array([[ 0.,  1.,  8.,  9.],
               [ 2.,  1., 10.,  9.],
               [ 4.,  1., 12.,  9.]])
    """
    course = box_to_course(bboxes)
    every = np.arange(frames[0], frames[-1] + 1)
    if smooth and len(frames) > 2:
        rows = frames - frames[0]
        center = _smooth(rows, course[:, :2], _CENTER_CUTOFF / fps)
        size = _smooth(rows, course[:, 2:], _SIZE_CUTOFF / fps)
        filled = np.concatenate([center, size], axis=-1)
    else:
        filled = np.stack([np.interp(every, frames, c) for c in course.T], axis=-1)
    return course_to_box(filled)


def _smooth(rows: Array, values: Array, cutoff: float) -> Array:
    """Least squares with second differences; `cutoff` in periods a frame."""
    length = rows[-1] + 1
    # Half the amplitude passes where stiffness * (2 pi cutoff)^4 = 1.
    stiffness = (2 * np.pi * cutoff) ** -4
    bands = np.zeros((3, length))  # upper bands of I + stiffness D'D
    for offset, second in enumerate((1.0, -2.0, 1.0)):
        for other, factor in enumerate((1.0, -2.0, 1.0)[: offset + 1]):
            start = offset
            bands[2 - (offset - other), start : start + length - 2] += (
                stiffness * second * factor
            )
    target = np.zeros((length, values.shape[1]))
    bands[2, rows] += 1
    target[rows] = values
    return solveh_banded(bands, target)


class EndMotion(NamedTuple):
    """Where a piece of a track is at one of its ends, and how fast.

    Attributes:
        time: Seconds.
        size: Size of the box, pixels.
        state: (2, 4), value and speed a second of (centre x, centre y, log width, log
            height); centres in pixels.
        spread: (4, 2, 2), covariance of value and speed; centres in units of the size.
    """

    time: float
    size: float
    state: Array
    spread: Array


def end_motion(times: Array, bboxes: Array, at: float) -> EndMotion:
    """Fit even movement to boxes; speeds are held small where few boxes tell.

    Args:
        times: (T,) seconds, T > 0.
        bboxes: (T, 4) pixels.
        at: The time of which to tell.
    """
    course = box_to_course(bboxes)
    size = float(np.exp(np.median(course[:, 2:].mean(-1))))
    unit = np.array([size, size, 1.0, 1.0])
    design = np.stack([np.ones(len(times)), times - at], axis=-1)  # (T, 2)
    information = design.T @ design / _JITTER[:, None, None] ** 2  # (4, 2, 2)
    information[:, 1, 1] += _SPEED**-2.0
    spread = np.linalg.inv(information)
    seen = design.T @ (course / unit) / _JITTER**2  # (2, 4)
    state = np.einsum('cij,jc->ic', spread, seen) * unit
    return EndMotion(at, size, state, spread)


def misfit(end: EndMotion, start: EndMotion) -> float:
    """How badly one piece of a track follows from another, at least 0.

    The end is moved on to the time of the start, and value and speed are compared:
    their squared distance in standard deviations (Mahalanobis), 8 on average for the
    same person, and a charge for vagueness, so that of two that fit the nearer in time
    is taken.
    """
    gap = start.time - end.time
    size = np.sqrt(end.size * start.size)
    unit = np.array([size, size, 1.0, 1.0])
    move = np.array([[1.0, gap], [0.0, 1.0]])
    wander = np.array([[gap**3 / 3, gap**2 / 2], [gap**2 / 2, gap]])
    spread = move @ end.spread @ move.T + start.spread
    spread = spread + wander * _WANDER[:, None, None] ** 2
    off = ((start.state - move @ end.state) / unit).T  # (4, 2)
    distance = np.einsum('ci,cij,cj->', off, np.linalg.inv(spread), off)
    sharpest = 2 * np.log(_JITTER * _WANDER)
    return float(
        distance + np.maximum(np.linalg.slogdet(spread)[1] - sharpest, 0).sum()
    )
