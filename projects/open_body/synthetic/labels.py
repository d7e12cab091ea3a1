"""Labels of one person: box, joints, SMPL parameters, camera."""

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from deforhmr_mm.structures import get_keypoint_set

from .body import Body
from .camera import Camera
from .people import Person

VISIBLE_LEAST = 0.4  # of the side that faces the camera
JOINTS_INSIDE_LEAST = 0.6
BOX_PADDING = 1.2  # SPIN's: scale = 1.2 * longer side / 200


class Labels(NamedTuple):
    """One row of the annotation file, under its keys' names; see the writer."""

    center: np.ndarray
    scale: float
    part: np.ndarray
    openpose: np.ndarray
    pose: np.ndarray
    shape: np.ndarray
    S: np.ndarray
    transl: np.ndarray
    focal_l: float
    principal_point: np.ndarray
    visible: float
    yaw: float


def label_person(
    person: Person, body: Body, camera: Camera, shown: np.ndarray
) -> Labels | None:
    """Labels of a person.

    Args:
        person: The person.
        body: The body.
        camera: The camera.
        shown: (h, w) where the picture shows this person.

    Returns:
        The labels, or None where too little of the person is in the picture.
    """
    joints = person.joints
    pixels = camera.project(joints)
    inside = camera.contains(pixels)
    visible = visible_share(person, body, camera, shown)
    if visible < VISIBLE_LEAST or inside.mean() < JOINTS_INSIDE_LEAST:
        return None
    everything = np.concatenate([pixels, camera.project(person.vertices)])
    within = everything[camera.contains(everything)]
    low, high = within.min(axis=0), within.max(axis=0)
    keypoints = np.column_stack([pixels, inside])
    relative = np.column_stack([joints - joints[0], np.ones(len(joints))])
    return Labels(
        center=0.5 * (low + high),
        scale=float(BOX_PADDING * (high - low).max() / 200),
        part=as_set(keypoints, 'spin24'),
        openpose=as_set(keypoints, 'openpose25'),
        pose=to_axis_angle(person.rotations),
        shape=person.betas,
        S=as_set(relative, 'spin24'),
        transl=person.transl,
        focal_l=camera.focal,
        principal_point=camera.principal_point,
        visible=visible,
        yaw=person.yaw,
    )


def visible_share(
    person: Person, body: Body, camera: Camera, shown: np.ndarray
) -> float:
    """Share (0..1) of the body's side facing the camera that the picture shows."""
    vertices = person.vertices
    normals = person.posed.normals[: len(vertices)]
    facing = -(normals * vertices).sum(axis=1) / np.linalg.norm(vertices, axis=1)
    weights = body.vertex_areas * np.clip(facing, 0, None)
    pixels = np.rint(camera.project(vertices)).astype(np.int64)
    index = np.flatnonzero(camera.contains(pixels))
    seen = shown[pixels[index, 1], pixels[index, 0]]
    return float((weights[index] * seen).sum() / weights.sum())


def as_set(values: np.ndarray, name: str) -> np.ndarray:
    """Values (45, C) of smpl45 in another set's order; joints it lacks are zero."""
    target = get_keypoint_set(name)
    mapping = get_keypoint_set('smpl45').map_to(target)
    out = np.zeros((len(target), values.shape[1]))
    out[list(mapping.target)] = values[list(mapping.source)]
    return out


def to_axis_angle(rotations: np.ndarray) -> np.ndarray:
    """(72,) axis-angle of rotations (24, 3, 3), root first."""
    return Rotation.from_matrix(rotations).as_rotvec().reshape(-1)
