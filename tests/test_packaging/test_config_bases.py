"""Configs in folders of others build on ours by the package's name."""

import importlib.metadata
import importlib.util
import inspect
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE

import deforhmr_mm
from deforhmr_mm.datasets import mesh_collate
from deforhmr_mm.engine.feature_cache import cached_collate
from deforhmr_mm.engine.launching import load_config

PACKAGE = Path(deforhmr_mm.__file__).parent
NAME = 'deforhmr/deforhmr_vit-h_2xb100-100e_mixed-256x192.py'
OWN = f"""
_base_ = 'deforhmr_mm::{NAME}'
model = dict(head=dict(num_layers=2))
custom_hooks = [*_base_.custom_hooks, dict(type='EarlyStoppingHook')]
"""
needs_installation = pytest.mark.skipif(
    not (PACKAGE / '.mim' / 'configs').is_dir(),
    reason='a checkout that is not installed has no .mim folder',
)


@pytest.fixture
def own(tmp_path):
    path = tmp_path / 'own.py'
    path.write_text(OWN)
    return path


def without_scopes(value):
    """A config's content, but for mmengine's notes of the package of its base."""
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key != '_scope_'}
        return {key: without_scopes(item) for key, item in kept.items()}
    if isinstance(value, list | tuple):
        return [without_scopes(item) for item in value]
    return value


@needs_installation
def test_a_config_elsewhere_is_read_as_one_in_ours(own, root):
    expected = load_config(str(root / 'configs' / NAME), {'model.head.num_layers': 2})
    expected.custom_hooks.append(dict(type='EarlyStoppingHook'))
    read = load_config(str(own))
    assert without_scopes(read.to_dict()) == without_scopes(expected.to_dict())
    assert read.default_scope == 'deforhmr_mm'


@needs_installation
def test_importing_the_registries_is_enough_for_plain_mmengine(own, run_python):
    code = (
        'import deforhmr_mm.registry; from mmengine.config import Config; '
        f'print(Config.fromfile({str(own)!r}).model.head.num_layers)'
    )
    done = run_python('-c', code, cwd=own.parent)
    assert done.returncode == 0, done.stdout
    assert done.stdout.split()[-1] == '2'


def test_the_table_leads_to_the_package_s_folder_in_any_installation():
    """Stock mmengine asks for a distribution's folder first, where -e has nothing."""
    name = MODULE2PACKAGE['deforhmr_mm']
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution(name)
    assert Path(importlib.util.find_spec(name).origin).parent == PACKAGE


def test_an_entry_that_is_there_stays(run_python):
    code = (
        'from mmengine.config.utils import MODULE2PACKAGE as table; '
        "table['deforhmr_mm'] = 'another'; import deforhmr_mm.registry; "
        "print(table['deforhmr_mm'])"
    )
    done = run_python('-c', code)
    assert done.returncode == 0, done.stdout
    assert done.stdout.split()[-1] == 'another'


@needs_installation
def test_what_mmengine_adds_to_a_collate_function_is_taken(own):
    options = Config.fromfile(own).train_dataloader.collate_fn.to_dict()
    assert options.pop('type') == 'mesh_collate' and options
    for function in (mesh_collate, cached_collate):
        assert inspect.signature(function).bind([], **options)
