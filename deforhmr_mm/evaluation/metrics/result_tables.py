"""Scores of single bodies as tables and files."""

import csv
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BodyScore:
    """The scores of one body.

    No tuple: mmengine turns those into plain ones when it collects results.

    Attributes:
        sample_id: the sample's name in its data set.
        sequence: what per-sequence means are taken over.
        figures: one for each key of the metric.
        joint_errors: the joints' errors, millimetres: pelvis aligned, then after
            Procrustes.
        gender: of the body that the truth was posed with.
    """

    sample_id: str
    sequence: str
    figures: tuple[float, ...]
    joint_errors: tuple[tuple[float, ...], tuple[float, ...]]
    gender: str = 'neutral'


def joint_table(scores: Sequence[BodyScore], names: Sequence[str]) -> str:
    """Mean error of every joint, pelvis aligned and after Procrustes, as text."""
    means = np.array([score.joint_errors for score in scores]).mean(0)
    rows = [
        (name, f'{plain:.1f}', f'{aligned:.1f}')
        for name, plain, aligned in zip(names, *means, strict=True)
    ]
    return text_table(('joint', 'error', 'PA error'), rows)


def sequence_table(scores: Sequence[BodyScore], keys: Sequence[str]) -> str:
    """Means over the bodies of every sequence, as text."""
    by_sequence = defaultdict(list)
    for score in scores:
        by_sequence[score.sequence].append(score.figures)
    rows = [
        (name, str(len(figures)), *(f'{mean:.1f}' for mean in np.mean(figures, 0)))
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
    millimetres, and ``description``.
    """
    os.makedirs(os.path.dirname(os.path.abspath(prefix)), exist_ok=True)
    with open(f'{prefix}.csv.part', 'w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(('sample_id', 'sequence', *keys))
        for score in scores:
            figures = (f'{figure:.3f}' for figure in score.figures)
            writer.writerow((score.sample_id, score.sequence, *figures))
    os.replace(f'{prefix}.csv.part', f'{prefix}.csv')
    joint_errors = np.array([score.joint_errors for score in scores])
    with open(f'{prefix}.npz.part', 'wb') as file:
        np.savez_compressed(
            file,
            sample_id=np.array([score.sample_id for score in scores]),
            sequence=np.array([score.sequence for score in scores]),
            keys=np.array(keys),
            figures=np.array([score.figures for score in scores]),
            joint_names=np.array(joint_names),
            joint_errors=joint_errors[:, 0],
            pa_joint_errors=joint_errors[:, 1],
            description=np.array(description),
        )
    os.replace(f'{prefix}.npz.part', f'{prefix}.npz')


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
