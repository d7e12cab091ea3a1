"""Reading videos frame by frame, and writing MP4 files; PyAV (FFmpeg) does the work."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from mmengine.logging import print_log

from .pyav import import_av
from .video_writer import VideoWriter
from .webcam import WebcamReader

__all__ = ['VIDEO_SUFFIXES', 'VideoReader', 'VideoWriter', 'WebcamReader', 'is_video']

VIDEO_SUFFIXES = frozenset(
    ('.3gp', '.avi', '.flv', '.gif', '.m2ts', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg')
    + ('.mpg', '.mts', '.ogv', '.webm', '.wmv')
)
# Taken where a file does not say how fast it is to be shown.
UNKNOWN_FPS = 30.0
# Browsers record WebM with ticks of a millisecond and no rate, for which FFmpeg says
# 1000; cameras that are faster than this are rare, and write their rate.
MAX_STATED_FPS = 480.0
# Off by less, a movement beside its picture does not look so.
MAX_UNEVEN_SECONDS = 0.1


def is_video(path: str | PathLike) -> bool:
    """Say whether a name ends as those of videos do; capitals do not matter.

    Example:
        >>> is_video('walk.MP4'), is_video('walk.jpg')
        (True, False)
    """
    return Path(fspath(path)).suffix.lower() in VIDEO_SUFFIXES


class VideoReader:
    """The frames of a video file, (H, W, 3) uint8 BGR, as a player shows them.

    It can be iterated over again and again; each iteration opens the file anew. Frames
    are turned and mirrored as the file's metadata say (phones store portrait videos
    lying). Frames whose size differs from the first one's are scaled to it. Pixels that
    are not square are left so, and the log says it.

    Every stored frame is given once, in the order of showing, at a variable frame rate
    too: none is doubled or dropped, `fps` is then the mean rate, so that the same
    number of frames written at `fps` lasts as long, and `timed_frames` gives each one's
    own time. Of a file that states a rate no camera has, the mean rate is known after
    the first iteration, and `fps` is 30 before it.

    Where a file is damaged or cut off, the frames before that place are given and the
    log says where it ends. Small damage inside a frame the decoder may patch silently.

    Attributes:
        path: The file.
        fps: Mean frames a second.
        size: (height, width) of the frames in pixels.
        expected_frames: How many frames the file says it holds, or its duration lets
            expect; None if it says neither. Good for a progress bar.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is not a video, has no pictures or is damaged from the start.
        ImportError: If PyAV is not installed.
    """

    def __init__(self, path: str | PathLike) -> None:
        self._av: ModuleType = import_av()
        self.path = fspath(path)
        self._is_closed = False
        self._running: weakref.WeakSet = weakref.WeakSet()
        self._num_frames: int | None = None
        self._rate_is_unknown = False
        if not Path(self.path).exists():
            raise FileNotFoundError(f'the video {self.path} does not exist')
        with self._open() as container:
            stream = self._find_stream(container)
            try:
                first = next(self._decode(container, stream), None)
            except _DamageError as error:
                raise ValueError(
                    f'the video {self.path} is damaged from its first frame on: {error}'
                ) from error
            if first is None:
                raise ValueError(f'the video {self.path} holds no frame')
            self.fps = self._rate(stream)
            self._stored_size = first.height, first.width
            self.size: tuple[int, int] = _upright(first, self._stored_size).shape[:2]
            duration = _duration(container, stream)
            self.expected_frames: int | None = stream.frames or (
                None if duration is None else max(1, round(duration * self.fps))
            )
            aspect = stream.sample_aspect_ratio
            if aspect and aspect != 1:
                self._warn(
                    f'has pixels that are not square ({aspect}): they are taken as '
                    'square, so people look too narrow or too wide'
                )

    @property
    def num_frames(self) -> int | None:
        """How many frames can be read; None before an iteration has reached the end."""
        return self._num_frames

    def count_frames(self) -> int:
        """Return how many frames can be read, exactly: all are decoded once."""
        if self._num_frames is None:
            for _ in self._stored_frames():
                pass
        return self._num_frames

    def timed_frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Iterate over (seconds since the first frame, (H, W, 3) uint8 BGR)."""
        if self._is_closed:
            raise ValueError(f'the video {self.path} is closed')
        frames = self._timed_frames()
        self._running.add(frames)
        return frames

    def __iter__(self) -> Iterator[np.ndarray]:
        """Iterate over the frames, (H, W, 3) uint8 BGR."""
        return (image for _, image in self.timed_frames())

    def close(self) -> None:
        """End all iterations."""
        self._is_closed = True
        for frames in list(self._running):
            frames.close()

    def __enter__(self) -> VideoReader:
        """Return the reader."""
        return self

    def __exit__(self, *error: object) -> None:
        """End all iterations."""
        self.close()

    def _timed_frames(self) -> Iterator[tuple[float, np.ndarray]]:
        for seconds, frame in self._stored_frames():
            yield seconds, _upright(frame, self._stored_size)

    def _stored_frames(self) -> Iterator[tuple[float, Any]]:
        """Yield times and PyAV's frames; say in the log where the file ends early."""
        start, seconds, end, count = None, 0.0, 0.0, 0
        times = []
        with self._open() as container:
            stream = self._find_stream(container)
            expected = _duration(container, stream)
            try:
                for frame in self._decode(container, stream):
                    # A frame's own is not set on all ways out of the decoder.
                    tick = stream.time_base
                    if frame.pts is not None and start is None:
                        start = frame.pts
                    seconds = count / self.fps
                    if frame.pts is not None:
                        seconds = float((frame.pts - start) * tick)
                    yield seconds, frame
                    count += 1
                    times.append(seconds)
                    lasts = getattr(frame, 'duration', None)
                    end = seconds + (float(lasts * tick) if lasts else 1 / self.fps)
            except _DamageError as error:
                self._warn(
                    f'is damaged or cut off after {count} frames ({end:.2f} s): {error}'
                )
            else:
                if expected is not None and expected - end > 1 + 2 / self.fps:
                    self._warn(
                        f'ends after {count} frames ({end:.2f} s), though it says that '
                        f'it lasts {expected:.2f} s: it is cut off, or its sound lasts '
                        'longer'
                    )
        if self._num_frames is None:
            self._warn_of_uneven(times)
        self._num_frames = count
        if self._rate_is_unknown and count > 1 and seconds > 0:
            self.fps = (count - 1) / seconds
            self._warn(f'states no usable frame rate: its mean is {self.fps:.4g}')
            self._rate_is_unknown = False

    def _warn_of_uneven(self, times: list[float]) -> None:
        """Say how far the frames are from the even rate that they are taken at."""
        if not times:
            return
        even = np.linspace(times[0], times[-1], len(times))
        off = float(np.abs(times - even).max())
        if off > max(MAX_UNEVEN_SECONDS, 1.5 / self.fps):
            self._warn(
                f'has frames at uneven times, up to {off:.2f} s from even ones: speeds '
                'and what is written take them as even. For an even rate, write it '
                'anew first: ffmpeg -i IN -vf fps=30 OUT'
            )

    def _decode(self, container: Any, stream: Any) -> Iterator[Any]:
        """Yield PyAV's frames in the order of showing, up to the first damage.

        Raises:
            _DamageError: After the last frame that is whole.
        """
        damage = None
        packets = container.demux(stream)
        while damage is None:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                # What is left of a cut packet may decode to a half grey picture.
                damage = 'a part of it is missing' if packet.is_corrupt else None
                frames = [] if damage else packet.decode()
            except self._av.error.FFmpegError as error:
                damage, frames = error.strerror, []
            if damage is not None:
                frames = self._left_in_decoder(stream)
            for frame in frames:
                if frame.is_corrupt:
                    damage = 'a frame cannot be decoded'
                    break
                yield frame
        raise _DamageError(damage)

    def _left_in_decoder(self, stream: Any) -> list:
        """Frames before the damage that the decoder holds back to order them."""
        try:
            return stream.decode(None)
        except self._av.error.FFmpegError:
            return []

    def _open(self) -> Any:
        # Only this file: a playlist that calls itself a video must not fetch others.
        url, options = f'file:{self.path}', {'protocol_whitelist': 'file'}
        try:
            try:
                return self._av.open(url, options=options)
            # Titles in an old encoding; PyAV 19 reads them by itself.
            except UnicodeDecodeError:
                return self._av.open(url, options=options, metadata_errors='replace')
        except self._av.error.FFmpegError as error:
            raise ValueError(
                f'the video {self.path} cannot be opened; it is damaged or not a '
                f'video: {error.strerror}'
            ) from error

    def _find_stream(self, container: Any) -> Any:
        stream = container.streams.best('video')
        # Music files hold their cover as a video of one picture.
        cover = self._av.stream.Disposition.attached_pic
        if stream is None or stream.disposition & cover:
            raise ValueError(f'the file {self.path} holds no video, only other streams')
        return stream

    def _rate(self, stream: Any) -> float:
        rate = stream.average_rate or stream.guessed_rate or stream.base_rate
        if rate and rate <= MAX_STATED_FPS:
            return float(rate)
        self._rate_is_unknown = True
        return UNKNOWN_FPS

    def _warn(self, message: str) -> None:
        print_log(f'the video {self.path} {message}', 'current', logging.WARNING)


class _DamageError(Exception):
    """A video cannot be decoded further."""


def _duration(container: Any, stream: Any) -> float | None:
    """Seconds that a file says it lasts."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


def _upright(frame: Any, size: tuple[int, int]) -> np.ndarray:
    """Convert PyAV's frame to (H, W, 3) uint8 BGR, turned as its metadata say.

    Args:
        frame: The frame as it is stored.
        size: (height, width) to scale it to before it is turned.
    """
    height, width = size
    image = frame.to_ndarray(format='bgr24', width=width, height=height)
    from av.sidedata.sidedata import Type

    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return image
    # FFmpeg's display matrix takes a pixel (x, y) to (a x + c y, b x + d y). Players
    # use it for quarter turns and mirroring alone.
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if abs(b) > abs(a):
        image = image.transpose(1, 0, 2)
        a, d = c, b
    image = image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    return np.ascontiguousarray(image)
