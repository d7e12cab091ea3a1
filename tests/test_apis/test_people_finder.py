import numpy as np
import pytest

from deforhmr_mm.apis.box_source import BoxSource
from deforhmr_mm.apis.inputs import expand_inputs
from deforhmr_mm.apis.people_finder import PeopleFinder

IMAGE = np.zeros((40, 60, 3), np.uint8)
BOXES = np.array([[5, 5, 25, 35], [7, 7, 7, 30], [-5, -5, 20, 38], [70, 0, 90, 30]])


def find(given=None, detector=None, **options):
    items = expand_inputs([IMAGE])
    finder = PeopleFinder(BoxSource(given, items), lambda: detector, **options)
    return finder(0, items[0], IMAGE)


def test_bad_boxes_of_a_detector_are_left_out():
    scores = [0.9, 0.8, 0.4, 0.95]
    bboxes, found = find(detector=lambda image: (BOXES.tolist(), scores))
    # One without a width and one beside the picture are gone; the others stay as is.
    np.testing.assert_array_equal(bboxes, BOXES[[0, 2]])
    np.testing.assert_allclose(found, [0.9, 0.4])
    assert bboxes.dtype == found.dtype == np.float32


def test_nobody():
    bboxes, scores = find(detector=lambda image: (np.zeros((0, 4)), np.zeros(0)))
    assert bboxes.shape == (0, 4) and scores.shape == (0,)


def test_only_boxes_that_are_kept_must_be_usable():
    rows = np.array([[5, 5, 25, 35, 0.6], [7, 7, 7, 27, 0.01]])
    bboxes, scores = find(rows)
    np.testing.assert_array_equal(bboxes, [[5, 5, 25, 35]])
    np.testing.assert_allclose(scores, [0.6])
    rows[1, 4] = 0.5
    with pytest.raises(ValueError, match='width and height must be positive'):
        find(rows)
