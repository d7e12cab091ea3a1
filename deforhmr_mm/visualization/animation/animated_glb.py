"""One GLB file of a video: skinned people that move, and the video's camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pygltflib as gltf
from mmengine.logging import print_log

from deforhmr_mm import __version__
from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import Motion, PersonMotion

from ..shading import PALETTE, linear_color, vertex_normals
from .glb_file import GLBFile
from .influences import influence_residual, strongest_influences
from .morphs import Morphs, fit_morphs
from .rig import BodyRig, pose_features, rig_from_body
from .tracks import continuous_quaternions, visibility, y_up_tracks

ANIMATED_GLB_SCHEMA = 'deforhmr_mm/animated_glb/1'
"""Name and version of what the extras say."""

# Metres in front of the camera between which programs draw.
NEAR, FAR = 0.05, 1000.0


def encode_animated_glb(
    motion: Motion,
    body: SMPL,
    colors: Sequence[Sequence[float]] | None = None,
    max_influences: int = 8,
) -> bytes:
    """Return one GLB file with everybody in a video, their movement and the camera.

    A person is a skinned mesh and a skeleton of 24 joints, all named after the person;
    the key frames lie at frame / fps seconds. glTF has no frame rate: set the program's
    to that of the video (Blender: before the import). The axes are glTF's, y up and the
    camera looking along -z; the rest pose of every skeleton is upright, at the origin.
    A reader that plays no animation shows people as in their first frame.

    Where somebody is not in the picture the person's node has the scale 0, which glTF
    names for hiding, from half a frame after the last frame to half a frame before the
    next. The node is the parent of the skeleton and not of the mesh, because meshes
    with skins belong at the root.

    Bodies with pose blend shapes get morph targets: the fewest that keep all vertices
    of all key frames within 0.5 mm, at most 32 a person. The extras hold what is left
    (`morph_residual_mm`), what is lost by leaving joints out of the skinning
    (`influence_residual_mm`), and what a reader loses that knows only four joints a
    vertex, such as three.js (`four_influence_residual_mm`).

    The camera node has the picture's field of view. glTF's cameras are centred; the
    extras of the node hold the principal point and how far it lies from the centre,
    (right, down) in pixels: (dx, dy). In Blender, where an imported camera counts in
    heights of the picture, that is shift_x = -dx / H and shift_y = dy / H.

    Args:
        motion: Everybody in the video; nobody gives a scene with the camera. People
            without any frame are left out.
        body: The body.
        colors: RGB in [0, 1] of each person; the palette's by default.
        max_influences: Joints that may move a vertex, 8 or 4.

    Raises:
        ValueError: If `max_influences` is neither, two people have the same number, the
            colours are not as many as the people, or somebody's betas do not fit.
    """
    if max_influences not in (4, 8):
        raise ValueError(f'max_influences must be 4 or 8, got {max_influences}')
    ids = [person.person_id for person in motion.people]
    if len(set(ids)) < len(ids):
        raise ValueError(f'every person needs a number of their own, got {ids}')
    if colors is None:
        colors = [PALETTE[i % len(PALETTE)] for i in range(len(ids))]
    if len(colors) != len(ids):
        raise ValueError(f'{len(ids)} people need as many colors, got {len(colors)}')
    file = GLBFile(f'deforhmr_mm {__version__}', _file_extras(motion, body))
    animation = gltf.Animation(name='video')
    _add_camera(file, animation, motion)
    for person, color in zip(motion.people, colors, strict=True):
        if len(person):
            _add_person(file, animation, motion, person, body, color, max_influences)
    file.add('animations', animation)
    return file.to_bytes()


def _file_extras(motion: Motion, body: SMPL) -> dict[str, Any]:
    return {
        'schema': ANIMATED_GLB_SCHEMA,
        'fps': float(motion.fps),
        'num_frames': int(motion.num_frames),
        'image_size': [int(size) for size in motion.image_size],
        'body_name': body.body_name,
        'body_fingerprint': body.fingerprint,
        'people': [int(person.person_id) for person in motion.people if len(person)],
    }


def _add_camera(file: GLBFile, animation: gltf.Animation, motion: Motion) -> None:
    height, width = (int(size) for size in motion.image_size)
    lens = gltf.Perspective(
        aspectRatio=width / height,
        yfov=2 * math.atan(height / (2 * motion.focal_length)),
        znear=NEAR,
        zfar=FAR,
    )
    center = ((width - 1) / 2, (height - 1) / 2)
    point = [float(value) for value in motion.principal_point]
    extras = {
        'fps': float(motion.fps),
        'image_size': [height, width],
        'focal_length_px': float(motion.focal_length),
        'principal_point_px': point,
        'principal_point_offset_px': [
            p - c for p, c in zip(point, center, strict=True)
        ],
    }
    camera = gltf.Camera(name='camera', type=gltf.PERSPECTIVE, perspective=lens)
    index = file.add('cameras', camera)
    node = gltf.Node(name='camera', camera=index, extras=extras)
    node = file.add('nodes', node)
    file.add_root(node)
    # It stands still; its two keys make the clip as long as the video, also where
    # nobody is in the last frames, or in none.
    ends = np.unique([0, max(motion.num_frames - 1, 0)]) / motion.fps
    file.animate(animation, node, gltf.TRANSLATION, ends, np.zeros((len(ends), 3)))


def _add_person(
    file: GLBFile,
    animation: gltf.Animation,
    motion: Motion,
    person: PersonMotion,
    body: SMPL,
    color: Sequence[float],
    max_influences: int,
) -> None:
    name = f'person_{person.person_id}'
    try:
        rig = rig_from_body(body, person.betas)
    except ValueError as error:
        raise ValueError(f'{name}: {error}') from error
    tracks = y_up_tracks(person, rig)
    times = person.frames / motion.fps
    quaternions = continuous_quaternions(tracks.rotations)
    morphs = None
    if rig.posedirs is not None:
        morphs = fit_morphs(pose_features(tracks.rotations), rig.posedirs)
    residuals = _residuals(rig, tracks.rotations, morphs, max_influences)
    lost = max(
        residuals['influence_residual_mm'], residuals.get('morph_residual_mm', 0)
    )
    if lost > 0:
        print_log(
            f'{name}: vertices of the animated GLB are up to {lost:g} mm off '
            f'(its extras say why: {residuals})',
            logger='current',
        )

    joints = _add_skeleton(file, rig, name, quaternions[0], tracks.root_positions[0])
    extras = {
        'schema': ANIMATED_GLB_SCHEMA,
        'person_id': int(person.person_id),
        'first_frame': int(person.frames[0]),
        'last_frame': int(person.frames[-1]),
        'fps': float(motion.fps),
        'body_name': rig.body_name,
        'body_fingerprint': rig.fingerprint,
        'betas': [float(beta) for beta in person.betas],
        **residuals,
    }
    anchor = file.add(
        'nodes', gltf.Node(name=name, children=[joints[0]], extras=extras)
    )
    file.add_root(anchor)
    mesh = _add_mesh(file, rig, name, color, joints, morphs, max_influences)

    for joint, node in enumerate(joints):
        file.animate(animation, node, gltf.ROTATION, times, quaternions[:, joint])
    file.animate(animation, joints[0], gltf.TRANSLATION, times, tracks.root_positions)
    if morphs is not None:
        file.animate(animation, mesh, gltf.WEIGHTS, times, morphs.weights.reshape(-1))
    stretches = visibility(person.frames, motion.num_frames)
    if len(stretches.frames) > 1:
        scales = np.repeat(stretches.shown[:, None], 3, axis=1)
        # Half a frame early: a program that samples at frames, its times rounded in
        # another way than the file's, never meets the change itself.
        starts = np.maximum(stretches.frames - 0.5, 0) / motion.fps
        file.animate(animation, anchor, gltf.SCALE, starts, scales, gltf.ANIM_STEP)


def _residuals(
    rig: BodyRig, rotations: np.ndarray, morphs: Morphs | None, max_influences: int
) -> dict[str, float]:
    """What the file leaves out of the person's vertices, in millimetres."""
    four = influence_residual(rig, rotations, 4)
    kept = four if max_influences == 4 else influence_residual(rig, rotations, 8)
    residuals = {'influence_residual_mm': kept, 'four_influence_residual_mm': four}
    if morphs is not None:
        residuals['morph_residual_mm'] = morphs.residual
    return {name: round(1000 * value, 4) for name, value in residuals.items()}


def _add_skeleton(
    file: GLBFile,
    rig: BodyRig,
    name: str,
    quaternions: np.ndarray,
    root_position: np.ndarray,
) -> list[int]:
    """Add the joints' nodes in the given pose; returns their indices."""
    offsets = rig.joint_offsets()
    offsets[0] = root_position
    nodes: list[int] = []
    for joint, parent in enumerate(rig.parents):
        node = gltf.Node(
            name=f'{name}_{rig.joint_names[joint]}',
            translation=offsets[joint].tolist(),
            rotation=quaternions[joint].tolist(),
        )
        nodes.append(file.add('nodes', node))
        if parent >= 0:
            file.content.nodes[nodes[parent]].children.append(nodes[joint])
    return nodes


def _add_mesh(
    file: GLBFile,
    rig: BodyRig,
    name: str,
    color: Sequence[float],
    joints: list[int],
    morphs: Morphs | None,
    max_influences: int,
) -> int:
    """Add the mesh in its rest pose, hung on the joints; returns its node."""
    normals = vertex_normals(rig.vertices, rig.faces)
    # A vertex that no face uses has none; glTF wants unit vectors.
    normals[~normals.any(axis=1)] = (0, 1, 0)
    attributes = {
        'POSITION': file.array(rig.vertices.astype(np.float32), 'position'),
        'NORMAL': file.array(normals, 'attribute'),
    }
    influences = strongest_influences(rig.blend_weights, max_influences)
    for number, (ids, weights) in enumerate(zip(*influences, strict=True)):
        attributes[f'JOINTS_{number}'] = file.array(ids, 'attribute')
        attributes[f'WEIGHTS_{number}'] = file.array(weights, 'attribute')
    small = np.uint16 if len(rig.vertices) < 2**16 - 1 else np.uint32
    material = gltf.Material(
        name=name,
        pbrMetallicRoughness=gltf.PbrMetallicRoughness(
            baseColorFactor=[*linear_color(color).tolist(), 1.0],
            metallicFactor=0.0,
            roughnessFactor=0.7,
        ),
    )
    primitive = gltf.Primitive(
        attributes=gltf.Attributes(**attributes),
        indices=file.array(rig.faces.astype(small).reshape(-1), 'index'),
        material=file.add('materials', material),
    )
    mesh = gltf.Mesh(name=name, primitives=[primitive])
    if morphs is not None:
        primitive.targets = [
            gltf.Attributes(POSITION=file.array(target, 'position'))
            for target in morphs.targets
        ]
        mesh.weights = morphs.weights[0].tolist()
        names = [f'pose_{i:02d}' for i in range(len(morphs.targets))]
        mesh.extras = {'targetNames': names}
    # Column by column: the translation comes last.
    binds = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    binds[:, 3, :3] = -rig.joints
    skin = gltf.Skin(
        name=name,
        skeleton=joints[0],
        joints=joints,
        inverseBindMatrices=file.array(binds.reshape(-1, 16), 'bind'),
    )
    node = gltf.Node(
        name=f'{name}_mesh', mesh=file.add('meshes', mesh), skin=file.add('skins', skin)
    )
    node = file.add('nodes', node)
    file.add_root(node)
    return node
