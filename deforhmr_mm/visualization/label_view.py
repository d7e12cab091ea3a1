"""What a sample's labels say, as pictures: joints, mesh, and a view from the side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import get_keypoint_set

from .contact_sheet import text_tile
from .label_skeleton import draw_labelled_joints
from .placement import fit_translation
from .renderer import MeshRenderer
from .side_view import draw_side_view

CAMERA_WORDS = {
    'labelled': 'camera: labels',
    'fitted': 'camera: fitted to 2D joints',
    'none': 'no camera',
}


class PosedMesh(NamedTuple):
    """A sample's mesh before the camera of its crop.

    Attributes:
        vertices: (V, 3) metres, camera axes; with translation if the camera is known.
        joints: (45, 3) metres, the same.
        camera: 'labelled', 'fitted' to the 2D joints, or 'none'.
    """

    vertices: np.ndarray
    joints: np.ndarray
    camera: str


class LabelView(NamedTuple):
    """Pictures of one sample, (h, w, 3) uint8 RGB each, and one line on them."""

    images: tuple[np.ndarray, np.ndarray, np.ndarray]
    camera: str


class LabelDrawer:
    """Draws the labels of samples as they are after `TopdownAffine`.

    Args:
        body: The body that pose and betas belong to; None draws joints alone.
        height: Height of the pictures, pixels.
    """

    def __init__(self, body: SMPL | None, height: int = 320) -> None:
        self.body = body
        self.height = height
        self.renderer = MeshRenderer()

    def draw(self, sample: Mapping[str, Any], with_mesh: bool = True) -> LabelView:
        """Draw a sample: its 2D joints, its mesh, and both from the side.

        Args:
            sample: ``img`` (h, w, 3) uint8 BGR with ``input_affine``, and what
                `MeshDataset` says of a sample; ``keypoints`` are in the crop's pixels,
                ``principal_point`` and ``focal_length`` in those of the picture.
            with_mesh: Whether the pose is one of `body`.

        Returns:
            The three pictures, and where the camera of the second is from.
        """
        zoom = self.height / sample['img'].shape[0]
        size = (round(zoom * sample['img'].shape[1]), self.height)
        image = cv2.resize(sample['img'], size, interpolation=cv2.INTER_CUBIC)
        image = np.ascontiguousarray(image[..., ::-1])
        # The first pixel's outer corner stays where it is.
        keypoints = (sample['keypoints'][0] + 0.5) * zoom - 0.5
        confidence = sample['keypoints_conf'][0]
        to_image = sample['input_affine'] * zoom
        to_image[:, 2] += (zoom - 1) / 2
        focal_length = sample['focal_length'] * np.sqrt(np.linalg.det(to_image[:, :2]))
        principal_point = to_image[:, :2] @ sample['principal_point'] + to_image[:, 2]

        mesh = None
        if self.body is not None and with_mesh and sample['has_pose'][0] > 0:
            mesh = self._pose(
                sample, keypoints, confidence, focal_length, principal_point
            )
        flat = image.copy()
        draw_labelled_joints(flat, keypoints, confidence)
        if mesh is None:
            over = text_tile(size, 'no pose label' if with_mesh else 'other body')
        elif mesh.camera == 'none':
            over = text_tile(size, 'no camera:\ntransl unknown,\ntoo few 2D joints')
        else:
            rendered = self.renderer.render(
                mesh.vertices,
                self.body.faces,
                focal_length,
                principal_point,
                image.shape[:2],
            )
            over = rendered.overlay(image, alpha=0.8)
        camera = CAMERA_WORDS['none' if mesh is None else mesh.camera]
        return LabelView((flat, over, self._side(sample, mesh, size)), camera)

    @torch.no_grad()
    def _pose(
        self, sample, keypoints, confidence, focal_length, principal_point
    ) -> PosedMesh:
        """Pose the mesh; betas that are no labels are zeros, the mean shape."""
        output = self.body(
            *(
                torch.from_numpy(np.array(sample[key], dtype=np.float32))
                for key in ('global_orient', 'body_pose', 'betas')
            )
        )
        vertices, joints = output.vertices[0].numpy(), output.joints[0].numpy()
        transl, camera = sample['transl'][0], 'labelled'
        if not np.isfinite(transl).all():
            camera = 'fitted'
            transl = fit_translation(
                joints, keypoints, confidence, focal_length, principal_point
            )
        if transl is None:
            return PosedMesh(vertices, joints, 'none')
        transl = transl.astype(np.float32)
        return PosedMesh(vertices + transl, joints + transl, camera)

    def _side(
        self, sample: Mapping[str, Any], mesh: PosedMesh | None, size: tuple[int, int]
    ) -> np.ndarray:
        """Draw mesh and labelled 3D joints from the side."""
        joints = sample['joints_3d'][0].copy()
        confidence = sample['joints_3d_conf'][0]
        known = confidence > 0
        if mesh is None:
            if not known.any():
                return text_tile(size, 'no 3D label')
            return draw_side_view(
                size, self.renderer, joints=joints, confidence=confidence
            )
        if known.any():
            # Labelled joints are root-relative, and their root need not be the mesh's:
            # they are placed by the mean of the joints.
            joints += (mesh.joints[known] - joints[known]).mean(0)
        return draw_side_view(
            size,
            self.renderer,
            mesh.vertices,
            self.body.faces,
            joints if known.any() else None,
            confidence,
        )


def describe_labels(sample: Mapping[str, Any]) -> str:
    """One line on a sample: its name and what of it is labelled."""
    total = len(get_keypoint_set('smpl45'))
    flags = [
        f'{name} {"yes" if sample[f"has_{name}"][0] > 0 else "NO"}'
        for name in ('pose', 'betas')
    ]
    counts = [
        f'{dimensions} joints {np.count_nonzero(sample[key][0] > 0)}/{total}'
        for dimensions, key in (('2D', 'keypoints_conf'), ('3D', 'joints_3d_conf'))
    ]
    return '   '.join([sample['sample_id'], *flags, *counts])


def describe_change(sample: Mapping[str, Any]) -> str:
    """One line on what augmentation did to the picture of a sample.

    Args:
        sample: With ``image_affine`` and ``flip``.
    """
    linear = sample['image_affine'][:, :2].astype(np.float64)
    if sample['flip']:
        linear = linear @ np.diag([-1.0, 1.0])
    angle = np.rad2deg(np.arctan2(linear[1, 0], linear[0, 0]))
    mirrored = 'mirrored' if sample['flip'] else 'not mirrored'
    return f'augmented: {mirrored}, turned by {angle:.0f} degrees'
