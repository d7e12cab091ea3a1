import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

pytest.importorskip('embreex', reason='rendering needs embreex')

from synthetic.camera import Camera  # noqa: E402
from synthetic.poses import HIGH, LOW  # noqa: E402
from synthetic_v1.generate import picture_seed  # noqa: E402
from synthetic_v1.labels import joint_thickness, seen_joints  # noqa: E402
from synthetic_v1.pose_bank import TRAIN_POSES, TRAIN_SHARES  # noqa: E402
from synthetic_v1.poses_rare import RARE, RARE_PITCH, RARE_SHARES  # noqa: E402
from synthetic_v1.recipe import RECIPES  # noqa: E402
from synthetic_v1.render import Thing, render  # noqa: E402
from synthetic_v1.scene import SceneMaker  # noqa: E402
from synthetic_v1.things import box  # noqa: E402
from synthetic_v1.views import sample_camera  # noqa: E402

from deforhmr_mm.body_models import SMPL  # noqa: E402
from deforhmr_mm.structures import get_keypoint_set  # noqa: E402

CAMERA = Camera(40, 30, 30.0, np.array([20.0, 15.0]), np.diag([1.0, -1.0, -1.0]))


@pytest.fixture(scope='module')
def maker_v1(smpl_data):
    from synthetic.body import Body

    return SceneMaker(Body(smpl_data))


@pytest.fixture(scope='module')
def pictures(maker_v1):
    """A few pictures of each split."""
    return {
        split: [maker_v1.make(picture_seed(0, split, i), recipe) for i in range(3)]
        for split, recipe in RECIPES.items()
    }


@pytest.fixture(scope='module')
def people(pictures):
    """The labels of these."""
    return {
        split: [labels for picture in made for labels in picture.labels]
        for split, made in pictures.items()
    }


@pytest.fixture(scope='module')
def smpl():
    return SMPL()


def smpl_output(smpl, labels):
    """Vertices and joints of a person, metres in the camera's frame."""
    rotations = Rotation.from_rotvec(labels.pose.reshape(24, 3)).as_matrix()
    rotations = torch.tensor(rotations, dtype=torch.float32)[None]
    betas = torch.tensor(labels.shape, dtype=torch.float32)[None]
    output = smpl(rotations[:, :1], rotations[:, 1:], betas)
    return (
        output.vertices[0].numpy() + labels.transl,
        output.joints[0].numpy() + labels.transl,
    )


def project(points, labels):
    return points[:, :2] / points[:, 2:] * labels.focal_l + labels.principal_point


def test_labels_are_projections_of_the_smpl_body(people, smpl):
    mapping = get_keypoint_set('smpl45').map_to(get_keypoint_set('coco17'))
    everybody = [labels for found in people.values() for labels in found]
    assert len(everybody) > 12
    for labels in everybody:
        pixels = project(smpl_output(smpl, labels)[1], labels)
        wanted, got = pixels[list(mapping.source)], labels.coco[list(mapping.target)]
        inside = got[:, 2] > 0
        np.testing.assert_allclose(got[inside, :2], wanted[inside], atol=0.1)
        np.testing.assert_array_equal(got[~inside], 0)
        seen = labels.joint_seen[list(mapping.source)]
        np.testing.assert_array_equal(got[:, 2] == 2, seen)


def test_boxes_and_spin_s_labels_are_those_of_the_smpl_body(pictures, smpl):
    smpl45 = get_keypoint_set('smpl45')
    openpose = smpl45.map_to(get_keypoint_set('openpose25'))
    spin = smpl45.map_to(get_keypoint_set('spin24'))
    lacking = sorted(set(range(24)) - set(spin.target))
    made = [picture for found in pictures.values() for picture in found]
    cut = False
    for picture, labels in ((p, labels) for p in made for labels in p.labels):
        image = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
        height, width = image.shape[:2]
        camera = Camera(
            width, height, labels.focal_l, labels.principal_point, np.eye(3)
        )
        vertices, joints = smpl_output(smpl, labels)
        pixels = project(joints, labels)
        for got, mapping in ((labels.openpose, openpose), (labels.part, spin)):
            source, target = list(mapping.source), list(mapping.target)
            np.testing.assert_allclose(got[target, :2], pixels[source], atol=0.1)
            inside = camera.contains(pixels)[source]
            np.testing.assert_array_equal(got[target, 2], inside)
        assert not labels.part[lacking].any()
        # Metres from the pelvis.
        source, target = list(spin.source), list(spin.target)
        relative = (joints - joints[0])[source]
        np.testing.assert_allclose(labels.S[target, :3], relative, atol=2e-4)
        np.testing.assert_array_equal(labels.S[target, 3], 1)
        assert not labels.S[lacking].any()
        # The tight box of what is inside the picture, 1.2 times its longer side.
        corners = project(vertices, labels)
        within = corners[camera.contains(corners)]
        cut = cut or len(within) < 0.9 * len(corners)
        side = np.ptp(within, axis=0).max()
        assert labels.scale * 200 / 1.2 == pytest.approx(side, abs=3)
        middle = 0.5 * (within.min(axis=0) + within.max(axis=0))
        np.testing.assert_allclose(labels.center, middle, atol=2)
    assert cut


def test_each_split_keeps_whom_it_promises(people):
    for split, found in people.items():
        recipe = RECIPES[split]
        for labels in found:
            low, high = recipe.seen_range
            assert low <= labels.seen_inside <= high, split
    for labels in people['test_occluded']:
        assert labels.seen_inside <= 0.7
        assert labels.openpose[:, 2].mean() > 0.9
    for labels in people['test_truncated']:
        assert labels.openpose[:, 2].mean() < 0.9


def test_a_picture_is_its_seed_s(maker_v1):
    first = maker_v1.make(picture_seed(0, 'train', 0), RECIPES['train'])
    again = maker_v1.make(picture_seed(0, 'train', 0), RECIPES['train'])
    other = maker_v1.make(picture_seed(0, 'val', 0), RECIPES['val'])
    assert first.jpeg == again.jpeg
    assert first.jpeg != other.jpeg


def test_joints_are_seen_only_under_the_person_s_own_surface():
    thickness = np.full(5, 0.1)
    shown = np.zeros((30, 40), dtype=bool)
    shown[:, :20] = True  # the person, 2 m away, in the left half
    depth = np.full((30, 40), 2.0)
    joints = np.array(
        [
            [-0.5, 0.0, 2.05],  # just under the surface
            [-0.5, 0.0, 2.3],  # behind the body
            [0.5, 0.0, 2.05],  # where something else is shown
            [-3.0, 0.0, 2.05],  # outside the picture
            [0.0, 0.0, 2.05],  # at the person's edge, one pixel beside it
        ]
    )
    seen = seen_joints(joints, thickness, CAMERA, shown, depth)
    assert seen.tolist() == [True, False, False, False, True]


def test_thick_parts_hide_their_joints_deeper():
    values = joint_thickness(('left_hip', 'left_wrist', 'nose'))
    assert values[0] > values[1] > values[2] > 0


def test_things_before_a_person_hide_it(maker_v1):
    rng = np.random.default_rng(0)
    camera = sample_camera(rng, False)
    actors, _ = maker_v1.populate(rng, camera, RECIPES['val'])
    from synthetic_v1.light import sample_light
    from synthetic_v1.worn_things import material

    light = sample_light(rng, camera.rotation)
    empty = np.zeros((camera.height, camera.width, 3), dtype=np.float32)
    free = render(actors, [], camera, light, empty)
    near = 0.5 * min(a.person.surface[:, 2].min() for a in actors)
    mesh = box(np.array([50.0, 50.0, 0.01])).moved(np.eye(3), [0, 0, near])
    wall = Thing(mesh, mesh.vertices, material(rng), 0.1)
    covered = render(actors, [wall], camera, light, empty)
    assert (free.owner >= 0).sum() > 200
    assert (covered.owner >= 0).sum() == 0
    np.testing.assert_allclose(covered.depth, near, atol=0.02)
    assert np.isinf(free.depth[free.owner < 0]).all()


@pytest.mark.parametrize('rare', [False, True])
def test_poses_are_of_the_split_s_own_base_poses(maker_v1, rare):
    rng = np.random.default_rng(1)
    camera = sample_camera(rng, False)
    names, rotations = set(), []
    for _ in range(60):
        name, _, rotation = maker_v1.posing.sample(rng, camera, rare)
        names.add(name)
        rotations.append(rotation)
    assert names <= set(RARE if rare else TRAIN_POSES)
    assert len(names) > 8
    product = np.stack(rotations)
    product = product @ product.swapaxes(-1, -2)
    np.testing.assert_allclose(
        product, np.broadcast_to(np.eye(3), product.shape), atol=1e-9
    )


def test_base_poses_are_within_limits_and_the_rare_ones_apart():
    assert not set(RARE) & set(TRAIN_POSES)
    for bank, shares in ((TRAIN_POSES, TRAIN_SHARES), (RARE, RARE_SHARES)):
        assert sum(shares.values()) == pytest.approx(1)
        for name, (angles, group) in bank.items():
            assert ((angles >= LOW) & (angles <= HIGH)).all(), name
            assert group in shares
    assert set(RARE_PITCH) == set(RARE_SHARES)


def test_extreme_views_are_extreme_and_others_are_not():
    rng = np.random.default_rng(3)

    def measures(camera):
        up = camera.rotation[:, 1]
        pitch = abs(np.degrees(np.arcsin(np.clip(up[2], -1, 1))))
        roll = abs(np.degrees(np.arctan2(up[0], -up[1])))
        return pitch, roll, camera.focal / np.hypot(camera.width, camera.height)

    for _ in range(60):
        pitch, roll, focal = measures(sample_camera(rng, True))
        assert pitch >= 29 or roll >= 29 or focal <= 0.51
        pitch, roll, focal = measures(sample_camera(rng, False))
        assert pitch <= 51 and 0.59 <= focal <= 3.01
