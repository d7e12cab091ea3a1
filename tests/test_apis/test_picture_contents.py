"""What the files of a still picture show: the page in 3D, and the views."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from deforhmr_mm.apis import MeshInferencer
from deforhmr_mm.visualization import PALETTE
from deforhmr_mm.visualization.figure_grid import GAP
from deforhmr_mm.visualization.side_view import BACKGROUND
from tests.viewer_page import data_of, picture_of, points_of

HEIGHT, WIDTH = 120, 200
BOXES = [[20, 10, 60, 100], [110, 5, 170, 115]]


@pytest.fixture(scope='module')
def made(tiny_model, tmp_path_factory):
    """A picture, its result, and what was written of it."""
    folder = tmp_path_factory.mktemp('picture')
    noise = np.random.default_rng(0).integers(0, 256, (6, 10, 3), np.uint8)
    image = cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(folder / 'people.png'), image)
    inferencer = MeshInferencer(str(tiny_model.config), tiny_model.weights, 'cpu')
    (result,) = inferencer(
        folder / 'people.png',
        bboxes=BOXES,
        focal_length=150,
        principal_point=(90, 50),
        out_dir=folder / 'out',
        formats=['html', 'views'],
        return_datasamples=True,
        return_vis=True,
    )
    return SimpleNamespace(
        image=image,
        people=[sample.pred_instances for sample in result['predictions'][0]],
        overlay=result['visualization'][0],
        page=data_of((folder / 'out' / 'people.html').read_bytes()),
        views=cv2.imread(str(folder / 'out' / 'people_views.png'))[..., ::-1],
    )


def test_the_page_holds_the_picture_and_its_camera(made):
    (text,) = made.page['pictures']
    difference = np.abs(picture_of(text).astype(int) - made.image)
    assert difference.mean() < 6
    assert made.page['camera'] == {
        'focal': 150,
        'center': [90, 50],
        'width': WIDTH,
        'height': HEIGHT,
    }


def test_the_page_holds_everybody_where_the_camera_sees_them(made):
    people = made.page['people']
    assert [person['id'] for person in people] == [0, 1]
    np.testing.assert_allclose([p['color'] for p in people], PALETTE[:2])
    for person, found in zip(people, made.people, strict=True):
        (pose,) = person['poses']
        placed = (found.vertices + found.transl[:, None])[0].numpy()
        np.testing.assert_allclose(
            points_of(pose), placed * (1, -1, -1), atol=max(pose['step'])
        )


def test_views_are_picture_overlay_mesh_and_side(made):
    assert made.views.shape[0] == 30 + HEIGHT + GAP
    lefts = [GAP + number * (WIDTH + GAP) for number in range(4)]
    image, overlay, mesh = (
        made.views[30 : 30 + HEIGHT, left : left + WIDTH] for left in lefts[:3]
    )
    np.testing.assert_array_equal(image, made.image[..., ::-1])
    np.testing.assert_array_equal(overlay, made.overlay)
    drawn = (overlay != image).any(-1)
    shown = (mesh != BACKGROUND).any(-1)
    assert 0.01 < drawn.mean() < 0.9
    assert (shown & drawn).sum() > 0.95 * max(shown.sum(), drawn.sum())
    side = made.views[30 : 30 + HEIGHT, lefts[3] : -GAP]
    assert 0.01 < (side != BACKGROUND).any(-1).mean() < 0.9
