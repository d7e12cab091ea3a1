"""Numbers of people while a video comes in."""

import builtins

import numpy as np
import pytest

from deforhmr_mm.tracking import PersonTracker
from tests.crossing_people import detect, true_boxes


def usual_number(numbers, owners, who, frames):
    """The number that a person has most often in some frames."""
    found = [
        numbers[frame][owners[frame] == who]
        for frame in range(len(owners))[frames]
        if who in owners[frame]
    ]
    values, counts = np.unique(np.concatenate(found), return_counts=True)
    return values[counts.argmax()]


@pytest.mark.parametrize('fps', [15, 30])
@pytest.mark.parametrize('seed', range(10))
def test_numbers_survive_a_crossing(fps, seed):
    frames, owners = detect(true_boxes(fps), fps, seed)
    tracker = PersonTracker(fps)
    numbers = [tracker.update(*frame) for frame in frames]
    before, after = slice(None, round(1.6 * fps)), slice(round(2.4 * fps), None)
    first = [usual_number(numbers, owners, who, before) for who in (0, 1)]
    last = [usual_number(numbers, owners, who, after) for who in (0, 1)]
    assert sorted(first) == [0, 1]
    assert last == first


LEFT, RIGHT = [10.0, 10, 60, 160], [300.0, 10, 360, 170]


def test_people_are_numbered_as_they_are_confirmed():
    tracker = PersonTracker(fps=20, confirm_seconds=0.1)
    numbers = [tracker.update([LEFT], [0.9]).tolist()]
    for _ in range(3):
        numbers.append(tracker.update([RIGHT, LEFT], [0.9, 0.9]).tolist())
    assert numbers == [[-1], [-1, -1], [-1, 0], [1, 0]]


def test_a_number_lasts_through_misses_but_not_for_ever():
    tracker = PersonTracker(fps=10, max_gap_seconds=1.0, confirm_seconds=0)
    seen = [1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1] + [0] * 15 + [1, 1]
    numbers = [tracker.update([LEFT][:there], [0.9][:there]).tolist() for there in seen]
    there = np.flatnonzero(seen)
    assert [numbers[i] for i in there] == [[0]] * 5 + [[1]] * 2
    assert all(numbers[i] == [] for i in range(len(seen)) if i not in there)


def test_low_scores_and_second_boxes_have_no_number():
    tracker = PersonTracker(fps=10, min_score=0.5, confirm_seconds=0)
    shifted = [LEFT[0] + 2, *LEFT[1:]]
    for _ in range(3):
        numbers = tracker.update([shifted, RIGHT, LEFT], [0.6, 0.4, 0.9])
        assert numbers.dtype == np.int64 and numbers.tolist() == [-1, -1, 0]


@pytest.mark.parametrize('nothing', [[], np.zeros((0, 4)), np.zeros((0, 4), 'f4')])
def test_frames_without_anybody(nothing):
    tracker = PersonTracker(fps=30)
    for _ in range(3):
        assert tracker.update(nothing, []).shape == (0,)


@pytest.mark.parametrize(
    ('bboxes', 'scores', 'message'),
    [
        ([LEFT[:3]], [0.9], r'bboxes: expected shape \(N, 4\), got \(1, 3\)'),
        (LEFT, [0.9], r'bboxes: expected shape \(N, 4\), got \(4,\)'),
        ([LEFT], [0.9, 0.8], r'scores: expected shape \(1,\).*got \(2,\)'),
        ([LEFT], [], r'scores: expected shape \(1,\).*got \(0,\)'),
        ([], [0.5], r'bboxes: expected shape \(N, 4\), got \(0,\)'),
        ([LEFT, [np.nan, 0, 1, 1]], [0.9, 0.9], r'bboxes\[1\] = .*must be finite'),
        ([LEFT, [5, 0, 5, 1]], [0.9, 0.9], r'bboxes\[1\] = .*got 0 x 1 px'),
        ([LEFT, RIGHT], [0.9, np.nan], r'scores\[1\] must be finite, got nan'),
    ],
)
def test_what_is_wrong_with_a_frame(bboxes, scores, message):
    with pytest.raises(ValueError, match=message):
        PersonTracker(fps=30).update(bboxes, scores)


def test_a_bad_frame_leaves_no_trace():
    tracker = PersonTracker(fps=10, confirm_seconds=0)
    tracker.update([LEFT], [0.9])
    with pytest.raises(ValueError, match='finite'):
        tracker.update([RIGHT], [np.inf])
    assert tracker.update([LEFT], [0.9]).tolist() == [0]


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(fps=0), 'fps must be a positive number, got 0'),
        (dict(fps=np.nan), 'fps must be a positive number, got nan'),
        (dict(fps=30, max_gap_seconds=-1), 'max_gap_seconds must be .* or 0, got -1'),
        (dict(fps=30, confirm_seconds=-1), 'confirm_seconds must be'),
    ],
)
def test_what_is_wrong_with_the_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        PersonTracker(**settings)


def test_what_to_install_is_said_in_one_line(monkeypatch):
    imported = builtins.__import__

    def without_it(name, *rest, **more):
        if name == 'trackers':
            raise ImportError('No module named trackers')
        return imported(name, *rest, **more)

    monkeypatch.setattr(builtins, '__import__', without_it)
    with pytest.raises(ImportError, match=r'pip install --no-deps trackers') as caught:
        PersonTracker(fps=30)
    assert '\n' not in str(caught.value)


def test_time_by_the_clock():
    """A camera that is slower than its rate: 4 frames a second instead of 30."""
    tracker = PersonTracker(fps=30, max_gap_seconds=1.0, confirm_seconds=0.1)
    there = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1]
    numbers = [
        tracker.update([LEFT][:seen], [0.9][:seen], 7 + frame / 4).tolist()
        for frame, seen in enumerate(there)
    ]
    # Shown with the second box; half a second unseen is the same person, one and a
    # half is not.
    assert [found for found in numbers if found] == [[-1], [0], [0], [0], [-1], [1]]


def test_a_clock_that_confirms_at_once():
    tracker = PersonTracker(fps=30, confirm_seconds=0)
    assert tracker.update([LEFT], [0.9], 1.0).tolist() == [0]


def test_boxes_of_two_people_who_stand_in_line():
    shifted = [LEFT[0] + 2, *LEFT[1:]]
    tracker = PersonTracker(fps=10, confirm_seconds=0, max_overlap=1.0)
    for _ in range(3):
        assert sorted(tracker.update([shifted, LEFT], [0.9, 0.8])) == [0, 1]
