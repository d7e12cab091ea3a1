"""Scores of single bodies as tables and files."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePath

import numpy as np

from deforhmr_mm.whole_files import whole_file

from .body_scores import BodyScore


def column_means(rows: Sequence[Sequence[float | None]]) -> list[float | None]:
    """Mean of each column over the rows that have it; None for a column without any.

    What is not a number is no None: it makes the mean of its column NaN.

    Example:
        >>> column_means([(1.0, None, None), (2.0, 3.0, None)])
        [1.5, 3.0, None]
    """
    columns = (
        [v for v in column if v is not None] for column in zip(*rows, strict=True)
    )
    return [float(np.mean(column)) if column else None for column in columns]


def joint_table(scores: Sequence[BodyScore], names: Sequence[str]) -> str:
    """Mean error of every joint, pelvis aligned and after Procrustes, as text."""
    means = (
        column_means(errors)
        for errors in zip(*(score.joint_errors for score in scores), strict=True)
    )
    rows = [
        (name, _number(plain), _number(aligned))
        for name, plain, aligned in zip(names, *means, strict=True)
    ]
    return text_table(('joint', 'error', 'PA error'), rows)


def sequence_names(scores: Sequence[BodyScore]) -> list[str]:
    """The sequence of every body: the sample's own name, or its picture's folder.

    See `short_folders` for what is left of the folder's path.
    """
    names = short_folders(score.folder for score in scores if not score.sequence)
    return [score.sequence or names[score.folder] for score in scores]


def short_folders(folders: Iterable[str]) -> dict[str, str]:
    """Names of folders: their paths without what all of them begin or end with.

    A single folder is called by its last name.

    Args:
        folders: Paths; an empty one keeps its empty name.

    Example:
        >>> short_folders(['data/P0/09_walk/images', 'data/P1/14_walk/images'])
        {'data/P0/09_walk/images': 'P0/09_walk', 'data/P1/14_walk/images': 'P1/14_walk'}
        >>> short_folders(['data/images', 'data/images'])
        {'data/images': 'images'}
    """
    # A dictionary keeps them in order.
    paths = dict.fromkeys(folders)
    parts = {path: PurePath(path).parts for path in paths if path}
    begin = _shared(list(parts.values()))
    rest = {path: names[begin:] for path, names in parts.items()}
    end = _shared([names[::-1] for names in rest.values()])
    short = {
        path: PurePath(*names[: len(names) - end]).as_posix()
        for path, names in rest.items()
    }
    return {path: short.get(path, '') for path in paths}


def _shared(paths: Sequence[Sequence[str]]) -> int:
    """How many names all paths begin with; of each path one is left."""
    count = 0
    shortest = min(map(len, paths), default=0)
    while count < shortest - 1 and len({path[count] for path in paths}) == 1:
        count += 1
    return count


def sequence_table(scores: Sequence[BodyScore], keys: Sequence[str]) -> str:
    """Means over the bodies of every sequence, as text."""
    by_sequence = defaultdict(list)
    for name, score in zip(sequence_names(scores), scores, strict=True):
        by_sequence[name].append(score.figures)
    rows = [
        (name, str(len(figures)), *map(_number, column_means(figures)))
        for name, figures in sorted(by_sequence.items())
    ]
    return text_table(('sequence', 'bodies', *keys), rows)


def write_scores(
    prefix: str,
    scores: Sequence[BodyScore],
    keys: Sequence[str],
    joint_names: Sequence[str],
    description: str,
) -> None:
    """Write every body's figures to PREFIX.csv and, with its joints', to PREFIX.npz.

    The npz has ``sample_id`` (N,), ``sequence`` (N,), ``keys`` (K,), ``figures``
    (N, K), ``joint_names`` (J,), ``joint_errors`` and ``pa_joint_errors`` (N, J) in
    millimetres, ``truth`` (N,), 'smpl' or 'joints', and ``description``. What the
    labels do not tell is an empty cell in the one and NaN in the other.
    """
    sequences = sequence_names(scores)
    with (
        whole_file(f'{prefix}.csv') as part,
        part.open('w', newline='', encoding='utf-8') as file,
    ):
        writer = csv.writer(file)
        writer.writerow(('sample_id', 'sequence', *keys))
        for sequence, score in zip(sequences, scores, strict=True):
            figures = (_number(figure, 3, '') for figure in score.figures)
            writer.writerow((score.sample_id, sequence, *figures))
    # As numbers, None is NaN.
    joint_errors = np.array([score.joint_errors for score in scores], dtype=np.float64)
    with whole_file(f'{prefix}.npz') as part, part.open('wb') as file:
        np.savez_compressed(
            file,
            sample_id=np.array([score.sample_id for score in scores]),
            sequence=np.array(sequences),
            keys=np.array(keys),
            figures=np.array([score.figures for score in scores], dtype=np.float64),
            joint_names=np.array(joint_names),
            joint_errors=joint_errors[:, 0],
            pa_joint_errors=joint_errors[:, 1],
            truth=np.array([score.truth for score in scores]),
            description=np.array(description),
        )


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns, the first one to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for first, *others in (header, *rows):
        cells = [first.ljust(widths[0])]
        cells += [
            cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)
        ]
        lines.append('  '.join(cells).rstrip())
    return '\n' + '\n'.join(lines)


def _number(value: float | None, digits: int = 1, missing: str = '-') -> str:
    return missing if value is None else f'{value:.{digits}f}'
