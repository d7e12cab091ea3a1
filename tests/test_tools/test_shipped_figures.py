"""The shipped model, with its config, gives the figures of its card."""

import json
import re

import pytest

from tests.tiny_training import ROOT

CONFIG = ROOT / 'configs' / 'deforhmr' / 'deforhmr_vit-tiny_openbody-v1-256x192.py'
CHECKPOINT = ROOT / 'demo' / 'checkpoints' / f'{CONFIG.stem}.pth'
KEYS = ('MPJPE', 'PA-MPJPE', 'PVE', 'PVE-area')


def test_the_demo_s_people(frozen_tool, tmp_path):
    pattern = ', '.join(rf'{key} (\d+\.\d)' for key in KEYS)
    card = re.search(pattern, CHECKPOINT.with_suffix('.md').read_text())
    out = tmp_path / 'metrics.json'
    result = frozen_tool(
        'test',
        *(CONFIG, CHECKPOINT, '--work-dir', tmp_path, '--out', out, '--cfg-options'),
        f'test_dataloader.dataset.data_root={ROOT / "demo" / "samples"}',
        'test_dataloader.dataset.ann_file=annotations.npz',
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(out.read_text())
    for key, stated in zip(KEYS, card.groups(), strict=True):
        # Other machines round otherwise, but by no half of a millimetre.
        assert found[key] == pytest.approx(float(stated), abs=0.5), key
