"""A package that a later step needs is missed before the first one."""

from pathlib import Path

import pytest
import run_benchmark
from benchmark import packages
from benchmark.packages import check_packages
from benchmark.step import Group, Step


def group(name, done=False):
    step = Step(name, ('true',), Path('product'), lambda: done)
    return Group(step.phase, (step,), 1, 1)


@pytest.fixture
def bare(monkeypatch):
    """As after `make demo`."""
    monkeypatch.setattr(packages, 'find_spec', lambda name: None)


@pytest.mark.parametrize(
    ('name', 'missing'),
    [
        ('stage1', 'mmcv._ext and mmdet'),
        ('stage2/ms-deform/seed0', 'mmcv._ext'),
        ('test/ms-deform/seed0/test', 'mmcv._ext'),
    ],
)
def test_a_missing_package_is_named(bare, name, missing):
    message = f'the step {name} needs {missing}, which `make install-test`'
    with pytest.raises(ValueError, match=message):
        check_packages([group('data'), group(name)])
    check_packages([group(name, done=True)])


def test_other_steps_need_none(bare):
    check_packages([group('data'), group('stage2/hmr2/seed0')])


def test_nothing_is_run_without_it(bare, tmp_path):
    work = tmp_path / 'work'
    with pytest.raises(SystemExit, match='the step stage1 needs'):
        run_benchmark.main(['--smallest', '--work-dir', str(work)])
    assert not work.exists()
