import os
import threading

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
