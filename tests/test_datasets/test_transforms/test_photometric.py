import numpy as np
import pytest

from deforhmr_mm.datasets.transforms import ColorJitter, RandomErasing

IMAGE = np.random.default_rng(0).integers(0, 256, (256, 192, 3), dtype=np.uint8)


def test_jitter_is_the_formula():
    jitter = ColorJitter(gain=0.3, contrast=0.2, brightness=0.1)
    np.random.seed(4)
    image = jitter({'img': IMAGE})['img']
    np.random.seed(4)
    np.random.random()
    draw = np.random.uniform(-1, 1, 5)
    expected = (1 + 0.2 * draw[3]) * (IMAGE.astype(float) - 128) + 128
    expected = (1 + 0.3 * draw[:3]) * expected + 25.5 * draw[4]
    np.testing.assert_allclose(image, np.clip(expected, 0, 255), atol=0.501)


def test_no_jitter():
    for jitter in (ColorJitter(0, 0, 0), ColorJitter(prob=0)):
        np.testing.assert_array_equal(jitter({'img': IMAGE})['img'], IMAGE)


def test_jitter_stays_in_range_and_moves_the_mean_both_ways():
    np.random.seed(0)
    jitter = ColorJitter(gain=0.4)
    means = [jitter({'img': IMAGE})['img'].mean() for _ in range(50)]
    assert min(means) < IMAGE.mean() - 10 and max(means) > IMAGE.mean() + 10


def test_erasing_hides_rectangles_of_the_given_area():
    np.random.seed(0)
    erase = RandomErasing(prob=1, max_count=1, area=(0.05, 0.1), aspect=2)
    for _ in range(40):
        given = {'img': IMAGE.copy()}
        changed = (erase(given)['img'] != IMAGE).any(axis=2)
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert 0.045 < height * width / changed.size < 0.105
        assert 0.48 < height / width < 2.1
        assert changed.sum() > 0.98 * height * width


def test_erased_rectangles_are_noise_as_often_as_asked():
    np.random.seed(0)
    black = np.zeros((64, 48, 3), np.uint8)
    shares = {}
    for noise_prob in (0.0, 0.25, 1.0):
        erase = RandomErasing(prob=1, max_count=1, noise_prob=noise_prob)
        images = [erase({'img': black})['img'] for _ in range(150)]
        # Black, and one more or dozens of them.
        counts = [len(np.unique(image @ [1, 256, 256**2])) for image in images]
        assert all(count == 2 or count > 20 for count in counts)
        shares[noise_prob] = np.mean([count > 20 for count in counts])
    assert shares[0.0] == 0 and shares[1.0] == 1
    assert shares[0.25] == pytest.approx(0.25, abs=0.1)


def test_erasing_leaves_the_caller_s_picture():
    np.random.seed(0)
    before = IMAGE.copy()
    RandomErasing(prob=1)({'img': IMAGE})
    np.testing.assert_array_equal(IMAGE, before)
    given = {'img': IMAGE}
    assert RandomErasing(prob=0)(given)['img'] is IMAGE


@pytest.mark.parametrize(
    'bad', [{'area': (0.3, 0.2)}, {'area': (0, 1)}, {'aspect': 0.5}]
)
def test_bad_arguments(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        RandomErasing(**bad)
