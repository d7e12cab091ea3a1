import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from scipy.spatial.transform import Rotation

import deforhmr_mm
from deforhmr_mm.registry import MODELS

ROOT = Path(deforhmr_mm.__file__).parents[1]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'mean_body.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('mean_body_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def test_mean_body_against_scipy(tool, data):
    folder, train, _ = data
    config = Config.fromfile(write_config(folder))
    mean = tool.mean_body(tool.build_labels(config.train_dataloader))
    rotvec = train['pose'].reshape(-1, 24, 3)
    for joint in range(24):
        expected = Rotation.from_rotvec(rotvec[:, joint]).mean().as_matrix()
        part = mean['global_orient'] if joint == 0 else mean['body_pose'][:, joint - 1]
        np.testing.assert_allclose(part.reshape(3, 3).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(mean['betas'][0], train['shape'].mean(0), atol=1e-5)


def test_unlabelled_people_have_no_say(tool, data):
    folder, train, _ = data
    train['has_smpl'][3:] = 0
    np.savez(folder / 'train.npz', **train)
    config = Config.fromfile(write_config(folder))
    mean = tool.mean_body(tool.build_labels(config.train_dataloader))
    np.testing.assert_allclose(mean['betas'][0], train['shape'][:3].mean(0), atol=1e-5)
    train['has_smpl'][:] = 0
    np.savez(folder / 'train.npz', **train)
    with pytest.raises(SystemExit, match='no sample with SMPL labels'):
        tool.mean_body(tool.build_labels(config.train_dataloader))


def test_pipelines_are_emptied_at_every_depth(tool):
    config = dict(
        type='ConcatDataset',
        datasets=[dict(type='A', pipeline=[1, 2]), dict(type='B', pipeline=[3])],
    )
    emptied = tool.without_pipelines(config)
    assert [part['pipeline'] for part in emptied['datasets']] == [[], []]
    assert config['datasets'][0]['pipeline'] == [1, 2]


def test_command_scores_the_split(data):
    folder, train, test = data
    out = folder / 'scores' / 'mean.json'
    command = [sys.executable, str(TOOL), str(write_config(folder)), '--out', str(out)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    report = json.loads(out.read_text())
    (scores,) = report['scores']
    assert report['split'] == 'test'
    assert f'{scores["MPJPE"]:.1f} mm' in result.stdout
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
