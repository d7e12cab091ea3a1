"""Sparse, mirror-symmetric joint regressors.

The bone heads of anny do not keep their place inside the skin when the shape changes:
with stature the knee moves by up to 40 mm against any convex mean of the skin around
it. So the body's own regressor has signed weights, as few and as small as follow the
joints over the shape space; it is only ever applied to bodies in the T-pose. The
regressor for posed meshes (Human3.6M's joints) is convex: signed weights on skin that
other bones move would scatter in a bent limb.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import linprog, nnls

from .shape_space import ShapeSpace, TPosedBodies
from .skeleton import JOINT_NAMES, joint_index, mirror_joint_name

#: Vertices near a joint that may take part: the first count that works is taken.
_SIGNED_COUNTS, _CONVEX_COUNTS = (1500,), (60, 100, 150, 300, 600)
#: Largest error along an axis for one unit of one shape component, metres.
_TOLERANCE = 2.5e-4
#: How far off the mean shape's joint a convex ring may be before it is made exact.
_RING_TOLERANCE = 2e-4
_EXACTNESS = 300.0

#: (K, 3, num) movement of K points about the joint and (K, 3) their place about it, to
#: (K,) weights with sum 1; None if these points will not do.
_Solver = Callable[[np.ndarray, np.ndarray], np.ndarray | None]


def _signed_weights(moves: np.ndarray, places: np.ndarray) -> np.ndarray | None:
    """Smallest sum of absolute weights: exact at the mean, within tolerance else."""
    count = len(places)
    follow = moves.reshape(count, -1).T
    follow = np.hstack([follow, -follow])
    exact = np.vstack([places.T, np.ones(count)])
    solution = linprog(
        np.ones(2 * count),
        A_ub=np.vstack([follow, -follow]),
        b_ub=np.full(2 * len(follow), _TOLERANCE),
        A_eq=np.hstack([exact, -exact]),
        b_eq=np.array([0.0, 0.0, 0.0, 1.0]),
        method='highs',
    )
    if not solution.success:
        return None
    return solution.x[:count] - solution.x[count:]


def _convex_weights(moves: np.ndarray, places: np.ndarray) -> np.ndarray | None:
    """Non-negative weights as even as may be around the mean shape's joint."""
    del moves
    count = len(places)
    system = np.vstack(
        [places.T * _EXACTNESS, np.full((1, count), _EXACTNESS), np.eye(count)]
    )
    right = np.zeros(len(system))
    right[3] = _EXACTNESS
    weights, _ = nnls(system, right, maxiter=20 * count)
    weights /= weights.sum()
    off = np.linalg.norm(weights @ places)
    return weights if off < _RING_TOLERANCE else None


def _exact(weights: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The smallest change of the active weights that meets the mean shape exactly."""
    weights = np.where(np.abs(weights) > 1e-9, weights, 0.0)
    active = np.flatnonzero(weights)
    system = np.vstack([places[active].T, np.ones(len(active))])
    residual = np.array([0.0, 0.0, 0.0, 1.0]) - system @ weights[active]
    weights[active] += np.linalg.lstsq(system, residual, rcond=None)[0]
    return weights


def _fit(
    space: ShapeSpace,
    mean: TPosedBodies,
    skin: np.ndarray,
    mirror: np.ndarray,
    solver: _Solver,
    counts: tuple[int, ...],
) -> np.ndarray:
    """Regressor (24, V): left joints fitted, right ones mirrored, others in pairs."""
    vertices = mean.vertices[0]
    flip = np.array([-1.0, 1.0, 1.0])
    regressor = np.zeros((len(JOINT_NAMES), len(vertices)))
    for joint, name in enumerate(JOINT_NAMES):
        if name.startswith('right_'):
            continue
        twin = mirror_joint_name(name)
        distance = np.linalg.norm(vertices[skin] - mean.joints[0, joint], axis=-1)
        nearest = skin[np.argsort(distance, kind='stable')]
        for count in counts:
            chosen = nearest[:count]
            if twin == name:
                chosen = np.unique(np.minimum(chosen, mirror[chosen]))
            places, moves = vertices[chosen], space.shapedirs[chosen]
            if twin == name:
                places = (places + places * flip) / 2
                moves = (moves + moves * flip[:, None]) / 2
            places = places - mean.joints[0, joint]
            # Rounded to a micrometre: the solvers' choice of vertices, else, hangs on
            # the last bits, and these on the number of threads.
            moves = np.round(moves - space.joint_dirs[joint], 6)
            weights = solver(moves, np.round(places, 6))
            if weights is not None:
                break
        else:
            raise RuntimeError(f'no vertices near {name} give a joint regressor')
        weights = _exact(weights, places)
        if twin == name:
            np.add.at(regressor[joint], chosen, weights / 2)
            np.add.at(regressor[joint], mirror[chosen], weights / 2)
        else:
            regressor[joint, chosen] = weights
            regressor[joint_index(twin), mirror[chosen]] = weights
    return regressor


def fit_joint_regressor(
    space: ShapeSpace, mean: TPosedBodies, skin: np.ndarray, mirror: np.ndarray
) -> np.ndarray:
    """Regressor (24, V) from T-pose vertices to bone heads, rows with sum 1.

    Args:
        space: Shape components to follow, unit variance.
        mean: The mean body, met exactly.
        skin: (M,) vertices that may take part (no eyes, no tongue).
        mirror: (V,) mirror image of every vertex.
    """
    return _fit(space, mean, skin, mirror, _signed_weights, _SIGNED_COUNTS)


def fit_convex_regressor(
    space: ShapeSpace, mean: TPosedBodies, skin: np.ndarray, mirror: np.ndarray
) -> np.ndarray:
    """Regressor (24, V) with even, non-negative weights close around each joint.

    Fit for posed meshes: it stays near the joint of a bent limb. Exact at the mean
    shape; with other shapes off by millimetres, at the knees by up to four centimetres
    for the very tall and short. Arguments as for `fit_joint_regressor`.
    """
    return _fit(space, mean, skin, mirror, _convex_weights, _CONVEX_COUNTS)


def h36m_regressor(
    regressor: np.ndarray, landmarks: dict[str, int], crown: int, mirror: np.ndarray
) -> np.ndarray:
    """Regressor (17, V) to joints laid out as in Human3.6M, from our own joints.

    The order is that of the regressor in common use (`h36m17`): pelvis, left leg, right
    leg, spine, neck, jaw, head top, left arm, right arm. Where these joints lie is an
    approximation by hand: pelvis between the hips, jaw between nose and head.

    Args:
        regressor: (24, V) convex regressor.
        landmarks: Landmark vertices by name.
        crown: Vertex at the top of the head.
        mirror: (V,) mirror image of every vertex.
    """

    def row(name: str) -> np.ndarray:
        return regressor[joint_index(name)]

    def vertex(index: int) -> np.ndarray:
        one = np.zeros(regressor.shape[1])
        one[index] += 0.5
        one[mirror[index]] += 0.5
        return one

    def limbs(*parts: str) -> list[np.ndarray]:
        return [row(f'{side}_{part}') for side in ('left', 'right') for part in parts]

    return np.stack(
        [
            (row('left_hip') + row('right_hip')) / 2,
            *limbs('hip', 'knee', 'ankle'),
            row('spine2'),
            row('neck'),
            (vertex(landmarks['nose']) + row('head')) / 2,
            vertex(crown),
            *limbs('shoulder', 'elbow', 'wrist'),
        ]
    )
