"""Everybody's boxes through a whole video.

A live tracker must decide at once. With the whole video at hand, what it decided while
two people covered each other is taken back, and the pieces before and after are joined
by how they move: see :func:`track_boxes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from .box_motion import bridge
from .box_tracker import DUPLICATE_IOU, PersonTracker
from .checks import check_detections, check_positive
from .overlap import box_iou
from .pieces import Piece, cut_at_contacts, join_pieces

Array = np.ndarray

# A box that was set aside is a person's if it covers this much of where the person
# must be, and nobody else that much less this margin.
_TAKE_BACK_IOU = 0.6
_TAKE_BACK_MARGIN = 0.15
# False alarms here and there seem to be a person who is seen more rarely than this.
MIN_SEEN = 0.25


@dataclass(frozen=True)
class Tracklet:
    """One person's boxes, without gaps.

    Attributes:
        person_id: 0, 1, 2 … in order of appearance.
        frames: (T,) int64, numbers of the frames, one after the other.
        bboxes: (T, 4) float32 pixels (left, top, right, bottom).
        scores: (T,) float32; where nobody was detected, between those of the frames
            around.
        observed: (T,) bool, False where no detector saw the person.
    """

    person_id: int
    frames: Array
    bboxes: Array
    scores: Array
    observed: Array

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)


def track_boxes(
    detections: Sequence[tuple[ArrayLike, ArrayLike]],
    fps: float,
    max_gap_seconds: float = 1.0,
    min_length_seconds: float = 0.2,
    min_score: float = 0.5,
    smooth: bool = True,
    min_seen: float = MIN_SEEN,
    max_overlap: float = DUPLICATE_IOU,
) -> list[Tracklet]:
    """Find the people of a video in the boxes that a detector gave.

    1. :class:`PersonTracker` joins the boxes of following frames, of several for one
       person the best.
    2. Where two people cover each other for no longer than `max_gap_seconds`, so that
       one is not seen, their boxes are set aside: some are of one, some of the other,
       some of both together.
    3. The pieces are joined anew (Hungarian) by position, speed and size, extrapolated
       from both sides.
    4. Gaps are bridged, and boxes with low scores or set aside taken back where they
       are what was expected.
    5. Who was seen in fewer frames than `min_length_seconds` has, or in a smaller share
       of the frames from the first to the last than `min_seen`, is dropped.

    Boxes that are known to be of people, not a detector's, are all kept with
    ``min_length_seconds=0, min_seen=0, max_overlap=1``, but for those of contacts which
    nobody fits.

    Boxes alone do not tell two people who cross from two who meet, cover each other and
    turn back. Even movement is taken to be likelier, so that the latter swap
    identities, often even where their sizes differ. Two who meet and turn back in plain
    sight keep them.

    Args:
        detections: For each frame boxes (N, 4), pixels (left, top, right, bottom), and
            scores (N,); N may be 0.
        fps: Frames a second.
        max_gap_seconds: A person unseen for longer is another one.
        min_length_seconds: See above; in videos shorter than twice that, half of the
            frames are enough.
        min_score: Boxes with lower scores only fill gaps.
        smooth: Whether to take the jitter of the boxes away: a crop that jitters makes
            a mesh that jitters.
        min_seen: From 0 to 1, see above.
        max_overlap: See :class:`PersonTracker`.

    Returns:
        The people in order of appearance; there may be none.

    Raises:
        ImportError: If the tracking library is not installed.
        ValueError: If boxes or scores are not of these shapes or not finite (the
            message names frame and row), or a number is not positive.
    """
    check_positive('min_length_seconds', min_length_seconds, zero=True)
    frames = [
        check_detections(bboxes, scores, f'frame {number}: ')
        for number, (bboxes, scores) in enumerate(detections)
    ]
    # Rows (frame, left, top, right, bottom, score) of all boxes.
    table = np.concatenate(
        [np.zeros((0, 6))]
        + [
            np.column_stack([np.full(len(marks), number), boxes, marks])
            for number, (boxes, marks) in enumerate(frames)
        ]
    )
    tracker = PersonTracker(fps, min_score, max_gap_seconds, 0, max_overlap)
    ids = [tracker.update(boxes, marks) for boxes, marks in frames]
    owner = np.concatenate([np.zeros(0, np.int64), *ids])
    pieces = [
        Piece(i, np.flatnonzero(owner == i)) for i in range(owner.max(initial=-1) + 1)
    ]
    pieces = cut_at_contacts(pieces, table, len(frames), fps, max_gap_seconds)
    people = join_pieces(pieces, table, fps, max_gap_seconds)
    people = _take_back(people, table, fps)
    needed = min(round(min_length_seconds * fps), (len(frames) + 1) // 2)
    people = sorted(
        (rows for rows in people if _is_person(table[rows, 0], needed, min_seen)),
        key=lambda rows: rows[0],
    )
    return [
        _tracklet(number, table[rows], fps, smooth)
        for number, rows in enumerate(people)
    ]


def _take_back(people: list[Array], table: Array, fps: float) -> list[Array]:
    """Give people the left-over boxes where theirs are missing."""
    left_over = np.ones(len(table), dtype=bool)
    expected = []
    for rows in people:
        left_over[rows] = False
        expected.append(bridge(table[rows, 0].astype(int), table[rows, 1:5], fps, True))
    people = list(people)
    first = [int(table[rows[0], 0]) for rows in people]
    seen = [set(table[rows, 0].astype(int)) for rows in people]
    for frame in np.unique(table[left_over, 0]).astype(int):
        # Everybody who must be in the frame may be what a box shows.
        there = [
            who
            for who, boxes in enumerate(expected)
            if 0 <= frame - first[who] < len(boxes)
        ]
        free = np.flatnonzero(left_over & (table[:, 0] == frame))
        if not there:
            continue
        boxes = np.array([expected[who][frame - first[who]] for who in there])
        overlap = box_iou(boxes[:, None], table[free, 1:5])
        for row, column in zip(*linear_sum_assignment(-overlap), strict=True):
            others = np.delete(overlap[:, column], row)
            sure = overlap[row, column] >= max(
                _TAKE_BACK_IOU, others.max(initial=0) + _TAKE_BACK_MARGIN
            )
            who = there[row]
            if sure and frame not in seen[who]:
                people[who] = np.sort(np.append(people[who], free[column]))
    return people


def _is_person(frames: Array, needed: int, min_seen: float) -> bool:
    """Whether somebody seen in these frames is no chain of false alarms."""
    length = frames[-1] - frames[0] + 1
    return len(frames) >= max(needed, min_seen * length)


def _tracklet(person_id: int, seen: Array, fps: float, smooth: bool) -> Tracklet:
    frames = seen[:, 0].astype(np.int64)
    every = np.arange(frames[0], frames[-1] + 1, dtype=np.int64)
    return Tracklet(
        person_id=person_id,
        frames=every,
        bboxes=bridge(frames, seen[:, 1:5], fps, smooth).astype(np.float32),
        scores=np.interp(every, frames, seen[:, 5]).astype(np.float32),
        observed=np.isin(every, frames),
    )
