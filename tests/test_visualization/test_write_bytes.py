import os
import threading

import pytest

from deforhmr_mm.visualization.exporters import write_bytes


def test_files_are_as_the_umask_wants_and_it_stays(tmp_path):
    before = os.umask(0o027)
    try:
        paths = [tmp_path / 'new' / f'{index}.bin' for index in range(32)]
        threads = [
            threading.Thread(target=write_bytes, args=(path, b'body')) for path in paths
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {path.stat().st_mode & 0o777 for path in paths} == {0o640}
    finally:
        after = os.umask(before)
    assert after == 0o027
    assert sorted((tmp_path / 'new').iterdir()) == sorted(paths)


def test_the_old_file_stays_where_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / 'mesh.glb'
    write_bytes(path, b'old')

    def refuse(*_):
        raise OSError('no space')

    monkeypatch.setattr(os, 'replace', refuse)
    with pytest.raises(OSError, match='no space'):
        write_bytes(path, b'new')
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]
