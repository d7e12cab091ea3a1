import pytest
import torch

from deforhmr_mm.models.backbones import FrozenWeightsError, ViT

SMALL = dict(embed_dims=32, depth=2, num_heads=4)


def test_feature_map_has_the_paper_shape_for_the_paper_input():
    vit = ViT(SMALL)
    assert vit(torch.rand(2, 3, 256, 192)).shape == (2, 32, 16, 12)


def test_tiny_to_huge_have_vitpose_sizes():
    with torch.device('meta'):
        huge = ViT('huge')
    assert (huge.embed_dims, len(huge.blocks)) == (1280, 32)
    assert huge.blocks[0].attn.num_heads == 16
    assert huge.pos_embed.shape == (1, 193, 1280)
    # ViTPose-H's backbone has 630.9 million parameters.
    assert sum(p.numel() for p in huge.parameters()) == pytest.approx(630.9e6, rel=1e-3)


def test_token_sees_its_own_patch_centred_at_16j_plus_5_5():
    vit = ViT(dict(embed_dims=8, depth=0, num_heads=1))
    image = torch.zeros(1, 3, 256, 192, requires_grad=True)
    vit.patch_embed(image)[0, :, 3, 5].sum().backward()
    rows, columns = image.grad.abs().sum((0, 1)).nonzero().T
    assert (rows.min() + rows.max()).item() / 2 == 16 * 3 + 5.5
    assert (columns.min() + columns.max()).item() / 2 == 16 * 5 + 5.5


def test_convolutional_stem_centres_token_j_on_pixel_16j():
    vit = ViT(SMALL, conv_stem=(0, 1, 0, 2))
    assert vit(torch.rand(2, 3, 256, 192)).shape == (2, 32, 16, 12)
    vit.eval()  # in training, normalisation mixes all pixels
    image = torch.rand(1, 3, 256, 192, requires_grad=True)
    vit.patch_embed(image)[0, :, 8, 6].abs().sum().backward()
    rows, columns = image.grad.abs().sum((0, 1)).nonzero().T
    assert (rows.min() + rows.max()).item() / 2 == 16 * 8
    assert (columns.min() + columns.max()).item() / 2 == 16 * 6


def test_layer_equals_plain_attention():
    torch.manual_seed(0)
    vit = ViT(SMALL).eval()
    block = vit.blocks[0]
    x = torch.rand(2, 5, 32)
    normed = block.norm1(x)
    query, key, value = block.attn.qkv(normed).chunk(3, dim=-1)
    mixed = []
    for head in range(4):
        part = slice(8 * head, 8 * head + 8)
        logits = query[..., part] @ key[..., part].transpose(1, 2) / 8**0.5
        mixed.append(logits.softmax(-1) @ value[..., part])
    expected = x + block.attn.proj(torch.cat(mixed, dim=-1))
    expected = expected + block.mlp(block.norm2(expected))
    torch.testing.assert_close(block(x), expected, rtol=1e-5, atol=1e-5)


def test_leading_position_entry_is_added_everywhere():
    vit = ViT(dict(embed_dims=8, depth=0, num_heads=1)).eval()
    vit.last_norm = torch.nn.Identity()
    image = torch.rand(1, 3, 256, 192)
    before = vit(image)
    with torch.no_grad():
        vit.pos_embed[:, 0] += 1
    torch.testing.assert_close(vit(image), before + 1)


def test_frozen_encoder_stays_in_eval_mode_without_gradients():
    vit = ViT(SMALL, drop_path_rate=0.5, frozen=True).train()
    assert not vit.training and not vit.blocks[0].training
    assert not any(p.requires_grad for p in vit.parameters())
    assert not vit(torch.rand(1, 3, 256, 192)).requires_grad


def test_stochastic_depth_acts_in_training_only_and_keeps_the_mean():
    torch.manual_seed(0)
    vit = ViT(dict(embed_dims=8, depth=2, num_heads=1), drop_path_rate=0.5)
    branch = torch.ones(4000, 1, 1)
    dropped = vit.blocks[1].train()._drop(branch)
    assert set(dropped.flatten().tolist()) == {0.0, 2.0}
    assert dropped.mean().item() == pytest.approx(1, abs=0.1)
    assert torch.equal(vit.blocks[1].eval()._drop(branch), branch)


def test_stochastic_depth_rises_linearly_over_the_layers():
    vit = ViT(dict(embed_dims=8, depth=5, num_heads=1), drop_path_rate=0.4)
    rates = [block.drop_path for block in vit.blocks]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    single = ViT(dict(embed_dims=8, depth=1, num_heads=1), drop_path_rate=0.4)
    assert single.blocks[0].drop_path == 0


def test_stochastic_depth_drops_both_branches_of_a_layer():
    torch.manual_seed(0)
    block = ViT(dict(embed_dims=8, depth=2, num_heads=1), drop_path_rate=0.5).blocks[1]
    x = torch.rand(400, 3, 8)
    first = block.attn(block.norm1(x))
    # A branch that stays counts twice, at a rate of a half.
    expected = []
    for attention in (0, 2):
        mixed = x + attention * first
        second = block.mlp(block.norm2(mixed))
        expected += [mixed + mlp * second for mlp in (0, 2)]
    out = block.train()(x)
    distance = torch.stack([(out - y).abs().amax(dim=(1, 2)) for y in expected])
    nearest, which = distance.min(dim=0)
    assert nearest.max() < 1e-5
    counts = torch.bincount(which, minlength=4)
    assert counts.tolist() == pytest.approx([100] * 4, abs=40)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(arch='gigantic'), 'gigantic'),
        (dict(img_size=(250, 192)), 'patch_size=16'),
        (dict(patch_size=32, conv_stem=(0, 1)), 'patch_size=4, not 32'),
    ],
)
def test_wrong_sizes_are_refused_by_name(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ViT(**{'arch': SMALL, **kwargs})


def test_picture_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r'img_size=\(256, 192\)'):
        ViT(SMALL)(torch.rand(1, 3, 128, 96))


def test_a_frozen_encoder_gets_all_weights_of_its_checkpoint(tmp_path):
    """mmengine logs what is missing; here it would stay random for ever."""
    path = tmp_path / 'vit.pth'
    weights = ViT(SMALL).state_dict()

    def load(weights, **options):
        torch.save({'state_dict': weights}, path)
        source = dict(type='Pretrained', checkpoint=str(path), **options)
        vit = ViT(SMALL, frozen=True, init_cfg=source)
        vit.init_weights()
        return vit.state_dict()

    loaded = load(weights)
    assert all(loaded[name].equal(value) for name, value in weights.items())
    whole = {f'backbone.{name}': value for name, value in weights.items()}
    loaded = load(whole, prefix='backbone.')
    assert all(loaded[name].equal(value) for name, value in weights.items())
    with pytest.raises(ValueError, match=r"vit\.pth: 29 of 29 .*prefix='backbone\.'"):
        load(whole)
    del weights['blocks.1.mlp.fc2.bias']
    weights['pos_embed'] = weights['pos_embed'][:, :-1]
    with pytest.raises(ValueError, match=r'2 of 29 .*\(pos_embed, blocks\.1\.mlp\.fc2'):
        load(weights)


def test_a_frozen_encoder_gets_the_statistics_of_its_batch_norms(tmp_path):
    options = dict(patch_size=32, conv_stem=(0, 0, 0, 0, 0), img_size=(64, 64))
    weights = ViT(SMALL, **options).state_dict()
    path = tmp_path / 'vit.pth'
    source = dict(type='Pretrained', checkpoint=str(path))
    torch.save({'state_dict': weights}, path)
    vit = ViT(SMALL, frozen=True, init_cfg=source, **options)
    vit.init_weights()
    assert all(vit.state_dict()[name].equal(weights[name]) for name in weights)
    del weights['patch_embed.halve.1.1.running_mean']
    torch.save({'state_dict': weights}, path)
    vit = ViT(SMALL, frozen=True, init_cfg=source, **options)
    with pytest.raises(FrozenWeightsError, match=r'1 of .*halve\.1\.1\.running_mean'):
        vit.init_weights()


def test_code_in_the_checkpoint_is_not_run(tmp_path, running_pickle):
    """Outside of a runner, whose default scope is ours."""
    path = tmp_path / 'vit.pth'
    torch.save({'state_dict': {}, 'extra': running_pickle}, path)
    vit = ViT(SMALL, init_cfg=dict(type='Pretrained', checkpoint=str(path)))
    with pytest.raises(ValueError, match='vit.pth cannot be opened safely'):
        vit.init_weights()
