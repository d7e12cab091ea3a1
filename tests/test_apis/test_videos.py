"""`MeshInferencer` on videos: who is who, what is written, what may go wrong."""

import json
import os

import numpy as np
import pytest
import torch

from deforhmr_mm.apis import MeshInferencer, inference_topdown, load_results
from deforhmr_mm.apis.inference import bbox_to_crop
from deforhmr_mm.apis.video_files import VideoReader, VideoWriter
from deforhmr_mm.geometry import crop_to_full_translation
from tests.bvh_reading import read_bvh
from tests.crossing_video import (
    FOCAL,
    FPS,
    NUM_FRAMES,
    SIZE,
    RecordedDetector,
    box_iou,
    crossing,
    noisy_detections,
    write_video,
)

# The two are apart in the first frames.
NUM_APART = 8


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp('video') / 'crossing.mp4'
    write_video(path)
    return path


@pytest.fixture(scope='module')
def make_inferencer(tiny_model):
    def make(detections):
        return MeshInferencer(
            str(tiny_model.config),
            tiny_model.weights,
            'cpu',
            det_model=RecordedDetector(detections),
        )

    return make


def true_person(bbox, frame):
    """Which of the two people a box is nearest to."""
    return int(np.argmax([box_iou(bbox, true) for true in crossing().bboxes[frame]]))


@pytest.mark.parametrize('seed', range(6))
def test_ids_stay_through_the_crossing(make_inferencer, video, seed):
    """Boxes with misses and jitter, one of two people seen while the other hides."""
    inferencer = make_inferencer(noisy_detections(seed))
    results = list(inferencer(video, smooth=False))
    assert [result['frame'] for result in results] == list(range(NUM_FRAMES))
    seen = {}
    for result in results:
        (people,) = result['predictions']
        for person in people:
            frame = result['frame']
            if box_iou(*crossing().bboxes[frame]) < 0.1:
                who = true_person(person['bbox'], frame)
                seen.setdefault(person['person_id'], []).append(who)
    assert sorted(seen) == [0, 1]
    for row in seen.values():
        assert len(row) > 0.75 * NUM_FRAMES and len(set(row)) == 1
    assert {row[0] for row in seen.values()} == {0, 1}


def test_gaps_are_bridged(make_inferencer, video):
    detections = noisy_detections(0, misses=0)
    for frame in (3, 4, 5, 35):
        detections[frame] = (np.zeros((0, 4), np.float32), np.zeros(0))
    results = list(make_inferencer(detections)(video))
    for frame in (3, 4, 5, 35):
        (people,) = results[frame]['predictions']
        assert len(people) == 2 and not any(person['observed'] for person in people)
        for person in people:
            who = true_person(person['bbox'], frame)
            assert box_iou(person['bbox'], crossing().bboxes[frame][who]) > 0.5


def test_files_of_a_video(make_inferencer, video, tmp_path):
    formats = ('overlay', 'views', 'json', 'npz', 'glb', 'bvh', 'html')
    inferencer = make_inferencer(noisy_detections(1))
    results = list(
        inferencer(
            video, out_dir=tmp_path, formats=formats, focal_length=FOCAL, draw_bbox=True
        )
    )
    names = [
        'crossing.glb',
        'crossing.html',
        'crossing.json',
        'crossing.npz',
        'crossing_overlay.mp4',
        'crossing_person_0.bvh',
        'crossing_person_1.bvh',
        'crossing_views.mp4',
    ]
    assert sorted(os.listdir(tmp_path)) == names
    assert sorted(results[-1]['files']) == [str(tmp_path / name) for name in names]
    assert all(result['files'] == [] for result in results[:-1])
    with VideoReader(tmp_path / 'crossing_overlay.mp4') as reader:
        assert reader.size == SIZE and reader.fps == pytest.approx(FPS)
        frames = list(reader)
    assert len(frames) == NUM_FRAMES
    changed = np.abs(frames[10].astype(int) - crossing().pictures[10]).max(-1) > 60
    assert 0.005 < changed.mean() < 0.9

    document = json.loads((tmp_path / 'crossing.json').read_text())
    saved = load_results(tmp_path / 'crossing.npz').people
    rows = 0
    for result, listed in zip(results, document['frames'], strict=True):
        (people,) = result['predictions']
        assert [p['person_id'] for p in people] == [
            p['person_id'] for p in listed['people']
        ]
        for person in people:
            row = np.flatnonzero(
                (saved['frames'] == result['frame'])
                & (saved['person_ids'] == person['person_id'])
            )
            assert len(row) == 1
            np.testing.assert_allclose(
                saved['transl'][row[0]], person['transl'], atol=1e-5
            )
            rows += 1
    assert rows == len(saved['frames'])
    # One shape a person.
    for who in (0, 1):
        betas = saved['betas'][saved['person_ids'] == who]
        assert np.ptp(betas, axis=0).max() == 0


def test_the_camera_of_a_video(make_inferencer, tmp_path):
    """Given for all frames; results and files hold to it, and to the boxes' scores."""
    path = tmp_path / 'short.mp4'
    with VideoWriter(path, FPS, SIZE) as writer:
        for picture in crossing().pictures[:NUM_APART]:
            writer.write(picture)
    with VideoReader(path) as reader:
        pictures = list(reader)
    detections = noisy_detections(0, misses=0)[:NUM_APART]
    inferencer = make_inferencer(detections)
    # What test_cfg.bbox_padding sets.
    inferencer.model.bbox_padding = 1.5
    camera = dict(focal_length=300.0, principal_point=(150, 90))
    results = list(
        inferencer(path, **camera, smooth=False, out_dir=tmp_path, formats=['json'])
    )
    document = json.loads((tmp_path / 'short.json').read_text())
    assert document['camera'] == {
        'focal_length': 300,
        'focal_length_source': 'given',
        'principal_point': [150, 90],
    }
    for frame, (boxes, scores) in enumerate(detections):
        (people,) = results[frame]['predictions']
        listed = document['frames'][frame]['people']
        alone = inference_topdown(
            inferencer.model, pictures[frame], [p['bbox'] for p in people], **camera
        )
        assert len(people) == 2
        for person, saved, sample in zip(people, listed, alone, strict=True):
            assert person['focal_length'] == 300
            assert person['focal_length_source'] == 'given'
            assert person['principal_point'] == [150, 90]
            np.testing.assert_allclose(
                person['transl'], sample.pred_instances.transl[0], rtol=1e-4
            )
            joints = np.array(list(person['joints_3d'].values()))
            pixels = 300 * joints[:, :2] / joints[:, 2:] + (150, 90)
            for found in (list(person['joints_2d'].values()), saved['joints_2d']):
                np.testing.assert_allclose(found, pixels, atol=0.01)
            center, scale = bbox_to_crop(np.array(person['bbox']), 1.5)
            transl = crop_to_full_translation(
                torch.tensor(person['crop_camera'], dtype=torch.float64),
                torch.tensor(center),
                scale[1],
                torch.tensor([150.0, 90]),
                300.0,
            )
            np.testing.assert_allclose(person['transl'], transl, rtol=1e-4)
            overlaps = [box_iou(person['bbox'], box) for box in boxes]
            score = scores[np.argmax(overlaps)]
            assert person['bbox_score'] == pytest.approx(score, abs=1e-6)
            assert saved['bbox_score'] == pytest.approx(score, abs=1e-4)


def test_the_unit_of_bvh_files(make_inferencer, video, tmp_path):
    read = []
    for folder, options in (('metres', {}), ('centimetres', dict(bvh_scale=100))):
        out = dict(out_dir=tmp_path / folder, formats='bvh')
        list(make_inferencer(noisy_detections(1))(video, **out, **options))
        data = (tmp_path / folder / 'crossing_person_0.bvh').read_bytes()
        read.append(read_bvh(data))
    metres, centimetres = read
    assert 0.3 < np.linalg.norm(metres.offsets[metres.names.index('left_knee')]) < 0.6
    # The files have six decimals.
    np.testing.assert_allclose(centimetres.offsets, 100 * metres.offsets, atol=1e-4)
    places, angles = centimetres.rows[:, :3], centimetres.rows[:, 3:]
    np.testing.assert_allclose(places, 100 * metres.rows[:, :3], atol=1e-4)
    np.testing.assert_allclose(angles, metres.rows[:, 3:], atol=1e-4)


def test_smoothing_calms_the_movement(make_inferencer, video):
    def jerk(**options):
        results = make_inferencer(noisy_detections(2))(video, **options)
        places = np.array(
            [
                person['transl']
                for result in results
                for person in result['predictions'][0]
                if person['person_id'] == 0
            ]
        )
        return np.abs(np.diff(places, 2, axis=0)).mean()

    assert jerk(smooth=True) < 0.5 * jerk(smooth=False)


def test_the_whole_picture_is_one_person(tiny_model, video):
    inferencer = MeshInferencer(
        str(tiny_model.config), tiny_model.weights, 'cpu', det_model='whole_image'
    )
    results = list(inferencer(video))
    assert len(results) == NUM_FRAMES
    for result in results:
        (people,) = result['predictions']
        assert [person['person_id'] for person in people] == [0]
        np.testing.assert_allclose(
            people[0]['bbox'], [0, 0, SIZE[1], SIZE[0]], atol=1.01
        )


def test_boxes_of_the_caller(tiny_model, video):
    inferencer = MeshInferencer(str(tiny_model.config), tiny_model.weights, 'cpu')
    boxes = [frame.clip(0, 318).tolist() for frame in crossing().bboxes]
    results = list(inferencer(video, bboxes={'crossing.mp4': boxes}, smooth=False))
    assert [len(result['predictions'][0]) for result in results] == [2] * NUM_FRAMES
    for result, given in zip(results[:NUM_APART], boxes, strict=False):
        found = sorted(person['bbox'] for person in result['predictions'][0])
        np.testing.assert_allclose(found, sorted(given), atol=1e-3)


def test_few_boxes_of_the_caller_are_people(tiny_model, video):
    """Of a detector, a box now and then would be a false alarm."""
    inferencer = MeshInferencer(str(tiny_model.config), tiny_model.weights, 'cpu')
    box = [20.0, 20, 90, 160]
    boxes = {2: [box], 8: [box], 9: [box, [230.0, 20, 300, 160]]}
    results = list(inferencer(video, bboxes=boxes))
    found = [
        {person['person_id']: person['observed'] for person in result['predictions'][0]}
        for result in results
    ]
    assert found[:2] == [{}, {}] and set(map(len, found[10:])) == {0}
    assert found[2:8] == [{0: True}] + [{0: False}] * 5
    assert found[8:10] == [{0: True}, {0: True, 1: True}]


def test_a_bad_box_of_the_caller_is_named_with_its_frame(tiny_model, video):
    inferencer = MeshInferencer(str(tiny_model.config), tiny_model.weights, 'cpu')
    boxes = {3: [[20, 20, 90, 160]], 5: [[900, 20, 990, 160]]}
    with pytest.raises(ValueError, match=r'frame 5 \(from 0\): bboxes\[0\]'):
        list(inferencer(video, bboxes=boxes))


def test_nobody_in_a_video(make_inferencer, video, tmp_path):
    nothing = (np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    inferencer = make_inferencer([nothing] * NUM_FRAMES)
    formats = ('overlay', 'json', 'npz', 'glb', 'bvh', 'html')
    results = list(inferencer(video, out_dir=tmp_path, formats=formats))
    assert all(result['predictions'] == [[]] for result in results)
    assert sorted(os.listdir(tmp_path)) == [
        'crossing.glb',
        'crossing.html',
        'crossing.json',
        'crossing.npz',
        'crossing_overlay.mp4',
    ]
    assert len(load_results(tmp_path / 'crossing.npz')) == 0


def test_without_tracking(make_inferencer, video, tmp_path):
    inferencer = make_inferencer(noisy_detections(3))
    results = list(
        inferencer(video, tracking=False, out_dir=tmp_path, formats=['json'])
    )
    counts = [len(boxes) for boxes, _ in noisy_detections(3)]
    assert [len(result['predictions'][0]) for result in results] == counts
    inferencer = make_inferencer(noisy_detections(3))
    with pytest.raises(ValueError, match=r'glb of a video need.* tracking'):
        list(inferencer(video, tracking=False, out_dir=tmp_path, formats=['glb']))
    inferencer = make_inferencer(noisy_detections(3))
    results = list(inferencer(video, tracking=False, out_dir=tmp_path / 'default'))
    suffixes = {os.path.splitext(path)[1] for path in results[-1]['files']}
    assert suffixes == {'.mp4', '.json', '.npz'}


@pytest.mark.parametrize('threshold', [0.3, 0.1])
def test_people_of_low_scores_are_those_of_pictures(make_inferencer, video, threshold):
    detections = [
        (boxes, np.full(len(boxes), threshold + 0.1))
        for boxes, _ in noisy_detections(0, misses=0)
    ]
    results = list(make_inferencer(detections)(video, bbox_thr=threshold))
    assert all(len(result['predictions'][0]) == 2 for result in results)
    results = list(make_inferencer(detections)(video, bbox_thr=0.5))
    assert all(result['predictions'] == [[]] for result in results)


def test_formats_that_give_nothing_are_named(make_inferencer, video, tmp_path, logged):
    inferencer = make_inferencer(noisy_detections(3))
    list(inferencer(video, out_dir=tmp_path, formats=['json', 'obj', 'bvh']))
    assert [line for line in logged if 'not written' in line[1]] == [
        ('WARNING', 'not written of video: obj')
    ]


def test_nothing_is_shown_without_a_display(make_inferencer, monkeypatch):
    monkeypatch.setattr('matplotlib.pyplot.get_backend', lambda: 'agg')
    with pytest.raises(ValueError, match="show needs a display, .* is 'agg'"):
        make_inferencer([])(np.zeros((60, 50, 3), np.uint8), show=True)


def test_an_interrupted_video_leaves_nothing(make_inferencer, video, tmp_path):
    results = make_inferencer(noisy_detections(4))(video, out_dir=tmp_path / 'out')
    for _ in range(3):
        next(results)
    results.close()
    assert not (tmp_path / 'out').exists() or os.listdir(tmp_path / 'out') == []


def test_a_damaged_video_among_pictures(make_inferencer, video, tmp_path):
    bad = tmp_path / 'bad.mp4'
    bad.write_bytes(b'this is no video')
    inferencer = make_inferencer(noisy_detections(5))
    pictures = [np.zeros((60, 50, 3), np.uint8)]
    boxes = [[[5, 5, 40, 55]], None, None]
    results = list(
        inferencer([*pictures, bad, video], bboxes=boxes, on_error='continue')
    )
    assert results[0]['error'] is None and len(results[0]['predictions'][0]) == 1
    assert 'bad.mp4' in results[1]['error'] and results[1]['predictions'] == []
    assert len(results) == 2 + NUM_FRAMES
    with pytest.raises(ValueError, match=r'bad\.mp4'):
        list(inferencer(bad))


def test_one_person_a_batch_gives_the_same(make_inferencer, video):
    runs = [
        list(make_inferencer(noisy_detections(1))(video, batch_size=size))
        for size in (1, 7)
    ]
    for first, second in zip(*runs, strict=True):
        for one, other in zip(
            first['predictions'][0], second['predictions'][0], strict=True
        ):
            np.testing.assert_allclose(one['transl'], other['transl'], rtol=1e-4)


def test_a_single_frame(make_inferencer, tmp_path):
    path = tmp_path / 'short.mp4'
    with VideoWriter(path, 10, SIZE) as writer:
        writer.write(crossing().pictures[10])
    detections = [(crossing().bboxes[10], np.ones(2))]
    (result,) = make_inferencer(detections)(path, out_dir=tmp_path / 'out')
    assert len(result['predictions'][0]) == 2
    assert len(result['files']) == 4
