import pytest
import torch

from deforhmr_mm.geometry.cameras import crop_to_translation
from deforhmr_mm.models.losses import (
    Joints2DLoss,
    Joints3DLoss,
    SMPLParamLoss,
    VertexLoss,
    masked_mse,
)


def test_masked_mse_is_the_weighted_mean_over_labelled_elements():
    prediction = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    target = torch.tensor([[0.0, 0.0], [0.0, 0.0], [float('nan'), 1e9]])
    weight = torch.tensor([1.0, 0.5, 0.0])
    expected = (1 + 4 + 0.5 * (9 + 16)) / (2 + 1)
    assert masked_mse(prediction, target, weight).item() == pytest.approx(expected)


def test_no_label_gives_zero_and_zero_gradient():
    prediction = torch.ones(2, 3, requires_grad=True)
    loss = masked_mse(prediction, torch.full((2, 3), float('nan')), torch.zeros(2))
    loss.backward()
    assert loss.item() == 0 and not prediction.grad.any()


def params(batch=2):
    eye = torch.eye(3)
    return dict(
        global_orient=eye.expand(batch, 1, 3, 3).clone(),
        body_pose=eye.expand(batch, 23, 3, 3).clone(),
        betas=torch.zeros(batch, 10),
        has_pose=torch.ones(batch),
        has_betas=torch.ones(batch),
    )


def test_parameters_are_compared_where_they_are_labelled():
    pred, target = params(), params()
    pred['betas'] = pred['betas'] + torch.tensor([[1.0], [3.0]])
    pred['global_orient'] = torch.diag(torch.tensor([1.0, -1, -1])).expand(2, 1, 3, 3)
    target['has_pose'] = target['has_betas'] = torch.tensor([1.0, 0.0])
    losses = SMPLParamLoss(pose_weight=2.0, betas_weight=0.5)(pred, target)
    assert losses['loss_betas'].item() == pytest.approx(0.5 * 1)
    assert losses['loss_pose'].item() == pytest.approx(2 * 8 / (24 * 9))


def test_pose_and_betas_are_labelled_apart():
    pred, target = params(), params()
    pred['betas'] = pred['betas'] + torch.tensor([[1.0], [3.0]])
    pred['body_pose'] = -pred['body_pose']
    target['has_pose'] = torch.tensor([0.0, 1.0])
    target['has_betas'] = torch.tensor([1.0, 0.0])
    losses = SMPLParamLoss(betas_weight=1.0)(pred, target)
    assert losses['loss_betas'].item() == pytest.approx(1)
    assert losses['loss_pose'].item() == pytest.approx(23 * 3 * 4 / (24 * 9))


def test_the_pelvis_may_count_beside_the_other_joints():
    pred, target = params(), params()
    pred['global_orient'] = torch.diag(torch.tensor([1.0, -1, -1])).expand(2, 1, 3, 3)
    target['has_pose'] = torch.tensor([1.0, 0.0])
    assert 'loss_global_orient' not in SMPLParamLoss()(pred, target)
    losses = SMPLParamLoss(global_orient_weight=3.0)(pred, target)
    assert losses['loss_global_orient'].item() == pytest.approx(3 * 8 / 9)


def test_joints_3d_are_aligned_at_the_pelvis():
    torch.manual_seed(0)
    joints = torch.rand(2, 5, 3)
    target = dict(
        joints=joints + torch.tensor([3.0, 1, 2]), joints_conf=torch.ones(2, 5)
    )
    loss = Joints3DLoss()
    assert loss(dict(joints=joints), target)['loss_joints_3d'].item() < 1e-10
    moved = joints.clone()
    moved[0, 3] += 0.1
    expected = 3 * 0.1**2 / (2 * 5 * 3)
    got = loss(dict(joints=moved), target)['loss_joints_3d'].item()
    assert got == pytest.approx(expected, rel=1e-3)


def test_joints_3d_without_a_pelvis_are_aligned_at_the_hips():
    torch.manual_seed(0)
    joints = torch.rand(2, 5, 3)
    target = dict(
        joints=joints + torch.tensor([3.0, 1, 2]), joints_conf=torch.ones(2, 5)
    )
    target['joints'][1, 0] = float('nan')
    target['joints_conf'][1, 0] = 0
    moved = joints.clone()
    moved[1, 2] += 0.2  # a hip: the root goes half of the way
    got = Joints3DLoss()(dict(joints=moved), target)['loss_joints_3d'].item()
    assert got == pytest.approx(3 * 4 * 0.1**2 / (9 * 3), rel=1e-3)


def test_sample_without_a_pelvis_and_a_hip_does_not_count():
    target = dict(joints=torch.full((1, 5, 3), 9.0), joints_conf=torch.ones(1, 5))
    target['joints_conf'][0, [0, 2]] = 0
    assert (
        Joints3DLoss()(dict(joints=torch.rand(1, 5, 3)), target)['loss_joints_3d'] == 0
    )


@pytest.mark.parametrize(('width', 'height'), [(192, 256), (288, 384)])
def test_joints_2d_project_with_the_crop_camera(width, height):
    joints = torch.tensor([[[0.0, 0.0, 0.0], [0.5, -0.25, 0.1]]])
    camera = torch.tensor([[0.8, 0.1, -0.2]])
    transl = crop_to_translation(camera, 5000.0, height)
    x, y, z = (joints + transl[:, None])[0].T
    middle = ((width - 1) / 2, (height - 1) / 2)
    expected = torch.stack((5000 * x / z + middle[0], 5000 * y / z + middle[1]), -1)
    expected = expected[None]
    pred = dict(joints=joints, camera=camera)
    target = dict(
        keypoints=expected, keypoints_conf=torch.ones(1, 2), crop_size=(width, height)
    )
    assert Joints2DLoss()(pred, target)['loss_joints_2d'].item() < 1e-10
    target['keypoints'] = expected + torch.tensor([height / 10, 0.0])
    assert Joints2DLoss()(pred, target)['loss_joints_2d'].item() == pytest.approx(
        0.1**2 / 2, rel=1e-4
    )


def test_joint_losses_count_by_their_weights():
    torch.manual_seed(0)
    pred = dict(joints=torch.rand(2, 5, 3), camera=torch.tensor([[0.8, 0.1, -0.2]] * 2))
    target = dict(
        joints=torch.rand(2, 5, 3),
        joints_conf=torch.ones(2, 5),
        keypoints=256 * torch.rand(2, 5, 2),
        keypoints_conf=torch.ones(2, 5),
        crop_size=(192, 256),
    )
    for kind in (Joints3DLoss, Joints2DLoss):
        (once,) = kind(1.0)(pred, target).values()
        (thrice,) = kind(3.0)(pred, target).values()
        assert once > 1e-3
        assert thrice.item() == pytest.approx(3 * once.item(), rel=1e-5)


def test_vertices_count_where_there_are_smpl_labels():
    pred = dict(vertices=torch.ones(2, 4, 3))
    target = dict(vertices=torch.zeros(2, 4, 3), has_smpl=torch.tensor([0.0, 1.0]))
    target['vertices'][0] = 100
    assert VertexLoss(3.0)(pred, target)['loss_vertices'].item() == pytest.approx(3.0)
