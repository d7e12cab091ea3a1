"""The saved files alone, projected by a few lines of numpy, give the 2D joints."""

import json

import cv2
import numpy as np
import pytest
import trimesh
from PIL import Image
from scipy.spatial.transform import Rotation

from deforhmr_mm.apis import inference_topdown
from deforhmr_mm.apis.results import encode_json, person_result
from deforhmr_mm.body_models.landmarks import LANDMARK_NAMES
from deforhmr_mm.body_models.loading import OPEN_BODY_PATH, load_smpl_file
from deforhmr_mm.visualization import encode_meshes

BOXES = {
    'square': [100, 60, 200, 160],
    'wide': [0, 20, 300, 100],
    'tall': [135, 5, 185, 230],
    'top left': [-20, -10, 60, 90],
    'bottom right': [290, 200, 330, 260],
}
CAMERAS = {
    'default': ('default', None),
    'given': (400.0, None),
    'short and off the centre': (150.0, (90.0, 200.0)),
    'exif': ('exif', None),
    'auto': ('auto', (150.0, 110.0)),
}


@pytest.fixture(scope='module')
def photo(tmp_path_factory):
    """A picture of 320 x 240 that says 50 mm on film: 462.25 pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    pixels = cv2.resize(noise, (320, 240), interpolation=cv2.INTER_CUBIC)
    exif = Image.Exif()
    exif[0x8769] = {0xA405: 50}
    path = tmp_path_factory.mktemp('photo') / 'photo.jpg'
    Image.fromarray(pixels).save(path, quality=95, exif=exif)
    return path


@pytest.fixture(scope='module', params=CAMERAS)
def files(request, photo, model, about, tmp_path_factory):
    """The JSON and the GLB file of five people."""
    focal_length, principal_point = CAMERAS[request.param]
    samples = inference_topdown(
        model,
        photo,
        list(BOXES.values()),
        focal_length=focal_length,
        principal_point=principal_point,
    )
    meshes = [
        (s.pred_instances.vertices + s.pred_instances.transl)[0].numpy()
        for s in samples
    ]
    folder = tmp_path_factory.mktemp('saved')
    image = {'path': photo.name, 'height': 240, 'width': 320}
    people = [person_result(sample) for sample in samples]
    (folder / 'a.json').write_bytes(encode_json(people, image, about))
    glb = encode_meshes(meshes, model.body_model.faces, 'glb')
    (folder / 'a.glb').write_bytes(glb)
    return request.param, folder


def project(points, person):
    """Three lines: the camera of the docs."""
    x, y, z = np.asarray(points).T
    cx, cy = person['principal_point']
    return np.stack(
        [person['focal_length'] * x / z + cx, person['focal_length'] * y / z + cy], -1
    )


def people_of(files):
    return json.loads((files[1] / 'a.json').read_text())['people']


def test_the_camera_is_the_one_that_was_asked_for(files):
    focal, point, source = {
        'default': (400, [159.5, 119.5], 'default'),
        'given': (400, [159.5, 119.5], 'given'),
        'short and off the centre': (150, [90, 200], 'given'),
        'exif': (50 * 400 / 43.26662, [159.5, 119.5], 'exif'),
        'auto': (50 * 400 / 43.26662, [150, 110], 'exif'),
    }[files[0]]
    for person in people_of(files):
        assert person['focal_length'] == pytest.approx(focal, rel=1e-6)
        assert person['principal_point'] == point
        assert person['focal_length_source'] == source


def test_mesh_and_camera_give_the_landmarks(files):
    """Face, feet and fingertips are vertices of the mesh: they need nothing else."""
    scene = trimesh.load_scene(files[1] / 'a.glb', process=False)
    vertex = load_smpl_file(OPEN_BODY_PATH).landmark_ids
    for person, mesh in zip(people_of(files), scene.geometry.values(), strict=True):
        vertices = mesh.vertices * (1, -1, -1)  # the file is y up
        pixels = project(vertices, person)
        for name in LANDMARK_NAMES:
            distance = np.linalg.norm(pixels[vertex[name]] - person['joints_2d'][name])
            assert distance < 0.5, f'{name}: {distance:.3f} px'


def test_parameters_and_camera_give_the_skeleton(files):
    """SMPL's 24 joints from the parameters, by forward kinematics of its own."""
    body = load_smpl_file(OPEN_BODY_PATH)
    for person in people_of(files):
        smpl = person['smpl']
        shaped = body.v_template + body.shapedirs[..., :10] @ np.array(smpl['betas'])
        rest = body.joint_regressor @ shaped
        pose = [smpl['global_orient'], *smpl['body_pose']]
        turns = Rotation.from_rotvec(np.array(pose)).as_matrix()
        joints = np.zeros((24, 3))
        for j, parent in enumerate(body.parents):
            if parent < 0:
                joints[j] = rest[j] + person['transl']
                continue
            turns[j] = turns[parent] @ turns[j]
            joints[j] = joints[parent] + turns[parent] @ (rest[j] - rest[parent])
        names = list(person['joints_2d'])[:24]
        for name, point, pixel in zip(
            names, joints, project(joints, person), strict=True
        ):
            np.testing.assert_allclose(point, person['joints_3d'][name], atol=1e-4)
            distance = np.linalg.norm(pixel - person['joints_2d'][name])
            assert distance < 0.5, f'{name}: {distance:.3f} px'
        np.testing.assert_allclose(joints[0], person['pelvis'], atol=1e-4)


def test_joints_in_3d_and_2d_agree_in_the_file(files):
    for person in people_of(files):
        pixels = project(list(person['joints_3d'].values()), person)
        distance = np.linalg.norm(pixels - list(person['joints_2d'].values()), axis=-1)
        assert distance.max() < 0.05
