"""test.py --show-dir writes pictures with the meshes of all their people."""

import cv2
import numpy as np

from tests.tiny_training import ROOT

SAMPLES = ROOT / 'demo' / 'samples'
CONFIG = ROOT / 'configs' / 'deforhmr' / 'deforhmr_vit-tiny_openbody-v1-256x192.py'
CHECKPOINT = ROOT / 'demo' / 'checkpoints' / f'{CONFIG.stem}.pth'


def test_pictures_of_a_test(frozen_tool, tmp_path):
    result = frozen_tool(
        'test',
        *(CONFIG, CHECKPOINT, '--work-dir', tmp_path / 'logs'),
        *('--show-dir', tmp_path / 'pictures', '--interval', 2, '--cfg-options'),
        f'test_dataloader.dataset.data_root={SAMPLES}',
        'test_dataloader.dataset.ann_file=annotations.npz',
        # So that a picture's people come in several batches.
        'test_dataloader.batch_size=4',
    )
    assert result.returncode == 0, result.stderr
    # Six pictures with 2, 1, 1, 2, 3 and 2 people.
    pictures = sorted((tmp_path / 'pictures').iterdir())
    assert [path.name for path in pictures] == [
        '000000_000002.jpg',
        '000003_000021.jpg',
        '000006_000030.jpg',
    ]
    before = cv2.imread(str(SAMPLES / '000030.jpg')).astype(int)
    after = cv2.imread(str(pictures[2])).astype(int)
    assert after.shape == before.shape
    changed = (np.abs(after - before).max(-1) > 40).mean(0)
    # The people stand around columns 110, 150 and 325 of 437.
    assert changed[60:180].mean() > 0.1 and changed[280:370].mean() > 0.1
    assert changed[:20].mean() < 0.02


def test_interval_is_checked(frozen_tool):
    result = frozen_tool('test', CONFIG, CHECKPOINT, '--interval', 0)
    assert result.returncode == 2 and '--interval must be at least 1' in result.stderr
