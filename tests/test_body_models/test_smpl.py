"""SMPL: values against smplx, landmarks, precision, gradients, empty batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import roma
import smplx
import torch
from smplx.utils import Struct

from deforhmr_mm.body_models import LANDMARK_NAMES, SMPL
from deforhmr_mm.registry import MODELS


@pytest.fixture(scope='module')
def open_body() -> SMPL:
    return SMPL()


@pytest.fixture
def small_file(tmp_path: Path, smpl_arrays) -> Path:
    path = tmp_path / 'small.npz'
    np.savez(path, **smpl_arrays)
    return path


def _inputs(batch: int, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(batch)
    vectors = torch.randn(batch, 24, 3, generator=generator, dtype=torch.float64) * 0.4
    pose = roma.rotvec_to_rotmat(vectors).to(dtype)
    return dict(
        global_orient=pose[:, :1],
        body_pose=pose[:, 1:],
        betas=torch.randn(batch, 10, generator=generator, dtype=dtype),
        transl=torch.randn(batch, 3, generator=generator, dtype=dtype),
    )


@pytest.mark.parametrize('which', ['open body', 'small file'])
def test_agrees_with_smplx(which: str, small_file: Path, smpl_arrays) -> None:
    if which == 'open body':
        path, ids = None, None
        from deforhmr_mm.body_models import OPEN_BODY_PATH

        with np.load(OPEN_BODY_PATH) as file:
            arrays = {key: file[key] for key in file.files}
        vertices = arrays['landmark_ids'].tolist()
    else:
        path, arrays = small_file, smpl_arrays
        vertices = list(range(7, 7 + len(LANDMARK_NAMES)))
        ids = dict(zip(LANDMARK_NAMES, vertices, strict=True))
    arrays['kintree_table'] = arrays['kintree_table'].astype(np.int64)
    names = list(smplx.vertex_ids.vertex_ids['smplh'])
    inputs = _inputs(3)
    reference = smplx.SMPL(
        '', data_struct=Struct(**arrays), vertex_ids=dict.fromkeys(names, 0)
    )
    expected = reference(**inputs, pose2rot=False)

    vertices_out, joints = SMPL(path, landmark_ids=ids)(**inputs)

    torch.testing.assert_close(vertices_out, expected.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        joints[:, :24], expected.joints[:, :24], atol=1e-5, rtol=0
    )
    torch.testing.assert_close(joints[:, 24:], vertices_out[:, vertices])


def test_built_from_the_registry(open_body: SMPL) -> None:
    built = MODELS.build(dict(type='SMPL'))
    assert built.fingerprint == open_body.fingerprint
    assert not built.state_dict()
    assert built.faces.shape == (27420, 3) and built.faces.dtype == np.int32


def test_translation_and_orientation(open_body: SMPL) -> None:
    inputs = _inputs(2)
    posed = open_body(**inputs)
    at_origin = open_body(**{**inputs, 'transl': None})
    torch.testing.assert_close(
        posed.vertices - inputs['transl'][:, None], at_origin.vertices
    )
    turn = roma.random_rotmat(1)
    turned = open_body(
        turn[None] @ inputs['global_orient'], inputs['body_pose'], inputs['betas']
    )
    pelvis = at_origin.joints[:, :1]
    expected = (at_origin.joints - pelvis) @ turn[0].T + pelvis
    torch.testing.assert_close(turned.joints, expected, atol=1e-5, rtol=0)


def test_precision(open_body: SMPL) -> None:
    inputs = _inputs(2)
    single = open_body(**inputs)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        autocast = open_body(**inputs)
        from_half = open_body(**{k: v.bfloat16() for k, v in inputs.items()})
    assert autocast.vertices.dtype == from_half.joints.dtype == torch.float32
    torch.testing.assert_close(autocast.vertices, single.vertices, atol=0, rtol=0)
    double = SMPL().double()(**_inputs(2))
    assert double.vertices.dtype == torch.float64
    torch.testing.assert_close(double.joints.float(), single.joints, atol=1e-5, rtol=0)


def test_rotations_may_have_any_layout(open_body: SMPL) -> None:
    inputs = _inputs(3)
    # Kept as (B, 3, 3, J): the joints innermost in memory.
    pose = torch.cat((inputs['global_orient'], inputs['body_pose']), dim=1)
    pose = pose.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    other = dict(inputs, global_orient=pose[:, :1], body_pose=pose[:, 1:])
    assert not other['body_pose'].is_contiguous()
    for one, two in zip(open_body(**other), open_body(**inputs), strict=True):
        torch.testing.assert_close(one, two, atol=0, rtol=0)
    del inputs['transl'], other['transl']
    torch.testing.assert_close(
        open_body.joints(**other), open_body.joints(**inputs), atol=0, rtol=0
    )


def test_gradients(small_file: Path) -> None:
    body = SMPL(small_file, landmark_ids={}).double()
    inputs = tuple(
        value.requires_grad_() for value in _inputs(1, torch.float64).values()
    )
    assert torch.autograd.gradcheck(lambda *args: body(*args).joints, inputs)
    sum(part.square().sum() for part in body(*inputs)).backward()
    assert all(value.grad.abs().sum() > 0 for value in inputs)


def test_empty_batch(open_body: SMPL) -> None:
    inputs = {name: value.requires_grad_() for name, value in _inputs(0).items()}
    vertices, joints = open_body(**inputs)
    assert vertices.shape == (0, 13718, 3) and joints.shape == (0, 45, 3)
    joints.sum().backward()


@pytest.mark.parametrize(
    ('name', 'shape'),
    [
        ('global_orient', (2, 3, 3)),
        ('body_pose', (2, 21, 3, 3)),
        ('betas', (2, 11)),
        ('transl', (2, 1, 3)),
    ],
)
def test_wrong_shapes(open_body: SMPL, name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf'{name} must have the shape .* got \(2, '):
        open_body(**{**_inputs(2), name: torch.zeros(shape)})


def test_fewer_components(open_body: SMPL) -> None:
    inputs = _inputs(2)
    few = SMPL(num_betas=4)
    padded = torch.cat((inputs['betas'][:, :4], torch.zeros(2, 6)), 1)
    torch.testing.assert_close(
        few(**{**inputs, 'betas': inputs['betas'][:, :4]}).vertices,
        open_body(**{**inputs, 'betas': padded}).vertices,
    )
    assert few.fingerprint == open_body.fingerprint
    with pytest.raises(ValueError, match='between 1 and the 10 shape components'):
        SMPL(num_betas=11)


def test_landmarks_must_be_known(small_file: Path) -> None:
    with pytest.raises(ValueError, match='60 vertices and its file names no landmark'):
        SMPL(small_file)
    ids = dict.fromkeys(LANDMARK_NAMES, 0)
    with pytest.raises(ValueError, match=r"missing \['nose'\], unknown \['snout'\]"):
        SMPL(
            small_file, landmark_ids={'snout': 1, **{k: 0 for k in ids if k != 'nose'}}
        )
    with pytest.raises(ValueError, match="{'nose': 60} are no vertices"):
        SMPL(small_file, landmark_ids={**ids, 'nose': 60})
    assert SMPL(small_file, landmark_ids={})(**_inputs(2)).joints.shape == (2, 24, 3)


@pytest.mark.parametrize('which', ['open body', 'small file'])
def test_joints_alone_are_those_of_the_whole_body(which: str, small_file: Path) -> None:
    if which == 'open body':
        smpl = SMPL()
    else:
        ids = dict(zip(LANDMARK_NAMES, range(7, 7 + len(LANDMARK_NAMES)), strict=True))
        smpl = SMPL(small_file, landmark_ids=ids)
    inputs = _inputs(3)
    del inputs['transl']
    torch.testing.assert_close(
        smpl.joints(**inputs), smpl(**inputs).joints, atol=2e-6, rtol=0
    )
    empty = {name: value[:0] for name, value in inputs.items()}
    assert smpl.joints(**empty).shape == smpl(**empty).joints.shape


def test_h36m_regressor_can_come_from_a_file_of_its_own(tmp_path: Path) -> None:
    weights = np.zeros((17, SMPL().num_vertices))
    weights[np.arange(17), np.arange(17)] = 1
    path = tmp_path / 'J_regressor_h36m.npy'
    np.save(path, weights)
    regressor = SMPL(h36m_regressor=path).h36m_regressor
    np.testing.assert_array_equal(regressor.numpy(), weights.astype(np.float32))


@pytest.mark.parametrize('case', ['missing', 'shape', 'text'])
def test_unusable_h36m_regressor_is_refused_by_name(tmp_path: Path, case: str) -> None:
    path = tmp_path / 'J_regressor_h36m.npy'
    if case == 'shape':
        np.save(path, np.zeros((17, 6890)))
    elif case == 'text':
        path.write_text('not an array')
    error = FileNotFoundError if case == 'missing' else ValueError
    with pytest.raises(error, match='J_regressor_h36m.npy'):
        SMPL(h36m_regressor=path)
