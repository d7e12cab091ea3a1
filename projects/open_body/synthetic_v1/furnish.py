"""Things on the ground near people: seats under who sits, boxes, tables, balls."""

import numpy as np
from scipy.spatial.transform import Rotation
from synthetic.camera import Camera, ground_point
from synthetic.people import Person

from .render import Thing
from .things import Mesh, ball, box, joined, rod
from .worn_things import material

SEAT_HEIGHTS = (0.2, 1.0)  # metres: other sitting people have no seat
NEAREST = 0.3


def _put(rng, mesh: Mesh, rotation: np.ndarray, foot: np.ndarray) -> Thing:
    """A thing built on the origin, y up, put on a point of the camera frame."""
    cloth, gloss = material(rng, 0.5), float(rng.choice([0.03, 0.1, 0.3]))
    return Thing(mesh.moved(rotation, foot), mesh.vertices, cloth, gloss)


def table(size: np.ndarray) -> Mesh:
    """A table, a bench or a stool: (3,) width, height, depth."""
    width, height, depth = size
    top = box(np.array([width, 0.04, depth])).moved(np.eye(3), [0, height - 0.02, 0])
    legs = [
        rod([x, 0, z], [x, height - 0.03, z], 0.02)
        for x in (-0.45 * width, 0.45 * width)
        for z in (-0.45 * depth, 0.45 * depth)
    ]
    return joined([top, *legs])


def solid(size: np.ndarray) -> Mesh:
    """A box that stands on the ground."""
    return box(size).moved(np.eye(3), [0, size[1] / 2, 0])


def seat(rng: np.random.Generator, person: Person, camera: Camera) -> Thing | None:
    """A chair, stool, bench or box under a sitting person, None where none fits."""
    up = camera.up
    vertices, pelvis = person.vertices, person.joints[0]
    ground = (vertices @ up).min()
    away = vertices - pelvis
    away = away - np.outer(away @ up, up)
    under = np.linalg.norm(away, axis=1) < 0.17
    height = (vertices[under] @ up).min() - ground
    if not SEAT_HEIGHTS[0] < height < SEAT_HEIGHTS[1]:
        return None
    width, depth = rng.uniform(0.38, 0.6), rng.uniform(0.36, 0.5)
    kind = rng.choice(3, p=[0.5, 0.25, 0.25])
    if kind == 2:
        width *= rng.uniform(1.5, 3.5)
    size = np.array([width, height - 0.01, depth])
    mesh = table(size) if rng.random() < 0.6 else solid(size)
    if kind == 0:
        back = np.array([width, rng.uniform(0.3, 0.6), 0.04])
        rest = box(back).moved(
            np.eye(3), [0, height + back[1] / 2, -0.5 * depth - 0.03]
        )
        mesh = joined([mesh, rest])
        if rng.random() < 0.3:
            arms = [
                box(np.array([0.05, 0.05, depth])).moved(
                    np.eye(3), [side * (width / 2 + 0.03), height + 0.2, 0]
                )
                for side in (-1, 1)
            ]
            mesh = joined([mesh, *arms])
    turn = Rotation.from_euler('Y', person.yaw).as_matrix()
    foot = pelvis + up * (ground - pelvis @ up)
    foot = foot - 0.08 * (camera.rotation @ turn)[:, 2]
    return _put(rng, mesh, camera.rotation @ turn, foot)


def _random_mesh(rng: np.random.Generator) -> Mesh:
    kind = rng.choice(5, p=[0.35, 0.2, 0.15, 0.15, 0.15])
    if kind == 0:
        return solid(np.exp(rng.uniform(np.log(0.2), np.log([1.2, 1.6, 0.9]))))
    if kind == 1:
        return table(rng.uniform([0.5, 0.4, 0.4], [2.0, 1.1, 1.0]))
    if kind == 2:
        radius = rng.uniform(0.1, 0.4)
        return ball(np.array([0, radius, 0]), np.full(3, radius))
    if kind == 3:
        thick = rng.uniform(0.02, 0.2)
        return rod([0, 0, 0], [0, rng.uniform(0.6, 3.0), 0], thick)
    height = rng.uniform(0.4, 1.2)
    back = rng.uniform(0.15, 0.3)
    parts = [solid(np.array([rng.uniform(0.5, 2.2), 0.45 * height, 0.7]))]
    rest = solid(np.array([np.ptp(parts[0].vertices[:, 0]), height, back]))
    return joined([*parts, rest.moved(np.eye(3), [0, 0, -0.35])])


def things_about(
    rng: np.random.Generator,
    people: list[Person],
    camera: Camera,
    drop: float,
    count: int,
    before: bool,
) -> list[Thing]:
    """Things on the ground behind people, or between them and the camera."""
    found = []
    for _ in range(count):
        person = people[rng.integers(len(people))]
        mesh = _random_mesh(rng)
        if before:  # lower than the people, mostly
            mesh = Mesh(mesh.vertices * rng.uniform(0.4, 0.9), mesh.faces)
        turn = Rotation.from_euler('Y', rng.uniform(-np.pi, np.pi)).as_matrix()
        near = person.joints[:, 2].min()
        depth = max(p.joints[0, 2] for p in people) + rng.uniform(0.6, 6.0)
        if before:
            depth = near - 0.3 - rng.uniform(0, 0.35) * near
        if depth < NEAREST:
            continue
        pixels = camera.project(person.joints)
        column = rng.uniform(0, camera.width)
        if before:
            column = rng.normal(pixels[:, 0].mean(), 0.6 * np.ptp(pixels[:, 0]) + 5)
        foot = ground_point(camera, column, depth, drop)
        thing = _put(rng, mesh, camera.rotation @ turn, foot)
        if thing.mesh.vertices[:, 2].min() > NEAREST:
            found.append(thing)
    return found
