"""A crop from a partly decoded file against the one from the whole picture."""

import cv2
import numpy as np
import pytest
from PIL import Image

from deforhmr_mm.datasets.transforms import (
    EncodedJPEG,
    ImageReadError,
    LoadImage,
    RandomBBoxTransform,
    RandomFlip,
    TopdownAffine,
    read_image,
)
from deforhmr_mm.datasets.transforms.jpeg import read_jpeg_layout
from deforhmr_mm.datasets.transforms.partial_decoding import decode_for_crop
from deforhmr_mm.geometry import crop_affine

HEIGHT, WIDTH = 1081, 1443
SIZE = (192, 256)
OPTIONS = {
    'baseline': [],
    'full chroma': [
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ],
    'progressive': [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    'restart': [cv2.IMWRITE_JPEG_RST_INTERVAL, 7],
}


def make_picture():
    """Waves, texture of 3 to 30 pixels, and a few hard edges."""
    rng = np.random.default_rng(0)
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    picture = 128 + 40 * np.sin(u / 70) * np.cos(v / 50)
    picture = picture[..., None].repeat(3, axis=2)
    for cell in (3, 10, 30):
        shape = (HEIGHT // cell, WIDTH // cell, 3)
        noise = rng.normal(0, 10, shape).astype(np.float32)
        picture += cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    picture[300:500, 600:650] = (20, 200, 90)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A file of each kind, and the last one grey."""
    folder = tmp_path_factory.mktemp('pictures')
    picture = make_picture()
    paths = {kind: folder / f'{kind}.jpg' for kind in (*OPTIONS, 'grey')}
    for kind, options in OPTIONS.items():
        cv2.imwrite(str(paths[kind]), picture, [cv2.IMWRITE_JPEG_QUALITY, 92, *options])
    cv2.imwrite(str(paths['grey']), picture[..., 1])
    return paths


def sample(path, height, center=(700.4, 420.7)):
    return {
        'img_path': str(path),
        'bbox_center': np.array(center, dtype=np.float32),
        'bbox_scale': np.array([0.75 * height, height], dtype=np.float32),
    }


def crops(path, height, center=(700.4, 420.7), augment=False):
    """The crop from the part that is decoded, and from the whole picture."""
    made = []
    for defer in (True, False):
        results = LoadImage(defer)(sample(path, height, center))
        if augment:
            np.random.seed(int(height))
            for transform in (RandomFlip(prob=1), RandomBBoxTransform(rotate_prob=1)):
                results = transform(results)
        made.append(TopdownAffine(SIZE)(results)['img'])
    return made


@pytest.mark.parametrize('kind', [*OPTIONS, 'grey'])
@pytest.mark.parametrize('height', [100, 300, 400])
@pytest.mark.parametrize('augment', [False, True])
def test_without_reduction_the_crop_is_the_same(files, kind, height, augment, capfd):
    part, whole = crops(files[kind], height, augment=augment)
    assert whole.std() > 10
    np.testing.assert_array_equal(part, whole)
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize(
    'center', [(96.0, 60.0), (700.0, 1000.0), (5000.0, 500.0), (700.0, -900.0)]
)
def test_boxes_at_the_border_and_outside(files, center):
    part, whole = crops(files['baseline'], 300, center)
    np.testing.assert_array_equal(part, whole)


@pytest.mark.parametrize('kind', ['baseline', 'progressive', 'grey'])
@pytest.mark.parametrize('height', [570, 900, 1300, 2400])
@pytest.mark.parametrize('augment', [False, True])
def test_a_reduced_crop_is_close(files, kind, height, augment):
    part, whole = crops(files[kind], height, augment=augment)
    # The border of the picture fades to black over about one pixel of the crop.
    is_inside = (whole.max(axis=2) > 0).astype(np.uint8)
    is_inside = cv2.erode(is_inside, np.ones((5, 5)), borderValue=1) > 0
    assert is_inside.mean() > 0.2
    difference = (part.astype(float) - whole)[is_inside]
    assert np.abs(difference).mean() < 2
    assert 10 * np.log10(255**2 / np.square(difference).mean()) > 36
    assert abs(difference.mean()) < 0.3


@pytest.mark.parametrize('height', [300, 600, 620, 1150, 1300, 2300, 2600])
@pytest.mark.parametrize('turn', [0.0, 25.0])
def test_a_dot_lands_where_it_belongs(height, turn, tmp_path):
    target = np.array([120.3, 90.8])
    center = np.array([700.4, 520.7])
    affine = crop_affine(center, (0.75 * height, height), SIZE, turn)
    x, y = np.linalg.inv(affine[:, :2]) @ (target - affine[:, 2])
    sigma = 3 * height / 256
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    dot = 255 * np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * sigma**2))
    path = tmp_path / 'dot.jpg'
    cv2.imwrite(str(path), dot.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 98])
    angle = np.deg2rad(turn)
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    results = LoadImage(defer=True)(sample(path, height, center))
    offset = center - turned @ center
    results['image_affine'] = np.column_stack([turned, offset]).astype(np.float32)
    crop = TopdownAffine(SIZE)(results)['img'][..., 0].astype(float)
    crop[crop < 8] = 0  # what JPEG leaves around the dot
    rows, columns = np.mgrid[:256, :192]
    found = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum()
    np.testing.assert_allclose(found, target, atol=0.1)


@pytest.mark.parametrize(
    ('shrink', 'factor'),
    [(1.0, 1), (2.19, 1), (2.21, 2), (4.39, 2), (4.41, 4), (8.79, 4), (8.81, 8)],
)
def test_what_is_decoded(files, shrink, factor):
    encoded = LoadImage(defer=True)(sample(files['baseline'], 9))['encoded_img']
    # The crop ends at row 600.
    center = (700.0, 600.5 - 128 * shrink)
    affine = crop_affine(center, shrink * np.array(SIZE), SIZE)
    image, adapted = decode_for_crop(encoded, affine, SIZE)
    assert image.shape[1] == -(-WIDTH // factor)
    assert 600 < factor * image.shape[0] <= 600 + 2 * shrink + 26
    # Where the first reduced pixel lies: in the middle of those that it covers.
    middle = np.full(2, (factor - 1) / 2)
    expected = affine[:, :2] @ middle + affine[:, 2]
    np.testing.assert_allclose(adapted[:, 2], expected, atol=1e-9)
    # Flat boxes are reduced for the finer of the two directions.
    flat = np.array([[1 / 8.9, 0, 0], [0, 1 / shrink, 0]])
    image, _ = decode_for_crop(encoded, flat, SIZE)
    assert image.shape[1] == -(-WIDTH // factor)


def test_all_rows_where_scans_or_restarts_stand_in_the_way(files):
    for kind, rows in (('baseline', 100), ('progressive', HEIGHT), ('restart', HEIGHT)):
        encoded = LoadImage(defer=True)(sample(files[kind], 300))['encoded_img']
        assert encoded.decode(rows=100).shape == (rows, WIDTH, 3)


def test_every_number_of_rows_near_the_end(files):
    encoded = LoadImage(defer=True)(sample(files['baseline'], 300))['encoded_img']
    whole = encoded.decode()
    for rows in range(HEIGHT - 70, HEIGHT + 1):
        part = encoded.decode(rows=rows)
        assert rows <= len(part) <= HEIGHT
        np.testing.assert_array_equal(part[: rows - 2], whole[: rows - 2])


def test_pictures_behind_the_first_one(files, capfd):
    """As cameras store them (MPF): the first one ends before the file does."""
    data = files['baseline'].read_bytes()
    index = b'MPF\x00' + bytes(8)
    segment = b'\xff\xe2' + (len(index) + 2).to_bytes(2, 'big') + index
    first = data[:2] + segment + data[2:]
    layout = read_jpeg_layout(first + data)
    assert layout.end == len(first) - 2
    part = EncodedJPEG(first + data, 'name', layout).decode(rows=100)
    whole = EncodedJPEG(data, 'name', read_jpeg_layout(data)).decode()
    np.testing.assert_array_equal(part[:98], whole[:98])
    assert capfd.readouterr() == ('', '')


def test_keys_of_a_deferred_picture(files):
    results = LoadImage(defer=True)({**sample(files['grey'], 300), 'img': None})
    assert isinstance(results['encoded_img'], EncodedJPEG)
    assert 'img' not in results
    assert results['ori_shape'] == (HEIGHT, WIDTH)
    np.testing.assert_array_equal(results['principal_point'], [721, 540])
    cropped = TopdownAffine(SIZE)(results)
    assert 'encoded_img' not in cropped
    assert cropped['img'].shape == (256, 192, 3)


@pytest.mark.parametrize('orientation', [None, 1, 3, 6])
def test_pictures_that_are_stored_turned_do_not_wait(orientation, tmp_path):
    path = tmp_path / 'turned.jpg'
    exif = Image.Exif()
    exif[0x010F] = 'maker'
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(make_picture()).save(path, exif=exif)
    results = LoadImage(defer=True)(sample(path, 300))
    if orientation in (None, 1):
        assert results['encoded_img'].layout.is_upright
    else:
        np.testing.assert_array_equal(results['img'], read_image(path))


@pytest.mark.parametrize(
    'exif', [b'MM\x00*\xff\xff\xff\xff', b'??', b'II*\x00\x08\x00\x00\x00\xff\xff']
)
def test_exif_data_that_cannot_be_read(exif, files, tmp_path):
    content = b'Exif\x00\x00' + exif
    segment = b'\xff\xe1' + (len(content) + 2).to_bytes(2, 'big') + content
    data = files['baseline'].read_bytes()
    path = tmp_path / 'exif.jpg'
    path.write_bytes(data[:2] + segment + data[2:])
    results = LoadImage(defer=True)(sample(path, 300))
    assert results['img'].shape == (HEIGHT, WIDTH, 3)


def test_what_does_not_wait(tmp_path):
    picture = make_picture()
    path = tmp_path / 'picture.png'
    cv2.imwrite(str(path), picture)
    results = LoadImage(defer=True)(sample(path, 300))
    np.testing.assert_array_equal(results['img'], picture)
    given = LoadImage(defer=True)({'img': picture})
    assert given['img'] is picture and 'encoded_img' not in given


def test_bad_files(files, tmp_path):
    data = files['baseline'].read_bytes()
    path = tmp_path / 'bad.jpg'
    for content, message in ((b'', 'is empty'), (data[:-2], 'is cut off')):
        path.write_bytes(content)
        with pytest.raises(ImageReadError, match=f'bad.jpg {message}'):
            LoadImage(defer=True)(sample(path, 300))
    with pytest.raises(FileNotFoundError, match='no.jpg does not exist'):
        LoadImage(defer=True)(sample(tmp_path / 'no.jpg', 300))
    # A frame without tables and scan: whole, but no picture.
    frame = b'\xff\xc0\x00\x0b\x08\x00\x40\x00\x40\x01\x01\x11\x00'
    path.write_bytes(b'\xff\xd8' + frame + b'\xff\xd9')
    results = LoadImage(defer=True)(sample(path, 300))
    with pytest.raises(ImageReadError, match='bad.jpg cannot be decoded'):
        TopdownAffine(SIZE)(results)
