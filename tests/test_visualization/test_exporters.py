"""Mesh files are read back with the same vertices, in the axes that readers expect."""

import os

import numpy as np
import pytest
import trimesh

from deforhmr_mm.visualization import (
    PALETTE,
    camera_to_y_up,
    encode_meshes,
    export_meshes,
)
from tests.gltf_validation import gltf_problems


@pytest.fixture(scope='module')
def people():
    sphere = trimesh.creation.icosphere(subdivisions=2, radius=0.4)
    meshes = [sphere.vertices + (0.3, 0.2, 3), sphere.vertices * 2 + (-1, 0, 4.5)]
    return [mesh.astype(np.float32) for mesh in meshes], np.asarray(sphere.faces)


@pytest.mark.parametrize('suffix', ['.glb', '.obj', '.ply'])
def test_vertices_and_faces_survive(people, tmp_path, suffix):
    meshes, faces = people
    path = tmp_path / f'people{suffix}'
    export_meshes(path, meshes, faces)
    scene = trimesh.load_scene(path, process=False)
    loaded = trimesh.util.concatenate(
        [scene.geometry[name] for name in sorted(scene.geometry)]
    )
    expected = np.concatenate(meshes) * (1, -1, -1)
    np.testing.assert_allclose(loaded.vertices, expected, atol=1e-5)
    np.testing.assert_array_equal(
        loaded.faces, np.concatenate([faces, faces + len(meshes[0])])
    )
    assert os.listdir(tmp_path) == [path.name]


def test_glb_keeps_people_apart_and_coloured(people, tmp_path):
    meshes, faces = people
    export_meshes(tmp_path / 'a.glb', meshes, faces)
    scene = trimesh.load_scene(tmp_path / 'a.glb', process=False)
    assert set(scene.geometry) == {'person_0', 'person_1'}
    color = scene.geometry['person_1'].visual.material.baseColorFactor
    # glTF's colours are linear; 2.2 is the usual approximation of sRGB's curve.
    np.testing.assert_allclose(color[:3], 255 * np.power(PALETTE[1], 2.2), atol=3)


def test_the_gltf_validator_finds_nothing_wrong(people, tmp_path):
    meshes, faces = people
    assert gltf_problems(encode_meshes(meshes, faces), tmp_path) == []


def test_turning_the_axes_twice_changes_nothing():
    points = np.random.default_rng(0).normal(size=(5, 2, 3))
    turned = camera_to_y_up(points)
    np.testing.assert_array_equal(camera_to_y_up(turned), points)
    # A rotation and no reflection: cross products turn along.
    np.testing.assert_allclose(
        np.cross(turned[:, 0], turned[:, 1]),
        camera_to_y_up(np.cross(points[:, 0], points[:, 1])),
    )


def test_bad_arguments(people):
    meshes, faces = people
    with pytest.raises(ValueError, match="'fbx'"):
        encode_meshes(meshes, faces, 'fbx')
    with pytest.raises(ValueError, match='at least one person'):
        encode_meshes([], faces)
