"""Reading a camera of this machine."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

__all__ = ['WebcamReader']

# Taken where a camera does not say how fast it is.
UNKNOWN_FPS = 30.0


class WebcamReader:
    """The frames of a camera, (H, W, 3) uint8 BGR, until it stops giving any.

    A second iteration goes on where the camera is then. `close`, or the end of a
    ``with`` block, gives the camera back and ends the iteration.

    Attributes:
        index: The camera's number.
        fps: Frames a second that the camera says it gives; 30 if it does not say.
        size: (height, width) of the frames in pixels.
        num_frames: None, as `VideoReader` has it before the end is known.

    Args:
        index: OpenCV's number of the camera; the first is 0.

    Raises:
        OSError: If there is no such camera, it is in use, or it gives no picture.
    """

    num_frames = None
    expected_frames = None

    def __init__(self, index: int = 0) -> None:
        self.index = index
        if not hasattr(cv2, 'VideoCapture'):
            raise OSError(f'the webcam {index} needs an OpenCV with its videoio module')
        self._capture = cv2.VideoCapture(index)
        is_read, first = self._capture.read()
        if not is_read:
            was_opened = self._capture.isOpened()
            self._capture.release()
            raise OSError(
                f'the webcam {index} gives no picture: is another program using it?'
                if was_opened
                else f'the webcam {index} cannot be opened: there is none of this '
                'number, or it may not be used'
            )
        self.size: tuple[int, int] = first.shape[:2]
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = float(fps) if np.isfinite(fps) and fps > 0 else UNKNOWN_FPS
        self._first: np.ndarray | None = first

    def __iter__(self) -> Iterator[np.ndarray]:
        """Iterate over the frames, (H, W, 3) uint8 BGR."""
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        while True:
            is_read, image = self._capture.read()
            if not is_read:
                return
            yield image

    def close(self) -> None:
        """Give the camera back."""
        self._first = None
        self._capture.release()

    def __enter__(self) -> WebcamReader:
        """Return the reader."""
        return self

    def __exit__(self, *error: object) -> None:
        """Give the camera back."""
        self.close()
