import torch

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.geometry.kinematics import chain_rotations
from deforhmr_mm.geometry.rotations import rot6d_to_rotmat


def test_a_bone_of_the_posed_body_points_where_its_parent_turns_it():
    torch.manual_seed(0)
    body = SMPL()
    rotmats = rot6d_to_rotmat(torch.randn(5, 24, 6))
    betas = torch.zeros(5, 10)
    joints = body(rotmats[:, :1], rotmats[:, 1:], betas).joints
    rest = (body.joint_regressor @ body.v_template)[:24]
    chained = chain_rotations(rotmats, body.parents)
    for joint, parent in enumerate(body.parents):
        if parent < 0:
            continue
        bone = chained[:, parent] @ (rest[joint] - rest[parent])
        torch.testing.assert_close(
            joints[:, joint] - joints[:, parent], bone, rtol=1e-4, atol=1e-5
        )


def test_autocast_leaves_the_precision():
    torch.manual_seed(0)
    rotmats = rot6d_to_rotmat(torch.randn(5, 24, 6))
    parents = SMPL().parents
    with torch.autocast('cpu', dtype=torch.bfloat16):
        chained = chain_rotations(rotmats, parents)
    assert chained.dtype == torch.float32
    torch.testing.assert_close(
        chained, chain_rotations(rotmats, parents), rtol=0, atol=1e-6
    )


def test_any_leading_dimensions_and_no_change_of_the_argument():
    rotmats = rot6d_to_rotmat(torch.randn(2, 3, 4, 6, dtype=torch.float64))
    before = rotmats.clone()
    chained = chain_rotations(rotmats, [-1, 0, 0, 2])
    assert chained.dtype == torch.float64 and torch.equal(rotmats, before)
    torch.testing.assert_close(
        chained[1, 2, 3], rotmats[1, 2, 0] @ rotmats[1, 2, 2] @ rotmats[1, 2, 3]
    )
