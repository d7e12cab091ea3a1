"""Rendering a whole data set with several processes."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from mmengine.utils import ProgressBar

from deforhmr_mm.body_models import load_smpl_file

from .body import Body
from .pool import single_threaded_pool
from .scene import SceneMaker
from .writer import SplitWriter

# A split's number is part of its pictures' seeds: never renumber.
SPLIT_IDS = {'train': 0, 'val': 1, 'test': 2}
_worker: dict[str, object] = {}


def picture_seed(seed: int, split: str, index: int) -> np.random.SeedSequence:
    """Seed of one picture; no two pictures of any split share one."""
    return np.random.SeedSequence([seed, SPLIT_IDS[split], index])


def _start_worker(body_path: str, photos: tuple[Path, ...], out: Path) -> None:
    cv2.setNumThreads(0)
    _worker['maker'] = SceneMaker(Body(load_smpl_file(body_path)), photos)
    _worker['out'] = out


def _render(task: tuple[int, str, int]) -> int:
    """Render a picture unless it is there; returns how many people it labels."""
    seed, split, index = task
    writer = SplitWriter(_worker['out'], split)
    count = writer.count(index)
    if count < 0:
        picture = _worker['maker'].make(picture_seed(seed, split, index))
        writer.write(index, picture)
        count = len(picture.labels)
    return count


def start_pool(
    workers: int, body_path: str | Path, photos: tuple[Path, ...], out: Path
):
    """A pool of rendering processes; see `single_threaded_pool`."""
    return single_threaded_pool(workers, _start_worker, (str(body_path), photos, out))


def render_split(
    pool, out: Path, split: str, people: int, seed: int, fingerprint: str
) -> Path:
    """Render a split until it has the wanted number of people; returns its annotations.

    Pictures are numbered from 0 and all that are needed are kept whole; of the last
    one only as many people are labelled as are missing.
    """
    bar = ProgressBar(people)
    counts: list[int] = []
    total = 0
    # imap would queue endless tasks: they come in rounds of what is still missing.
    while total < people:
        first = len(counts)
        round_size = max((people - total) // 3, 1)
        for count in pool.imap(_render, _tasks(seed, split, first, round_size)):
            counts.append(count)
            wanted = min(count, people - total)
            if wanted > 0:
                bar.update(wanted)
            total += count
    while total - counts[-1] >= people:
        total -= counts.pop()
    return SplitWriter(out, split).annotate(counts, people, fingerprint)


def _tasks(
    seed: int, split: str, first: int, number: int
) -> Iterator[tuple[int, str, int]]:
    return ((seed, split, index) for index in range(first, first + number))
