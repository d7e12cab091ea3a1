"""FLOPs and parameters against numbers by hand."""

import importlib.util
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

import deforhmr_mm
from deforhmr_mm.models.layers.samplers import mmcv_ops_error
from tests.tiny_estimator import CONFIG

ROOT = Path(deforhmr_mm.__file__).parents[1]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'get_flops.py'
PAPER = ROOT / 'configs' / 'deforhmr' / 'deforhmr_vit-h_2xb100-100e_mixed-256x192.py'

# Tokens of the encoder: 4 x 3 cells of 64 pixels.
CELLS, CHANNELS = 12, 16
QUERIES, DIMS, HEADS, WIDTH, LAYERS, FFN = 25, 16, 8, 4, 2, 8
INNER = HEADS * WIDTH
BACKBONE = dict(
    type='ViT', arch=dict(embed_dims=CHANNELS, depth=1, num_heads=2), patch_size=64
)
HEAD = dict(
    type='DeforHMRHead',
    in_channels=CHANNELS,
    feat_size=(4, 3),
    num_layers=LAYERS,
    embed_dims=DIMS,
    head_dims=WIDTH,
    ffn_dims=FFN,
    cross_attention=dict(num_groups=4, kernel_size=3),
    mean_params='a file of the user',
)


@pytest.fixture(scope='module')
def tool():
    init_default_scope('deforhmr_mm')
    spec = importlib.util.spec_from_file_location('get_flops_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cost_of(tool, **changes):
    model = dict(backbone=BACKBONE, head=HEAD | changes)
    return tool.model_cost(model, (256, 192))[0]


def test_a_small_model_by_hand(tool):
    cost = cost_of(tool)
    linear = DIMS * 3 * INNER + INNER * DIMS
    assert cost.flops == {
        'backbone': CELLS * CHANNELS * 3 * 64 * 64  # patches
        + CELLS * CHANNELS * 4 * CHANNELS  # qkv and projection
        + 2 * CELLS * CELLS * CHANNELS  # logits and values of all heads
        + 2 * CELLS * CHANNELS * 4 * CHANNELS,  # feed-forward
        tool.SELF_ATTENTION: LAYERS * (QUERIES * linear + 2 * QUERIES**2 * INNER),
        tool.QUERIES: LAYERS
        * (2 * QUERIES * DIMS * INNER + 2 * QUERIES * CELLS * INNER),
        tool.KEYS: LAYERS * 2 * CELLS * CHANNELS * INNER,
        # Each channel's own 3 x 3 filter, then x and y from a group's channels.
        tool.OFFSETS: LAYERS * CELLS * (CHANNELS * 9 + 2 * CHANNELS),
        tool.SAMPLING: 4 * LAYERS * CELLS * (CHANNELS + HEADS * QUERIES),
        tool.FFN: LAYERS * 2 * QUERIES * DIMS * FFN,
        # Tokens from the means, and back: rotations, betas; the camera.
        tool.REST: 2 * 24 * 6 * DIMS + 2 * 10 * DIMS + 3 * DIMS,
    }
    norms = (3 * LAYERS + 1) * 2 * DIMS
    embeddings = 7 * DIMS + 11 * DIMS
    readouts = (DIMS + 1) * (6 + 10 + 3)
    assert cost.parameters == {
        'backbone': (3 * 64 * 64 + 1) * CHANNELS
        + (CELLS + 1) * CHANNELS  # positions
        + 3 * 2 * CHANNELS  # norms
        + (CHANNELS + 1) * 4 * CHANNELS
        + (CHANNELS + 1) * 4 * CHANNELS
        + (4 * CHANNELS + 1) * CHANNELS,
        tool.SELF_ATTENTION: LAYERS * (linear + DIMS),
        tool.QUERIES: LAYERS * (2 * DIMS * INNER + DIMS),
        tool.KEYS: LAYERS * 2 * CHANNELS * INNER,
        tool.OFFSETS: LAYERS * (CHANNELS * (9 + 1) + 2 * CHANNELS + 2 * CHANNELS),
        tool.SAMPLING: LAYERS * HEADS * QUERIES * CELLS,
        tool.FFN: LAYERS * (2 * DIMS * FFN + FFN + DIMS),
        tool.REST: QUERIES * DIMS + norms + embeddings + readouts,
    }


def test_regular_attention_saves_offsets_and_their_sampling(tool):
    whole = cost_of(tool)
    regular = cost_of(tool, cross_attention=dict(num_groups=4, deformable=False))
    assert regular.flops[tool.OFFSETS] == regular.parameters[tool.OFFSETS] == 0
    assert regular.flops[tool.SAMPLING] == 4 * LAYERS * CELLS * HEADS * QUERIES
    for part in (tool.KEYS, tool.QUERIES, tool.SELF_ATTENTION, tool.FFN, tool.REST):
        assert regular.flops[part] == whole.flops[part]
    assert tool.OFFSETS not in tool.table(regular)


@pytest.mark.skipif(mmcv_ops_error() is not None, reason='needs mmcv.ops')
def test_deformable_detrs_attention_by_hand(tool):
    cost = cost_of(tool, cross_attention=dict(type='MSDeformCrossAttention'))
    points = HEADS * 4
    assert cost.flops[tool.KEYS] == LAYERS * CELLS * DIMS * (CHANNELS + DIMS)
    # The reference point, then two numbers for each point.
    assert cost.flops[tool.OFFSETS] == LAYERS * QUERIES * DIMS * (2 + 2 * points)
    assert cost.flops[tool.SAMPLING] == 4 * LAYERS * QUERIES * points * DIMS // HEADS
    # Weights of the points and the output; the weighted sum is no matrix product.
    assert cost.flops[tool.QUERIES] == LAYERS * QUERIES * DIMS * (points + DIMS)


def test_a_map_of_several_levels_and_box_information(tool):
    plain, told = cost_of(tool), cost_of(tool, box_info=True)
    assert told.flops[tool.REST] - plain.flops[tool.REST] == 3 * DIMS
    levels = [torch.empty(1, 2, 4, 3, device='meta'), torch.empty(1, 5, device='meta')]
    assert [level.shape for level in tool.real(levels)] == [(1, 2, 4, 3), (1, 5)]


def test_grouped_convolutions_cost_their_own_channels(tool):
    flops, out = tool.count_flops(
        nn.Conv2d(8, 12, 3, padding=1, groups=4), torch.zeros(1, 8, 5, 6)
    )
    assert out.shape == (1, 12, 5, 6)
    assert flops.total() == 12 * 5 * 6 * 9 * 8 // 4


def test_the_papers_table_in_the_docs_is_what_the_tool_prints(tool):
    cost, trained = tool.model_cost(Config.fromfile(PAPER).model, (256, 192))
    table = tool.table(cost)
    assert table in (ROOT / 'docs' / 'models.md').read_text(encoding='utf-8')
    head = sum(cost.parameters[part] for part in tool.HEAD_PARTS)
    assert trained == head  # the encoder is frozen
    # ViT-H's share by hand: patches, 32 layers, no class token.
    cells, width = 192, 1280
    layer = cells * 12 * width**2 + 2 * cells**2 * width
    assert cost.flops['backbone'] == cells * width * 3 * 16 * 16 + 32 * layer
    assert re.search(r'\| all \| 670.821 M \| 126.381 \|', table)


def test_the_shape_of_the_input_is_height_and_width(
    tool, tmp_path, monkeypatch, capsys
):
    model = dict(
        backbone=dict(BACKBONE, img_size=(256, 384)), head=dict(HEAD, feat_size=(4, 6))
    )
    path = tmp_path / 'wide.py'
    path.write_text(f'model = {model}')
    monkeypatch.setattr('sys.argv', ['', str(path), '--shape', '256', '384'])
    tool.main()
    printed = capsys.readouterr().out
    cost, _ = tool.model_cost(model, (256, 384))
    assert tool.table(cost) in printed and '256 x 384 pixels' in printed
    # Twice the cells: twice the work of each, and four times that between them.
    more = cost.flops['backbone'] - 2 * cost_of(tool).flops['backbone']
    assert more == 4 * CELLS**2 * CHANNELS


def test_cached_features_cost_nothing(tool):
    """The head costs what it costs behind an encoder of the same map."""
    head = dict(CONFIG['head'], feat_size=(8, 6))
    encoder = dict(CONFIG['backbone'], img_size=(128, 96))
    whole, _ = tool.model_cost(dict(backbone=encoder, head=head), (128, 96))
    model = dict(backbone=dict(type='CachedFeatures'), head=head)
    cost, trained = tool.model_cost(model, (128, 96))
    assert cost.flops['backbone'] == cost.parameters['backbone'] == 0
    assert cost.flops.total() == whole.flops.total() - whole.flops['backbone'] > 0
    assert trained == cost.parameters.total()
