"""What goes into the page comes out of it again, and skins to the body's vertices."""

import base64
import dataclasses

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import PersonMotion
from deforhmr_mm.visualization.viewer_data import (
    encode_picture,
    has_pose_blend_shapes,
    pack,
    pack_faces,
    pack_points,
    pack_skinned,
    pack_weights,
    posed_vertices,
)


def unpack(text, dtype):
    return np.frombuffer(base64.b64decode(text), np.dtype(dtype).newbyteorder('<'))


def unpack_points(record):
    steps = unpack(record['data'], 'uint16').reshape(-1, 3)
    return np.array(record['low']) + np.array(record['step']) * steps


@pytest.fixture(scope='module')
def body():
    return SMPL()


@pytest.fixture
def person():
    rng = np.random.default_rng(3)
    turns = Rotation.from_rotvec(rng.normal(scale=0.4, size=(5 * 24, 3))).as_matrix()
    turns = turns.reshape(5, 24, 3, 3).astype(np.float32)
    return PersonMotion(
        person_id=7,
        frames=np.array([0, 2, 3, 4, 9]),
        global_orient=turns[:, 0],
        body_pose=turns[:, 1:],
        betas=rng.normal(size=10).astype(np.float32),
        transl=rng.normal(size=(5, 3)).astype(np.float32) + (0, 0, 4),
        bboxes=np.zeros((5, 4), np.float32),
        bbox_scores=np.ones(5, np.float32),
        observed=np.ones(5, bool),
    )


def test_numbers_are_packed_little_endian():
    assert base64.b64decode(pack(np.array([[1, 258]]), 'uint16')) == b'\1\0\2\1'
    np.testing.assert_array_equal(unpack(pack([0.5, -2], 'float32'), 'f4'), [0.5, -2])


def test_points_are_turned_and_off_by_half_a_step_at_most():
    points = np.array([[0, 0, 2], [1.0, -1, 4], [0.3, 0.123456, 2.5]], np.float32)
    record = pack_points(points)
    assert record['low'] == [0, pytest.approx(-0.123456), -4]
    errors = np.abs(unpack_points(record) - points * (1, -1, -1))
    assert (errors <= 0.5001 * np.array(record['step'])).all()
    assert errors.max() < 2e-5


def test_one_point_is_itself():
    np.testing.assert_allclose(unpack_points(pack_points([[1, 2, 3]])), [[1, -2, -3]])


@pytest.mark.parametrize(
    'last, dtype', [(2**16 - 1, 'uint16'), (2**16, 'uint32')], ids=['short', 'long']
)
def test_faces_take_the_smallest_type_that_holds_them(last, dtype):
    record = pack_faces(np.array([[0, 1, last]], np.int32))
    assert record['type'] == dtype
    np.testing.assert_array_equal(unpack(record['data'], dtype), [0, 1, last])


def test_no_weight_is_lost_and_shares_sum_to_one():
    weights = np.array([[0, 1, 0, 0], [1 / 3, 1 / 3, 0, 1 / 3], [0.9999, 0, 1e-4, 0]])
    record = pack_weights(weights)
    counts = unpack(record['counts'], 'uint8')
    joints = unpack(record['joints'], 'uint8')
    assert record['num_joints'] == 4
    assert counts.tolist() == [1, 3, 2]
    assert joints.tolist() == [1, 0, 1, 3, 0, 2]
    back = np.zeros((3, 4))
    shares = unpack(record['weights'], 'uint16').astype(int)
    back[np.repeat(np.arange(3), counts), joints] = shares
    assert back.sum(1).tolist() == [65535] * 3
    np.testing.assert_allclose(back / 65535, weights, atol=1.1 / 65535)


def test_skinning_gives_the_bodys_vertices(body, person):
    rows = np.array([1, 4])
    record = pack_skinned(person, rows, body)
    matrices = unpack(record['matrices'], 'float32').reshape(2, 24, 3, 4)
    rest = unpack_points(record['rest'])
    rest = np.concatenate([rest, np.ones((len(rest), 1))], axis=1)
    moved = np.einsum(
        'vj,tjab,vb->tva', body.blend_weights.numpy(), matrices, rest, optimize=True
    )
    expected = body(
        torch.from_numpy(person.global_orient[rows, None]),
        torch.from_numpy(person.body_pose[rows]),
        torch.from_numpy(person.betas).expand(2, -1),
        torch.from_numpy(person.transl[rows]),
    ).vertices.numpy()
    np.testing.assert_allclose(moved, expected * (1, -1, -1), atol=5e-5)
    np.testing.assert_allclose(posed_vertices(person, rows, body), expected, atol=1e-6)


def test_motions_may_have_any_layout(body, person):
    rows = np.array([1, 4])
    # The joints innermost in memory.
    pose = np.ascontiguousarray(np.moveaxis(person.body_pose, 1, 3))
    other = dataclasses.replace(person, body_pose=np.moveaxis(pose, 3, 1))
    assert not other.body_pose[rows].flags.c_contiguous
    np.testing.assert_array_equal(
        posed_vertices(other, rows, body), posed_vertices(person, rows, body)
    )


def test_nobody_is_posed_to_no_vertices(body, person):
    none = np.zeros(0, int)
    assert posed_vertices(person, none, body).shape == (0, body.num_vertices, 3)
    assert pack_skinned(person, none, body)['matrices'] == ''


def test_pose_blend_shapes_are_noticed(body):
    assert not has_pose_blend_shapes(body)
    other = SMPL()
    other.posedirs = torch.zeros(207, 3 * body.num_vertices)
    other.posedirs[5, 100] = 0.01
    assert has_pose_blend_shapes(other)


@pytest.mark.parametrize('size', [(400, 100), (1, 1), (50, 1)])
def test_pictures_are_reduced_and_never_enlarged(size):
    image = np.full((*size, 3), (200, 100, 50), np.uint8)
    data = np.frombuffer(base64.b64decode(encode_picture(image, 100, 95)), np.uint8)
    read = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    assert read.shape[:2] == ((100, 25) if size == (400, 100) else size)
    np.testing.assert_allclose(read.mean((0, 1)), (200, 100, 50), atol=4)
