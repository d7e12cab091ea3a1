"""Pieces of tracks: cut where people cover each other, joined by how they move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from .box_motion import EndMotion, bridge, course_to_box, end_motion, misfit
from .overlap import box_iou

Array = np.ndarray

# Two people cover each other where their boxes overlap by more than this: a detector
# that takes both for one gives a box that overlaps each by more. The higher levels are
# for people who pass each other so slowly that they do for long.
_CONTACT_IOUS = (0.2, 0.35, 0.5)
# A contact in which the boxes never overlapped by more, and in which both people were
# seen in most frames, left no doubt.
_CLEAR_IOU, _CLEAR_SHARE = 0.4, 0.6
# Boxes just before and after are drawn to the other person as well.
_MARGIN_SECONDS = 0.1
# A movement is told from the boxes in this time at the end of a piece.
_END_SECONDS = 0.5
# Worse pieces than this do not belong together, see `misfit`.
_MAX_MISFIT = 80.0
# What the tracker found is left only for something that fits better by this.
_TRACKER_SAYS_SO = 20.0


class _Course(NamedTuple):
    """Boxes for all frames in which a track may have been, from `first` on."""

    first: int
    boxes: Array  # (L, 4)
    seen: Array  # (L,) bool


class Piece(NamedTuple):
    """A part of one person's track.

    Attributes:
        track: Number of the track.
        rows: Rows of the table of boxes, one for each frame in which there is one, in
            the order of the frames.
        cut_before: Number of frames just before the piece that were cut away.
        cut_after: The same after it.
        head: Rows cut away before the piece, where the track began with them.
        tail: Rows cut away after it, where the track ended with them.
    """

    track: int
    rows: Array
    cut_before: int = 0
    cut_after: int = 0
    head: Array = np.zeros(0, dtype=int)
    tail: Array = np.zeros(0, dtype=int)


def cut_at_contacts(
    pieces: Sequence[Piece],
    table: Array,
    num_frames: int,
    fps: float,
    max_gap_seconds: float,
) -> list[Piece]:
    """Take the boxes out in which people cover each other, so that one was not seen.

    Nothing better than what the tracker found is known of a contact that is longer than
    `max_gap_seconds`, or with which the video begins or ends; these stay as they are.

    Args:
        pieces: Tracks.
        table: (M, 6) rows of frame, box (left, top, right, bottom) and score.
        num_frames: Frames of the video.
        fps: Frames a second.
        max_gap_seconds: See above.

    Returns:
        What is left of the tracks, cut at the contacts.
    """
    longest = max_gap_seconds * fps
    # A track that was lost in a contact goes on in it for half of that.
    extra = int(np.ceil(longest / 2))
    courses = [_course(table[piece.rows], fps, extra) for piece in pieces]
    contacts: list[list[tuple[int, int]]] = [[] for _ in pieces]
    for one in range(len(pieces)):
        for other in range(one):
            # Tracks that follow one another may be of one person.
            if not _meet(table[pieces[one].rows, 0], table[pieces[other].rows, 0]):
                continue
            for contact in _contacts(courses[one], courses[other], fps, longest):
                contacts[one].append(contact)
                contacts[other].append(contact)
    cut = []
    for piece, of_piece in zip(pieces, contacts, strict=True):
        runs = [
            (first, last)
            for first, last in _merged(of_piece)
            if last - first + 1 <= longest and first > 0 and last < num_frames - 1
        ]
        cut += _cut(piece, table[piece.rows, 0].astype(int), runs)
    return cut


def join_pieces(
    pieces: Sequence[Piece], table: Array, fps: float, max_gap_seconds: float
) -> list[Array]:
    """Join the pieces that one person left; see `cut_at_contacts` for the arguments.

    Boxes that were cut away stay away where pieces are joined. A person who came or
    went in a contact has those with which the track began or ended.

    Returns:
        Rows of the table for each person, in the order of the frames.
    """
    if not pieces:
        return []
    starts = [_end(table[piece.rows], fps, last=False) for piece in pieces]
    ends = [_end(table[piece.rows], fps, last=True) for piece in pieces]
    count = len(pieces)
    # Column j < count: piece j follows; column count + i: nothing follows piece i.
    costs = np.full((count, 2 * count), 1e6)
    costs[np.arange(count), count + np.arange(count)] = _MAX_MISFIT
    for i, before in enumerate(pieces):
        for j, after in enumerate(pieces):
            gap = starts[j].time - ends[i].time
            cut = max(before.cut_after, after.cut_before) / fps
            if 0 < gap <= max_gap_seconds + cut + 1 / fps:
                costs[i, j] = misfit(ends[i], starts[j])
                if before.track == after.track:
                    costs[i, j] = min(costs[i, j], _MAX_MISFIT) - _TRACKER_SAYS_SO
    follows = dict(
        zip(*(side.tolist() for side in linear_sum_assignment(costs)), strict=True)
    )
    heads = set(range(count)) - set(follows.values())
    return [_chain(head, follows, pieces) for head in sorted(heads)]


def _chain(head: int, follows: dict[int, int], pieces: Sequence[Piece]) -> Array:
    chain = []
    while head < len(pieces):
        chain.append(pieces[head])
        head = follows[head]
    rows = [piece.rows for piece in chain]
    return np.concatenate([chain[0].head, *rows, chain[-1].tail])


def _end(seen: Array, fps: float, last: bool) -> EndMotion:
    frames = seen[:, 0]
    at = frames[-1] if last else frames[0]
    near = np.abs(frames - at) <= _END_SECONDS * fps
    return end_motion(frames[near] / fps, seen[near, 1:5], at / fps)


def _course(seen: Array, fps: float, extra: int) -> _Course:
    """Course of a track that goes on evenly at both ends."""
    frames = seen[:, 0].astype(int)
    known = bridge(frames, seen[:, 1:5], fps, smooth=False)
    steps = np.arange(1, extra + 1)[:, None] / fps
    (start, back), (end, on) = (_end(seen, fps, last).state for last in (False, True))
    before = course_to_box(start - steps[::-1] * back)
    after = course_to_box(end + steps * on)
    boxes = np.concatenate([before, known, after])
    first = int(frames[0]) - extra
    return _Course(first, boxes, np.isin(first + np.arange(len(boxes)), frames))


def _meet(one: Array, other: Array) -> bool:
    return max(one[0], other[0]) <= min(one[-1], other[-1])


def _contacts(
    one: _Course, other: _Course, fps: float, longest: float
) -> list[tuple[int, int]]:
    """First and last frames of the doubtful contacts of two tracks, with margins."""
    first = max(one.first, other.first)
    last = min(course.first + len(course.boxes) for course in (one, other))
    if last <= first:
        return []
    here = [slice(first - c.first, last - c.first) for c in (one, other)]
    overlap = box_iou(one.boxes[here[0]], other.boxes[here[1]])
    both_seen = one.seen[here[0]] & other.seen[here[1]]
    margin = max(1, round(_MARGIN_SECONDS * fps))
    contacts = []
    for level in _CONTACT_IOUS:
        touching = np.flatnonzero(overlap > level).tolist()
        for begin, end in _merged([(t - margin, t + margin) for t in touching]):
            if end - begin + 1 > longest:
                continue
            core = slice(begin + margin, end - margin + 1)
            clear = (
                overlap[core].max() <= _CLEAR_IOU
                and both_seen[core].mean() >= _CLEAR_SHARE
            )
            if not clear:
                contacts.append((first + begin, first + end))
            overlap[core] = 0  # settled
    return contacts


def _merged(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs of frames, in order, those that meet joined."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _cut(piece: Piece, frames: Array, runs: list[tuple[int, int]]) -> list[Piece]:
    """Parts of a piece between runs of frames."""
    parts = []
    edges = [(0, -1), *runs, (frames[-1] + 1, frames[-1])]  # of no frames at the ends
    for (low, begin), (end, high) in zip(edges[:-1], edges[1:], strict=True):
        inside = (frames > begin) & (frames < end)
        if inside.any():
            rows = piece.rows[inside]
            parts.append(Piece(piece.track, rows, begin - low + 1, high - end + 1))
    if parts:
        first, last = parts[0].rows[0], parts[-1].rows[-1]
        parts[0] = parts[0]._replace(head=piece.rows[piece.rows < first])
        parts[-1] = parts[-1]._replace(tail=piece.rows[piece.rows > last])
    return parts
