import io
import os
import pickle

import numpy as np
import pytest

from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.datasets.readers import read_humandata_npz
from deforhmr_mm.datasets.readers.npy_objects import load_plain_objects
from tests.running_pickles import RunsCode


def npy(content, protocol=4):
    """The bytes of an ``.npy`` file of one object, with its pickle as given."""
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    header += ' ' * (117 - len(header)) + '\n'
    if not isinstance(content, bytes):
        array = np.empty((), dtype=object)
        array[()] = content
        content = pickle.dumps(array, protocol)
    return (
        b'\x93NUMPY\x01\x00' + (118).to_bytes(2, 'little') + header.encode() + content
    )


def load(data):
    return load_plain_objects(io.BytesIO(data), 'a.npz: key x').item()


@pytest.mark.parametrize('protocol', [2, 3, 4])
def test_plain_data(protocol):
    content = {
        'array': np.arange(6.0).reshape(2, 3),
        'text': ['a', b'b', None, True],
        'numbers': (1, 2.5, np.float32(3), np.array(['m', 'f'])),
    }
    found = load(npy(content, protocol))
    np.testing.assert_array_equal(found['array'], [[0, 1, 2], [3, 4, 5]])
    assert found['text'] == ['a', b'b', None, True]
    assert found['numbers'][:3] == (1, 2.5, 3)
    assert found['numbers'][3].tolist() == ['m', 'f']


@pytest.mark.parametrize('core', [b'numpy.core', b'numpy._core'])
def test_files_of_both_numpy_versions(core):
    data = npy({'a': np.array([1.0, 2.0])}, protocol=2)
    start = data.replace(b'numpy._core', b'numpy.core')
    assert start.count(b'numpy.core') >= 1
    found = load(start.replace(b'numpy.core', core))
    np.testing.assert_array_equal(found['a'], [1, 2])


def test_a_program_is_refused_and_not_run(humandata, save, running_pickle):
    humandata['meta'] = {'gender': running_pickle}
    path = save(humandata)
    with pytest.raises(AnnotationError) as error:
        read_humandata_npz(path)
    assert f"{path}: key 'meta' was not loaded" in str(error.value)
    assert f'names {os.mkdir.__module__}.mkdir' in str(error.value)


@pytest.mark.parametrize(
    ('content', 'part'),
    [
        (RunsCode(np.frombuffer, b'12345678'), 'frombuffer'),
        (RunsCode(np.load, 'other.npy'), 'load'),
        (RunsCode(np.ndarray, (1,)), 'TypeError'),
        (b'not a pickle', 'UnpicklingError'),
        (b'', 'EOFError'),
        (pickle.dumps({'a': 1}), 'a dict, not an array'),
    ],
)
def test_anything_else_is_refused(content, part):
    with pytest.raises(AnnotationError, match='a.npz: key x') as error:
        load(npy(content))
    assert part in str(error.value)
