"""Which pictures, videos and cameras a caller means."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from .downloads import download, is_url, media_type, name_in_url
from .video_files import VIDEO_SUFFIXES, is_video

__all__ = ['IMAGE_SUFFIXES', 'InputItem', 'expand_inputs']

# HEIC is not read, but an error names it, where a folder would lack it in silence.
IMAGE_SUFFIXES = frozenset(
    ('.avif', '.bmp', '.heic', '.heif', '.jfif', '.jp2', '.jpeg', '.jpg', '.png')
    + ('.pnm', '.ppm', '.tif', '.tiff', '.webp')
)


@dataclass(frozen=True)
class InputItem:
    """One picture, video or camera that is to be worked on.

    Attributes:
        name: What messages and results call it: its path or address, `image_<index>`
            or `webcam:<id>`.
        source: Its path or address, the (H, W, 3) uint8 BGR array, or the camera's id.
        stem: What the names of its output files start with; no two inputs share one.
        kind: 'image', 'video' or 'webcam'.
    """

    name: str
    source: str | np.ndarray | int
    stem: str
    kind: str = 'image'

    @contextmanager
    def local_source(self) -> Iterator[str | np.ndarray | int]:
        """Give `source` as something on this machine, for a ``with`` block.

        An address is fetched to a file that is gone after the block; all others are
        given as they are.

        Raises:
            DownloadError: If an address cannot be fetched.
        """
        if is_url(self.source):
            with download(self.source) as path:
                yield str(path)
        else:
            yield self.source


def expand_inputs(
    inputs: str | PathLike | np.ndarray | int | Sequence,
) -> list[InputItem]:
    """List the pictures, videos and cameras that a caller means.

    - a path: a video if it ends as videos do (`VIDEO_SUFFIXES`), else a picture;
      whether it can be read shows when it is
    - a (H, W, 3) array: a picture
    - an http(s) address: a picture or a video by its ending; of one without a known
      ending the server is asked which it gives. It is fetched when it is read
    - a folder: its pictures and videos by name, not the hidden ones nor those of
      folders inside; the log counts what else there is
    - a glob: the files that match, by name
    - a number, 'webcam' or 'webcam:<id>': a camera, the first one by default; a folder
      of that name is given as './webcam'
    - a list of these

    Raises:
        FileNotFoundError: If a folder holds no picture or video, or nothing matches a
            glob.
        TypeError: If an input is none of the above.
        ValueError: If a camera has no number, or comes twice.
    """
    stems: set[str] = set()
    items = []
    for index, source in enumerate(_sources(inputs)):
        kind = 'image'
        if isinstance(source, np.ndarray):
            name = stem = file_name = f'image_{index:04d}'
        elif isinstance(source, int):
            name, stem, kind = f'webcam:{source}', f'webcam_{source}', 'webcam'
            file_name = stem
            if any(item.name == name for item in items):
                raise ValueError(f'{name} is given twice')
        else:
            name, kind = source, _kind(source)
            path = Path(name_in_url(source) if is_url(source) else source)
            stem, file_name = path.stem, path.name
        # Folded, as some file systems take A.png and a.png for one file.
        if stem.casefold() in stems:
            stem = file_name.replace('.', '_')
        while stem.casefold() in stems:
            stem = f'{stem}_{index}'
        stems.add(stem.casefold())
        items.append(InputItem(name, source, stem, kind))
    return items


def _kind(source: str) -> str:
    name = name_in_url(source) if is_url(source) else source
    if is_video(name):
        return 'video'
    if is_url(source) and Path(name).suffix.lower() not in IMAGE_SUFFIXES:
        is_moving = (media_type(source) or '').startswith('video/')
        return 'video' if is_moving else 'image'
    return 'image'


def _sources(inputs: object) -> list[str | np.ndarray | int]:
    if isinstance(inputs, np.ndarray):
        return [inputs]
    if isinstance(inputs, int | np.integer) and not isinstance(inputs, bool):
        if inputs < 0:
            raise ValueError(f'the number of a webcam is 0 or more, got {inputs}')
        return [int(inputs)]
    if is_url(inputs):
        return [inputs]
    if isinstance(inputs, str) and re.match(r'webcam(:|$)', inputs, re.IGNORECASE):
        number = inputs.partition(':')[2] or '0'
        if not number.isdecimal():
            raise ValueError(f"a webcam is given as 'webcam:<id>', got {inputs!r}")
        return [int(number)]
    if isinstance(inputs, str | PathLike):
        return _files(Path(fspath(inputs)))
    if isinstance(inputs, Sequence) and not isinstance(inputs, bytes | bytearray):
        return [source for part in inputs for source in _sources(part)]
    raise TypeError(
        'inputs must be a path, a (H, W, 3) array, an address, a folder, a glob, the '
        f'number of a webcam or a list of them, got {type(inputs).__name__}'
    )


def _files(path: Path) -> list[str]:
    if path.is_dir():
        known = IMAGE_SUFFIXES | VIDEO_SUFFIXES
        files = [
            file
            for file in path.iterdir()
            if not file.name.startswith('.') and not file.is_dir()
        ]
        found = sorted(str(file) for file in files if file.suffix.lower() in known)
        if not found:
            raise FileNotFoundError(
                f'the folder {path} holds no picture or video '
                f'({", ".join(sorted(known))})'
            )
        if len(found) < len(files):
            print_log(
                f'the folder {path}: {len(files) - len(found)} files are left out, '
                'which are not called as pictures or videos are',
                'current',
            )
        return found
    if glob.has_magic(str(path)) and not path.exists():
        matches = glob.glob(str(path), recursive=True)
        found = sorted(match for match in matches if not Path(match).is_dir())
        if not found:
            raise FileNotFoundError(f'no picture or video matches {path}')
        return found
    return [str(path)]
