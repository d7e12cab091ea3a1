"""Everybody in pictures: found, recovered together, drawn and written one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .inference import crop_people, read_input
from .inputs import InputItem
from .people_finder import PeopleFinder
from .picture_files import write_picture_files
from .pictures import Picture, with_name
from .progress import tracked
from .run_options import CameraOptions, RunOptions

if TYPE_CHECKING:
    from .inferencer import MeshInferencer

# Decoded pictures that wait together for the network have 300 MB at most, or are one.
BATCH_PIXELS = 100_000_000


def run_pictures(
    inferencer: MeshInferencer,
    items: Sequence[tuple[int, InputItem]],
    finder: PeopleFinder,
    camera: CameraOptions,
    options: RunOptions,
) -> Iterator[tuple[Picture, list[str]]]:
    """Go through pictures; people of several go through the network together.

    Args:
        inferencer: Model, pipeline and visualizer.
        items: The inputs and their numbers.
        finder: Where people are.
        camera: What is known of the cameras.
        options: What is asked for.

    Yields:
        Each picture with its people or its error, and the paths that were written.
    """
    for pictures in _batches(inferencer, items, finder, camera, options.batch_size):
        inferencer.forward(pictures, options.batch_size)
        for picture in pictures:
            files: list[str] = []
            if picture.error is None:
                if options.needs_overlay:
                    picture.overlay = inferencer.draw(
                        picture.rgb, picture.samples, options
                    )
                files = write_picture_files(
                    picture,
                    inferencer.visualizer,
                    inferencer.model,
                    options.outputs,
                    options.marks,
                )
            yield picture, files
            # The next ones are read while this batch is still at hand.
            picture.image = picture.overlay = None


def _batches(
    inferencer: MeshInferencer,
    items: Sequence[tuple[int, InputItem]],
    finder: PeopleFinder,
    camera: CameraOptions,
    batch_size: int,
) -> Iterator[list[Picture]]:
    """Read and crop pictures, and group them to about `batch_size` people.

    Fewer, where the pictures are large.
    """
    batch: list[Picture] = []
    for index, item in tracked(items, 'pictures', inferencer.show_progress):
        batch.append(_read(inferencer, index, item, finder, camera))
        people = sum(len(picture.crops) for picture in batch)
        pixels = sum(
            picture.image[..., 0].size for picture in batch if picture.image is not None
        )
        # Pictures without people are not to pile up, either.
        if max(people, len(batch)) >= batch_size or pixels >= BATCH_PIXELS:
            yield batch
            batch = []
    if batch:
        yield batch


def _read(
    inferencer: MeshInferencer,
    index: int,
    item: InputItem,
    finder: PeopleFinder,
    camera: CameraOptions,
) -> Picture:
    start = time.perf_counter()
    picture = Picture(item)
    try:
        with item.local_source() as source:
            image, path = read_input(source)
            picture.camera = camera.resolve(path, image.shape[:2])
        bboxes, scores = finder(index, item, image)
        name = None if path is None else item.name
        picture.crops = crop_people(
            inferencer.pipeline,
            image,
            bboxes,
            name,
            picture.camera,
            scores,
            inferencer.model.bbox_padding,
        )
        picture.image = image
    except (OSError, ValueError) as error:
        picture.error = with_name(error, item.name)
    picture.seconds = time.perf_counter() - start
    return picture
