"""Which pictures, videos and cameras a call means."""

import numpy as np
import pytest

from deforhmr_mm.apis import inputs
from deforhmr_mm.apis.inputs import InputItem, expand_inputs

FILES = ('b.jpg', 'a.PNG', 'notes.txt', '.hidden.jpg', 'b.png', 'c.MP4', '.d.mp4')


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        (tmp_path / name).write_bytes(b'')
    (tmp_path / 'folder.jpg').mkdir()
    return tmp_path


def names(items):
    return [item.name.rsplit('/', 1)[-1] for item in items]


def test_folder_glob_and_list(folder):
    assert names(expand_inputs(folder)) == ['a.PNG', 'b.jpg', 'b.png', 'c.MP4']
    assert names(expand_inputs(str(folder / '*.jpg'))) == ['b.jpg']
    array = np.zeros((2, 2, 3), np.uint8)
    items = expand_inputs([folder / 'b.jpg', array, str(folder), 2])
    wanted = ['b.jpg', 'image_0001', 'a.PNG', 'b.jpg', 'b.png', 'c.MP4', 'webcam:2']
    assert names(items) == wanted
    assert [item.kind for item in items] == ['image'] * 5 + ['video', 'webcam']
    assert items[1].source is array and items[6].source == 2


def test_a_folder_says_what_it_leaves_out(folder, monkeypatch):
    said = []
    monkeypatch.setattr(inputs, 'print_log', lambda text, *_: said.append(text))
    for name in ('d.HEIC', 'e.avif', 'f.jp2', 'g.jfif'):
        (folder / name).write_bytes(b'')
    found = names(expand_inputs(folder))
    assert found[3:] == ['c.MP4', 'd.HEIC', 'e.avif', 'f.jp2', 'g.jfif']
    assert len(said) == 1 and ': 1 files are left out' in said[0]
    (folder / 'notes.txt').unlink()
    expand_inputs(folder)
    assert len(said) == 1


def test_a_path_is_taken_as_it_is(tmp_path):
    (item,) = expand_inputs(tmp_path / 'none.Mov')
    assert (item.kind, item.stem) == ('video', 'none')
    (item,) = expand_inputs('none.data')
    assert item == InputItem('none.data', 'none.data', 'none', 'image')


def test_output_names_do_not_collide(folder):
    items = expand_inputs([str(folder), folder / 'b.jpg', folder / 'b.jpg', 'A.jpg'])
    stems = [item.stem for item in items]
    assert stems[:4] == ['a', 'b', 'b_png', 'c'] and stems[6] == 'A_jpg'
    assert len({stem.lower() for stem in stems}) == len(stems) == 7


@pytest.mark.parametrize(
    ('given', 'number'),
    [(0, 0), (np.int64(3), 3), ('webcam', 0), ('webcam:1', 1), ('Webcam:02', 2)],
)
def test_webcams(given, number):
    (item,) = expand_inputs(given)
    assert (item.kind, item.source) == ('webcam', number)
    assert (item.name, item.stem) == (f'webcam:{number}', f'webcam_{number}')


def test_a_folder_named_webcam_is_a_folder(tmp_path, monkeypatch):
    (tmp_path / 'webcam').mkdir()
    (tmp_path / 'webcam' / 'a.jpg').write_bytes(b'')
    monkeypatch.chdir(tmp_path)
    assert names(expand_inputs('./webcam')) == ['a.jpg']
    assert names(expand_inputs('webcam_walk.mp4')) == ['webcam_walk.mp4']


def test_addresses(monkeypatch):
    asked = []
    answers = {'https://host/clip?id=3': 'video/mp4', 'https://host/x': None}

    def media_type(url):
        asked.append(url)
        return answers[url]

    monkeypatch.setattr(inputs, 'media_type', media_type)
    items = expand_inputs(
        ['https://host/a/cat.JPG?size=1', 'HTTP://host/walk.mp4', *answers]
    )
    assert [item.kind for item in items] == ['image', 'video', 'video', 'image']
    assert [item.stem for item in items] == ['cat', 'walk', 'clip', 'x']
    assert items[0].name == items[0].source == 'https://host/a/cat.JPG?size=1'
    assert asked == list(answers)  # only where the name does not tell


def test_local_source(monkeypatch, tmp_path):
    from contextlib import contextmanager

    @contextmanager
    def download(url):
        yield tmp_path / url.rpartition('/')[2]

    monkeypatch.setattr(inputs, 'download', download)
    array = np.zeros((2, 2, 3), np.uint8)
    wanted = ['a.jpg', 1, str(tmp_path / 'b.jpg')]
    items = expand_inputs(['a.jpg', 1, 'https://host/b.jpg', array])
    for item, source in zip(items, [*wanted, array], strict=True):
        with item.local_source() as local:
            assert local is array if source is array else local == source


def test_nothing_to_work_on_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match='holds no picture or video'):
        expand_inputs(tmp_path)
    with pytest.raises(FileNotFoundError, match='no picture or video matches'):
        expand_inputs(str(tmp_path / '*.jpg'))
    assert expand_inputs([]) == []


@pytest.mark.parametrize(
    ('given', 'error', 'message'),
    [
        (1.5, TypeError, 'got float'),
        (True, TypeError, 'got bool'),
        (b'ab', TypeError, 'got bytes'),
        (None, TypeError, 'got NoneType'),
        (-1, ValueError, 'got -1'),
        ('webcam:a', ValueError, "got 'webcam:a'"),
        ([[[0, 0, 0]]], ValueError, 'webcam:0 is given twice'),
    ],
)
def test_what_is_no_input_is_said(given, error, message):
    with pytest.raises(error, match=message):
        expand_inputs(given)
