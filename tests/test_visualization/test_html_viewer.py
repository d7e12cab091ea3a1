"""Pages are whole, safe against what is put in, and refuse what cannot be shown."""

import json

import numpy as np
import pytest

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import Motion, PersonMotion
from deforhmr_mm.visualization import PALETTE, encode_still_page, encode_video_page
from tests.viewer_page import Parsed, data_of

IMAGE = np.full((48, 64, 3), 120, np.uint8)
MESH = np.array([[0, 0, 3], [1, 0, 3], [0, 1, 3.0]], np.float32)
FACES = np.array([[0, 1, 2]])
NASTY = '"><script>alert(1)</script>&amp;{{data}}\\1<!--\u2028.jpg'


def still(**changes):
    arguments = dict(
        title='a.jpg',
        image=IMAGE,
        meshes=[MESH, MESH + 1],
        faces=FACES,
        focal_length=80.0,
        principal_point=(30.5, 20),
    )
    return encode_still_page(**(arguments | changes))


def walk(person_id, frames):
    count = len(frames)
    still_pose = np.broadcast_to(np.eye(3, dtype=np.float32), (count, 24, 3, 3))
    return PersonMotion(
        person_id=person_id,
        frames=np.array(frames, int),
        global_orient=still_pose[:, 0] * np.array([1, -1, -1], np.float32)[:, None],
        body_pose=still_pose[:, 1:],
        betas=np.zeros(10, np.float32),
        transl=np.linspace((0, 0, 3), (1, 0, 3), count, dtype=np.float32),
        bboxes=np.zeros((count, 4), np.float32),
        bbox_scores=np.ones(count, np.float32),
        observed=np.ones(count, bool),
    )


def motion(*people, num_frames=7):
    return Motion(30.0, num_frames, (48, 64), 80.0, (31.5, 23.5), people)


@pytest.fixture(scope='module')
def body():
    return SMPL()


def test_the_page_needs_nothing_from_outside():
    parsed = Parsed(still())
    assert parsed.links == ['data:,']
    assert not {'img', 'iframe', 'object'} & set(parsed.texts)
    assert 'url(' not in parsed.texts['style'][0]
    assert '@import' not in parsed.texts['style'][0]


def test_titles_and_notes_are_only_text():
    plain = Parsed(still())
    nasty = Parsed(still(title=NASTY, note=NASTY))
    assert {k: len(v) for k, v in nasty.texts.items()} == {
        k: len(v) for k, v in plain.texts.items()
    }
    assert nasty.texts['title'] == [NASTY]
    assert nasty.texts['h1'] == [NASTY]
    assert nasty.texts['p'][-1] == NASTY
    assert json.loads(nasty.texts['script'][0])['title'] == NASTY


def test_a_name_that_is_no_utf8_does_not_break_the_page():
    assert '<h1>a?.jpg</h1>' in still(title='a\udcff.jpg').decode()


def test_people_keep_their_numbers_and_colours():
    people = data_of(still())['people']
    assert [person['id'] for person in people] == [0, 1]
    np.testing.assert_allclose([p['color'] for p in people], PALETTE[:2])
    red = data_of(still(person_ids=[5, 2], colors=[(1, 0, 0)] * 2))['people']
    assert [person['id'] for person in red] == [5, 2]
    assert [person['color'] for person in red] == [[1, 0, 0]] * 2


def test_the_camera_and_the_room_are_told():
    data = data_of(still())
    assert data['camera'] == {
        'focal': 80,
        'center': [30.5, 20],
        'width': 64,
        'height': 48,
    }
    np.testing.assert_allclose(data['room']['low'], [0, -2, -4])
    np.testing.assert_allclose(data['room']['high'], [2, 0, -3])
    assert data['fps'] is None


def test_nobody_is_a_page_too(body):
    assert data_of(still(meshes=[]))['people'] == []
    page = encode_video_page('v', [IMAGE] * 7, motion(), body)
    assert data_of(page)['people'] == []


@pytest.mark.parametrize(
    'changes, complaint',
    [
        ({'image': IMAGE[..., 0]}, r'\(H, W, 3\), got uint8 of shape \(48, 64\)'),
        ({'image': IMAGE / 255}, 'got float64'),
        ({'meshes': [MESH, MESH[:2]]}, r'mesh 1 has the shape \(2, 3\)'),
        ({'meshes': [MESH * np.nan]}, '9 numbers that are not finite'),
        ({'faces': FACES + 1}, 'the 3 vertices, got indices 1 to 3'),
        ({'focal_length': 0}, 'focal_length'),
        ({'principal_point': (np.inf, 0)}, 'principal_point'),
        ({'person_ids': [1]}, '2 meshes need as many ids: 1'),
        ({'colors': [(1, 0, 0)]}, '2 people need as many colors: 1'),
    ],
)
def test_what_cannot_be_shown_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        still(**changes)


def test_every_frame_knows_its_people(body):
    late = walk(4, [2, 3, 6])
    page = encode_video_page('v', [IMAGE] * 7, motion(walk(1, range(7)), late), body)
    data = data_of(page)
    assert [person['rows'] for person in data['people']] == [
        [0, 1, 2, 3, 4, 5, 6],
        [-1, -1, 0, 1, -1, -1, 2],
    ]
    assert (data['fps'], data['frames']) == (30, [0, 1, 2, 3, 4, 5, 6])
    assert len(data['pictures']) == 7


@pytest.mark.parametrize('how', [{'stride': 3}, {'max_frames': 3}])
def test_long_videos_are_thinned_at_the_same_speed(body, how):
    late = walk(4, [2, 3, 6])
    data = data_of(encode_video_page('v', iter([IMAGE] * 7), motion(late), body, **how))
    assert (data['fps'], data['frames']) == (10, [0, 3, 6])
    assert data['people'][0]['rows'] == [-1, 0, 1]
    assert len(data['pictures']) == 3


def test_the_floor_is_under_the_feet(body):
    data = data_of(encode_video_page('v', [IMAGE] * 7, motion(walk(1, range(7))), body))
    pelvis = (body.joint_regressor[0] @ body.v_template)[1].item()
    # The half turn of a person whose head is up in the camera is about the pelvis.
    lowest = body.v_template[:, 1].min().item() - 2 * pelvis
    assert data['room']['floor'] == pytest.approx(lowest, abs=1e-5)


@pytest.mark.parametrize(
    'frames, complaint',
    [
        ([IMAGE] * 6, 'all 7 of the motion, and at least one, got 6'),
        ([IMAGE] * 9, 'got at least 8'),
        ([], 'got 0'),
        ([IMAGE[:40]] * 7, r'\(48, 64, 3\), got uint8 of shape \(40, 64, 3\)'),
    ],
)
def test_pictures_of_another_video_are_refused(body, frames, complaint):
    with pytest.raises(ValueError, match=complaint):
        encode_video_page('v', frames, motion(), body)


@pytest.mark.parametrize('wrong', [{'stride': 0}, {'max_frames': 0}])
def test_no_frames_at_all_are_refused(body, wrong):
    with pytest.raises(ValueError, match='at least 1'):
        encode_video_page('v', [IMAGE] * 7, motion(), body, **wrong)
