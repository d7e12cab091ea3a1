"""SMPL as a module: shape, pose and translation in, vertices and 45 joints out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from smplx.lbs import lbs
from torch import Tensor, nn

from deforhmr_mm.registry import MODELS

from .fingerprint import body_fingerprint
from .landmarks import resolve_landmark_ids
from .loading import OPEN_BODY_PATH, load_joint_regressor, load_smpl_file


class SMPLOutput(NamedTuple):
    """A posed body.

    Attributes:
        vertices: (B, V, 3) metres.
        joints: (B, 45, 3) metres: SMPL's 24, then the landmarks of `smpl45`.
    """

    vertices: Tensor
    joints: Tensor


@MODELS.register_module()
class SMPL(nn.Module):
    """Skinned multi-person linear model, computed by smplx.

    Source: Loper et al., SMPL, SIGGRAPH Asia 2015. Everything runs in the precision of
    the module's buffers (float32 unless moved to another), also under autocast. Buffers
    are not saved with a model's weights; the fingerprint tells bodies apart.

    Args:
        model_path: A body in SMPL's file format, ``.npz`` or official ``.pkl``; None is
            the open body that comes with the package.
        num_betas: Shape components to use.
        landmark_ids: A vertex for every landmark of `smpl45`; by default the file's, or
            smplx's for SMPL's own mesh. An empty mapping leaves the 24 joints alone.
        h36m_regressor: A ``.npy`` file of (17, V) weights from vertices to Human3.6M's
            joints (SPIN's ``J_regressor_h36m.npy``), where the body's file has none.

    Attributes:
        faces: (F, 3) int32 array.
        num_vertices: V.
        num_joints: 45, or 24 of a body without landmarks.
        parents: (24,) int64 array, -1 for the root.
        body_name: What the file calls the body, or the file's name.
        fingerprint: 16 hex digits, see `body_fingerprint`.
        vertex_area_weights: (V,) share of each vertex in the template's surface, sum 1.
        h36m_regressor: (17, V) from vertices to Human3.6M's joints, or None.

    Raises:
        ValueError: If the file is not a body with 24 joints, has fewer shape components
            than asked for, or its landmark vertices are unknown.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str] | None = None,
        num_betas: int = 10,
        landmark_ids: Mapping[str, int] | None = None,
        h36m_regressor: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        path = OPEN_BODY_PATH if model_path is None else model_path
        data = load_smpl_file(path)
        available = data.shapedirs.shape[-1]
        if not 1 <= num_betas <= available:
            raise ValueError(
                f'num_betas must be between 1 and the {available} shape components of '
                f'{path}, got {num_betas}'
            )
        self.num_betas = num_betas
        self.num_vertices = len(data.v_template)
        self.faces = data.faces.astype(np.int32)
        self.parents = data.parents
        self.body_name = data.meta['body_name']
        self.fingerprint = body_fingerprint(data)
        self._landmarks = resolve_landmark_ids(
            landmark_ids, data.landmark_ids, self.num_vertices, f'the body {path}'
        )
        self.num_joints = len(data.parents) + len(self._landmarks)
        # Stays on the CPU: smplx indexes a Python list with it, one joint at a time.
        self._tree = torch.from_numpy(data.parents)

        self._add('v_template', data.v_template)
        self._add('shapedirs', data.shapedirs[..., :num_betas])
        self._add('joint_regressor', data.joint_regressor)
        self._add('blend_weights', data.weights)
        self._add(
            'h36m_regressor',
            data.h36m_regressor
            if h36m_regressor is None
            else load_joint_regressor(h36m_regressor, 17, self.num_vertices),
        )
        self._add('vertex_area_weights', _area_weights(data.v_template, data.faces))
        features = 9 * (len(data.parents) - 1)
        if data.posedirs is None:
            # One offset for all vertices, zero: smplx broadcasts it.
            posedirs = np.zeros((features, 3))
        else:
            posedirs = data.posedirs.reshape(-1, features).T
        self._add('posedirs', posedirs)
        self._add_rig()

    def _add(self, name: str, array: np.ndarray | None) -> None:
        value = None
        if array is not None:
            value = torch.from_numpy(np.array(array, np.float32, order='C'))
        self.register_buffer(name, value, persistent=False)

    def _add_rig(self) -> None:
        """A mesh of 45 points that gives the same joints as the whole one.

        Its first 24 points are the rest joints, which are linear in betas, and the
        others the landmark vertices: skinning it is all that `joints` needs.
        """
        joints, landmarks = len(self.parents), list(self._landmarks)
        count = joints + len(landmarks)
        regress = self.joint_regressor.double()

        def points(values: Tensor) -> np.ndarray:
            values = values.double()
            regressed = torch.einsum('jv,v...->j...', regress, values)
            return torch.cat((regressed, values[landmarks])).numpy()

        self._add('rig_template', points(self.v_template))
        self._add('rig_shapedirs', points(self.shapedirs))
        self._add('rig_regressor', np.eye(joints, count))
        # How the joints' own points are skinned does not matter: they are not read.
        weights = np.concatenate(
            (np.eye(joints), self.blend_weights[landmarks].numpy())
        )
        self._add('rig_weights', weights)
        posedirs = self.posedirs
        if posedirs.shape[1] != 3:
            posedirs = posedirs.unflatten(1, (-1, 3))
            padding = posedirs.new_zeros(len(posedirs), joints, 3)
            posedirs = torch.cat((padding, posedirs[:, landmarks]), dim=1).flatten(1)
        self._add('rig_posedirs', posedirs.numpy())

    def joints(self, global_orient: Tensor, body_pose: Tensor, betas: Tensor) -> Tensor:
        """Only the joints that `forward` gives, at a small part of its cost.

        Args:
            global_orient: (B, 1, 3, 3), as in `forward`.
            body_pose: (B, 23, 3, 3), as in `forward`.
            betas: (B, num_betas), as in `forward`.

        Returns:
            (B, 45, 3) metres, without translation.

        Raises:
            ValueError: If a shape does not fit.
        """
        self._check_shapes(global_orient, body_pose, betas)
        count = len(self.parents)
        dtype = self.rig_template.dtype
        pose = _whole_pose(global_orient, body_pose, dtype)
        betas = betas.to(dtype)
        if len(betas) == 0:
            return betas[:, :1, None].expand(-1, len(self.rig_template), 3)
        with torch.autocast(betas.device.type, enabled=False):
            points, posed = lbs(
                betas,
                pose,
                self.rig_template,
                self.rig_shapedirs,
                self.rig_posedirs,
                self.rig_regressor,
                self._tree,
                self.rig_weights,
                pose2rot=False,
            )
        return torch.cat((posed, points[:, count:]), dim=1)

    def forward(
        self,
        global_orient: Tensor,
        body_pose: Tensor,
        betas: Tensor,
        transl: Tensor | None = None,
    ) -> SMPLOutput:
        """Pose the body.

        Args:
            global_orient: (B, 1, 3, 3) rotation from the body's canonical frame (y up,
                facing +z, x = the person's left) to the output's frame.
            body_pose: (B, 23, 3, 3) rotations of the other joints, each against its
                parent.
            betas: (B, num_betas) shape, unit variance.
            transl: (B, 3) metres, added to everything; None is zero.

        Returns:
            Vertices and joints in metres, in the frame that ``global_orient`` leads to.

        Raises:
            ValueError: If a shape does not fit.
        """
        batch = betas.shape[0]
        self._check_shapes(global_orient, body_pose, betas, transl)
        dtype = self.v_template.dtype
        pose = _whole_pose(global_orient, body_pose, dtype)
        betas = betas.to(dtype)
        if batch == 0:
            # smplx cannot reshape an empty batch; this keeps the graph.
            nothing = betas[:, :1, None]
            count = len(self.parents) + len(self._landmarks)
            return SMPLOutput(
                nothing.expand(-1, self.num_vertices, 3), nothing.expand(-1, count, 3)
            )
        with torch.autocast(betas.device.type, enabled=False):
            vertices, posed = lbs(
                betas,
                pose,
                self.v_template,
                self.shapedirs,
                self.posedirs,
                self.joint_regressor,
                self._tree,
                self.blend_weights,
                pose2rot=False,
            )
        if self._landmarks:
            posed = torch.cat((posed, vertices[:, list(self._landmarks)]), dim=1)
        if transl is not None:
            offset = transl.to(dtype)[:, None]
            vertices, posed = vertices + offset, posed + offset
        return SMPLOutput(vertices, posed)

    def _check_shapes(
        self,
        global_orient: Tensor,
        body_pose: Tensor,
        betas: Tensor,
        transl: Tensor | None = None,
    ) -> None:
        batch = betas.shape[0]
        for name, value, shape in (
            ('global_orient', global_orient, (batch, 1, 3, 3)),
            ('body_pose', body_pose, (batch, len(self.parents) - 1, 3, 3)),
            ('betas', betas, (batch, self.num_betas)),
            ('transl', transl, (batch, 3)),
        ):
            if value is not None and tuple(value.shape) != shape:
                came = tuple(value.shape)
                raise ValueError(
                    f'SMPL: {name} must have the shape {shape}, got {came}'
                )

    def extra_repr(self) -> str:
        """The body's name, size and fingerprint."""
        return (
            f'body={self.body_name}, vertices={self.num_vertices}, '
            f'betas={self.num_betas}, fingerprint={self.fingerprint}'
        )


def _whole_pose(global_orient: Tensor, body_pose: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, 24, 3, 3) rotations of all joints, in rows, whatever layout they came in."""
    pose = torch.cat((global_orient.to(dtype), body_pose.to(dtype)), dim=1)
    # torch.cat keeps the layout of its parts, and smplx takes views.
    return pose.contiguous()


def _area_weights(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V,) a third of the area of the triangles around each vertex, sum 1."""
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.repeat(np.linalg.norm(cross, axis=-1), 3)
    weights = np.bincount(faces.ravel(), area, minlength=len(vertices))
    return weights / weights.sum()
