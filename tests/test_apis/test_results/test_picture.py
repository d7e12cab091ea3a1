"""The files of one picture's people."""

import json

import numpy as np
import pytest
import roma
import torch

from deforhmr_mm.apis.results import (
    CONVENTIONS,
    JOINTS,
    encode_json,
    encode_npz,
    person_result,
)

BOXES = [[100, 60, 200, 160], [0, 20, 300, 100], [10, 5, 60, 230]]
PERSON_KEYS = (
    'person_id observed bbox bbox_score smpl crop_camera transl pelvis focal_length '
    'focal_length_source principal_point joints_3d joints_2d'
).split()


def refuse(name):
    raise AssertionError(f'{name} is not strict JSON')


def test_a_person_is_what_the_sample_is(samples):
    for index, (sample, box) in enumerate(zip(samples, BOXES, strict=True)):
        result, person = person_result(sample), sample.pred_instances
        assert list(result) == PERSON_KEYS
        assert result['person_id'] == index and result['observed'] is True
        assert result['bbox'] == box and result['bbox_score'] == 1
        joints = (person.joints + person.transl)[0].numpy()
        pixels = 500 * joints[:, :2] / joints[:, 2:] + (159.5, 119.5)
        assert tuple(result['joints_3d']) == tuple(result['joints_2d']) == JOINTS.names
        np.testing.assert_allclose(list(result['joints_3d'].values()), joints)
        np.testing.assert_allclose(
            list(result['joints_2d'].values()), pixels, atol=0.05
        )
        np.testing.assert_allclose(result['transl'], person.transl[0])
        assert result['pelvis'] == result['joints_3d']['pelvis'] != result['transl']
        assert result['focal_length'] == 500
        assert result['principal_point'] == [159.5, 119.5]
        turned = roma.rotvec_to_rotmat(torch.tensor(result['smpl']['body_pose']))
        torch.testing.assert_close(turned, person.body_pose[0], atol=1e-5, rtol=0)


def test_where_the_focal_length_is_from(samples):
    sample = samples[0].clone()
    assert person_result(sample)['focal_length_source'] == 'given'
    sample.set_metainfo(dict(focal_length_source='exif'))
    assert person_result(sample)['focal_length_source'] == 'exif'
    # Samples of a data set do not say it.
    sample.pop('focal_length_source')
    assert person_result(sample)['focal_length_source'] == 'given'
    sample.pred_instances.focal_length = torch.tensor([400.0])  # the diagonal
    assert person_result(sample)['focal_length_source'] == 'default'


def test_ids_and_whether_they_were_seen_come_from_the_sample(samples):
    sample = samples[0].clone()
    sample.set_metainfo(dict(person_id=17, observed=False))
    result = person_result(sample)
    assert result['person_id'] == 17 and result['observed'] is False


def test_json_and_npz_hold_the_same(picture_files, about):
    json_path, npz_path = picture_files()
    document = json.loads(json_path.read_text(), parse_constant=refuse)
    assert document['schema_version'] == '2.0' and document['kind'] == 'image'
    assert document['generator'].startswith('deforhmr_mm ')
    assert document['conventions'] == CONVENTIONS
    assert document['model'] == about
    assert document['image'] == {'path': 'some/photo.jpg', 'height': 240, 'width': 320}
    with np.load(npz_path, allow_pickle=False) as arrays:
        assert str(arrays['schema_version']) == '2.0'
        assert str(arrays['kind']) == 'image'
        assert str(arrays['image_path']) == 'some/photo.jpg'
        assert arrays['image_size'].tolist() == [240, 320]
        assert str(arrays['body_fingerprint']) == about['body_fingerprint']
        assert arrays['joint_names'].tolist() == list(JOINTS.names)
        people = document['people']
        for name, key in (
            ('person_ids', 'person_id'),
            ('observed', 'observed'),
            ('bboxes', 'bbox'),
            ('bbox_scores', 'bbox_score'),
            ('crop_camera', 'crop_camera'),
            ('transl', 'transl'),
            ('pelvis', 'pelvis'),
            ('focal_length', 'focal_length'),
            ('focal_length_source', 'focal_length_source'),
            ('principal_point', 'principal_point'),
        ):
            assert arrays[name].tolist() == [person[key] for person in people], name
        for name in ('global_orient', 'body_pose', 'betas'):
            assert arrays[name].tolist() == [p['smpl'][name] for p in people]
        for name in ('joints_3d', 'joints_2d'):
            listed = [list(person[name].values()) for person in people]
            assert arrays[name].tolist() == listed
        assert arrays['global_orient_rotmat'].shape == (3, 3, 3)
        assert arrays['body_pose_rotmat'].shape == (3, 23, 3, 3)


def test_nobody(picture_files):
    json_path, npz_path = picture_files([])
    assert json.loads(json_path.read_text())['people'] == []
    with np.load(npz_path, allow_pickle=False) as arrays:
        assert arrays['body_pose'].shape == (0, 23, 3)
        assert arrays['betas'].shape == (0, 10)
        assert arrays['joints_2d'].shape == (0, 45, 2)
        assert arrays['person_ids'].shape == (0,)
        assert arrays['observed'].dtype == bool


def test_numbers_that_json_has_not_are_refused(samples, about):
    result = person_result(samples[0])
    result['transl'] = [0.0, 0.0, float('nan')]
    with pytest.raises(ValueError, match='JSON'):
        encode_json([result], {}, about)


def test_a_model_without_checkpoint(samples, about):
    unknown = {**about, 'checkpoint': None, 'checkpoint_sha256': None}
    image = {'path': 'a', 'height': 240, 'width': 320}
    assert json.loads(encode_json([], image, unknown))['model']['checkpoint'] is None
    assert encode_npz(samples, image, unknown)
