"""A very small training in this process."""

import runpy
from collections import OrderedDict

import pytest
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

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
        for kind in (MMLogger, MessageHub, DefaultScope, Visualizer):
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
