import math

import numpy as np
import pytest
import torch

from deforhmr_mm.geometry.rotations import (
    rot6d_to_rotmat,
    rot6d_to_row_major,
    rotmat_to_rot6d,
)
from deforhmr_mm.models.heads import DeforHMRHead


def make(**kwargs):
    torch.manual_seed(0)
    options = dict(in_channels=16, num_layers=1, embed_dims=16, head_dims=4)
    return DeforHMRHead(**options | dict(ffn_dims=16) | kwargs)


def random_rotations(count=24):
    return torch.linalg.qr(torch.randn(count, 3, 3, dtype=torch.float64))[0]


def test_output_is_rotations_betas_and_a_camera_of_positive_scale():
    out = make()(torch.randn(3, 16, 16, 12) * 10)
    rotmats = torch.cat((out['global_orient'], out['body_pose']), dim=1)
    assert rotmats.shape == (3, 24, 3, 3)
    eye = torch.eye(3).expand_as(rotmats)
    torch.testing.assert_close(rotmats @ rotmats.mT, eye, atol=1e-5, rtol=0)
    torch.testing.assert_close(rotmats.det(), torch.ones(3, 24), atol=1e-5, rtol=0)
    assert out['betas'].shape == (3, 10)
    assert out['camera'].shape == (3, 3) and (out['camera'][:, 0] > 0).all()


def test_starts_at_the_mean_body(tmp_path):
    rotmats = random_rotations()
    rotmats = rotmats * rotmats.det()[:, None, None]
    rows = rot6d_to_row_major(rotmat_to_rot6d(rotmats))
    shape = np.linspace(-1, 1, 10)
    path = tmp_path / 'means.npz'
    np.savez(path, pose=rows.reshape(-1).numpy(), shape=shape, cam=(0.7, 0.1, -0.2))
    head = make(mean_params=path)
    for readout in (head.pose_readout, head.betas_readout, head.camera_readout):
        torch.nn.init.zeros_(readout.weight)
    out = head(torch.randn(2, 16, 16, 12))
    got = torch.cat((out['global_orient'], out['body_pose']), dim=1)
    torch.testing.assert_close(got[1], rotmats.float(), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        out['betas'][0], torch.tensor(shape, dtype=torch.float32)
    )
    torch.testing.assert_close(out['camera'][0], torch.tensor([0.7, 0.1, -0.2]))


@pytest.mark.parametrize('scale', [1e-4, 0.3, 0.9123, 5.0, 100.0, 500.0])
def test_any_positive_scale_of_the_mean_camera_is_kept(scale):
    head = make()
    torch.nn.init.zeros_(head.camera_readout.weight)
    head.mean_camera[0] = scale
    camera = head(torch.randn(1, 16, 16, 12))['camera']
    torch.testing.assert_close(camera[0, 0], torch.tensor(scale), rtol=1e-6, atol=1e-7)


def test_second_round_of_feedback_starts_from_the_first():
    head = make(camera_token=True)
    for readout in (head.pose_readout, head.betas_readout, head.camera_readout):
        torch.nn.init.normal_(readout.weight, std=0.1)
    feats = torch.randn(2, 16, 16, 12)
    contexts = head.decoder.encode_context(feats)
    rot6d = head.mean_rot6d.expand(2, 24, 6)
    betas = head.mean_betas.expand(2, 10)
    scale, x, y = head.mean_camera.tolist()
    camera = torch.tensor([[math.log(math.exp(scale) - 1), x, y]] * 2)
    for _ in range(2):
        estimate = torch.cat(
            (
                head.pose_embed(rot6d),
                head.betas_embed(betas)[:, None],
                head.camera_embed(camera)[:, None],
            ),
            dim=1,
        )
        tokens = head.decoder(head.tokens + estimate, contexts)
        rot6d = rot6d + head.pose_readout(tokens[:, :24])
        betas = betas + head.betas_readout(tokens[:, 24])
        camera = camera + head.camera_readout(tokens[:, 25])
    head.num_iters = 2
    out = head(feats)
    torch.testing.assert_close(out['betas'], betas)
    rotmats = rot6d_to_rotmat(rot6d)
    torch.testing.assert_close(out['global_orient'], rotmats[:, :1])
    torch.testing.assert_close(out['body_pose'], rotmats[:, 1:])
    torch.testing.assert_close(out['camera'][:, 1:], camera[:, 1:])
    torch.testing.assert_close(
        out['camera'][:, 0], torch.log(1 + camera[:, 0].exp()), atol=1e-5, rtol=0
    )


def test_readouts_are_of_single_precision_also_under_autocast():
    head = make(camera_token=True)
    seen = []
    for readout in (head.pose_readout, head.betas_readout, head.camera_readout):
        readout.register_forward_hook(
            lambda _, given, out: seen.append((given[0].dtype, out.dtype))
        )
    with torch.autocast('cpu', dtype=torch.bfloat16):
        head(torch.randn(2, 16, 16, 12))
    assert seen == [(torch.float32, torch.float32)] * 3


def test_features_of_several_levels_give_the_last():
    head = make()
    feats = torch.randn(2, 16, 16, 12)
    torch.testing.assert_close(
        head((torch.randn(2, 4, 32, 24), feats))['betas'], head(feats)['betas']
    )


def test_every_parameter_gets_a_gradient():
    head = make()
    torch.nn.init.ones_(head.mean_betas)
    torch.nn.init.normal_(head.pose_readout.weight)
    torch.nn.init.normal_(head.betas_readout.weight)
    out = head(torch.randn(2, 16, 16, 12))
    target = torch.randn(2, 24, 3, 3)
    rotmats = torch.cat((out['global_orient'], out['body_pose']), dim=1)
    (
        (rotmats - target).square().mean() + out['betas'].sum() + out['camera'].sum()
    ).backward()
    without = [
        n for n, p in head.named_parameters() if p.grad is None or not p.grad.any()
    ]
    assert without == []


def test_wrong_number_of_rounds_is_refused():
    with pytest.raises(ValueError, match='num_iters'):
        make(num_iters=0)


def test_box_information_reaches_every_token_and_is_asked_for():
    head, feats = make(box_info=True), torch.randn(2, 16, 16, 12)
    with torch.no_grad():  # a head at rest predicts the mean whatever it is told
        head.pose_readout.weight.mul_(100)
    centre = torch.tensor([[0.0, 0.0, 0.3]]).expand(2, 3)
    aside = centre + torch.tensor([0.4, 0.0, 0.0])
    pose, turned = (head(feats, info)['body_pose'] for info in (centre, aside))
    assert ((pose - turned).abs().amax(dim=(0, 2, 3)) > 1e-6).all()
    with pytest.raises(ValueError, match='box_info'):
        head(feats)


@pytest.mark.parametrize(
    ('options', 'queries'),
    [
        (dict(), 25),
        (dict(camera_token=True), 26),
        (dict(shared_readout=False), 25),
        (dict(multi_query=False), 1),
        (dict(multi_query=False, num_iters=2, box_info=True), 1),
        (dict(camera_token=True, num_iters=2, box_info=True), 26),
    ],
)
def test_tokens_start_at_the_mean_and_all_of_them_matter(options, queries):
    head, feats = make(**options), torch.randn(2, 16, 16, 12)
    assert head.tokens.shape == (queries, 16)
    assert head.decoder.layers[0].cross_attention.bias.grids.shape[1] == queries
    info = torch.rand(2, 3)
    with torch.no_grad():
        for readout in (head.pose_readout, head.betas_readout, head.camera_readout):
            readout.weight.zero_()
        out = head(feats, info)
        torch.testing.assert_close(out['camera'], torch.tensor([[0.9, 0, 0]] * 2))
        assert not out['betas'].any()
        eye = torch.eye(3).expand(2, 23, 3, 3)
        torch.testing.assert_close(out['body_pose'], eye)
    head = make(**options)
    out = head(feats, info)
    sum((value * torch.rand_like(value)).sum() for value in out.values()).backward()
    assert (head.tokens.grad.abs().amax(dim=1) > 0).all()
    unused = [name for name, p in head.named_parameters() if p.grad is None]
    assert not unused


def test_readouts_of_their_own_turn_one_joint_each():
    head, feats = make(shared_readout=False), torch.randn(2, 16, 16, 12)
    assert head.pose_readout.weight.shape == (24, 6, 16)
    with torch.no_grad():
        before = head(feats)
        head.pose_readout.weight[5] += torch.randn(6, 16)
        head.pose_readout.bias[7] += torch.randn(6)
        after = head(feats)
    moved = (after['body_pose'] - before['body_pose']).abs().amax(dim=(0, 2, 3))
    # Without the pelvis, which is the first of the tokens.
    assert moved.nonzero().flatten().tolist() == [4, 6]
    torch.testing.assert_close(after['global_orient'], before['global_orient'])


def test_readouts_of_their_own_start_from_a_shared_one():
    shared, own = make(), make(shared_readout=False)
    for parameter in shared.pose_readout.parameters():
        torch.nn.init.normal_(parameter)
    own.load_state_dict(shared.state_dict())
    feats = torch.randn(2, 16, 16, 12)
    for key, value in shared(feats).items():
        torch.testing.assert_close(own(feats)[key], value)
    # They are apart from there on, and their own weights still load.
    with torch.no_grad():
        own.pose_readout.weight[5] += 1
    other = make(shared_readout=False)
    other.load_state_dict(own.state_dict())
    assert torch.equal(other.pose_readout.weight, own.pose_readout.weight)
    assert not torch.equal(other.pose_readout.weight[5], other.pose_readout.weight[4])
    with pytest.raises(RuntimeError, match='pose_readout'):
        own.load_state_dict(make(embed_dims=32).state_dict())


def test_tokens_start_as_far_apart_as_asked():
    for options, std in ((dict(), 0.02), (dict(token_std=0.5), 0.5)):
        tokens = make(embed_dims=256, **options).tokens.detach()
        assert tokens.std() == pytest.approx(std, rel=0.05)


@pytest.mark.parametrize(
    ('options', 'place'), [(dict(), 24), (dict(camera_token=True), 25)]
)
def test_camera_has_a_token_of_its_own_if_asked(options, place):
    head, seen = make(**options), {}
    head.decoder.register_forward_hook(lambda _, args, out: seen.update(tokens=out))
    head.betas_readout.register_forward_hook(
        lambda _, args, out: seen.update(betas=args[0])
    )
    head.camera_readout.register_forward_hook(
        lambda _, args, out: seen.update(camera=args[0])
    )
    head(torch.randn(1, 16, 16, 12))
    torch.testing.assert_close(seen['betas'], seen['tokens'][:, 24])
    torch.testing.assert_close(seen['camera'], seen['tokens'][:, place])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(num_layers=0), 'num_layers'),
        (dict(camera_token=True, multi_query=False), 'multi_query=True'),
        (dict(cross_attention=dict(num_groups=3)), '1, 2, 4, 8 would fit'),
        (dict(in_channels=12), 'num_groups=8 does not divide in_channels=12.*1, 2, 4'),
        (dict(cross_attention=dict(type='DeformCrossAttention')), 'DeformCrossAtt'),
    ],
)
def test_options_that_do_not_fit_name_what_would(options, message):
    with pytest.raises((ValueError, KeyError), match=message):
        make(**options)


def test_the_level_that_is_named_is_read():
    head = make(feat_level=1, feat_size=(8, 6))
    levels = [torch.randn(1, c, 32 >> i, 24 >> i) for i, c in enumerate((4, 16, 16))]
    levels[1] = torch.randn(1, 16, 8, 6)
    out, alone = head(tuple(levels)), head(levels[1])
    torch.testing.assert_close(out, alone)
    with pytest.raises(ValueError, match='feat_level=1.*1 levels; 0 to 0'):
        head(levels[:1])
    with pytest.raises(ValueError, match="out_type='featmap'"):
        head(torch.randn(1, 48, 16))
    with pytest.raises(ValueError, match='in_channels and feat_size'):
        head(levels[1::-1])


def test_another_number_of_tokens_than_bias_grids_is_refused():
    attention = make().decoder.layers[0].cross_attention
    context = attention.encode_context(torch.randn(1, 16, 16, 12))
    with pytest.raises(ValueError, match='num_queries=25, but 7 tokens'):
        attention(torch.randn(1, 7, 16), context)
