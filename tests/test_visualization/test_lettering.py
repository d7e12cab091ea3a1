"""Text is where it is put, and what does not fit is cut off."""

import numpy as np
import pytest

from deforhmr_mm.visualization.lettering import put_text, text_mask


def test_size_and_ink_of_a_line():
    mask = text_mask('HHHH', 20)
    assert mask.shape[0] == 28
    assert mask[:, 0].any() and mask[:, -1].any()
    rows = np.flatnonzero(mask.max(axis=1) > 0.5)
    # Capitals of DejaVu Sans are 0.73 of its size high.
    assert np.ptp(rows) + 1 == pytest.approx(0.73 * 20, abs=1.5)
    assert text_mask('HH', 20).shape[1] < 0.6 * mask.shape[1]
    # On one baseline: a letter below it reaches farther down.
    below = np.flatnonzero(text_mask('g', 20).max(axis=1) > 0.5).max()
    assert below > rows.max() + 2


def test_formulas_and_blanks_are_plain_text():
    assert text_mask('$x$', 20).shape[1] > 1.5 * text_mask('x', 20).shape[1]
    assert not text_mask(' ', 12).any()


@pytest.mark.parametrize('anchor', [(0, 0), (1, 1), (0.5, 0.5)])
def test_text_stands_at_its_anchor(anchor):
    image = np.full((60, 80, 3), 255, np.uint8)
    put_text(image, 'HI', (40, 30), 16, (255, 0, 0), anchor)
    assert (image[..., 0] == 255).all()
    rows, cols = np.nonzero(image[..., 1] < 128)
    width = text_mask('HI', 16).shape[1]
    assert cols.min() == pytest.approx(40 - anchor[0] * width, abs=2)
    assert cols.max() == pytest.approx(40 + (1 - anchor[0]) * width, abs=3)
    assert rows.min() > 30 - 23 * anchor[1] and rows.max() < 31 + 23 * (1 - anchor[1])


def test_text_across_and_beyond_the_border():
    image = np.zeros((20, 20, 3), np.uint8)
    put_text(image, 'WWWWWW', (-5, -5), 16, (255, 255, 255))
    assert image[:10].any()
    before = image.copy()
    put_text(image, 'W', (100, 5), 16, (255, 255, 255))
    put_text(image, 'W', (5, -100), 16, (255, 255, 255))
    np.testing.assert_array_equal(image, before)
