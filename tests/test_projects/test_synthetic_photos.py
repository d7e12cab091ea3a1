import cv2
import numpy as np
import pytest
from mmengine.logging import MMLogger
from synthetic.backgrounds import PHOTO_SHARE, paint_background
from synthetic.camera import Camera
from synthetic.photos import list_photos, random_crop

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
CAMERA = Camera(64, 48, 80.0, np.array([32.0, 24.0]), np.diag([1.0, -1.0, -1.0]))


@pytest.fixture
def folder(tmp_path):
    """Two tiny photographs, in folders of their own, and what only looks like one."""
    for name, colour in (('a/red.jpg', RED), ('b/blue.PNG', BLUE)):
        path = tmp_path / name
        path.parent.mkdir()
        bgr = np.array(colour[::-1]) * 255
        cv2.imwrite(str(path), np.full((20, 30, 3), bgr, dtype=np.uint8))
    (tmp_path / 'broken.jpg').write_bytes(b'not a picture')
    (tmp_path / 'notes.txt').write_text('no picture either')
    return tmp_path


def test_pictures_are_listed_by_name_at_any_depth(folder):
    names = [str(p.relative_to(folder)) for p in list_photos(folder)]
    assert names == ['a/red.jpg', 'b/blue.PNG', 'broken.jpg']
    with pytest.raises(FileNotFoundError, match='no pictures'):
        list_photos(folder / 'nowhere')


def test_crops_fill_the_picture_in_rgb(folder):
    red, blue, _ = list_photos(folder)
    for path, colour in ((red, RED), (blue, BLUE)):
        crop = random_crop(np.random.default_rng(0), CAMERA, [path])
        assert crop.shape == (48, 64, 3) and crop.dtype == np.float32
        np.testing.assert_allclose(crop, np.broadcast_to(colour, crop.shape), atol=0.02)


def test_crops_keep_their_proportions_and_may_be_mirrored(tmp_path):
    """In a picture of its own coordinates a crop shows where it was cut."""
    rows, columns = np.meshgrid(np.arange(200), np.arange(240), indexing='ij')
    image = np.stack([0 * rows, rows, columns], axis=-1).astype(np.uint8)  # BGR
    path = tmp_path / 'ramp.png'
    cv2.imwrite(str(path), image)
    steps = []
    for seed in range(12):
        crop = 255 * random_crop(np.random.default_rng(seed), CAMERA, [path])
        across = np.diff(crop[..., 0], axis=1).mean()
        steps.append(across)
        assert np.diff(crop[..., 1], axis=0).mean() == pytest.approx(
            abs(across), rel=0.05
        )
    assert min(steps) < 0 < max(steps)


def test_an_unreadable_photograph_is_replaced_with_one_warning(folder, caplog):
    broken = [folder / 'broken.jpg']
    logger = MMLogger.get_instance('synthesize')
    logger.addHandler(caplog.handler)
    try:
        for seed in range(6):
            rng = np.random.default_rng(seed)
            picture = paint_background(rng, CAMERA, 1.5, 4.0, broken)
            assert picture.shape == (48, 64, 3) and np.isfinite(picture).all()
    finally:
        logger.removeHandler(caplog.handler)
    assert caplog.text.count('broken.jpg: not a picture') == 1


def test_photographs_are_used_as_often_as_said(folder):
    photos = list_photos(folder)[:1]
    rng = np.random.default_rng(0)
    count = 300
    shown = 0
    for _ in range(count):
        picture = paint_background(rng, CAMERA, 1.5, 4.0, photos)
        shown += np.abs(picture - RED).max() < 0.05
    assert shown / count == pytest.approx(PHOTO_SHARE, abs=0.07)
