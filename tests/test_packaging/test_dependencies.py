import importlib
import importlib.metadata
import re
import types
from pathlib import Path

import pytest

from deforhmr_mm import dependencies
from deforhmr_mm.dependencies import REQUIREMENTS, Requirement, check_dependencies

RUNTIME = Path(__file__).parents[2] / 'requirements' / 'runtime.txt'


def fail_with(*requirements):
    with pytest.raises(ImportError) as caught:
        check_dependencies(requirements)
    message = str(caught.value)
    assert '\n' not in message
    return message


def test_this_installation_is_complete():
    assert check_dependencies() is None


def test_a_missing_package_is_named_with_the_command():
    message = fail_with(Requirement('no_such_package', '1.2', "'no-such>=1.2'"))
    assert message == (
        'deforhmr_mm needs no_such_package >= 1.2, but it is not installed; '
        "mend it with: pip install --upgrade 'no-such>=1.2'"
    )


def test_a_package_that_is_too_old_is_named_with_what_was_found():
    found = importlib.metadata.version('numpy')
    message = fail_with(Requirement('numpy', '99.1', "'numpy>=99.1'", 'numpy'))
    assert message.startswith(
        f'deforhmr_mm needs numpy >= 99.1, but found {found}; mend it'
    )


def test_torch_must_let_names_of_files_stand_for_safe_functions(monkeypatch):
    """add_safe_globals takes pairs, as safe_globals.py gives it, from torch 2.6 on."""
    (torch,) = (r for r in REQUIREMENTS if r.module == 'torch')
    monkeypatch.setattr(importlib.metadata, 'version', lambda name: '2.5.1+cpu')
    assert 'needs torch >= 2.6, but found 2.5.1+cpu' in fail_with(torch)
    monkeypatch.setattr(importlib.metadata, 'version', lambda name: '2.6.0+cpu')
    check_dependencies([torch])


def test_the_metadata_asks_for_the_same_versions():
    """pip installs what runtime.txt allows, and the import checks it."""
    asked = dict(re.findall(r'^(\w+)>=(\S+)$', RUNTIME.read_text(), flags=re.MULTILINE))
    shared = {r.module: r.minimum for r in REQUIREMENTS if r.module in asked}
    assert {'numpy', 'torch', 'roma', 'smplx'} <= shared.keys()
    assert shared == {name: asked[name] for name in shared}


def test_the_first_of_several_is_reported():
    message = fail_with(
        Requirement('torch', '1.0', 'torch', 'torch'),
        Requirement('absent_one', '1.0', 'one'),
        Requirement('absent_two', '1.0', 'two'),
    )
    assert 'absent_one' in message and 'absent_two' not in message


@pytest.mark.parametrize('version', ['0.10.12', '0.10.7', '0.10'])
def test_forks_and_stock_packages_are_told_by_the_module(monkeypatch, version):
    """The fork has metadata of another name, so the module's own version decides."""
    module = types.SimpleNamespace(__version__=version)
    monkeypatch.setattr(dependencies.importlib.util, 'find_spec', lambda name: module)
    monkeypatch.setattr(importlib, 'import_module', lambda name: module)
    check_dependencies([Requirement('mmengine', '0.10.0', 'onedl-mmengine')])
    message = fail_with(Requirement('mmengine', '0.11', 'onedl-mmengine'))
    assert f'but found {version}' in message


@pytest.mark.parametrize(
    ('installed', 'expected'),
    [
        ('mmcv', "'mmcv>=99'"),
        ('mmcv-lite', "'mmcv-lite>=99'"),
        ('onedl-mmcv', 'onedl-mmcv==99'),
    ],
)
def test_a_stock_package_is_not_mended_with_a_fork(monkeypatch, installed, expected):
    monkeypatch.setattr(dependencies, '_has_distribution', installed.__eq__)
    message = fail_with(Requirement('mmcv', '99', 'onedl-mmcv==99'))
    assert message.endswith(f'pip install --upgrade {expected}')


def test_a_package_whose_import_fails_says_why(monkeypatch):
    def broken(name):
        raise ImportError('libGL.so.1: cannot open shared object file\nmore')

    monkeypatch.setattr(importlib, 'import_module', broken)
    message = fail_with(Requirement('cv2', '4.5', 'opencv-python-headless'))
    assert 'importing it fails (libGL.so.1: cannot open shared object file)' in message


@pytest.mark.parametrize(
    ('older', 'newer'),
    [('2.9', '2.13.0+cpu'), ('1.0rc1', '1.0.1'), ('2', '2.1'), ('0.9.9', '0.10')],
)
def test_versions_are_compared_as_numbers(older, newer):
    assert dependencies._numbers(older) < dependencies._numbers(newer)


def test_trailing_zeros_do_not_matter():
    assert dependencies._numbers('2.0.0') == dependencies._numbers('2.0+cpu')


def test_importing_the_registry_without_a_package_gives_the_line(run_blocked):
    done = run_blocked(['mmcv'], 'import', 'deforhmr_mm.registry')
    last = done.stdout.strip().splitlines()[-1]
    assert done.returncode == 1
    minimum = next(r.minimum for r in REQUIREMENTS if r.module == 'mmcv')
    assert f'deforhmr_mm needs mmcv >= {minimum}, but it is not installed' in last
