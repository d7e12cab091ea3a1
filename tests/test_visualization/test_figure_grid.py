"""Panels of a figure stand in their columns."""

import numpy as np
import pytest

from deforhmr_mm.visualization import figure_grid, shrink
from deforhmr_mm.visualization.figure_grid import GAP


def plain(height, width, color):
    return np.full((height, width, 3), color, np.uint8)


RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)


def where(figure, color):
    rows, cols = np.nonzero((figure == color).all(-1))
    return rows.min(), rows.max() + 1, cols.min(), cols.max() + 1


def test_rows_and_columns_without_titles():
    figure = figure_grid(
        [[plain(20, 30, RED), plain(10, 10, GREEN)], [None, plain(15, 40, BLUE)]]
    )
    # The green one is brought to 20 pixels, and centred in the blue one's column.
    assert figure.shape == (GAP + 20 + GAP + 15 + GAP, GAP + 30 + GAP + 40 + GAP, 3)
    assert where(figure, RED) == (GAP, GAP + 20, GAP, GAP + 30)
    left = 2 * GAP + 30
    assert where(figure, GREEN) == (GAP, GAP + 20, left + 10, left + 30)
    assert where(figure, BLUE) == (2 * GAP + 20, 2 * GAP + 35, left, left + 40)
    assert (figure[-GAP:] == 255).all()


def test_titles_stand_over_their_columns_and_widen_them():
    figure = figure_grid(
        [[plain(20, 100, RED), plain(20, 10, BLUE)]], ['a', 'a long title'], height=40
    )
    top, bottom, *_ = where(figure, RED)
    assert bottom - top == 40
    ink = np.flatnonzero((figure[:top] < 128).all(-1).any(axis=0))
    first = ink[ink < GAP + 200]
    second = ink[ink >= GAP + 200]
    assert first.mean() == pytest.approx(GAP + 100, abs=3)
    *_, left, right = where(figure, BLUE)
    assert right - left == 20 and np.ptp(second) > 60
    assert (left + right) / 2 == pytest.approx((second[0] + second[-1]) / 2, abs=3)


def test_what_is_no_grid_is_said():
    image = plain(5, 5, RED)
    with pytest.raises(ValueError, match=r'equally long, got \[2, 1\]'):
        figure_grid([[image, image], [image]])
    with pytest.raises(ValueError, match='2 columns need as many titles, got 1'):
        figure_grid([[image, image]], ['one'])
    with pytest.raises(ValueError, match='needs a picture'):
        figure_grid([[None]])


def test_shrinking_never_enlarges():
    image = plain(30, 60, GREEN)
    assert shrink(image, 100) is image
    small = shrink(image, 20)
    assert small.shape == (10, 20, 3) and (small == GREEN).all()
