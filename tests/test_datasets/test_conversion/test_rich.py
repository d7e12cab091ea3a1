import pickle

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deforhmr_mm.datasets.conversion import smplx_body
from deforhmr_mm.datasets.readers import read_spin_npz
from deforhmr_mm.structures import get_keypoint_set

SPIN, SMPL24 = get_keypoint_set('spin24'), get_keypoint_set('smpl24')
# SMPL-X's tree: 22 joints of the body, jaw and eyes, three of each finger.
PARENTS = [
    *(-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19),
    *(15, 15, 15, 20, 25, 26, 20, 28, 29, 20, 31, 32, 20, 34, 35, 20, 37, 38),
    *(21, 40, 41, 21, 43, 44, 21, 46, 47, 21, 49, 50, 21, 52, 53),
]
# Vertices of SMPL-X and of SMPL; one or two of the former have most of one of the
# latter, and one or two of these most of a joint.
W, V = 80, 30
MAP = np.random.default_rng(1).dirichlet(np.full(W, 0.02), V)
REGRESSOR = np.random.default_rng(2).dirichlet(np.full(V, 0.05), 24)


def smplx_arrays(seed, taller):
    """A model in which shape and every joint's turn matter."""
    rng = np.random.default_rng(seed)
    template = rng.uniform(-0.5, 0.5, (W, 3)) + [0, taller, 0]
    return {
        'v_template': template,
        'shapedirs': rng.normal(size=(W, 3, 16)) / 20,
        'posedirs': rng.normal(size=(W, 3, 486)) / 300,
        'J_regressor': rng.dirichlet(np.full(W, 0.1), 55),
        'weights': rng.dirichlet(np.full(55, 0.05), W),
    }


SMPLX = {'male': smplx_arrays(3, 0.0), 'female': smplx_arrays(4, 1.0)}


@pytest.fixture
def models(tmp_path):
    """Options that name the three models."""
    parents = np.zeros((2, 55), dtype=np.uint32)
    parents[0] = np.array(PARENTS) % 2**32
    folder = tmp_path / 'smplx'
    folder.mkdir()
    for gender, arrays in SMPLX.items():
        np.savez(
            folder / f'SMPLX_{gender.upper()}.npz',
            **arrays,
            kintree_table=parents,
            joint2num=np.array({'left': 1}, dtype=object),
        )
    table = np.zeros((2, 24), dtype=np.int64)
    table[0, 0] = -1
    smpl = tmp_path / 'smpl.npz'
    np.savez(
        smpl,
        v_template=np.zeros((V, 3)),
        f=np.array([[0, 1, 2]]),
        J_regressor=REGRESSOR,
        weights=np.full((V, 24), 1 / 24),
        shapedirs=np.zeros((V, 3, 10)),
        kintree_table=table,
    )
    matrix = tmp_path / 'smplx2smpl.pkl'
    matrix.write_bytes(pickle.dumps({'matrix': MAP}, protocol=2))
    options = ('--smplx-model', folder, '--smplx2smpl', matrix, '--smpl-model', smpl)
    return options


RNG = np.random.default_rng(5)
GENDERS = ['male', 'female', 'male', 'male']
PEOPLE = {
    'smplx_grot': RNG.normal(size=(4, 3)),
    'smplx_pose': RNG.normal(0, 0.5, (4, 63)),
    'smplx_betas': RNG.normal(size=(4, 10)),
    'smplx_trans': RNG.uniform(-1, 1, (4, 3)) + [0, 0, 6],
}
CENTERS = np.array([[300.0, 400], [500, 600], [350, 450], [550, 650]])
SCALES = [1.5, 2.5, 1.75, 2.75]


@pytest.fixture
def write(tmp_path):
    def call(**changes):
        columns = {
            'imgname': np.array(['a/cam_00/1.jpeg'] * 4),
            'gender': np.array(GENDERS),
            'cam_int': np.stack([np.diag([1000.0, 1100, 1])] * 4),
            **PEOPLE,
            'center': CENTERS,
            'scale': np.array(SCALES),
            **changes,
        }
        columns['cam_int'][:, :2, 2] = 640, 512
        path = tmp_path / 'rich.npz'
        np.savez(path, **{k: v for k, v in columns.items() if v is not None})
        return '--ann-file', path

    return call


def pose_by_hand(row):
    """Linear blend skinning joint by joint; SMPL's 24 joints (24, 3) of a row."""
    person = {key: values[row] for key, values in PEOPLE.items()}
    model = SMPLX[GENDERS[row]]
    rotvecs = np.zeros((55, 3))
    rotvecs[0] = person['smplx_grot']
    rotvecs[1:22] = person['smplx_pose'].reshape(21, 3)
    turns = Rotation.from_rotvec(rotvecs).as_matrix()
    rest = model['v_template'] + model['shapedirs'][..., :10] @ person['smplx_betas']
    joints = model['J_regressor'] @ rest
    # Nine numbers a joint, row by row.
    rest = rest + model['posedirs'] @ (turns[1:] - np.eye(3)).reshape(-1)
    globals_, places = [turns[0]], [joints[0]]
    for joint in range(1, 55):
        parent = PARENTS[joint]
        bone = joints[joint] - joints[parent]
        globals_.append(globals_[parent] @ turns[joint])
        places.append(places[parent] + globals_[parent] @ bone)
    vertices = np.zeros((W, 3))
    for joint in range(55):
        moved = (rest - joints[joint]) @ globals_[joint].T + places[joint]
        vertices += model['weights'][:, joint, None] * moved
    return REGRESSOR @ MAP @ (vertices + person['smplx_trans'])


def test_joints_are_smpls_of_smplxs_surface(run, write, models, tmp_path, monkeypatch):
    # Three men are then a whole batch and a part of one.
    monkeypatch.setattr(smplx_body, '_BATCH', 2)
    result = run('rich_smplx', tmp_path, *write(center=None), *models)
    assert result.code == 0, result.error
    columns = result.columns
    assert columns['gender'].tolist() == ['m', 'f', 'm', 'm']
    np.testing.assert_allclose(columns['focal_l'], 1000)
    np.testing.assert_allclose(columns['principal_point'], [[640, 512]] * 4)
    joints = np.stack([pose_by_hand(row) for row in range(4)])
    x = 1000 * joints[..., 0] / joints[..., 2] + 640
    y = 1100 * joints[..., 1] / joints[..., 2] + 512
    np.testing.assert_allclose(
        columns['center'][:, 0], (x.min(1) + x.max(1)) / 2, rtol=1e-5
    )
    height = np.maximum(np.ptp(x, axis=1) / 0.75, np.ptp(y, axis=1))
    np.testing.assert_allclose(columns['scale'][:, 1], 1.2 * height / 200, rtol=1e-4)
    np.testing.assert_allclose(columns['scale'][:, 0], 0.9 * height / 200, rtol=1e-4)
    for name in sorted({*SMPL24.names} & {*SPIN.names}):
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
    np.testing.assert_allclose(result.columns['center'], CENTERS)
    assert set(result.columns) == {
        *('imgname', 'gender', 'center', 'scale', 'focal_l', 'principal_point'),
        'part',
    }
    assert not result.columns['part'].any()
    assert 'joints are unknown' in result.out
    labels = read_spin_npz(tmp_path / 'out' / 'people.npz')
    assert not labels.has_pose.any() and not labels.joints_3d.any()
    assert labels.genders == tuple(GENDERS)


@pytest.mark.parametrize('unit', [1, 200])
def test_the_files_own_boxes_are_kept(run, write, models, tmp_path, unit):
    ann_file = write(scale=unit * np.array(SCALES))
    columns = run('rich_smplx', tmp_path, *ann_file, *models).columns
    np.testing.assert_allclose(columns['scale'], np.outer(SCALES, (0.75, 1)))
    assert columns['S'].any()


def test_a_pickle_that_runs_code_is_refused(
    run, write, models, assert_failed, tmp_path, running_pickle
):
    models[3].write_bytes(pickle.dumps({'matrix': running_pickle}))
    assert_failed(run('rich_smplx', tmp_path, *write(), *models), 'mkdir')


def test_wrong_files_are_named(run, write, models, assert_failed, tmp_path):
    tool = 'rich_smplx'
    assert_failed(run(tool, tmp_path, *write(scale=None)), "no 'center' and 'scale'")
    wrong = write(gender=np.array(['male', 'unknown'] * 2))
    assert_failed(run(tool, tmp_path, *wrong), "'unknown'")
    wrong = write(smplx_pose=np.zeros((4, 72)))
    assert_failed(run(tool, tmp_path, *wrong, *models), "'smplx_pose'", '(4, 63)')
    wrong = write(gender=np.array(['neutral'] * 4))
    assert_failed(run(tool, tmp_path, *wrong, *models), 'SMPLX_NEUTRAL.npz')
    models[3].write_bytes(pickle.dumps({'matrix': np.eye(29, W)}))
    assert_failed(run(tool, tmp_path, *write(), *models), '30 vertices', '(29, 80)')
    models[3].write_bytes(pickle.dumps({'matrix': np.eye(V, 50)}))
    assert_failed(run(tool, tmp_path, *write(), *models), "'v_template'", '(50, 3)')
    result = run(tool, tmp_path, *write(), *models[:4])
    assert result.code == 2 and 'go together' in result.error
