"""Overlap of boxes, and which of several boxes of one person stays."""

import numpy as np

from deforhmr_mm.tracking.overlap import box_iou, without_duplicates


def test_iou_by_counting_pixels():
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 20, (2, 30, 2))
    first, second = np.concatenate(
        [corner, corner + rng.integers(1, 20, (2, 30, 2))], -1
    )
    canvas = np.zeros((2, 30, 40, 40), bool)
    for side, boxes in zip(canvas, (first, second), strict=True):
        for picture, (left, top, right, bottom) in zip(side, boxes, strict=True):
            picture[top:bottom, left:right] = True
    both = (canvas[0] & canvas[1]).sum((1, 2))
    either = (canvas[0] | canvas[1]).sum((1, 2))
    np.testing.assert_allclose(box_iou(first, second), both / either)
    assert box_iou(first[:, None], second[None, :4]).shape == (30, 4)


def test_boxes_without_area_overlap_nothing():
    assert box_iou([1.0, 1, 1, 5], [1.0, 1, 1, 5]) == 0


def test_the_best_of_a_chain_stays():
    # The middle box covers both others, which cover each other less.
    boxes = np.array([[0.0, 0, 10, 10], [2, 0, 12, 10], [4, 0, 14, 10]])
    assert without_duplicates(boxes, np.array([0.7, 0.9, 0.8]), 0.5).tolist() == [1]
    assert without_duplicates(boxes, np.array([0.9, 0.7, 0.8]), 0.5).tolist() == [0, 2]
    assert without_duplicates(np.zeros((0, 4)), np.zeros(0), 0.5).shape == (0,)
