"""The files of a video's people."""

import io
import json

import numpy as np
import pytest
import torch

from deforhmr_mm.apis.results import (
    JOINTS,
    encode_motion_json,
    encode_motion_npz,
    motion_joints,
)
from deforhmr_mm.apis.results import motion as module

VIDEO = {'path': 'clip.mp4', 'focal_length_source': 'exif'}


def posed(body, person, row):
    """The 45 joints of one frame, by the body's other way."""
    out = body(
        torch.from_numpy(person.global_orient[row])[None, None],
        torch.from_numpy(person.body_pose[row])[None],
        torch.from_numpy(person.betas)[None],
    )
    return out.joints[0].numpy() + person.transl[row]


def test_joints_are_those_of_each_frame(motion, body, monkeypatch):
    person = motion.people[0]
    joints = motion_joints(person, body)
    assert joints.shape == (4, 45, 3) and joints.dtype == np.float32
    for row in range(4):
        np.testing.assert_allclose(joints[row], posed(body, person, row), atol=1e-5)
    monkeypatch.setattr(module, '_FRAMES_AT_ONCE', 3)
    np.testing.assert_allclose(motion_joints(person, body), joints, atol=1e-6)


def test_npz_has_a_row_for_each_person_and_frame(motion, body, about):
    data = encode_motion_npz(motion, body, VIDEO, about)
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        assert str(arrays['schema_version']) == '2.0'
        assert str(arrays['kind']) == 'video'
        assert str(arrays['video_path']) == 'clip.mp4'
        assert arrays['fps'] == 29.97 and arrays['num_frames'] == 7
        assert arrays['image_size'].tolist() == [480, 640]
        assert arrays['focal_length'] == 812.5
        assert arrays['principal_point'].tolist() == [319.5, 230.25]
        assert str(arrays['focal_length_source']) == 'exif'
        assert arrays['person_ids'].tolist() == [4, 4, 4, 4, 1, 1]
        assert arrays['frames'].tolist() == [0, 1, 4, 5, 4, 5]
        rows = [(p, row) for p in motion.people for row in range(len(p))]
        for at, (person, row) in enumerate(rows):
            for name, key in (
                ('global_orient_rotmat', 'global_orient'),
                ('body_pose_rotmat', 'body_pose'),
                ('transl', 'transl'),
                ('bboxes', 'bboxes'),
                ('bbox_scores', 'bbox_scores'),
                ('observed', 'observed'),
            ):
                np.testing.assert_array_equal(
                    arrays[name][at], getattr(person, key)[row]
                )
            np.testing.assert_array_equal(arrays['betas'][at], person.betas)
            joints = posed(body, person, row)
            np.testing.assert_allclose(arrays['joints_3d'][at], joints, atol=1e-5)
            np.testing.assert_allclose(
                arrays['pelvis'][at], joints[JOINTS.index('pelvis')], atol=1e-5
            )
            pixels = 812.5 * joints[:, :2] / joints[:, 2:] + (319.5, 230.25)
            np.testing.assert_allclose(arrays['joints_2d'][at], pixels, atol=0.01)


def test_json_has_an_entry_for_each_frame(motion, body, about):
    def refuse(name):
        raise AssertionError(f'{name} is not strict JSON')

    data = encode_motion_json(motion, body, VIDEO, about)
    document = json.loads(data, parse_constant=refuse)
    assert document['schema_version'] == '2.0' and document['kind'] == 'video'
    assert document['video'] == {
        'path': 'clip.mp4',
        'fps': 29.97,
        'num_frames': 7,
        'height': 480,
        'width': 640,
    }
    assert document['camera'] == {
        'focal_length': 812.5,
        'focal_length_source': 'exif',
        'principal_point': [319.5, 230.25],
    }
    assert document['model'] == about
    assert document['joint_names'] == list(JOINTS.names)
    assert [person['person_id'] for person in document['people']] == [4, 1]
    np.testing.assert_allclose(
        document['people'][1]['betas'], motion.people[1].betas, atol=1e-6
    )
    assert [frame['frame'] for frame in document['frames']] == list(range(7))
    ids = [[p['person_id'] for p in frame['people']] for frame in document['frames']]
    assert ids == [[4], [4], [], [], [4, 1], [4, 1], []]
    person = motion.people[0]
    found = document['frames'][4]['people'][0]
    assert found['observed'] == person.observed[2]
    np.testing.assert_allclose(found['transl'], person.transl[2], atol=1e-5)
    np.testing.assert_allclose(found['bbox'], person.bboxes[2], atol=1e-3)
    joints = np.array(found['joints_3d'])
    np.testing.assert_allclose(joints, posed(body, person, 2), atol=2e-5)
    # The rounded numbers still fit together.
    pixels = 812.5 * joints[:, :2] / joints[:, 2:] + (319.5, 230.25)
    np.testing.assert_allclose(found['joints_2d'], pixels, atol=0.01)
    assert found['pelvis'] == found['joints_3d'][JOINTS.index('pelvis')]


def test_json_is_compact(motion, body, about):
    data = encode_motion_json(motion, body, VIDEO, about)
    frames = data[data.index(b'"frames"') :]
    assert len(frames) < 6 * 3500 and b', ' not in frames


@pytest.mark.parametrize('num_frames', [0, 7])
def test_nobody(num_frames, body, about, motion):
    from dataclasses import replace

    empty = replace(motion, people=(), num_frames=num_frames)
    document = json.loads(encode_motion_json(empty, body, VIDEO, about))
    assert document['people'] == []
    assert document['frames'] == [{'frame': i, 'people': []} for i in range(num_frames)]
    data = encode_motion_npz(empty, body, VIDEO, about)
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        assert arrays['body_pose'].shape == (0, 23, 3)
        assert arrays['frames'].shape == (0,) and arrays['frames'].dtype == np.int64
        assert arrays['num_frames'] == num_frames
