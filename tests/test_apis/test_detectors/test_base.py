"""Raw boxes become boxes that can be cut out."""

import numpy as np
import pytest

from deforhmr_mm.apis.detectors import WholeImage
from deforhmr_mm.apis.detectors.base import PersonDetector, tidy_detections


def iou(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def slow_nms(boxes, scores, threshold):
    kept = []
    for index in np.argsort(-scores, kind='stable'):
        if all(iou(boxes[index], boxes[other]) <= threshold for other in kept):
            kept.append(index)
    return kept


@pytest.mark.parametrize('threshold', [0.1, 0.4, 0.65])
def test_overlapping_boxes_go(threshold):
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 60, (60, 2))
    boxes = np.concatenate([low, low + rng.uniform(5, 40, (60, 2))], 1)
    scores = rng.uniform(0, 1, 60)
    scores[:2] = 0
    found = tidy_detections(boxes, scores, (100, 100), nms_iou=threshold)
    kept = slow_nms(boxes, scores, threshold)
    assert 5 < len(kept) < 60
    np.testing.assert_allclose(found.bboxes, boxes[kept], rtol=1e-6)
    np.testing.assert_allclose(found.scores, scores[kept], rtol=1e-6)
    everything = tidy_detections(boxes, scores, (100, 100))
    np.testing.assert_allclose(everything.scores, np.sort(scores)[::-1], rtol=1e-6)


def test_useless_boxes_go():
    boxes = [
        [-5, -5, 10, 10],  # reaches out of the picture
        [50, 10, 70, 20],  # lies beside it
        [5, 5, 5.5, 30],  # too thin
        [np.nan, 0, 5, 5],
        [0, 0, 30, 19],
        [0, 0, 29, 19],  # not sure enough
    ]
    scores = np.array([0.5, 0.9, 0.9, 0.9, 0.7, 0.2])
    bboxes, scores = tidy_detections(boxes, scores, (20, 40, 3), score_thr=0.3)
    assert bboxes.tolist() == [[0, 0, 30, 19], [0, 0, 10, 10]]
    assert scores.tolist() == pytest.approx([0.7, 0.5])
    assert bboxes.dtype == scores.dtype == np.float32


@pytest.mark.parametrize('nms_iou', [None, 0.5])
def test_nobody(nms_iou):
    bboxes, scores = tidy_detections([], [], (20, 40), 0.3, nms_iou)
    assert (bboxes.shape, scores.shape) == ((0, 4), (0,))
    assert bboxes.dtype == scores.dtype == np.float32


def test_whole_image():
    detector = WholeImage()
    bboxes, scores = detector(np.zeros((30, 20, 3), np.uint8))
    assert (bboxes.tolist(), scores.tolist()) == ([[0, 0, 20, 30]], [1])
    assert isinstance(detector, PersonDetector) and 'whole picture' in detector.name
