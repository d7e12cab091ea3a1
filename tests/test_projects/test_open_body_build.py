"""The open body's builder against anny itself.

How the comparison with anny is made. anny rests with its arms at 45 degrees, SMPL in a
T-pose, and linear blending has no pose-independent equivalent under another rest pose.
So two things are held. (1) In the pose that leads from the T-pose to anny's, `SMPL`
gives anny's own, untouched rest mesh. (2) anny's own rigged model, with its 104 bones,
its blend weights of up to nine bones a vertex, its tree and its kinematics, is given
the T-posed mesh as its template, and bone heads that anny's kinematics brought to the
T-pose; posed with the same 24 rotations, each at the bone that carries the joint, it
gives the same vertices and joints as `SMPL` with its 24 collapsed weights and regressed
joints. A wrong joint, parent, weight or frame shows as millimetres to metres.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import roma
import torch

from deforhmr_mm.body_models import OPEN_BODY_PATH, SMPL

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / 'projects' / 'open_body'))

import build_body  # noqa: E402
from anny.models.rigged_model import RiggedModelWithLinearBlendShapes  # noqa: E402
from body.shape_space import PELVIS  # noqa: E402
from body.skeleton import JOINT_BONES, JOINT_NAMES  # noqa: E402
from body.source import AXES, TIES_ALONG_AC, split_ties  # noqa: E402

MILLIMETRE = 1e-3


@pytest.fixture(scope='module')
def built() -> build_body.BuiltBody:
    return build_body.build_body()


@pytest.fixture(scope='module')
def smpl() -> SMPL:
    return SMPL().double()


def _random_pose(seed: int, spread: float = 0.6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(24, 3, generator=generator, dtype=torch.float64) * spread
    return roma.rotvec_to_rotmat(vectors)


def _pose(smpl: SMPL, rotations: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    out = smpl(rotations[None, :1], rotations[None, 1:], torch.zeros(1, 10).double())
    return out.vertices[0].numpy(), out.joints[0, :24].numpy()


def _t_posed_bone_heads(built: build_body.BuiltBody) -> np.ndarray:
    """(104, 3) heads of all bones, brought to the T-pose by anny's kinematics."""
    model, source = built.source.model, built.source
    rest = model.get_rest_model(torch.from_numpy(built.mean_coefficients[None]))
    poses = rest['rest_bone_poses']
    turn = AXES.T @ built.poser.rotations[source.owner] @ AXES
    target = poses.clone()
    target[0, :, :3, :3] = torch.from_numpy(turn) @ poses[0, :, :3, :3]
    _, posed = model.get_bone_transforms(target, poses, 'world-orient')
    heads = posed[0, :, :3, 3].numpy() @ AXES.T
    return heads - heads[source.joint_bones[0]] + PELVIS


def _anny_in_t_pose(
    built: build_body.BuiltBody, template: np.ndarray
) -> RiggedModelWithLinearBlendShapes:
    data = built.source.model.to_model_data()
    heads = torch.from_numpy(_t_posed_bone_heads(built))
    vertices = torch.from_numpy(template)
    count = len(heads)
    frames = torch.eye(3, dtype=torch.float64).repeat(count, 1, 1)
    return RiggedModelWithLinearBlendShapes(
        dataclasses.replace(
            data,
            template_vertices=vertices,
            blendshapes=torch.zeros(1, *vertices.shape, dtype=torch.float64),
            template_bone_heads=heads,
            bone_heads_blendshapes=torch.zeros(1, count, 3, dtype=torch.float64),
            bone_template_orientation_matrices=frames,
            bone_orientation_blendshapes=torch.zeros(1, count, 3, 3).double(),
            reference_bone_orientations=None,
        ),
        skinning_method='lbs',
        pose_parameterization='local-ref',
        bone_orientation='cached',
    )


def _anny_pose(
    model: RiggedModelWithLinearBlendShapes, owner: np.ndarray, rotations: torch.Tensor
) -> torch.Tensor:
    """anny's (1, 104, 4, 4) parameters for 24 joint rotations.

    A joint's rotation goes to the bone that carries it. Toes and fingers beside that
    bone turn about its head too, which anny's parameters express with a translation.
    """
    heads = model.template_bone_heads
    parameters = torch.eye(4, dtype=torch.float64).repeat(len(heads), 1, 1)
    for bone, joint in enumerate(owner):
        parent = int(model.bone_parents[bone])
        if parent >= 0 and owner[parent] == joint:
            continue
        pivot = heads[model.bone_labels.index(JOINT_BONES[joint])]
        offset = heads[bone] - pivot
        parameters[bone, :3, :3] = rotations[joint]
        parameters[bone, :3, 3] = rotations[joint] @ offset - offset
    parameters[0, :3, 3] = heads[0]
    return parameters[None]


def test_rest_pose_is_annys_own(built, smpl: SMPL) -> None:
    vertices, heads = built.source.rest(built.mean_coefficients[None])
    posed, joints = _pose(smpl, torch.from_numpy(built.rest_pose))
    shift = PELVIS - heads[0, 0]
    np.testing.assert_allclose(posed, vertices[0] + shift, atol=0.1 * MILLIMETRE)
    np.testing.assert_allclose(joints, heads[0] + shift, atol=0.1 * MILLIMETRE)


@pytest.mark.parametrize('seed', range(5))
def test_poses_as_anny_does(built, smpl: SMPL, seed: int) -> None:
    rotations = _random_pose(seed)
    model = _anny_in_t_pose(built, smpl.v_template.numpy())
    parameters = _anny_pose(model, built.source.owner, rotations)
    expected = model(parameters, torch.zeros(1, 1, dtype=torch.float64))
    vertices, joints = _pose(smpl, rotations)
    distance = np.linalg.norm(vertices - expected['vertices'][0].numpy(), axis=-1)
    assert distance.max() < 0.1 * MILLIMETRE
    bones = expected['bone_poses'][0, built.source.joint_bones, :3, 3].numpy()
    np.testing.assert_allclose(joints, bones, atol=0.1 * MILLIMETRE)
    # The comparison would notice: another pose is decimetres away.
    other, _ = _pose(smpl, _random_pose(seed + 100))
    assert np.linalg.norm(vertices - other, axis=-1).max() > 100 * MILLIMETRE


def test_joints_regress_to_the_bone_heads(built, smpl: SMPL) -> None:
    heads = _t_posed_bone_heads(built)[built.source.joint_bones]
    joints = (smpl.joint_regressor @ smpl.v_template).numpy()
    assert np.linalg.norm(joints - heads, axis=-1).max() < 0.05 * MILLIMETRE


def test_errors_over_the_shape_space(built, record_property) -> None:
    errors = build_body.shape_errors(built)
    for name, value in errors.items():
        record_property(name, round(float(value), 3))
    assert errors['joint, mean shape, max'] < 0.05
    assert errors['joint, 1000 random betas, max'] < 5.0
    assert errors['joint, unseen adults, mean'] < 2.0
    assert errors['vertex, unseen adults, area mean'] < 2.5
    assert errors['vertex, mean body only, area mean'] > 20.0
    assert 1650 < errors['stature, mean'] < 1750


def test_betas_have_unit_variance(built) -> None:
    adults = build_body.sample_adults(built.source, 120, 7)
    betas = build_body.project(
        built.poser(adults).vertices,
        built.arrays['v_template'].astype(np.float64),
        built.arrays['shapedirs'].astype(np.float64),
        built.areas,
    )
    np.testing.assert_allclose(betas.std(0), 1.0, atol=0.3)
    np.testing.assert_allclose(betas.mean(0), 0.0, atol=0.3)


def test_shipped_file_is_what_the_builder_makes(built, tmp_path: Path) -> None:
    first, second = tmp_path / 'first.npz', tmp_path / 'second.npz'
    build_body.write_npz(first, built.arrays)
    build_body.write_npz(second, built.arrays)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'first.npz',
        'second.npz',
    ]
    with np.load(OPEN_BODY_PATH) as shipped:
        assert shipped.files == list(built.arrays)
        for key, array in built.arrays.items():
            if array.dtype.kind == 'f':
                # Other processors may round the last bit otherwise.
                np.testing.assert_allclose(shipped[key], array, atol=1e-5, err_msg=key)
            else:
                np.testing.assert_array_equal(shipped[key], array, err_msg=key)


def test_joint_names_are_smpls() -> None:
    from deforhmr_mm.structures import SMPL_PARENTS, get_keypoint_set

    assert get_keypoint_set('smpl24').names == JOINT_NAMES
    assert build_body.PARENTS == SMPL_PARENTS


def test_quads_with_equal_diagonals_are_cut_alike_whatever_way_they_came() -> None:
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    kite = corners * [1, 1, 0] + [[0, 0, 0], [0, 0, 0], [1, 1, 0], [0, 0, 0]]
    quads = max(TIES_ALONG_AC) + 2
    vertices = np.concatenate([corners] * (quads - 1) + [kite])
    offsets = 4 * np.arange(quads)[:, None]
    along_ac = (offsets + [0, 1, 2, 2, 3, 0]).reshape(-1, 3)
    along_bd = (offsets + [0, 1, 3, 3, 1, 2]).reshape(-1, 3)
    cut = split_ties(along_ac, vertices)
    np.testing.assert_array_equal(split_ties(along_bd, vertices)[:-2], cut[:-2])
    expected = np.where(
        np.isin(np.arange(quads), TIES_ALONG_AC).repeat(2)[:, None], along_ac, along_bd
    )
    np.testing.assert_array_equal(cut[:-2], expected[:-2])
    # The kite's diagonals differ: it stays as it came.
    np.testing.assert_array_equal(cut[-2:], along_ac[-2:])
    np.testing.assert_array_equal(split_ties(along_bd, vertices)[-2:], along_bd[-2:])
