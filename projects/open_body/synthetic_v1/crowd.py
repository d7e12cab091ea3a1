"""Cut-out pictures of people, for those who are far away or right before the camera."""

import numpy as np
from synthetic.camera import Camera, ground_point

from . import sprites
from .light import Light, sample_light
from .recipe import Recipe
from .render import render
from .views import place_first

CROWD_SEED = 72
CROWD_SIZE = 24
SIDE = (176, 224)  # width and height, pixels


def person_sprites(maker) -> list[np.ndarray]:
    """(h, w, 4) float32 pictures of single people with their cover."""
    found = []
    recipe = Recipe(0, 0)
    for number in range(CROWD_SIZE):
        rng = np.random.default_rng([CROWD_SEED, number])
        pitch = np.radians(rng.uniform(-4, 10))
        cos, sin = np.cos(pitch), np.sin(pitch)
        rotation = np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
        rotation = rotation @ np.diag([1.0, -1.0, -1.0])
        centre = np.array(SIDE) / 2
        camera = Camera(*SIDE, 500.0, centre, rotation)
        actor = maker.draw_actor(rng, camera, recipe.rare_poses)
        place_first(rng, actor.person, camera, False, True)
        light = sample_light(rng, camera.rotation)
        empty = np.zeros((SIDE[1], SIDE[0], 3), dtype=np.float32)
        done = render([actor], [], camera, light, empty)
        shown = done.owner == 0
        rows, columns = (
            np.flatnonzero(shown.any(axis=1)),
            np.flatnonzero(shown.any(axis=0)),
        )
        picture = np.dstack([np.clip(done.picture, 0, 1), shown]).astype(np.float32)
        found.append(picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    return found


def draw_far_people(
    rng: np.random.Generator,
    picture: np.ndarray,
    people: list[np.ndarray],
    camera: Camera,
    light: Light,
    depth: float,
    drop: float,
) -> None:
    """Put unlabelled people far behind the others on a picture, in place."""
    for away in np.sort(depth * rng.uniform(1.7, 5, rng.integers(1, 7)))[::-1]:
        column = rng.uniform(0, camera.width)
        foot = ground_point(camera, column, away, drop)
        sprite = people[rng.integers(len(people))]
        if rng.random() < 0.5:
            sprite = sprite[:, ::-1]
        height = 1.7 * min(sprite.shape[0] / 200, 1)
        width = height * sprite.shape[1] / sprite.shape[0]
        corners = sprites.upright_corners(camera, foot, width, height)
        if corners is not None:
            shade = rng.uniform(0.7, 1.2)
            tinted = sprite * np.float32([shade, shade, shade, 1])
            sprites.paste(picture, tinted, corners)
