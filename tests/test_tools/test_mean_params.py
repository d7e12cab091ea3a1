"""From labels to a file of means to a head that starts there."""

import runpy
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

import deforhmr_mm
from deforhmr_mm.geometry import rot6d_to_rotmat
from deforhmr_mm.models.heads import DeforHMRHead, facing_rest_pose, load_mean_params

ROOT = Path(deforhmr_mm.__file__).parents[1]
TOOL = ROOT / 'tools' / 'misc' / 'mean_params.py'


@pytest.fixture
def config(tmp_path):
    """A config whose training set has three people; the first two have SMPL labels."""
    pose = np.zeros((3, 24, 3))
    pose[:, 0] = [[np.pi, 0, 0], [2.0, 0, 0], [0, 0, 0]]
    pose[:, 5] = [[0, 0, 0.2], [0, 0, 0.6], [1, 1, 1]]
    content = dict(
        imgname=np.array(['missing/0.jpg', 'missing/1.jpg', 'missing/2.jpg']),
        center=np.full((3, 2), 100.0),
        scale=np.full(3, 1.0),
        pose=pose.reshape(3, 72),
        shape=np.array([[1.0] + 9 * [0.0], [3.0] + 9 * [0.5], 10 * [9.0]]),
        has_smpl=np.array([1.0, 1.0, 0.0]),
        # Depth 2 f / (200 s) for s = 0.5 and 1.0, on the axis through the box.
        transl=np.array([[0.1, 0.2, 10.0], [0.3, 0.2, 5.0], [0, 0, 1.0]]),
        focal_l=np.array([500.0, 500.0, np.nan]),
        principal_point=np.full((3, 2), 100.0),
    )
    np.savez(tmp_path / 'train.npz', **content)
    path = tmp_path / 'config.py'
    path.write_text(
        "default_scope = 'deforhmr_mm'\n"
        "train_dataloader = dict(dataset=dict(type='HMRDataset', "
        f'ann_file={str(tmp_path / "train.npz")!r}, '
        "pipeline=[dict(type='NoSuchTransform')]))\n"
    )
    return path


class Result(NamedTuple):
    stdout: str
    error: str | int | None


@pytest.fixture
def run(monkeypatch, capsys):
    """Call of the tool's main() in this process: run(CONFIG, '--out', ...)."""

    def call(*arguments):
        monkeypatch.setattr('sys.argv', [str(TOOL), *map(str, arguments)])
        error = None
        try:
            runpy.run_path(str(TOOL))['main']()
        except SystemExit as stop:
            error = stop.code
        return Result(capsys.readouterr().out, error)

    return call


def test_head_starts_at_the_means_of_the_labels(run, config, tmp_path):
    out = tmp_path / 'made' / 'means.npz'
    result = run(config, '--out', out)
    assert result.error is None
    assert 'means of 3 people' in result.stdout
    assert [path.name for path in out.parent.iterdir()] == ['means.npz']

    means = load_mean_params(out)
    rotmats = rot6d_to_rotmat(means.rot6d)
    elbow = Rotation.from_rotvec([0, 0, 0.4]).as_matrix()
    np.testing.assert_allclose(rotmats[5].numpy(), elbow, atol=1e-6)
    start = facing_rest_pose()
    torch.testing.assert_close(means.rot6d[0], start.rot6d[0])
    torch.testing.assert_close(means.rot6d[6:], start.rot6d[6:])
    expected = torch.tensor([2.0] + 9 * [0.25])
    torch.testing.assert_close(means.betas, expected)
    torch.testing.assert_close(means.camera, torch.tensor([0.9, 0.0, 0.0]))

    head = DeforHMRHead(
        in_channels=8,
        feat_size=(2, 2),
        num_layers=1,
        embed_dims=8,
        head_dims=2,
        mean_params=out,
    )
    for readout in (head.pose_readout, head.betas_readout, head.camera_readout):
        torch.nn.init.zeros_(readout.weight)
    got = head(torch.randn(1, 8, 2, 2))
    torch.testing.assert_close(got['global_orient'][0], rotmats[:1])
    torch.testing.assert_close(got['body_pose'][0], rotmats[1:])
    torch.testing.assert_close(got['betas'][0], expected)
    torch.testing.assert_close(got['camera'][0], means.camera)


def test_orientation_and_camera_of_the_labels_on_request(run, config, tmp_path):
    out = tmp_path / 'means.npz'
    result = run(config, '--out', out, '--global-orient', 'mean', '--camera', 'mean')
    assert result.error is None
    means = load_mean_params(out)
    expected = Rotation.from_rotvec([(np.pi + 2.0) / 2, 0, 0]).as_matrix()
    got = rot6d_to_rotmat(means.rot6d[0]).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-6)
    torch.testing.assert_close(means.camera, torch.tensor([0.75, 0.2, 0.2]))


@pytest.mark.parametrize(
    ('change', 'options', 'message'),
    [
        (dict(has_smpl=np.zeros(3)), (), 'no sample with SMPL labels'),
        (dict(focal_l=np.full(3, np.nan)), ('--camera', 'mean'), 'focal_length'),
    ],
)
def test_what_the_labels_lack_is_said(run, config, tmp_path, change, options, message):
    labels = dict(np.load(tmp_path / 'train.npz')) | change
    np.savez(tmp_path / 'train.npz', **labels)
    result = run(config, '--out', tmp_path / 'means.npz', *options)
    assert message in result.error and 'config.py' in result.error
    assert not (tmp_path / 'means.npz').exists()


def test_another_ending_is_refused(run, config, tmp_path):
    result = run(config, '--out', tmp_path / 'means.pth')
    assert 'must end with .npz' in result.error
