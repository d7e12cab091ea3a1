"""Reading results files, whole and broken."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from deforhmr_mm.apis.results import (
    JOINTS,
    encode_motion_json,
    encode_motion_npz,
    load_motion,
    load_results,
)

VIDEO = {'path': 'clip.mp4', 'focal_length_source': 'exif'}


@pytest.fixture
def video_files(body, about, tmp_path):
    def write(motion):
        json_path, npz_path = tmp_path / 'clip.json', tmp_path / 'clip.npz'
        json_path.write_bytes(encode_motion_json(motion, body, VIDEO, about))
        npz_path.write_bytes(encode_motion_npz(motion, body, VIDEO, about))
        return json_path, npz_path

    return write


def test_pictures(picture_files, samples, about):
    from_json, from_npz = (load_results(path) for path in picture_files())
    for results in (from_json, from_npz):
        assert results.kind == 'image' and len(results) == 3
        assert results.source == {
            'path': 'some/photo.jpg',
            'height': 240,
            'width': 320,
        }
        assert results.camera == {
            'focal_length': 500,
            'focal_length_source': 'given',
            'principal_point': [159.5, 119.5],
        }
        assert results.model == about
        assert results.joint_names == JOINTS.names
        people = results.people
        assert people['observed'].dtype == bool
        assert people['person_ids'].tolist() == [0, 1, 2]
        for row, sample in enumerate(samples):
            person = sample.pred_instances
            for name, value in (
                ('joints_2d', person.keypoints),
                ('joints_3d', person.joints + person.transl),
                ('betas', person.betas),
                ('crop_camera', person.camera),
                ('body_pose_rotmat', person.body_pose),
                ('global_orient_rotmat', person.global_orient[0]),
            ):
                np.testing.assert_allclose(people[name][row], value[0], atol=1e-5)
    assert from_json.people.keys() == from_npz.people.keys()


def test_videos(video_files, motion, about):
    from_json, from_npz = (load_results(path) for path in video_files(motion))
    for results in (from_json, from_npz):
        assert results.kind == 'video' and len(results) == 6
        assert results.source == {
            'path': 'clip.mp4',
            'height': 480,
            'width': 640,
            'fps': 29.97,
            'num_frames': 7,
        }
        assert results.model == about
        people = results.people
        assert people['person_ids'].tolist() == [4, 4, 4, 4, 1, 1]
        assert people['frames'].tolist() == [0, 1, 4, 5, 4, 5]
        assert people['focal_length'].tolist() == [812.5] * 6
        assert people['focal_length_source'].tolist() == ['exif'] * 6
        assert people['principal_point'].tolist() == [[319.5, 230.25]] * 6
    for name, column in from_npz.people.items():
        assert from_json.people[name].dtype.kind == column.dtype.kind
        if column.dtype.kind == 'f':
            np.testing.assert_allclose(from_json.people[name], column, atol=6e-4)


def test_motions_come_back(video_files, motion):
    json_path, npz_path = video_files(motion)
    for path, tolerance in ((npz_path, 0), (json_path, 1e-5)):
        found = load_motion(path)
        assert replace(found, people=()) == replace(motion, people=())
        for person, expected in zip(found.people, motion.people, strict=True):
            assert person.person_id == expected.person_id
            for name in ('frames', 'observed'):
                np.testing.assert_array_equal(
                    getattr(person, name), getattr(expected, name)
                )
            for name in ('global_orient', 'body_pose', 'betas', 'transl'):
                np.testing.assert_allclose(
                    getattr(person, name), getattr(expected, name), atol=tolerance
                )
            for name in ('bboxes', 'bbox_scores'):
                np.testing.assert_allclose(
                    getattr(person, name), getattr(expected, name), atol=6e-4
                )


def test_nobody(picture_files, video_files, motion):
    for path in picture_files([]):
        results = load_results(path)
        assert len(results) == 0 and results.camera is None
        assert results.people['body_pose_rotmat'].shape == (0, 23, 3, 3)
        assert results.people['joints_2d'].shape == (0, 45, 2)
    empty = replace(motion, people=())
    for path in video_files(empty):
        results = load_results(path)
        assert results.people['frames'].shape == (0,)
        assert results.people['principal_point'].shape == (0, 2)
        assert results.camera['focal_length'] == 812.5
        assert load_motion(path) == empty


def test_a_picture_is_no_motion(picture_files):
    for path in picture_files():
        with pytest.raises(
            ValueError, match=rf'{path.name}: .*got those of kind .image'
        ):
            load_motion(path)


def edit_json(path, change):
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def edit_npz(path, **changes):
    with np.load(path) as arrays:
        values = {**arrays, **changes}
    np.savez(path, **{k: v for k, v in values.items() if v is not None})
    return path


@pytest.mark.parametrize('version', ['1.0', '3.0', 'x'])
def test_other_versions_are_refused(picture_files, version):
    json_path, npz_path = picture_files()
    edit_json(json_path, lambda d: d.update(schema_version=version))
    edit_npz(npz_path, schema_version=version)
    for path in (json_path, npz_path):
        message = rf'{path.name} has results of schema version {version}.*reads 2\.x'
        with pytest.raises(ValueError, match=message):
            load_results(path)


def test_later_versions_of_this_schema_are_read(picture_files):
    json_path, _ = picture_files()
    edit_json(json_path, lambda d: d.update(schema_version='2.7', more=1))
    assert len(load_results(json_path)) == 3


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda d: d.pop('people'), "the key 'people' is missing"),
        (lambda d: d['people'][1].pop('transl'), "the key 'transl' is missing"),
        (lambda d: d['people'][1]['smpl'].pop('betas'), "the key 'betas' is missing"),
        (lambda d: d['people'][1]['joints_3d'].pop('nose'), "the key 'nose' is"),
        (lambda d: d['people'][1].update(transl=[1, 2]), 'transl is not an array'),
        (
            lambda d: [p.update(transl=[1, 2]) for p in d['people']],
            r'3 rows.*\(3\).*\(3, 2',
        ),
        (lambda d: d['people'][0].update(bbox_score='high'), 'bbox_scores is not'),
        (lambda d: d['people'][0].update(bbox_score=1e99), 'bbox_scores holds'),
        (lambda d: d.update(people=7), 'does not have the form of results'),
        (lambda d: d.update(kind='audio'), "kind must be 'image' or 'video'"),
        (lambda d: d.clear(), 'it has no schema_version'),
    ],
)
def test_incomplete_json_files_are_named(picture_files, change, message):
    json_path, _ = picture_files()
    edit_json(json_path, change)
    with pytest.raises(ValueError, match=rf'photo\.json.*{message}'):
        load_results(json_path)


def places(value, at=()):
    """Every place in a JSON document, by the keys that lead there."""
    if at:
        yield at
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            if isinstance(key, str) or key < 2:  # lists are alike all along
                yield from places(inner, (*at, key))


@pytest.mark.parametrize('kind', ['photo', 'clip'])
def test_wherever_a_json_file_is_broken_it_is_an_error_of_one_kind(
    kind, picture_files, video_files, motion
):
    path = picture_files()[0] if kind == 'photo' else video_files(motion)[0]
    whole = path.read_text()
    found = list(places(json.loads(whole)))
    assert len(found) > 100
    rng = np.random.default_rng(0)
    refused = 0
    for at in rng.permutation(np.array(found, object))[:250]:
        document = json.loads(whole)
        inner = document
        for key in at[:-1]:
            inner = inner[key]
        inner[at[-1]] = [None, 'x', [], {}, 1e300, [[1]], 3][rng.integers(7)]
        path.write_text(json.dumps(document))
        try:
            load_results(path)
        except ValueError as error:
            assert path.name in str(error)
            refused += 1
    assert refused > 50


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'betas': None}, "the key 'betas' is missing"),
        (
            {'betas': np.zeros((2, 10))},
            r'betas must have 3 rows of .*\(\*\), got \(2, 10',
        ),
        ({'joints_2d': np.full((3, 45, 2), np.nan)}, 'joints_2d holds NaN'),
        ({'joint_names': np.array(['nose'])}, 'joint_names must be those of smpl45'),
        ({'betas': np.array([{}, {}, {}])}, 'cannot be read as NPZ.*pickle'),
    ],
)
def test_incomplete_npz_files_are_named(picture_files, changes, message):
    _, npz_path = picture_files()
    edit_npz(npz_path, **changes)
    with pytest.raises(ValueError, match=rf'photo\.npz.*{message}'):
        load_results(npz_path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'neither JSON nor NPZ'),
        (b'hello', 'neither JSON nor NPZ'),
        (b'\xff\xd8\xff', 'neither JSON nor NPZ'),
        (b'{"schema_version": "2.0", "x": NaN}', 'NaN is no number of JSON'),
        (b'[1, 2]', 'no schema_version'),
        (b'PK\x05\x06' + bytes(18), 'no schema_version'),
    ],
)
def test_files_of_other_kinds_are_named(tmp_path, content, message):
    path = tmp_path / 'odd.json'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf'odd\.json.*{message}'):
        load_results(path)


def test_a_damaged_npz_file_is_named(picture_files):
    _, npz_path = picture_files()
    data = bytearray(npz_path.read_bytes())
    data[200:400] = bytes(200)
    npz_path.write_bytes(data)
    with pytest.raises(ValueError, match=r'photo\.npz'):
        load_results(npz_path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.npz does not exist'):
        load_results(tmp_path / 'none.npz')


def test_nothing_is_pickled(picture_files, video_files, motion):
    for path in (picture_files()[1], video_files(motion)[1]):
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            assert all(array.dtype != object for array in arrays.values())
