"""What the optimizer of the configs gets, and what of it decays."""

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from deforhmr_mm.registry import MODELS

from .test_configs import CONFIGS, shrunk

PAPER = CONFIGS / 'deforhmr' / 'deforhmr_vit-h_2xb100-100e_mixed-256x192.py'
TINY = CONFIGS / 'deforhmr' / 'deforhmr_vit-tiny_openbody-256x192.py'
ABLATION = 'deforhmr_vit-h_learned-position_2xb100-100e_mixed-256x192.py'
LEARNED = CONFIGS / 'ablations' / ABLATION
HMR2 = CONFIGS / 'hmr2' / 'hmr2_vit-h_mixed-256x192.py'
LAYER = 'head.decoder.layers.0.'
# Matrices and filters.
DECAYED_HEAD = {
    'head.pose_embed.weight',
    'head.betas_embed.weight',
    f'{LAYER}self_attention.qkv_proj.weight',
    f'{LAYER}self_attention.out_proj.weight',
    f'{LAYER}cross_attention.offsets.depthwise.weight',
    f'{LAYER}cross_attention.offsets.pointwise.weight',
    f'{LAYER}cross_attention.query_proj.weight',
    f'{LAYER}cross_attention.key_proj.weight',
    f'{LAYER}cross_attention.value_proj.weight',
    f'{LAYER}cross_attention.out_proj.weight',
    f'{LAYER}ffn.0.weight',
    f'{LAYER}ffn.2.weight',
    'head.pose_readout.weight',
    'head.betas_readout.weight',
    'head.camera_readout.weight',
}


def build(path):
    init_default_scope('deforhmr_mm')
    config = shrunk(Config.fromfile(path))
    model = MODELS.build(config.model)
    return model, build_optim_wrapper(model, config.optim_wrapper).optimizer


def decays(model, optimizer):
    """The weight decay of each parameter that the optimizer has, by name."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {
        names[parameter]: group['weight_decay']
        for group in optimizer.param_groups
        for parameter in group['params']
    }


def test_the_paper_config_decays_matrices_alone():
    model, optimizer = build(PAPER)
    decay = decays(model, optimizer)
    assert {name for name, value in decay.items() if value} == DECAYED_HEAD
    assert {value for value in decay.values() if value} == {1e-4}
    assert {group['lr'] for group in optimizer.param_groups} == {1e-4}
    for name in ('head.tokens', f'{LAYER}cross_attention.bias.grids'):
        assert decay[name] == 0


@pytest.mark.parametrize(
    ('path', 'free'),
    [
        (TINY, ['backbone.pos_embed', 'head.tokens', 'auxiliary_head.bias']),
        (LEARNED, [f'{LAYER}cross_attention.key_position.grid']),
        (HMR2, ['head.transformer.pos_embedding']),
    ],
)
def test_tables_and_tokens_of_other_configs_do_not_decay(path, free):
    decay = decays(*build(path))
    assert [decay[name] for name in free] == [0] * len(free)
    norms = [name for name in decay if 'norm' in name or name.endswith('bias')]
    assert norms and not any(decay[name] for name in norms)


def test_a_frozen_encoder_is_not_optimized_and_never_trains():
    model, optimizer = build(PAPER)
    assert not any(name.startswith('backbone.') for name in decays(model, optimizer))
    model.train()
    assert model.head.training and not model.backbone.training
    assert not any(module.training for module in model.backbone.modules())
    features = model.backbone(torch.rand(1, 3, 256, 192))
    assert not features.requires_grad
