from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import deforhmr_mm
from deforhmr_mm.engine.checkpoints import CheckpointError
from deforhmr_mm.engine.conversion import (
    ConversionError,
    convert_hmr2,
    convert_vit,
    open_published_checkpoint,
    resize_pos_embed,
)
from deforhmr_mm.registry import MODELS
from tests.reference_models import (
    hmr2_head_shapes,
    mmpretrain_shapes,
    random_weights,
    vitpose_shapes,
)

CONFIGS = Path(deforhmr_mm.__file__).parents[1] / 'configs'


def test_hmr2_at_its_own_size_fits_its_config():
    shapes = vitpose_shapes('backbone.', width=1280, depth=32, patches=192)
    shapes |= hmr2_head_shapes(
        context=1280, width=1024, inner=512, hidden=1024, depth=6
    )
    stored = {name: torch.empty(shape, device='meta') for name, shape in shapes.items()}
    converted = convert_hmr2(stored, body=None)
    assert "arch='huge', img_size=(256, 192)" in converted.model

    config = Config.fromfile(CONFIGS / 'hmr2' / 'hmr2_vit-h_mixed-256x192.py').model
    del config.backbone.init_cfg, config.head.mean_params
    with torch.device('meta'):
        parts = {name: MODELS.build(config[name]) for name in ('backbone', 'head')}
    expected = {
        f'{part}.{name}': value.shape
        for part, module in parts.items()
        for name, value in module.state_dict().items()
    }
    got = {name: value.shape for name, value in converted.state_dict.items()}
    assert got == expected and len(got) == len(shapes)


def test_seven_by_seven_patches_without_class_token_are_not_eight_by_six_with_one():
    converted = convert_vit(random_weights(mmpretrain_shapes(entries=49)))
    assert 'img_size=(112, 112)' in converted.model
    converted = convert_vit(random_weights(vitpose_shapes(patches=48)))
    assert 'img_size=(128, 96)' in converted.model


def test_known_sizes_are_named_and_the_number_of_heads_is_told():
    small = random_weights(mmpretrain_shapes(width=384, depth=12, patch=2))
    converted = convert_vit(small)
    assert "arch='small'" in converted.model and 'patch_size=2' in converted.model
    assert any("ViTPose's 12 heads" in note for note in converted.notes)
    tiny = random_weights(vitpose_shapes(width=192, depth=12, patch=2))
    assert "arch='tiny'" in convert_vit(tiny).model
    other = convert_vit(random_weights(vitpose_shapes()))
    assert 'dict(embed_dims=16, depth=2, num_heads=...)' in other.model


def test_weights_are_copies_of_their_own():
    stored = random_weights(vitpose_shapes('backbone.') | hmr2_head_shapes())
    before = {name: value.clone() for name, value in stored.items()}
    for value in convert_hmr2(stored, body=None).state_dict.values():
        assert value.untyped_storage().nbytes() == value.nbytes
        value.zero_()
    assert all(torch.equal(stored[name], before[name]) for name in stored)


def test_sizes_are_not_read_from_a_weight_of_another_kind():
    weights = random_weights(vitpose_shapes())
    weights['patch_embed.proj.weight'] = torch.zeros(16, 768)
    with pytest.raises(ConversionError, match=r'4 dimensions.*\(16, 768\)'):
        convert_vit(weights)


def field(rows, columns):
    """A smooth field sampled at the centres of the cells of a grid over [0, 1]^2."""
    y = (torch.arange(rows) + 0.5) / rows
    x = (torch.arange(columns) + 0.5) / columns
    values = torch.sin(2 * y)[:, None] + torch.cos(3 * x)
    return torch.stack((values, 2 * values), -1).reshape(1, -1, 2)


def test_resizing_keeps_constants_and_same_sizes():
    constant = torch.full((1, 196, 3), 0.7)
    resized = resize_pos_embed(constant, (14, 14), (16, 12))
    torch.testing.assert_close(resized, torch.full((1, 192, 3), 0.7))
    random = torch.randn(1, 12, 3)
    assert torch.equal(resize_pos_embed(random, (4, 3), (4, 3)), random)


@pytest.mark.parametrize(
    ('start', 'end'), [((14, 14), (16, 12)), ((16, 12), (24, 18)), ((24, 18), (16, 12))]
)
def test_resizing_follows_a_smooth_field(start, end):
    got = resize_pos_embed(field(*start), start, end)
    # One cell is up to 0.5 of the field here, and torch's bicubic kernel is a few
    # hundredths off on ramps; its rim repeats the outermost cells.
    error = (got - field(*end)).abs().unflatten(1, end)
    assert error[:, 2:-2, 2:-2].max() < 0.05
    assert error.max() < 0.2


def test_resizing_keeps_rows_and_columns_apart():
    rows = torch.arange(4.0).repeat_interleave(3).reshape(1, 12, 1)
    resized = resize_pos_embed(rows, (4, 3), (4, 5)).reshape(4, 5)
    torch.testing.assert_close(resized, torch.arange(4.0)[:, None].expand(4, 5))


def test_half_precision_stays():
    weights = {
        name: value.half() for name, value in random_weights(vitpose_shapes()).items()
    }
    converted = convert_vit(weights, (128, 96))
    assert {value.dtype for value in converted.state_dict.values()} == {torch.float16}


def test_files_that_hold_no_weights(tmp_path):
    path = tmp_path / 'broken.pth'
    path.write_bytes(b'PK\x03\x04 cut off')
    with pytest.raises(CheckpointError, match='broken.pth'):
        open_published_checkpoint(path)
    with pytest.raises(FileNotFoundError, match='no.pth'):
        open_published_checkpoint(tmp_path / 'no.pth')
