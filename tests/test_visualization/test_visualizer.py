"""`MeshVisualizer` with data samples, files and mmengine's backends."""

import cv2
import numpy as np
import pytest
import torch
import trimesh
from mmengine.structures import InstanceData
from mmengine.visualization.vis_backend import BaseVisBackend

from deforhmr_mm.registry import VISUALIZERS
from deforhmr_mm.structures import MeshDataSample
from deforhmr_mm.visualization import (
    PALETTE,
    MeshVisualizer,
    encode_image,
    view_extent,
)
from deforhmr_mm.visualization.figure_grid import GAP
from deforhmr_mm.visualization.side_view import BACKGROUND

SPHERE = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
FOCAL, CENTER = 100.0, (31.5, 23.5)


def person(x, z, focal=FOCAL, person_id=None):
    meta = {} if person_id is None else dict(person_id=person_id)
    sample = MeshDataSample(metainfo=meta)
    sample.pred_instances = InstanceData(
        vertices=torch.tensor(np.asarray(SPHERE.vertices), dtype=torch.float32)[None],
        transl=torch.tensor([[x, 0.0, z]]),
        focal_length=torch.tensor([focal]),
        principal_point=torch.tensor([CENTER]),
        keypoints=torch.full((1, 45, 2), 20.0),
        bboxes=torch.tensor([[4.0, 8.0, 30.0, 40.0]]),
    )
    return sample


def hue_like(pixel, color):
    """Whether a lit pixel has a colour's proportions."""
    pixel = pixel / np.linalg.norm(pixel)
    return pixel @ np.array(color) / np.linalg.norm(color) > 0.999


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def test_people_are_drawn_where_their_camera_sees_them(image):
    visualizer = MeshVisualizer(faces=SPHERE.faces)
    before = image.copy()
    drawn = visualizer.draw_people(image, [person(-0.3, 3.0), person(0.5, 4.0)])
    np.testing.assert_array_equal(image, before)
    changed = np.argwhere((drawn != image).any(-1))
    left, right = changed[:, 1].min(), changed[:, 1].max()
    # Outlines of spheres: the angle to the axis plus the angle of the radius.
    angles = np.arctan2([-0.3, 0.5], [3.0, 4.0])
    reach = np.arcsin(0.5 / np.hypot([-0.3, 0.5], [3.0, 4.0]))
    assert left == pytest.approx(31.5 + 100 * np.tan(angles - reach)[0], abs=1.5)
    assert right == pytest.approx(31.5 + 100 * np.tan(angles + reach)[1], abs=1.5)


@pytest.mark.parametrize('order', [(0, 1), (1, 0)])
def test_the_nearer_person_hides_the_farther(image, order):
    # Both on the optical axis' side of pixel 40; ids keep the colours apart.
    people = [person(0.3, 3.0, person_id=5), person(0.9, 8.0, person_id=1)]
    visualizer = MeshVisualizer(
        faces=SPHERE.faces, alpha=1.0, renderer=dict(occlusion=False)
    )
    drawn = visualizer.draw_people(image, [people[i] for i in order])
    assert hue_like(drawn[23, 42].astype(float), PALETTE[5])
    far_alone = visualizer.draw_people(image, [people[1]])
    assert hue_like(far_alone[23, 42].astype(float), PALETTE[1])
    np.testing.assert_array_equal(
        drawn, visualizer.draw_people(image, [people[i] for i in order[::-1]])
    )


def test_a_tracked_person_keeps_its_color(image):
    visualizer = MeshVisualizer(faces=SPHERE.faces, alpha=1.0)
    one = person(-0.3, 3.0, person_id=3)
    alone = visualizer.draw_people(image, [one])
    both = visualizer.draw_people(image, [person(0.9, 4.0, person_id=0), one])
    np.testing.assert_array_equal(alone[:, :30], both[:, :30])
    assert hue_like(alone[23, 21].astype(float), PALETTE[3])


def test_views_of_people(image):
    visualizer = MeshVisualizer(faces=SPHERE.faces)
    people = [person(-0.3, 3.0), person(0.9, 5.0)]
    views = {
        name: visualizer.draw_view(name, image, people)
        for name in ('image', 'overlay', 'mesh', 'side', 'top')
    }
    np.testing.assert_array_equal(views['image'], image)
    np.testing.assert_array_equal(
        views['overlay'], visualizer.draw_people(image, people)
    )
    # What the mesh view shows are the pixels that the overlay paints.
    shown = (views['mesh'] != BACKGROUND).any(-1)
    painted = (views['overlay'] != image).any(-1)
    assert (shown & painted).sum() > 0.95 * max(shown.sum(), painted.sum())
    # Two metres of depth and one of height; 1.2 to the side.
    assert views['side'].shape == (48, round(1.6 * 48), 3)
    assert views['top'].shape == (48, round(48 * 2.2 / 3), 3)
    low = visualizer.draw_view('side', image, people, height=30)
    assert low.shape == (30, 48, 3)
    with pytest.raises(ValueError, match="overlay.*'front'"):
        visualizer.draw_view('front', image, people)


@pytest.mark.parametrize('view', ['side', 'top'])
def test_bounds_keep_a_view_s_size_and_who_stands_in_it(image, view):
    visualizer = MeshVisualizer(faces=SPHERE.faces)
    bounds = np.array([[-1, -1.0, 2], [2, 1, 6]])
    alone, both = (
        visualizer.draw_view(view, image, people, bounds=bounds)
        for people in (
            [person(-0.3, 3.0, person_id=1)],
            [person(-0.3, 3.0, person_id=1), person(1.2, 5.0, person_id=0)],
        )
    )
    assert alone.shape == both.shape
    first = (alone != BACKGROUND).any(-1)
    np.testing.assert_array_equal(alone[first], both[first])
    assert 0 < first.mean() < (both != BACKGROUND).any(-1).mean()


def test_views_side_by_side(image):
    visualizer = MeshVisualizer(faces=SPHERE.faces)
    figure = visualizer.draw_views(
        image, [person(0.0, 3.0)], ('image', 'overlay'), titles=False
    )
    assert figure.shape == (48 + 2 * GAP, 2 * 64 + 3 * GAP, 3)
    np.testing.assert_array_equal(figure[GAP:-GAP, GAP : GAP + 64], image)
    empty = visualizer.draw_views(image, [], ('mesh', 'side', 'top'), titles=False)
    assert set(map(tuple, empty.reshape(-1, 3))) == {BACKGROUND, (255, 255, 255)}


def test_extent_of_people():
    spheres = [np.asarray(SPHERE.vertices) + (x, 0, z) for x, z in ((0, 3), (1, 5))]
    assert view_extent(spheres, 'side') == pytest.approx((3, 1), abs=0.02)
    assert view_extent(spheres, 'top') == pytest.approx((2, 3), abs=0.02)
    assert view_extent([]) == (1, 1)


def test_boxes_joints_and_ids_only_if_wanted(image):
    visualizer = MeshVisualizer(faces=SPHERE.faces, draw_boxes=True)
    people = [person(0.9, 3.0, person_id=12)]
    plain = visualizer.draw_people(image, people, draw_boxes=False)
    boxed = visualizer.draw_people(image, people)
    changed = (boxed != plain).any(-1)
    assert changed[8, 4:30].all() and changed[8:40, 4].all()
    assert not changed[12:36, 8:26].any()
    tagged = visualizer.draw_people(image, people, draw_boxes=False, draw_ids=True)
    changed = (tagged != plain).any(-1)
    assert changed[:8, 4:10].any() and not changed[20:].any()
    joints = visualizer.draw_people(image, people, True, draw_boxes=False)
    changed = (joints != plain).any(-1)
    assert changed[20, 20] and not changed[30:].any()


def test_nobody_leaves_the_picture_as_it_is(image):
    drawn = MeshVisualizer().draw_people(image, [])
    np.testing.assert_array_equal(drawn, image)
    assert drawn is not image


def test_built_from_a_config_and_written_to_a_file(image, tmp_path):
    visualizer = VISUALIZERS.build(
        dict(type='MeshVisualizer', name='to_file', alpha=0.5)
    )
    visualizer.faces = SPHERE.faces
    path = tmp_path / 'new' / 'overlay.png'
    drawn = visualizer.add_datasample('a', image, person(0, 3.0), out_file=path)
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], drawn)
    np.testing.assert_array_equal(visualizer.get_image(), drawn)


def test_handed_to_the_backends(image, tmp_path):
    visualizer = MeshVisualizer(
        'to_backend',
        faces=SPHERE.faces,
        vis_backends=[dict(type='LocalVisBackend', save_dir=str(tmp_path))],
    )
    drawn = visualizer.add_datasample('seen', image, [person(0, 3.0)], step=3)
    (path,) = tmp_path.rglob('seen_3.png')
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], drawn)


class RememberingBackend(BaseVisBackend):
    """Stands for TensorBoard or Weights & Biases."""

    def __init__(self):
        super().__init__(save_dir=None)
        self.seen = []

    def _init_env(self):
        pass

    @property
    def experiment(self):
        return self

    def add_image(self, name, image, step=0, **kwargs):
        self.seen.append((name, image.copy(), step))


def test_every_backend_gets_the_picture(image, tmp_path):
    backend = RememberingBackend()
    visualizer = MeshVisualizer(
        'to_several',
        faces=SPHERE.faces,
        vis_backends=[dict(type='LocalVisBackend'), backend],
        save_dir=str(tmp_path),
    )
    drawn = visualizer.add_datasample('both', image, [person(0, 3.0)], step=5)
    ((name, picture, step),) = backend.seen
    assert (name, step) == ('both', 5)
    np.testing.assert_array_equal(picture, drawn)
    (path,) = tmp_path.rglob('both_5.png')
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], drawn)


def test_large_pictures_are_shrunk_for_the_backends(image, tmp_path):
    visualizer = MeshVisualizer('to_small_file', faces=SPHERE.faces)
    path = tmp_path / 'small.png'
    drawn = visualizer.add_datasample(
        'a', image, person(0, 3.0), out_file=path, max_size=32
    )
    assert drawn.shape == (24, 32, 3) and cv2.imread(str(path)).shape == (24, 32, 3)


def test_what_cannot_be_drawn_is_said(image):
    with pytest.raises(ValueError, match=r'visualizer\.faces'):
        MeshVisualizer().draw_people(image, [person(0, 3.0)])
    visualizer = MeshVisualizer(faces=SPHERE.faces)
    with pytest.raises(ValueError, match='share one camera'):
        visualizer.draw_people(image, [person(0, 3.0), person(0, 3.0, focal=50.0)])
    with pytest.raises(ValueError, match='draw_gt'):
        visualizer.add_datasample('a', image, person(0, 3.0), draw_gt=True)
    with pytest.raises(ValueError, match='alpha'):
        MeshVisualizer(alpha=2)
    with pytest.raises(ValueError, match=r"'\.jpeg9'"):
        encode_image(image, '.jpeg9')


def test_marks_are_in_the_overlay_view(image):
    visualizer = MeshVisualizer(faces=SPHERE.faces)
    people = [person(0.0, 3.0, person_id=2)]
    marks = dict(draw_joints=True, draw_boxes=True, draw_ids=True)
    expected = visualizer.draw_people(image, people, **marks)
    view = visualizer.draw_view('overlay', image, people, **marks)
    np.testing.assert_array_equal(view, expected)
    plain = visualizer.draw_views(image, people, ['overlay'], titles=False)
    marked = visualizer.draw_views(image, people, ['overlay'], titles=False, **marks)
    assert (plain != marked).any()
