"""Odd pictures and arrays all the way through inference."""

import re
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from deforhmr_mm.apis import inference_topdown, init_model


@pytest.fixture(scope='module')
def model(tiny_model):
    return init_model(tiny_model.config, tiny_model.weights)


def vertices(model, img, boxes=None):
    (sample,) = inference_topdown(model, img, boxes)
    person = sample.pred_instances
    assert all(bool(torch.isfinite(value).all()) for value in person.values())
    return person.vertices


def test_arrays_give_what_their_files_give(model, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 4), np.uint8)
    bgra = cv2.resize(noise, (80, 60), interpolation=cv2.INTER_CUBIC)
    grey = bgra[..., 0]
    wide = bgra.astype(np.uint16) * 257
    for array in (grey, bgra, wide, wide[..., :3], wide[..., 0]):
        path = tmp_path / 'picture.png'
        cv2.imwrite(str(path), array)
        torch.testing.assert_close(vertices(model, array), vertices(model, path))
    torch.testing.assert_close(
        vertices(model, grey[..., None]), vertices(model, np.dstack([grey] * 3))
    )


def test_one_pixel(model, tmp_path):
    path = tmp_path / 'one.png'
    for pixel in (np.full((1, 1, 3), 90, np.uint8), np.full((1, 1), 90, np.uint8)):
        cv2.imwrite(str(path), pixel)
        torch.testing.assert_close(vertices(model, pixel), vertices(model, path))


@pytest.mark.parametrize(
    'kind', ['tensor', 'pillow', 'list', 'none'], ids=lambda kind: kind
)
def test_what_is_neither_path_nor_array_is_named(model, kind):
    img = {
        'tensor': torch.zeros(4, 4, 3),
        'pillow': Image.new('RGB', (4, 4)),
        'list': [[0]],
        'none': None,
    }[kind]
    with pytest.raises(TypeError, match=rf'numpy array.*got .*{type(img).__name__}'):
        inference_topdown(model, img)


def peak_bytes():
    """The most memory that this process has held since its peak was last cleared."""
    status = Path('/proc/self/status').read_text()
    return 1024 * int(re.search(r'VmHWM:\s+(\d+)', status)[1])


def test_108_megapixels(model, tmp_path):
    """Memory is bounded by twice the picture, which OpenCV takes, and time by it."""
    large, small = tmp_path / 'large.jpg', tmp_path / 'small.jpg'
    picture = np.full((9000, 12_000, 3), (30, 120, 200), np.uint8)
    assert cv2.imwrite(str(large), picture)
    assert cv2.imwrite(str(small), picture[:400, :400])
    expected = vertices(model, small, [[100, 60, 200, 260]])
    size = picture.nbytes
    del picture
    # Linux starts to count the peak anew: those of tests before this one are forgotten.
    Path('/proc/self/clear_refs').write_text('5')
    before = peak_bytes()
    start = time.perf_counter()
    found = vertices(model, large, [[11_700, 8700, 11_800, 8900]])
    assert time.perf_counter() - start < 30
    # OpenCV's decoder holds it twice.
    assert peak_bytes() - before < 2.25 * size
    torch.testing.assert_close(found, expected)
