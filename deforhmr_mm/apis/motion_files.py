"""The files of one video's people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from torch import nn

from deforhmr_mm.structures import Motion
from deforhmr_mm.visualization import encode_video_page, person_color
from deforhmr_mm.visualization.animation import encode_animated_glb, encode_bvh
from deforhmr_mm.whole_files import write_bytes

from .inputs import InputItem
from .output_options import OutputOptions
from .picture_files import page_note
from .results import describe_model, encode_motion_json, encode_motion_npz
from .video_files import VideoWriter


class VideoPictures:
    """The videos that are written while their frames are drawn.

    Used with `with`: they are there when the block ends, and nothing is left of them if
    it fails.

    Args:
        item: The video.
        fps: Frames a second.
        options: Which files.
    """

    def __init__(self, item: InputItem, fps: float, options: OutputOptions) -> None:
        self.fps = fps
        self.paths: dict[str, Path] = {}
        for name in ('overlay', 'views'):
            folder = options.folder(name)
            if folder is not None:
                self.paths[name] = folder / f'{item.stem}_{name}.mp4'
        self._writers: dict[str, VideoWriter] = {}
        self._open = ExitStack()

    def __enter__(self) -> VideoPictures:
        """Start; files are opened when their first frame comes."""
        return self

    def __exit__(self, kind, error, traceback) -> None:
        """End the videos, or throw them away after an error."""
        # Each of them, also where one cannot be ended.
        self._open.__exit__(kind, error, traceback)

    def write(self, name: str, draw: Callable[[], np.ndarray]) -> None:
        """Add a frame to a video, if it is written at all.

        Args:
            name: 'overlay' or 'views'.
            draw: Gives the frame, (H, W, 3) uint8 RGB.
        """
        if name not in self.paths:
            return
        frame = draw()
        if name not in self._writers:
            writer = VideoWriter(self.paths[name], self.fps, frame.shape[:2])
            self._writers[name] = self._open.enter_context(writer)
        self._writers[name].write(np.ascontiguousarray(frame[..., ::-1]))


def write_motion_files(
    motion: Motion,
    item: InputItem,
    frames: Iterable[np.ndarray],
    model: nn.Module,
    options: OutputOptions,
    focal_length_source: str,
) -> list[str]:
    """Write the files of a whole video, beside those of `VideoPictures`.

    Everything is encoded before the first file is written.

    Args:
        motion: Everybody in it.
        item: The video.
        frames: Its pictures, (H, W, 3) uint8 BGR.
        model: What recovered the people.
        options: Which files.
        focal_length_source: Where the focal length is from.

    Returns:
        Paths, in the order of the formats.
    """
    stem, body = item.stem, model.body_model
    colors = [person_color(person.person_id) for person in motion.people]
    about = describe_model(model)
    video = {'path': item.name, 'focal_length_source': focal_length_source}
    files: dict[Path, bytes] = {}
    for name in options.formats:
        folder = options.folder(name)
        if folder is None:
            continue
        if name == 'html':
            files[folder / f'{stem}.html'] = encode_video_page(
                title=Path(item.name).name,
                frames=(np.ascontiguousarray(f[..., ::-1]) for f in frames),
                motion=motion,
                body=body,
                colors=colors,
                note=page_note(model),
            )
        elif name == 'json':
            files[folder / f'{stem}.json'] = encode_motion_json(
                motion, body, video, about
            )
        elif name == 'npz':
            files[folder / f'{stem}.npz'] = encode_motion_npz(
                motion, body, video, about
            )
        elif name == 'glb':
            files[folder / f'{stem}.glb'] = encode_animated_glb(motion, body, colors)
        elif name == 'bvh':
            for person in motion.people:
                path = folder / f'{stem}_person_{person.person_id}.bvh'
                files[path] = encode_bvh(person, body, motion.fps, options.bvh_scale)
    for path, data in files.items():
        write_bytes(path, data)
    return [str(path) for path in files]
