"""The One-Euro filter against a naive one, and what it promises."""

import math

import numpy as np
import pytest
import roma
import torch

from deforhmr_mm.tracking import OneEuroFilter, RotationOneEuroFilter


def naive_one_euro(values, times, min_cutoff, beta, d_cutoff):
    """The filter of one number after another, in plain Python."""

    def share(cutoff, period):
        tau = 1 / (2 * math.pi * cutoff)
        return 1 / (1 + tau / period)

    filtered, speed = [values[0]], 0.0
    for i in range(1, len(values)):
        period = times[i] - times[i - 1]
        a = share(d_cutoff, period)
        speed = a * (values[i] - values[i - 1]) / period + (1 - a) * speed
        a = share(min_cutoff + beta * abs(speed), period)
        filtered.append(a * values[i] + (1 - a) * filtered[-1])
    return filtered


SETTINGS = dict(min_cutoff=0.8, beta=0.6, d_cutoff=1.3)


def uneven_times(count, rng):
    return np.cumsum(rng.uniform(0.01, 0.08, count)).tolist()


def matrices(vectors):
    return roma.rotvec_to_rotmat(torch.as_tensor(vectors).double()).numpy()


def turns(angles, axis=(0.0, 0.6, 0.8)):
    """Rotations (..., 3, 3) by angles (...) in radians about an axis."""
    vectors = np.asarray(angles)[..., None] * np.array(axis)
    return matrices(vectors)


def random_rotations(*shape, seed=0):
    return matrices(np.random.default_rng(seed).normal(size=(*shape, 3)))


def test_numbers_are_filtered_as_naively():
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(size=(50, 2, 3)), axis=0)
    times = uneven_times(50, rng)
    filtered = OneEuroFilter(**SETTINGS).follow(values[..., None], times)
    for i in range(2):
        for j in range(3):
            expected = naive_one_euro(values[:, i, j].tolist(), times, **SETTINGS)
            np.testing.assert_allclose(filtered[:, i, j, 0], expected)


def test_turns_about_an_axis_are_filtered_as_their_angle():
    """Many times around, so that 180 degrees are crossed again and again."""
    rng = np.random.default_rng(1)
    angles = np.cumsum(rng.normal(0.3, 0.3, 80))
    times = uneven_times(80, rng)
    expected = naive_one_euro(angles.tolist(), times, **SETTINGS)
    assert angles[-1] > 4 * np.pi
    filtered = RotationOneEuroFilter(**SETTINGS).follow(turns(angles), times)
    np.testing.assert_allclose(filtered, turns(expected), atol=1e-9)


def test_the_axes_do_not_matter():
    rotations, times = random_rotations(30, 4), np.arange(30) / 30
    fixed = random_rotations(seed=7)
    follow = RotationOneEuroFilter(min_cutoff=1.0, beta=0.5).follow
    filtered = follow(rotations, times)
    np.testing.assert_allclose(
        follow(fixed @ rotations, times), fixed @ filtered, atol=1e-9
    )
    np.testing.assert_allclose(
        follow(rotations @ fixed, times), filtered @ fixed, atol=1e-9
    )
    points = np.random.default_rng(0).normal(size=(30, 4, 3))
    follow = OneEuroFilter(min_cutoff=1.0, beta=0.5).follow
    np.testing.assert_allclose(
        follow(points @ fixed.T, times), follow(points, times) @ fixed.T, atol=1e-9
    )


@pytest.mark.parametrize('method', ['follow', 'smooth'])
def test_what_stays_is_not_changed(method):
    times = np.arange(20) / 30
    vectors = np.tile([[1.3, -2.0, 1e4]], (20, 1, 1))
    np.testing.assert_array_equal(
        getattr(OneEuroFilter(), method)(vectors, times), vectors
    )
    rotations = np.tile(random_rotations(2), (20, 1, 1, 1))
    filtered = getattr(RotationOneEuroFilter(), method)(rotations, times)
    np.testing.assert_allclose(filtered, rotations, atol=1e-9)


def angle_between(first, second):
    distance = roma.rotmat_geodesic_distance(*map(torch.tensor, (first, second)))
    return distance.numpy()


def root_mean_square(values):
    return np.sqrt(np.square(values).mean())


def test_noise_on_a_slow_turn_is_reduced():
    times = np.arange(300) / 30
    true = turns(0.2 * times)
    noise = np.random.default_rng(0).normal(0, 0.05, (300, 3))
    noisy = true @ matrices(noise)
    filters = RotationOneEuroFilter(min_cutoff=1.0, beta=0.5)
    raw, live, whole = (
        root_mean_square(angle_between(seen, true)[30:-30])
        for seen in (noisy, filters.follow(noisy, times), filters.smooth(noisy, times))
    )
    # Live it lags by 0.2 / (2 pi (1 + 0.1)) = 0.03 rad as well.
    assert live < 0.55 * raw
    assert whole < 0.35 * raw


@pytest.mark.parametrize('speed', [0.5, 4.0, 20.0])
@pytest.mark.parametrize('fps', [30, 120])
def test_the_lag_is_bounded_at_any_speed(speed, fps):
    beta = 1.5
    times = np.arange(4 * fps) / fps
    true = turns(speed * times)
    filters = RotationOneEuroFilter(min_cutoff=1.0, beta=beta)
    lag = angle_between(filters.follow(true, times), true)[-1]
    expected = speed / (2 * math.pi * (1.0 + beta * speed))
    assert lag == pytest.approx(expected, rel=1e-3)
    assert lag < 1 / (2 * math.pi * beta)
    # With the whole video known there is no lag, but at its ends.
    middle = slice(2 * fps - 5, 2 * fps + 5)
    lag = angle_between(filters.smooth(true, times), true)[middle]
    assert lag.max() < 0.02 * expected


def test_a_jump_is_not_overshot():
    values = np.repeat([0.0, 1.0], [10, 30])[:, None]
    filtered = OneEuroFilter(beta=2.0).follow(values, np.arange(40) / 30)
    assert (np.diff(filtered, axis=0) >= 0).all() and filtered.max() <= 1


def test_frame_rates_are_alike():
    follow = RotationOneEuroFilter(min_cutoff=1.0, beta=1.0).follow
    filtered = {}
    for fps in (30, 60, 120):
        times = np.arange(3 * fps) / fps
        angles = 0.8 * np.sin(2 * np.pi * 0.7 * times)
        filtered[fps] = follow(turns(angles), times)[:: fps // 30]
    assert angle_between(filtered[30], filtered[120]).max() < 0.05
    assert angle_between(filtered[60], filtered[120]).max() < 0.02


def test_rotations_stay_rotations():
    rotations = random_rotations(500, 3).astype(np.float32)
    filtered = RotationOneEuroFilter(min_cutoff=0.3).follow(
        rotations, np.arange(500) / 30
    )
    # Input is off by as much.
    unit = abs(np.swapaxes(filtered, -1, -2) @ filtered - np.eye(3))
    assert unit.max() < 1e-6 and (np.linalg.det(filtered) > 0).all()


def test_step_by_step_is_the_whole_and_nothing_is_changed():
    values = np.random.default_rng(0).normal(size=(20, 2, 3))
    before, times = values.copy(), np.arange(20) / 30
    follow, state = OneEuroFilter(beta=1.0), None
    whole = follow.follow(values, times)
    for value, time, expected in zip(values, times, whole, strict=True):
        old = state
        kept = None if old is None else [part.copy() for part in old[1:]]
        state = follow.step(old, value, time)
        np.testing.assert_array_equal(state.value, expected)
        if old is not None:
            assert all(map(np.array_equal, old[1:], kept))
    np.testing.assert_array_equal(values, before)


def test_streams_of_nothing():
    nothing = np.zeros((0, 24, 3, 3))
    assert RotationOneEuroFilter().smooth(nothing, []).shape == nothing.shape
    assert OneEuroFilter().follow(np.zeros((0, 3)), []).shape == (0, 3)


def test_what_is_wrong_is_said():
    filters = OneEuroFilter()
    state = filters.step(None, np.zeros(3), 2.0)
    with pytest.raises(ValueError, match='later than 2.0 s, got 2.0 s'):
        filters.step(state, np.zeros(3), 2.0)
    with pytest.raises(ValueError, match=r'expected shape \(3,\) as before, got \(4,'):
        filters.step(state, np.zeros(4), 3.0)
    for name in ('min_cutoff', 'd_cutoff'):
        with pytest.raises(ValueError, match=f'{name} must be a positive .* got 0'):
            OneEuroFilter(**{name: 0})
    with pytest.raises(ValueError, match='beta must be 0 or positive, got -1'):
        RotationOneEuroFilter(beta=-1)
