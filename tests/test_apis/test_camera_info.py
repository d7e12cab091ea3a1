"""Where a picture's camera comes from."""

import math

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from deforhmr_mm.apis.camera_info import (
    CameraInfo,
    focal_length_from_exif,
    resolve_camera,
)
from deforhmr_mm.datasets import read_image

ORIENTATION = 0x0112
EXIF_IFD = 0x8769
FOCAL_LENGTH = 0x920A
WIDTH, HEIGHT = 0xA002, 0xA003
PLANE_X, PLANE_UNIT = 0xA20E, 0xA210
ZOOM = 0xA404
FILM = 0xA405


@pytest.fixture
def write(tmp_path):
    """Write a picture with EXIF tags; width and height as stored."""

    def write(tags, size=(400, 300), name='photo.jpg', orientation=1):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        exif[EXIF_IFD] = dict(tags)
        path = tmp_path / name
        Image.new('RGB', size, (90, 120, 30)).save(path, exif=exif.tobytes())
        return path

    return write


@pytest.mark.parametrize('name', ['a.jpg', 'a.png', 'a.webp', 'a.tif'])
def test_equivalent_focal_length_goes_by_the_diagonal(write, name):
    """400 x 300 has 500 pixels where film has 43.2666 mm."""
    path = write({FILM: 26}, name=name)
    assert focal_length_from_exif(path) == pytest.approx(26 * 500 / 43.2666, rel=1e-5)
    # Not by the width, which would be 26 * 400 / 36 = 288.9.
    assert focal_length_from_exif(path) == pytest.approx(300.46, abs=0.01)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_turned_pictures_have_the_same_focal_length(write, orientation):
    path = write({FILM: 26}, orientation=orientation)
    size = read_image(path).shape[:2]
    assert size == ((300, 400) if orientation < 5 else (400, 300))
    camera = resolve_camera(path, size, 'exif')
    assert camera.focal_length == pytest.approx(300.463, abs=1e-3)
    middle = (199.5, 149.5) if orientation < 5 else (149.5, 199.5)
    assert camera.principal_point == middle


@pytest.mark.parametrize(
    ('unit', 'resolution', 'expected'),
    [
        # 5 mm on a sensor of 400 pixels in 4 mm: 500 pixels.
        (2, 2540.0, 500.0),
        (3, 1000.0, 500.0),
        (4, 100.0, 500.0),
        (5, 0.1, 500.0),
        (None, 2540.0, 500.0),  # the standard's default is inches
        (1, 2540.0, None),
        (77, 2540.0, None),
    ],
)
def test_focal_plane_resolution(write, unit, resolution, expected):
    tags = {FOCAL_LENGTH: 5.0, PLANE_X: resolution}
    if unit is not None:
        tags[PLANE_UNIT] = unit
    focal = focal_length_from_exif(write(tags))
    assert focal == (expected and pytest.approx(expected, rel=1e-4))


def test_resized_pictures_scale(write):
    """4000 x 3000 as taken, 5 mm at 1000 pixels a millimetre; now a tenth."""
    tags = {FOCAL_LENGTH: 5.0, PLANE_X: 1000.0, PLANE_UNIT: 4}
    tags |= {WIDTH: 4000, HEIGHT: 3000}
    assert focal_length_from_exif(write(tags)) == pytest.approx(500)
    assert focal_length_from_exif(write({FILM: 26}, (800, 600))) == pytest.approx(
        2 * 300.463, abs=1e-3
    )


def test_pictures_that_were_turned_but_not_their_tags(write):
    tags = {FOCAL_LENGTH: 5.0, PLANE_X: 1000.0, PLANE_UNIT: 4}
    tags |= {WIDTH: 4000, HEIGHT: 3000}
    assert focal_length_from_exif(write(tags, (300, 400))) == pytest.approx(500)


def test_cut_pictures_tell_nothing(write):
    tags = {FILM: 26, WIDTH: 4000, HEIGHT: 3000}
    assert focal_length_from_exif(write(tags)) is not None
    assert focal_length_from_exif(write(tags, (300, 400))) is not None
    assert focal_length_from_exif(write(tags, (300, 300))) is None


def test_the_zoom_is_in_the_values_already(write):
    assert focal_length_from_exif(write({FILM: 52, ZOOM: 2.0})) == pytest.approx(
        2 * 300.463, abs=1e-3
    )


@pytest.mark.parametrize(
    'tags',
    [
        {},
        {FILM: 0},
        {FILM: 1},
        {FILM: 65535},
        {FOCAL_LENGTH: 5.0},
        {FOCAL_LENGTH: 0.0, PLANE_X: 1000.0, PLANE_UNIT: 4},
        {FOCAL_LENGTH: IFDRational(1, 0), PLANE_X: 1000.0, PLANE_UNIT: 4},
        {FOCAL_LENGTH: 5.0, PLANE_X: IFDRational(0, 0), PLANE_UNIT: 4},
        {FOCAL_LENGTH: 5.0, PLANE_X: 1e-3, PLANE_UNIT: 4},
        {FOCAL_LENGTH: 1e9, PLANE_X: 1000.0, PLANE_UNIT: 4},
    ],
    ids=str,
)
def test_nonsense_counts_as_missing(write, tags):
    path = write(tags)
    assert focal_length_from_exif(path) is None
    assert resolve_camera(path, (300, 400), 'auto') == (500, (199.5, 149.5), 'default')


def test_nonsense_gives_way_to_the_other_tags(write):
    tags = {FILM: 0, FOCAL_LENGTH: 5.0, PLANE_X: 100.0, PLANE_UNIT: 4}
    assert focal_length_from_exif(write(tags)) == pytest.approx(500)
    # Both: the equivalent focal length, which resizing does not touch.
    assert focal_length_from_exif(write({**tags, FILM: 26})) == pytest.approx(
        300.463, abs=1e-3
    )


def test_files_without_exif_data(tmp_path, write):
    plain = tmp_path / 'plain.png'
    Image.new('RGB', (40, 30)).save(plain)
    assert focal_length_from_exif(plain) is None
    text = tmp_path / 'text.jpg'
    text.write_text('hello')
    assert focal_length_from_exif(text) is None
    empty = tmp_path / 'empty.jpg'
    empty.write_bytes(b'')
    assert focal_length_from_exif(empty) is None
    with pytest.raises(FileNotFoundError):
        focal_length_from_exif(tmp_path / 'none.jpg')


@pytest.mark.filterwarnings('error')
def test_damaged_exif_data_count_as_missing(write):
    """Whatever byte of the segment is changed, nothing but a number or None comes."""
    whole = write({FILM: 26, FOCAL_LENGTH: 5.0, PLANE_X: 100.0, PLANE_UNIT: 4})
    data = whole.read_bytes()
    start = data.index(b'Exif')
    rng = np.random.default_rng(0)
    path = whole.with_name('damaged.jpg')
    for _ in range(300):
        damaged = bytearray(data)
        for at in rng.integers(start, start + 150, 3):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        focal = focal_length_from_exif(path)
        assert focal is None or 50 <= focal <= 50_000


def test_large_pictures_are_not_refused(write, monkeypatch):
    path = write({FILM: 26})
    png = write({FILM: 26}, name='a.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1000)  # for 120,000 pixels
    assert focal_length_from_exif(path) == pytest.approx(300.463, abs=1e-3)
    assert focal_length_from_exif(png) is None


@pytest.mark.filterwarnings('error')
def test_fairly_large_pictures_give_no_warning(write, monkeypatch):
    png = write({FILM: 26}, name='a.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100_000)
    assert focal_length_from_exif(png) == pytest.approx(300.463, abs=1e-3)


def test_sources(write):
    path = write({FILM: 26})
    size = (300, 400)
    exif = pytest.approx(300.463, abs=1e-3)
    assert resolve_camera(path, size) == (500, (199.5, 149.5), 'default')
    assert resolve_camera(path, size, 'default') == (500, (199.5, 149.5), 'default')
    assert resolve_camera(path, size, 'exif') == (exif, (199.5, 149.5), 'exif')
    assert resolve_camera(path, size, 'auto').source == 'exif'
    assert resolve_camera(path, size, 321) == (321, (199.5, 149.5), 'given')
    assert resolve_camera(None, size, 'auto').source == 'default'
    assert resolve_camera(None, size, np.float32(321.0), np.array([1, 2])) == (
        CameraInfo(321.0, (1.0, 2.0), 'given')
    )
    assert isinstance(resolve_camera(None, size, np.float32(321)).focal_length, float)


@pytest.mark.parametrize(
    ('focal_length', 'principal_point', 'message'),
    [
        (0, None, 'focal_length must be a positive number of pixels: 0'),
        (-1, None, 'focal_length'),
        (math.nan, None, 'focal_length'),
        (math.inf, None, 'focal_length'),
        ([5, 5], None, 'focal_length'),
        ('iphone', None, "'exif', 'auto' or 'default', got 'iphone'"),
        ('exif', None, "arrays and videos have no EXIF data.*'auto'"),
        (None, (1, math.nan), 'principal_point'),
        (None, (1, 2, 3), 'principal_point'),
        (None, 'center', 'principal_point'),
    ],
)
def test_wrong_cameras_are_named(focal_length, principal_point, message):
    with pytest.raises(ValueError, match=message):
        resolve_camera(None, (300, 400), focal_length, principal_point)


def test_a_file_without_a_focal_length_is_named(write):
    path = write({})
    with pytest.raises(ValueError, match=r'photo\.jpg has no EXIF data with a usable'):
        resolve_camera(path, (300, 400), 'exif')
