import numpy as np
import pytest
import torch

from deforhmr_mm.geometry.rotations import rot6d_to_row_major, rotmat_to_rot6d
from deforhmr_mm.models.heads import HMR2Head
from tests.reference_models import hmr2_head_shapes, random_weights, regress


def make(**kwargs):
    options = dict(in_channels=16, num_layers=2, embed_dims=12, num_heads=2)
    return HMR2Head(**options | dict(head_dims=4, ffn_dims=20) | kwargs)


def test_equals_hmr2_on_its_own_names():
    weights = random_weights(hmr2_head_shapes(prefix=''))
    head = make().eval()
    head.load_state_dict(weights)
    feats = torch.randn(3, 16, 4, 3)
    rotmats, betas, camera = regress(weights, feats, heads=2, prefix='')
    out = head(feats)
    torch.testing.assert_close(out['global_orient'], rotmats[:, :1])
    torch.testing.assert_close(out['body_pose'], rotmats[:, 1:])
    torch.testing.assert_close(out['betas'], betas)
    torch.testing.assert_close(out['camera'], camera)
    # The answer depends on the features, not on the constants alone.
    assert (betas[0] - betas[1]).abs().max() > 1e-2


def test_defaults_are_hmr2s_sizes():
    with torch.device('meta'):
        state = HMR2Head().state_dict()
    sizes = dict(context=1280, width=1024, inner=512, hidden=1024, depth=6)
    expected = hmr2_head_shapes(prefix='', **sizes)
    assert {name: tuple(value.shape) for name, value in state.items()} == expected


def test_starts_at_the_mean_body_where_readouts_are_zero(tmp_path):
    rotmats = torch.linalg.qr(torch.randn(24, 3, 3, dtype=torch.float64))[0]
    rotmats = rotmats * rotmats.det()[:, None, None]
    rows = rot6d_to_row_major(rotmat_to_rot6d(rotmats))
    shape, camera = np.linspace(-1, 1, 10), np.array([0.7, 0.1, -0.2])
    path = tmp_path / 'means.npz'
    np.savez(path, pose=rows.reshape(-1).numpy(), shape=shape, cam=camera)
    head = make(mean_params=path, num_betas=4)
    for readout in (head.decpose, head.decshape, head.deccam):
        torch.nn.init.zeros_(readout.weight)
        torch.nn.init.zeros_(readout.bias)
    out = head(torch.randn(2, 16, 4, 3))
    got = torch.cat((out['global_orient'], out['body_pose']), dim=1)
    torch.testing.assert_close(got[1], rotmats.float(), atol=1e-5, rtol=0)
    np.testing.assert_allclose(out['betas'][0].detach(), shape[:4], rtol=1e-6)
    np.testing.assert_allclose(out['camera'][0].detach(), camera, rtol=1e-6)


def test_every_round_adds_the_same_residual():
    head = make()
    feats = torch.randn(2, 16, 4, 3)
    once = head(feats)['betas'] - head.init_betas
    head.num_iters = 3
    torch.testing.assert_close(head(feats)['betas'] - head.init_betas, 3 * once)


def test_order_of_the_positions_does_not_matter():
    head = make()
    feats = torch.randn(2, 16, 4, 3)
    shuffled = feats.flatten(2)[..., torch.randperm(12)].reshape(2, 16, 4, 3)
    torch.testing.assert_close(head(shuffled)['betas'], head(feats)['betas'])


def test_features_of_several_levels_give_the_last():
    head = make()
    feats = torch.randn(2, 16, 4, 3)
    levels = (torch.randn(2, 4, 8, 6), feats)
    torch.testing.assert_close(head(levels)['camera'], head(feats)['camera'])


def test_readout_is_fp32_under_autocast():
    head = make()
    feats = torch.randn(2, 16, 4, 3)
    seen = []
    for readout in (head.decpose, head.decshape, head.deccam):
        readout.register_forward_hook(
            lambda _, given, out: seen.append((given[0].dtype, out.dtype))
        )
    exact = head(feats)
    with torch.autocast('cpu', torch.bfloat16):
        out = head(feats)
    assert seen == [(torch.float32, torch.float32)] * 6
    assert {value.dtype for value in out.values()} == {torch.float32}
    rotmats = torch.cat((out['global_orient'], out['body_pose']), dim=1)
    eye = torch.eye(3).expand_as(rotmats)
    torch.testing.assert_close(rotmats @ rotmats.mT, eye, atol=1e-5, rtol=0)
    torch.testing.assert_close(out['betas'], exact['betas'], atol=0.1, rtol=0)


def test_gradients_reach_what_one_zero_token_can_teach():
    head = make()
    out = head(torch.randn(2, 16, 4, 3))
    target = torch.randn(2, 23, 3, 3)
    loss = (out['body_pose'] - target).square().sum() + out['global_orient'].sum()
    (loss + out['betas'].square().sum() + out['camera'].sum()).backward()
    without = {
        name
        for name, parameter in head.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    }
    # Its input is zero, so that only the bias of the embedding acts.
    assert without == {'transformer.to_token_embedding.weight'}
    # One token attends to itself alone: queries and keys have no say.
    queries_and_keys = head.transformer.transformer.layers[0][0].fn.to_qkv.weight.grad
    torch.testing.assert_close(queries_and_keys[:16], torch.zeros(16, 12))


def test_empty_batch():
    assert make()(torch.randn(0, 16, 4, 3))['body_pose'].shape == (0, 23, 3, 3)


def test_wrong_options_are_refused(tmp_path):
    with pytest.raises(ValueError, match='num_iters must be at least 1, got 0'):
        make(num_iters=0)
    path = tmp_path / 'means.npz'
    pose = np.tile([1.0, 0, 0, 1, 0, 0], 24)
    np.savez(path, pose=pose, shape=np.zeros(10), cam=np.ones(3))
    with pytest.raises(ValueError, match='10 betas.*num_betas=11'):
        make(mean_params=path, num_betas=11)


def test_other_channels_than_the_heads_are_refused_by_name():
    head = HMR2Head(
        in_channels=8, num_layers=1, embed_dims=8, num_heads=1, head_dims=8, ffn_dims=8
    )
    head(torch.randn(1, 8, 3, 2))  # any number of cells
    with pytest.raises(ValueError, match='in_channels=8.* 6 channels'):
        head(torch.randn(1, 6, 3, 2))
