"""Vertices of the face, feet and fingertips that serve as joints beyond SMPL's 24."""

from collections.abc import Mapping

from smplx.vertex_ids import vertex_ids

from deforhmr_mm.structures.keypoint_definitions import LANDMARKS21

LANDMARK_NAMES: tuple[str, ...] = LANDMARKS21
"""Landmarks in the order in which they follow SMPL's joints in `smpl45`."""

SMPL_NUM_VERTICES = 6890


def _smplx_name(landmark: str) -> str:
    """The name in smplx: nose, leye, LBigToe, rthumb."""
    side, _, part = landmark.partition('_')
    if not part:
        return landmark
    if part in ('heel', 'big_toe', 'small_toe'):
        return side[0].upper() + part.title().replace('_', '')
    return side[0] + part


SMPL_LANDMARK_IDS: dict[str, int] = {
    name: vertex_ids['smplh'][_smplx_name(name)] for name in LANDMARK_NAMES
}
"""Landmark vertices of SMPL's own mesh (6890 vertices), as in smplx."""


def resolve_landmark_ids(
    given: Mapping[str, int] | None,
    in_file: Mapping[str, int] | None,
    num_vertices: int,
    body: str,
) -> tuple[int, ...]:
    """Vertex of every landmark, in the order of `LANDMARK_NAMES`.

    Args:
        given: The caller's ids; an empty mapping asks for no landmarks.
        in_file: Ids from the model file.
        num_vertices: Vertices of the mesh; 6890 is taken to be SMPL's own mesh.
        body: What to call the body in errors.

    Raises:
        ValueError: If nothing tells the landmarks of this mesh, or some are missing,
            unknown or no vertices of it.
    """
    ids = given
    if ids is None:
        ids = in_file
    if ids is None and num_vertices == SMPL_NUM_VERTICES:
        ids = SMPL_LANDMARK_IDS
    if ids is None:
        raise ValueError(
            f'{body} has {num_vertices} vertices and its file names no landmark '
            f'vertices. Pass landmark_ids with a vertex for each of '
            f'{", ".join(LANDMARK_NAMES)}, or landmark_ids={{}} to do without them '
            '(training needs them)'
        )
    if not ids:
        return ()
    missing = [name for name in LANDMARK_NAMES if name not in ids]
    unknown = [name for name in ids if name not in LANDMARK_NAMES]
    if missing or unknown:
        raise ValueError(
            f'landmark_ids of {body}: missing {missing}, unknown {unknown}; expected '
            f'exactly {list(LANDMARK_NAMES)}'
        )
    outside = {n: int(i) for n, i in ids.items() if not 0 <= int(i) < num_vertices}
    if outside:
        raise ValueError(
            f'landmark_ids of {body}: {outside} are no vertices of a mesh with '
            f'{num_vertices}'
        )
    return tuple(int(ids[name]) for name in LANDMARK_NAMES)
