"""Truncation moves the box alone, to a part of the person."""

from collections import Counter

import numpy as np
import pytest

from deforhmr_mm.datasets.transforms import RandomTruncation
from deforhmr_mm.datasets.transforms.truncation import BODY_PARTS
from deforhmr_mm.structures import get_keypoint_set

SMPL45 = get_keypoint_set('smpl45')
# Pixels of a person who stands with the arms hanging.
PLACES = {
    'head': (300, 100),
    'nose': (300, 110),
    'left_shoulder': (330, 150),
    'right_shoulder': (270, 150),
    'left_elbow': (345, 200),
    'right_elbow': (255, 200),
    'left_wrist': (350, 250),
    'right_wrist': (250, 250),
    'left_hip': (315, 260),
    'right_hip': (285, 260),
    'left_knee': (318, 350),
    'right_knee': (282, 350),
    'left_ankle': (320, 440),
    'right_ankle': (280, 440),
}


def person(hidden=()):
    keypoints = np.full((1, 45, 2), 1e4, dtype=np.float32)
    confidence = np.zeros((1, 45), dtype=np.float32)
    for name, place in PLACES.items():
        keypoints[0, SMPL45.index(name)] = place
        confidence[0, SMPL45.index(name)] = name not in hidden
    return {
        'bbox_center': np.array([300, 270], dtype=np.float32),
        'bbox_scale': np.array([315, 420], dtype=np.float32),
        'keypoints': keypoints,
        'keypoints_conf': confidence,
        'betas': np.ones((1, 10)),
    }


def truncate(sample, **kwargs):
    return RandomTruncation(prob=1, **kwargs)(dict(sample))


@pytest.mark.parametrize(
    ('part', 'center', 'size'),
    [
        # Columns 270 ... 330, rows 100 ... 150: 60 wide is 80 high.
        ('above_chest', (300, 125), (60, 80)),
        # Rows 150 ... 260 at the aspect 3 : 4.
        ('torso', (300, 205), (82.5, 110)),
        ('legs', (300, 350), (135, 180)),
        ('above_hips', (300, 180), (120, 160)),
    ],
)
def test_the_box_of_a_part(part, center, size):
    sample = person()
    done = truncate(sample, parts={part: 1}, padding=(1.5, 1.5), min_scale=0.1)
    np.testing.assert_allclose(done['bbox_center'], center, rtol=1e-5)
    np.testing.assert_allclose(done['bbox_scale'], 1.5 * np.array(size), rtol=1e-5)
    assert done['bbox_center'].dtype == done['bbox_scale'].dtype == np.float32
    for key in ('keypoints', 'keypoints_conf', 'betas'):
        assert done[key] is sample[key]
    np.testing.assert_array_equal(sample['bbox_scale'], [315, 420])


def test_limits_of_the_size():
    small = truncate(person(), parts={'above_chest': 1}, min_scale=0.5)
    np.testing.assert_allclose(small['bbox_scale'], [157.5, 210])
    large = truncate(person(), parts={'legs': 1}, padding=(9, 9))
    np.testing.assert_allclose(large['bbox_scale'], [315, 420])


def test_unlabelled_keypoints_do_not_count():
    hidden = ('left_knee', 'left_ankle', 'right_ankle')
    done = truncate(person(hidden), parts={'legs': 1}, padding=(1, 1), min_scale=0.01)
    # Hips and the right knee: rows 260 ... 350.
    np.testing.assert_allclose(done['bbox_center'], [298.5, 305])
    np.testing.assert_allclose(done['bbox_scale'], [67.5, 90])


def test_parts_with_too_few_keypoints_are_not_drawn():
    arms = {'left_arm': 1, 'right_arm': 3}
    sample = person(hidden=('right_wrist', 'right_elbow'))
    centers = {tuple(truncate(sample, parts=arms)['bbox_center']) for _ in range(20)}
    assert centers == {(340, 200)}
    sample = person(hidden=PLACES)
    np.testing.assert_array_equal(truncate(sample)['bbox_center'], [300, 270])


def test_frequencies():
    np.random.seed(0)
    transform = RandomTruncation(prob=0.4, parts={'left_arm': 1, 'right_arm': 3})
    found = Counter(float(transform(person())['bbox_center'][0]) for _ in range(1000))
    assert set(found) == {300, 340, 260}
    assert abs(found[300] - 600) < 50
    assert abs(found[260] - 300) < 45


def test_every_part_is_drawn_and_within_the_own_box():
    np.random.seed(0)
    boxes = [truncate(person()) for _ in range(300)]
    # Nobody's left and right side, or arms, are told apart by rows alone.
    centers = {tuple(box['bbox_center'].tolist()) for box in boxes}
    assert len(centers) == len(BODY_PARTS)
    for box in boxes:
        assert box['bbox_scale'][0] / box['bbox_scale'][1] == pytest.approx(0.75)
        assert 0.25 <= box['bbox_scale'][1] / 420 <= 1


@pytest.mark.parametrize(
    ('bad', 'message'),
    [
        ({'prob': 2}, r'prob must be in \[0, 1\], but is 2'),
        ({'parts': {'tail': 1}}, "has \\['tail'\\]"),
        ({'parts': {}}, 'parts must have positive weights'),
        ({'parts': {'legs': 0}}, 'parts must have positive weights'),
        ({'padding': (2, 1)}, 'padding must be'),
        ({'min_scale': 0}, 'min_scale must be'),
        ({'min_keypoints': 1}, 'min_keypoints must be at least 2, but is 1'),
    ],
)
def test_bad_arguments(bad, message):
    with pytest.raises(ValueError, match=message):
        RandomTruncation(**bad)
