"""People's movement through a video, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PersonMotion:
    """One person through a video: one shape, and a pose for each frame.

    Attributes:
        person_id: Number of the person, the same in every file of the video.
        frames: (T,) int64, numbers of the frames in which the person is, increasing;
            there may be gaps.
        global_orient: (T, 3, 3) float32, from the body's to the camera's frame.
        body_pose: (T, 23, 3, 3) float32.
        betas: (num_betas,) float32, one shape for the whole video.
        transl: (T, 3) float32 metres, full-image camera (x right, y down, z forward).
        bboxes: (T, 4) float32, left, top, right, bottom in pixels.
        bbox_scores: (T,) float32.
        observed: (T,) bool, False where no detector saw the person and the box is
            interpolated between frames where one did.

    Raises:
        ValueError: If the arrays are not of these shapes, or the frames not increasing.
    """

    person_id: int
    frames: np.ndarray
    global_orient: np.ndarray
    body_pose: np.ndarray
    betas: np.ndarray
    transl: np.ndarray
    bboxes: np.ndarray
    bbox_scores: np.ndarray
    observed: np.ndarray

    def __post_init__(self) -> None:
        """Check the shapes and the order of the frames."""
        length = len(self.frames)
        for name, shape in _SHAPES.items():
            came = np.shape(getattr(self, name))
            if came != (length, *shape):
                raise ValueError(
                    f'person {self.person_id}: {name} must have the shape '
                    f'{(length, *shape)} for {length} frames, got {came}'
                )
        if np.ndim(self.betas) != 1:
            raise ValueError(
                f'person {self.person_id}: betas must be of one shape, (num_betas,), '
                f'got {np.shape(self.betas)}'
            )
        if length and (self.frames[0] < 0 or (np.diff(self.frames) <= 0).any()):
            raise ValueError(
                f'person {self.person_id}: frames must be increasing numbers from 0, '
                f'got {self.frames}'
            )

    def __len__(self) -> int:
        """Return the number of frames in which the person is."""
        return len(self.frames)


_SHAPES: dict[str, tuple[int, ...]] = {
    'frames': (),
    'global_orient': (3, 3),
    'body_pose': (23, 3, 3),
    'transl': (3,),
    'bboxes': (4,),
    'bbox_scores': (),
    'observed': (),
}


@dataclass(frozen=True)
class Motion:
    """Everybody in a video, in the camera of its pictures.

    Attributes:
        fps: Frames a second.
        num_frames: Frames of the video, those without people included.
        image_size: Height and width in pixels.
        focal_length: Pixels, the same in all frames.
        principal_point: (cx, cy) pixels; the top left pixel's centre is (0, 0).
        people: Those who were seen; there may be nobody.

    Raises:
        ValueError: If `fps` or the focal length is not positive, or a person is in a
            frame that the video does not have.
    """

    fps: float
    num_frames: int
    image_size: tuple[int, int]
    focal_length: float
    principal_point: tuple[float, float]
    people: tuple[PersonMotion, ...] = ()

    def __post_init__(self) -> None:
        """Check the numbers, and that nobody is in a frame that is not there."""
        for name in ('fps', 'focal_length'):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f'{name} must be a positive number, got {value}')
        for person in self.people:
            if len(person) and person.frames[-1] >= self.num_frames:
                raise ValueError(
                    f'person {person.person_id} is in frame {person.frames[-1]} of a '
                    f'video of {self.num_frames} frames'
                )
