"""Small files of every family, written by hand from the descriptions of the formats."""

import numpy as np
import pytest


@pytest.fixture
def save(tmp_path):
    """Writer of an annotation file: save(columns) -> path."""

    def call(columns, name='labels.npz'):
        np.savez(tmp_path / name, **columns)
        return tmp_path / name

    return call


@pytest.fixture
def cliff():
    """CLIFF's pseudo-labels of one person: a SPIN file without ``openpose``."""
    part = np.zeros((1, 24, 3))
    part[0, 0] = 70, 90, 1  # right ankle
    return {
        'imgname': np.array(['train2014/COCO_train2014_000000000036.jpg']),
        'annot_id': np.array([453986]),
        'center': np.array([[250.0, 320.0]]),
        'scale': np.array([2.5]),
        'part': part,
        'pose': np.full((1, 72), 0.25),
        'shape': np.full((1, 10), -0.5),
        'has_smpl': np.array([1]),
        'global_t': np.array([[0.1, 0.2, 6.0]]),
        'focal_l': np.array([800.0]),
    }


@pytest.fixture
def hmr2():
    """Two people of an HMR2.0 evaluation file, the first with all labels."""
    body_2d, extra_2d = np.zeros((2, 25, 3)), np.zeros((2, 19, 3))
    body_2d[0, 0] = 11, 12, 0.9  # nose
    body_2d[0, 2] = 30, 31, 0.7  # right shoulder
    body_2d[0, 8] = 50, 60, 0.8  # middle of the hips
    extra_2d[0, 8] = 33, 34, 1  # right shoulder
    extra_2d[0, 0] = 70, 90, 1  # right ankle
    extra_2d[0, 13] = 5, 6, 1  # top of the head
    body_3d, extra_3d = np.zeros((2, 25, 4)), np.zeros((2, 19, 4))
    body_3d[0, 0] = 0.1, -0.5, 1.9, 1  # nose
    body_3d[0, 8] = 9, 9, 9, 1  # doubted by HMR2.0's loader
    extra_3d[0, 0] = 0, 0.9, 2.1, 1  # right ankle
    extra_3d[0, 14] = 0.1, 0.1, 2, 1  # pelvis
    extra_3d[1, 2] = -0.1, 0, 3, 1  # right hip
    extra_3d[1, 3] = 0.1, 0, 3, 1  # left hip
    body_pose = np.zeros((2, 72))
    body_pose[0, :6] = 3.1, 0, 0, 0.1, 0.2, 0.3
    body_pose[1] = np.nan
    return {
        'imgname': np.array([b'outdoors/image_00000.jpg', b'outdoors/image_00001.jpg']),
        'center': np.array([[400.0, 300.0], [410.0, 310.0]]),
        'scale': np.array([[60.0, 200.0], [150.0, 100.0]]),
        'body_pose': body_pose,
        'has_body_pose': np.array([1.0, 0.0]),
        'betas': np.array([[0.5] * 10, [-1.0] * 10]),
        'has_betas': np.array([1.0, 1.0]),
        'body_keypoints_2d': body_2d,
        'extra_keypoints_2d': extra_2d,
        'body_keypoints_3d': body_3d,
        'extra_keypoints_3d': extra_3d,
        'extra_info': np.array([{}, {}]),
    }


@pytest.fixture
def bedlam():
    """Three people of BEDLAM with SMPL-X labels; joint j of row 0 is at (j, 1000+j)."""
    gtkps = np.ones((3, 127, 3))
    gtkps[:, :, 0] = np.arange(127)
    gtkps[:, :, 1] = 1000 + np.arange(127)
    cam_ext = np.tile(np.eye(4), (3, 1, 1))
    cam_ext[:, :3, 3] = 1, 2, 10
    return {
        'imgname': np.array([b'seq_000000/seq_000000_0000.png'] * 3),
        'center': np.array([[640.0, 360.0], [100.0, 200.0], [300.0, 200.0]]),
        'scale': np.array([1.5, 0.8, 1.0]),
        'pose_cam': np.full((3, 165), 0.1),
        'pose_world': np.full((3, 165), 0.2),
        'shape': np.full((3, 11), 0.3),
        'trans_cam': np.full((3, 3), 0.5),
        'gtkps': gtkps,
        'cam_int': np.array([[[1000.0, 0, 640], [0, 1020, 360], [0, 0, 1]]] * 3),
        'cam_ext': cam_ext,
        'gender': np.array(['male', 'female', 'neutral']),
        'sub': np.array(['rp_kim', 'rp_aaron', 'rp_kim']),
    }


@pytest.fixture
def rich():
    """Two people of RICH, with the boxes that its file may lack."""
    return {
        'imgname': np.array(['test/a/cam_00/00001_00.jpeg'] * 2),
        'smplx_grot': np.full((2, 3), 0.1),
        'smplx_pose': np.full((2, 63), 0.1),
        'smplx_betas': np.full((2, 10), 0.1),
        'smplx_trans': np.full((2, 3), 0.1),
        'cam_int': np.array([[[1500.0, 0, 700], [0, 1500, 500], [0, 0, 1]]] * 2),
        'gender': np.array(['male', 'female']),
        'center': np.array([[640.0, 360.0], [100.0, 200.0]]),
        'scale': np.array([1.5, 0.8]),
    }


@pytest.fixture
def humandata():
    """Two people of a HumanData file, stored without the joints that have no label."""
    mask_2d, mask_3d = np.zeros(190, dtype=np.uint8), np.zeros(190, dtype=np.uint8)
    # Pelvis, left wrist, nose, LSP's right hip, OpenPose's nose, right hand.
    mask_2d[[0, 20, 55, 144, 153, 189]] = 1
    mask_3d[[0, 4]] = 1  # pelvis, left knee
    return {
        '__keypoints_compressed__': True,
        'image_path': np.array(['S1/a.jpg', 'S1/b.jpg']),
        'bbox_xywh': np.array([[10.0, 20, 60, 200, 1], [100, 50, 150, 100, 1]]),
        'config': 'pw3d',
        'keypoints2d': np.array(
            [
                [
                    [50, 60, 1],
                    [20, 21, 1],
                    [55, 30, 1],
                    [7, 8, 1],
                    [9, 9, 1],
                    [3, 4, 1],
                ],
                [[51, 61, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0], [56, 31, 1], [0, 0, 0]],
            ],
            dtype=np.float64,
        ),
        'keypoints2d_mask': mask_2d,
        'keypoints3d': np.array(
            [[[1, 2, 3, 1], [1.1, 2.4, 3, 1]], [[0, 0, 0, 0], [0, 0, 0, 0]]]
        ),
        'keypoints3d_mask': mask_3d,
        'smpl': {
            'body_pose': np.full((2, 23, 3), 0.2),
            'global_orient': np.array([[3.1, 0, 0], [3.0, 0, 0]]),
            'betas': np.array([[0.5] * 10, [9.0] * 10]),
            'transl': np.array([[0.1, 0.2, 4.0], [0, 0, 0]]),
        },
        'has_smpl': np.array([1, 0]),
        'meta': {'gender': ['m', 'f']},
        'misc': {'bbox_source': 'keypoints2d_original'},
    }
