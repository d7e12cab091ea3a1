"""Cameras: random intrinsics and attitude, and where people stand before them.

The world is levelled: y up, origin at the camera. The camera frame is x right, y down,
z forward. Pixel (0, 0)'s centre is at (0, 0).
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

LONG_SIDE_RANGE = (480, 720)
ASPECTS = (4 / 3, 3 / 2, 1.0, 16 / 9, 3 / 4, 2 / 3)
ASPECT_SHARES = (0.32, 0.2, 0.14, 0.1, 0.14, 0.1)
FOCAL_RANGE = (0.7, 2.5)  # times the image's diagonal
PITCH_LIMITS = (-30.0, 20.0)  # degrees, negative looks down
PITCH_MEAN, PITCH_SPREAD = -6.0, 11.0
ROLL_SPREAD, ROLL_LIMIT = 3.0, 10.0


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        width: Image width in pixels.
        height: Image height in pixels.
        focal: Focal length in pixels.
        principal_point: (2,) pixels.
        rotation: (3, 3) from the levelled world (y up) to the camera frame.
    """

    width: int
    height: int
    focal: float
    principal_point: np.ndarray
    rotation: np.ndarray

    @property
    def up(self) -> np.ndarray:
        """(3,) the world's up in the camera frame."""
        return self.rotation[:, 1]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) of points (..., 3) in the camera frame."""
        return points[..., :2] / points[..., 2:] * self.focal + self.principal_point

    def ray(self, pixels: np.ndarray) -> np.ndarray:
        """Directions (..., 3) with z = 1 through pixels (..., 2)."""
        plane = (pixels - self.principal_point) / self.focal
        return np.concatenate([plane, np.ones_like(plane[..., :1])], axis=-1)

    def contains(self, pixels: np.ndarray) -> np.ndarray:
        """Whether pixels (..., 2) are inside the picture."""
        size = np.array([self.width, self.height])
        return ((pixels >= -0.5) & (pixels < size - 0.5)).all(axis=-1)


def sample_camera(rng: np.random.Generator) -> Camera:
    """Draw a camera; the principal point is the image's centre (w/2, h/2)."""
    aspect = ASPECTS[rng.choice(len(ASPECTS), p=ASPECT_SHARES)]
    long_side = rng.integers(LONG_SIDE_RANGE[0], LONG_SIDE_RANGE[1] + 1)
    width = long_side if aspect >= 1 else round(long_side * aspect)
    height = long_side if aspect < 1 else round(long_side / aspect)
    focal = np.exp(rng.uniform(*np.log(FOCAL_RANGE))) * np.hypot(width, height)
    pitch = np.clip(rng.normal(PITCH_MEAN, PITCH_SPREAD), *PITCH_LIMITS)
    roll = np.clip(rng.normal(0, ROLL_SPREAD), -ROLL_LIMIT, ROLL_LIMIT)
    attitude = Rotation.from_euler('ZX', [roll, -pitch], degrees=True).as_matrix()
    rotation = attitude @ np.diag([1.0, -1.0, -1.0])
    centre = np.array([width / 2, height / 2])
    return Camera(int(width), int(height), float(focal), centre, rotation)


def heading(yaw: float) -> np.ndarray:
    """(3, 3) turn about the world's up axis; yaw in radians, 0 faces the camera."""
    return Rotation.from_euler('Y', yaw).as_matrix()


def ground_point(camera: Camera, column: float, depth: float, drop: float):
    """Point (3,) on the ground at an image column and a depth, in the camera frame.

    Args:
        camera: The camera.
        column: Pixel column that the point lies on.
        depth: Its z, metres.
        drop: Height of the camera above the ground, metres.
    """
    x = (column - camera.principal_point[0]) / camera.focal * depth
    up = camera.up
    y = (-drop - up[0] * x - up[2] * depth) / up[1]
    return np.array([x, y, depth])
