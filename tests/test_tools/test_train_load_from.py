"""A config that goes on from a checkpoint of another training, which is not there."""

import runpy

import pytest

from tests.tiny_training import ROOT


@pytest.fixture
def merged(tmp_path, monkeypatch):
    """Call of train.py up to the runner: merged(options...) -> the config."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')
    (tmp_path / 'second.py').write_text("load_from = 'work_dirs/first/epoch_18.pth'")

    def call(*options):
        monkeypatch.setattr('sys.argv', ['train', 'second.py', *options])
        tool = runpy.run_path(str(ROOT / 'tools' / 'train.py'))
        args = tool['parse_args']()
        config = tool['load_config'](args.config, args.cfg_options)
        tool['merge_args'](config, args)
        return config

    return call


def test_the_message_says_whose_it_is_and_what_works(merged):
    with pytest.raises(FileNotFoundError) as error:
        merged()
    text = str(error.value)
    assert 'work_dirs/first/epoch_18.pth does not exist; it is load_from of the' in text
    assert '--cfg-options load_from=FILE' in text
    assert 'load_from=None begins from random weights' in text
    assert merged('--cfg-options', 'load_from=None').load_from is None


def test_the_checkpoint_of_the_command_line_is_not_the_config_s(merged):
    with pytest.raises(FileNotFoundError, match=r'last\.pth does not exist\.$'):
        merged('--resume', 'last.pth')
