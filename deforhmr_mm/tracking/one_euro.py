"""The One-Euro filter, for vectors and for rotations.

A low-pass filter whose cutoff rises with speed: what hardly moves is smoothed much,
what moves fast is followed closely.

Source: Casiez et al., "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy
Input in Interactive Systems", CHI 2012, algorithms 1 and 2. Differences: a vector has
one speed, its length, so that the result does not depend on the axes; and speed is
taken between inputs instead of between an input and the last output, so that it does
not depend on the frame rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

Array = np.ndarray


class OneEuroState(NamedTuple):
    """What a filter remembers of a stream.

    Attributes:
        time: Seconds, of the last input.
        raw: The last input, float64.
        value: The last output, of the same shape, float64.
        velocity: (..., D), smoothed change of the input a second.
    """

    time: float
    raw: Array
    value: Array
    velocity: Array


@dataclass(frozen=True)
class OneEuroFilter:
    """One-Euro filter for vectors.

    At an even speed v the output lags by v / (2 pi (min_cutoff + beta v)), less than
    1 / (2 pi beta) at any speed.

    Attributes:
        min_cutoff: Cutoff at rest, Hz. Lower is smoother.
        beta: How much the cutoff rises with speed: Hz for each unit of the input a
            second. Higher lags less.
        d_cutoff: Cutoff for the speed, Hz.

    Raises:
        ValueError: If a cutoff is not positive or `beta` is negative.

    Example:
        >>> follow, state = OneEuroFilter(min_cutoff=1.0), None
        >>> for frame, x in enumerate((0.0, 1.0, 1.0)):
        ...     state = follow.step(state, [x], frame / (2 * np.pi))
        ...     print(state.value)
        [0.]
        [0.5]
        [0.75]
    """

    min_cutoff: float = 1.0
    beta: float = 0.0
    d_cutoff: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings."""
        for name in ('min_cutoff', 'd_cutoff'):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(
                    f'{name} must be a positive number of Hz, got {getattr(self, name)}'
                )
        if not 0 <= self.beta < math.inf:
            raise ValueError(f'beta must be 0 or positive, got {self.beta}')

    def step(
        self, state: OneEuroState | None, value: ArrayLike, time: float
    ) -> OneEuroState:
        """Take the next value of a stream.

        Args:
            state: What the last step returned; None begins a stream.
            value: (..., D), each vector (D) filtered by itself.
            time: Seconds, later than the last.

        Returns:
            The new state, whose ``value`` is the output.

        Raises:
            ValueError: If the time is not later than the last, or the shape another.
        """
        value = np.array(value, dtype=np.float64)
        if state is None:
            still = np.zeros_like(self._difference(value, value))
            return OneEuroState(time, value, value, still)
        if not time > state.time:
            raise ValueError(f'time must be later than {state.time} s, got {time} s')
        if value.shape != state.raw.shape:
            raise ValueError(
                f'value: expected shape {state.raw.shape} as before, got {value.shape}'
            )
        period = time - state.time
        velocity = self._difference(state.raw, value) / period
        share = _share(self.d_cutoff, period)
        velocity = state.velocity + share * (velocity - state.velocity)
        speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
        share = _share(self.min_cutoff + self.beta * speed, period)
        # From the input back towards the last output: the same point as from the last
        # output on, but the rounding errors of rotations do not pile up.
        back = (1 - share) * self._difference(value, state.value)
        return OneEuroState(time, value, self._move(value, back), velocity)

    def follow(self, values: ArrayLike, times: Sequence[float]) -> Array:
        """Filter a whole stream as `step` does, value by value.

        Args:
            values: (T, ..., D).
            times: T increasing numbers, seconds.

        Returns:
            (T, ..., D) float64.
        """
        filtered = np.array(values, dtype=np.float64)
        state = None
        for i, (value, time) in enumerate(zip(filtered, times, strict=True)):
            state = self.step(state, value, time)
            filtered[i] = state.value
        return filtered

    def smooth(self, values: ArrayLike, times: Sequence[float]) -> Array:
        """Filter a whole stream without lag, half-way between forward and backward.

        Args:
            values: (T, ..., D).
            times: T increasing numbers, seconds.

        Returns:
            (T, ..., D) float64.
        """
        times = np.asarray(times, dtype=np.float64)
        forward = self.follow(values, times)
        if len(forward) == 0:
            return forward
        backward = self.follow(np.asarray(values)[::-1], -times[::-1])[::-1]
        return self._move(forward, 0.5 * self._difference(forward, backward))

    def _difference(self, start: Array, end: Array) -> Array:
        """The step (..., D) that leads from `start` to `end`."""
        return end - start

    def _move(self, start: Array, step: Array) -> Array:
        """Where a step from `start` leads."""
        return start + step


@dataclass(frozen=True)
class RotationOneEuroFilter(OneEuroFilter):
    """One-Euro filter for rotation matrices (..., 3, 3).

    Values move along geodesics, and the speed is the angular velocity in rad/s, so that
    no angle wraps and turning all inputs turns the outputs. At an even speed the output
    lags by less than 1 / (2 pi beta) rad. See :class:`OneEuroFilter`; `beta` is in Hz
    for each rad/s.

    Example:
        >>> turns = Rotation.from_rotvec([[0.0, 0, 3.0], [0, 0, -3.0]]).as_matrix()
        >>> filtered = RotationOneEuroFilter().follow(turns, [0.0, 1 / (2 * np.pi)])
        >>> abs(Rotation.from_matrix(filtered[1]).as_rotvec()).round(4)
        array([0.    , 0.    , 3.1416])
    """

    def _difference(self, start: Array, end: Array) -> Array:
        turned = np.swapaxes(start, -1, -2) @ end
        vectors = Rotation.from_matrix(turned.reshape(-1, 3, 3)).as_rotvec()
        return vectors.reshape(turned.shape[:-1])

    def _move(self, start: Array, step: Array) -> Array:
        turned = Rotation.from_rotvec(step.reshape(-1, 3)).as_matrix()
        return start @ turned.reshape(start.shape)


def _share(cutoff: float | Array, period: float) -> float | Array:
    """Weight of a new input in a low-pass filter of that cutoff, Hz."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff * period))
