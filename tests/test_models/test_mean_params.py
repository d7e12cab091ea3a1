"""Files of mean parameters: what is refused, and that none is half written."""

import numpy as np
import pytest
import torch

from deforhmr_mm.models.heads import (
    facing_rest_pose,
    load_mean_params,
    save_mean_params,
)

OURS = dict(
    rot6d=np.tile([1.0, 0, 0, 0, 1, 0], (24, 1)),
    betas=np.zeros(10),
    camera=np.ones(3),
    rot6d_layout='columns',
)
SPIN = dict(pose=np.tile([1.0, 0, 0, 1, 0, 0], 24), shape=np.zeros(10), cam=np.ones(3))


def without(key, content):
    return {name: value for name, value in content.items() if name != key}


@pytest.mark.parametrize('content', [OURS, SPIN])
def test_both_layouts_are_read(tmp_path, content):
    np.savez(tmp_path / 'means.npz', **content)
    means = load_mean_params(tmp_path / 'means.npz')
    assert torch.equal(means.rot6d, torch.tensor(OURS['rot6d']).float())
    assert torch.equal(means.betas, torch.zeros(10))
    assert torch.equal(means.camera, torch.ones(3))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(mean=np.zeros(144)), "expected the key 'pose' of shape"),
        (SPIN | dict(pose=np.ones(138)), r'pose must be \(144,\), got \(138,\)'),
        (SPIN | dict(pose=np.zeros(144)), 'degenerate'),
        (SPIN | dict(shape=np.array(['0.5'] * 10)), 'shape must hold numbers'),
        (SPIN | dict(shape=np.array([None] * 10)), 'is not a readable npz'),
        (SPIN | dict(shape=np.full(10, np.nan)), 'betas must be finite'),
        (SPIN | dict(cam=np.zeros(3)), 'scale must be positive'),
        (without('rot6d_layout', OURS), 'rot6d_layout must be'),
        (without('betas', OURS), r"the key 'betas' of shape \(any,\), found"),
        (OURS | dict(betas=np.zeros((2, 10))), r'betas must be \(any,\), got \(2, 10'),
        (OURS | dict(betas=np.full(10, np.inf)), 'betas must be finite'),
        (OURS | dict(camera=np.array([1, np.nan, 0])), 'camera must be finite'),
    ],
)
def test_contents_that_cannot_be_used_are_refused(tmp_path, content, message):
    np.savez(tmp_path / 'means.npz', **content)
    with pytest.raises(ValueError, match=f'means.npz.*{message}'):
        load_mean_params(tmp_path / 'means.npz')


def cut(data):
    return data[:-100]


def encrypted(data):
    """The file with the first bit of each member's flags set, in the table."""
    start, *table = data.split(b'PK\1\2')
    return b'PK\1\2'.join([start, *(row[:4] + b'\1' + row[5:] for row in table)])


@pytest.mark.parametrize('damage', [cut, encrypted])
def test_damaged_files_are_refused(tmp_path, damage):
    path = tmp_path / 'means.npz'
    np.savez(path, **OURS)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r'means.npz is not a readable npz'):
        load_mean_params(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / 'means.npz'
    with pytest.raises(FileNotFoundError, match=r'means.npz.* does not exist'):
        load_mean_params(path)
    with path.open('wb') as file:
        np.save(file, OURS['rot6d'])
    with pytest.raises(ValueError, match=r'means.npz .*a single array'):
        load_mean_params(path)


def test_means_are_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / 'new' / 'means.npz'
    means = facing_rest_pose(3)._replace(camera=torch.tensor([0.7, 0.1, -0.2]))
    save_mean_params(path, means)
    for got, expected in zip(load_mean_params(path), means, strict=True):
        torch.testing.assert_close(got, expected, atol=0, rtol=0)
    before = path.read_bytes()
    for wrong in (
        means._replace(rot6d=torch.zeros(24, 6)),
        means._replace(camera=torch.zeros(3)),
        means._replace(betas=torch.full((3,), torch.nan)),
    ):
        with pytest.raises(ValueError, match='means.npz'):
            save_mean_params(path, wrong)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ['means.npz']
