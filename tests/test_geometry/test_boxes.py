import cv2
import numpy as np
import pytest

from deforhmr_mm.geometry import (
    bbox_to_center_scale,
    bbox_xywh_to_xyxy,
    bbox_xyxy_to_xywh,
    crop_affine,
    fit_aspect,
    validate_bboxes,
)


@pytest.mark.parametrize('batch', [(), (5,), (2, 3), (0,)])
def test_formats_are_inverse(batch):
    rng = np.random.default_rng(0)
    boxes = rng.uniform(0, 100, (*batch, 4)).astype(np.float32)
    there = bbox_xywh_to_xyxy(boxes)
    assert there.dtype == np.float32 and there.shape == (*batch, 4)
    np.testing.assert_allclose(bbox_xyxy_to_xywh(there), boxes, atol=1e-4)


def test_fit_aspect_only_grows():
    sizes = np.random.default_rng(1).uniform(1, 100, (50, 2))
    fitted = fit_aspect(sizes, aspect=0.75)
    np.testing.assert_allclose(fitted[:, 0] / fitted[:, 1], 0.75)
    assert (fitted >= sizes).all()
    # One side stays as it is.
    assert np.isclose(fitted, sizes).any(axis=1).all()
    np.testing.assert_allclose(fit_aspect(fitted), fitted)


def test_center_scale_covers_the_box():
    boxes = bbox_xywh_to_xyxy(np.random.default_rng(2).uniform(1, 100, (20, 4)))
    center, scale = bbox_to_center_scale(boxes, padding=1.2)
    np.testing.assert_allclose(scale, 1.2 * bbox_to_center_scale(boxes)[1])
    np.testing.assert_allclose(center, (boxes[:, :2] + boxes[:, 2:]) / 2)
    assert (center - scale / 2 < boxes[:, :2]).all()
    assert (center + scale / 2 > boxes[:, 2:]).all()


def test_integer_boxes_are_not_truncated():
    center, scale = bbox_to_center_scale([0, 0, 5, 8])
    np.testing.assert_allclose(center, [2.5, 4.0])
    np.testing.assert_allclose(scale, [6.0, 8.0])


GOOD = [1.0, 2.0, 30.0, 40.0]


@pytest.mark.parametrize(
    ('bad', 'reason'),
    [
        ([float('nan'), 2, 30, 40], 'finite'),
        ([1, 2, float('inf'), 40], 'finite'),
        ([1, 2, 1e300, 40], 'finite'),
        ([1, 2, 0, 40], 'positive'),
        ([1, 2, 30, -4], 'positive'),
        ([640, 2, 30, 40], 'outside'),
        ([-30, 2, 30, 40], 'outside'),
        ([1, 480, 30, 40], 'outside'),
        ([1, -90, 30, 40], 'outside'),
    ],
)
def test_bad_boxes_are_named(bad, reason):
    with pytest.raises(ValueError, match=rf'bboxes\[1\].*{reason}'):
        validate_bboxes([GOOD, bad], 'xywh', (480, 640))


def test_good_boxes_pass_unclipped():
    boxes = validate_bboxes([[-10, -10, 700, 500], GOOD], 'xyxy', (480, 640))
    assert boxes.dtype == np.float32
    np.testing.assert_allclose(boxes, [[-10, -10, 700, 500], GOOD])
    assert validate_bboxes([], 'xyxy', (480, 640)).shape == (0, 4)


def test_validate_does_not_touch_its_input():
    boxes = np.array([GOOD], dtype=np.float32)
    validate_bboxes(boxes, 'xyxy', (480, 640))[:] = 0
    np.testing.assert_allclose(boxes, [GOOD])


def test_box_formats_and_shapes_are_checked():
    with pytest.raises(ValueError, match=r"'xyxy' or 'xywh', got 'cxcywh'"):
        validate_bboxes([GOOD], 'cxcywh', (480, 640))
    with pytest.raises(ValueError, match=r'\(N, 4\), got \(4,\)'):
        validate_bboxes(GOOD, 'xyxy', (480, 640))
    with pytest.raises(ValueError, match=r'got \(3,\)'):
        bbox_xywh_to_xyxy([1, 2, 3])


@pytest.mark.parametrize('rotation', [0.0, 37.0, -120.0])
def test_crop_affine_turns_about_the_centre(rotation):
    center, scale, size = np.array([310.0, 120.0]), np.array([150.0, 200.0]), (192, 256)
    matrix = crop_affine(center, scale, size, rotation)
    np.testing.assert_allclose(matrix @ [*center, 1], [95.5, 127.5])
    angle = np.deg2rad(rotation)
    offset = np.array([7.0, -4.0])
    turned = [
        np.cos(angle) * offset[0] - np.sin(angle) * offset[1],
        np.sin(angle) * offset[0] + np.cos(angle) * offset[1],
    ]
    expected = np.array([95.5, 127.5]) + np.array(turned) * 256 / 200
    np.testing.assert_allclose(matrix @ [*(center + offset), 1], expected)
    there_and_back = cv2.invertAffineTransform(matrix) @ [*expected, 1]
    np.testing.assert_allclose(there_and_back, center + offset)


def test_a_crop_at_full_size_is_a_slice():
    image = np.random.default_rng(3).integers(0, 256, (300, 400), dtype=np.uint8)
    # Rows 20 to 275 and columns 50 to 241: from pixel edge 49.5 to pixel edge 241.5.
    matrix = crop_affine((145.5, 147.5), (192.0, 256.0), (192, 256))
    crop = cv2.warpAffine(image, matrix, (192, 256), flags=cv2.INTER_NEAREST)
    np.testing.assert_array_equal(crop, image[20:276, 50:242])


def test_crop_affine_refuses_what_has_no_size():
    with pytest.raises(ValueError, match=r'scale: .* got \[0\.0, 10\.0\]'):
        crop_affine((0, 0), (0, 10), (192, 256))
    with pytest.raises(ValueError, match=r'center'):
        crop_affine((np.nan, 0), (10, 10), (192, 256))
