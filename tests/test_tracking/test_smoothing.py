"""Smoothing of whole motions and of live ones."""

from dataclasses import replace

import numpy as np
import pytest
import roma
import torch

from deforhmr_mm.structures import Motion, PersonMotion
from deforhmr_mm.tracking import (
    OneEuroFilter,
    OnlineSmoother,
    SmoothingSettings,
    shared_betas,
    smooth_motion,
)

FPS = 30.0
ARRAYS = ('global_orient', 'body_pose', 'transl')


def rotations(vectors):
    return roma.rotvec_to_rotmat(torch.as_tensor(vectors)).numpy()


def make_person(frames, transl, vectors, person_id=0):
    """A person of rotation vectors (T, 24, 3) and places (T, 3)."""
    length = len(frames)
    turned = rotations(np.asarray(vectors)).astype(np.float32)
    return PersonMotion(
        person_id=person_id,
        frames=np.asarray(frames, dtype=np.int64),
        global_orient=turned[:, 0],
        body_pose=turned[:, 1:],
        betas=np.linspace(-1, 1, 10, dtype=np.float32),
        transl=np.asarray(transl, dtype=np.float32).reshape(length, 3),
        bboxes=np.tile(np.float32([0, 0, 9, 9]), (length, 1)),
        bbox_scores=np.ones(length, np.float32),
        observed=np.ones(length, bool),
    )


def motion_of(*people, fps=FPS, num_frames=400):
    return Motion(fps, num_frames, (480, 640), 900.0, (319.5, 239.5), people)


def slow_person(length=120, noise=0.0, seed=0):
    """Somebody who turns slowly and walks away, and how a model sees that."""
    rng = np.random.default_rng(seed)
    time = np.arange(length) / FPS
    start = rng.normal(0, 0.5, (24, 3))
    vectors = start + 0.2 * time[:, None, None] * rng.normal(0, 0.5, (24, 3))
    turned = rotations(vectors) @ rotations(rng.normal(0, noise, vectors.shape))
    depth = 4 + 0.3 * time
    sight = np.stack([0.1 + 0.02 * time, 0.05 - 0.01 * time], -1)
    sight = sight + rng.normal(0, 0.04 * noise, sight.shape)
    depth = depth * np.exp(rng.normal(0, noise, depth.shape))
    place = np.concatenate([sight * depth[:, None], depth[:, None]], -1)
    person = make_person(range(length), place, vectors)
    turned = turned.astype(np.float32)
    return replace(person, global_orient=turned[:, 0], body_pose=turned[:, 1:])


def angles(first, second):
    return roma.rotmat_geodesic_distance(
        torch.as_tensor(first).double(), torch.as_tensor(second).double()
    ).numpy()


def root_mean_square(values):
    return np.sqrt(np.square(values).mean())


def test_who_does_not_move_is_not_changed():
    person = make_person(
        range(30),
        np.tile([0.3, -0.2, 4.0], (30, 1)),
        np.random.default_rng(0).normal(size=(1, 24, 3)).repeat(30, 0),
    )
    (smooth,) = smooth_motion(motion_of(person)).people
    for name in ARRAYS:
        before, after = getattr(person, name), getattr(smooth, name)
        np.testing.assert_allclose(after, before, atol=1e-6)
        assert after.dtype == np.float32
    assert smooth.betas is person.betas and smooth.bboxes is person.bboxes


def test_noise_is_reduced():
    true, noisy = slow_person(), slow_person(noise=0.05)
    (smooth,) = smooth_motion(motion_of(noisy)).people
    inner = slice(15, -15)
    for name in ('global_orient', 'body_pose'):
        raw, left = (
            root_mean_square(angles(getattr(p, name), getattr(true, name))[inner])
            for p in (noisy, smooth)
        )
        assert left < 0.5 * raw, name
    raw, left = (
        root_mean_square((p.transl[:, 2] / true.transl[:, 2] - 1)[inner])
        for p in (noisy, smooth)
    )
    assert left < 0.3 * raw
    raw, left = (
        root_mean_square((p.transl / p.transl[:, 2:] - true_sight(true))[inner])
        for p in (noisy, smooth)
    )
    assert left < 0.45 * raw


def true_sight(person):
    return person.transl / person.transl[:, 2:]


def test_fast_movements_do_not_lag():
    """An arm that swings through 90 degrees and back in half a second."""
    time = np.arange(90) / FPS
    vectors = np.zeros((90, 24, 3))
    vectors[:, 16, 2] = np.pi / 4 * np.sin(2 * np.pi * 2 * time)
    person = make_person(range(90), np.tile([0, 0, 3.0], (90, 1)), vectors)
    (smooth,) = smooth_motion(motion_of(person)).people
    off = angles(smooth.body_pose[:, 15], person.body_pose[:, 15])[15:-15]
    assert np.rad2deg(off.max()) < 3

    def swing(person):
        return roma.rotmat_to_rotvec(torch.from_numpy(person.body_pose))[15:-15, 15, 2]

    # The best shift between the two is none, which it is not live.
    shifts = {s: (swing(smooth).roll(s) * swing(person)).sum() for s in (-1, 0, 1)}
    assert max(shifts, key=shifts.get) == 0
    live = np.stack([result.body_pose for result in feed(OnlineSmoother(), person)])
    off = angles(live[:, 15], person.body_pose[:, 15])[15:]
    assert 5 < np.rad2deg(off.max()) < 12


def test_noise_in_depth_does_not_move_the_body_in_the_picture():
    rng = np.random.default_rng(3)
    depth = 4 * np.exp(rng.normal(0, 0.1, (60, 1)))
    place = np.concatenate([0.4 * depth, -0.3 * depth, depth], -1)
    person = make_person(range(60), place, np.zeros((60, 24, 3)))
    (smooth,) = smooth_motion(motion_of(person)).people
    assert smooth.transl[:, 2].std() < 0.4 * depth.std()
    pixels = 900 * smooth.transl[:, :2] / smooth.transl[:, 2:]
    np.testing.assert_allclose(pixels, np.tile([360, -270], (60, 1)), atol=1e-3)


def part(person, rows):
    names = ('frames', *ARRAYS, 'bboxes', 'bbox_scores', 'observed')
    return replace(person, **{name: getattr(person, name)[rows] for name in names})


def test_nothing_is_smoothed_across_long_gaps():
    person = slow_person(60, noise=0.05)
    frames = np.arange(60)
    short, long = (np.where(frames < 30, frames, frames + n) for n in (14, 15))
    alone = [
        smooth_motion(motion_of(part(person, rows))).people[0]
        for rows in (slice(0, 30), slice(30, 60))
    ]
    (over,) = smooth_motion(motion_of(replace(person, frames=short))).people
    (apart,) = smooth_motion(motion_of(replace(person, frames=long))).people
    for name in ARRAYS:
        expected = np.concatenate([getattr(p, name) for p in alone])
        np.testing.assert_allclose(getattr(apart, name), expected, atol=1e-6)
        assert abs(getattr(over, name) - expected).max() > 1e-3
    settings = SmoothingSettings(max_gap_seconds=1.0)
    (joined,) = smooth_motion(motion_of(replace(person, frames=long)), settings).people
    assert abs(joined.transl - apart.transl).max() > 1e-3


def test_turning_the_world_turns_the_result():
    person = slow_person(40, noise=0.1)
    turn = rotations(np.float32([0.3, -2.0, 1.0]))
    turned = replace(person, global_orient=turn @ person.global_orient)
    (first,) = smooth_motion(motion_of(person)).people
    (second,) = smooth_motion(motion_of(turned)).people
    np.testing.assert_allclose(
        second.global_orient, turn @ first.global_orient, atol=1e-5
    )
    np.testing.assert_allclose(second.body_pose, first.body_pose, atol=1e-6)


def test_inputs_stay_and_everybody_is_smoothed_alone():
    person, nobody = (
        slow_person(40, noise=0.1),
        make_person([], [], np.zeros((0, 24, 3))),
    )
    copies = {name: getattr(person, name).copy() for name in ARRAYS}
    other = replace(slow_person(40, noise=0.1, seed=1), person_id=5)
    smooth = smooth_motion(motion_of(person, nobody, other))
    assert [len(p) for p in smooth.people] == [40, 0, 40]
    assert [p.person_id for p in smooth.people] == [0, 0, 5]
    (alone,) = smooth_motion(motion_of(other)).people
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(person, name), copies[name])
        np.testing.assert_allclose(
            getattr(smooth.people[2], name), getattr(alone, name), atol=1e-6
        )


def test_who_is_behind_the_camera_is_named():
    place = np.tile([0.0, 0, 4], (5, 1))
    place[3, 2] = -1
    person = make_person([2, 3, 5, 7, 8], place, np.zeros((5, 24, 3)), person_id=6)
    with pytest.raises(ValueError, match='person 6 .* in frame 7: transl'):
        smooth_motion(motion_of(person))


def test_a_number_that_is_none_is_named():
    person = slow_person(5)
    person.body_pose[3, 7, 0, 0] = np.nan
    with pytest.raises(ValueError, match='person 0 in frame 3: body_pose must be fin'):
        smooth_motion(motion_of(person))
    smoother = OnlineSmoother()
    feed(smoother, person, [0, 1])
    with pytest.raises(ValueError, match=r'person 0 at 0.1 s: body_pose must be fin'):
        feed(smoother, person, [3])
    with pytest.raises(ValueError, match=r'transl .* shape \(3,\), .*shape \(1, 3\)'):
        smoother.update(
            0,
            1.0,
            *(getattr(person, n)[2] for n in ARRAYS[:2]),
            person.transl[2:3],
            person.betas,
        )
    with pytest.raises(ValueError, match='betas must be 10 numbers as before, got 9'):
        feed(smoother, replace(person, betas=person.betas[:9]), [2])


def feed(smoother, person, rows=None, person_id=0):
    return [
        smoother.update(
            person_id,
            person.frames[i] / FPS,
            person.global_orient[i],
            person.body_pose[i],
            person.transl[i],
            person.betas + np.float32(0.1 * i),
        )
        for i in (range(len(person)) if rows is None else rows)
    ]


def test_live_is_the_filter_run_forward():
    person, settings = slow_person(30, noise=0.1), SmoothingSettings()
    results = feed(OnlineSmoother(), person)
    times = person.frames / FPS
    for name, given in (
        ('global_orient', person.global_orient),
        ('body_pose', person.body_pose),
    ):
        expected = settings.rotation.follow(given, times)
        found = np.stack([getattr(result, name) for result in results])
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert found.dtype == np.float32
    place = person.transl.astype(float)
    sight = place[:, :2] / place[:, 2:]
    direction = settings.direction.follow(sight, times)
    depth = settings.log_depth.follow(np.log(place[:, 2:]), times)
    found = np.stack([result.transl for result in results])
    np.testing.assert_allclose(found[:, :2] / found[:, 2:], direction, atol=1e-6)
    np.testing.assert_allclose(found[:, 2:], np.exp(depth), rtol=1e-6)
    # The mean of 0, 0.1 … 2.9 on top of the shape.
    np.testing.assert_allclose(results[-1].betas, person.betas + 1.45, atol=1e-5)
    np.testing.assert_allclose(results[0].betas, person.betas)


def test_live_people_do_not_mix_and_are_forgotten():
    one, other = slow_person(60, noise=0.1), slow_person(60, noise=0.1, seed=1)
    smoother, alone = OnlineSmoother(), OnlineSmoother()
    for i in range(10):
        (mixed,) = feed(smoother, one, [i], person_id=3)
        feed(smoother, other, [i], person_id=8)
        (expected,) = feed(alone, one, [i])
        np.testing.assert_array_equal(mixed.body_pose, expected.body_pose)
    assert smoother.person_ids == [3, 8]
    feed(smoother, one, range(10, 25), person_id=3)  # the other gone for 0.5 s
    assert smoother.person_ids == [3, 8]
    feed(smoother, one, [25], person_id=3)
    assert smoother.person_ids == [3]
    (again,) = feed(smoother, other, [26], person_id=8)
    np.testing.assert_allclose(again.body_pose, other.body_pose[26], atol=1e-6)
    np.testing.assert_allclose(again.betas, other.betas + 2.6, atol=1e-6)


def test_live_errors_leave_no_trace():
    person, smoother = slow_person(5, noise=0.1), OnlineSmoother()
    feed(smoother, person, [0, 1])
    with pytest.raises(ValueError, match='time must be later'):
        feed(smoother, person, [1])
    behind = replace(person, transl=-person.transl)
    with pytest.raises(ValueError, match='person 4 at .* in front of the camera'):
        feed(smoother, behind, [2], person_id=4)
    assert smoother.person_ids == [0]
    (found,) = feed(smoother, person, [2])
    expected = feed(OnlineSmoother(), person, [0, 1, 2])[-1]
    np.testing.assert_array_equal(found.body_pose, expected.body_pose)


def test_settings_choose_how_much():
    person = slow_person(60, noise=0.1)
    off = SmoothingSettings(log_depth=OneEuroFilter(min_cutoff=1e6))
    (found,) = smooth_motion(motion_of(person), off).people
    np.testing.assert_allclose(found.transl[:, 2], person.transl[:, 2], rtol=1e-3)


@pytest.mark.parametrize('length', [1, 4, 5])
def test_shared_betas_is_a_median(length):
    rng = np.random.default_rng(length)
    betas = rng.normal(size=(length, 10))
    np.testing.assert_allclose(shared_betas(betas), np.median(betas, 0), rtol=1e-6)
    weights = rng.integers(0, 4, length) + (np.arange(length) == 0)
    repeated = np.repeat(betas, weights, axis=0)
    np.testing.assert_allclose(
        shared_betas(betas, weights * 0.1), np.median(repeated, 0), rtol=1e-6
    )


def test_a_third_of_wild_frames_hardly_counts():
    rng = np.random.default_rng(0)
    betas = rng.normal(0, 0.1, (90, 10)) + np.arange(10)
    betas[::3] += 20
    assert abs(shared_betas(betas) - np.arange(10)).max() < 0.15


@pytest.mark.parametrize(
    ('betas', 'weights', 'message'),
    [
        (np.zeros((0, 10)), None, r'T > 0, got \(0, 10\)'),
        (np.zeros(10), None, r'got \(10,\)'),
        (np.zeros((2, 10)), [1.0], r'weights: expected 2 numbers'),
        (np.zeros((2, 10)), [1.0, -1.0], r'none negative'),
        (np.zeros((2, 10)), [0.0, 0.0], r'one positive'),
    ],
)
def test_what_is_wrong_with_shapes(betas, weights, message):
    with pytest.raises(ValueError, match=message):
        shared_betas(betas, weights)
