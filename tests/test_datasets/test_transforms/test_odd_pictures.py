"""Pictures in formats that are not plain 8-bit colour: what is read, what refused."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from deforhmr_mm.datasets.transforms import ImageReadError, decode_image, read_image
from deforhmr_mm.datasets.transforms.pixel_formats import to_bgr
from deforhmr_mm.datasets.transforms.reading import keep_encoded

LEFT, RIGHT = (200, 100, 50), (10, 20, 240)  # RGB
RGB = np.empty((8, 12, 3), np.uint8)
RGB[:, :6], RGB[:, 6:] = LEFT, RIGHT
# The upper half is cut out; a hidden colour is in none of the results.
RGBA = np.dstack([RGB, np.full((8, 12), 255, np.uint8)])
RGBA[:4, :, 3] = 0
CUT_OUT = RGB.copy()
CUT_OUT[:4] = 0
GREY = np.asarray(Image.fromarray(RGB).convert('L'))


def save(image, file_format, **options):
    buffer = io.BytesIO()
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def encode(extension, image):
    ok, data = cv2.imencode(extension, image)
    assert ok
    return data.tobytes()


def close(data, rgb, tolerance=0):
    for image in (decode_image(data, 'x'), decoded_later(data)):
        assert image.dtype == np.uint8 and image.shape == (*rgb.shape[:2], 3)
        assert image.flags.c_contiguous
        difference = np.abs(image[..., ::-1].astype(int) - rgb)
        assert difference.max() <= tolerance


def decoded_later(data):
    """As the data sets' deferred reading does it."""
    kept = keep_encoded(data, 'x')
    return kept if isinstance(kept, np.ndarray) else kept.decode()


PALETTE = Image.fromarray(RGB).convert('P', palette=Image.Palette.ADAPTIVE)
OTHER = Image.fromarray(255 - RGB)
ANIMATION = dict(save_all=True, append_images=[OTHER])


@pytest.mark.parametrize(
    'data',
    [
        save(PALETTE, 'PNG'),
        save(RGB, 'PNG', **ANIMATION),
        save(PALETTE, 'GIF'),
        save(RGB, 'GIF', **ANIMATION),
        save(RGB, 'WEBP', lossless=True, **ANIMATION),
        save(RGB, 'TIFF', **ANIMATION),
        save(Image.fromarray(RGB).convert('CMYK'), 'TIFF'),
        save(RGB, 'BMP'),
        save(RGB, 'PPM'),
        save(RGB, 'JPEG2000'),
        encode('.png', RGB[..., ::-1].astype(np.uint16) * 257),
        encode('.tif', RGB[..., ::-1].astype(np.uint16) * 257),
    ],
    ids=(
        'palette apng gif gif-frames webp-frames pages cmyk-tiff bmp ppm jp2 png16 '
        'tiff16'
    ).split(),
)
def test_colours_stay_and_the_first_frame_is_taken(data):
    close(data, RGB)


def test_cmyk_jpeg():
    data = save(Image.fromarray(RGB).convert('CMYK'), 'JPEG', quality=95)
    close(data, RGB, tolerance=3)


def test_avif():
    pytest.importorskip('PIL._avif', reason='this build of Pillow has no AVIF')
    picture = np.kron(RGB, np.ones((8, 8, 1), np.uint8))
    data = save(picture, 'AVIF', quality=100, subsampling='4:4:4')
    close(data, picture, tolerance=6)


@pytest.mark.parametrize(
    'data',
    [
        save(GREY, 'PNG'),
        save(GREY, 'TIFF'),
        encode('.png', GREY.astype(np.uint16) * 257),
        encode('.pgm', GREY.astype(np.uint16) * 257),
        save(GREY, 'JPEG', quality=100),
    ],
    ids='png tiff png16 pgm16 jpeg'.split(),
)
def test_grey_is_repeated(data):
    # JPEG's transform rounds.
    close(data, GREY[..., None].repeat(3, axis=2), tolerance=2)


@pytest.mark.parametrize(
    'data',
    [
        save(RGBA, 'PNG'),
        encode('.png', RGBA[..., [2, 1, 0, 3]].astype(np.uint16) * 257),
        save(RGBA, 'TIFF'),
        save(RGBA, 'GIF'),
        save(RGBA, 'WEBP', lossless=True, exact=True),
        save(RGBA, 'WEBP', lossless=True, save_all=True, append_images=[OTHER]),
    ],
    ids='png png16 tiff gif webp webp-frames'.split(),
)
def test_transparent_pixels_are_black(data):
    close(data, CUT_OUT)


def test_transparent_colours_of_a_palette_and_of_a_key():
    key = CUT_OUT.copy()
    key[:] = RGB
    key[:, :6] = 0
    close(save(RGB, 'PNG', transparency=LEFT), key)
    index = PALETTE.getpixel((0, 0))
    close(save(PALETTE, 'PNG', transparency=index), key)


def test_half_transparent_pixels_are_darker():
    rgba = RGBA.copy()
    rgba[0, :, 3] = 51  # a fifth
    expected = CUT_OUT.copy()
    expected[0, :6], expected[0, 6:] = (40, 20, 10), (2, 4, 48)
    close(save(rgba, 'PNG'), expected)
    grey = np.dstack([GREY, rgba[..., 3]])
    expected = np.rint(grey[..., :1] * (grey[..., 1:] / 255)).repeat(3, axis=2)
    close(save(Image.fromarray(grey, 'LA'), 'PNG'), expected, tolerance=1)


def test_16_bits_and_a_transparent_value():
    """OpenCV reads it, without the key: no value is clipped."""
    wide = GREY.astype(np.uint16) * 257
    data = save(Image.fromarray(wide), 'PNG', transparency=int(wide[0, 0]))
    close(data, GREY[..., None].repeat(3, axis=2))


@pytest.mark.parametrize('value', [0, 7, 255])
def test_alpha_that_is_the_same_everywhere_says_nothing(value):
    rgba = RGBA.copy()
    rgba[..., 3] = value
    close(save(rgba, 'PNG'), RGB)


# Orientation and numpy's way to make the picture upright.
TURNS = {3: lambda a: a[::-1, ::-1], 6: lambda a: np.rot90(a, -1)}
TURNS |= {5: lambda a: a.transpose(1, 0, 2), 8: lambda a: np.rot90(a)}


@pytest.mark.parametrize('orientation', TURNS)
@pytest.mark.parametrize('file_format', ['JPEG', 'PNG', 'TIFF', 'WEBP'])
def test_pictures_are_upright(orientation, file_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {'WEBP': dict(lossless=True), 'JPEG': dict(quality=95)}
    turn = TURNS[orientation]
    rgb = np.kron(RGB, np.ones((8, 8, 1), np.uint8))  # JPEG blocks do not mix colours
    rgb[:16] //= 2
    data = save(rgb, file_format, exif=exif, **options.get(file_format, {}))
    # Chroma is interpolated over the edge between the colours.
    close(data, turn(rgb), tolerance=90 if file_format == 'JPEG' else 0)
    if file_format != 'JPEG':
        rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
        rgba[:24, :, 3] = 0
        data = save(rgba, file_format, exif=exif, **options.get(file_format, {}))
        rgb[:24] = 0
        close(data, turn(rgb))


@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16'])
def test_one_pixel(mode):
    image = Image.new(mode, (1, 1), 0 if mode == '1' else None)
    assert decode_image(save(image, 'PNG'), 'x').tolist() == [[[0, 0, 0]]]


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'is a HEIC picture.*Save it as JPEG'),
        (b'\0\0\0\x18ftypmif1\0\0\0\0mif1heic', 'is a HEIC picture.*Save it as JPEG'),
        (b'\0\0\0\x18ftypisom\0\0\0\0isommp42', 'is a video'),
        (b'RIFF\0\0\0\0AVI LIST', 'is a video'),
        (b'\x1aE\xdf\xa3\x01', 'is a video'),
        (b'\n<!DOCTYPE html><html></html>', 'is a web page.*Download it again'),
        (b'version https://git-lfs.github.com/spec/v1\n', 'is a Git LFS.*git lfs pull'),
        (b'%PDF-1.7', 'is a drawing'),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 'is a drawing'),
        (encode('.tif', RGB.astype(np.float32)), 'is a TIFF file of a kind'),
        (save(RGBA, 'WEBP')[:60], 'cannot be decoded'),
        (save(RGBA, 'TIFF')[:200], 'cannot be decoded|is a TIFF'),
        (bytes(50), 'cannot be decoded'),
    ],
)
def test_what_is_not_read_is_refused_in_one_line(data, message, tmp_path):
    path = tmp_path / 'odd.jpg'
    path.write_bytes(data)
    with pytest.raises(ImageReadError, match=rf'odd\.jpg {message}') as caught:
        read_image(path)
    text = str(caught.value)
    assert '\n' not in text and len(text) < 400
    with pytest.raises(ImageReadError, match=message):
        keep_encoded(data, 'odd.jpg')


@pytest.mark.parametrize('color_type', [2, 6])
def test_too_many_pixels_are_refused_in_one_line(color_type):
    header = b'IHDR' + struct.pack('>IIBBBBB', 60_000, 60_000, 8, color_type, 0, 0, 0)
    data = save(RGBA, 'PNG')
    data = data[:12] + header + struct.pack('>I', zlib.crc32(header)) + data[33:]
    with pytest.raises(ImageReadError, match='big.png.*pixels') as caught:
        decode_image(data, 'big.png')
    assert '\n' not in str(caught.value)


def test_arrays_of_any_pixel_format():
    bgr, bgra = RGB[..., ::-1], RGBA[..., [2, 1, 0, 3]]
    grey = GREY[..., None].repeat(3, axis=2)
    for array, expected in (
        (bgr, bgr),
        (GREY, grey),
        (GREY[..., None], grey),
        (bgra, CUT_OUT[..., ::-1]),
        (bgr.astype(np.uint16) * 257, bgr),
        (GREY.astype(np.uint16) * 257, grey),
        (bgra.astype(np.uint16) * 257, CUT_OUT[..., ::-1]),
        (np.full((1, 1), 9, np.uint8), np.full((1, 1, 3), 9)),
    ):
        before = array.copy()
        result = to_bgr(array)
        assert result.dtype == np.uint8
        np.testing.assert_array_equal(result, expected)
        np.testing.assert_array_equal(array, before)
    assert to_bgr(bgr) is bgr


@pytest.mark.parametrize(
    ('array', 'message'),
    [
        (np.zeros((4, 5, 3)), r'got float64 of shape \(4, 5, 3\): its range'),
        (np.zeros((4, 5), np.float32), 'float32.*scale it to 0 ... 255'),
        (np.zeros((4, 5), bool), 'got bool'),
        (np.zeros((4, 5, 3), np.int64), 'got int64'),
        (np.zeros((4, 5, 2), np.uint8), r'got uint8 of shape \(4, 5, 2\)'),
        (np.zeros((3, 4, 5), np.uint8), r'\(3, 4, 5\)'),
        (np.zeros((2, 4, 5, 3), np.uint8), r'\(2, 4, 5, 3\)'),
        (np.zeros((0, 5, 3), np.uint8), 'at least one pixel'),
        (np.zeros(7, np.uint8), r'\(7,\)'),
    ],
)
def test_arrays_that_are_no_pictures(array, message):
    with pytest.raises(ValueError, match=message):
        to_bgr(array)
