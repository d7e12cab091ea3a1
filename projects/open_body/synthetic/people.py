"""People of one picture: who they are, how they stand, where they are placed."""

from dataclasses import dataclass

import numpy as np

from .body import Body, Dress, Posed
from .camera import Camera, ground_point, heading
from .garments import Measures
from .outfit import Outfit
from .poses import PoseSampler, to_rotmats
from .wardrobe import sample_outfit

BETA_LIMIT = 2.5
HEIGHT_RANGE = (120.0, 450.0)  # pixels, of a person's box
TRUNCATED_SHARE = 0.13
FILL_LIMIT = 0.97  # of the picture's height or width, for people not truncated
NEAREST_DEPTH = 0.4  # metres
DROP_RANGE = (0.15, 9.0)  # metres, height of the camera above the ground
LEAST_GAP = 0.45  # metres between two people's centres
PLACING_TRIES = 12
OTHER_DEPTH_SPREAD = 0.3  # of log depth, between people of one picture
JOINTS_INSIDE_LEAST = 0.75
JOINTS_INSIDE_WHOLE = 0.97


@dataclass
class Person:
    """A posed and dressed person in the camera frame.

    Attributes:
        rotations: (24, 3, 3), the first from the body's frame to the camera frame.
        betas: (10,).
        transl: (3,) metres, added to the body model's vertices.
        posed: The posed body without `transl`.
        dress: What is worn.
        faces: (F, 3) triangles of the dressed surface.
        coordinates: (V + E, 4) of every vertex, what its colour is a function of.
        outfit: Looks of the first data set; None in v1, which keeps them apart.
        pose_name: Base pose that this one was drawn around.
        yaw: Heading about the vertical, radians, 0 faces the camera.
    """

    rotations: np.ndarray
    betas: np.ndarray
    transl: np.ndarray
    posed: Posed
    dress: Dress
    faces: np.ndarray
    coordinates: np.ndarray
    outfit: Outfit | None
    pose_name: str
    yaw: float

    @property
    def vertices(self) -> np.ndarray:
        """(V, 3) bare body in the camera frame, metres."""
        return self.posed.vertices + self.transl

    @property
    def joints(self) -> np.ndarray:
        """(45, 3) in the camera frame, metres."""
        return self.posed.joints + self.transl

    @property
    def surface(self) -> np.ndarray:
        """(V + E, 3) dressed, in the camera frame, metres."""
        return self.posed.surface + self.transl


def sample_betas(rng: np.random.Generator) -> np.ndarray:
    """(10,) shape coefficients, standard normal, clipped."""
    return np.clip(rng.normal(size=10), -BETA_LIMIT, BETA_LIMIT)


def sample_rotations(
    rng: np.random.Generator, poses: PoseSampler, camera: Camera
) -> tuple[str, float, np.ndarray]:
    """Base pose's name, yaw (radians, uniform) and rotations (24, 3, 3)."""
    name, angles = poses.sample(rng)
    rotations = to_rotmats(angles)
    yaw = rng.uniform(-np.pi, np.pi)
    rotations[0] = camera.rotation @ heading(yaw) @ rotations[0]
    return name, yaw, rotations


def sample_person(
    rng: np.random.Generator,
    body: Body,
    measures: Measures,
    poses: PoseSampler,
    camera: Camera,
) -> Person:
    """Draw a person; `transl` is zero until placed."""
    name, yaw, rotations = sample_rotations(rng, poses, camera)
    betas = sample_betas(rng)
    outfit = sample_outfit(rng, body, measures)
    dress = outfit.dress(body)
    posed = body.pose(rotations, betas, dress)
    return Person(
        rotations=rotations,
        betas=betas,
        transl=np.zeros(3),
        posed=posed,
        dress=dress,
        faces=np.concatenate([body.faces, dress.faces + np.int32(len(body.template))]),
        coordinates=outfit.coordinates(body),
        outfit=outfit,
        pose_name=name,
        yaw=float(yaw),
    )


def place_first(rng: np.random.Generator, person: Person, camera: Camera) -> float:
    """Place a person freely in the picture; sets `transl`.

    Returns:
        The height of the camera above the ground that the person stands on, metres.
    """
    vertices = person.posed.vertices
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    extent, centre = high - low, 0.5 * (low + high)
    size = np.array([camera.width, camera.height], dtype=np.float64)
    truncated = rng.random() < TRUNCATED_SHARE
    lowest = (vertices @ camera.up).min()
    drop = 0.0
    for _ in range(PLACING_TRIES):
        fill = rng.uniform(1.0, 1.3) if truncated else FILL_LIMIT
        height = np.exp(rng.uniform(*np.log(HEIGHT_RANGE)))
        height = min(height, fill * size[1], fill * size[0] * extent[1] / extent[0])
        # The near side looks larger: the depth is that of the nearest point's side.
        depth = camera.focal * extent[1] / height + 0.25 * extent[2]
        depth = max(depth, NEAREST_DEPTH + 0.6 * extent[2])
        half = 0.5 * extent[:2] * camera.focal / depth
        margin = half * (rng.uniform(0.3, 0.9) if truncated else 1.0)
        margin = np.minimum(margin, 0.5 * size)
        pixel = rng.uniform(margin, size - margin)
        person.transl = camera.ray(pixel) * depth - centre
        drop = -(lowest + person.transl @ camera.up)
        inside = camera.contains(camera.project(person.joints)).mean()
        wanted = JOINTS_INSIDE_LEAST if truncated else JOINTS_INSIDE_WHOLE
        if DROP_RANGE[0] < drop < DROP_RANGE[1] and inside >= wanted:
            break
    return float(drop)


def place_beside(
    rng: np.random.Generator,
    person: Person,
    others: list[Person],
    camera: Camera,
    drop: float,
) -> bool:
    """Place a person on the ground that the others stand on; sets `transl`.

    Returns:
        Whether a place was found.
    """
    vertices = person.posed.vertices
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    centre = 0.5 * (low + high)
    up = camera.up
    foot = centre + up * ((vertices @ up).min() - centre @ up)
    wanted = (
        JOINTS_INSIDE_LEAST if rng.random() < TRUNCATED_SHARE else JOINTS_INSIDE_WHOLE
    )
    near = others[0].transl[2] + others[0].posed.joints[0, 2]
    for _ in range(PLACING_TRIES):
        depth = near * np.exp(rng.normal(0, OTHER_DEPTH_SPREAD))
        column = rng.uniform(0, camera.width)
        place = ground_point(camera, column, depth, drop)
        person.transl = place - foot
        joints = person.joints
        if joints[:, 2].min() < NEAREST_DEPTH:
            continue
        height = np.ptp(camera.project(joints)[:, 1])
        gaps = [np.linalg.norm(person.joints[0] - o.joints[0]) for o in others]
        inside = camera.contains(camera.project(joints)).mean()
        fits = 0.8 * HEIGHT_RANGE[0] < height < 1.1 * HEIGHT_RANGE[1]
        if fits and min(gaps) > LEAST_GAP and inside >= wanted:
            return True
    return False
