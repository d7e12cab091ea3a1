"""Writing MP4 files that play everywhere."""

from __future__ import annotations

import logging
import os
import secrets
from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from mmengine.logging import print_log

from .pyav import import_av

__all__ = ['VideoWriter']

H264_ENCODERS = ('libx264', 'libopenh264')
OTHER_ENCODER = 'mpeg4'
# libx264's quality: from 0 (lossless) to 51, 18 is hard to tell from the original.
CRF = '18'
# Bits a pixel for encoders that are steered by the bit rate.
BITS_PER_PIXEL = 0.2
# FFmpeg's number of BT.709, be it primaries, transfer or matrix, and of the limited
# range.
BT709, LIMITED_RANGE = 1, 1
MAX_FPS = 1000


class VideoWriter:
    """An MP4 file with H.264 (yuv420p, BT.709), its index at its start.

    The file has another name until `close`, so that no half video is ever met under
    its own; leaving a ``with`` block by an exception discards it. H.264 of this kind
    has even sizes: an odd one gets its last row or column once more.

    Where PyAV comes without an H.264 encoder, MPEG-4 part 2 is written instead and the
    log says it: VLC and mpv play it, browsers do not.

    Attributes:
        encoder: FFmpeg's name of the encoder.
        num_frames: How many frames were written.

    Args:
        path: The file, ending in .mp4; replaced if it is there. Missing folders are
            made.
        fps: Frames a second.
        size: (height, width) of the frames in pixels.

    Raises:
        ValueError: If the name, rate or size cannot be used.
        ImportError: If PyAV is not installed.
    """

    def __init__(self, path: str | PathLike, fps: float, size: tuple[int, int]) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() != '.mp4':
            raise ValueError(f'a video is written as .mp4, got the name {self.path}')
        if not 0 < fps <= MAX_FPS:
            raise ValueError(f'fps must be in (0, {MAX_FPS}], got {fps}')
        height, width = (int(length) for length in size)
        if min(height, width) < 1:
            raise ValueError(f'size must be (height, width) pixels, got {size}')
        self.size = height, width
        self.num_frames = 0
        self._av = import_av()
        self.encoder = choose_encoder(self._av)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = self.path.with_name(
            f'.{self.path.name}.{secrets.token_hex(4)}.part'
        )
        self._container: Any = self._av.open(
            f'file:{self._temporary}',
            'w',
            format='mp4',
            # The index first: players start before they have the whole file.
            container_options={'movflags': '+faststart'},
        )
        try:
            self._stream = self._add_stream(fps)
        except BaseException:
            self.discard()
            raise

    def write(self, image: np.ndarray) -> None:
        """Add a frame.

        Args:
            image: (H, W, 3) uint8 BGR.

        Raises:
            ValueError: If it is of another size or type, or the file is closed.
        """
        if self._container is None:
            raise ValueError(f'the video {self.path} is closed')
        if image.shape != (*self.size, 3) or image.dtype != np.uint8:
            raise ValueError(
                f'a frame of {self.path} must be uint8 of shape {(*self.size, 3)}, got '
                f'{image.dtype} of shape {image.shape}'
            )
        odd = [(0, length % 2) for length in self.size]
        if any(more for _, more in odd):
            image = np.pad(image, (*odd, (0, 0)), mode='edge')
        frame = self._av.VideoFrame.from_ndarray(
            np.ascontiguousarray(image), format='bgr24'
        ).reformat(format='yuv420p', dst_colorspace='ITU709')
        frame.pts, frame.time_base = self.num_frames, 1 / self._rate
        self._container.mux(self._stream.encode(frame))
        self.num_frames += 1

    def close(self) -> None:
        """Finish the file and give it its name; a second call does nothing.

        Raises:
            ValueError: If no frame was written; then no file is.
        """
        if self._container is None:
            return
        try:
            if not self.num_frames:
                raise ValueError(f'no frame was written to {self.path}')
            self._container.mux(self._stream.encode(None))
            self._container.close()
            os.replace(self._temporary, self.path)
            self._container = None
        finally:
            self.discard()

    def discard(self) -> None:
        """Throw away what was written; nothing happens after `close`."""
        if self._container is None:
            return
        container, self._container = self._container, None
        try:
            container.close()
        except self._av.error.FFmpegError:
            pass  # it cannot be finished, and is not to be
        finally:
            self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        """Return the writer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Finish the file, or discard it after an exception."""
        if kind is None:
            self.close()
        else:
            self.discard()

    def _add_stream(self, fps: float) -> Any:
        # MPEG-4 part 2 counts at most 65535 ticks a second.
        self._rate = Fraction(fps).limit_denominator(min(1001, int(65535 // fps)))
        stream = self._container.add_stream(self.encoder, rate=self._rate)
        stream.height, stream.width = (length + length % 2 for length in self.size)
        stream.pix_fmt = 'yuv420p'
        context = stream.codec_context
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED_RANGE
        if self.encoder == 'libx264':
            stream.options = {'crf': CRF}
        else:
            pixels = stream.height * stream.width
            stream.bit_rate = int(max(2e5, BITS_PER_PIXEL * pixels * fps))
        return stream


def choose_encoder(av: ModuleType) -> str:
    """Return the name of the best encoder that PyAV has; say so if it is not H.264."""
    for name in H264_ENCODERS:
        try:
            return av.codec.Codec(name, 'w').name
        except ValueError:  # it is not compiled in
            continue
    print_log(
        f'PyAV has no H.264 encoder ({", ".join(H264_ENCODERS)}): videos are written '
        'as MPEG-4 part 2, which browsers do not play',
        'current',
        logging.WARNING,
    )
    return OTHER_ENCODER
