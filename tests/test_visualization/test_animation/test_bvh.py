"""BVH files, read and moved a second time."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deforhmr_mm.structures import SMPL_PARENTS, get_keypoint_set
from deforhmr_mm.visualization.animation import encode_bvh
from deforhmr_mm.visualization.animation.bvh import continuous_euler_angles
from tests.bvh_reading import read_bvh

NAMES = get_keypoint_set('smpl24').names


def in_smpls_order(bvh):
    return [bvh.names.index(name) for name in NAMES]


@pytest.mark.parametrize('scale', [1.0, 100.0])
def test_the_file_moves_as_the_body_does(make_person, open_body, pose_body, scale):
    person = make_person(2, range(5, 11))
    bvh = read_bvh(encode_bvh(person, open_body, 30.0, scale=scale))
    _, joints = pose_body(open_body, person)
    placed = bvh.positions()[:, in_smpls_order(bvh)] / scale
    error = np.linalg.norm(placed - joints[:, :24], axis=-1).max()
    # Numbers have six digits behind the point: micrometres and microdegrees.
    assert error < 2e-5
    assert bvh.frame_time == pytest.approx(1 / 30, abs=1e-9)


def test_the_hierarchy_is_smpls(make_person, open_body):
    bvh = read_bvh(encode_bvh(make_person(2, [0]), open_body, 30.0))
    above = {name: bvh.parents[i] for i, name in enumerate(bvh.names)}
    for name, parent in zip(NAMES, SMPL_PARENTS, strict=True):
        expected = -1 if parent < 0 else bvh.names.index(NAMES[parent])
        assert above[name] == expected
    rotations = ['Zrotation', 'Xrotation', 'Yrotation']
    assert bvh.channels[0] == ['Xposition', 'Yposition', 'Zposition', *rotations]
    assert bvh.channels[1:] == [rotations] * 23
    assert (bvh.offsets[0] == 0).all()


def test_last_bones_end_at_the_surface(make_person, open_body):
    person = replace(make_person(2, [0]), betas=np.zeros(10, np.float32))
    bvh = read_bvh(encode_bvh(person, open_body, 30.0))
    assert set(bvh.end_sites) == {
        'head', 'left_foot', 'right_foot', 'left_hand', 'right_hand'
    }  # fmt: skip
    # The crown lies above the head's joint, the finger tips beside the hands'.
    crown = np.array(bvh.end_sites['head'])
    assert crown.argmax() == 1 and 0.1 < np.linalg.norm(crown) < 0.3
    left, right = (
        np.array(bvh.end_sites[f'{side}_hand']) for side in ('left', 'right')
    )
    assert left[0] > 0.03 and right[0] < -0.03


def test_gaps_hold_the_pose(make_person, open_body):
    person = make_person(2, [4, 5, 9])
    bvh = read_bvh(encode_bvh(person, open_body, 30.0))
    assert len(bvh.rows) == 6
    np.testing.assert_array_equal(bvh.rows[2:5], bvh.rows[[1, 1, 1]])
    assert (bvh.rows[5] != bvh.rows[4]).all()


def test_smooth_turns_have_smooth_angles():
    """Two turns head over heels, a hand span from x = 90 degrees, and a spin."""
    steps = np.linspace(0, 2, 241)
    tumble = Rotation.from_euler('ZX', np.stack((0 * steps + 5, 360 * steps), 1), True)
    spin = Rotation.from_euler('Y', 360 * steps[:, None], True)
    both = Rotation.from_euler('Y', [10], True) * tumble
    rotations = np.stack([turn.as_matrix() for turn in (tumble, spin, both)], axis=1)
    angles = continuous_euler_angles(rotations)
    again = Rotation.from_euler('ZXY', angles.reshape(-1, 3), True).as_matrix()
    np.testing.assert_allclose(again.reshape(rotations.shape), rotations, atol=1e-6)
    changes = np.abs(np.diff(angles, axis=0)).max(axis=(0, 2))
    # Three degrees a frame; off the axis the angles turn faster, and never jump.
    assert changes[0] < 3.001 and changes[1] < 3.001 and changes[2] < 25


def test_at_a_quarter_turn_the_angles_stay_near():
    """Where only z + y is determined, the frame before decides."""
    before = Rotation.from_euler('ZXY', [40, 89, 30], True).as_matrix()
    locked = Rotation.from_euler('ZXY', [44, 90, 32], True).as_matrix()
    angles = continuous_euler_angles(np.stack((before, locked))[:, None])
    np.testing.assert_allclose(angles[1, 0], [43, 90, 33], atol=1e-4)
    down = Rotation.from_euler('ZXY', [[[40, -89, 30]], [[44, -90, 32]]], True)
    angles = continuous_euler_angles(down.as_matrix())
    np.testing.assert_allclose(angles[1, 0], [41, -90, 29], atol=1e-4)


def test_bad_arguments(make_person, open_body):
    with pytest.raises(ValueError, match='person 2 has none'):
        encode_bvh(make_person(2, []), open_body, 30.0)
    with pytest.raises(ValueError, match='fps must be a positive number, got 0'):
        encode_bvh(make_person(2, [0]), open_body, 0)
    with pytest.raises(ValueError, match='scale must be a positive number, got -1'):
        encode_bvh(make_person(2, [0]), open_body, 30.0, scale=-1)
    short = replace(make_person(2, [0]), betas=np.zeros(4, np.float32))
    with pytest.raises(ValueError, match=r'person 2: betas .* got \(4,\)'):
        encode_bvh(short, open_body, 30.0)
