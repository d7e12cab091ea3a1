"""The restricted unpickler: SMPL's files in, everything else refused unrun."""

from __future__ import annotations

import os
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from deforhmr_mm.body_models import UnsafePickleError, load_smpl_file
from deforhmr_mm.body_models.safe_pickle import load_pickled_array, load_pickled_arrays
from tests.running_pickles import RunsCode


def _chumpy_class(monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> type:
    """A class that pickles as chumpy's do: by name, with its attributes as state."""
    package = types.ModuleType('chumpy')
    # Of an earlier call, where a file has several classes of one module.
    submodule = sys.modules.get(module, types.ModuleType(module))
    kind = type(name, (), {'__module__': module})
    setattr(submodule, name, kind)
    monkeypatch.setitem(sys.modules, 'chumpy', package)
    monkeypatch.setitem(sys.modules, module, submodule)
    return kind


def _chumpy(kind: type, **terms: object) -> object:
    made = kind()
    made.__dict__.update(
        terms,
        _dirty_vars={'x'},
        _itr=None,
        _make_dense=False,
        _make_sparse=False,
        _depends_on_deps={},
    )
    return made


def _as_python2(content: object, protocol: int) -> bytes:
    """A pickle with the module names of Python 2, numpy 1 and an old scipy."""
    written = pickle.dumps(content, protocol=protocol)
    for new, old in (
        (b'numpy._core.multiarray', b'numpy.core.multiarray'),
        (b'scipy.sparse._csc', b'scipy.sparse.csc'),
    ):
        written = written.replace(new, old)
    return written


@pytest.mark.parametrize('protocol', [0, 2])
def test_official_looking_file(
    tmp_path: Path, monkeypatch, smpl_arrays, protocol: int
) -> None:
    chumpy_array = _chumpy_class(monkeypatch, 'chumpy.ch', 'Ch')
    content = dict(smpl_arrays)
    content['shapedirs'] = _chumpy(chumpy_array, x=smpl_arrays['shapedirs'])
    content['J_regressor'] = scipy.sparse.csc_matrix(smpl_arrays['J_regressor'])
    content['bs_style'] = 'lbs'
    content['J_regressor_prior'] = np.zeros((2, 2))
    path = tmp_path / 'SMPL_NEUTRAL.pkl'
    path.write_bytes(_as_python2(content, protocol))
    assert b'chumpy' in path.read_bytes()
    monkeypatch.undo()

    data = load_smpl_file(path)

    assert 'chumpy' not in sys.modules
    for name, key in (('shapedirs', 'shapedirs'), ('joint_regressor', 'J_regressor')):
        np.testing.assert_array_equal(getattr(data, name), smpl_arrays[key])
    assert data.parents[0] == -1
    assert data.meta['body_name'] == 'SMPL_NEUTRAL'


def test_chumpy_arrays_that_reorder(tmp_path: Path, monkeypatch) -> None:
    x = np.arange(12.0).reshape(3, 4)
    inner = _chumpy(_chumpy_class(monkeypatch, 'chumpy.ch', 'Ch'), x=x)
    kinds = {
        name: _chumpy_class(monkeypatch, 'chumpy.reordering', name)
        for name in ('Select', 'Reshape', 'transpose')
    }
    chosen = np.array([1, 5, 9, 2])
    cube = np.arange(24.0).reshape(2, 3, 4)
    content = {
        'select': _chumpy(
            kinds['Select'], a=inner, idxs=chosen, preferred_shape=(2, 2)
        ),
        'flat': _chumpy(kinds['Select'], a=inner, idxs=chosen),
        'reshape': _chumpy(kinds['Reshape'], a=inner, newshape=(2, 6)),
        'transpose': _chumpy(kinds['transpose'], a=inner, axes=None),
        'turned': _chumpy(kinds['transpose'], a=cube, axes=(1, 2, 0)),
    }
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps(content, protocol=2))
    loaded = load_pickled_arrays(path)
    np.testing.assert_array_equal(loaded['select'], [[1.0, 5.0], [9.0, 2.0]])
    np.testing.assert_array_equal(loaded['flat'], [1.0, 5.0, 9.0, 2.0])
    np.testing.assert_array_equal(loaded['reshape'], [range(6), range(6, 12)])
    np.testing.assert_array_equal(
        loaded['transpose'], [[0, 4, 8], [1, 5, 9], [2, 6, 10], [3, 7, 11]]
    )
    assert loaded['turned'].shape == (3, 4, 2)
    assert loaded['turned'][2, 3, 1] == 23 and loaded['turned'][0, 0, 1] == 12
    assert loaded['turned'][1, 0, 0] == 4


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(tmp_path: Path, protocol: int) -> None:
    content = {
        'array': np.arange(6, dtype=np.float32).reshape(2, 3),
        'fortran': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        'sparse': scipy.sparse.csr_matrix(np.eye(3)),
        'scalar': np.float64(2.5),
        'text': 'lbs',
    }
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    loaded = load_pickled_arrays(path)
    for key, value in content.items():
        if key == 'sparse':
            value = value.toarray()
        np.testing.assert_array_equal(loaded[key], value)


@pytest.mark.parametrize(
    ('make', 'named'),
    [
        (lambda mark: RunsCode(os.system, f'touch {mark}'), r'(posix|nt)\.system'),
        (lambda mark: RunsCode(eval, f'open({str(mark)!r}, "w")'), r'eval'),
        (lambda mark: RunsCode(getattr, os, 'system'), r'getattr|os|import'),
        (lambda mark: RunsCode(Path.touch, mark), r'pathlib|getattr'),
        (lambda mark: RunsCode(np.save, str(mark), 1), r'numpy'),
    ],
)
def test_code_is_refused_and_not_run(tmp_path: Path, make, named: str) -> None:
    mark = tmp_path / 'ran.npy'
    path = tmp_path / 'SMPL_EVIL.pkl'
    try:
        path.write_bytes(pickle.dumps({'v_template': make(mark)}, protocol=2))
    except TypeError:  # Modules cannot be pickled; write what a forger would.
        path.write_bytes(b'cos\nsystem\n(S"touch %s"\ntR.' % bytes(mark))
        named = r'os\.system'
    with pytest.raises(UnsafePickleError, match=named) as caught:
        load_smpl_file(path)
    assert str(path) in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize(
    'forged',
    [
        # copyreg._reconstructor of a class of its choice; another codec; a state that
        # is no dictionary; an object outside the file.
        b'ccopy_reg\n_reconstructor\n(cnumpy\nndarray\nc__builtin__\nobject\nNtR.',
        b'c_codecs\nencode\n(Vabc\nVzlib\ntR.',
        b'ccopy_reg\n_reconstructor\n(cchumpy.ch\nCh\nc__builtin__\nobject\nNtRI1\nb.',
        b'Pelsewhere\n.',
        b'I1\n.',
        b'',
        b'\x80\x02}q\x00U',
    ],
)
def test_forged_and_damaged_files(tmp_path: Path, forged: bytes) -> None:
    path = tmp_path / 'a.pkl'
    path.write_bytes(forged)
    with pytest.raises(ValueError, match='a.pkl'):
        load_smpl_file(path)


def test_sparse_indices_are_checked(tmp_path: Path) -> None:
    matrix = scipy.sparse.csc_matrix(np.eye(3))
    matrix.indices = np.array([0, 1, 999], np.int32)
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps({'J_regressor': matrix}, protocol=2))
    with pytest.raises(ValueError, match='a.pkl is not a readable pickle'):
        load_pickled_arrays(path)


def test_a_pickle_cannot_call_the_array_class(tmp_path: Path) -> None:
    # numpy.ndarray((3,)), an array over memory that nobody has written to.
    path = tmp_path / 'array.pkl'
    path.write_bytes(b'cnumpy\nndarray\n((I3\nttR.')
    with pytest.raises(ValueError, match='not a readable pickle'):
        load_pickled_array(path, 'a joint regressor')
