"""`MeshVisualizer`: people's meshes over their picture."""

from __future__ import annotations

import os
from collections.abc import Sequence

import cv2
import numpy as np
from mmengine.dist import master_only
from mmengine.visualization import Visualizer

from deforhmr_mm.registry import VISUALIZERS
from deforhmr_mm.structures import MeshDataSample, get_keypoint_set

from .exporters import write_bytes
from .renderer import MeshRenderer
from .shading import PALETTE


@VISUALIZERS.register_module()
class MeshVisualizer(Visualizer):
    """Draws the meshes of data samples over pictures and hands them to the backends.

    Args:
        name: Name of the instance, mmengine's.
        faces: (F, 3) triangles of the body; may be set later as ``visualizer.faces``.
        alpha: Opacity of the meshes in [0, 1].
        draw_joints: Whether the 2D joints are drawn over the meshes.
        renderer: Arguments of `MeshRenderer`.
        **kwargs: mmengine's: ``image``, ``vis_backends``, ``save_dir``.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        faces: np.ndarray | None = None,
        alpha: float = 0.85,
        draw_joints: bool = False,
        renderer: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(name, **kwargs)
        if not 0 <= alpha <= 1:
            raise ValueError(f'alpha must be within [0, 1], got {alpha}')
        self.faces = faces
        self.alpha = alpha
        self.draw_joints = draw_joints
        self.renderer = MeshRenderer(**(renderer or {}))

    def draw_people(
        self,
        image: np.ndarray,
        data_samples: Sequence[MeshDataSample],
        draw_joints: bool | None = None,
    ) -> np.ndarray:
        """Return the picture with all people of one image drawn over it.

        Args:
            image: (H, W, 3) uint8 RGB; not changed.
            data_samples: The image's people, with `pred_instances` in its full camera;
                may be empty.
            draw_joints: Overrides the visualizer's own setting.

        Returns:
            (H, W, 3) uint8 RGB.

        Raises:
            ValueError: If the body's faces are not set, the people have different
                cameras or the predictions are not finite.
        """
        people = [sample.pred_instances for sample in data_samples]
        if not people:
            return image.copy()
        if self.faces is None:
            raise ValueError(
                'MeshVisualizer does not know the body: set visualizer.faces = '
                'model.body_model.faces'
            )
        vertices = [
            _numpy(p.vertices[0] + p.transl[0, None]).astype(np.float32) for p in people
        ]
        cameras = [
            (float(p.focal_length[0]), *_numpy(p.principal_point[0]).tolist())
            for p in people
        ]
        if not np.allclose(cameras, cameras[0], equal_nan=True):
            raise ValueError(
                'people drawn together must share one camera, got (focal length, '
                f'principal point) {sorted(set(cameras))}'
            )
        focal_length, *principal_point = cameras[0]
        rendered = self.renderer.render(
            vertices, self.faces, focal_length, principal_point, image.shape[:2]
        )
        drawn = rendered.overlay(image, self.alpha)
        if self.draw_joints if draw_joints is None else draw_joints:
            for i, person in enumerate(people):
                color = PALETTE[i % len(PALETTE)]
                draw_skeleton(drawn, _numpy(person.keypoints[0]), color)
        return drawn

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: MeshDataSample | Sequence[MeshDataSample] | None = None,
        draw_gt: bool = False,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | os.PathLike | None = None,
        step: int = 0,
    ) -> np.ndarray:
        """Draw one picture's people; show it, write it or hand it to the backends.

        Args:
            name: Identifier of the picture.
            image: (H, W, 3) uint8 RGB.
            data_sample: One person or all people of the picture.
            draw_gt: Must be False: ground truth lives in the crop, not in the picture.
            draw_pred: Whether the predicted meshes are drawn.
            show: Open a window; the backends are then left out.
            wait_time: Seconds that the window stays, 0 for ever.
            out_file: Write the picture there, in place of the backends.
            step: Training step, for the backends.

        Returns:
            (H, W, 3) uint8 RGB, the drawn picture.
        """
        if draw_gt:
            raise ValueError('MeshVisualizer draws predictions only: draw_gt=False')
        samples = [] if data_sample is None else data_sample
        if isinstance(samples, MeshDataSample):
            samples = [samples]
        drawn = self.draw_people(image, samples if draw_pred else [])
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        elif out_file is not None:
            write_bytes(out_file, encode_image(drawn, os.path.splitext(out_file)[1]))
        else:
            self.add_image(name, drawn, step)
        return drawn


def draw_skeleton(
    image: np.ndarray,
    keypoints: np.ndarray,
    color: Sequence[float],
    keypoint_set: str = 'smpl45',
) -> None:
    """Draw joints and their links into a picture, in place.

    Args:
        image: (H, W, 3) uint8 RGB, changed.
        keypoints: (K, 2) pixels; joints that are not finite are left out.
        color: RGB in [0, 1] of the links.
        keypoint_set: Name of the set that the joints are of.
    """
    joints = get_keypoint_set(keypoint_set)
    # Sub-pixel positions in OpenCV's fixed point; far-off points would overflow it.
    shift = 4
    limit = 4 * max(image.shape[:2])
    usable = np.isfinite(keypoints).all(-1) & (np.abs(keypoints) < limit).all(-1)
    points = np.rint(np.where(usable[:, None], keypoints, 0) * 2**shift).astype(int)
    points = [tuple(p) for p in points.tolist()]
    extent = np.ptp(keypoints[usable], axis=0).max() if usable.any() else 0
    width = max(1, int(extent / 160))
    link_color = [int(255 * c) for c in color]
    dark = [int(70 * c) for c in color]
    links = [(a, b) for a, b in joints.links if usable[a] and usable[b]]
    for paint, thickness in ((dark, width + 2), (link_color, width)):
        for a, b in links:
            cv2.line(image, points[a], points[b], paint, thickness, cv2.LINE_AA, shift)
    for i in np.nonzero(usable)[0]:
        for paint, radius in ((dark, width + 1.5), (link_color, width + 0.5)):
            size = int(radius * 2**shift)
            cv2.circle(image, points[i], size, paint, -1, cv2.LINE_AA, shift)


def encode_image(image: np.ndarray, suffix: str = '.png') -> bytes:
    """Return a (H, W, 3) uint8 RGB picture as the bytes of a file.

    Args:
        image: The picture.
        suffix: '.png' or another that OpenCV writes.
    """
    try:
        done, data = cv2.imencode(suffix, image[..., ::-1])
    except cv2.error as error:
        raise ValueError(f'pictures cannot be written as {suffix!r} files') from error
    if not done:
        raise ValueError(f'pictures cannot be written as {suffix!r} files')
    return data.tobytes()


def _numpy(tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
