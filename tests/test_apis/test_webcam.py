"""A camera is read until it stops, and given back."""

import numpy as np
import pytest

from deforhmr_mm.apis.webcam import WebcamReader


class StandInCapture:
    """OpenCV's camera 0 with three frames; there is no other."""

    def __init__(self, index):
        levels = (1, 2, 3) if index == 0 else ()
        self.images = [np.full((4, 6, 3), level, np.uint8) for level in levels]
        self.is_open = index < 2

    def isOpened(self):
        return self.is_open

    def read(self):
        if not (self.is_open and self.images):
            return False, None
        return True, self.images.pop(0)

    def get(self, _):
        return 0.0

    def release(self):
        self.is_open = False


def test_webcam(monkeypatch):
    monkeypatch.setattr('cv2.VideoCapture', StandInCapture)
    with WebcamReader(0) as camera:
        assert (camera.size, camera.fps, camera.num_frames) == ((4, 6), 30.0, None)
        assert [int(image.mean()) for image in camera] == [1, 2, 3]
    with WebcamReader(0) as camera:
        frames = iter(camera)
        next(frames)
    assert list(frames) == []
    with pytest.raises(OSError, match='webcam 1 gives no picture'):
        WebcamReader(1)
    with pytest.raises(OSError, match='webcam 2 cannot be opened'):
        WebcamReader(2)
