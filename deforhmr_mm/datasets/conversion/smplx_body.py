"""SMPL-X's vertices, and SMPL's joints of them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from smplx.lbs import lbs

from deforhmr_mm.body_models import load_smpl_file
from deforhmr_mm.body_models.safe_pickle import load_pickled_arrays

from ..labels import AnnotationError

__all__ = ['SMPLXJoints']

_JOINTS = 55
_BODY_JOINTS = 22
_BATCH = 64


class SMPLXJoints:
    """SMPL's 24 joints of bodies given by SMPL-X's parameters.

    The joints are SMPL's regressor times the map from SMPL-X's vertices to SMPL's times
    the posed vertices; the first two are multiplied once. Hands are flat and the face
    is at rest.

    Args:
        folder: Has ``SMPLX_NEUTRAL.npz``, ``SMPLX_MALE.npz``, ``SMPLX_FEMALE.npz``, as
            far as they are asked for.
        smplx2smpl: ``smplx2smpl.pkl``, whose 'matrix' (V, W) makes V of SMPL's vertices
            of W of SMPL-X's.
        smpl: SMPL's file, for its joint regressor.

    Raises:
        FileNotFoundError: If a file is not there.
        ValueError: If a file is not what it must be.
    """

    def __init__(self, folder: Path, smplx2smpl: Path, smpl: Path) -> None:
        self.folder = folder
        regressor = load_smpl_file(smpl).joint_regressor
        content = load_pickled_arrays(smplx2smpl, "a map from SMPL-X's vertices")
        matrix = np.asarray(content.get('matrix', np.zeros(0)))
        if matrix.ndim != 2 or len(matrix) != regressor.shape[1]:
            raise AnnotationError(
                f"{smplx2smpl}: 'matrix' must have one row for each of the "
                f'{regressor.shape[1]} vertices of {smpl}, but has the shape '
                f'{matrix.shape}.'
            )
        self.regressor = torch.from_numpy(regressor @ matrix).float()
        self._models: dict[str, dict[str, torch.Tensor]] = {}

    def __call__(
        self, gender: str, pose: np.ndarray, betas: np.ndarray, transl: np.ndarray
    ) -> np.ndarray:
        """Joints of N bodies of one gender.

        Args:
            gender: 'male', 'female' or 'neutral'.
            pose: (N, 66) axis-angle of root and 21 joints.
            betas: (N, B).
            transl: (N, 3) metres.

        Returns:
            (N, 24, 3) metres, in the frame of root and translation.
        """
        model = self._model(gender)
        joints = []
        for start in range(0, len(pose), _BATCH):
            rows = slice(start, start + _BATCH)
            vertices = self._vertices(model, pose[rows], betas[rows])
            moved = vertices + torch.from_numpy(transl[rows]).float()[:, None]
            joints.append(torch.einsum('jw,nwc->njc', self.regressor, moved))
        return torch.cat(joints).numpy().astype(np.float64)

    @staticmethod
    def _vertices(
        model: dict[str, torch.Tensor], pose: np.ndarray, betas: np.ndarray
    ) -> torch.Tensor:
        count = len(pose)
        rotvecs = np.zeros((count, _JOINTS, 3))
        rotvecs[:, :_BODY_JOINTS] = pose.reshape(count, _BODY_JOINTS, 3)
        matrices = Rotation.from_rotvec(rotvecs.reshape(-1, 3)).as_matrix()
        with torch.no_grad():
            vertices, _ = lbs(
                torch.from_numpy(betas).float(),
                torch.from_numpy(matrices).float().reshape(count, _JOINTS, 3, 3),
                model['v_template'],
                model['shapedirs'][..., : betas.shape[1]],
                model['posedirs'],
                model['J_regressor'],
                model['parents'],
                model['weights'],
                pose2rot=False,
            )
        return vertices

    def _model(self, gender: str) -> dict[str, torch.Tensor]:
        if gender not in self._models:
            path = self.folder / f'SMPLX_{gender.upper()}.npz'
            self._models[gender] = _load(path, self.regressor.shape[1])
        return self._models[gender]


def _load(path: Path, num_vertices: int) -> dict[str, torch.Tensor]:
    """SMPL-X's arrays that posing needs; official files hold pickles besides."""
    if not path.is_file():
        raise FileNotFoundError(f'there is no SMPL-X model {path}')
    features = 9 * (_JOINTS - 1)
    shapes = {
        'v_template': (num_vertices, 3),
        'shapedirs': (num_vertices, 3, None),
        'posedirs': (num_vertices, 3, features),
        'J_regressor': (_JOINTS, num_vertices),
        'weights': (num_vertices, _JOINTS),
        'kintree_table': (2, _JOINTS),
    }
    arrays = {}
    try:
        with np.load(path, allow_pickle=False) as file:
            for key, shape in shapes.items():
                array = file[key]
                fits = array.ndim == len(shape) and all(
                    want in (None, have)
                    for want, have in zip(shape, array.shape, strict=True)
                )
                if not fits:
                    raise AnnotationError(
                        f'{path}: {key!r} must have the shape {shape}, but has '
                        f'{array.shape}.'
                    )
                arrays[key] = array
    except KeyError as error:
        raise AnnotationError(f'{path} is no SMPL-X model: {error}') from error
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise AnnotationError(f'{path} is not a readable .npz: {error}') from error
    parents = arrays.pop('kintree_table')[0].astype(np.int64)
    parents[0] = -1
    model = {
        key: torch.from_numpy(np.asarray(a, np.float32)) for key, a in arrays.items()
    }
    model['posedirs'] = model['posedirs'].reshape(-1, features).T
    model['parents'] = torch.from_numpy(parents)
    return model
