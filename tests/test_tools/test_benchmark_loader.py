"""The loader's benchmark: both ways show the same, and times are told apart."""

import importlib.util
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

import deforhmr_mm

ROOT = Path(deforhmr_mm.__file__).parents[1]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'benchmark_loader.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('benchmark_loader_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / 'a.jpg'
    v, u = np.mgrid[:1080, :1920]
    waves = 128 + 60 * np.sin(u / 40) * np.cos(v / 60)
    cv2.imwrite(str(path), np.rint(waves).astype(np.uint8))
    return str(path)


def test_made_pictures_are_like_photos(tool, tmp_path):
    paths = tool.make_files(tmp_path, 2, 92, np.random.default_rng(0))
    assert len(paths) == 2
    for path in paths:
        assert cv2.imread(path).shape == (1080, 1920, 3)
        # Photos of this size and quality have some hundred kilobytes.
        assert 150_000 < Path(path).stat().st_size < 1_500_000


@pytest.mark.parametrize('height', [600, 300, 1500])
def test_boxes_lie_in_the_picture(tool, picture, height):
    rng = np.random.default_rng(0)
    for _ in range(5):
        center, scale = tool.place_box(picture, height, rng)
        np.testing.assert_allclose(scale, [0.75 * height, height])
        low, high = center - scale / 2 + 0.5, center + scale / 2 + 0.5
        if height <= 1080:
            assert (low > -1e-6).all() and (high < (1920 + 1e-6, 1080 + 1e-6)).all()
        else:
            assert center[1] == 539.5


@pytest.mark.parametrize('height', [600, 300])
def test_both_ways_show_the_same(tool, picture, height):
    person = (picture, *tool.place_box(picture, height, np.random.default_rng(1)))
    slow, fast = tool.plain(*person), tool.ours(*person)
    assert slow.shape == fast.shape == (256, 192, 3)
    assert slow.std() > 10
    assert np.abs(slow.astype(int) - fast).mean() < 1


def test_what_is_measured(tool, monkeypatch):
    clock = [0.0]

    def way(seconds):
        def run(person):
            clock[0] += seconds[person]

        return run

    monkeypatch.setattr(tool.time, 'process_time', lambda: clock[0])
    monkeypatch.setattr(tool, 'plain', way({'a': 4.0, 'b': 8.0}))
    monkeypatch.setattr(tool, 'ours', way({'a': 1.0, 'b': 2.0}))
    assert tool.measure([('a',), ('b',)], 3) == [6.0, 1.5]


def test_output(tool, picture, monkeypatch, capsys):
    monkeypatch.setattr(tool, 'measure', lambda people, repeats: [0.008, 0.004])
    folder = str(Path(picture).parent)
    monkeypatch.setattr('sys.argv', ['x', '--img-dir', folder, '--heights', '400'])
    threads = cv2.getNumThreads()
    try:
        tool.main()
    finally:
        cv2.setNumThreads(threads)
    out = capsys.readouterr().out
    assert re.match('1 pictures of .* medians of 11 runs', out)
    assert 'boxes  400 px high: plain   8.00 ms, ours   4.00 ms, ratio 2.00' in out


def test_a_folder_without_pictures(tool, tmp_path):
    with pytest.raises(SystemExit, match='has no JPEG files'):
        tool.find_files(tmp_path, 3)
