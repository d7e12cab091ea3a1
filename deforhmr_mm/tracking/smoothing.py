"""People's movement without the jitter of models that see one picture at a time.

The place of the body is smoothed as its direction (x/z, y/z) and the logarithm of its
depth: a picture tells direction well and depth badly, so that depth is to be smoothed
more, and that must not move the body in the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..structures import Motion, PersonMotion
from .one_euro import OneEuroFilter, OneEuroState, RotationOneEuroFilter

Array = np.ndarray


@dataclass(frozen=True)
class SmoothingSettings:
    """How much movement is smoothed.

    The defaults halve the noise of somebody who hardly moves. Of a limb that swings
    through 90 degrees and back in half a second they lose 3 degrees where the whole
    motion is known, and lag behind by 11 degrees live.

    Attributes:
        rotation: Filter of all joints' rotations; input in radians.
        direction: Filter of (x/z, y/z), about radians. At an even speed it lags, live,
            by at most 0.005: 5 pixels at a focal length of 1,000.
        log_depth: Filter of log z, so of depth in parts of itself.
        max_gap_seconds: Nothing is smoothed across longer gaps: what comes after starts
            anew.
    """

    rotation: RotationOneEuroFilter = RotationOneEuroFilter(
        min_cutoff=0.5, beta=2.5, d_cutoff=2.0
    )
    direction: OneEuroFilter = OneEuroFilter(min_cutoff=1.0, beta=30.0)
    log_depth: OneEuroFilter = OneEuroFilter(min_cutoff=0.4, beta=1.5)
    max_gap_seconds: float = 0.5


def smooth_motion(motion: Motion, settings: SmoothingSettings | None = None) -> Motion:
    """Smooth everybody's rotations and places, without lag.

    Shapes, boxes and who is in which frame stay as they are.

    Args:
        motion: People through a video; not changed.
        settings: How much; None for the defaults.

    Returns:
        The smoothed motion.

    Raises:
        ValueError: If a number is not finite or a person not in front of the camera;
            the message names person and frame.
    """
    settings = settings or SmoothingSettings()
    people = tuple(_smooth_person(p, motion.fps, settings) for p in motion.people)
    return replace(motion, people=people)


def _smooth_person(
    person: PersonMotion, fps: float, settings: SmoothingSettings
) -> PersonMotion:
    for name in ('global_orient', 'body_pose', 'transl'):
        value = getattr(person, name)
        odd = ~np.isfinite(value).all(axis=tuple(range(1, value.ndim)))
        if odd.any():
            raise ValueError(
                f'person {person.person_id} in frame {person.frames[odd][0]}: {name} '
                f'must be finite'
            )
    behind = person.transl[:, 2] <= 0
    if behind.any():
        raise ValueError(
            f'person {person.person_id} is not in front of the camera in frame '
            f'{person.frames[behind][0]}: transl is {person.transl[behind][0].tolist()}'
        )
    if len(person) == 0:
        return person
    times = person.frames / fps
    starts = np.flatnonzero(np.diff(times) > settings.max_gap_seconds + 1e-9) + 1
    rotations = _join_rotations(person.global_orient, person.body_pose)
    place = _to_sight(person.transl)
    parts = []
    for rows in np.split(np.arange(len(times)), starts):
        when = times[rows]
        parts.append(
            (
                settings.rotation.smooth(rotations[rows], when),
                settings.direction.smooth(place[rows, :2], when),
                settings.log_depth.smooth(place[rows, 2:], when),
            )
        )
    turned, direction, log_depth = (np.concatenate(p) for p in zip(*parts, strict=True))
    return replace(
        person,
        global_orient=turned[:, 0].astype(person.global_orient.dtype),
        body_pose=turned[:, 1:].astype(person.body_pose.dtype),
        transl=_from_sight(direction, log_depth).astype(person.transl.dtype),
    )


class SmoothedPerson(NamedTuple):
    """One person at one time, smoothed.

    Attributes:
        global_orient: (3, 3).
        body_pose: (23, 3, 3).
        transl: (3,) metres.
        betas: (num_betas,), the mean since the person came.
    """

    global_orient: Array
    body_pose: Array
    transl: Array
    betas: Array


@dataclass
class _Memory:
    """What is remembered of a person who is in the picture."""

    rotation: OneEuroState | None = None
    direction: OneEuroState | None = None
    log_depth: OneEuroState | None = None
    time: float = -np.inf
    count: int = 0
    betas: Array = field(default_factory=lambda: np.zeros(()))


class OnlineSmoother:
    """Smooth people's movement as it comes, frame by frame.

    Live there is no future to look at: fast movements lag a little, as
    :class:`SmoothingSettings` says. People who are gone for longer than its
    ``max_gap_seconds`` are forgotten, and start anew if they come back.

    Args:
        settings: How much; None for the defaults.
    """

    def __init__(self, settings: SmoothingSettings | None = None) -> None:
        self.settings = settings or SmoothingSettings()
        self._people: dict[int, _Memory] = {}

    @property
    def person_ids(self) -> list[int]:
        """Those who are remembered."""
        return list(self._people)

    def update(
        self,
        person_id: int,
        time: float,
        global_orient: ArrayLike,
        body_pose: ArrayLike,
        transl: ArrayLike,
        betas: ArrayLike,
    ) -> SmoothedPerson:
        """Take what was seen of a person, and return it smoothed.

        Args:
            person_id: The same number for the same person.
            time: Seconds, later than the person's last.
            global_orient: (3, 3).
            body_pose: (23, 3, 3).
            transl: (3,) metres, camera frame.
            betas: (num_betas,).

        Returns:
            New arrays of the same shapes and types.

        Raises:
            ValueError: If the time is not later than the person's last, the person not
                in front of the camera, a shape wrong or a number not finite.
        """
        global_orient, body_pose, transl, betas = (
            np.asarray(value) for value in (global_orient, body_pose, transl, betas)
        )
        label = f'person {person_id} at {time} s'
        for name, value, shape in (
            ('global_orient', global_orient, (3, 3)),
            ('body_pose', body_pose, (23, 3, 3)),
            ('transl', transl, (3,)),
            ('betas', betas, (betas.size,)),
        ):
            # One bad number would stay in the filter for good.
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(
                    f'{label}: {name} must be finite numbers of shape {shape}, got '
                    f'{value.tolist()!r:.200} of shape {value.shape}'
                )
        if not transl[2] > 0:
            raise ValueError(
                f'{label}: transl must be in front of the camera, got {transl.tolist()}'
            )
        too_old = time - self.settings.max_gap_seconds - 1e-9
        for other in [i for i, m in self._people.items() if m.time < too_old]:
            del self._people[other]
        memory = self._people.get(person_id, _Memory())
        rotation = self.settings.rotation.step(
            memory.rotation, _join_rotations(global_orient, body_pose), time
        )
        place = _to_sight(transl)
        direction = self.settings.direction.step(memory.direction, place[:2], time)
        log_depth = self.settings.log_depth.step(memory.log_depth, place[2:], time)
        count = memory.count + 1
        if memory.count and betas.shape != memory.betas.shape:
            raise ValueError(
                f'{label}: betas must be {memory.betas.size} numbers as before, got '
                f'{betas.size}'
            )
        mean = memory.betas + (betas - memory.betas) / count
        self._people[person_id] = _Memory(
            rotation, direction, log_depth, time, count, mean
        )
        return SmoothedPerson(
            global_orient=rotation.value[0].astype(global_orient.dtype),
            body_pose=rotation.value[1:].astype(body_pose.dtype),
            transl=_from_sight(direction.value, log_depth.value).astype(transl.dtype),
            betas=mean.astype(betas.dtype),
        )


def shared_betas(betas: ArrayLike, weights: Sequence[float] | None = None) -> Array:
    """One shape for a person of whom each frame gives another: the weighted median.

    Frames in which the person is hidden or cut off, far off the others, hardly count.

    Args:
        betas: (T, num_betas), T > 0.
        weights: (T,) not negative, such as the boxes' scores; None for equal ones.

    Returns:
        (num_betas,) float32.

    Raises:
        ValueError: If a shape is not as above, or no weight is positive.

    Example:
        >>> shared_betas([[1.0, 0.0], [1.2, 0.1], [9.0, 0.2]])
        array([1.2, 0.1], dtype=float32)
        >>> shared_betas([[1.0, 0.0], [1.2, 0.1], [9.0, 0.2]], weights=[3, 1, 1])
        array([1., 0.], dtype=float32)
    """
    betas = np.asarray(betas, dtype=float)
    if betas.ndim != 2 or len(betas) == 0:
        raise ValueError(
            f'betas: expected shape (T, num_betas) with T > 0, got {betas.shape}'
        )
    weight = np.ones(len(betas)) if weights is None else np.asarray(weights, float)
    if weight.shape != betas.shape[:1] or not (weight >= 0).all() or not weight.any():
        raise ValueError(
            f'weights: expected {len(betas)} numbers, none negative and one positive, '
            f'got {weight.tolist()}'
        )
    order = np.argsort(betas, axis=0)
    ordered = np.take_along_axis(betas, order, axis=0)
    below = np.cumsum(weight[order], axis=0) / weight.sum()
    # The mean of the two values where the halves meet, as for an even count.
    tiny = 1e-12
    low = (below >= 0.5 - tiny).argmax(0)
    high = (below > 0.5 + tiny).argmax(0)
    middle = [np.take_along_axis(ordered, i[None], axis=0)[0] for i in (low, high)]
    return np.mean(middle, axis=0).astype(np.float32)


def _join_rotations(global_orient: Array, body_pose: Array) -> Array:
    """(..., 24, 3, 3) of (..., 3, 3) and (..., 23, 3, 3)."""
    return np.concatenate([global_orient[..., None, :, :], body_pose], axis=-3)


def _to_sight(transl: Array) -> Array:
    """(..., 3) metres as (x/z, y/z, log z), float64."""
    place = transl.astype(np.float64)
    depth = place[..., 2:]
    return np.concatenate([place[..., :2] / depth, np.log(depth)], axis=-1)


def _from_sight(direction: Array, log_depth: Array) -> Array:
    """Undo `_to_sight`."""
    depth = np.exp(log_depth)
    return np.concatenate([direction * depth, depth], axis=-1)
