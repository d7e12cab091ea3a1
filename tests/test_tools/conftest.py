"""Very small trainings in this process, and caches of a frozen encoder."""

import runpy
from collections import OrderedDict
from typing import NamedTuple

import pytest
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

from deforhmr_mm.visualization import MeshVisualizer
from tests.frozen_training import make_frozen_workplace
from tests.tiny_training import ROOT, make_workplace


@pytest.fixture(scope='module')
def training_folder(tmp_path_factory):
    return make_workplace(tmp_path_factory.mktemp('workplace'))


@pytest.fixture
def train(training_folder, monkeypatch):
    """Train in this process: train(work_dir, *options, resume=..., stop_after=...)."""
    monkeypatch.chdir(training_folder)
    monkeypatch.syspath_prepend(str(training_folder))
    monkeypatch.setenv('LOCAL_RANK', '0')

    def call(work_dir, *options, flags=(), resume=False, stop_after=None):
        # mmengine keeps these for the whole process.
        for kind in (MMLogger, MessageHub, DefaultScope, Visualizer, MeshVisualizer):
            monkeypatch.setattr(kind, '_instance_dict', OrderedDict())
        arguments = ['tiny.py', '--work-dir', work_dir, *flags, *['--resume'] * resume]
        if options:
            arguments += ['--cfg-options', *options]
        monkeypatch.setattr('sys.argv', ['train', *arguments])
        main = runpy.run_path(str(ROOT / 'tools' / 'train.py'))['main']
        if stop_after is None:
            monkeypatch.delenv('TEST_STOP_AFTER', raising=False)
            main()
            return
        monkeypatch.setenv('TEST_STOP_AFTER', stop_after)
        with pytest.raises(KeyboardInterrupt):
            main()

    return call


@pytest.fixture(scope='module')
def frozen_workplace(tmp_path_factory):
    return make_frozen_workplace(tmp_path_factory.mktemp('workplace'))


class Result(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def frozen_tool(frozen_workplace, monkeypatch, capfd):
    """Call of a tool's main() in this process: tool('train', 'whole.py', ...)."""
    monkeypatch.chdir(frozen_workplace)
    monkeypatch.delenv('DEFORHMR_DEBUG', raising=False)
    monkeypatch.setenv('LOCAL_RANK', '0')

    def call(name, *arguments):
        # mmengine keeps these for the whole process; loggers would hold the streams
        # of an earlier call, which are closed.
        for kind in (MMLogger, MessageHub, DefaultScope, Visualizer, MeshVisualizer):
            monkeypatch.setattr(kind, '_instance_dict', OrderedDict())
        monkeypatch.setattr('sys.argv', [name, *map(str, arguments)])
        main = runpy.run_path(str(ROOT / 'tools' / f'{name}.py'))['main']
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code
        return Result(code, *capfd.readouterr())

    return call


@pytest.fixture
def cache(frozen_tool):
    """Call of cache_features.py: cache('folder', options...) -> its result."""

    def call(out, *options, views=2, split='train', dtype='float32', checkpoint=None):
        return frozen_tool(
            'cache_features',
            'whole.py',
            checkpoint or 'whole.pth',
            *('--out', out, '--split', split, '--dtype', dtype, '--views', views),
            *('--batch-size', 3, '--shard-size', 5, '--num-workers', 0, *options),
        )

    return call


@pytest.fixture
def caches(cache):
    """Caches of two training views in float32 and of the test views in float16."""
    assert cache('train_fp32').returncode == 0
    result = cache('test_fp16', split='test', dtype='float16', views=1)
    assert result.returncode == 0, result.stderr


@pytest.fixture
def one_line_error():
    """Check of a tool's result: one_line_error(result, parts of the line...)."""

    def check(result, *parts):
        assert result.returncode == 1
        assert 'Traceback' not in result.stderr, result.stderr
        (line,) = (x for x in result.stderr.splitlines() if x.startswith('error: '))
        for part in parts:
            assert part in line

    return check
