"""The repository, its wheel and a way to run Python with some packages blocked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCKER = Path(__file__).with_name('block_imports.py')
# What is of no concern to a wheel and may be large.
NOT_COPIED = ('.git', '.venv', '.*_cache', 'build', 'dist', 'data', 'outputs')
NOT_COPIED += ('work_dirs', '__pycache__', '*.egg-info', '.mim')


@pytest.fixture(scope='session')
def root() -> Path:
    return ROOT


@pytest.fixture(scope='session')
def run_python():
    """Run this Python with arguments, in a folder; gives the completed process."""

    def run(*arguments, cwd=ROOT, python=sys.executable, timeout=300, **env):
        return subprocess.run(
            [str(python), *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )

    return run


@pytest.fixture(scope='session')
def run_blocked(run_python):
    """As `run_python`, of block_imports.py with these modules hidden."""

    def run(blocked, *arguments, **kwargs):
        return run_python(BLOCKER, ','.join(blocked), *arguments, **kwargs)

    return run


@pytest.fixture(scope='session')
def wheel(tmp_path_factory, run_python) -> Path:
    """The project's wheel, built from a copy without network."""
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*NOT_COPIED))
    arguments = ['--no-deps', '--no-build-isolation', '--no-index', '-w', folder]
    done = run_python('-m', 'pip', 'wheel', *arguments, source, cwd=folder)
    assert done.returncode == 0, done.stdout
    return next(folder.glob('*.whl'))
