"""Everybody before a camera, while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from deforhmr_mm.tracking import OnlineSmoother, PersonTracker

from .camera_info import CameraInfo
from .inference import crop_people
from .inputs import InputItem
from .motion_recovery import predict_parameters
from .people_finder import PeopleFinder
from .pictures import Picture
from .posed_people import PersonPose, posed_samples
from .run_options import CameraOptions, RunOptions
from .video_files import WebcamReader

if TYPE_CHECKING:
    from .inferencer import MeshInferencer


def run_live(
    inferencer: MeshInferencer,
    index: int,
    item: InputItem,
    finder: PeopleFinder,
    camera: CameraOptions,
    options: RunOptions,
) -> Iterator[tuple[Picture, list[str]]]:
    """Go through the frames of a camera as they come, until it or the caller ends.

    Nothing is known of later frames: people are shown from the moment on when they have
    been seen for a tenth of a second, in two frames at least; gaps are not bridged, and
    what is smoothed lags a little. Time is the clock's, as no camera keeps its rate
    where recovering takes longer.

    Args:
        inferencer: Model, pipeline and visualizer.
        index: Number of the input.
        item: The camera.
        finder: Where people are.
        camera: What is known of the camera.
        options: What is asked for; nothing is written.

    Yields:
        Each frame with its people, and no paths.

    Raises:
        ValueError: If there is no such camera.
    """
    with WebcamReader(item.source) as reader:
        tracker = None
        if options.tracking:
            tracker = PersonTracker(reader.fps, finder.tracking_score)
        smoother = OnlineSmoother() if options.tracking and options.smooth else None
        for frame, image in enumerate(reader):
            start = time.perf_counter()
            known = camera.resolve(None, image.shape[:2])
            bboxes, scores = finder(index, item, image, frame)
            ids = np.arange(len(bboxes))
            if tracker is not None:
                ids = tracker.update(bboxes, scores, start)
            people = _recover(inferencer, image, bboxes, scores, ids, known)
            if smoother is not None:
                people = [_smooth(smoother, person, start) for person in people]
            samples = posed_samples(
                inferencer.model, people, known, image.shape[:2], item.name, frame
            )
            seconds = time.perf_counter() - start
            yield Picture(item, image, frame, samples=samples, seconds=seconds), []


def _recover(
    inferencer: MeshInferencer,
    image: np.ndarray,
    bboxes: np.ndarray,
    scores: np.ndarray,
    ids: np.ndarray,
    camera: CameraInfo,
) -> list[PersonPose]:
    """Recover those people of a frame who are followed."""
    followed = ids >= 0
    if not followed.any():
        return []
    bboxes, scores, ids = bboxes[followed], scores[followed], ids[followed]
    model = inferencer.model
    crops = crop_people(
        inferencer.pipeline,
        image,
        bboxes,
        camera=camera,
        bbox_padding=model.bbox_padding,
    )
    recovered = predict_parameters(model, crops, camera)
    rows = zip(ids.tolist(), bboxes, scores.tolist(), recovered, strict=True)
    return [
        PersonPose(person_id=who, bbox=bbox, score=score, **values)
        for who, bbox, score, values in rows
    ]


def _smooth(smoother: OnlineSmoother, person: PersonPose, now: float) -> PersonPose:
    smoothed = smoother.update(
        person.person_id,
        now,
        person.global_orient,
        person.body_pose,
        person.transl,
        person.betas,
    )
    names = ('global_orient', 'body_pose', 'transl', 'betas')
    return replace(person, **dict(zip(names, smoothed, strict=True)))
