"""Hats, hair, bags and things in the hand, as surfaces that move with a joint."""

import numpy as np
from synthetic.body import Body
from synthetic.garments import long_hair

from .bank import Cloth, make_cloth
from .colours import cloth_colour, palette, thing_colour
from .look import Look, Piece
from .things import Mesh, ball, box, joined, rod, sector, worn

HATS = {
    'kit': (0.35, ('cap', 'helmet')), 'suit_skin': (0.8, ('cap', 'helmet')),
    'winter': (0.65, ('cap', 'helmet', 'hood')), 'work': (0.5, ('cap', 'helmet')),
    'dress': (0.15, ('cap', 'scarf')),
}  # fmt: skip
HELD = (
    'rod', 'stick', 'rods', 'racket', 'ball', 'box', 'bag', 'phone', 'umbrella',
    'board',
)  # fmt: skip


def material(rng: np.random.Generator, patterned: float = 0.4) -> Cloth:
    """What a thing is made of."""
    colour = cloth_colour(rng) if rng.random() < 0.5 else thing_colour(rng)
    kinds = ('plaster', 'wood', 'letters', 'stripes', 'clutter', 'bricks', 'shelves')
    kind = kinds[rng.integers(len(kinds))] if rng.random() < patterned else 'plaster'
    spread = rng.uniform(0, 0.8) if kind != 'plaster' else 0.1
    return make_cloth(rng, kind, palette(rng, colour, spread), rng.uniform(0.2, 1.2))


def _add(look: Look, body: Body, mesh: Mesh, joint: str, cloth: Cloth, gloss=0.1):
    tube = worn(mesh, body.joint_names.index(joint))
    look.pieces.append(Piece(tube, cloth, gloss))


def add_hat(rng: np.random.Generator, look: Look, body: Body, style: str) -> None:
    """A cap with or without a brim, a helmet, a hood, a headscarf, or nothing."""
    share, kinds = HATS.get(style, (0.2, ('cap', 'cap', 'cap', 'hood', 'scarf')))
    if rng.random() >= share:
        return
    look.hat = str(rng.choice(kinds))
    m, cloth = look.measures, look.cloths['hat']
    forehead = np.array([0.0, m.left_eye[1] + 0.045, m.ear_centre[2] + 0.01])
    if look.hat == 'cap' and rng.random() < 0.65:
        if rng.random() < 0.7:
            brim = sector(forehead, 0.08, rng.uniform(0.15, 0.19), 0.9, 0.02)
            if rng.random() < 0.1:  # worn backwards
                brim = brim.moved(np.diag([-1.0, 1, -1]), [0, 0, 2 * forehead[2]])
        else:
            outer = rng.uniform(0.15, 0.26)
            brim = sector(forehead, 0.07, outer, np.pi, rng.uniform(-0.02, 0.04))
        _add(look, body, brim, 'head', cloth)
    elif look.hat == 'cap' and rng.random() < 0.4:
        top = np.array([0, m.head_top_y + 0.03, m.ear_centre[2] - 0.01])
        _add(look, body, ball(top, np.full(3, 0.03)), 'head', cloth)
    elif look.hat == 'helmet' and rng.random() < 0.4:
        _add(look, body, sector(forehead, 0.08, 0.16, 1.0, 0.02), 'head', cloth, 0.4)
    elif look.hat == 'helmet' and rng.random() < 0.3:  # a cage before the face
        rods = []
        for y in np.linspace(m.nose[1] - 0.07, m.nose[1] + 0.05, 4):
            points = [np.array([x, y, z]) for x, z in ((-0.085, 0.12), (0, 0.215))]
            points.append(points[0] * [-1, 1, 1])
            rods += [rod(points[i], points[i + 1], 0.005) for i in (0, 1)]
        _add(look, body, joined(rods), 'head', material(rng, 0.0))


def add_hair(rng: np.random.Generator, look: Look, body: Body) -> None:
    """Long hair, tails, buns and big curls."""
    m = look.measures
    if look.bald:
        return
    kind = rng.choice(5, p=[0.5, 0.22, 0.12, 0.06, 0.1])
    if kind and kind < 4:
        look.beard = 0.0
    back = np.array([0.0, m.ear_centre[1] + 0.03, -0.075])
    if kind == 1:
        tube = long_hair(body, m, rng.uniform(0.02, 0.38), look.hair_volume)
        look.pieces.append(Piece(tube, look.cloths['hat'], 0.12, hair=True))
    elif kind in (2, 3):
        if kind == 2:
            length = rng.uniform(0.1, 0.35)
            tail = back + [rng.normal(0, 0.03), -length, -rng.uniform(0.0, 0.06)]
            mesh = joined(
                [rod(back, tail, (0.03, 0.012)), ball(back, np.full(3, 0.035))]
            )
        else:
            place = back + [0, rng.uniform(-0.02, 0.11), rng.uniform(-0.01, 0.03)]
            mesh = ball(place, rng.uniform(0.035, 0.055, 3))
        tube = worn(mesh, body.joint_names.index('head'))
        look.pieces.append(Piece(tube, look.cloths['hat'], 0.12, hair=True))
    elif kind == 4:
        look.hair_volume = rng.uniform(0.03, 0.09)
        look.curls = rng.uniform(0.03, 0.12)


def add_carried(rng: np.random.Generator, look: Look, body: Body) -> None:
    """Backpacks, bags at the side, scarves."""
    kind = rng.random()
    cloth = material(rng)
    if kind < 0.1:
        size = rng.uniform([0.22, 0.3, 0.1], [0.38, 0.6, 0.25])
        mesh = box(size).moved(np.eye(3), np.array([0, 0.12, -0.11 - size[2] / 2]))
        _add(look, body, mesh, 'spine3', cloth)
    elif kind < 0.17:
        side = rng.choice([-1.0, 1.0])
        size = rng.uniform([0.06, 0.15, 0.2], [0.14, 0.35, 0.42])
        place = np.array([side * (0.2 + size[0] / 2), -0.25, 0.0])
        _add(look, body, box(size).moved(np.eye(3), place), 'pelvis', cloth)
    if rng.random() < 0.05:
        low = np.array([0, look.measures.neck[1] - 0.03, 0.035])
        neck = rod(low, low + [0, rng.uniform(0.05, 0.09), 0.012], (0.095, 0.075))
        _add(look, body, neck, 'neck', look.cloths['hat'])


def add_held(rng: np.random.Generator, look: Look, body: Body, style: str) -> None:
    """Something in a hand, or in both."""
    if rng.random() >= {'kit': 0.45, 'suit_skin': 0.5, 'work': 0.4}.get(style, 0.22):
        return
    kind = str(rng.choice(HELD))
    sides = ('left', 'right') if kind == 'rods' else (rng.choice(['left', 'right']),)
    cloth = material(rng)
    for side in sides:
        grip = body.rest_joint('left_hand') + [-0.03, -0.025, 0.0]
        mesh = _held_mesh(rng, kind, grip)
        if side == 'right':
            mesh = mesh.moved(np.diag([-1.0, 1, 1]), np.zeros(3))
        _add(look, body, mesh, f'{side}_wrist', cloth, 0.2)
    if rng.random() < 0.04:  # on skis or skates
        for side in ('left', 'right'):
            size = np.array([0.09, 0.025, rng.choice([0.35, rng.uniform(1.3, 1.8)])])
            place = body.rest_joint(f'{side}_ankle') * [1, 0, 0]
            place = place + [0, look.measures.toe_y - 0.02, 0.1]
            board = box(size).moved(np.eye(3), place)
            _add(look, body, board, f'{side}_ankle', cloth, 0.3)


def _held_mesh(rng: np.random.Generator, kind: str, grip: np.ndarray) -> Mesh:
    """A thing in the left hand at rest: fingers point to +x, the palm looks down."""
    forward = np.array([rng.normal(0, 0.15), rng.normal(0, 0.1), 1.0])
    forward /= np.linalg.norm(forward)
    if kind in ('rod', 'rods'):
        ends = grip - forward * rng.uniform(0.9, 1.3), grip + forward * 0.12
        return rod(*ends, rng.uniform(0.006, 0.014))
    if kind == 'stick':
        thick = rng.uniform(0.01, 0.02)
        ends = grip - forward * 0.06, grip + forward * rng.uniform(0.4, 1.0)
        return rod(*ends, (thick, thick * rng.uniform(1, 2.2)))
    if kind == 'racket':
        tip = grip + forward * 0.4
        return joined(
            [
                rod(grip - forward * 0.08, tip, 0.014),
                ball(tip + forward * 0.14, np.array([0.12, 0.012, 0.16])),
            ]
        )
    if kind == 'ball':
        radius = rng.uniform(0.035, 0.14)
        return ball(grip - [0, radius, 0], np.full(3, radius))
    if kind == 'phone':
        mesh = box(np.array([0.15, 0.012, 0.075]))
        return mesh.moved(np.eye(3), grip + [0.02, -0.015, 0.03])
    if kind == 'umbrella':
        top = grip + forward * 0.75
        canopy = ball(top, np.array([0.48, 0.48, 0.16]))
        return joined([rod(grip - forward * 0.1, top, 0.01), canopy])
    if kind == 'board':
        size = np.array([0.02, rng.uniform(0.2, 0.5), rng.uniform(0.25, 0.8)])
        return box(size).moved(np.eye(3), grip - [0, size[1] / 2, 0])
    size = rng.uniform([0.12, 0.1, 0.15], [0.4, 0.3, 0.45])
    if kind == 'bag':
        mesh = box(size).moved(np.eye(3), grip + [0.12 + size[0] / 2, 0, 0])
        strap = rod(grip, grip + [0.13, 0, 0], 0.012)
        return joined([mesh, strap])
    return box(size).moved(np.eye(3), grip - [0, size[1] / 2, 0])
