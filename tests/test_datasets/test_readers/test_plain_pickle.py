"""The pickles of labels: plain data in, everything else refused unrun."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.datasets.readers import load_plain_pickle
from tests.running_pickles import RunsCode

PLAIN = {
    'text': 'a',
    'bytes': b'\x00\xff',
    'numbers': [1, -2.5, True, None, 2**70],
    'tuple': (1, (2, 3)),
    'set': {1, 2},
    'array': np.arange(6, dtype=np.float32).reshape(2, 3),
    'fortran': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    'empty': np.zeros((0, 3)),
    'strings': np.array(['x', 'yz']),
    'scalar': np.float64(2.5),
    'flag': np.bool_(True),
}


@pytest.mark.parametrize('numpy_module', [b'numpy._core', b'numpy.core'])
@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data(protocol, numpy_module):
    data = pickle.dumps(PLAIN, protocol=protocol)
    if protocol < 4:  # Later ones give the length of the names, too.
        data = data.replace(b'numpy._core', numpy_module)
    loaded = load_plain_pickle(data, 'x.pyd')
    assert loaded.keys() == PLAIN.keys()
    for key, value in PLAIN.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(loaded[key], value)
        else:
            assert loaded[key] == value
        assert type(loaded[key]) is type(value)


@pytest.mark.parametrize(
    ('make', 'named'),
    [
        (lambda mark: RunsCode(os.system, f'touch {mark}'), r'(posix|nt)\.system'),
        (
            lambda mark: RunsCode(eval, f'open({str(mark)!r}, "w")'),
            r'(builtins|__builtin__)\.eval',
        ),
        (lambda mark: RunsCode(Path.touch, mark), r'pathlib|getattr'),
        (lambda mark: RunsCode(np.save, str(mark), 1), r'numpy\.save'),
    ],
)
@pytest.mark.parametrize('protocol', [0, 2, 4])
def test_code_is_refused_by_name_and_not_run(tmp_path, make, named, protocol):
    mark = tmp_path / 'ran.npy'
    data = pickle.dumps([{'center': make(mark)}], protocol=protocol)
    message = f'a.tar:7.data.pyd was not loaded.*({named})'
    with pytest.raises(AnnotationError, match=message):
        load_plain_pickle(data, 'a.tar:7.data.pyd')
    assert not mark.exists()


@pytest.mark.parametrize(
    'forged',
    [
        b'Pelsewhere\n.',  # an object outside the file
        b'c_codecs\nencode\n(Vabc\nVzlib\ntR.',
        b'cos\nsystem\n(S"true"\ntR.',
        b'',
        b'\x80\x02}q\x00U',
    ],
)
def test_forged_and_damaged_pickles(forged):
    with pytest.raises(AnnotationError, match='x.pyd'):
        load_plain_pickle(forged, 'x.pyd')
