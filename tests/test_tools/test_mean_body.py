import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

import deforhmr_mm
from deforhmr_mm.registry import MODELS

ROOT = Path(deforhmr_mm.__file__).parents[1]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'mean_body.py'


def write_annotations(path: Path, seed: int, count: int) -> dict[str, np.ndarray]:
    """An annotation file whose pictures do not exist."""
    rng = np.random.default_rng(seed)
    content = {
        'imgname': np.array([f'missing/{index}.jpg' for index in range(count)]),
        'center': np.full((count, 2), 100.0),
        'scale': np.full(count, 1.0),
        'pose': rng.normal(0, 0.4, (count, 72)),
        'shape': rng.normal(0, 1, (count, 10)),
        'has_smpl': np.ones(count),
    }
    np.savez(path, **content)
    return content


@pytest.fixture
def data(tmp_path):
    train = write_annotations(tmp_path / 'train.npz', 0, 12)
    test = write_annotations(tmp_path / 'test.npz', 1, 70)
    return tmp_path, train, test


def dataset_config(path: Path) -> dict:
    pipeline = [dict(type='NoSuchTransform')]
    return dict(type='HMRDataset', ann_file=str(path), pipeline=pipeline)


def write_config(folder: Path) -> Path:
    text = f"""
default_scope = 'deforhmr_mm'
train_dataloader = dict(dataset={dataset_config(folder / 'train.npz')!r})
test_dataloader = dict(dataset={dataset_config(folder / 'test.npz')!r})
test_evaluator = dict(type='MeshMetric', body_model=dict(type='SMPL'))
"""
    path = folder / 'config.py'
    path.write_text(text)
    return path


def run(*arguments):
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_without_labels_there_is_no_score(data):
    folder, train, _ = data
    train['has_smpl'][:] = 0
    np.savez(folder / 'train.npz', **train)
    result = run(write_config(folder))
    assert result.returncode == 1 and 'Traceback' not in result.stderr
    assert result.stderr.startswith('error: ')
    assert 'no sample with SMPL labels' in result.stderr


def test_a_gendered_truth(data):
    folder, _, test = data
    test['gender'] = np.array(['m', 'f'] * 35)
    np.savez(folder / 'test.npz', **test)
    config = write_config(folder)
    body = "dict(type='SMPL')"
    config.write_text(
        config.read_text()
        + f"""
test_evaluator.update(
    protocol='rich',
    gendered_body_models=dict(male={body}, female={body}),
    out_file_prefix={str(folder / 'scores')!r},
)
"""
    )
    result = run(config)
    assert result.returncode == 0, result.stderr
    with np.load(folder / 'scores.npz') as scores:
        assert scores['sample_id'][69] == 'test/69'


def test_command_scores_the_split(data):
    folder, train, test = data
    out = folder / 'scores' / 'mean.json'
    result = run(write_config(folder), '--out', out)
    assert result.returncode == 0, result.stderr
    report = json.loads(out.read_text())
    (scores,) = report['scores']
    assert report['split'] == 'test'
    assert f'{scores["MPJPE"]:.1f}' in result.stdout
    assert [path.name for path in out.parent.iterdir()] == ['mean.json']

    body = MODELS.build(dict(type='SMPL'))
    mean = Rotation.concatenate(
        [
            Rotation.from_rotvec(train['pose'].reshape(-1, 24, 3)[:, joint]).mean()
            for joint in range(24)
        ]
    ).as_matrix()
    poses = [
        mean,
        *(Rotation.from_rotvec(p.reshape(24, 3)).as_matrix() for p in test['pose']),
    ]
    shapes = np.concatenate([train['shape'].mean(0, keepdims=True), test['shape']])
    pose = torch.tensor(np.stack(poses), dtype=torch.float32)
    with torch.no_grad():
        output = body(pose[:, :1], pose[:, 1:], torch.tensor(shapes).float())
    joints = output.joints[:, :24].numpy()
    joints = joints - joints[:, :1]
    expected = 1000 * np.linalg.norm(joints[1:] - joints[:1], axis=-1).mean()
    assert scores['MPJPE'] == pytest.approx(expected, rel=1e-4)
