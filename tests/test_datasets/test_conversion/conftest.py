"""Running a converter as its command runs."""

import runpy
import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

import deforhmr_mm
from deforhmr_mm.body_models import OPEN_BODY_PATH, SMPL

TOOLS = Path(deforhmr_mm.__file__).parents[1] / 'tools' / 'dataset_converters'


class Converted(NamedTuple):
    """What a converter left: exit code, output and error, and the columns."""

    code: int
    out: str
    error: str
    columns: dict


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a converter; its result goes to out/people.npz."""
    target = tmp_path / 'out' / 'people.npz'

    def call(tool, root, *options):
        script = TOOLS / f'{tool}.py'
        arguments = [script, root, '--out', target, *options]
        monkeypatch.setattr(sys, 'argv', [str(value) for value in arguments])
        code = 0
        try:
            runpy.run_path(str(script), run_name='__main__')
        except SystemExit as error:
            code = error.code
        printed = capsys.readouterr()
        columns = {}
        if target.is_file():
            with np.load(target) as file:
                columns = dict(file)
        return Converted(code, printed.out, printed.err, columns)

    return call


@pytest.fixture
def assert_failed(tmp_path):
    """A converter failed in one line, and nothing half-written is left."""

    def check(result, *parts):
        assert result.code == 1
        lines = result.error.strip().splitlines()
        assert lines[0].startswith('error: ') and len(lines) == 2
        for part in parts:
            assert part in lines[0]
        assert not result.columns
        assert not list(tmp_path.rglob('*.part'))

    return check


@pytest.fixture(scope='session')
def bodies(tmp_path_factory):
    """SMPL by gender, 'm' and 'f', and the options that name the files."""
    with np.load(OPEN_BODY_PATH) as file:
        content = dict(file)
    woman = tmp_path_factory.mktemp('bodies') / 'woman.npz'
    np.savez(woman, **{**content, 'v_template': 0.9 * content['v_template']})
    options = ('--male-smpl', OPEN_BODY_PATH, '--female-smpl', woman)
    return {'m': SMPL(), 'f': SMPL(woman)}, options


@pytest.fixture
def write_video():
    """Write a video whose frame f is a plain grey of 30 f, 255 at most."""

    def call(path, count):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Motion JPEG needs no codec of the system's; readers go by the content.
        written = path.with_suffix('.avi')
        codec = cv2.VideoWriter_fourcc(*'MJPG')
        writer = cv2.VideoWriter(str(written), codec, 50, (64, 48))
        for frame in range(count):
            writer.write(np.full((48, 64, 3), min(30 * frame, 255), dtype=np.uint8))
        writer.release()
        written.rename(path)
        return path

    return call
