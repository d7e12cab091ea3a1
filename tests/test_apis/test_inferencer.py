"""`MeshInferencer`: results, files, and what it does with bad pictures."""

import json
import os

import cv2
import numpy as np
import pytest
import roma
import torch
import trimesh

from deforhmr_mm.apis import MeshInferencer, inference_topdown, load_results
from deforhmr_mm.apis.results import person_result
from deforhmr_mm.registry import INFERENCERS
from deforhmr_mm.structures import get_keypoint_set
from deforhmr_mm.visualization import PALETTE

BOXES = [[20, 10, 60, 90], [50, 5, 110, 95]]


@pytest.fixture(scope='module')
def inferencer(tiny_model):
    return MeshInferencer(str(tiny_model.config), tiny_model.weights, 'cpu')


def picture(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(noise, (120, 100), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for i in range(4):
        cv2.imwrite(str(folder / f'{i}.jpg'), picture(i))
    (folder / '1.jpg').write_bytes(b'')
    whole = (folder / '2.jpg').read_bytes()
    (folder / '2.jpg').write_bytes(whole[: len(whole) // 2])
    return folder


def test_registered(inferencer):
    assert INFERENCERS.get('MeshInferencer') is MeshInferencer


def test_one_picture(inferencer):
    image = picture(0)
    (result,) = inferencer(image, bboxes=BOXES, return_vis=True)
    assert result['input'] == 'image_0000' and result['error'] is None
    assert result['files'] == []
    (people,) = result['predictions']
    assert [person['bbox'] for person in people] == BOXES
    samples = inference_topdown(inferencer.model, image, BOXES)
    (overlay,) = result['visualization']
    assert overlay.shape == image.shape and overlay.dtype == np.uint8
    for person, sample in zip(people, samples, strict=True):
        instances = sample.pred_instances
        np.testing.assert_allclose(person['transl'], instances.transl[0], rtol=1e-4)
        nose = get_keypoint_set('smpl45').index('nose')
        np.testing.assert_allclose(
            person['joints_2d']['nose'], instances.keypoints[0, nose], atol=0.01
        )
        rotation = roma.rotvec_to_rotmat(torch.tensor(person['smpl']['body_pose']))
        torch.testing.assert_close(rotation, instances.body_pose[0], atol=1e-5, rtol=0)
    json.dumps(people, allow_nan=False)


def test_overlay_is_rgb_and_changes_only_where_people_are(inferencer):
    image = np.zeros((100, 120, 3), np.uint8)
    (result,) = inferencer(image, bboxes=[BOXES[0]], return_vis=True)
    (overlay,) = result['visualization']
    drawn = overlay.any(-1)
    assert 0.01 < drawn.mean() < 0.9
    mean = overlay[drawn].mean(0)
    np.testing.assert_allclose(
        mean / mean.max(), np.divide(PALETTE[0], max(PALETTE[0])), atol=0.1
    )


def test_scores_are_those_of_the_detector(tiny_model, tmp_path):
    """Of those who are sure enough, in results and files."""
    boxes = [BOXES[0], [5, 5, 40, 40], BOXES[1]]
    inferencer = MeshInferencer(
        str(tiny_model.config),
        tiny_model.weights,
        'cpu',
        det_model=lambda image: (np.array(boxes, np.float32), [0.8, 0.25, 0.5]),
    )
    (result,) = inferencer(picture(0), out_dir=tmp_path, formats=['json', 'npz'])
    document = json.loads((tmp_path / 'image_0000.json').read_text())
    for people in (*result['predictions'], document['people']):
        assert [person['bbox'] for person in people] == BOXES
        scores = [person['bbox_score'] for person in people]
        np.testing.assert_allclose(scores, [0.8, 0.5])
    saved = load_results(tmp_path / 'image_0000.npz').people
    np.testing.assert_allclose(saved['bbox_scores'], [0.8, 0.5])
    (samples,) = next(inferencer(picture(0), return_datasamples=True))['predictions']
    scores = [sample.pred_instances.bbox_scores.item() for sample in samples]
    np.testing.assert_allclose(scores, [0.8, 0.5])
    # Another call, another threshold.
    (result,) = inferencer(picture(0), bbox_thr=0.2)
    assert len(result['predictions'][0]) == 3


@pytest.mark.parametrize(
    ('found', 'said'),
    [
        (([[1, 2, 30, 40, 0.9]], [0.9]), r'boxes of shape \(1, 5\)'),
        ((np.zeros((4, 5)), np.ones(5)), r'boxes of shape \(4, 5\)'),
        ((BOXES, [0.9]), r'scores of shape \(1,\)'),
        ((BOXES[:1], None), 'scores of shape'),
        (BOXES, 'but gave'),
        (None, 'but gave NoneType: None'),
    ],
)
def test_a_detector_that_gives_something_else_is_told(tiny_model, found, said):
    inferencer = MeshInferencer(
        str(tiny_model.config), tiny_model.weights, 'cpu', det_model=lambda image: found
    )
    with pytest.raises(ValueError, match=f'det_model is to give .*{said}'):
        next(inferencer(picture(0)))
    failed = list(inferencer([picture(0), picture(1)], on_error='continue'))
    assert all('det_model' in result['error'] for result in failed)
    assert len(failed) == 2


@pytest.mark.parametrize(('pixels', 'groups'), [(10**8, [3]), (1, [1, 1, 1])])
def test_pictures_are_kept_for_one_group_only(
    inferencer, monkeypatch, tmp_path, pixels, groups
):
    seen = []
    forward = inferencer.forward

    def record(pictures, *args):
        # Those before are gone when the next group has been read.
        assert all(old.image is old.overlay is None for old in sum(seen, []))
        assert all(new.image is not None for new in pictures)
        seen.append(list(pictures))
        return forward(pictures, *args)

    monkeypatch.setattr(inferencer, 'forward', record)
    monkeypatch.setattr('deforhmr_mm.apis.picture_run.BATCH_PIXELS', pixels)
    results = inferencer([picture(i) for i in range(3)], vis_out_dir=tmp_path)
    assert [len(result['files']) for result in results] == [1, 1, 1]
    assert [len(group) for group in seen] == groups


def test_pictures_come_lazily_and_in_order(inferencer):
    results = inferencer([picture(i) for i in range(5)], batch_size=2)
    assert [result['input'] for result in results] == [
        f'image_{i:04d}' for i in range(5)
    ]
    results = inferencer([picture(0), 'missing.jpg'], batch_size=1, on_error='raise')
    assert next(results)['error'] is None
    with pytest.raises(FileNotFoundError, match=r'missing\.jpg'):
        next(results)


@pytest.mark.parametrize('batch_size', [1, 3, 16])
def test_batch_size_does_not_change_results(inferencer, batch_size):
    pictures = [picture(i) for i in range(3)]
    boxes = [BOXES, [], BOXES[:1]]
    results = list(inferencer(pictures, bboxes=boxes, batch_size=batch_size))
    assert [len(result['predictions'][0]) for result in results] == [2, 0, 1]
    for image, box, result in zip(pictures, boxes, results, strict=True):
        samples = inference_topdown(inferencer.model, image, box)
        for person, sample in zip(result['predictions'][0], samples, strict=True):
            alone = person_result(sample)
            np.testing.assert_allclose(person['transl'], alone['transl'], rtol=1e-4)
            for name in ('global_orient', 'body_pose', 'betas'):
                np.testing.assert_allclose(
                    person['smpl'][name], alone['smpl'][name], atol=1e-4
                )
            for name, joint in alone['joints_3d'].items():
                relative = np.subtract(person['joints_3d'][name], person['transl'])
                np.testing.assert_allclose(
                    relative, np.subtract(joint, alone['transl']), atol=1e-4
                )


def test_written_files_agree(inferencer, tmp_path):
    out = tmp_path / 'a' / 'b'
    (result,) = inferencer(
        picture(0), bboxes=BOXES, out_dir=out, return_datasamples=True, return_vis=True
    )
    stem = 'image_0000'
    names = [f'{stem}_overlay.png', f'{stem}.json', f'{stem}.npz', f'{stem}.glb']
    assert sorted(os.listdir(out)) == sorted(names)
    assert result['files'] == [str(out / name) for name in names]
    (samples,) = result['predictions']
    people = [sample.pred_instances for sample in samples]

    overlay = cv2.imread(str(out / names[0]))[..., ::-1]
    np.testing.assert_array_equal(overlay, result['visualization'][0])

    scene = trimesh.load_scene(out / names[3], process=False)
    for i, person in enumerate(people):
        vertices = (person.vertices + person.transl)[0].numpy() * (1, -1, -1)
        mesh = scene.geometry[f'person_{i}']
        np.testing.assert_allclose(mesh.vertices, vertices, atol=1e-5)
        np.testing.assert_array_equal(mesh.faces, inferencer.model.body_model.faces)

    document = json.loads((out / names[1]).read_text())
    body = inferencer.model.body_model
    assert document['schema_version'] == '2.0'
    assert document['model']['body_fingerprint'] == body.fingerprint
    assert document['model']['checkpoint'] == 'tiny.pth'
    assert len(document['model']['checkpoint_sha256']) == 64
    assert document['image'] == {'path': stem, 'height': 100, 'width': 120}

    with np.load(out / names[2], allow_pickle=False) as arrays:
        assert str(arrays['body_fingerprint']) == body.fingerprint
        assert (
            str(arrays['checkpoint_sha256']) == (document['model']['checkpoint_sha256'])
        )
        for i, (person, listed) in enumerate(
            zip(people, document['people'], strict=True)
        ):
            assert listed['person_id'] == i
            # The parameters alone give the joints again.
            posed = body(
                torch.from_numpy(arrays['global_orient_rotmat'][i][None, None]),
                torch.from_numpy(arrays['body_pose_rotmat'][i][None]),
                torch.from_numpy(arrays['betas'][i][None]),
            )
            joints = posed.joints[0].numpy() + arrays['transl'][i]
            np.testing.assert_allclose(arrays['joints_3d'][i], joints, atol=1e-5)
            pixels = (
                arrays['focal_length'][i] * joints[:, :2] / joints[:, 2:]
                + arrays['principal_point'][i]
            )
            np.testing.assert_allclose(arrays['joints_2d'][i], pixels, atol=0.05)
            for name, row in zip(arrays['joint_names'], pixels, strict=True):
                np.testing.assert_allclose(listed['joints_2d'][name], row, atol=0.05)
            np.testing.assert_allclose(
                listed['smpl']['global_orient'], arrays['global_orient'][i], atol=1e-6
            )
            torch.testing.assert_close(
                roma.rotvec_to_rotmat(torch.from_numpy(arrays['body_pose'][i])),
                person.body_pose[0],
                atol=1e-5,
                rtol=0,
            )


def test_nobody_is_a_result(inferencer, tmp_path):
    (result,) = inferencer(picture(0), bboxes=[[]], out_dir=tmp_path)
    assert result['predictions'] == [[]] and result['error'] is None
    document = json.loads((tmp_path / 'image_0000.json').read_text())
    assert document['people'] == []
    with np.load(tmp_path / 'image_0000.npz') as arrays:
        assert arrays['body_pose'].shape == (0, 23, 3)
    overlay = cv2.imread(str(tmp_path / 'image_0000_overlay.png'))
    np.testing.assert_array_equal(overlay, picture(0))


def test_bad_pictures_do_not_stop_a_folder(inferencer, folder, tmp_path):
    out = tmp_path / 'out'
    results = list(inferencer(str(folder), out_dir=out))
    assert [result['error'] is None for result in results] == [True, False, False, True]
    assert '1.jpg' in results[1]['error'] and 'empty' in results[1]['error']
    assert '2.jpg' in results[2]['error'] and 'cut off' in results[2]['error']
    assert results[1]['predictions'] == [] and results[1]['files'] == []
    assert {name[0] for name in os.listdir(out)} == {'0', '3'}
    assert len(os.listdir(out)) == 8


def test_a_bad_box_spoils_its_picture_only(inferencer, folder, tmp_path):
    boxes = {'0.jpg': [BOXES[0], [300, 0, 400, 50]], '3.jpg': BOXES}
    pictures = [folder / '0.jpg', folder / '3.jpg']
    results = list(inferencer(pictures, bboxes=boxes, out_dir=tmp_path / 'out'))
    assert '0.jpg: bboxes[1]' in results[0]['error']
    assert len(results[1]['predictions'][0]) == 2
    assert {name[0] for name in os.listdir(tmp_path / 'out')} == {'3'}


def test_a_single_bad_picture_raises_and_writes_nothing(inferencer, folder, tmp_path):
    for name, message in (('1.jpg', 'empty'), ('2.jpg', 'cut off'), ('9.jpg', 'exist')):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            list(inferencer(folder / name, out_dir=tmp_path / 'out'))
    assert not (tmp_path / 'out').exists()


def test_values_that_are_not_finite_are_an_error(tiny_model):
    inferencer = MeshInferencer(str(tiny_model.config), tiny_model.weights, 'cpu')
    with torch.no_grad():
        inferencer.model.head.tokens.fill_(torch.nan)
    with pytest.raises(ValueError, match='image_0000: the model gave NaN'):
        list(inferencer(picture(0)))


def test_wrong_arguments(inferencer):
    with pytest.raises(ValueError, match='boxes'):
        inferencer(picture(0), boxes=BOXES)
    with pytest.raises(ValueError, match='batch_size'):
        inferencer(picture(0), batch_size=0)
    with pytest.raises(ValueError, match='on_error'):
        inferencer(picture(0), on_error='ignore')
    with pytest.raises(ValueError, match="'nobody-huge' is neither .*openbody-tiny"):
        MeshInferencer('nobody-huge')
