"""What the files of a video show: its colours, its rate, its people's colours."""

from types import SimpleNamespace

import numpy as np
import pytest

from deforhmr_mm.apis import MeshInferencer
from deforhmr_mm.apis.video_files import VideoReader
from deforhmr_mm.visualization import PALETTE
from deforhmr_mm.visualization.figure_grid import GAP
from deforhmr_mm.visualization.side_view import BACKGROUND
from tests.bvh_reading import read_bvh
from tests.gltf_reading import GLB
from tests.raw_videos import write
from tests.viewer_page import data_of, picture_of

FPS = 12.5
HEIGHT, WIDTH = 96, 160
# BGR: no two channels are alike. People stand at the right, off the first columns.
BLUE = (200, 60, 20)
BOXES = [[70.0, 10, 100, 90], [115.0, 10, 145, 90]]
EMPTY = 20
COUNT = 3


@pytest.fixture(scope='module')
def made(tiny_model, tmp_path_factory):
    """Folder and results of a video, and the bounds of its views."""
    folder = tmp_path_factory.mktemp('blue')
    picture = np.full((HEIGHT, WIDTH, 3), BLUE, np.uint8)
    path = write(folder / 'blue.mp4', [picture] * COUNT, FPS)
    inferencer = MeshInferencer(str(tiny_model.config), tiny_model.weights, 'cpu')
    bounds, draw = [], inferencer.visualizer.draw_views
    inferencer.visualizer.draw_views = lambda *arguments, **options: (
        bounds.append(options['bounds']) or draw(*arguments, **options)
    )
    # They come nearer to one another, so that the scene is not the same.
    boxes = {
        frame: [BOXES[0], (np.array(BOXES[1]) - (5 * frame, 0, 5 * frame, 0)).tolist()]
        for frame in range(COUNT)
    }
    formats = ['overlay', 'views', 'glb', 'bvh', 'html']
    results = list(inferencer(path, bboxes=boxes, out_dir=folder, formats=formats))
    return SimpleNamespace(folder=folder, results=results, bounds=bounds)


def frames_of(path):
    with VideoReader(path) as reader:
        assert reader.fps == pytest.approx(FPS)
        frames = list(reader)
    assert len(frames) == COUNT
    return frames


def ground_of(picture):
    """The colour of the columns where nobody is."""
    return np.median(picture[:, :EMPTY], axis=(0, 1))


def test_overlays_have_the_video_s_colours(made):
    for frame in frames_of(made.folder / 'blue_overlay.mp4'):
        np.testing.assert_allclose(ground_of(frame), BLUE, atol=12)
        assert (np.abs(frame - np.array(BLUE)).max(-1) > 60).mean() > 0.01


def test_views_are_the_overlay_and_the_mesh_on_its_ground(made):
    top = 30
    for frame in frames_of(made.folder / 'blue_views.mp4'):
        overlay, mesh = (
            frame[top : top + HEIGHT, left : left + WIDTH]
            for left in (GAP, GAP + WIDTH + GAP)
        )
        np.testing.assert_allclose(ground_of(overlay), BLUE, atol=12)
        np.testing.assert_allclose(ground_of(mesh), BACKGROUND[::-1], atol=12)
        assert (np.abs(mesh - np.array(BACKGROUND)).max(-1) > 60).mean() > 0.01


def test_views_of_all_frames_show_one_space_with_everybody_in_it(made):
    assert len(made.bounds) == COUNT
    low, high = made.bounds[0]
    for result, bounds in zip(made.results, made.bounds, strict=True):
        np.testing.assert_array_equal(bounds, made.bounds[0])
        (people,) = result['predictions']
        assert len(people) == 2
        for person in people:
            joints = np.array(list(person['joints_3d'].values()))
            assert (low < joints).all() and (joints < high).all()


def test_a_bvh_file_moves_at_the_video_s_rate(made):
    for who in (0, 1):
        bvh = read_bvh((made.folder / f'blue_person_{who}.bvh').read_bytes())
        assert bvh.frame_time == pytest.approx(1 / FPS)
        assert len(bvh.rows) == COUNT


def test_the_page_has_the_video_s_pictures_and_rate(made):
    data = data_of((made.folder / 'blue.html').read_bytes())
    assert data['fps'] == pytest.approx(FPS) and len(data['pictures']) == COUNT
    for text in data['pictures']:
        picture = picture_of(text)
        assert picture.shape == (HEIGHT, WIDTH, 3)
        # As they were, without anybody drawn over.
        np.testing.assert_allclose(picture.mean((0, 1)), BLUE, atol=12)
    np.testing.assert_allclose([p['color'] for p in data['people']], PALETTE[:2])


def test_the_animation_has_its_people_s_colours(made):
    glb = GLB((made.folder / 'blue.glb').read_bytes())
    materials = {material['name']: material for material in glb.json['materials']}
    for who in (0, 1):
        color = materials[f'person_{who}']['pbrMetallicRoughness']['baseColorFactor']
        # glTF's colours are linear; 2.2 is the usual approximation of sRGB's curve.
        np.testing.assert_allclose(color[:3], np.power(PALETTE[who], 2.2), atol=0.012)
