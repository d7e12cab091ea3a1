"""People of HMR2.0's training tars."""

import gzip
import tarfile
from functools import partial

import numpy as np
import pytest
import roma
import torch
from mmengine.dataset import pseudo_collate, worker_init_fn
from torch.utils.data import DataLoader

from deforhmr_mm.datasets import AnnotationError, HMR2TarDataset, transforms
from deforhmr_mm.structures import get_keypoint_set
from tests.test_datasets.hmr2_tars import (
    build_dataset,
    person,
    picture,
    single,
    write_tar,
)

SMPL45 = get_keypoint_set('smpl45')
# Places among the 44 joints.
MID_HIP, LEFT_BIG_TOE = 8, 19
OPENPOSE_RIGHT_ANKLE, RIGHT_ANKLE, PELVIS_MPII, JAW = 11, 25, 39, 42


@pytest.fixture
def build(tmp_path):
    """Build a data set of one tar with these members."""
    return partial(build_dataset, tmp_path)


PIPELINE = [
    transforms.LoadImage(),
    transforms.TopdownAffine(),
    transforms.PackMeshInputs(),
]


def grey(packed):
    return packed['inputs'][:, 128, 96].tolist()


def test_samples_and_pictures(build, tmp_path):
    members = {
        'x/7.data.pyd': [person(scale=0.25), person(betas=np.ones(10))],
        'x/7.PNG': picture(70),
        'x/8.png': picture(80),
        'x/8.data.pyd': [person()],
    }
    data = build(members, pipeline=PIPELINE)
    samples = [data.get_data_info(i) for i in range(len(data))]
    assert [s['img_id'] for s in samples] == [0, 0, 1]
    assert [s['sample_id'] for s in samples] == ['few/0', 'few/1', 'few/2']
    tar = f'{tmp_path}/few.tar'
    assert [s['img_path'] for s in samples] == [f'{tar}:x/7.PNG'] * 2 + [
        f'{tar}:x/8.png'
    ]
    archive, offset, size = samples[0]['img_archive']
    assert archive == tar
    assert open(tar, 'rb').read()[offset : offset + size] == picture(70)
    assert [grey(data[i]) for i in range(3)] == [[70] * 3, [70] * 3, [80] * 3]
    assert data[2]['data_samples'].img_path == f'{tar}:x/8.png'


def test_a_person_s_labels(build):
    sample = build(single()).get_data_info(0)
    nose = SMPL45.index('nose')
    np.testing.assert_array_equal(sample['keypoints'][0, nose], [50, 20])
    assert sample['keypoints_conf'][0, nose] == 0.5
    assert np.count_nonzero(sample['keypoints_conf']) == 1
    np.testing.assert_array_equal(sample['bbox_center'], [80, 60])
    np.testing.assert_array_equal(sample['bbox_scale'], [75, 100])
    assert sample['has_pose'] == sample['has_betas'] == sample['has_smpl'] == 1
    root = roma.rotvec_to_rotmat(torch.tensor([0.1, 0.2, 0.3])).numpy()
    np.testing.assert_allclose(sample['global_orient'][0, 0], root, atol=1e-6)
    np.testing.assert_array_equal(sample['body_pose'][0], [np.eye(3)] * 23)
    np.testing.assert_array_equal(sample['betas'], [[0.5] * 10])
    assert np.isnan(sample['transl']).all() and np.isnan(sample['focal_length'])
    assert sample['gender'] == 'neutral' and sample['person_id'] == -1


def test_joints_in_both_parts(build):
    points = np.zeros((44, 3))
    points[OPENPOSE_RIGHT_ANKLE] = [1, 2, 0.25]
    points[RIGHT_ANKLE] = [3, 4, 0.75]
    points[RIGHT_ANKLE + 1] = [9, 9, 0]  # the right knee, without confidence
    points[10] = [5, 6, 1]  # OpenPose's right knee
    points[LEFT_BIG_TOE] = [7, 8, 1]
    points[JAW] = [9, 9, 1]  # not a joint of smpl45
    points[30] = np.nan  # the left ankle, without confidence
    data = build(single(keypoints_2d=points), min_keypoint_conf=None)
    sample = data.get_data_info(0)
    found = {
        SMPL45.names[i]: [*sample['keypoints'][0, i], sample['keypoints_conf'][0, i]]
        for i in np.flatnonzero(sample['keypoints_conf'][0])
    }
    assert found == {
        'right_ankle': [3, 4, 0.75],
        'right_knee': [5, 6, 1],
        'left_big_toe': [7, 8, 1],
    }
    assert np.isfinite(sample['keypoints']).all()


@pytest.mark.parametrize(
    ('mid_hip', 'expected', 'names'),
    [
        ([0, 0, 0, 0], [0.5, 0.5, -1], ['right_ankle']),
        ([1, 1, 1, 1], [0, 1, 1], ['pelvis', 'right_ankle']),
    ],
)
def test_joints_3d_are_relative_to_the_pelvis(build, mid_hip, expected, names):
    points = np.zeros((44, 4))
    points[RIGHT_ANKLE] = [1, 2, 2, 1]
    points[MID_HIP] = mid_hip
    points[PELVIS_MPII] = [0.5, 1.5, 3, 1]
    sample = build(single(keypoints_3d=points)).get_data_info(0)
    ankle = SMPL45.index('right_ankle')
    np.testing.assert_array_equal(sample['joints_3d'][0, ankle], expected)
    known = np.flatnonzero(sample['joints_3d_conf'][0])
    assert [SMPL45.names[i] for i in known] == names
    assert np.count_nonzero(sample['joints_3d']) == np.count_nonzero(expected)


def test_joints_3d_without_a_pelvis_stay(build):
    points = np.zeros((44, 4))
    points[RIGHT_ANKLE] = [1, 2, 2, 1]
    sample = build(single(keypoints_3d=points)).get_data_info(0)
    ankle = SMPL45.index('right_ankle')
    np.testing.assert_array_equal(sample['joints_3d'][0, ankle], [1, 2, 2])


@pytest.mark.parametrize(
    ('scale', 'expected'),
    [
        (np.float32(0.5), [75, 100]),
        (np.array([0.5]), [75, 100]),
        (np.array([0.25, 0.5]), [75, 100]),
        (np.array([0.75, 0.5]), [150, 200]),
    ],
)
def test_forms_of_the_box(build, scale, expected):
    sample = build(single(scale=scale)).get_data_info(0)
    np.testing.assert_array_equal(sample['bbox_scale'], expected)
    padded = build(single(scale=scale), bbox_padding=2.0).get_data_info(0)
    np.testing.assert_array_equal(padded['bbox_scale'], 2 * np.array(expected))


def test_forms_of_the_labels(build):
    pose = np.arange(72.0).reshape(24, 3) / 100
    both = [person(body_pose=pose), person(body_pose=pose.reshape(72))]
    del both[1]['has_body_pose'], both[1]['has_betas']
    data = build({'7.png': picture(7), '7.data.pyd': both})
    one, other = (data.get_data_info(i) for i in range(2))
    np.testing.assert_array_equal(one['body_pose'], other['body_pose'])
    assert one['has_smpl'] == other['has_smpl'] == 1

    bad = np.full(72, np.nan)
    sample = build(single(body_pose=bad, has_body_pose=0)).get_data_info(0)
    assert sample['has_pose'] == 0 and sample['has_betas'] == 1
    np.testing.assert_array_equal(sample['global_orient'], [[np.eye(3)]])
    with_none = dict(has_body_pose=None, body_pose=None)
    assert build(single(**with_none)).get_data_info(0)['has_pose'] == 0


def test_ranges_wildcards_and_lists(tmp_path):
    for number in (8, 9, 10):
        members = {'7.png': picture(number), '7.data.pyd': [person()]}
        write_tar(tmp_path / 'coco' / f'{number:03d}.tar', members)
    root = str(tmp_path)
    for patterns, expected in (
        ('coco/{008..010}.tar', [8, 9, 10]),
        ('coco/{009..009}.tar', [9]),
        ('coco/*.tar', [8, 9, 10]),
        (['coco/010.tar', 'coco/{008..009}.tar'], [10, 8, 9]),
        (f'{root}/coco/01?.tar', [10]),
    ):
        data = HMR2TarDataset(patterns, data_root=root, pipeline=PIPELINE)
        assert [grey(data[i])[0] for i in range(len(data))] == expected
        assert [data.get_data_info(i)['img_id'] for i in range(len(data))] == list(
            range(len(expected))
        )
        assert data.dataset_name == 'coco'
    assert HMR2TarDataset('coco/008.tar', data_root=root).dataset_name == '008'
    named = HMR2TarDataset('coco/*.tar', data_root=root, dataset_name='mine')
    assert named.dataset_name == 'mine'
    with pytest.raises(FileNotFoundError, match=r'coco/011.tar .* \(of .*010\.\.011'):
        HMR2TarDataset('coco/{010..011}.tar', data_root=root)
    with pytest.raises(FileNotFoundError, match=r'mpii/\*.tar does not exist'):
        HMR2TarDataset('mpii/*.tar', data_root=root)
    with pytest.raises(ValueError, match=r'\{010\.\.008\} runs backwards'):
        HMR2TarDataset('coco/{010..008}.tar', data_root=root)
    with pytest.raises(ValueError, match='at least one tar'):
        HMR2TarDataset([], data_root=root)


def test_code_in_a_pickle_is_refused_and_not_run(build, running_pickle):
    members = single(extra_info=running_pickle)
    with pytest.raises(AnnotationError, match=r'few.tar:7.data.pyd .*mkdir'):
        build(members)


def labels(content):
    return {'7.png': picture(7), '7.data.pyd': content}


@pytest.mark.parametrize(
    ('members', 'message'),
    [
        (labels([{'scale': 1.0}]), r"pyd\[0\]: there is no key 'center'.*has: scale"),
        (labels([person(), person(center=None)]), r"pyd\[1\]: .*no key 'center'"),
        (labels(5), 'expected a list with a dictionary for each person.*int'),
        (labels(b'hello'), 'pyd is not a readable pickle'),
        (single(keypoints_2d=np.zeros((49, 3))), r"'keypoints_2d'.*\(44, 3\).*\(49"),
        (single(keypoints_2d=np.full((44, 3), 1j)), "'keypoints_2d'.*complex"),
        (single(keypoints_3d=[[np.inf] * 4] * 44), "'keypoints_3d' must be finite"),
        (single(body_pose=np.zeros((24, 3, 3))), r"'body_pose'.*\(24, 3\).*3, 3\)"),
        (single(body_pose=np.full(72, np.nan)), "'body_pose' must be finite"),
        (single(body_pose=None), "'has_body_pose' is set, but there is no key"),
        (single(center=['a', 'b']), "'center' must hold numbers.*<U1"),
        (single(center=[[1, 2], [3]]), "'center' must hold numbers.*object"),
        (single(center=[np.nan, 1]), "'center' must be finite"),
        ({'7.png': b'', '7.json': b'{}'}, r'0 people.*KEY\.data\.pyd'),
    ],
)
def test_wrong_labels_are_named(build, tmp_path, members, message):
    with pytest.raises(AnnotationError, match=message) as caught:
        build(members)
    assert str(tmp_path / 'few.tar') in str(caught.value)


def test_bad_tars(tmp_path):
    members = {
        f'{i}.{e}': v
        for i in range(3)
        for e, v in (('png', picture(i)), ('data.pyd', [person()]))
    }
    whole = write_tar(tmp_path / 'whole.tar', members).read_bytes()
    with tarfile.open(tmp_path / 'whole.tar') as tar:
        last = tar.getmembers()[-1]
    damaged = bytearray(whole)
    damaged[last.offset + 3] ^= 1  # in the last header
    for name, data in {
        'gzip': gzip.compress(whole),
        'text': b'hello' * 500,
        'empty': b'',
        'in_a_member': whole[: last.offset_data + 10],
        'in_a_header': whole[: last.offset + 10],
        'between': whole[: last.offset],
        'damaged': bytes(damaged),
    }.items():
        path = tmp_path / f'{name}.tar'
        path.write_bytes(data)
        with pytest.raises(AnnotationError, match=f'{name}.tar is not a readable tar'):
            HMR2TarDataset(str(path))


def test_bad_pictures(build, tmp_path):
    members = {
        'bad.jpg': b'hello',
        'bad.data.pyd': [person()],
        'none.jpg': b'',
        'none.data.pyd': [person()],
        **single(),
    }
    testing = build(members, pipeline=PIPELINE, test_mode=True)
    for index, message in (
        (0, 'few.tar:bad.jpg cannot'),
        (1, 'few.tar:none.jpg is em'),
    ):
        with pytest.raises(transforms.ImageReadError, match=message):
            testing[index]
    training = build(members, pipeline=PIPELINE)
    assert [grey(training[i])[0] for i in range(3)] == [7, 7, 7]
    (tmp_path / 'few.tar').unlink()
    with pytest.raises(FileNotFoundError, match='few.tar of the picture.*:7.png does'):
        testing[2]


def test_workers_read_the_right_pictures(build):
    members = {}
    for number in range(12):
        members[f'{number}.png'] = picture(10 * number)
        members[f'{number}.data.pyd'] = [person()]
    data = build(members, pipeline=PIPELINE)
    data[0]  # a file that is open here must not disturb those of the workers

    def init(worker):
        worker_init_fn(worker, num_workers=2, rank=0, seed=3)

    loader = DataLoader(
        data,
        batch_size=3,
        num_workers=2,
        collate_fn=pseudo_collate,
        worker_init_fn=init,
    )
    for _ in range(2):
        seen = [int(image[0, 128, 96]) for batch in loader for image in batch['inputs']]
        assert seen == list(range(0, 120, 10))
