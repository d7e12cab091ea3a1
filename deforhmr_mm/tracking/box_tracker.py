"""Who is who from frame to frame, while the video comes in.

The work is done by OC-SORT (Cao et al., "Observation-Centric SORT", CVPR 2023) of the
library `trackers`. Of its trackers that need boxes alone it kept the identities best in
simulated crossings of two people (40 of each of seven kinds, from 15 to 60 frames a
second): in 279 of 280 with the settings below and in 255 with the library's own,
against 268 for BoT-SORT, 262 for C-BIoU and 212 for ByteTrack and SORT at their best.
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from .checks import check_detections, check_positive
from .overlap import without_duplicates

# A box that covers more than this of another is the same person seen twice.
DUPLICATE_IOU = 0.7
# People who walk move by a small part of their box in a frame, but after half a second
# unseen their predicted box may be off by most of its width.
MIN_IOU = 0.1
# The direction in which somebody moves shows in this time, despite the boxes' jitter.
DIRECTION_SECONDS = 0.3


class PersonTracker:
    """Give the boxes of each frame the numbers of the people they show.

    People are told apart by how their boxes move, not by how they look: two who meet
    and turn back are taken for two who crossed.

    Args:
        fps: Frames a second.
        min_score: Boxes with lower scores are passed over.
        max_gap_seconds: A person unseen for longer comes back under a new number.
        confirm_seconds: A person gets a number after being seen in that many seconds'
            frames and one more; 0 numbers every box at once, false alarms included.
        max_overlap: Of two boxes with a larger intersection over union one is taken for
            the same person seen twice; at 1 there are no such.

    Raises:
        ImportError: If the library is not installed.
        ValueError: If `fps` is not positive or a time is negative.

    Example:
        >>> tracker = PersonTracker(fps=10, confirm_seconds=0)
        >>> tracker.update([[10, 10, 50, 90], [200, 10, 240, 90]], [0.9, 0.8])
        array([0, 1])
        >>> tracker.update([[202, 10, 242, 90], [12, 10, 52, 90]], [0.7, 0.9])
        array([1, 0])
        >>> tracker.update([], [])
        array([], dtype=int64)
    """

    def __init__(
        self,
        fps: float,
        min_score: float = 0.5,
        max_gap_seconds: float = 1.0,
        confirm_seconds: float = 0.1,
        max_overlap: float = DUPLICATE_IOU,
    ) -> None:
        check_positive('fps', fps)
        check_positive('max_gap_seconds', max_gap_seconds, zero=True)
        check_positive('confirm_seconds', confirm_seconds, zero=True)
        trackers, supervision = _require_trackers()
        self._detections = supervision.Detections
        self._tracker = trackers.OCSORTTracker(
            # The library counts in frames of a video of 30 a second.
            lost_track_buffer=round(max_gap_seconds * 30),
            frame_rate=float(fps),
            # Confirmed below: the library takes a confirmed person's number away for
            # some frames after each miss.
            minimum_consecutive_frames=1,
            minimum_iou_threshold=MIN_IOU,
            high_conf_det_threshold=min_score,
            delta_t=max(1, round(DIRECTION_SECONDS * fps)),
        )
        self._library_ids = count()
        self._max_overlap = max_overlap
        self._confirm_seconds = confirm_seconds
        self._needed = 1 + round(confirm_seconds * fps)
        self._seen: Counter[int] = Counter()
        self._first_seen: dict[int, float] = {}
        self._numbers: dict[int, int] = {}

    def update(
        self, bboxes: ArrayLike, scores: ArrayLike, seconds: float | None = None
    ) -> np.ndarray:
        """Take the next frame's boxes; to be called for frames without any as well.

        Args:
            bboxes: (N, 4) pixels (left, top, right, bottom); N may be 0.
            scores: (N,).
            seconds: When the frame was taken, on any clock, for frames that do not come
                at an even rate. Given for all frames or for none.

        Returns:
            (N,) int64: numbers of the people, 0, 1, 2 … in order of appearance; -1 for
            a person not yet confirmed, a low score or a second box of a person.

        Raises:
            ValueError: If the boxes or scores are not of these shapes or not finite, or
                a box has no width or height.
        """
        boxes, marks = check_detections(bboxes, scores)
        rows = without_duplicates(boxes, marks, self._max_overlap)
        # The library may reorder the boxes; the rows travel with them.
        tracked = self._tracker.update(
            self._detections(
                xyxy=boxes[rows], confidence=marks[rows], data={'row': rows}
            ),
            timestamp=seconds,
        )
        ids = np.full(len(boxes), -1, dtype=np.int64)
        if len(tracked):
            ids[tracked.data['row']] = tracked.tracker_id
        # The library gives a track its number with its second box.
        for track in self._tracker.tracks:
            if track.tracker_id < 0:
                track.tracker_id = next(self._library_ids)
                first = (boxes == track.last_observation).all(-1) & (ids < 0)
                ids[first] = track.tracker_id
        return np.array([self._number(found, seconds) for found in ids], dtype=np.int64)

    def _number(self, found: int, seconds: float | None) -> int:
        """Our number of whom the library found; asked once for each box."""
        if found < 0:
            return -1
        self._seen[found] += 1
        if not self._is_confirmed(found, seconds):
            return -1
        return self._numbers.setdefault(found, len(self._numbers))

    def _is_confirmed(self, found: int, seconds: float | None) -> bool:
        if seconds is None:
            return self._seen[found] >= self._needed
        lasted = seconds - self._first_seen.setdefault(found, seconds)
        # Never by one box, unless every box is to count.
        is_again = self._seen[found] > 1 or self._needed == 1
        return is_again and lasted >= self._confirm_seconds


def _require_trackers() -> tuple[ModuleType, ModuleType]:
    """Import the tracking library, which nothing else in the package needs."""
    try:
        import supervision
        import trackers
    except ImportError as error:
        # trackers names opencv-python, which must not meet the headless OpenCV.
        raise ImportError(
            f'people are tracked with the library trackers, which cannot be imported '
            f'({error}). Install it: pip install supervision && '
            f'pip install --no-deps trackers'
        ) from error
    return trackers, supervision
