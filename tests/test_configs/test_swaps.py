"""Backbones and heads are swapped by the config alone, as README.md says."""

import importlib
import re
import sys
from enum import Enum
from pathlib import Path
from types import ModuleType

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from deforhmr_mm.models.layers.samplers import mmcv_ops_error
from deforhmr_mm.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]
SECTION = 'Swap the backbone or the head'
BASE = ROOT / 'configs' / 'deforhmr' / 'deforhmr_vit-tiny_openbody-256x192.py'


def readme_configs():
    """The code blocks of the README's section, by the type that each puts in."""
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    section = re.search(rf'^## {SECTION}\n(.*?)^## ', text, re.S | re.M).group(1)
    blocks = re.findall(r'```python\n(.*?)```', section, re.S)
    return {re.search(r"type='([\w.]+)'", block).group(1): block for block in blocks}


BLOCKS = readme_configs()
STAGES = {
    'stage1': ('BOTTLENECK', (1,), (8,)),
    'stage2': ('BASIC', (1, 1), (8, 16)),
    'stage3': ('BASIC', (1, 1, 1), (8, 16, 32)),
    'stage4': ('BASIC', (1, 1, 1, 1), (8, 16, 32, 64)),
}
TINY_HRNET = dict(
    type='mmpose.HRNet',
    in_channels=3,
    extra={
        name: dict(
            num_modules=1,
            num_branches=len(channels),
            block=block,
            num_blocks=blocks,
            num_channels=channels,
        )
        for name, (block, blocks, channels) in STAGES.items()
    },
)
TINY_VIT = dict(
    type='mmpretrain.VisionTransformer',
    arch=dict(embed_dims=48, num_layers=2, num_heads=2, feedforward_channels=96),
    img_size=(256, 192),
    out_type='featmap',
)
TINY_SWIN = dict(
    type='mmpretrain.SwinTransformer',
    arch=dict(embed_dims=16, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
    img_size=(256, 192),
    pad_small_map=True,
)
# Backbone, and the head's options that go with it.
FOREIGN = {
    'HRNet': (TINY_HRNET, dict(in_channels=8, feat_size=(64, 48))),
    'ResNet': (
        dict(type='mmpose.ResNet', depth=18),
        dict(in_channels=512, feat_size=(8, 6)),
    ),
    'ResNet, second level of three': (
        dict(type='mmpose.ResNet', depth=18, out_indices=(1, 2, 3)),
        dict(in_channels=256, feat_size=(16, 12), feat_level=1),
    ),
    'VisionTransformer': (TINY_VIT, dict(in_channels=48, feat_size=(16, 12))),
    'SwinTransformer': (TINY_SWIN, dict(in_channels=128, feat_size=(8, 6))),
    'SwinTransformer, second level': (
        dict(TINY_SWIN, out_indices=(1, 3)),
        dict(in_channels=32, feat_size=(32, 24), feat_level=0),
    ),
}


@pytest.fixture
def torchvision_or_stand_in(monkeypatch):
    """Something that mmpretrain can import as torchvision.

    Its metrics and transforms do; no backbone calls it. Where no torchvision fits this
    machine's torch (PyPI's does not import beside a CPU build), empty modules with the
    imported names stand in.
    """
    try:
        importlib.import_module('torchvision')
        return
    except (ImportError, RuntimeError):
        pass
    for name in [name for name in sys.modules if name.startswith('torchvision')]:
        monkeypatch.delitem(sys.modules, name)

    class InterpolationMode(Enum):
        NEAREST, BILINEAR, BICUBIC = 'nearest', 'bilinear', 'bicubic'
        BOX, HAMMING, LANCZOS = 'box', 'hamming', 'lanczos'

    modules = {}
    for name in (
        'torchvision',
        'torchvision.ops',
        'torchvision.ops.boxes',
        'torchvision.transforms',
        'torchvision.transforms.functional',
        'torchvision.transforms.transforms',
    ):
        modules[name] = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, modules[name])
        parent, _, child = name.rpartition('.')
        if parent:
            setattr(modules[parent], child, modules[name])
    modules['torchvision'].__version__ = '0'
    modules['torchvision.transforms.transforms'].InterpolationMode = InterpolationMode


@pytest.fixture
def packages(torchvision_or_stand_in):
    """The packages of the foreign backbones; the test is skipped without them."""
    init_default_scope('deforhmr_mm')
    if mmcv_ops_error():
        pytest.skip(f'mmpose.models needs mmcv.ops: {mmcv_ops_error()}')
    for name in ('mmdet', 'mmpretrain'):
        pytest.importorskip(name)


def losses_and_prediction(model, samples):
    """One training loss with its gradients, then one prediction."""
    model.train()
    losses = model(torch.rand(2, 3, 256, 192), samples, mode='loss')
    sum(losses.values()).backward()
    assert all(loss.isfinite() for loss in losses.values())
    model.eval()
    with torch.no_grad():
        predicted = model(torch.rand(2, 3, 256, 192), samples, mode='predict')
    for sample in predicted:
        pred = sample.pred_instances
        assert pred.body_pose.shape == (1, 23, 3, 3)
        assert pred.vertices.isfinite().all()
    return losses


def test_the_readme_swaps_one_of_each():
    assert list(BLOCKS) == ['mmpose.ResNet', 'HMR2Head']
    for block in BLOCKS.values():
        assert re.search(r"_base_ = '(.*)'", block).group(1) == BASE.name


@pytest.mark.parametrize('name', BLOCKS)
def test_a_config_of_the_readme_trains_and_predicts(name, packages, samples, tmp_path):
    # The file lies elsewhere than in configs/, which a test must not write to.
    path = tmp_path / 'swapped.py'
    path.write_text(BLOCKS[name].replace(BASE.name, str(BASE)))
    config = Config.fromfile(path)
    model = MODELS.build(config.model)
    parts = {part: type(getattr(model, part)).__name__ for part in ('backbone', 'head')}
    swapped = 'head' if name.endswith('Head') else 'backbone'
    own = dict(backbone='ViT', head='DeforHMRHead')
    assert parts == own | {swapped: name.rpartition('.')[2]}
    losses = losses_and_prediction(model, samples)
    assert {'loss_pose', 'loss_joints_2d', 'loss_aux_keypoints'} <= set(losses)
    part = getattr(model, swapped)
    assert sum(p.grad.abs().sum() for p in part.parameters() if p.grad is not None) > 0


@pytest.mark.parametrize('name', FOREIGN)
def test_foreign_backbone_learns_through_the_head(name, packages, samples):
    backbone, options = FOREIGN[name]
    head = dict(
        type='DeforHMRHead',
        num_layers=1,
        embed_dims=16,
        head_dims=4,
        ffn_dims=16,
        # The crop's place is asked for where levels are several, too.
        box_info=True,
        **options,
    )
    model = MODELS.build(
        dict(
            type='MeshEstimator',
            backbone=backbone,
            head=head,
            losses=dict(smpl=dict(type='SMPLParamLoss')),
        )
    )
    assert type(model.backbone).__name__ == name.split(',')[0]
    losses_and_prediction(model, samples)
    # The first weights of all, and so whatever lies between.
    first = next(p for p in model.backbone.parameters() if p.dim() == 4)
    assert first.shape[1] == 3 and first.grad.abs().max() > 0


def test_a_map_of_another_size_is_refused_in_plain_words(packages):
    backbone, _ = FOREIGN['ResNet']
    head = dict(type='DeforHMRHead', in_channels=512, num_layers=1)
    model = MODELS.build(dict(type='MeshEstimator', backbone=backbone, head=head))
    with pytest.raises(ValueError, match=r'\(512, 8, 6\).*feat_size'):
        model(torch.rand(1, 3, 256, 192))


def test_a_transformer_that_gives_no_map_is_refused(packages):
    backbone = dict(TINY_VIT, out_type='cls_token')
    head = dict(type='DeforHMRHead', in_channels=48, num_layers=1)
    model = MODELS.build(dict(type='MeshEstimator', backbone=backbone, head=head))
    with pytest.raises(ValueError, match='featmap'):
        model(torch.rand(1, 3, 256, 192))
