"""The attention figure marks the positions above the threshold, and no others."""

import numpy as np
import pytest

from deforhmr_mm.visualization import attention_legend, draw_attention
from deforhmr_mm.visualization.attention_figure import fade

IMAGE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
POSITIONS = np.array([[20.0, 20], [60, 30], [100, 90], [140, 60], [40, 100]])
VALUES = np.array([0.1, 0.3, 2.0, 0.25, 1.0])


def disc(center, radius):
    rows, cols = np.mgrid[:120, :160]
    return np.hypot(cols - center[0], rows - center[1]) <= radius


def test_exactly_those_above_the_threshold_are_marked():
    before = IMAGE.copy()
    drawn = draw_attention(IMAGE, POSITIONS, VALUES, threshold=0.25, radius=4)
    np.testing.assert_array_equal(IMAGE, before)
    changed = (drawn != fade(IMAGE)).any(-1)
    # 0.25 is not above 0.25.
    marked = [POSITIONS[i] for i in (1, 2, 4)]
    for center in marked:
        assert changed[disc(center, 3)].all()
    outside = ~np.any([disc(center, 7) for center in marked], axis=0)
    assert not changed[outside].any()


def test_colors_grow_with_the_values():
    drawn = draw_attention(IMAGE, POSITIONS, VALUES, radius=4).astype(int)
    weak, strong, middle = (drawn[int(y), int(x)] for x, y in POSITIONS[[1, 2, 4]])
    # From purple over red to yellow: green grows all the way.
    assert weak[1] < middle[1] < strong[1]
    assert strong.tolist() == [240, 249, 33]
    # A common scale: the same value has the same colour in another picture.
    other = draw_attention(IMAGE, POSITIONS[4:], VALUES[4:], top=2.0, radius=4)
    assert other[100, 40].tolist() == middle.tolist()


def test_the_strongest_lies_on_top():
    positions = np.array([[50.0, 50], [50, 50], [50, 50]])
    drawn = draw_attention(IMAGE, positions, np.array([0.5, 3.0, 1.0]), radius=4)
    assert drawn[50, 50].tolist() == [240, 249, 33]


def test_lines_lead_from_the_origins_of_marked_positions():
    origins = POSITIONS + (-16, 0)
    drawn = draw_attention(IMAGE, POSITIONS, VALUES, origins=origins, radius=3)
    changed = (drawn != fade(IMAGE)).any(-1)
    assert changed[90, 85:100].all() and not changed[90, 70:82].any()
    assert not changed[20, :30].any()


def test_nothing_above_and_far_off_positions():
    np.testing.assert_array_equal(
        draw_attention(IMAGE, POSITIONS, VALUES, threshold=5.0), fade(IMAGE)
    )
    drawn = draw_attention(IMAGE, np.array([[1e12, 0.0]]), np.array([1.0]))
    np.testing.assert_array_equal(drawn, fade(IMAGE))


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r'\(5, 2\) and \(4,\)'):
        draw_attention(IMAGE, POSITIONS, VALUES[:4])
    with pytest.raises(ValueError, match=r'origins must be \(5, 2\)'):
        draw_attention(IMAGE, POSITIONS, VALUES, origins=POSITIONS[:2])


def test_legend_has_the_colors_of_the_marks():
    legend = attention_legend(200, 0.25, 2.0)
    assert legend.shape[0] == 200
    marks = draw_attention(IMAGE, POSITIONS, VALUES, top=2.0, radius=4)
    # The bar leaves a margin of 12; 1.0 lies at sqrt(0.75 / 1.75) of its height.
    row = round(12 + 175 * (1 - np.sqrt(0.75 / 1.75)))
    np.testing.assert_allclose(legend[12, 5], marks[90, 100], atol=2)
    np.testing.assert_allclose(legend[row, 5].astype(int), marks[100, 40], atol=4)
    assert (legend[:11] == 255)[:, :10].all()
