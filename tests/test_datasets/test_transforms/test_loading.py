import cv2
import numpy as np
import pytest
from PIL import Image

from deforhmr_mm.datasets.transforms import (
    ImageReadError,
    LoadImage,
    RandomFlip,
    decode_image,
    read_image,
    read_sample_image,
)

PICTURE = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8), (0, 0), 2
)


def encode(extension, *options):
    ok, data = cv2.imencode(extension, PICTURE, list(options))
    assert ok
    return data.tobytes()


PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
FILES = {
    'jpg': encode('.jpg'),
    'progressive': encode('.jpg', *PROGRESSIVE),
    'restart': encode('.jpg', cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    'png': encode('.png'),
    'bmp': encode('.bmp'),
}


@pytest.mark.parametrize('kind', FILES)
def test_whole_pictures(kind, tmp_path):
    path = tmp_path / 'picture'
    path.write_bytes(FILES[kind])
    image = read_image(path)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - PICTURE).mean() < 2


def test_bytes_after_the_end_of_a_jpeg_are_no_error():
    data = FILES['jpg']
    trailer = b'\xff\xda' + bytes(100)
    np.testing.assert_array_equal(
        decode_image(data + trailer, 'x'), decode_image(data, 'x')
    )


def test_a_thumbnail_does_not_hide_a_cut(tmp_path):
    # The thumbnail in the EXIF segment has an end marker of its own.
    thumbnail = encode('.jpg')[:8000]
    segment = b'\xff\xe1' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail
    data = FILES['jpg'][:2] + segment + FILES['jpg'][2:]
    assert decode_image(data, 'x').shape == PICTURE.shape
    with pytest.raises(ImageReadError, match='cut off'):
        decode_image(data[:-2], 'x')


@pytest.mark.parametrize('kind', ['jpg', 'progressive', 'restart', 'png'])
@pytest.mark.parametrize('keep', [3, 200, 0.5, 0.9, -2])
def test_cut_off_pictures(kind, keep):
    data = FILES[kind]
    length = int(keep * len(data)) if isinstance(keep, float) else keep
    with pytest.raises(ImageReadError, match='some/name.*is cut off|some/name.*cannot'):
        decode_image(data[:length], 'some/name')


def test_other_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='no.jpg does not exist'):
        read_image(tmp_path / 'no.jpg')
    with pytest.raises(ImageReadError, match='cannot be read'):
        read_image(tmp_path)
    for content, message in ((b'', 'is empty'), (b'hello', 'not a picture')):
        path = tmp_path / 'bad.jpg'
        path.write_bytes(content)
        with pytest.raises(ImageReadError, match=f'bad.jpg.*{message}'):
            read_image(path)


def test_grey_alpha_and_orientation(tmp_path):
    grey = tmp_path / 'grey.png'
    cv2.imwrite(str(grey), PICTURE[..., 0])
    np.testing.assert_array_equal(read_image(grey), PICTURE[..., :1].repeat(3, axis=2))

    alpha = tmp_path / 'alpha.png'
    cv2.imwrite(str(alpha), np.dstack([PICTURE, np.full((90, 120), 7, np.uint8)]))
    np.testing.assert_array_equal(read_image(alpha), PICTURE)

    turned = tmp_path / 'turned.png'
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a quarter, clockwise
    Image.fromarray(PICTURE[..., ::-1].copy()).save(
        turned.with_suffix('.jpg'), exif=exif
    )
    image = read_image(turned.with_suffix('.jpg'))
    expected = np.rot90(PICTURE, -1)
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 10


def test_the_camera_is_completed():
    results = LoadImage()({'img': PICTURE})
    assert results['ori_shape'] == (90, 120)
    assert results['focal_length'] == pytest.approx(150)
    np.testing.assert_array_equal(results['principal_point'], [59.5, 44.5])
    np.testing.assert_array_equal(results['image_affine'], np.eye(2, 3))
    assert results['flip'] is False

    given = {'focal_length': 77.0, 'principal_point': np.array([3.0, 4.0])}
    results = LoadImage()({'img': PICTURE, **given})
    assert results['focal_length'] == 77
    np.testing.assert_array_equal(results['principal_point'], [3, 4])

    unknown = {'focal_length': np.nan, 'principal_point': np.full(2, np.nan)}
    results = LoadImage()({'img': PICTURE, **unknown})
    assert results['focal_length'] == pytest.approx(150)
    assert np.isfinite(results['principal_point']).all()


@pytest.mark.parametrize('turns', range(5))
def test_a_sample_s_picture_is_read_again_upright(tmp_path, turns):
    path = tmp_path / 'picture.png'
    path.write_bytes(FILES['png'])
    sample = LoadImage()({'img_path': str(path), 'image_turns': turns})
    np.testing.assert_array_equal(read_sample_image(sample), np.rot90(PICTURE, -turns))
    mirrored = RandomFlip(prob=1.0)({**sample, 'bbox_center': np.zeros(2)})
    np.testing.assert_array_equal(
        read_sample_image(mirrored), np.rot90(PICTURE, -turns)[:, ::-1]
    )
    stored = read_sample_image({'img_path': str(path)})
    np.testing.assert_array_equal(stored, PICTURE)


def test_a_sample_s_picture_is_read_again_from_an_archive(tmp_path):
    archive = tmp_path / 'few.tar'
    archive.write_bytes(b'before' + FILES['png'] + b'after')
    place = (str(archive), 6, len(FILES['png']))
    sample = {'img_path': f'{archive}:x/7.png', 'img_archive': place}
    np.testing.assert_array_equal(read_sample_image(sample), PICTURE)
    archive.unlink()
    with pytest.raises(FileNotFoundError, match='few.tar of the picture .*7.png does'):
        read_sample_image(sample)


@pytest.mark.parametrize('bad', [PICTURE[..., 0], PICTURE.astype(np.float32)])
def test_an_array_that_is_no_picture(bad):
    with pytest.raises(ValueError, match='uint8 in BGR'):
        LoadImage()({'img': bad})
