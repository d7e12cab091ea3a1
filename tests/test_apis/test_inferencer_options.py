"""Options of `MeshInferencer`, by what they do to its results and files."""

import json
import os

import cv2
import numpy as np
import pytest
from PIL import Image

from deforhmr_mm.apis import FORMATS, MeshInferencer
from deforhmr_mm.visualization import PALETTE

BOX = [40, 30, 80, 90]
EXIF_IFD, FILM = 0x8769, 0xA405


@pytest.fixture(scope='module')
def inferencer(tiny_model):
    return MeshInferencer(str(tiny_model.config), tiny_model.weights, 'cpu')


@pytest.fixture
def image():
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(noise, (120, 100), interpolation=cv2.INTER_CUBIC)


def names(*endings):
    return sorted(f'image_0000{ending}' for ending in endings)


def test_pictures_and_numbers_go_to_folders_of_their_own(inferencer, image, tmp_path):
    seen, used, rest = (tmp_path / name for name in ('seen', 'used', 'rest'))
    formats = [name for name in FORMATS if name != 'bvh']
    (result,) = inferencer(
        image, bboxes=[BOX], vis_out_dir=seen, pred_out_dir=used, formats=formats
    )
    assert sorted(os.listdir(seen)) == names('.html', '_overlay.png', '_views.png')
    assert sorted(os.listdir(used)) == names('.glb', '.json', '.npz', '.obj', '.ply')
    assert {os.path.dirname(path) for path in result['files']} == {str(seen), str(used)}
    assert len(result['files']) == 8


def test_a_folder_of_its_own_goes_before_the_folder_of_all(inferencer, image, tmp_path):
    given = dict(bboxes=[BOX], formats=['json', 'overlay'])
    seen, rest = tmp_path / 'seen', tmp_path / 'rest'
    list(inferencer(image, vis_out_dir=seen, out_dir=rest, **given))
    assert os.listdir(seen) == names('_overlay.png')
    assert os.listdir(rest) == names('.json')
    list(inferencer(image, pred_out_dir=tmp_path / 'alone', **given))
    assert os.listdir(tmp_path / 'alone') == names('.json')


def test_draw_bbox_shows_the_box_s_outline_and_the_id(inferencer, image):
    plain, marked = (
        next(inferencer(image, bboxes=[BOX], return_vis=True, draw_bbox=draw))[
            'visualization'
        ][0]
        for draw in (False, True)
    )
    left, top, right, bottom = BOX
    rows, columns = np.indices(plain.shape[:2])
    # How far pixels are from the outline, inside or outside of it.
    across = np.maximum(abs(columns - 60) - 20, abs(rows - 60) - 30)
    changed = (plain != marked).any(-1)
    assert changed[across == 0].all()
    label = changed & (abs(across) > 3)
    assert 50 < label.sum() < 600
    rows, columns = np.nonzero(label)
    assert rows.max() < top and columns.min() >= left - 1 and columns.max() < right
    color = 255 * np.array(PALETTE[0])
    for edge in (marked[top + 4 : bottom - 3, right], marked[bottom, left + 4 : right]):
        # Its lines are smoothed.
        np.testing.assert_allclose(edge, np.broadcast_to(color, edge.shape), atol=18)


def test_a_photo_s_focal_length_is_taken_from_its_file(inferencer, image, tmp_path):
    exif = Image.Exif()
    # 120 x 100 pixels have a diagonal of 156.2, film one of 43.2666 mm.
    exif[EXIF_IFD] = {FILM: 26}
    path = tmp_path / 'photo.jpg'
    Image.fromarray(image).save(path, exif=exif.tobytes())
    told = dict(focal_length=26 * np.hypot(120, 100) / 43.2666, source='exif')
    diagonal = dict(focal_length=np.hypot(120, 100), source='default')
    for asked, expected in ((None, told), ('exif', told), ('default', diagonal)):
        options = {} if asked is None else dict(focal_length=asked)
        (result,) = inferencer(
            path, bboxes=[BOX], out_dir=tmp_path / 'out', formats='json', **options
        )
        ((person,),) = result['predictions']
        document = json.loads((tmp_path / 'out' / 'photo.json').read_text())
        for found in (person, document['people'][0]):
            assert found['focal_length_source'] == expected['source']
            assert found['focal_length'] == pytest.approx(
                expected['focal_length'], rel=1e-4
            )
