"""Print how far crop and full projection differ, and draw docs/camera.png.

python tools/analysis_tools/draw_camera.py [--out docs/camera.png]
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import roma
import torch

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.geometry import (
    crop_to_full_translation,
    crop_to_translation,
    default_focal_length,
    image_center,
    perspective_projection,
    projection_gap,
)
from deforhmr_mm.visualization import MeshRenderer

matplotlib.use('Agg')
from matplotlib import pyplot as plt
from matplotlib.collections import PolyCollection
from matplotlib.patches import Polygon, Rectangle

ROOT = Path(__file__).resolve().parents[2]
LABELS = ROOT / 'demo' / 'samples' / 'annotations.npz'
SIZE = (1280, 720)
SCALE = 0.9
WHO = 6  # runs towards the camera
PLACES = {'centre': 0.0, 'half-way to the corner': 0.5, 'corner': 1.0}
FULL, CROP, PERSON, GHOST = '#d9480f', '#1864ab', '#868e96', '#dee2e6'


class People(NamedTuple):
    """The labelled people of demo/samples.

    Attributes:
        body: The open body.
        vertices: (N, V, 3) metres, camera axes, as the model gives them.
        joints: (N, 45, 3) metres.
        cameras: (N, 3) crop cameras that put the middle of the joints into the middle
            of the box, and 1 m over 0.45 of its height.
    """

    body: SMPL
    vertices: torch.Tensor
    joints: torch.Tensor
    cameras: torch.Tensor


def sample_people() -> People:
    """Pose the labelled people of demo/samples."""
    body = SMPL()
    with np.load(LABELS) as labels:
        pose = torch.from_numpy(labels['pose']).float().reshape(-1, 24, 3)
        betas = torch.from_numpy(labels['shape']).float()
    turns = roma.rotvec_to_rotmat(pose)
    with torch.no_grad():
        vertices, joints = body(turns[:, :1], turns[:, 1:], betas)
    middle = (joints.amax(1) + joints.amin(1))[:, :2] / 2
    cameras = torch.cat([torch.full((len(joints), 1), SCALE), -middle], dim=1)
    return People(body, vertices, joints, cameras)


def box_center(place: float, height: float) -> torch.Tensor:
    """Return a box's centre: 0 in the picture's middle, 1 touching its corner."""
    middle = torch.tensor(image_center(*SIZE))
    corner = torch.tensor(SIZE) - 0.5 - torch.tensor([0.75, 1.0]) * height / 2
    return middle + place * (corner - middle)


def tables(people: People) -> Iterator[str]:
    """Yield the lines of the tables in docs/camera.md: median / largest pixels."""
    middle = torch.tensor(image_center(*SIZE))
    diagonal = default_focal_length(*SIZE)
    count = len(people.joints)
    heights = (180, 360, 600)

    def rows(name, measure, focal_lengths):
        yield f'| {name} | box height | {" | ".join(PLACES)} |'
        yield '|---' * (2 + len(PLACES)) + '|'
        for focal_length, height in itertools.product(focal_lengths, heights):
            cells = []
            for place in PLACES.values():
                center = box_center(place, height).expand(count, 2)
                pixels = measure(center, float(height), focal_length)
                cells.append(f'{pixels.median():.1f} / {pixels.max():.1f}')
            yield f'| {focal_length:.0f} px | {height} px | {" | ".join(cells)} |'

    def gaps(center, height, focal_length):
        return projection_gap(
            people.joints, people.cameras, center, height, middle, focal_length
        )

    def moved(center, height, focal_length):
        def project(focal_length):
            transl = crop_to_full_translation(
                people.cameras, center, height, middle, focal_length
            )
            return perspective_projection(people.joints, focal_length, middle, transl)

        return (project(diagonal) - project(focal_length)).norm(dim=-1)

    yield from rows('focal length', gaps, (diagonal, 0.6 * diagonal))
    yield ''
    yield from rows('instead of the diagonal', moved, (2 * diagonal,))


def draw_sketch(ax, vertices, faces, camera, transl, box, focal_length) -> None:
    """Draw both cameras and the person from the side: depth to the right, y up."""

    def silhouette(translation, color, order):
        points = (vertices + translation)[:, [2, 1]] * (1, -1)
        shape = PolyCollection(points[faces], facecolor=color, edgecolor=color)
        shape.set(linewidth=0.3, zorder=order)
        ax.add_collection(shape)
        return points

    twice = transl * (1, 1, 2)
    silhouette(twice, GHOST, 1)
    person = silhouette(transl, PERSON, 5)
    low, high, level = person[:, 1].min(), person[:, 1].max(), person[:, 1].mean()
    end = twice[2] + 1.3
    plane = 1.3

    def slope(y):
        return -(y - (SIZE[1] - 1) / 2) / focal_length

    # The full camera: what it sees, its picture, the box in it and the rays of the box.
    top, bottom = slope(-0.5), slope(SIZE[1] - 0.5)
    reach = transl[2] + 0.9
    wedge = [(0, 0), (reach, top * reach), (reach, bottom * reach)]
    ax.add_patch(Polygon(wedge, color='#fff4e6', zorder=0))
    ax.plot([0, end], [0, 0], color=FULL, lw=0.9, ls=(0, (6, 4)), zorder=2)
    ax.text(end, 0.05, 'optical axis', color=FULL, ha='right', va='bottom')
    ax.plot([plane] * 2, [top * plane, bottom * plane], color='#495057', lw=3)
    ax.text(plane, bottom * plane - 0.06, 'picture', ha='center', va='top', zorder=6)
    edges = [slope(y) for y in (box[1], box[1] + box[3])]
    ax.plot(
        [plane] * 2, [e * plane for e in edges], color=FULL, lw=6, solid_capstyle='butt'
    )
    for edge in edges:
        ax.plot([0, transl[2]], [0, edge * transl[2]], color=FULL, lw=1.5, zorder=4)
    draw_camera(ax, 0, 0, FULL)
    ax.text(-0.12, 0.22, 'full camera,\nfocal length F', color=FULL, ha='center')

    # The crop's: at the height of the person, too far away for the page.
    gap, start = -1.25, -2.6
    far = crop_to_translation(camera)[2].item()
    half = 1 / SCALE  # of what the box shows, in metres
    for side in (-1, 1):
        share = (transl[2] - gap) / far
        ends = [level + side * half * (1 - share), level + side * half]
        ax.plot([gap, transl[2]], ends, color=CROP, lw=1.5, zorder=3)
        ax.plot([start, gap - 0.2], [level, level + side * 0.5], color=CROP, lw=1.5)
    for x in (gap - 0.12, gap - 0.24):
        ax.plot([x - 0.1, x + 0.1], [level - 1.1, level + 1.1], color=CROP, lw=0.8)
    draw_camera(ax, start, level, CROP)
    text = f'crop camera,\n{far:.0f} m from\nthe person'
    ax.text(start, level - 0.3, text, color=CROP, ha='center', va='top')

    ax.annotate(
        '',
        (transl[2], low - 0.3),
        (0, low - 0.3),
        arrowprops=dict(arrowstyle='<->', color='#495057', shrinkA=0, shrinkB=0),
    )
    text = f'depth = 2 F / (b s) = {transl[2]:.1f} m'
    ax.text(transl[2] / 2, low - 0.36, text, ha='center', va='top')
    text = 'with twice the F:\ntwice as far'
    ax.text(twice[2], low - 0.1, text, color='#868e96', ha='center', va='top')
    ax.set_xlim(start - 0.8, end)
    ax.set_ylim(low - 0.7, max(high, top * plane + 0.2) + 0.25)
    ax.set_aspect('equal')
    ax.axis('off')
    ax.set_title('From the side', loc='left')


def draw_camera(ax, x: float, y: float, color: str) -> None:
    """Draw a small camera that looks to the right."""
    ax.add_patch(Rectangle((x - 0.34, y - 0.13), 0.24, 0.26, color=color, zorder=6))
    lens = [(x, y - 0.14), (x, y + 0.14), (x - 0.12, y + 0.05), (x - 0.12, y - 0.05)]
    ax.add_patch(Polygon(lens, color=color, zorder=6))


def draw_picture(ax, image, box, title: str) -> None:
    """Show the picture with the person's box."""
    ax.imshow(image, interpolation='lanczos')
    ax.add_patch(Rectangle(box[:2], *box[2:], fill=False, ec='#212529', lw=1.2))
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, loc='left')


def draw(people: People, out: Path) -> None:
    """Draw the sketch, the picture that it means, and the person in it, larger."""
    height = 480.0
    middle = torch.tensor(image_center(*SIZE))
    focal_length = 0.6 * default_focal_length(*SIZE)
    center = box_center(1.0, height)
    width = 0.75 * height
    box = (*(center - torch.tensor([width, height]) / 2).tolist(), width, height)

    # Both cameras, by the functions that docs/camera.md shows.
    camera, joints = people.cameras[WHO], people.joints[WHO, :24]
    args = (camera, center, height, middle, focal_length)
    transl = crop_to_full_translation(*args)
    full = perspective_projection(joints, focal_length, middle, transl)
    in_crop = perspective_projection(
        joints, 5000.0, torch.zeros(2), crop_to_translation(camera)
    )
    crop = in_crop * height / 256 + center
    gap = projection_gap(joints, *args)

    vertices, faces = people.vertices[WHO].numpy(), people.body.faces
    rendered = MeshRenderer().render(
        vertices + transl.numpy(),
        faces,
        focal_length,
        middle.tolist(),
        SIZE[::-1],
        [(0.66, 0.72, 0.8)],
    )
    image = rendered.overlay(np.full((*SIZE[::-1], 3), 244, np.uint8), alpha=1.0)

    plt.rcParams.update({'font.size': 12, 'axes.titlesize': 13})
    figure = plt.figure(figsize=(13.5, 9.6), layout='constrained')
    grid = figure.add_gridspec(2, 2, width_ratios=[1.9, 1], height_ratios=[1, 1.35])
    ax = figure.add_subplot(grid[0, :])
    draw_sketch(ax, vertices, faces, camera, transl.numpy(), box, focal_length)
    ax = figure.add_subplot(grid[1, 0])
    draw_picture(ax, image, box, 'The picture, by the full camera')
    for name, point in (('p', middle), ('c', center)):
        ax.plot(*point.tolist(), '+', color='#212529', ms=11)
        ax.annotate(name, point.tolist(), (7, 5), textcoords='offset points')
    ax = figure.add_subplot(grid[1, 1])
    title = f'In the box: median {gap.median():.0f}, at most {gap.max():.0f} px apart'
    draw_picture(ax, image, box, title)
    for ends in zip(full.tolist(), crop.tolist(), strict=True):
        ax.plot(*zip(*ends, strict=True), color='#212529', lw=1)
    ax.scatter(*full.T, s=30, color=FULL, label='joints by the full camera', zorder=3)
    ax.scatter(
        *crop.T, s=34, color=CROP, marker='x', lw=1.8, label='by the crop camera'
    )
    ax.set_xlim(box[0] - 6, box[0] + box[2] + 3)
    ax.set_ylim(box[1] + box[3] + 3, box[1] - 6)
    ax.legend(loc='lower right', framealpha=1, fontsize=11)
    figure.savefig(out, dpi=80)


def main() -> None:
    """Print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=Path, default=ROOT / 'docs' / 'camera.png')
    args = parser.parse_args()
    people = sample_people()
    print(*tables(people), sep='\n')
    draw(people, args.out)


if __name__ == '__main__':
    main()
