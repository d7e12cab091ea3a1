"""Rendering splits of data set v1 with several processes, each picture on its own."""

import traceback
from pathlib import Path

import cv2
import numpy as np
from mmengine.utils import ProgressBar
from synthetic.body import Body
from synthetic.pool import single_threaded_pool
from synthetic.writer import SplitWriter

from deforhmr_mm.body_models import load_smpl_file

from .labels import Labels
from .recipe import RECIPES
from .scene import SceneMaker

VERSION_NUMBER = 1  # part of the seeds: no picture is one of the first data set
FAILED = -2
_worker: dict[str, object] = {}


def picture_seed(seed: int, split: str, index: int) -> np.random.SeedSequence:
    """Seed of one picture; no two pictures of any split share one."""
    number = RECIPES[split].number
    return np.random.SeedSequence([seed, number, index, VERSION_NUMBER])


def split_files(out: Path, split: str) -> SplitWriter:
    """The files of a split."""
    return SplitWriter(out, split, Labels._fields)


def start_pool(workers: int, body_path: str | Path, out: Path):
    """A pool of rendering processes; see `single_threaded_pool`."""
    return single_threaded_pool(workers, _start_worker, (str(body_path), out))


def _start_worker(body_path: str, out: Path) -> None:
    cv2.setNumThreads(0)
    _worker['maker'] = SceneMaker(Body(load_smpl_file(body_path)))
    _worker['out'] = out


def _render(task: tuple[int, str, int]) -> tuple[int, str]:
    """Render a picture unless it is there.

    Returns:
        How many people it labels, or FAILED and what happened.
    """
    seed, split, index = task
    files = split_files(_worker['out'], split)
    count = files.count(index)
    if count >= 0:
        return count, ''
    try:
        picture = _worker['maker'].make(picture_seed(*task), RECIPES[split])
    except Exception:
        return FAILED, f'picture {index} of {split}, seed {seed}:\n' + (
            traceback.format_exc()
        )
    files.write(index, picture)
    return len(picture.labels), ''


def render_split(
    pool, out: Path, split: str, people: int, seed: int, fingerprint: str
) -> Path:
    """Render a split until it has the wanted number of people; returns its annotations.

    Pictures are numbered from 0; of the last one only as many people are labelled as
    are missing. So a split of fewer people is the beginning of one of more.

    Raises:
        RuntimeError: Pictures that could not be drawn, when all others are done.
    """
    bar = ProgressBar(people)
    counts: list[int] = []
    failures: list[str] = []
    total = 0
    # imap would queue endless tasks: they come in rounds of what is still missing.
    while total < people and not failures:
        first = len(counts)
        round_size = max((people - total) // 4, 1)
        tasks = [(seed, split, first + i) for i in range(round_size)]
        for count, failure in pool.imap(_render, tasks, chunksize=4):
            failures += [failure] if failure else []
            counts.append(max(count, 0))
            wanted = min(counts[-1], people - total)
            if wanted > 0:
                bar.update(wanted)
            total += counts[-1]
    if failures:
        raise RuntimeError(f'{len(failures)} pictures failed; the first: {failures[0]}')
    while total - counts[-1] >= people:
        total -= counts.pop()
    return split_files(out, split).annotate(counts, people, fingerprint)
