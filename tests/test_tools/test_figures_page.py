"""What docs/figures.md says holds: its commands draw its pictures, its code runs."""

import re
import runpy
import shlex

import cv2
import numpy as np
import pytest

from tests.tiny_training import ROOT

PAGE = (ROOT / 'docs' / 'figures.md').read_text(encoding='utf-8')
COMMANDS = [
    shlex.split(block.replace('\\\n', ' '))
    for block in re.findall(r'```bash\n(.*?)```', PAGE, re.S)
]


def command_of(output):
    (command,) = [command for command in COMMANDS if output in command]
    return command


@pytest.mark.parametrize('name', ['attention.png', 'views.png'])
def test_pictures_are_those_that_the_commands_draw(name, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    _, tool, *arguments = command_of(f'docs/{name}')
    arguments[-1] = str(tmp_path / name)
    assert runpy.run_path(tool)['main'](arguments) == 0
    drawn, kept = (
        cv2.imread(str(path)).astype(int)
        for path in (tmp_path / name, ROOT / 'docs' / name)
    )
    assert drawn.shape == kept.shape
    # Not to the bit: another build of torch rounds otherwise.
    assert (np.abs(drawn - kept).max(axis=-1) > 24).mean() < 0.01
    assert (ROOT / 'docs' / name).stat().st_size <= 200_000


def test_options_of_all_commands_are_known(monkeypatch):
    monkeypatch.chdir(ROOT)
    parsed = 0
    for _, tool, *arguments in COMMANDS:
        if 'analysis_tools' in tool:
            runpy.run_path(tool)['parse_args'](arguments)
            parsed += 1
    assert parsed == 5


def test_code_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    names = {}
    blocks = re.findall(r'```python\n(.*?)```', PAGE, re.S)
    for block in blocks:
        exec(compile(block, 'docs/figures.md', 'exec'), names)
    assert names['first'].weights.shape == (1, 8, 25, 48)
    assert names['overlay'].shape == names['image'].shape
    assert (names['overlay'] != names['image']).any()
    assert names['visualizer'].draw_ids is False
