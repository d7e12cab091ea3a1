"""Short names and paths of models."""

from pathlib import Path

import pytest

from deforhmr_mm.apis import model_zoo, resolve_model


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder laid out like the project, with empty files."""
    for path in model_zoo.ALIASES['openbody-tiny']:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    monkeypatch.setattr(model_zoo, 'project_root', lambda: tmp_path)
    return tmp_path


def test_short_name(root):
    config, checkpoint = resolve_model('openbody-tiny')
    assert Path(config).is_file() and Path(checkpoint).is_file()
    assert resolve_model('openbody-tiny', 'mine.pth') == (config, 'mine.pth')


def test_path_of_a_config(tmp_path):
    config = tmp_path / 'mine.py'
    config.touch()
    assert resolve_model(str(config)) == (str(config), None)
    assert resolve_model(str(config), 'a.pth') == (str(config), 'a.pth')


def test_what_is_not_there_is_named(root):
    with pytest.raises(ValueError, match="'openbody-tin' is neither"):
        resolve_model('openbody-tin')
    (root / model_zoo.ALIASES['openbody-tiny'].checkpoint).unlink()
    with pytest.raises(FileNotFoundError, match=r'256x192\.pth is not there'):
        resolve_model('openbody-tiny')


def test_project_root_is_the_checkout():
    assert (model_zoo.project_root() / 'configs' / 'deforhmr').is_dir()
