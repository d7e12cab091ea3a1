"""Odd pictures and arrays all the way through inference."""

import os
import subprocess
import sys
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


LARGE = (9000, 12_000)  # 108 megapixels
# A box in the part below, and the same in the large picture: 8640 rows further down
# and 11,600 columns to the right, whole blocks of a JPEG's.
SMALL_BOX, LARGE_BOX = [100, 60, 200, 260], [11_700, 8700, 11_800, 8900]


@pytest.fixture
def part():
    noise = np.random.default_rng(0).integers(0, 256, (9, 10, 3), np.uint8)
    return cv2.resize(noise, (400, 360), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def large(part, tmp_path):
    """The path of a large picture that is of one colour except for its last corner."""
    picture = np.full((*LARGE, 3), (30, 120, 200), np.uint8)
    picture[-len(part) :, -part.shape[1] :] = part
    path = tmp_path / 'large.jpg'
    assert cv2.imwrite(str(path), picture)
    return path


def test_108_megapixels(model, large, part, tmp_path):
    small = tmp_path / 'small.jpg'
    assert cv2.imwrite(str(small), part)
    found = vertices(model, large, [LARGE_BOX])
    expected = vertices(model, small, [SMALL_BOX])
    # Places of pixels are rounded; a box off by a tenth of a pixel makes as much.
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


CLEAR_PEAK = Path('/proc/self/clear_refs')
# Says what inference takes beyond what a process holds that has a model and has used
# it. Linux counts the peak anew when 5 is written to clear_refs.
MEASURE = f"""
import re, sys
from pathlib import Path
import numpy as np
from deforhmr_mm.apis import inference_topdown, init_model

def memory(name):
    status = Path('/proc/self/status').read_text()
    return 1024 * int(re.search(name + r':\\s+(\\d+)', status)[1])

model = init_model(*sys.argv[1:3])
inference_topdown(model, np.zeros((400, 400, 3), np.uint8), [{SMALL_BOX}])
Path('{CLEAR_PEAK}').write_text('5')
before = memory('VmRSS')
inference_topdown(model, sys.argv[3], [{LARGE_BOX}])
print(memory('VmHWM') - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not os.access(CLEAR_PEAK, os.W_OK),
    reason=f'needs {CLEAR_PEAK}, by which Linux forgets a peak of memory',
)
def test_memory_of_108_megapixels(tiny_model, large):
    """It is bounded by twice the picture, which OpenCV's decoder takes."""
    result = subprocess.run(
        [sys.executable, '-c', MEASURE, *tiny_model, large],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    size = 3 * LARGE[0] * LARGE[1]
    # Less than the picture would mean that its decoding was not measured.
    assert size < int(result.stdout.splitlines()[-1]) < 2.25 * size
