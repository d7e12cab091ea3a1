"""The squared-error losses of DeforHMR: parameters, 3D and 2D joints, vertices.

Each takes the same two dicts, of predictions and of labels, both with a leading batch
dimension. A term is the mean over the elements that have a label, so that it does not
depend on how many of a batch's samples do.
"""

import torch
from torch import Tensor, nn

from deforhmr_mm.geometry.cameras import (
    crop_to_translation,
    image_center,
    perspective_projection,
)
from deforhmr_mm.models.losses.weighted_mean import weighted_mean
from deforhmr_mm.registry import MODELS


def masked_mse(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of squared differences.

    Args:
        prediction: (B, ...) values.
        target: (B, ...) labels; where `weight` is zero they may be anything, NaN
            included.
        weight: (B, ...) weights of the leading dimensions of `prediction`.

    Returns:
        The mean over elements of non-zero weight, of all processes (see
        `weighted_mean`); zero, with a gradient, if there is none.
    """
    trailing = prediction.dim() - weight.dim()
    weight = weight.reshape(weight.shape + (1,) * trailing)
    target = torch.where(weight > 0, target, prediction.detach())
    return weighted_mean((prediction - target).square(), weight)


@MODELS.register_module()
class SMPLParamLoss(nn.Module):
    """Rotation matrices and shape coefficients of samples with SMPL labels.

    Args:
        pose_weight: weight of the rotation matrices' error, the mean over all joints.
        global_orient_weight: weight of the pelvis's error beside that, in which it is
            one joint of 24.
        betas_weight: weight of the shape coefficients' error.
    """

    def __init__(
        self,
        pose_weight: float = 1.0,
        betas_weight: float = 0.01,
        global_orient_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.pose_weight = pose_weight
        self.global_orient_weight = global_orient_weight
        self.betas_weight = betas_weight

    def forward(self, pred: dict, target: dict) -> dict[str, Tensor]:
        """``loss_pose``, ``loss_betas``; ``loss_global_orient`` if it has a weight.

        Both dicts hold ``global_orient`` (B, 1, 3, 3), ``body_pose`` (B, 23, 3, 3) and
        ``betas`` (B, 10); `target` also ``has_pose`` and ``has_betas`` (B,).
        """
        has_pose = target['has_pose']
        pose, label = (
            torch.cat((side['global_orient'], side['body_pose']), dim=1)
            for side in (pred, target)
        )
        pose_error = masked_mse(pose, label, has_pose)
        betas_error = masked_mse(pred['betas'], target['betas'], target['has_betas'])
        losses = dict(
            loss_pose=self.pose_weight * pose_error,
            loss_betas=self.betas_weight * betas_error,
        )
        if self.global_orient_weight:
            error = masked_mse(pose[:, :1], label[:, :1], has_pose)
            losses['loss_global_orient'] = self.global_orient_weight * error
        return losses


@MODELS.register_module()
class Joints3DLoss(nn.Module):
    """Joints in metres, both sides relative to their root.

    The root is the pelvis where it is labelled, else the mean of both hips where they
    are (SPIN's and MPI-INF-3DHP's joints have hips but not SMPL's pelvis): the same
    point of both bodies. A sample with neither counts for nothing.

    Args:
        loss_weight: weight of the loss.
        pelvis_index: the pelvis among the joints.
        hip_indices: the hips among the joints.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        pelvis_index: int = 0,
        hip_indices: tuple[int, int] = (1, 2),
    ) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.pelvis = [pelvis_index]
        self.hips = list(hip_indices)

    def forward(self, pred: dict, target: dict) -> dict[str, Tensor]:
        """``loss_joints_3d``.

        Both dicts hold ``joints`` (B, J, 3), metres; `target` also ``joints_conf``
        (B, J).
        """
        labelled = target['joints_conf'] > 0
        has_pelvis = labelled[:, self.pelvis].all(1, keepdim=True)
        has_root = has_pelvis | labelled[:, self.hips].all(1, keepdim=True)

        def from_root(joints: Tensor) -> Tensor:
            pelvis, hips = (
                joints[:, rows].mean(1, keepdim=True)
                for rows in (self.pelvis, self.hips)
            )
            return joints - torch.where(has_pelvis[..., None], pelvis, hips)

        error = masked_mse(
            from_root(pred['joints']),
            from_root(target['joints']),
            target['joints_conf'] * has_root,
        )
        return dict(loss_joints_3d=self.loss_weight * error)


@MODELS.register_module()
class Joints2DLoss(nn.Module):
    """Joints projected by the crop camera, in units of the crop's height.

    Args:
        loss_weight: weight of the loss.
        focal_length: of the crop camera, pixels of the crop (HMR2.0's by default).
    """

    def __init__(self, loss_weight: float = 1.0, focal_length: float = 5000.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.focal_length = focal_length

    def forward(self, pred: dict, target: dict) -> dict[str, Tensor]:
        """``loss_joints_2d``.

        `pred` holds ``joints`` (B, J, 3), metres, and ``camera`` (B, 3); `target` holds
        ``keypoints`` (B, J, 2), pixels of the crop, ``keypoints_conf`` (B, J) and
        ``crop_size``, the width and height of the crop in pixels.
        """
        width, height = target['crop_size']
        projected = perspective_projection(
            pred['joints'],
            self.focal_length,
            pred['joints'].new_tensor(image_center(width, height)),
            crop_to_translation(pred['camera'], self.focal_length, height),
        )
        error = masked_mse(
            projected / height, target['keypoints'] / height, target['keypoints_conf']
        )
        return dict(loss_joints_2d=self.loss_weight * error)


@MODELS.register_module()
class VertexLoss(nn.Module):
    """Mesh vertices in metres, without translation, of samples with SMPL labels.

    Args:
        loss_weight: weight of the loss.
    """

    # Without a loss that reads vertices, the estimator poses joints alone.
    needs_vertices = True

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, pred: dict, target: dict) -> dict[str, Tensor]:
        """``loss_vertices``.

        Both dicts hold ``vertices`` (B, V, 3), metres; `target` also ``has_smpl`` (B,).
        """
        error = masked_mse(pred['vertices'], target['vertices'], target['has_smpl'])
        return dict(loss_vertices=self.loss_weight * error)
