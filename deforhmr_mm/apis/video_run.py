"""Everybody in a video file: found, followed, recovered, smoothed and drawn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from deforhmr_mm.structures import Motion
from deforhmr_mm.tracking import Tracklet, smooth_motion, track_boxes

from .inputs import InputItem
from .motion_files import VideoPictures, write_motion_files
from .motion_recovery import motion_people, recover_motion
from .people_finder import PeopleFinder
from .pictures import Picture
from .posed_people import posed_samples
from .progress import tracked
from .run_options import CameraOptions, RunOptions
from .video_files import VideoReader

if TYPE_CHECKING:
    from .inferencer import MeshInferencer

VIDEO_VIEWS = ('overlay', 'mesh', 'side')
# How far a body reaches from its origin, metres.
_REACH = 1.2

Detections = list[tuple[np.ndarray, np.ndarray]]


def run_video(
    inferencer: MeshInferencer,
    index: int,
    item: InputItem,
    finder: PeopleFinder,
    camera: CameraOptions,
    options: RunOptions,
) -> Iterator[tuple[Picture, list[str]]]:
    """Go through a video three times: to find people, to recover them, to draw them.

    Who is who is known only when all boxes are, and a movement can be smoothed without
    lag only when its end is known. What is kept between the passes are boxes and
    parameters, so a video may be long.

    Args:
        inferencer: Model, pipeline and visualizer.
        index: Number of the input.
        item: The input.
        finder: Where people are.
        camera: What is known of the camera.
        options: What is asked for.

    Yields:
        Each frame with its people, and the paths that were written: those of the whole
        video come with the last frame.

    Raises:
        ValueError: If the video cannot be read, or a box is not usable.
    """
    options = options.for_video()
    show = inferencer.show_progress
    start = time.perf_counter()
    with item.local_source() as source, VideoReader(source) as reader:
        frames = tracked(reader, 'finding people', show, reader.expected_frames)
        detections = [
            finder(index, item, image, frame) for frame, image in enumerate(frames)
        ]
        # Only now: of some files the rate shows when all frames have been seen.
        count, fps, size = len(detections), reader.fps, reader.size
        known = camera.resolve(None, size)
        if options.tracking:
            tracklets = followed(detections, fps, finder, options.smooth)
        else:
            tracklets = untracked(detections)
        motion = recover_motion(
            inferencer.model,
            inferencer.pipeline,
            tracked(reader, 'recovering bodies', show, count),
            tracklets,
            known,
            fps,
            count,
            size,
            options.batch_size,
        )
        if options.tracking and options.smooth:
            motion = smooth_motion(motion)
        people = motion_people(motion)
        bounds = motion_bounds(motion)
        with VideoPictures(item, fps, options.outputs) as videos:
            share = (time.perf_counter() - start) / count
            held: Picture | None = None
            for frame, image in enumerate(tracked(reader, 'drawing', show, count)):
                if held is not None:
                    yield held, []
                start = time.perf_counter()
                samples = posed_samples(
                    inferencer.model, people[frame], known, size, item.name, frame
                )
                held = Picture(item, image, frame, samples=samples)
                _draw(inferencer, held, videos, options, bounds)
                held.seconds = share + time.perf_counter() - start
        files = [str(path) for path in videos.paths.values()]
        files += write_motion_files(
            motion, item, reader, inferencer.model, options.outputs, known.source
        )
        yield held, files


def _draw(
    inferencer: MeshInferencer,
    picture: Picture,
    videos: VideoPictures,
    options: RunOptions,
    bounds: np.ndarray,
) -> None:
    """Draw a frame as often as somebody wants it, each view once."""
    if options.needs_overlay:
        picture.overlay = inferencer.draw(picture.rgb, picture.samples, options)
        videos.write('overlay', lambda: picture.overlay)
    videos.write(
        'views',
        lambda: inferencer.visualizer.draw_views(
            picture.rgb,
            picture.samples,
            VIDEO_VIEWS,
            bounds=bounds,
            **options.marks,
        ),
    )


def motion_bounds(motion: Motion) -> np.ndarray:
    """Return about what space everybody in a video takes up.

    Args:
        motion: The movement; there may be nobody.

    Returns:
        (2, 3) lowest and highest metres, camera axes.
    """
    places = np.concatenate([np.zeros((0, 3)), *(p.transl for p in motion.people)])
    if not len(places):
        return np.array([[-_REACH] * 3, [_REACH] * 3])
    return np.stack([places.min(0) - _REACH, places.max(0) + _REACH])


def followed(
    detections: Detections, fps: float, finder: PeopleFinder, smooth: bool
) -> list[Tracklet]:
    """Return who is who; a caller's boxes are people, however few and near they are."""
    as_given = dict(min_length_seconds=0, min_seen=0, max_overlap=1.0)
    return track_boxes(
        detections,
        fps,
        min_score=finder.tracking_score,
        smooth=smooth,
        **(as_given if finder.is_told else {}),
    )


def untracked(detections: Detections) -> list[Tracklet]:
    """Return every box as a person of its own, who is in one frame only."""
    tracklets = []
    for frame, (bboxes, scores) in enumerate(detections):
        for bbox, score in zip(bboxes, scores, strict=True):
            tracklets.append(
                Tracklet(
                    person_id=len(tracklets),
                    frames=np.array([frame]),
                    bboxes=bbox[None],
                    scores=score[None],
                    observed=np.array([True]),
                )
            )
    return tracklets
