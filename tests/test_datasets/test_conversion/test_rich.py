import os
import pickle

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deforhmr_mm.datasets.readers import read_spin_npz
from deforhmr_mm.structures import get_keypoint_set

SPIN, SMPL24 = get_keypoint_set('spin24'), get_keypoint_set('smpl24')
# SMPL-X of 55 vertices: vertex j lies at joint j and moves with it, and every joint
# hangs on the root. SMPL of 24 vertices: the first 24, with their joints in them.
TEMPLATE = np.random.default_rng(1).uniform(-0.5, 0.5, (55, 3))


@pytest.fixture
def models(tmp_path):
    """Options that name the three models."""
    parents = np.zeros((2, 55), dtype=np.uint32)
    parents[0, 0] = 2**32 - 1
    shapedirs = np.zeros((55, 3, 16))
    shapedirs[:, 1, 0] = 0.1
    folder = tmp_path / 'smplx'
    folder.mkdir()
    for gender, taller in (('MALE', 0.0), ('FEMALE', 1.0)):
        np.savez(
            folder / f'SMPLX_{gender}.npz',
            v_template=TEMPLATE + [0, taller, 0],
            shapedirs=shapedirs,
            posedirs=np.zeros((55, 3, 486)),
            J_regressor=np.eye(55),
            weights=np.eye(55),
            kintree_table=parents,
            joint2num=np.array({'left': 1}, dtype=object),
        )
    table = np.zeros((2, 24), dtype=np.int64)
    table[0, 0] = -1
    smpl = tmp_path / 'smpl.npz'
    np.savez(
        smpl,
        v_template=TEMPLATE[:24],
        f=np.array([[0, 1, 2]]),
        J_regressor=np.eye(24),
        weights=np.eye(24),
        shapedirs=np.zeros((24, 3, 10)),
        kintree_table=table,
    )
    matrix = tmp_path / 'smplx2smpl.pkl'
    matrix.write_bytes(pickle.dumps({'matrix': np.eye(24, 55)}, protocol=2))
    options = ('--smplx-model', folder, '--smplx2smpl', matrix, '--smpl-model', smpl)
    return options


@pytest.fixture
def write(tmp_path):
    def call(**changes):
        columns = {
            'imgname': np.array(['a/cam_00/1.jpeg', 'a/cam_00/1.jpeg']),
            'gender': np.array(['male', 'female']),
            'cam_int': np.stack([np.diag([1000.0, 1100, 1])] * 2),
            'smplx_grot': np.array([[np.pi, 0, 0], [0, 0, 0]]),
            'smplx_pose': np.full((2, 63), 0.2),
            'smplx_betas': np.array([[0.0] * 10, [2.0] + [0.0] * 9]),
            'smplx_trans': np.array([[0.0, 0, 5], [1, 0, 6]]),
            'center': np.array([[300.0, 400], [500, 600]]),
            'scale': np.array([1.5, 2.5]),
            **changes,
        }
        columns['cam_int'][:, :2, 2] = 640, 512
        path = tmp_path / 'rich.npz'
        np.savez(path, **{k: v for k, v in columns.items() if v is not None})
        return '--ann-file', path

    return call


def expected_joints():
    """By hand: all joints turn about the root, which stays where it rests."""
    first = Rotation.from_rotvec([np.pi, 0, 0]).apply(TEMPLATE - TEMPLATE[0])
    # The woman is 1 m higher at rest, and 2 x 0.1 m more by her shape.
    second = TEMPLATE - TEMPLATE[0]
    roots = np.stack([TEMPLATE[0] + [0, 0, 5], TEMPLATE[0] + [1, 1.2, 6]])
    return np.stack([first, second])[:, :24] + roots[:, None]


def test_joints_are_smpls_of_smplxs_surface(run, write, models, tmp_path):
    result = run('rich_smplx', tmp_path, *write(center=None), *models)
    assert result.code == 0, result.error
    columns = result.columns
    assert columns['gender'].tolist() == ['m', 'f']
    np.testing.assert_allclose(columns['focal_l'], 1000)
    np.testing.assert_allclose(columns['principal_point'], [[640, 512]] * 2)
    joints = expected_joints()
    x = 1000 * joints[..., 0] / joints[..., 2] + 640
    y = 1100 * joints[..., 1] / joints[..., 2] + 512
    np.testing.assert_allclose(
        columns['center'][:, 0], (x.min(1) + x.max(1)) / 2, rtol=1e-5
    )
    side = np.maximum(np.ptp(x, axis=1), np.ptp(y, axis=1))
    np.testing.assert_allclose(columns['scale'], 1.2 * side / 200, rtol=1e-4)
    for name in ('left_hip', 'right_wrist', 'left_ankle', 'right_shoulder'):
        source, target = SMPL24.index(name), SPIN.index(name)
        local = joints[:, source] - joints[:, 0]
        np.testing.assert_allclose(columns['S'][:, target, :3], local, atol=1e-5)
        place = np.stack([x[:, source], y[:, source]], axis=-1)
        np.testing.assert_allclose(columns['part'][:, target, :2], place, rtol=1e-4)
    assert (columns['S'][..., 3].sum(1) == 12).all()
    assert 'no SMPL parameters' in result.out and 'unknown' not in result.out


def test_without_models_there_are_boxes_and_cameras(run, write, tmp_path):
    result = run('rich_smplx', tmp_path, *write())
    assert result.code == 0, result.error
    np.testing.assert_allclose(result.columns['center'], [[300, 400], [500, 600]])
    assert set(result.columns) == {
        *('imgname', 'gender', 'center', 'scale', 'focal_l', 'principal_point'),
        'part',
    }
    assert not result.columns['part'].any()
    assert 'joints are unknown' in result.out
    labels = read_spin_npz(tmp_path / 'out' / 'people.npz')
    assert not labels.has_pose.any() and not labels.joints_3d.any()
    assert labels.genders == ('male', 'female')


@pytest.mark.parametrize('unit', [1, 200])
def test_the_files_own_boxes_are_kept(run, write, models, tmp_path, unit):
    ann_file = write(scale=unit * np.array([1.5, 2.5]))
    columns = run('rich_smplx', tmp_path, *ann_file, *models).columns
    np.testing.assert_allclose(columns['scale'], [1.5, 2.5])
    assert columns['S'].any()


class Runs:
    def __reduce__(self):
        return os.mkdir, ('made by a pickle',)


def test_a_pickle_that_runs_code_is_refused(
    run, write, models, assert_failed, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    models[3].write_bytes(pickle.dumps({'matrix': Runs()}))
    assert_failed(run('rich_smplx', tmp_path, *write(), *models), 'mkdir')
    assert not (tmp_path / 'made by a pickle').exists()


def test_wrong_files_are_named(run, write, models, assert_failed, tmp_path):
    tool = 'rich_smplx'
    assert_failed(run(tool, tmp_path, *write(scale=None)), "no 'center' and 'scale'")
    wrong = write(gender=np.array(['male', 'unknown']))
    assert_failed(run(tool, tmp_path, *wrong), "'unknown'")
    wrong = write(smplx_pose=np.zeros((2, 72)))
    assert_failed(run(tool, tmp_path, *wrong, *models), "'smplx_pose'", '(2, 63)')
    wrong = write(gender=np.array(['neutral'] * 2))
    assert_failed(run(tool, tmp_path, *wrong, *models), 'SMPLX_NEUTRAL.npz')
    models[3].write_bytes(pickle.dumps({'matrix': np.eye(23, 55)}))
    assert_failed(run(tool, tmp_path, *write(), *models), '24 vertices', '(23, 55)')
    models[3].write_bytes(pickle.dumps({'matrix': np.eye(24, 50)}))
    assert_failed(run(tool, tmp_path, *write(), *models), "'v_template'", '(50, 3)')
    result = run(tool, tmp_path, *write(), *models[:4])
    assert result.code == 2 and 'go together' in result.error
