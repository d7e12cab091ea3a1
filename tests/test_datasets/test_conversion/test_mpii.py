import json

import numpy as np
import pytest
from scipy.io import savemat

from deforhmr_mm.datasets.conversion.mpii import convert_mat
from deforhmr_mm.structures import get_keypoint_set

SPIN = get_keypoint_set('spin24')


def entry(image, center, scale, **joints):
    """An entry of the JSON; joints by their number, as j9=(x, y)."""
    places = [[-1.0, -1.0]] * 16
    known = [0] * 16
    for name, place in joints.items():
        places[int(name[1:])], known[int(name[1:])] = list(place), 1
    return {
        'image': image,
        'center': center,
        'scale': scale,
        'joints': places,
        'joints_vis': known,
    }


@pytest.fixture
def entries():
    return [
        entry('1.jpg', [301.0, 201.0], 2.0, j0=(311, 401), j9=(291, 11)),
        entry('1.jpg', [801.0, 201.0], 1.5, j6=(801, 221)),
        entry('2.jpg', [51.0, 61.0], 1.0),
    ]


@pytest.fixture
def write(tmp_path):
    def call(entries, split='train'):
        path = tmp_path / 'mpii' / 'annotations' / f'{split}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entries))
        return tmp_path / 'mpii'

    return call


def test_the_json_counts_from_1_and_gives_heights(run, write, entries):
    result = run('mpii', write(entries))
    assert result.code == 0, result.error
    columns = result.columns
    assert columns['imgname'].tolist() == ['images/1.jpg'] * 2 + ['images/2.jpg']
    # 15 pixels down at scale 1, and a height of 200 becomes a side of 250.
    np.testing.assert_allclose(columns['center'], [[300, 230], [800, 222.5], [50, 75]])
    np.testing.assert_allclose(columns['scale'][:, 1], [2.5, 1.875, 1.25])
    np.testing.assert_allclose(columns['scale'][:, 0], [1.875, 1.40625, 0.9375])
    part = columns['part']
    np.testing.assert_allclose(part[0, SPIN.index('right_ankle')], [310, 400, 1])
    np.testing.assert_allclose(part[0, SPIN.index('head_top')], [290, 10, 1])
    np.testing.assert_allclose(part[1, SPIN.index('pelvis_mpii')], [800, 220, 1])
    assert part[0, :, 2].sum() == 2 and not part[2].any()
    assert 'warning: 3 people came out' in result.out and '22246' in result.out


def test_every_joint_has_its_place(run, write):
    all_joints = {f'j{j}': (j + 1, 2 * j + 1) for j in range(16)}
    part = run('mpii', write([entry('a.jpg', [9, 9], 1, **all_joints)])).columns['part']
    for name, joint in (
        *(('right_ankle', 0), ('right_hip', 2), ('left_hip', 3), ('left_ankle', 5)),
        *(('pelvis_mpii', 6), ('thorax_mpii', 7), ('neck_lsp', 8), ('head_top', 9)),
        *(('right_wrist', 10), ('right_shoulder', 12)),
        *(('left_shoulder', 13), ('left_wrist', 15)),
    ):
        np.testing.assert_allclose(part[0, SPIN.index(name)], [joint, 2 * joint, 1])
    assert part[0, :, 2].sum() == 16


def test_pseudo_labels_join_by_picture_and_box(run, write, entries, tmp_path):
    path = tmp_path / 'cliff.npz'
    np.savez(
        path,
        imgname=np.array(
            ['images/1.jpg', 'mpii/1.jpg', 'images/1.jpg', 'images/2.jpg']
        ),
        # Near the second person, nearer to them, near nobody, too far from the third.
        center=np.array([[805.0, 222], [801, 222], [300, 900], [50, 120]]),
        scale=np.ones(4),
        pose=np.arange(4.0)[:, None].repeat(72, 1),
        shape=np.zeros((4, 10)),
    )
    result = run('mpii', write(entries), '--cliff', path)
    np.testing.assert_allclose(result.columns['has_smpl'], [0, 1, 0])
    assert result.columns['pose'][1, 0] == 1
    assert '1 of 3 people have pseudo-labels, 3 pseudo-labels are left over' in (
        result.out
    )


def test_two_people_do_not_share_a_label(run, write, entries, tmp_path):
    entries[1]['center'] = [305.0, 201.0]
    path = tmp_path / 'cliff.npz'
    np.savez(
        path,
        imgname=np.array(['1.jpg']),
        center=np.array([[304.0, 222.5]]),
        scale=np.ones(1),
        pose=np.ones((1, 72)),
        shape=np.ones((1, 10)),
    )
    columns = run('mpii', write(entries), '--cliff', path, '--only-labelled').columns
    np.testing.assert_allclose(columns['center'], [[304, 222.5]])


@pytest.fixture
def mat(tmp_path):
    """A .mat file with MPII's nesting: a struct, an array of structs, none."""
    point = [('x', object), ('y', object), ('id', object), ('is_visible', object)]
    two = np.array([(11.0, 21.0, 0, '1'), (31.0, 1.0, 9, [])], dtype=point)
    person = {'annopoints': {'point': two}, 'objpos': {'x': 21.0, 'y': 11.0}}
    first = {**person, 'scale': 2.0}
    one = np.array([(7.0, 8.0, 15, 1)], dtype=point)
    fields = [('annopoints', object), ('objpos', object), ('scale', object)]
    several = np.array(
        [
            ({'point': one}, {'x': 5, 'y': 6}, 1.0),
            ([], {'x': 5, 'y': 6}, 1.0),
            ({'point': one}, [], []),
        ],
        dtype=fields,
    )
    pictures = np.array(
        [
            ({'name': 'a.jpg'}, first),
            ({'name': 'b.jpg'}, several),
            ({'name': 'c.jpg'}, []),
            ({'name': 'test.jpg'}, {'objpos': {'x': 1, 'y': 1}, 'scale': 3.0}),
        ],
        dtype=[('image', object), ('annorect', object)],
    )
    root = tmp_path / 'mpii'
    root.mkdir()
    path = root / 'mpii_human_pose_v1_u12_1.mat'
    release = {'annolist': pictures, 'img_train': np.array([1, 1, 1, 0])}
    savemat(path, {'RELEASE': release})
    return path


def test_the_mat_file(run, mat):
    result = run('mpii', mat.parent, '--split', 'mat')
    assert result.code == 0, result.error
    columns = result.columns
    assert columns['imgname'].tolist() == ['images/a.jpg', 'images/b.jpg']
    np.testing.assert_allclose(columns['center'], [[20, 40], [4, 20]])
    np.testing.assert_allclose(columns['scale'], [[1.875, 2.5], [0.9375, 1.25]])
    part = columns['part']
    np.testing.assert_allclose(part[0, SPIN.index('right_ankle')], [10, 20, 1])
    np.testing.assert_allclose(part[0, SPIN.index('head_top')], [30, 0, 1])
    np.testing.assert_allclose(part[1, SPIN.index('left_wrist')], [6, 7, 1])
    assert part[..., 2].sum() == 3
    assert 'no published number' in result.out


def test_wrong_files_are_named(run, write, mat, entries, assert_failed):
    root = mat.parent
    assert_failed(run('mpii', root, '--split', 'valid'), 'there is no annotation file')
    del entries[1]['joints_vis']
    assert_failed(run('mpii', write(entries)), 'entry 1', "KeyError: 'joints_vis'")
    mat.write_bytes(b'no mat file')
    assert_failed(run('mpii', root, '--split', 'mat'), 'not a readable .mat file')
    savemat(mat, {'other': 1})
    assert_failed(run('mpii', root, '--split', 'mat'), "there is no 'RELEASE'")
    savemat(mat, {'RELEASE': {'annolist': [], 'img_train': [1]}})
    assert_failed(run('mpii', root, '--split', 'mat'), '0 pictures, 1 in img_train')
    mat.unlink()
    with pytest.raises(FileNotFoundError):
        convert_mat(mat)
