"""A very small model whose encoder is frozen, and people to train it on."""

from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from deforhmr_mm.registry import MODELS

ROOT = Path(__file__).parents[1]
PEOPLE = 8
CONFIG = """
_base_ = [{base!r}, {pipelines!r}]
model = dict(
    type='MeshEstimator',
    data_preprocessor=dict(
        type='ImgDataPreprocessor', mean=[127.5] * 3, std=[64.0] * 3, bgr_to_rgb=True),
    body_model=dict(type='SMPL'),
    backbone=dict(
        type='ViT', arch=dict(embed_dims=32, depth=1, num_heads=2), frozen=True),
    head=dict(type='DeforHMRHead', in_channels=32, num_layers=1, embed_dims=32,
        num_heads=2, head_dims=16, ffn_dims=32,
        cross_attention=dict(num_groups=2)),
    losses=dict(
        smpl=dict(type='SMPLParamLoss'),
        joints_2d=dict(type='Joints2DLoss'),
    ),
)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    collate_fn=dict(type='mesh_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='HMRDataset', data_root={data_root!r}, ann_file='train.npz',
        pipeline={{{{_base_.train_pipeline}}}},
    ),
)
test_dataloader = dict(
    batch_size=4,
    num_workers=0,
    collate_fn=dict(type='mesh_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='HMRDataset', data_root={data_root!r}, ann_file='train.npz',
        pipeline={{{{_base_.test_pipeline}}}}, test_mode=True,
    ),
)
test_evaluator = dict(type='MeshMetric', protocol='smpl24')
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4))
train_cfg = dict(by_epoch=True, max_epochs=2)
randomness = dict(seed=0)
"""
CACHED = """
_base_ = ['./whole.py']
model = dict(
    data_preprocessor=dict(_delete_=True, type='FeatureDataPreprocessor'),
    backbone=dict(_delete_=True, type='CachedFeatures'),
)
train_dataloader = dict(
    collate_fn=dict(type='cached_collate'),
    dataset=dict(_delete_=True, type='CachedFeatureDataset', cache_dir='train_fp32',
        pipeline={{_base_.train_pipeline}}),
)
test_dataloader = dict(
    collate_fn=dict(type='cached_collate'),
    dataset=dict(_delete_=True, type='CachedFeatureDataset', cache_dir='test_fp16',
        pipeline={{_base_.test_pipeline}}, test_mode=True),
)
custom_hooks = [dict(type='CachedFeaturesHook')]
"""


def make_frozen_workplace(folder: Path) -> Path:
    """A folder with 8 pictures, their labels, two configs and a checkpoint."""
    rng = np.random.default_rng(0)
    names = [f'{index}.png' for index in range(PEOPLE)]
    for name in names:
        coarse = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / name), cv2.resize(coarse, (160, 120)))
    np.savez(
        folder / 'train.npz',
        imgname=np.array(names),
        center=np.full((PEOPLE, 2), (80.0, 60.0)),
        scale=np.full(PEOPLE, 0.5),
        pose=rng.normal(0, 0.3, (PEOPLE, 72)),
        shape=rng.normal(0, 1, (PEOPLE, 10)),
    )
    configs = ROOT / 'configs' / '_base_'
    text = CONFIG.format(
        base=str(configs / 'default_runtime.py'),
        pipelines=str(configs / 'datasets' / 'pipelines.py'),
        data_root=str(folder),
    )
    (folder / 'whole.py').write_text(text)
    (folder / 'cached.py').write_text(CACHED)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        init_default_scope('deforhmr_mm')
        model = MODELS.build(Config.fromfile(folder / 'whole.py').model)
        # Readouts start near zero; here results are to depend on the picture.
        for parameter in model.head.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
    torch.save({'state_dict': model.state_dict()}, folder / 'whole.pth')
    return folder
