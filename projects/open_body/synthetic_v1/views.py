"""Cameras of data set v1, and where people stand before them."""

import numpy as np
from scipy.spatial.transform import Rotation
from synthetic.camera import Camera, ground_point
from synthetic.people import Person

LONG_SIDE = (352, 512)  # pixels
ASPECTS = (4 / 3, 3 / 2, 1.0, 16 / 9, 3 / 4, 2 / 3)
ASPECT_SHARES = (0.26, 0.2, 0.22, 0.06, 0.16, 0.1)
FOCAL = (0.6, 3.0)  # times the diagonal
HEIGHTS = (130.0, 460.0)  # pixels of the first person's box
LEAST_HEIGHT = 70.0  # of the others' boxes
FILL_LIMIT = 0.96
NEAREST = 0.35  # metres
DROPS = (0.1, 9.0)  # metres, the camera above the ground
STEEP_DROPS = (-2.0, 30.0)
LEAST_GAP = 0.32  # metres between two people's pelvises
TRIES = 14
APART = 0.45  # of a person's size, in the picture, between people not close by


def sample_camera(rng: np.random.Generator, extreme: bool) -> Camera:
    """Draw a camera; the principal point is the image's centre (w/2, h/2)."""
    aspect = ASPECTS[rng.choice(len(ASPECTS), p=ASPECT_SHARES)]
    long_side = rng.integers(LONG_SIDE[0], LONG_SIDE[1] + 1)
    width = long_side if aspect >= 1 else round(long_side * aspect)
    height = long_side if aspect < 1 else round(long_side / aspect)
    focal = np.exp(rng.uniform(*np.log(FOCAL)))
    pitch = np.clip(rng.normal(-5, 11), -40, 25)
    if rng.random() < 0.12:
        pitch = rng.uniform(-50, 30)
    roll = rng.normal(0, 3) if rng.random() < 0.85 else rng.normal(0, 12)
    if extreme:
        kind = rng.choice(4, p=[0.4, 0.2, 0.2, 0.2])
        if kind == 0:
            pitch = rng.uniform(-85, -50)
        elif kind == 1:
            pitch = rng.uniform(30, 60)
        elif kind == 2:
            focal, pitch = rng.uniform(0.35, 0.5), rng.uniform(-45, 30)
        else:
            roll = rng.choice([-1, 1]) * rng.uniform(30, 90)
    attitude = Rotation.from_euler('ZX', [roll, -pitch], degrees=True).as_matrix()
    rotation = attitude @ np.diag([1.0, -1.0, -1.0])
    centre = np.array([width / 2, height / 2])
    focal = float(focal * np.hypot(width, height))
    return Camera(int(width), int(height), focal, centre, rotation)


def place_first(
    rng: np.random.Generator,
    person: Person,
    camera: Camera,
    truncated: bool,
    steep: bool,
) -> float:
    """Place a person freely in the picture; sets `transl`.

    Returns:
        The height of the camera above the ground that the person stands on, metres.
    """
    vertices = person.posed.vertices
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    extent, centre = high - low, 0.5 * (low + high)
    size = np.array([camera.width, camera.height], dtype=np.float64)
    lowest = (vertices @ camera.up).min()
    drops, drop = STEEP_DROPS if steep else DROPS, 0.0
    for _ in range(TRIES):
        fill = np.exp(rng.uniform(0.0, 0.7)) if truncated else FILL_LIMIT
        height = np.exp(rng.uniform(*np.log(HEIGHTS))) * (1.5 if truncated else 1.0)
        height = min(height, fill * size[1], fill * size[0] * extent[1] / extent[0])
        # The near side looks larger: the depth is that of the nearest point's side.
        depth = camera.focal * extent[1] / height + 0.25 * extent[2]
        depth = max(depth, NEAREST + 0.6 * extent[2])
        half = 0.5 * extent[:2] * camera.focal / depth
        margin = half * (rng.uniform(-0.1, 0.9, 2) if truncated else 1.0)
        margin = np.minimum(margin, 0.5 * size)
        pixel = rng.uniform(margin, size - margin)
        person.transl = camera.ray(pixel) * depth - centre
        drop = -(lowest + person.transl @ camera.up)
        inside = camera.contains(camera.project(person.joints)).mean()
        good = 0.35 <= inside < 0.9 if truncated else inside >= 0.97
        if drops[0] < drop < drops[1] and good:
            break
    return float(drop)


def place_beside(
    rng: np.random.Generator,
    person: Person,
    others: list[Person],
    camera: Camera,
    drop: float,
    truncated: bool,
) -> bool:
    """Place a person on the ground that the others stand on; sets `transl`.

    One in four is near another one in the picture, so that they overlap.

    Returns:
        Whether a place was found.
    """
    vertices = person.posed.vertices
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    centre, up = 0.5 * (low + high), camera.up
    foot = centre + up * ((vertices @ up).min() - centre @ up)
    first = others[0].joints
    near, column = first[0, 2], camera.project(first[0])[0]
    wide = np.ptp(camera.project(first)[:, 0])
    close = rng.random() < 0.25
    for _ in range(TRIES):
        depth = near * np.exp(rng.normal(0, 0.12 if close else 0.35))
        place = (
            rng.normal(column, 0.9 * wide) if close else rng.uniform(0, camera.width)
        )
        person.transl = ground_point(camera, place, depth, drop) - foot
        joints = person.joints
        if joints[:, 2].min() < NEAREST:
            continue
        pixels = camera.project(joints)
        gaps = [np.linalg.norm(person.joints[0] - o.joints[0]) for o in others]
        apart = min(
            np.linalg.norm(pixels[0] - camera.project(o.joints[0])) for o in others
        )
        if not close and apart < APART * np.ptp(pixels, axis=0).max():
            continue
        inside = camera.contains(pixels).mean()
        fits = LEAST_HEIGHT < np.ptp(pixels, axis=0).max() < 1.6 * HEIGHTS[1]
        if fits and min(gaps) > LEAST_GAP and inside >= (0.4 if truncated else 0.9):
            return True
    return False
