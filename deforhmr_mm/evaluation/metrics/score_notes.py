"""What the line beside the figures says of the bodies that they are means of."""

from collections.abc import Sequence

from .body_scores import BodyScore
from .protocols import PELVIS_TEXTS, Protocol

LACKING = {
    'auto': 'without SMPL labels or enough joints',
    'smpl': 'without SMPL labels',
    'joints': 'without enough labelled joints',
}


def note_on_people(protocol: Protocol, scores: Sequence[BodyScore], total: int) -> str:
    """Say how many people were left out, and how many posed without a gender.

    Args:
        protocol: What they were scored by.
        scores: Of everybody who was scored.
        total: Number of people.

    Returns:
        Empty, or one or two notes that begin with a comma.
    """
    left_out = total - len(scores)
    note = f', {left_out} {LACKING[protocol.truth]} left out' if left_out else ''
    if protocol.needs_gendered_bodies:
        posed = [score for score in scores if score.truth == 'smpl']
        neutral = sum(score.gender == 'neutral' for score in posed)
        note += f', {neutral} without a gender and so neutral' if neutral else ''
    return note


def note_on_joints(protocol: Protocol, scores: Sequence[BodyScore]) -> str:
    """Say whose truth were labelled joints, which joints, and what they lack.

    Args:
        protocol: What they were scored by.
        scores: Of everybody who was scored.

    Returns:
        Empty where everybody's labels were posed; else a note that begins with a
        semicolon.
    """
    people = [score for score in scores if score.truth == 'joints']
    if not people:
        return ''
    who = f'{len(people)} of the {len(scores)} bodies'
    if len(people) == len(scores):
        who = 'all bodies'
    return (
        f'; {who} by their labelled joints alone: {_which_joints(protocol, people)}'
        f'{_which_root(protocol, people)}, no vertex errors'
    )


def _which_joints(protocol: Protocol, people: Sequence[BodyScore]) -> str:
    names = protocol.joint_names
    labelled = [
        [error is not None for error in score.joint_errors[0]] for score in people
    ]
    counts = [sum(row) for row in labelled]
    low, high = min(counts), max(counts)
    count = f'{low}' if low == high else f'{low} to {high}'
    never = [
        name
        for name, column in zip(names, zip(*labelled, strict=True), strict=True)
        if not any(column)
    ]
    without = f' (never {", ".join(never)})' if never else ''
    return f'{count} of the {len(names)} joints{without}'


def _which_root(protocol: Protocol, people: Sequence[BodyScore]) -> str:
    others = sum(score.root != protocol.pelvis for score in people)
    if not others:
        return ''
    who = '' if others == len(people) else f'{others} of them '
    return f', {who}aligned at {PELVIS_TEXTS["hips"]} for want of that pelvis'
