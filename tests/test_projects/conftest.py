"""Fixtures for the tests of the projects."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PROJECT = Path(__file__).parents[2] / 'projects/open_body'
sys.path.insert(0, str(PROJECT))


class Rendered(NamedTuple):
    """A small data set of synthetic people. Tests must leave it as it is."""

    out: Path
    sheets: dict[str, Path]  # contact sheet of each split
    people: dict[str, int]  # of each split
    arguments: list[str]  # what made it, without --out and --workers


@pytest.fixture(scope='session')
def rendered(tmp_path_factory) -> Rendered:
    """A few people, rendered by the script as it is called from a shell."""
    folder = tmp_path_factory.mktemp('rendered')
    people = {'train': 4, 'val': 2}
    arguments = ['--seed', '3']
    for split, number in people.items():
        arguments += [f'--{split}', str(number)]
    command = [sys.executable, str(PROJECT / 'synthesize.py'), *arguments]
    command += ['--out', str(folder / 'data')]
    command += ['--contact-sheet', str(folder / 'sheet.png')]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    sheets = {split: folder / f'sheet_{split}.png' for split in people}
    return Rendered(folder / 'data', sheets, people, arguments)


@pytest.fixture(scope='session')
def smpl_data():
    """The open body's file."""
    from deforhmr_mm.body_models import OPEN_BODY_PATH, load_smpl_file

    return load_smpl_file(OPEN_BODY_PATH)


@pytest.fixture(scope='session')
def maker(smpl_data):
    """What makes pictures of the open body, without photographs."""
    from synthetic.body import Body
    from synthetic.scene import SceneMaker

    return SceneMaker(Body(smpl_data))
