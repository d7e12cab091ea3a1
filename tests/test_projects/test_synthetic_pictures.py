import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

pytest.importorskip('embreex', reason='rendering needs embreex')

from synthetic.camera import sample_camera  # noqa: E402
from synthetic.generate import picture_seed  # noqa: E402
from synthetic.labels import label_person  # noqa: E402
from synthetic.people import place_first, sample_person  # noqa: E402
from synthetic.raycast import PeopleScene, splat  # noqa: E402

from deforhmr_mm.body_models import SMPL  # noqa: E402
from deforhmr_mm.structures import get_keypoint_set  # noqa: E402


@pytest.fixture(scope='module')
def smpl():
    return SMPL()


@pytest.fixture(scope='module')
def scenes(maker):
    """A few (person, camera) with the person placed."""
    result = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        camera = sample_camera(rng)
        person = sample_person(rng, maker.body, maker.measures, maker.poses, camera)
        place_first(rng, person, camera)
        result.append((person, camera))
    return result


def smpl_output(smpl, labels):
    rotations = Rotation.from_rotvec(labels.pose.reshape(24, 3)).as_matrix()
    rotations = torch.tensor(rotations, dtype=torch.float32)[None]
    betas = torch.tensor(labels.shape, dtype=torch.float32)[None]
    output = smpl(rotations[:, :1], rotations[:, 1:], betas)
    transl = torch.tensor(labels.transl, dtype=torch.float32)
    return (output.vertices[0] + transl).numpy(), (output.joints[0] + transl).numpy()


def full_labels(maker, person, camera):
    shown = np.ones((camera.height, camera.width), dtype=bool)
    return label_person(person, maker.body, camera, shown)


def test_the_coarse_body_is_the_smpl_body(maker, smpl, scenes):
    for person, camera in scenes:
        labels = full_labels(maker, person, camera)
        vertices, joints = smpl_output(smpl, labels)
        np.testing.assert_allclose(person.joints, joints, atol=1e-4)
        np.testing.assert_allclose(
            person.vertices, vertices[maker.body.kept], atol=1e-4
        )


def test_labels_are_projections_of_the_smpl_body(maker, smpl, scenes):
    smpl45, openpose = get_keypoint_set('smpl45'), get_keypoint_set('openpose25')
    mapping = smpl45.map_to(openpose)
    for person, camera in scenes:
        labels = full_labels(maker, person, camera)
        vertices, joints = smpl_output(smpl, labels)
        pixels = joints[:, :2] / joints[:, 2:] * labels.focal_l + labels.principal_point
        got = labels.openpose[list(mapping.target)]
        np.testing.assert_allclose(got[:, :2], pixels[list(mapping.source)], atol=0.05)
        inside = camera.contains(pixels)[list(mapping.source)]
        np.testing.assert_array_equal(got[:, 2] > 0, inside)
        # The box is the tight box of what is inside the picture.
        pixels = vertices[:, :2] / vertices[:, 2:] * labels.focal_l
        pixels = pixels + labels.principal_point
        pixels = pixels[camera.contains(pixels)]
        side = np.ptp(pixels, axis=0).max()
        assert labels.scale * 200 / 1.2 == pytest.approx(side, abs=3)
        middle = 0.5 * (pixels.min(axis=0) + pixels.max(axis=0))
        np.testing.assert_allclose(labels.center, middle, atol=2)


def test_the_rendered_silhouette_is_that_of_the_smpl_body(
    maker, smpl, smpl_data, scenes
):
    for person, camera in scenes[:3]:
        labels = full_labels(maker, person, camera)
        vertices, _ = smpl_output(smpl, labels)
        everywhere = np.ones((camera.height, camera.width), dtype=bool)
        wanted = PeopleScene([vertices], [np.asarray(smpl_data.faces)])
        wanted = wanted.cast(camera, everywhere)
        got = PeopleScene([person.vertices], [maker.body.faces])
        got = got.cast(camera, splat(camera, person.vertices)[0])
        masks = np.zeros((2, camera.height, camera.width), dtype=bool)
        masks[0, wanted.rows, wanted.columns] = True
        masks[1, got.rows, got.columns] = True
        overlap = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
        assert overlap > 0.95
        # Cloth makes people wider, not narrower, and by centimetres only.
        dressed = PeopleScene([person.surface], [person.faces])
        dressed = dressed.cast(camera, splat(camera, person.surface)[0])
        covered = np.zeros_like(everywhere)
        covered[dressed.rows, dressed.columns] = True
        assert (masks[0] & covered).sum() / masks[0].sum() > 0.95


def test_pictures_vary_and_are_the_seeds(maker):
    first = maker.make(picture_seed(0, 'train', 0))
    again = maker.make(picture_seed(0, 'train', 0))
    assert first.jpeg == again.jpeg
    others = [
        maker.make(picture_seed(0, 'val', 0)),
        maker.make(picture_seed(0, 'train', 1)),
        maker.make(picture_seed(1, 'train', 0)),
    ]
    assert len({p.jpeg for p in (first, *others)}) == 4


def test_people_of_many_sizes_are_in_pictures_of_many_sizes(maker):
    sizes, heights = set(), []
    for index in range(6):
        picture = maker.make(picture_seed(0, 'test', index))
        image = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
        sizes.add(image.shape[:2])
        for labels in picture.labels:
            low, high = np.zeros(2), np.array(image.shape[1::-1])
            assert (labels.center > low).all() and (labels.center < high).all()
            assert labels.openpose[:, 2].mean() > 0.5
            assert 0.4 <= labels.visible <= 1.0
            heights.append(labels.scale * 200 / 1.2)
        assert 480 <= max(image.shape[:2]) <= 720
        assert image.std() > 5
    assert len(sizes) > 3
    assert 60 < min(heights) and max(heights) < 720
