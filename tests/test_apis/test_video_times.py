"""When a video's frames are shown, and how fast it is."""

import numpy as np
import pytest

from deforhmr_mm.apis import video_files
from deforhmr_mm.apis.video_files import VideoReader
from tests.raw_videos import grey, write, write_raw

pytest.importorskip('av')


def test_variable_frame_rate_gives_every_frame_and_its_time(tmp_path):
    times = [0, 1, 2, 7, 8, 20, 21, 29]
    images = [grey(30 * index) for index in range(8)]
    reader = VideoReader(write_raw(tmp_path / 'a.mkv', images, times=times))
    read = list(reader.timed_frames())
    np.testing.assert_allclose([t for t, _ in read], np.array(times) / 10, atol=1e-3)
    np.testing.assert_allclose([i.mean() for _, i in read], range(0, 240, 30), atol=3)
    path = write_raw(tmp_path / 'a.mp4', images, codec='mpeg4', times=times)
    assert VideoReader(path).fps == pytest.approx(8 / 3.0)  # the last one lasts 0.1 s


def test_uneven_frames_are_said_once(tmp_path, logged):
    images = [grey(20 * index) for index in range(12)]
    # At 30 frames a second for a while, then at 15.
    times = [0, 1, 2, 3, 4, 5, 7, 9, 11, 13, 15, 17]
    path = write_raw(tmp_path / 'even.mkv', images)
    assert len(list(VideoReader(path))) == 12 and logged == []
    reader = VideoReader(write_raw(tmp_path / 'uneven.mkv', images, times=times))
    assert len(list(reader)) == len(list(reader)) == 12
    (warning,) = logged.of('WARNING')
    assert 'uneven.mkv has frames at uneven times, up to 0.27 s' in warning


def test_a_rate_that_no_camera_has(tmp_path, monkeypatch):
    """Browsers' WebM says 1000; the times of the frames say what it is."""
    path = write(tmp_path / 'a.mp4', [grey(40 * level) for level in range(5)], 25)
    monkeypatch.setattr(video_files, 'MAX_STATED_FPS', 24)
    with VideoReader(path) as reader:
        assert reader.fps == video_files.UNKNOWN_FPS
        assert len(list(reader)) == 5
        assert reader.fps == pytest.approx(25)
        list(reader)
        assert reader.fps == pytest.approx(25)
