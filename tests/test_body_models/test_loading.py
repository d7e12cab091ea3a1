"""Body files: what is read, and what is said about files that are wrong."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from deforhmr_mm.body_models import (
    LANDMARK_NAMES,
    SMPL_LANDMARK_IDS,
    BodyFileError,
    UnsafePickleError,
    body_fingerprint,
    load_joint_regressor,
    load_smpl_file,
)


def _save(folder: Path, arrays: dict, name: str = 'body.npz') -> Path:
    path = folder / name
    np.savez(path, **arrays)
    return path


def test_npz_and_pkl_are_one_body(tmp_path: Path, smpl_arrays) -> None:
    single = {
        k: v.astype(np.float32) if v.dtype.kind == 'f' else v
        for k, v in smpl_arrays.items()
    }
    pickled = tmp_path / 'body.pkl'
    pickled.write_bytes(pickle.dumps(smpl_arrays, protocol=2))
    first = load_smpl_file(_save(tmp_path, single))
    second = load_smpl_file(pickled)
    np.testing.assert_array_equal(first.faces, smpl_arrays['f'])
    np.testing.assert_allclose(first.posedirs, second.posedirs, atol=1e-9)
    assert body_fingerprint(first) == body_fingerprint(second)


@pytest.mark.parametrize(
    'key', ['v_template', 'shapedirs', 'posedirs', 'weights', 'J_regressor', 'f']
)
def test_fingerprint_tells_bodies_apart(tmp_path: Path, smpl_arrays, key: str) -> None:
    before = body_fingerprint(load_smpl_file(_save(tmp_path, smpl_arrays)))
    changed = {**smpl_arrays, key: smpl_arrays[key].copy()}
    changed[key][0] = changed[key][0][::-1]
    assert body_fingerprint(load_smpl_file(_save(tmp_path, changed))) != before
    assert len(before) == 16 and int(before, 16) >= 0


def test_zero_pose_blend_shapes_are_dropped(tmp_path: Path, smpl_arrays) -> None:
    zero = {**smpl_arrays, 'posedirs': np.zeros((60, 3, 207))}
    assert load_smpl_file(_save(tmp_path, zero)).posedirs is None
    del zero['posedirs']
    assert load_smpl_file(_save(tmp_path, zero)).posedirs is None


@pytest.mark.parametrize(
    ('key', 'value', 'expected', 'came'),
    [
        ('v_template', None, r'\(V, 3\)', 'no such key; the file has: J_regressor, f'),
        ('v_template', np.zeros((60, 4)), r'\(V, 3\)', r'shape \(60, 4\)'),
        ('v_template', np.full((60, 3), np.nan), r'\(V, 3\)', 'not finite'),
        ('v_template', np.full((60, 3), 'x'), 'of numbers', 'type <U1'),
        ('v_template', np.zeros((0, 3)), r'\(V, 3\)', r'empty shape \(0, 3\)'),
        ('weights', np.zeros((60, 55)), r'\(60, 24\)', r'shape \(60, 55\)'),
        ('J_regressor', np.zeros((24, 61)), r'\(24, 60\)', r'shape \(24, 61\)'),
        ('shapedirs', np.zeros((60, 3)), r'\(60, 3, num_betas\)', r'shape \(60, 3\)'),
        ('posedirs', np.zeros((60, 3, 9)), r'\(60, 3, 207\)', r'shape \(60, 3, 9\)'),
        ('f', np.full((4, 3), 60), 'vertices 0 to 59', '60 to 60'),
        ('f', np.zeros((4, 3)), 'of numbers', 'type float64'),
        ('kintree_table', np.zeros((2, 55), int), r'\(2, 24\)', r'shape \(2, 55\)'),
        ('kintree_table', np.full((2, 24), 23), 'parents before children', '23'),
    ],
)
def test_wrong_keys(tmp_path: Path, smpl_arrays, key, value, expected, came) -> None:
    if value is None:
        del smpl_arrays[key]
    else:
        smpl_arrays[key] = value
    path = _save(tmp_path, smpl_arrays, 'wrong.npz')
    with pytest.raises(BodyFileError, match=f'wrong.npz.*{key}.*{expected}.*{came}'):
        load_smpl_file(path)


def test_files_that_are_none(tmp_path: Path, smpl_arrays) -> None:
    with pytest.raises(FileNotFoundError, match='no body model at .*absent.npz'):
        load_smpl_file(tmp_path / 'absent.npz')
    text = tmp_path / 'body.txt'
    text.write_text('body')
    with pytest.raises(BodyFileError, match=r"\.npz or \.pkl file, got '\.txt'"):
        load_smpl_file(text)
    whole = _save(tmp_path, smpl_arrays)
    cut = tmp_path / 'cut.npz'
    for size in (0, 100, whole.stat().st_size // 2):
        cut.write_bytes(whole.read_bytes()[:size])
        with pytest.raises(BodyFileError, match='cut.npz is not a readable .npz'):
            load_smpl_file(cut)
    objects = _save(tmp_path, {**smpl_arrays, 'f': np.array([{}, []], object)})
    with pytest.raises(BodyFileError, match='not a readable .npz of plain arrays'):
        load_smpl_file(objects)


def test_landmarks_of_smpl() -> None:
    assert tuple(SMPL_LANDMARK_IDS) == LANDMARK_NAMES
    # Source: smplx's vertex_ids['smplh'].
    known = {'nose': 332, 'left_eye': 2800, 'right_small_toe': 6624, 'left_pinky': 2673}
    assert {name: SMPL_LANDMARK_IDS[name] for name in known} == known


def test_joint_regressors_of_both_kinds(tmp_path: Path) -> None:
    weights = np.arange(6.0).reshape(2, 3) / 15
    np.save(tmp_path / 'dense.npy', weights)
    for name, value in (
        ('dense', weights),
        ('sparse', scipy.sparse.csc_matrix(weights)),
    ):
        (tmp_path / f'{name}.pkl').write_bytes(pickle.dumps(value, protocol=2))
    for name in ('dense.npy', 'dense.pkl', 'sparse.pkl'):
        read = load_joint_regressor(tmp_path / name, 2, 3)
        np.testing.assert_array_equal(read, weights)
    with pytest.raises(BodyFileError, match=r'shape \(17, 3\) .* got \(2, 3\)'):
        load_joint_regressor(tmp_path / 'dense.pkl', 17, 3)
    with pytest.raises(FileNotFoundError, match='no.pkl does not exist'):
        load_joint_regressor(tmp_path / 'no.pkl', 2, 3)
    for content, expected in (
        (pickle.dumps({'a': 1}), 'expected an array, got dict'),
        (b'hello', 'not a readable pickle of a joint regressor'),
    ):
        (tmp_path / 'bad.pkl').write_bytes(content)
        with pytest.raises(BodyFileError, match=expected):
            load_joint_regressor(tmp_path / 'bad.pkl', 2, 3)
    (tmp_path / 'bad.pkl').write_bytes(b'cos\nsystem\n(S"exit"\ntR.')
    with pytest.raises(UnsafePickleError, match='names os.system'):
        load_joint_regressor(tmp_path / 'bad.pkl', 2, 3)
