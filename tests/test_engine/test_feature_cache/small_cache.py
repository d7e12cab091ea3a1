"""A cache of five samples in two views, three samples in a shard."""

import numpy as np
import torch
from mmengine.structures import InstanceData

from deforhmr_mm.engine.feature_cache import CacheManifest, FeatureCacheWriter
from deforhmr_mm.structures import MeshDataSample

SHAPE = (4, 3, 2)
COUNT = 5
PIPELINE = [dict(type='LoadImage'), dict(type='RandomFlip', prob=0.5)]


def features_of(index, view):
    """Features that say whose they are, exact in float16 and bfloat16."""
    return torch.full(SHAPE, float(10 * view + index))


def sample_of(index, view):
    sample = MeshDataSample(
        metainfo=dict(
            sample_id=f'set/{index}',
            flip=view == 1,
            ori_shape=(480, 640),
            input_center=np.array([index / 3, view], dtype=np.float32),
            focal_length=1000.5,
        )
    )
    sample.gt_instances = InstanceData(
        keypoints=torch.full((1, 2, 2), index + view / 3),
        betas=torch.arange(3.0)[None] + index,
        transl=torch.full((1, 3), float('nan')),
    )
    return sample


def manifest_of(**changes):
    fields = dict(
        num_samples=COUNT,
        feature_shape=SHAPE,
        dtype='float32',
        views=2,
        shard_size=3,
        seed=0,
        metainfo=dict(keypoint_set='smpl45'),
        encoder=dict(weights='ab' * 32, backbone=dict(type='ViT', arch='huge')),
        pipeline=PIPELINE,
    )
    return CacheManifest(**{**fields, **changes})


def batches_of(shard):
    """The rows of a shard, two at a time."""
    rows = list(range(shard.start, shard.stop))
    for start in range(0, len(rows), 2):
        part = rows[start : start + 2]
        features = torch.stack([features_of(i, shard.view) for i in part])
        yield features, [sample_of(i, shard.view) for i in part]


def write(folder, **changes):
    writer = FeatureCacheWriter(folder, manifest_of(**changes))
    for shard in writer.pending():
        writer.write(shard, batches_of(shard))
    writer.finish()
    return folder
