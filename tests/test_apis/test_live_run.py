"""A camera's people: who is shown, what is recovered of them, how it is smoothed."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from deforhmr_mm.apis import MeshInferencer, inference_topdown
from deforhmr_mm.tracking import OnlineSmoother

FPS = 20.0
# Somebody gets a number in the third frame in which they are seen: 1 + 0.1 s * 20.
FIRST = 2
NUM_FRAMES = 7
CAMERA = dict(focal_length=300.0, principal_point=(150.0, 90.0))
# Uneven, as a camera's frames come.
TIMES = 5.0 + np.cumsum([0.05, 0.08, 0.04, 0.05, 0.11, 0.03, 0.06])
NAMES = ('global_orient', 'body_pose', 'transl', 'betas')
PICTURES = np.random.default_rng(0).integers(
    0, 256, (NUM_FRAMES, 120, 200, 3), dtype=np.uint8
)


class StandInCapture:
    """OpenCV's camera 3: a few frames of noise, read at `TIMES`."""

    def __init__(self, index):
        assert index == 3
        self.left = list(zip(PICTURES, TIMES, strict=True))
        self.is_open = True

    def isOpened(self):
        return self.is_open

    def read(self):
        if not (self.is_open and self.left):
            return False, None
        image, StandInCapture.now = self.left.pop(0)
        return True, image.copy()

    def get(self, name):
        return FPS if name == cv2.CAP_PROP_FPS else 0.0

    def release(self):
        self.is_open = False


def detections(frame):
    """Boxes, scores and whose they are: two people in turns, once a false alarm."""
    people = np.array([[20.0, 10, 60, 110], [120, 20, 170, 100]]) + frame
    boxes, scores, ids = people, np.array([0.9, 0.7]) - 0.01 * frame, np.arange(2)
    if frame % 2:
        boxes, scores, ids = boxes[::-1], scores[::-1], ids[::-1]
    if frame == 4:
        boxes = np.concatenate([[[80.0, 5, 110, 60]], boxes])
        scores, ids = np.append(0.8, scores), np.append(-1, ids)
    return boxes.astype(np.float32), scores.astype(np.float32), ids


@pytest.fixture
def run(tiny_model, monkeypatch):
    """Run the camera with options; gives the results and the model."""
    monkeypatch.setattr('cv2.VideoCapture', StandInCapture)
    clock = SimpleNamespace(perf_counter=lambda: StandInCapture.now)
    monkeypatch.setattr('deforhmr_mm.apis.live_run.time', clock)

    def run(**options):
        left = iter([detections(frame)[:2] for frame in range(NUM_FRAMES)])
        inferencer = MeshInferencer(
            str(tiny_model.config),
            tiny_model.weights,
            'cpu',
            det_model=lambda image: next(left),
        )
        results = list(
            inferencer('webcam:3', return_datasamples=True, **CAMERA, **options)
        )
        assert [result['frame'] for result in results] == list(range(NUM_FRAMES))
        for result in results:
            assert result['input'] == 'webcam:3' and result['files'] == []
        return [result['predictions'][0] for result in results], inferencer.model

    return run


def recovered(model, frame):
    """What each box of a frame would get as a picture's."""
    boxes, scores, ids = detections(frame)
    samples = inference_topdown(model, PICTURES[frame], boxes, **CAMERA)
    return [
        (who, score, sample.pred_instances)
        for who, score, sample in zip(ids.tolist(), scores, samples, strict=True)
    ]


def values_of(person):
    """The parameters by name, without a dimension for people."""
    values = {name: person[name][0].numpy() for name in NAMES}
    return dict(values, global_orient=values['global_orient'][0])


def assert_camera(person):
    """Joints lie in the picture where the caller's camera shows them."""
    assert person.focal_length.tolist() == [300]
    assert person.principal_point.tolist() == [[150, 90]]
    joints = (person.joints + person.transl[:, None])[0].numpy()
    pixels = 300 * joints[:, :2] / joints[:, 2:] + (150, 90)
    np.testing.assert_allclose(person.keypoints[0], pixels, atol=0.01)


def test_a_frame_is_recovered_as_a_picture(run):
    """Everybody as soon as they are confirmed, in the camera that the caller gave."""
    frames, model = run(smooth=False)
    assert frames[:FIRST] == [[]] * FIRST
    for frame in range(FIRST, NUM_FRAMES):
        expected = [row for row in recovered(model, frame) if row[0] >= 0]
        assert len(expected) == 2
        for sample, (who, score, other) in zip(frames[frame], expected, strict=True):
            person = sample.pred_instances
            assert (sample.person_id, sample.observed) == (who, True)
            assert (sample.img_path, sample.img_id) == ('webcam:3', frame)
            assert sample.focal_length_source == 'given'
            np.testing.assert_allclose(person.bbox_scores, [score])
            np.testing.assert_allclose(person.bboxes, other.bboxes)
            for name in (*NAMES, 'camera', 'vertices', 'keypoints'):
                np.testing.assert_allclose(
                    person[name], other[name], rtol=1e-4, atol=1e-4, err_msg=name
                )
            assert_camera(person)


def test_smoothing(run):
    """By the clock: the frames do not come evenly."""
    frames, model = run(smooth=True)
    assert frames[:FIRST] == [[]] * FIRST
    smoother = OnlineSmoother()
    for frame in range(FIRST, NUM_FRAMES):
        rows = [row for row in recovered(model, frame) if row[0] >= 0]
        for sample, (who, _, other) in zip(frames[frame], rows, strict=True):
            assert sample.person_id == who
            person, alone = values_of(sample.pred_instances), values_of(other)
            expected = smoother.update(who, TIMES[frame], **alone)
            for name in NAMES:
                np.testing.assert_allclose(
                    person[name], getattr(expected, name), rtol=1e-4, atol=1e-4
                )
                if frame > FIRST:
                    assert np.abs(person[name] - alone[name]).max() > 2e-3, name
            assert_camera(sample.pred_instances)


def test_without_tracking_every_box_is_shown_at_once_as_it_is(run):
    frames, model = run(tracking=False)
    for frame, samples in enumerate(frames):
        expected = [other for _, _, other in recovered(model, frame)]
        assert [sample.person_id for sample in samples] == list(range(len(expected)))
        for sample, other in zip(samples, expected, strict=True):
            found, alone = values_of(sample.pred_instances), values_of(other)
            for name in NAMES:
                np.testing.assert_allclose(
                    found[name], alone[name], rtol=1e-4, atol=1e-4
                )
