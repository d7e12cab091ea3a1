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

import roma
import torch
from torch import Tensor


class OneEuroState(NamedTuple):
    """What a filter remembers of a stream.

    Attributes:
        time: Seconds, of the last input.
        raw: The last input.
        value: The last output, of the same shape.
        velocity: (..., D), smoothed change of the input a second.
    """

    time: float
    raw: Tensor
    value: Tensor
    velocity: Tensor


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
        ...     state = follow.step(state, torch.tensor([x]), frame / (2 * torch.pi))
        ...     print(state.value)
        tensor([0.])
        tensor([0.5000])
        tensor([0.7500])
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
        self, state: OneEuroState | None, value: Tensor, time: float
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
        if state is None:
            still = torch.zeros_like(self._difference(value, value))
            return OneEuroState(time, value, value, still)
        if not time > state.time:
            raise ValueError(f'time must be later than {state.time} s, got {time} s')
        if value.shape != state.raw.shape:
            raise ValueError(
                f'value: expected shape {tuple(state.raw.shape)} as before, got '
                f'{tuple(value.shape)}'
            )
        period = time - state.time
        velocity = self._difference(state.raw, value) / period
        share = _share(self.d_cutoff, period)
        velocity = state.velocity + share * (velocity - state.velocity)
        speed = velocity.norm(dim=-1, keepdim=True)
        share = _share(self.min_cutoff + self.beta * speed, period)
        # From the input back towards the last output: the same point as from the last
        # output on, but the rounding errors of rotations do not pile up.
        back = (1 - share) * self._difference(value, state.value)
        return OneEuroState(time, value, self._move(value, back), velocity)

    def follow(self, values: Tensor, times: Sequence[float]) -> Tensor:
        """Filter a whole stream as `step` does, value by value.

        Args:
            values: (T, ..., D).
            times: T increasing numbers, seconds.

        Returns:
            (T, ..., D).
        """
        state, filtered = None, []
        for value, time in zip(values, times, strict=True):
            state = self.step(state, value, time)
            filtered.append(state.value)
        return torch.stack(filtered) if filtered else values

    def smooth(self, values: Tensor, times: Sequence[float]) -> Tensor:
        """Filter a whole stream without lag, half-way between forward and backward.

        Args:
            values: (T, ..., D).
            times: T increasing numbers, seconds.

        Returns:
            (T, ..., D).
        """
        forward = self.follow(values, times)
        backward = self.follow(values.flip(0), [-time for time in reversed(times)])
        half = 0.5 * self._difference(forward, backward.flip(0))
        return self._move(forward, half)

    def _difference(self, start: Tensor, end: Tensor) -> Tensor:
        """The step (..., D) that leads from `start` to `end`."""
        return end - start

    def _move(self, start: Tensor, step: Tensor) -> Tensor:
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
        >>> turns = roma.rotvec_to_rotmat(torch.tensor([[0.0, 0, 3.1], [0, 0, -3.1]]))
        >>> filtered = RotationOneEuroFilter().follow(turns, [0.0, 1 / (2 * torch.pi)])
        >>> roma.rotmat_to_rotvec(filtered[1]).abs()  # half-way across 180 degrees
        tensor([0.0000, 0.0000, 3.1416])
    """

    def _difference(self, start: Tensor, end: Tensor) -> Tensor:
        return roma.rotmat_to_rotvec(start.mT @ end)

    def _move(self, start: Tensor, step: Tensor) -> Tensor:
        return start @ roma.rotvec_to_rotmat(step)


def _share(cutoff: float | Tensor, period: float) -> float | Tensor:
    """Weight of a new input in a low-pass filter of that cutoff, Hz."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff * period))
