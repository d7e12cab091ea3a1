"""Pictures out of videos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2

from deforhmr_mm.whole_files import write_bytes

from ..labels import AnnotationError

__all__ = ['extract_frames']

_QUALITY = 95
# Annotations may go on a little after the video's end (0.2 s at 50 Hz).
_MAY_LACK = 10


def extract_frames(video: Path, pictures: Mapping[int, Path]) -> int:
    """Write frames of a video as JPEG files; those that are there stay as they are.

    Frames are counted from 0 as they are decoded; seeking is not exact in every video.

    Args:
        video: The video.
        pictures: File to write for each frame.

    Returns:
        The number of frames in the video, or of those read where all were there by
        then. Frames from there on have no picture.

    Raises:
        FileNotFoundError: If there is no such video.
        AnnotationError: If it is not readable, or ends more than 10 frames early.
    """
    if not video.is_file():
        raise FileNotFoundError(f'there is no video {video}')
    last = max(pictures, default=-1)
    if all(path.is_file() for path in pictures.values()):
        return last + 1
    capture = cv2.VideoCapture(str(video))
    try:
        frame = 0
        while frame <= last:
            wanted = frame in pictures and not pictures[frame].is_file()
            # Frames that nobody asks for are passed by without being converted.
            if not capture.grab():
                break
            if wanted:
                good, picture = capture.retrieve()
                if not good:
                    break
                _write_jpeg(pictures[frame], picture)
            frame += 1
    finally:
        capture.release()
    if frame + _MAY_LACK <= last:
        raise AnnotationError(
            f'{video} ends after {frame} frames, or is damaged there; there are labels '
            f'of frame {last}.'
        )
    return frame


def _write_jpeg(path: Path, picture: cv2.typing.MatLike) -> None:
    data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    write_bytes(path, data.tobytes())
