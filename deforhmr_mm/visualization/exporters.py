"""Meshes as files for Blender, Unity and viewers; trimesh knows the formats."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import trimesh
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from deforhmr_mm.whole_files import write_bytes

from .shading import PALETTE, linear_color

MESH_FORMATS = ('glb', 'obj', 'ply')


def camera_to_y_up(points: np.ndarray) -> np.ndarray:
    """Turn camera axes (x right, y down, z forward) into glTF's (y up, z backward).

    A half turn about x, its own inverse; metres stay metres and the camera stays at the
    origin, looking along -z.

    Args:
        points: (..., 3).

    Returns:
        (..., 3), a new array.

    Example:
        >>> camera_to_y_up(np.array([1.0, 2.0, 3.0]))
        array([ 1., -2., -3.])
    """
    return np.asarray(points) * np.array([1, -1, -1], dtype=np.asarray(points).dtype)


def encode_meshes(
    meshes: Sequence[np.ndarray],
    faces: np.ndarray,
    file_format: str = 'glb',
    names: Sequence[str] | None = None,
    colors: Sequence[Sequence[float]] | None = None,
) -> bytes:
    """Return one file that holds the meshes of all people.

    GLB keeps one named and coloured object a person, OBJ one named object; PLY, which
    has no objects, one mesh with coloured vertices. The axes are those that readers of
    these formats expect: y up.

    Args:
        meshes: People's vertices, each (V, 3) metres in the camera frame (x right,
            y down, z forward), translation included; at least one.
        faces: (F, 3) vertex indices, shared.
        file_format: 'glb', 'obj' or 'ply'.
        names: Object names; person_0, person_1, ... by default.
        colors: RGB in [0, 1] of each person; the palette's by default.

    Raises:
        ValueError: If there is no mesh, or the format is not known.
    """
    if file_format not in MESH_FORMATS:
        raise ValueError(f'mesh format must be one of {MESH_FORMATS}: {file_format!r}')
    if len(meshes) == 0:
        raise ValueError('a mesh file needs at least one person, got none')
    if names is None:
        names = [f'person_{i}' for i in range(len(meshes))]
    if colors is None:
        colors = [PALETTE[i % len(PALETTE)] for i in range(len(meshes))]
    scene = trimesh.Scene()
    for vertices, name, color in zip(meshes, names, colors, strict=True):
        mesh = trimesh.Trimesh(camera_to_y_up(vertices), faces, process=False)
        if file_format == 'ply':
            mesh.visual.vertex_colors = np.rint(255 * np.append(color, 1.0))
        elif file_format == 'glb':
            material = PBRMaterial(
                name=name,
                baseColorFactor=np.append(linear_color(color), 1.0),
                metallicFactor=0.0,
                roughnessFactor=0.7,
            )
            mesh.visual = TextureVisuals(material=material)
        scene.add_geometry(mesh, node_name=name, geom_name=name)
    if file_format == 'glb':
        return scene.export(file_type='glb', include_normals=True)
    if file_format == 'obj':
        return scene.export(file_type='obj', header=None).encode()
    return scene.to_geometry().export(file_type='ply')


def export_meshes(
    path: str | os.PathLike,
    meshes: Sequence[np.ndarray],
    faces: np.ndarray,
    names: Sequence[str] | None = None,
    colors: Sequence[Sequence[float]] | None = None,
) -> None:
    """Write the meshes of all people to a .glb, .obj or .ply file.

    Args:
        path: The file; its suffix says the format.
        meshes: See `encode_meshes`, as for the other arguments.
        faces: (F, 3) vertex indices.
        names: Object names.
        colors: RGB in [0, 1] of each person.
    """
    file_format = Path(path).suffix.lower().lstrip('.')
    write_bytes(path, encode_meshes(meshes, faces, file_format, names, colors))
