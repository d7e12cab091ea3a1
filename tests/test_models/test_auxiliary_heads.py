"""The heads that only train the encoder."""

import math

import pytest
import torch

from deforhmr_mm.models.heads import KeypointAuxHead, PartAuxHead


def labels(count, **changes):
    """Labels of `count` people, all of whose keypoints lie in the crop's middle."""
    return (
        dict(
            keypoints_normalized=torch.zeros(count, 45, 2),
            keypoints_conf=torch.ones(count, 45),
            joints=torch.randn(count, 45, 3),
            orientations=torch.randn(count, 24, 3, 3),
            has_smpl=torch.ones(count),
            has_pose=torch.ones(count),
        )
        | changes
    )


@pytest.mark.parametrize('kind', [KeypointAuxHead, PartAuxHead])
def test_auxiliary_logits_are_of_single_precision_also_under_autocast(kind):
    torch.manual_seed(0)
    head = kind(in_channels=16)
    feats = torch.randn(2, 16, 8, 6)
    expected = head(feats)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        torch.testing.assert_close(head(feats), expected)


def test_auxiliary_keypoints_are_the_entropy_against_a_gaussian_by_hand():
    torch.manual_seed(0)
    head = KeypointAuxHead(in_channels=3, num_keypoints=2, sigma=0.5, loss_weight=2.0)
    feats = torch.randn(1, 3, 4, 3)
    # Keypoint 0 at the centre of row 1, column 2; keypoint 1 between rows 2 and 3.
    labels = torch.tensor([[[2 / 3, -0.25], [-2 / 3, 0.5]]])
    logits = head.logits(feats)[0]
    entropies = []
    for index, (row, column) in enumerate([(1, 2), (2.5, 0)]):
        scores = {
            (i, j): math.exp(-((i - row) ** 2 + (j - column) ** 2) / (2 * 0.5**2))
            for i in range(4)
            for j in range(3)
        }
        log_total = torch.logsumexp(logits[index].flatten(), 0).item()
        entropies.append(
            sum(
                score / sum(scores.values()) * (log_total - logits[index, i, j].item())
                for (i, j), score in scores.items()
            )
        )
    target = dict(keypoints_normalized=labels, keypoints_conf=torch.ones(1, 2))
    loss = head.loss(feats, target)['loss_aux_keypoints'].item()
    assert loss == pytest.approx(2 * sum(entropies) / 2, rel=1e-5)
    labels[0, 1] = torch.tensor([float('nan'), 3.0])
    loss = head.loss(feats, target)['loss_aux_keypoints'].item()
    assert loss == pytest.approx(2 * entropies[0], rel=1e-5)


def test_part_auxiliary_reads_each_joint_where_it_lies():
    torch.manual_seed(0)
    head = PartAuxHead(
        in_channels=2,
        num_keypoints=3,
        num_joints=2,
        position_weight=2.0,
        orientation_weight=3.0,
    )
    feats = torch.randn(2, 2, 1, 2)
    with torch.no_grad():
        # Keypoint k lies where channel k is large, and nowhere else.
        head.logits.weight.copy_(1e4 * torch.eye(3, 2)[..., None, None])
        head.logits.bias.zero_()
        for joint in range(2):
            feats[:, joint, 0, joint] = 5.0
            feats[:, joint, 0, 1 - joint] = -5.0
    target = dict(
        keypoints_normalized=torch.zeros(2, 3, 2),
        keypoints_conf=torch.ones(2, 3),
        joints=torch.randn(2, 3, 3),
        orientations=torch.randn(2, 2, 3, 3),
        has_smpl=torch.ones(2),
        has_pose=torch.ones(2),
    )
    losses = head.loss(feats, target)
    position = orientation = 0.0
    for sample in range(2):
        for joint in range(2):
            here = feats[sample, :, 0, joint]
            read = here @ head.weight[joint] + head.bias[joint]
            joints, frame = target['joints'][sample], target['orientations'][sample]
            position += (read[:3] - joints[joint] + joints[0]).square().mean()
            columns = torch.cat((frame[joint, :, 0], frame[joint, :, 1]))
            orientation += (read[3:] - columns).square().mean()
    assert losses['loss_aux_positions'].item() == pytest.approx(
        2 * position.item() / 4, rel=1e-4
    )
    assert losses['loss_aux_orientations'].item() == pytest.approx(
        3 * orientation.item() / 4, rel=1e-4
    )


def test_part_auxiliary_ignores_joints_outside_and_samples_without_labels():
    torch.manual_seed(0)
    head = PartAuxHead(in_channels=4)
    feats = torch.randn(2, 4, 2, 2, requires_grad=True)
    target = labels(
        2, has_smpl=torch.tensor([1.0, 0.0]), has_pose=torch.tensor([1.0, 0.0])
    )
    target['keypoints_normalized'][:, 5] = 1.5
    before = head.loss(feats, target)
    target['joints'][0, 5] = target['joints'][1] = float('nan')
    target['orientations'][0, 5] = target['orientations'][1] = float('nan')
    after = head.loss(feats, target)
    assert all(torch.equal(before[name], after[name]) for name in before)
    sum(after.values()).backward()
    assert feats.grad.isfinite().all()


def test_part_auxiliary_learns_orientations_of_whom_the_pose_alone_is_known():
    torch.manual_seed(0)
    head = PartAuxHead(in_channels=4)
    target = labels(1, has_smpl=torch.zeros(1))
    losses = head.loss(torch.randn(1, 4, 2, 2), target)
    assert losses['loss_aux_positions'] == 0
    assert losses['loss_aux_orientations'] > 0


@pytest.mark.parametrize('kind', [KeypointAuxHead, PartAuxHead])
def test_auxiliary_heads_read_one_of_several_levels(kind):
    levels = [torch.randn(1, 4, 8, 6), torch.randn(1, 4, 4, 3)]
    target = labels(1, keypoints_normalized=torch.rand(1, 45, 2))
    head = kind(in_channels=4)
    for level in (-1, 0):
        head.feat_level = level
        picked, alone = head.loss(levels, target), head.loss(levels[level], target)
        torch.testing.assert_close(picked, alone)


def test_positions_and_orientations_do_not_move_where_the_parts_are_read():
    torch.manual_seed(0)
    head = PartAuxHead(in_channels=4)
    target = labels(2)
    losses = head.loss(torch.randn(2, 4, 2, 2), target)
    places = list(head.logits.parameters())
    for name in ('loss_aux_positions', 'loss_aux_orientations'):
        grads = torch.autograd.grad(
            losses[name],
            [head.weight, *places],
            retain_graph=True,
            allow_unused=True,
        )
        assert grads[0].any()
        assert all(grad is None or not grad.any() for grad in grads[1:])
    grads = torch.autograd.grad(losses['loss_aux_keypoints'], places)
    assert all(grad.any() for grad in grads)
