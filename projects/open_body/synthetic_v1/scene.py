"""One picture of data set v1: draw a scene from a seed, render it, label it."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from synthetic.body import Body
from synthetic.camera import Camera, ground_point
from synthetic.finish import encode_jpeg
from synthetic.garments import measure
from synthetic.people import Person, sample_betas

from . import sprites
from .crowd import draw_far_people, person_sprites
from .furnish import seat, things_about
from .labels import Labels, label_person
from .light import Light, sample_light
from .photo import JPEG_QUALITIES, finish
from .places import blurred, paint_place, sample_planes
from .posing import Posing
from .recipe import Recipe
from .render import Actor, Rendered, Thing, render
from .shadows import cast_ground_shadow
from .views import place_beside, place_first, sample_camera
from .wardrobe import sample_look

SEAT_SHARE = 0.8
FAR_PEOPLE_SHARE = 0.35


class Picture(NamedTuple):
    """A rendered picture and the labels of the people in it."""

    jpeg: bytes
    labels: list[Labels]


@dataclass
class SceneMaker:
    """Makes pictures of one body.

    Attributes:
        body: The body.
    """

    body: Body

    def __post_init__(self) -> None:
        """Measure the body once."""
        self.measures = measure(self.body)
        self.posing = Posing(self.body.rest_joints, self.body.parents)

    @cached_property
    def far_people(self) -> list[np.ndarray]:
        """Cut-out pictures of people, the same for every data set."""
        return person_sprites(self)

    def make(self, seed: np.random.SeedSequence, recipe: Recipe) -> Picture:
        """Make the picture of a seed."""
        streams = [np.random.default_rng(s) for s in seed.spawn(7)]
        camera_rng, people_rng, light_rng, back_rng, thing_rng, front_rng, last = (
            streams
        )
        camera = sample_camera(camera_rng, recipe.extreme_views)
        actors, drop = self.populate(people_rng, camera, recipe)
        light = sample_light(light_rng, camera.rotation)
        things = self._furnish(thing_rng, actors, camera, drop, recipe)
        picture = self._background(back_rng, actors, things, camera, light, drop)
        rendered = render(actors, things, camera, light, picture)
        if front_rng.random() < recipe.occluded_share:
            count = int(front_rng.integers(*recipe.occluders, endpoint=True))
            rendered = self._cover(front_rng, rendered, actors, camera, light, count)
        labels = [
            label_person(
                actor.person,
                self.body,
                camera,
                rendered.owner == i,
                rendered.depth,
                recipe,
            )
            for i, actor in enumerate(actors)
        ]
        jpeg = encode_jpeg(last, finish(last, rendered.picture), JPEG_QUALITIES)
        return Picture(jpeg, [label for label in labels if label is not None])

    def draw_actor(self, rng: np.random.Generator, camera: Camera, rare: bool) -> Actor:
        """Draw a person; `transl` is zero until placed."""
        name, yaw, rotations = self.posing.sample(rng, camera, rare)
        betas = sample_betas(rng)
        look = sample_look(rng, self.body, self.measures)
        dress = look.dress(self.body)
        person = Person(
            rotations=rotations,
            betas=betas,
            transl=np.zeros(3),
            posed=self.body.pose(rotations, betas, dress),
            dress=dress,
            faces=np.concatenate(
                [self.body.faces, dress.faces + np.int32(len(self.body.template))]
            ),
            coordinates=look.coordinates(self.body),
            outfit=None,
            pose_name=name,
            yaw=float(yaw),
        )
        return Actor(person, look)

    def populate(
        self, rng: np.random.Generator, camera: Camera, recipe: Recipe
    ) -> tuple[list[Actor], float]:
        """People placed in the picture, and the camera's height above their ground."""
        first = self.draw_actor(rng, camera, recipe.rare_poses)
        cut = rng.random() < recipe.truncated_share
        drop = place_first(rng, first.person, camera, cut, recipe.extreme_views)
        actors, shares = [first], np.array(recipe.people_shares)
        team = first.look if rng.random() < 0.2 else None
        for _ in range(rng.choice(len(shares), p=shares / shares.sum())):
            other = self.draw_actor(rng, camera, recipe.rare_poses)
            if team is not None:
                other.look.cloths.update(team.cloths)
            cut = rng.random() < recipe.truncated_share
            placed = [a.person for a in actors]
            if place_beside(rng, other.person, placed, camera, drop, cut):
                actors.append(other)
        return actors, drop

    def _furnish(
        self, rng: np.random.Generator, actors: list[Actor], camera: Camera,
        drop: float, recipe: Recipe,
    ) -> list[Thing]:  # fmt: skip
        """Seats, and things behind people and before them."""
        things: list[Thing] = []
        people = [a.person for a in actors]
        group = self.posing.usual.base_poses
        for person in people:
            base = group.get(person.pose_name)
            if base and base[1] == 'seat' and rng.random() < SEAT_SHARE:
                found = seat(rng, person, camera)
                things += [found] if found is not None else []
        behind = int(rng.choice(5, p=[0.4, 0.25, 0.15, 0.1, 0.1]))
        things += things_about(rng, people, camera, drop, behind, False)
        before = int(rng.random() < 0.6 * recipe.occluded_share)
        return things + things_about(rng, people, camera, drop, before, True)

    def _background(
        self, rng: np.random.Generator, actors: list[Actor], things: list[Thing],
        camera: Camera, light: Light, drop: float,
    ) -> np.ndarray:  # fmt: skip
        """The place, what stands about in it, and the shadows on its ground."""
        depth = float(np.mean([a.person.joints[0, 2] for a in actors]))
        planes = sample_planes(rng, light, drop, depth)
        picture = paint_place(rng, camera, light, planes)
        reach = min([p.distance for p in planes[1:]] + [5 * depth + 15])
        count = int(rng.choice([0, 2, 4, 8, 12], p=[0.2, 0.2, 0.25, 0.2, 0.15]))
        far = np.sort(rng.uniform(depth + 0.4, max(reach, depth + 1), count))[::-1]
        for away in far:
            column = rng.uniform(-0.1, 1.1) * camera.width
            foot = ground_point(camera, column, away, drop)
            sprite = sprites.draw_sprite(rng, light.outdoors)
            if not light.outdoors and rng.random() < 0.5:  # it hangs on a wall
                foot = foot + rng.uniform(0.3, 1.5) * camera.up
            corners = sprites.upright_corners(camera, foot, sprite.width, sprite.height)
            if corners is not None:
                sprites.paste(picture, sprites.lit(sprite.picture, light, 0.9), corners)
        if rng.random() < FAR_PEOPLE_SHARE:
            draw_far_people(rng, picture, self.far_people, camera, light, depth, drop)
        picture = blurred(rng, picture, 0.35)
        surfaces = [a.person.surface for a in actors]
        surfaces += [t.mesh.vertices for t in things]
        return cast_ground_shadow(rng, picture, surfaces, camera, light, drop)

    def _cover(
        self, rng: np.random.Generator, rendered: Rendered, actors: list[Actor],
        camera: Camera, light: Light, count: int,
    ) -> Rendered:  # fmt: skip
        """Flat things right before people; `owner` is -1 where they cover them."""
        picture, owner = rendered.picture.copy(), rendered.owner.copy()
        depth = rendered.depth.copy()
        for _ in range(count):
            person = actors[rng.integers(len(actors))].person
            pixels = camera.project(person.joints)
            size = np.ptp(pixels, axis=0).max()
            centre = pixels[rng.integers(len(pixels))] + rng.normal(0, 0.12 * size, 2)
            sprite, reach = self._front_sprite(rng)
            half = 0.5 * reach * size
            aspect = np.clip(sprite.shape[1] / sprite.shape[0], 0.2, 4)
            half = half * np.array([np.sqrt(aspect), 1 / np.sqrt(aspect)])
            turn = rng.normal(0, 0.12)
            cos, sin = np.cos(turn), np.sin(turn)
            corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
            corners = corners @ np.array([[cos, sin], [-sin, cos]]) + centre
            if rng.random() < 0.3:  # it stands on the ground before the camera
                corners[2:, 1] = np.maximum(corners[2:, 1], camera.height + 2)
            cover = sprites.paste(picture, sprites.lit(sprite, light, 0.8), corners)
            if rng.random() < 0.25:
                soft = cv2.GaussianBlur(picture, (0, 0), rng.uniform(1, 4))
                amount = cv2.GaussianBlur(cover, (0, 0), 1.5)[..., None]
                picture = picture + amount * (soft - picture)
            owner[cover > 0.5], depth[cover > 0.5] = -1, 0
        return Rendered(picture, owner, depth)

    def _front_sprite(self, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """Something flat, and how large it is beside a person."""
        if rng.random() < 0.25:
            sprite = self.far_people[rng.integers(len(self.far_people))]
            return sprite, rng.uniform(0.6, 1.3)
        kinds = (
            sprites.panel,
            sprites.plant,
            sprites.post,
            sprites.fence,
            sprites.panel,
        )
        sprite = kinds[rng.integers(len(kinds))](rng)
        height, width = sprite.picture.shape[:2]
        shrunk = max(int(width * np.clip(sprite.width / sprite.height, 0.15, 1)), 4)
        picture = sprite.picture
        if shrunk < width:
            picture = cv2.resize(
                picture, (shrunk, height), interpolation=cv2.INTER_AREA
            )
        return picture, rng.uniform(0.12, 0.5)
