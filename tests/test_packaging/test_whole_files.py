"""Files that are there whole or not at all."""

import json
import os
import threading

import pytest

from deforhmr_mm.whole_files import whole_file, write_bytes, write_json, write_text


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


def test_the_file_is_not_there_before_the_block_ends(tmp_path):
    path = tmp_path / 'deep' / 'folder' / 'means.npz'
    with whole_file(path) as part:
        part.write_bytes(b'half')
        assert not path.exists() and part.parent == path.parent
        part.write_bytes(b'whole')
    assert path.read_bytes() == b'whole'
    assert os.listdir(path.parent) == ['means.npz']


def test_an_error_in_the_block_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / 'file.txt'
    write_text(path, 'old')
    with pytest.raises(KeyboardInterrupt), whole_file(path) as part:
        part.write_text('half')
        raise KeyboardInterrupt
    assert path.read_text() == 'old' and os.listdir(tmp_path) == ['file.txt']


def test_a_failed_rename_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / 'new' / 'file.bin'
    write_bytes(path, b'old')

    def refuse(*arguments):
        raise OSError('disk full')

    monkeypatch.setattr(os, 'replace', refuse)
    with pytest.raises(OSError, match='disk full'):
        write_bytes(path, b'new')
    assert path.read_bytes() == b'old' and os.listdir(path.parent) == ['file.bin']


def test_two_writers_of_one_file_do_not_share_a_name(tmp_path):
    path = tmp_path / 'file.txt'
    with whole_file(path) as one, whole_file(path) as other:
        assert one != other
        one.write_text('one')
        other.write_text('other')
    # The block that ends last names its file last.
    assert path.read_text() == 'one'


def test_text_is_utf8_and_json_ends_with_a_line(tmp_path):
    write_text(tmp_path / 'a.txt', 'häuser → 体')
    assert (tmp_path / 'a.txt').read_bytes().decode('utf-8') == 'häuser → 体'
    write_json(tmp_path / 'a.json', {'PVE': [1.5, None]})
    text = (tmp_path / 'a.json').read_text()
    assert json.loads(text) == {'PVE': [1.5, None]} and text.endswith('}\n')
