"""The scores of single bodies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from torch import Tensor

from .body_figures import KEYS, JointFigures
from .labelled_joints import LabelledJoints


@dataclass(frozen=True)
class BodyScore:
    """The scores of one body.

    No tuple: mmengine turns those into plain ones when it collects results.

    Attributes:
        sample_id: the sample's name in its data set.
        sequence: the sample's own name of it, if it has one.
        figures: one for each key of the metric; None where the labels do not tell.
        joint_errors: the joints' errors, millimetres: pelvis aligned, then after
            Procrustes; None where a joint has no label.
        gender: of the body that the truth was posed with.
        truth: 'smpl', a body that SMPL labels pose, or 'joints', labelled joints alone.
        root: what was moved to the origin, a name of `PELVIS_JOINTS`.
        folder: of the picture, the whole path, which stands in for a sequence without
            a name; see `sequence_names`.
    """

    sample_id: str
    sequence: str
    figures: tuple[float | None, ...]
    joint_errors: tuple[tuple[float | None, ...], tuple[float | None, ...]]
    gender: str = 'neutral'
    truth: str = 'smpl'
    root: str = 'pelvis'
    folder: str = ''


def body_scores(
    people: Sequence[Mapping[str, Any]],
    joints: JointFigures,
    surfaces: Mapping[str, Tensor] | None = None,
    labelled: LabelledJoints | None = None,
    genders: Sequence[str] | None = None,
    pelvis: str = 'pelvis',
) -> list[BodyScore | tuple]:
    """Take the figures of a batch apart.

    Args:
        people: B samples, for their names.
        joints: Of the B bodies.
        surfaces: Of the B bodies, (B,) by key; None where there are no true surfaces.
        labelled: The truth, where labelled joints are.
        genders: B, of the bodies that SMPL labels were posed with.
        pelvis: The protocol's, a name of `PELVIS_JOINTS`.

    Returns:
        B scores; empty for those whose labelled joints cannot be scored.
    """
    figures = {**joints.figures, **(surfaces or {})}
    columns = [figures[key].tolist() if key in figures else None for key in KEYS]
    errors = joints.errors.tolist()
    scores: list[BodyScore | tuple] = []
    for row, person in enumerate(people):
        if labelled is not None and not labelled.scorable[row]:
            scores.append(())
            continue
        about = dict(gender=genders[row] if genders else 'neutral', root=pelvis)
        there = [True] * len(errors[row][0])
        if labelled is not None:
            there = labelled.labelled[row].tolist()
            about.update(truth='joints')
            if not labelled.has_pelvis[row]:
                about.update(root='hips')
        scores.append(
            BodyScore(
                sample_id=str(person.get('sample_id', '')),
                sequence=str(person.get('sequence') or ''),
                figures=tuple(column and column[row] for column in columns),
                joint_errors=tuple(
                    tuple(
                        error if known else None
                        for error, known in zip(line, there, strict=True)
                    )
                    for line in errors[row]
                ),
                folder=_folder(person),
                **about,
            )
        )
    return scores


def _folder(person: Mapping[str, Any]) -> str:
    """The folder of the sample's picture; empty where that has none."""
    folder = PurePath(person.get('img_path') or '').parent
    return folder.as_posix() if folder.parts else ''
