"""Everybody's boxes through a whole video."""

import numpy as np
import pytest

from deforhmr_mm.tracking import track_boxes
from deforhmr_mm.tracking.overlap import box_iou
from tests.crossing_people import detect, true_boxes


def owners_through_time(truth, tracklets):
    """For each true person the tracklets that cover them, frame by frame."""
    owners = [[], []]
    for frame, boxes in enumerate(truth):
        there = [t for t in tracklets if t.frames[0] <= frame <= t.frames[-1]]
        if len(there) < 2:
            continue
        found = np.array([t.bboxes[frame - t.frames[0]] for t in there])
        overlap = box_iou(boxes[:, None], found)
        # In the very middle the two true boxes hardly differ.
        if box_iou(*boxes) < 0.5:
            for who in (0, 1):
                owners[who].append(there[overlap[who].argmax()].person_id)
    return owners


def assert_each_has_one(truth, tracklets):
    assert [t.person_id for t in tracklets] == [0, 1]
    first, second = owners_through_time(truth, tracklets)
    assert len(first) > 0.7 * len(truth)
    assert len(set(first)) == len(set(second)) == 1
    assert set(first) != set(second)


@pytest.mark.parametrize('seed', range(10))
@pytest.mark.parametrize(
    ('fps', 'walk', 'detector'),
    [
        (30, {}, {}),
        (15, {}, dict(miss=0.15)),
        (60, {}, dict(miss=0.15)),
        (30, dict(speed=150.0), {}),
        (30, dict(speed=500.0), {}),
        (30, {}, dict(trouble_seconds=0.8)),
        (30, dict(heights=(380.0, 375.0)), dict(miss=0.15)),
    ],
    ids=['usual', '15 fps', '60 fps', 'slow', 'fast', 'long hidden', 'same size'],
)
def test_people_who_cross_keep_their_identities(fps, walk, detector, seed):
    truth = true_boxes(fps, **walk)
    frames, owners = detect(truth, fps, seed, **detector)
    tracklets = track_boxes(frames, fps)
    assert_each_has_one(truth, tracklets)
    first = owners_through_time(truth, tracklets)[0][0]
    for tracklet in tracklets:
        who = int(tracklet.person_id != first)
        seen = [frame for frame, whose in enumerate(owners) if who in whose]
        # From the first time that the detector saw the person to the last.
        np.testing.assert_array_equal(
            tracklet.frames, np.arange(seen[0], seen[-1] + 1, dtype=np.int64)
        )
        assert 0.6 < tracklet.observed.mean() < 0.95
        assert tracklet.frames.dtype == np.int64
        assert tracklet.bboxes.dtype == tracklet.scores.dtype == np.float32
        overlap = box_iou(tracklet.bboxes, truth[tracklet.frames, who])
        # Detections that jitter by 5 % overlap the truth by 0.84 on average.
        assert overlap.mean() > 0.88 and overlap.min() > 0.5


@pytest.mark.parametrize('seed', range(5))
def test_people_who_meet_in_plain_sight_and_turn_back(seed):
    truth = true_boxes(30, speed=150.0, turn_back=True, closest=90.0)
    frames, _ = detect(truth, 30, seed, trouble_seconds=0)
    assert_each_has_one(truth, track_boxes(frames, 30))


BOX = np.array([100.0, 50.0, 180.0, 250.0])


def walk(frames, speed=4.0):
    return BOX + np.asarray(frames)[:, None] * np.array([speed, 0, speed, 0])


def one_person(num_frames, missing=()):
    boxes = walk(range(num_frames))
    return [
        (np.zeros((0, 4)), []) if i in missing else (boxes[i : i + 1], [0.9])
        for i in range(num_frames)
    ]


@pytest.mark.parametrize('smooth', [True, False])
def test_gaps_are_bridged_and_even_movement_stays(smooth):
    missing = {9, 10, 11, 20}
    detections = one_person(40, missing)
    detections[3][1][0] = 0.7
    (tracklet,) = track_boxes(detections, fps=30, smooth=smooth)
    np.testing.assert_array_equal(tracklet.frames, np.arange(40))
    np.testing.assert_allclose(tracklet.bboxes, walk(range(40)), atol=1e-3)
    assert set(np.flatnonzero(~tracklet.observed)) == missing
    np.testing.assert_allclose(tracklet.scores[[2, 3, 10]], [0.9, 0.7, 0.9])


def test_smoothing_takes_jitter_away():
    rng = np.random.default_rng(0)
    true = walk(range(90), speed=2.0)
    noisy = true + rng.normal(0, 4.0, true.shape)
    detections = [(box[None], [0.9]) for box in noisy]
    (raw,) = track_boxes(detections, fps=30, smooth=False)
    (smooth,) = track_boxes(detections, fps=30)
    np.testing.assert_allclose(raw.bboxes, noisy, atol=1e-3)
    assert (smooth.bboxes - true).std() < 0.45 * 4.0
    jerk = [np.diff(t.bboxes, 2, axis=0).std() for t in (smooth, raw)]
    assert jerk[0] < 0.05 * jerk[1]


def test_a_long_absence_makes_another_person():
    away = set(range(20, 60))
    detections = one_person(80, away)
    first, second = track_boxes(detections, fps=30)
    assert (first.frames[-1], second.frames[0]) == (19, 60)
    assert (first.person_id, second.person_id) == (0, 1)
    assert len(track_boxes(detections, fps=30, max_gap_seconds=2.0)) == 1


def test_hidden_for_longer_than_the_tracker_follows():
    """Somebody who turns up elsewhere than a straight line says is found again."""
    boxes = np.concatenate([walk(range(30)), walk(range(30)) + [116 + 160, 0] * 2])
    detections = [(box[None], [0.9]) for box in boxes[:30]]
    detections += [(np.zeros((0, 4)), [])] * 25
    detections += [(box[None], [0.9]) for box in boxes[30:]]
    (tracklet,) = track_boxes(detections, fps=30)
    assert len(tracklet) == 85 and tracklet.observed.sum() == 60


def test_false_alarms_second_boxes_and_low_scores():
    detections = one_person(60)
    boxes = walk(range(60))
    for i in range(60):
        extra, scores = [boxes[i] + 3], [0.8]  # the person once more
        if i == 30:
            extra, scores = [*extra, [600, 10, 650, 120]], [*scores, 0.9]
        if i in (10, 11):
            detections[i] = (np.zeros((0, 4)), [])
            extra, scores = [boxes[i] + 1], [0.3]
        detections[i] = (
            np.concatenate([detections[i][0], extra]),
            [*detections[i][1], *scores],
        )
    (tracklet,) = track_boxes(detections, fps=30, smooth=False)
    assert len(tracklet) == 60 and tracklet.observed.all()
    expected = boxes + np.isin(range(60), (10, 11))[:, None]
    np.testing.assert_allclose(tracklet.bboxes, expected, atol=1e-3)


def test_scattered_false_alarms_are_nobody():
    detections = one_person(120)
    for i in range(10, 110, 12):
        boxes = np.concatenate([detections[i][0], [[600, 60, 680, 260]]])
        detections[i] = (boxes, [0.9, 0.9])
    (tracklet,) = track_boxes(detections, fps=30)
    np.testing.assert_allclose(tracklet.bboxes, walk(range(120)), atol=1e-3)


def test_a_person_who_is_there_from_the_start_of_a_contact():
    """Two who stand before each other all through a short video are both there."""
    other = walk(range(20)) + [30, 10, 30, 10]
    detections = [
        (np.stack(pair), [0.9, 0.8])
        for pair in zip(walk(range(20)), other, strict=True)
    ]
    tracklets = track_boxes(detections, fps=30)
    assert [t.observed.sum() for t in tracklets] == [20, 20]


def test_a_person_who_goes_behind_another_is_there_until_then():
    standing = np.repeat(BOX[None], 90, axis=0)
    # Comes within 20 pixels, and is not seen again.
    coming = standing[:40] + (np.arange(40)[::-1, None] * 8 + 20) * [1, 0, 1, 0]
    detections = [
        (np.stack([standing[i], *coming[i : i + 1]]), [0.9] * (1 + (i < 40)))
        for i in range(90)
    ]
    tracklets = track_boxes(detections, fps=30, smooth=False)
    assert [len(t) for t in tracklets] == [90, 40]
    np.testing.assert_allclose(tracklets[0].bboxes, standing, atol=1e-3)
    np.testing.assert_allclose(tracklets[1].bboxes, coming, atol=1e-3)


def test_short_videos_and_empty_ones():
    assert track_boxes([], fps=30) == []
    assert track_boxes([(np.zeros((0, 4)), [])] * 5, fps=30) == []
    (tracklet,) = track_boxes(one_person(1), fps=30)
    np.testing.assert_allclose(tracklet.bboxes, [BOX])
    assert len(track_boxes(one_person(2), fps=30)) == 1


def test_people_are_numbered_as_they_come():
    late, early = walk(range(40)), walk(range(40)) + [500, 0, 500, 0]
    detections = [
        (np.stack([late[i], early[i]][i < 10 :]), [0.9] * (1 + (i >= 10)))
        for i in range(40)
    ]
    tracklets = track_boxes(detections, fps=30)
    assert [(t.person_id, t.frames[0]) for t in tracklets] == [(0, 0), (1, 10)]
    np.testing.assert_allclose(tracklets[0].bboxes[0], early[0], atol=1e-3)


def test_inputs_stay_and_bad_ones_are_named():
    detections = one_person(5)
    copies = [(boxes.copy(), list(scores)) for boxes, scores in detections]
    track_boxes(detections, fps=30)
    for (boxes, scores), (before, marks) in zip(detections, copies, strict=True):
        np.testing.assert_array_equal(boxes, before)
        assert scores == marks
    detections[3] = (np.full((1, 4), np.nan), [0.9])
    with pytest.raises(ValueError, match=r'frame 3: bboxes\[0\] = .*finite'):
        track_boxes(detections, fps=30)
    with pytest.raises(ValueError, match='fps must be a positive number, got -1'):
        track_boxes([], fps=-1)


def test_boxes_of_people_are_kept_however_few():
    box = np.array([[10.0, 10, 60, 160]])
    frames = [(box, [1.0]) if n in (0, 7, 60) else (box[:0], []) for n in range(90)]
    assert track_boxes(frames, fps=30) == []
    known = dict(min_length_seconds=0, min_seen=0, max_overlap=1)
    first, second = track_boxes(frames, fps=30, **known)
    assert first.frames.tolist() == list(range(8)) and first.observed.sum() == 2
    assert second.frames.tolist() == [60]
    # Two who stand in line, in one frame.
    pair = np.concatenate([box, box + 2])
    assert len(track_boxes([(pair, [1.0, 1.0])], fps=30)) == 1
    assert len(track_boxes([(pair, [1.0, 1.0])], fps=30, **known)) == 2
