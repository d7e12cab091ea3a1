import os
import resource
import subprocess
import sys

import pytest
from mmengine.fileio import get_file_backend

from deforhmr_mm.engine.atomic_backend import ATOMIC, AtomicLocalBackend

# Dies after all bytes are written and before the file has its name.
KILLED = """
import os, signal, sys
from deforhmr_mm.engine.atomic_backend import AtomicLocalBackend
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
AtomicLocalBackend().put(b'new' * 1000, sys.argv[1])
"""


def test_files_are_written_and_replaced(tmp_path):
    backend = get_file_backend(backend_args=dict(backend=ATOMIC))
    path = tmp_path / 'folder' / 'a.pth'
    for data in (b'old', b'new'):
        backend.put(data, path)
        assert path.read_bytes() == data
    backend.put_text('text', str(path))
    assert path.read_text() == 'text'
    assert os.listdir(path.parent) == ['a.pth']


def test_no_room(tmp_path):
    """The kernel refuses to write on, as on a full disk."""
    path = tmp_path / 'a.pth'
    path.write_bytes(b'old')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match='cannot be written .*a.pth'):
            AtomicLocalBackend().put(bytes(100_000), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b'old'
    assert os.listdir(tmp_path) == ['a.pth']


def test_killed_while_writing(tmp_path):
    path = tmp_path / 'a.pth'
    path.write_bytes(b'old')
    done = subprocess.run([sys.executable, '-c', KILLED, str(path)])
    assert done.returncode == -9
    assert path.read_bytes() == b'old'
    assert sorted(os.listdir(tmp_path)) == ['a.pth', 'a.pth.part']
    AtomicLocalBackend().put(b'new', path)
    assert path.read_bytes() == b'new'
    assert os.listdir(tmp_path) == ['a.pth']
