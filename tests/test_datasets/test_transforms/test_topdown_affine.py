import cv2
import numpy as np
import pytest

from deforhmr_mm.datasets.transforms import TopdownAffine, warp_antialiased
from deforhmr_mm.geometry import crop_affine

SIZE = (192, 256)
SHRINKS = (0.5, 1.0, 1.29, 1.31, 2.0, 2.59, 2.7, 4.0, 5.3, 7.9)


def blob_image(points, sigma, shape=(2200, 2600)):
    """White blobs at fractional pixel places on black."""
    image = np.zeros(shape, dtype=np.float32)
    radius = int(4 * sigma) + 2
    for x, y in points:
        left, top = int(x) - radius, int(y) - radius
        u = np.arange(left, left + 2 * radius) - x
        v = np.arange(top, top + 2 * radius) - y
        blob = 255 * np.exp(-(u[None] ** 2 + v[:, None] ** 2) / (2 * sigma**2))
        part = image[top : top + 2 * radius, left : left + 2 * radius]
        np.maximum(part, blob, out=part)
    return np.repeat(np.rint(image).astype(np.uint8)[..., None], 3, axis=2)


def centroid(image, near, radius):
    x, y = np.rint(near).astype(int)
    part = image[y - radius : y + radius + 1, x - radius : x + radius + 1, 0]
    part = part.astype(float)
    v, u = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.array(
        [x + (u * part).sum() / part.sum(), y + (v * part).sum() / part.sum()]
    )


@pytest.mark.parametrize('shrink', SHRINKS)
@pytest.mark.parametrize('rotation', [0.0, 33.0])
def test_content_lands_where_the_map_says(shrink, rotation):
    center = np.array([1203.3, 1011.8])
    affine = crop_affine(center, shrink * np.array(SIZE), SIZE, rotation)
    targets = np.array([[40.3, 60.2], [150.6, 50.0], [96.0, 201.7]])
    points = (targets - affine[:, 2]) @ np.linalg.inv(affine[:, :2]).T
    sigma = max(3 * shrink, 1.5)
    crop = warp_antialiased(blob_image(points, sigma), affine, SIZE)
    assert crop.shape == (256, 192, 3)
    for target in targets:
        found = centroid(crop, target, int(4 * sigma / shrink))
        np.testing.assert_allclose(found, target, atol=0.06)


@pytest.mark.parametrize('shrink', [2.0, 3.0, 5.3, 7.9])
def test_fine_patterns_become_grey(shrink):
    y, x = np.mgrid[:2800, :2800]
    checkers = (255 * ((x + y) % 2)).astype(np.uint8)[..., None].repeat(3, axis=2)
    affine = crop_affine((1400, 1400), shrink * np.array(SIZE), SIZE, 20.0)
    crop = warp_antialiased(checkers, affine, SIZE)
    naive = cv2.warpAffine(checkers, affine, SIZE, flags=cv2.INTER_LINEAR)
    assert naive.std() > 30
    assert crop.std() < 0.3 * naive.std()
    assert abs(crop.mean() - 127.5) < 2


def test_a_crop_at_full_size_copies_pixels():
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    affine = crop_affine((95.5 + 31, 127.5 + 17), SIZE, SIZE)
    crop = warp_antialiased(image, affine, SIZE)
    np.testing.assert_array_equal(crop, image[17 : 17 + 256, 31 : 31 + 192])


@pytest.mark.parametrize('shrink', SHRINKS)
def test_black_outside_of_the_picture(shrink):
    image = np.full((300, 200, 3), 200, dtype=np.uint8)
    # The picture covers the right half of the box.
    center = np.array([-0.5, 149.5])
    affine = crop_affine(center, shrink * np.array(SIZE), SIZE)
    crop = warp_antialiased(image, affine, SIZE)
    rows = slice(120, 136)
    assert (crop[rows, :94] == 0).all()
    inside = slice(98, 98 + min(90, int(190 / shrink) - 5))
    assert (crop[rows, inside] >= 199).all()


def test_a_box_beside_the_picture_is_black():
    image = np.full((50, 50, 3), 200, dtype=np.uint8)
    affine = crop_affine((5000, 5000), (750, 1000), SIZE)
    assert not warp_antialiased(image, affine, SIZE).any()


def results(**kwargs):
    rng = np.random.default_rng(0)
    return {
        'img': rng.integers(0, 256, (480, 640, 3), dtype=np.uint8),
        'image_affine': np.eye(2, 3, dtype=np.float32),
        'bbox_center': np.array([320.0, 200.0], dtype=np.float32),
        'bbox_scale': np.array([150.0, 200.0], dtype=np.float32),
        **kwargs,
    }


def test_keys():
    keypoints = np.array([[[320.0, 200.0], [245.0, 100.0], [0.0, 0.0]]], np.float32)
    given = results(keypoints=keypoints, keypoints_conf=np.ones((1, 3)))
    done = TopdownAffine(SIZE)(dict(given))
    assert done['img'].shape == (256, 192, 3)
    expected = [[95.5, 127.5], [-0.5, -0.5]]
    np.testing.assert_allclose(done['keypoints'][0, :2], expected, atol=1e-4)
    np.testing.assert_array_equal(done['keypoints_conf'], 1)
    assert done['input_size'] == SIZE
    np.testing.assert_array_equal(done['input_center'], given['bbox_center'])
    np.testing.assert_array_equal(done['input_scale'], given['bbox_scale'])
    homogeneous = np.append(keypoints[0, 2], 1)
    mapped = done['input_affine'] @ homogeneous
    np.testing.assert_allclose(mapped, done['keypoints'][0, 2], atol=1e-3)
    assert (keypoints[0, 0] == [320, 200]).all()


def test_a_crop_of_another_aspect_would_stretch_people():
    done = TopdownAffine((288, 384))(results())
    assert done['img'].shape == (384, 288, 3)
    with pytest.raises(ValueError, match=r'input_size 256 x 256.*of 150 x 200 px'):
        TopdownAffine((256, 256))(results())


@pytest.mark.parametrize(
    'bad',
    [{'bbox_center': np.array([np.nan, 1])}, {'bbox_scale': np.array([0.0, 5.0])}],
)
def test_bad_boxes(bad):
    with pytest.raises(ValueError, match='expected two'):
        TopdownAffine()(results(**bad))
