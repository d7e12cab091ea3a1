"""Animated GLB files, skinned a second time from their bytes."""

import io
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from deforhmr_mm.structures import SMPL_PARENTS, get_keypoint_set
from deforhmr_mm.visualization import PALETTE
from deforhmr_mm.visualization.animation import encode_animated_glb
from tests.gltf_reading import GLB
from tests.gltf_validation import gltf_issues

MM = 1000
NAMES = get_keypoint_set('smpl24').names


def errors_mm(glb, motion, body, pose_body, person, **options):
    """(T,) the largest distance to the body's own vertices in each key frame."""
    expected, _ = pose_body(body, person)
    mesh = f'person_{person.person_id}_mesh'
    return [
        MM * np.linalg.norm(glb.vertices(mesh, time, **options) - truth, axis=1).max()
        for time, truth in zip(person.frames / motion.fps, expected, strict=True)
    ]


@pytest.fixture(scope='module')
def two_people(make_person, make_motion):
    """One who leaves early, and one who comes late, is away, and stays to the end."""
    return make_motion(
        make_person(3, range(5), seed=1), make_person(7, [3, 4, 8, 9, 10, 11], seed=2)
    )


@pytest.fixture(scope='module')
def two_people_file(two_people, open_body):
    return encode_animated_glb(two_people, open_body)


def test_skinning_the_file_gives_the_bodys_vertices(
    two_people, two_people_file, open_body, pose_body
):
    glb = GLB(two_people_file)
    for person in two_people.people:
        errors = errors_mm(glb, two_people, open_body, pose_body, person)
        assert max(errors) < 0.01
        extras = glb.nodes[glb.ids[f'person_{person.person_id}']]['extras']
        assert extras['influence_residual_mm'] == 0


def test_what_four_influences_lose_is_stated(
    two_people, two_people_file, open_body, pose_body
):
    eight = GLB(two_people_file)
    four = GLB(encode_animated_glb(two_people, open_body, max_influences=4))
    for person in two_people.people:
        lost = max(errors_mm(four, two_people, open_body, pose_body, person))
        assert 0.1 < lost < 40
        extras = four.nodes[four.ids[f'person_{person.person_id}']]['extras']
        assert extras['influence_residual_mm'] == pytest.approx(lost, abs=0.01)
        # A reader that knows the first set alone sees the same.
        first = errors_mm(eight, two_people, open_body, pose_body, person, sets=1)
        assert max(first) == pytest.approx(lost, abs=0.01)
        extras = eight.nodes[eight.ids[f'person_{person.person_id}']]['extras']
        assert extras['four_influence_residual_mm'] == pytest.approx(lost, abs=0.01)
    (primitive,) = four.json['meshes'][0]['primitives']
    assert 'JOINTS_1' not in primitive['attributes']


def test_people_are_hidden_where_they_are_not(two_people, two_people_file):
    glb = GLB(two_people_file)
    for person in two_people.people:
        for frame in range(two_people.num_frames):
            # Also where a program rounds the time of a frame up or down.
            for time in (frame + np.array([-0.4, 0, 0.4])) / two_people.fps:
                vertices = glb.vertices(f'person_{person.person_id}_mesh', time)
                size = np.ptp(vertices, axis=0).max()
                assert size > 0.5 if frame in person.frames else size == 0
    end = max(times[-1] for times, _ in glb.tracks.values())
    assert end == np.float32(11 / 25)


def test_somebody_always_there_is_never_scaled(make_person, make_motion, open_body):
    motion = make_motion(make_person(0, range(3)), num_frames=3)
    glb = GLB(encode_animated_glb(motion, open_body))
    assert {path for _, path in glb.tracks} == {'translation', 'rotation'}


def test_skeletons_are_smpls_and_named_after_the_person(two_people_file):
    glb = GLB(two_people_file)
    for number in (3, 7):
        for name, parent in zip(NAMES, SMPL_PARENTS, strict=True):
            above = glb.nodes[glb.parents[glb.ids[f'person_{number}_{name}']]]['name']
            root = f'person_{number}'
            assert above == (root if parent < 0 else f'{root}_{NAMES[parent]}')
    assert glb.nodes[glb.ids['person_7']]['extras']['person_id'] == 7


def test_without_its_animation_the_file_shows_first_frames(
    two_people, two_people_file, open_body, pose_body
):
    glb = GLB(two_people_file)
    glb.tracks = {}
    for person in two_people.people:
        expected = pose_body(open_body, person)[0][0]
        vertices = glb.vertices(f'person_{person.person_id}_mesh', 0.0)
        np.testing.assert_allclose(vertices, expected, atol=1e-5)


def test_the_camera_sees_what_the_video_shows(two_people, two_people_file):
    glb = GLB(two_people_file)
    node = glb.nodes[glb.ids['camera']]
    np.testing.assert_array_equal(glb.matrix(glb.ids['camera'], 0.0), np.eye(4))
    lens = glb.json['cameras'][node['camera']]['perspective']
    x, y, z = glb.vertices('person_3_mesh', 0.0)[::50].T
    # glTF 2.0, section 3.10.3: a finite perspective projection, to [-1, 1].
    slope = np.tan(lens['yfov'] / 2)
    across, up = x / (-z * slope * lens['aspectRatio']), y / (-z * slope)
    pixels = np.stack(((1 + across) * 640 / 2 - 0.5, (1 - up) * 360 / 2 - 0.5), axis=1)
    offset = node['extras']['principal_point_offset_px']
    assert offset == [330 - 319.5, 170 - 179.5]
    # The video's camera: x right, y down, z forward.
    expected = np.stack((500 * x / -z + 330, 500 * -y / -z + 170), axis=1)
    np.testing.assert_allclose(pixels + offset, expected, atol=1e-3)


def test_the_file_says_what_it_holds(two_people_file, open_body):
    extras = GLB(two_people_file).json['asset']['extras']
    assert extras == {
        'schema': 'deforhmr_mm/animated_glb/1',
        'fps': 25.0,
        'num_frames': 12,
        'image_size': [360, 640],
        'body_name': 'open_body',
        'body_fingerprint': open_body.fingerprint,
        'people': [3, 7],
    }


def test_people_share_what_is_equal(two_people_file):
    first, second = (
        mesh['primitives'][0] for mesh in GLB(two_people_file).json['meshes']
    )
    assert first['indices'] == second['indices']
    differ = {
        key
        for key, index in first['attributes'].items()
        if index != second['attributes'][key]
    }
    assert differ == {'POSITION', 'NORMAL'}


def test_quaternions_never_change_sides(two_people_file):
    glb = GLB(two_people_file)
    rotations = [
        values for (_, path), (_, values) in glb.tracks.items() if path[0] == 'r'
    ]
    assert len(rotations) == 48
    for values in rotations:
        assert ((values[1:] * values[:-1]).sum(axis=1) >= 0).all()


def test_few_morph_targets_follow_a_smooth_movement(
    make_person, make_motion, blend_body, pose_body
):
    person = make_person(1, range(40), smooth=True)
    motion = make_motion(person, num_frames=40)
    glb = GLB(encode_animated_glb(motion, blend_body))
    (mesh,) = glb.json['meshes']
    assert 2 <= len(mesh['weights']) <= 8
    assert len(mesh['extras']['targetNames']) == len(mesh['weights'])
    residual = glb.nodes[glb.ids['person_1']]['extras']['morph_residual_mm']
    assert residual < 0.5
    errors = errors_mm(glb, motion, blend_body, pose_body, person)
    assert max(errors) <= residual + 0.005
    _, weights = glb.tracks[glb.ids['person_1_mesh'], 'weights']
    assert weights.min() >= 0 and weights.max() <= 1


def test_too_many_poses_leave_the_residual_that_is_stated(
    make_person, make_motion, blend_body, pose_body
):
    person = make_person(1, range(80))
    motion = make_motion(person, num_frames=80)
    glb = GLB(encode_animated_glb(motion, blend_body))
    assert len(glb.json['meshes'][0]['weights']) == 32
    residual = glb.nodes[glb.ids['person_1']]['extras']['morph_residual_mm']
    assert residual > 0.5
    errors = errors_mm(glb, motion, blend_body, pose_body, person)
    assert 0.3 * residual < max(errors) <= residual + 0.01


def test_one_frame_needs_one_morph_target(
    make_person, make_motion, blend_body, pose_body
):
    person = make_person(1, [2])
    motion = make_motion(person)
    glb = GLB(encode_animated_glb(motion, blend_body))
    assert glb.json['meshes'][0]['weights'] == [1]
    assert max(errors_mm(glb, motion, blend_body, pose_body, person)) < 0.005


@pytest.mark.parametrize('which', ['two', 'nobody', 'no video', 'one', 'four', 'blend'])
def test_the_validator_has_nothing_to_say(
    which, two_people, two_people_file, make_person, make_motion, open_body, blend_body,
    tmp_path,
):  # fmt: skip
    nobody = replace(make_person(1, []), betas=np.zeros(10, np.float32))
    data = {
        'two': lambda: two_people_file,
        'nobody': lambda: encode_animated_glb(make_motion(nobody), open_body),
        'no video': lambda: encode_animated_glb(make_motion(num_frames=0), open_body),
        'one': lambda: encode_animated_glb(
            make_motion(make_person(1, [0]), num_frames=1), open_body
        ),
        'four': lambda: encode_animated_glb(two_people, open_body, max_influences=4),
        'blend': lambda: encode_animated_glb(
            make_motion(make_person(1, [1, 2, 5]), make_person(2, [4])), blend_body
        ),
    }[which]()
    assert gltf_issues(data, tmp_path) == []


def test_trimesh_loads_it(two_people_file):
    scene = trimesh.load_scene(io.BytesIO(two_people_file), file_type='glb')
    assert set(scene.geometry) == {'person_3', 'person_7'}
    for index, mesh in enumerate(scene.geometry.values()):
        assert mesh.vertices.shape == (13718, 3)
        color = mesh.visual.material.baseColorFactor[:3]
        # glTF's colours are linear; 2.2 is the usual approximation of sRGB's curve.
        np.testing.assert_allclose(color, 255 * np.power(PALETTE[index], 2.2), atol=3)


def test_colors_go_by_person(make_person, make_motion, open_body):
    motion = make_motion(make_person(1, []), make_person(2, [0]))
    glb = GLB(encode_animated_glb(motion, open_body, colors=[(1, 0, 0), (0, 0.5, 1)]))
    (material,) = glb.json['materials']
    assert material['pbrMetallicRoughness']['baseColorFactor'] == pytest.approx(
        [0, 0.21404, 1, 1], abs=1e-4
    )


def test_bad_arguments(two_people, open_body):
    with pytest.raises(ValueError, match='max_influences must be 4 or 8, got 6'):
        encode_animated_glb(two_people, open_body, max_influences=6)
    with pytest.raises(ValueError, match='2 people need as many colors, got 1'):
        encode_animated_glb(two_people, open_body, colors=[(1, 1, 1)])
    first, second = two_people.people
    twice = replace(two_people, people=(first, replace(second, person_id=3)))
    with pytest.raises(ValueError, match=r'a number of their own, got \[3, 3\]'):
        encode_animated_glb(twice, open_body)
    short = replace(first, betas=np.zeros(4, np.float32))
    with pytest.raises(ValueError, match=r'person_3: betas .* \(10,\) .* got \(4,\)'):
        encode_animated_glb(replace(two_people, people=(short,)), open_body)
