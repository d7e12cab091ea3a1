"""Labels of one person: those of the first data set, and which joints are seen."""

from typing import NamedTuple

import numpy as np
from synthetic.body import Body
from synthetic.camera import Camera
from synthetic.labels import BOX_PADDING, as_set, to_axis_angle, visible_share
from synthetic.people import Person

from deforhmr_mm.structures import get_keypoint_set

from .recipe import Recipe

# How far behind the surface a joint that is seen may lie, metres: as thick as the
# body and its clothes are there.
THICKNESS = {'hip': 0.19, 'shoulder': 0.15, 'knee': 0.12, 'elbow': 0.1, 'ankle': 0.11,
             'wrist': 0.08, 'pelvis': 0.2, 'spine': 0.2, 'neck': 0.14, 'head': 0.16,
             'collar': 0.15}  # fmt: skip
AT_SURFACE = 0.06  # for landmarks of the skin, under hair, shoes and gloves


class Labels(NamedTuple):
    """One row of the annotation file, under its keys' names; see the README."""

    center: np.ndarray
    scale: float
    part: np.ndarray
    openpose: np.ndarray
    coco: np.ndarray
    pose: np.ndarray
    shape: np.ndarray
    S: np.ndarray
    transl: np.ndarray
    focal_l: float
    principal_point: np.ndarray
    joint_seen: np.ndarray
    visible: float
    seen_inside: float
    yaw: float


def joint_thickness(names: tuple[str, ...]) -> np.ndarray:
    """(45,) metres that a seen joint may lie behind the surface."""
    values = [
        max((t for word, t in THICKNESS.items() if word in name), default=AT_SURFACE)
        for name in names
    ]
    return np.array(values)


def seen_joints(
    joints: np.ndarray,
    thickness: np.ndarray,
    camera: Camera,
    shown: np.ndarray,
    depth: np.ndarray,
) -> np.ndarray:
    """Which joints (45,) the picture shows: under the person's own nearest surface.

    Args:
        joints: (45, 3) camera frame, metres.
        thickness: (45,) as :func:`joint_thickness` gives.
        camera: The camera.
        shown: (h, w) where the picture shows this person.
        depth: (h, w) metres of what is shown there.
    """
    pixels = camera.project(joints)
    inside = camera.contains(pixels)
    seen = np.zeros(len(joints), dtype=bool)
    height, width = shown.shape
    # One pixel around is looked at, too: landmarks lie on the silhouette.
    for dy, dx in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)):
        row = np.clip(np.rint(np.nan_to_num(pixels[:, 1])) + dy, 0, height - 1)
        column = np.clip(np.rint(np.nan_to_num(pixels[:, 0])) + dx, 0, width - 1)
        row, column = row.astype(np.int64), column.astype(np.int64)
        near = joints[:, 2] - depth[row, column] < thickness
        seen |= shown[row, column] & near
    return seen & inside


def label_person(
    person: Person,
    body: Body,
    camera: Camera,
    shown: np.ndarray,
    depth: np.ndarray,
    recipe: Recipe,
) -> Labels | None:
    """Labels of a person.

    Args:
        person: The person.
        body: The body.
        camera: The camera.
        shown: (h, w) where the picture shows this person.
        depth: (h, w) metres of what is shown there.
        recipe: Whom the split keeps.

    Returns:
        The labels, or None where the split does not keep the person.
    """
    joints = person.joints
    pixels = camera.project(joints)
    inside = camera.contains(pixels)
    visible = visible_share(person, body, camera, shown)
    whole = visible_share(person, body, camera, np.ones_like(shown))
    seen_inside = visible / max(whole, 1e-6)
    low, high = recipe.inside_range
    if not low <= inside.mean() <= high or joints[:, 2].min() < 0.1:
        return None
    if not recipe.seen_range[0] <= seen_inside <= recipe.seen_range[1]:
        return None
    thickness = joint_thickness(body.joint_names)
    seen = seen_joints(joints, thickness, camera, shown, depth)
    everything = np.concatenate([pixels, camera.project(person.vertices)])
    within = everything[camera.contains(everything)]
    corner, end = within.min(axis=0), within.max(axis=0)
    if (end - corner).max() < 50:
        return None
    keypoints = np.column_stack([pixels, inside])
    flags = np.column_stack([pixels, np.where(inside, 1 + seen, 0)])
    relative = np.column_stack([joints - joints[0], np.ones(len(joints))])
    coco = as_set(flags, 'coco17')
    coco[coco[:, 2] == 0] = 0
    assert len(coco) == len(get_keypoint_set('coco17'))
    return Labels(
        center=0.5 * (corner + end),
        scale=float(BOX_PADDING * (end - corner).max() / 200),
        part=as_set(keypoints, 'spin24'),
        openpose=as_set(keypoints, 'openpose25'),
        coco=coco,
        pose=to_axis_angle(person.rotations),
        shape=person.betas,
        S=as_set(relative, 'spin24'),
        transl=person.transl,
        focal_l=camera.focal,
        principal_point=camera.principal_point,
        joint_seen=seen,
        visible=visible,
        seen_inside=seen_inside,
        yaw=person.yaw,
    )
