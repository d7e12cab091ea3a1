"""The Khronos glTF validator, an npm package that the tests call where it is there."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / 'gltf_validator'
VARIABLE = 'DEFORHMR_GLTF_VALIDATOR'


def find_validator():
    """The programs to call it; skips the test where one is absent."""
    node = shutil.which('node')
    if node is None:
        pytest.skip('needs node (node.js) for the Khronos glTF validator')
    modules = Path(os.environ.get(VARIABLE, FOLDER / 'node_modules'))
    if not (modules / 'gltf-validator' / 'package.json').is_file():
        pytest.skip(
            f'needs the npm package gltf-validator in {modules}: run `npm ci` in '
            f'tests/gltf_validator, or name another node_modules by {VARIABLE}'
        )
    return [node, str(FOLDER / 'validate.mjs'), str(modules)]


def gltf_issues(data: bytes, folder: Path) -> list[dict]:
    """Everything that the validator has to say of a GLB file, hints included."""
    path = folder / 'validated.glb'
    path.write_bytes(data)
    done = subprocess.run(
        [*find_validator(), str(path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report['validatorVersion'].startswith('2.0.0')
    # The file was read as what it is, not just skipped over.
    assert report['mimeType'] == 'model/gltf-binary' and 'info' in report
    return report['issues']['messages']


def gltf_problems(data: bytes, folder: Path) -> list[dict]:
    """The errors (severity 0) and warnings (1)."""
    return [issue for issue in gltf_issues(data, folder) if issue['severity'] < 2]
