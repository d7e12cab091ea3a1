import numpy as np
import pytest
import roma
import torch

from deforhmr_mm.structures import (
    H36M_EVAL_JOINTS,
    SMPL_PARENTS,
    KeypointSet,
    flip_smpl_pose,
    get_keypoint_set,
    keypoint_set_names,
    register_keypoint_set,
)

SIZES = {
    'smpl24': 24,
    'smpl45': 45,
    'coco17': 17,
    'openpose25': 25,
    'spin24': 24,
    'hmr2_extra19': 19,
    'h36m17': 17,
}


def test_sets_have_their_sizes():
    assert {name: len(get_keypoint_set(name)) for name in SIZES} == SIZES
    assert set(SIZES) <= set(keypoint_set_names())


@pytest.mark.parametrize('name', SIZES)
def test_flip_swaps_sides_and_nothing_else(name):
    keypoints = get_keypoint_set(name)
    flip = keypoints.flip_indices
    assert [flip[i] for i in flip] == list(range(len(keypoints)))
    paired = {index for pair in keypoints.flip_pairs for index in pair}
    for index, other in enumerate(flip):
        if index in paired:
            side, _, joint = keypoints.names[index].partition('_')
            opposite = {'left': 'right', 'right': 'left'}[side]
            assert keypoints.names[other] == f'{opposite}_{joint}'
        else:
            assert other == index
    assert all(
        keypoints.names[left].startswith('left_') for left, _ in keypoints.flip_pairs
    )


@pytest.mark.parametrize('name', SIZES)
def test_skeleton_connects_every_joint(name):
    keypoints = get_keypoint_set(name)
    linked = {index for link in keypoints.links for index in link}
    assert linked == set(range(len(keypoints)))
    sides = [tuple(sorted(link)) for link in keypoints.links]
    assert len(set(sides)) == len(sides)


def test_smpl_tree_and_landmarks_are_smplx_s():
    vertex_ids = pytest.importorskip('smplx.vertex_ids').vertex_ids['smplh']
    selector = pytest.importorskip('smplx.vertex_joint_selector')
    order = selector.VertexJointSelector(vertex_ids=vertex_ids).extra_joints_idxs
    ours = {
        'nose': 'nose',
        **{f'{s}_eye': f'{s[0]}eye' for s in ('left', 'right')},
        **{f'{s}_ear': f'{s[0]}ear' for s in ('left', 'right')},
        **{f'{s}_big_toe': f'{s[0].upper()}BigToe' for s in ('left', 'right')},
        **{f'{s}_small_toe': f'{s[0].upper()}SmallToe' for s in ('left', 'right')},
        **{f'{s}_heel': f'{s[0].upper()}Heel' for s in ('left', 'right')},
        **{
            f'{s}_{finger}': f'{s[0]}{finger}'
            for s in ('left', 'right')
            for finger in ('thumb', 'index', 'middle', 'ring', 'pinky')
        },
    }
    names = get_keypoint_set('smpl45').names
    assert names[:24] == get_keypoint_set('smpl24').names
    assert [vertex_ids[ours[name]] for name in names[24:]] == order.tolist()
    joint_names = pytest.importorskip('smplx.joint_names').JOINT_NAMES
    # smplx's list is SMPL-X's, whose first 22 joints are SMPL's.
    assert names[:22] == tuple(joint_names[:22])


def test_smpl_parents_come_before_their_children():
    assert SMPL_PARENTS[0] == -1
    assert all(parent < child for child, parent in enumerate(SMPL_PARENTS))
    names = get_keypoint_set('smpl24').names
    parent_of = {names[c]: names[p] for c, p in enumerate(SMPL_PARENTS) if p >= 0}
    assert parent_of['left_hip'] == 'pelvis'
    assert parent_of['left_collar'] == 'spine3'
    assert parent_of['right_hand'] == 'right_wrist'


def test_evaluation_joints_are_spin_s_indices():
    """SPIN's H36M_TO_J14."""
    assert get_keypoint_set('h36m17').indices(H36M_EVAL_JOINTS) == (
        *(6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10),
    )


def test_openpose_from_smpl45_is_the_known_map():
    """4D-Humans' smpl_to_openpose, which is derived from smplx's joint order."""
    mapping = get_keypoint_set('smpl45').map_to(get_keypoint_set('openpose25'))
    assert mapping.target == tuple(range(25))
    assert mapping.source == (
        *(24, 12, 17, 19, 21, 16, 18, 20, 0, 2, 5, 8, 1, 4, 7, 25, 26, 27, 28),
        *(29, 30, 31, 32, 33, 34),
    )


@pytest.mark.parametrize('target', SIZES)
@pytest.mark.parametrize('source', SIZES)
def test_maps_pair_equal_names(source, target):
    first, second = get_keypoint_set(source), get_keypoint_set(target)
    mapping = first.map_to(second)
    assert len(mapping.source) == len(set(first.names) & set(second.names))
    for i, j in zip(*mapping, strict=True):
        assert first.names[i] == second.names[j]


def test_unknown_names_are_named():
    with pytest.raises(KeyError, match=r"no joint 'left_tail'"):
        get_keypoint_set('coco17').index('left_tail')
    with pytest.raises(KeyError, match=r"unknown keypoint set 'coco71'.*coco17"):
        get_keypoint_set('coco71')


def test_inconsistent_sets_are_refused():
    with pytest.raises(ValueError, match='repeated'):
        KeypointSet('x', ('nose', 'nose'))
    with pytest.raises(ValueError, match=r"other side for \['left_ear'\]"):
        KeypointSet('x', ('left_ear', 'nose'))
    with pytest.raises(ValueError, match=r"unknown joints \['tail'\]"):
        KeypointSet('x', ('nose',), (('nose', 'tail'),))
    with pytest.raises(ValueError, match='already registered'):
        register_keypoint_set(KeypointSet('coco17', ('nose',)))


def mirrored(rotmats: torch.Tensor) -> torch.Tensor:
    """Slow reference: joint by joint, M R M and the partner's place."""
    keypoints = get_keypoint_set('smpl24')
    mirror = torch.diag(torch.tensor([-1.0, 1, 1], dtype=rotmats.dtype))
    result = torch.empty_like(rotmats)
    for index, name in enumerate(keypoints.names):
        if name.startswith('left_'):
            name = name.replace('left_', 'right_')
        elif name.startswith('right_'):
            name = name.replace('right_', 'left_')
        result[..., keypoints.index(name), :, :] = (
            mirror @ rotmats[..., index, :, :] @ mirror
        )
    return result


@pytest.mark.parametrize('batch', [(), (4,), (2, 3), (0,)])
def test_flip_smpl_pose(batch):
    pose = roma.random_rotmat((*batch, 24), dtype=torch.float64)
    flipped = flip_smpl_pose(pose)
    torch.testing.assert_close(flipped, mirrored(pose))
    torch.testing.assert_close(flip_smpl_pose(flipped), pose)
    as_array = flip_smpl_pose(pose.numpy())
    assert isinstance(as_array, np.ndarray) and as_array.dtype == np.float64
    np.testing.assert_array_equal(as_array, flipped.numpy())


def test_flip_smpl_pose_on_axis_angle():
    """A mirrored axis-angle vector keeps x and reverses y and z."""
    pose = torch.randn(24, 3, dtype=torch.float64)
    flipped = roma.rotmat_to_rotvec(flip_smpl_pose(roma.rotvec_to_rotmat(pose)))
    order = list(get_keypoint_set('smpl24').flip_indices)
    expected = pose[order] * torch.tensor([1.0, -1, -1], dtype=torch.float64)
    torch.testing.assert_close(
        roma.rotvec_to_rotmat(flipped), roma.rotvec_to_rotmat(expected)
    )


def test_flip_smpl_pose_checks_the_shape():
    with pytest.raises(ValueError, match=r'24, 3, 3\), got \(23, 3, 3\)'):
        flip_smpl_pose(torch.zeros(23, 3, 3))
