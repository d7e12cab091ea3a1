"""Means of labels against scipy and by hand."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from scipy.spatial.transform import Rotation

from deforhmr_mm.datasets import (
    AnnotationError,
    build_labels,
    mean_body,
    mean_crop_camera,
    read_labels,
)
from deforhmr_mm.engine.feature_cache import CachedFeatureDataset
from deforhmr_mm.geometry import crop_to_full_translation


@pytest.fixture(autouse=True)
def scope():
    """Where mmengine's ConcatDataset looks for the sets that it joins."""
    init_default_scope('deforhmr_mm')


def dataloader(*paths):
    """Config of a loader over files, whose pipeline no one can build."""
    sets = [
        dict(
            type='HMRDataset',
            ann_file=str(path),
            pipeline=[dict(type='NoSuchTransform')],
        )
        for path in paths
    ]
    return dict(dataset=dict(type='ConcatDataset', datasets=sets))


def test_mean_body_against_scipy(columns, write):
    """Of two files; the one person without labels has no say."""
    labels = build_labels(dataloader(write(columns), write(columns, 'again.npz')))
    assert len(labels) == 10
    mean = mean_body(labels)
    labelled = columns['has_smpl'] > 0
    rotvec = columns['pose'][labelled].reshape(-1, 24, 3)
    rotmats = torch.cat((mean['global_orient'], mean['body_pose']), dim=1)
    assert rotmats.shape == (1, 24, 3, 3)
    for joint in range(24):
        expected = Rotation.from_rotvec(rotvec[:, joint]).mean().as_matrix()
        np.testing.assert_allclose(rotmats[0, joint].numpy(), expected, atol=1e-5)
    expected = columns['shape'][labelled].mean(0)
    np.testing.assert_allclose(mean['betas'][0], expected, atol=1e-5)


def test_a_config_is_left_as_it_is(columns, write):
    config = dataloader(write(columns))
    build_labels(config)
    (dataset,) = config['dataset']['datasets']
    assert dataset['pipeline'] == [dict(type='NoSuchTransform')]


@pytest.mark.parametrize(
    'kind', ['CachedFeatureDataset', 'deforhmr_mm.CachedFeatureDataset', None]
)
@pytest.mark.parametrize('wrapped', [False, True])
def test_a_cache_is_refused(kind, wrapped):
    cached = dict(type=kind or CachedFeatureDataset, cache_dir='my_cache', pipeline=[])
    if wrapped:
        cached = dict(type='ConcatDataset', datasets=[cached])
    wanted = r'\(my_cache\): give the config that the cache was made with'
    with pytest.raises(ValueError, match=wanted):
        build_labels(dict(dataset=cached))


def test_only_the_labels_asked_for_are_read(columns, write):
    (first, *_) = read_labels(build_labels(dataloader(write(columns))), ('betas',))
    assert list(first) == ['betas']
    np.testing.assert_allclose(first['betas'][0], columns['shape'][0], atol=1e-6)


def test_without_labels_there_is_no_mean(columns, write):
    columns['has_smpl'][:] = 0
    labels = build_labels(dataloader(write(columns)))
    with pytest.raises(AnnotationError, match='no sample with SMPL labels'):
        mean_body(labels)
    with pytest.raises(AnnotationError, match='focal_length'):
        mean_crop_camera(labels)


def test_mean_crop_camera_is_that_of_the_known_places(columns, write):
    count = len(columns['scale'])
    cameras = torch.rand(count, 3, dtype=torch.float64) + torch.tensor([0.5, -0.5, 0])
    center = torch.tensor(columns['center'])
    principal = torch.tensor([80.0, 60.0], dtype=torch.float64).expand(count, 2)
    focal = torch.linspace(150, 250, count, dtype=torch.float64)
    height = 200 * torch.tensor(columns['scale'])
    transl = crop_to_full_translation(cameras, center, height, principal, focal)
    transl[1] = float('nan')
    columns |= dict(
        transl=transl.numpy(),
        focal_l=focal.numpy(),
        principal_point=principal.numpy(),
    )
    got = mean_crop_camera(build_labels(dataloader(write(columns))))
    expected = cameras[[0, 2, 3, 4]].mean(0).float()
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)
