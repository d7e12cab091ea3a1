import cv2
import pytest

from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.datasets.conversion.frames import extract_frames


def grey(path):
    return cv2.imread(str(path)).mean()


def test_frames_are_counted_from_0(write_video, tmp_path):
    video = write_video(tmp_path / 'a.avi', 8)
    pictures = {f: tmp_path / 'out' / f'{f}.jpg' for f in (0, 3, 6)}
    assert extract_frames(video, pictures) == 7
    for frame, path in pictures.items():
        assert abs(grey(path) - 30 * frame) < 4
    assert len(list((tmp_path / 'out').iterdir())) == 3


def test_what_is_there_stays(write_video, tmp_path):
    video = write_video(tmp_path / 'a.avi', 4)
    pictures = {f: tmp_path / f'{f}.jpg' for f in (1, 2)}
    pictures[1].write_bytes(b'mine')
    assert extract_frames(video, pictures) == 3
    assert pictures[1].read_bytes() == b'mine' and abs(grey(pictures[2]) - 60) < 4
    video.write_bytes(b'')
    assert extract_frames(video, pictures) == 3


def test_a_video_may_end_a_little_early(write_video, tmp_path):
    video = write_video(tmp_path / 'a.avi', 4)
    near = {f: tmp_path / f'{f}.jpg' for f in (3, 13)}
    assert extract_frames(video, near) == 4
    assert near[3].is_file() and not near[13].exists()
    with pytest.raises(
        AnnotationError, match='ends after 4 frames.*labels of frame 14'
    ):
        extract_frames(video, {14: tmp_path / '14.jpg'})
    with pytest.raises(FileNotFoundError, match='there is no video'):
        extract_frames(tmp_path / 'b.avi', near)
