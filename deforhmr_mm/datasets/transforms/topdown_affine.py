"""The crop of one person at the network's input size."""

from __future__ import annotations

from math import ceil
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from deforhmr_mm.geometry import crop_affine
from deforhmr_mm.registry import TRANSFORMS

from .affine import apply_affine, compose_affine
from .partial_decoding import decode_for_crop

__all__ = ['TopdownAffine', 'warp_antialiased']

# Bilinear sampling stays free of visible aliasing up to this shrinking.
BILINEAR_SHRINK = 1.3
# Of a box's aspect against the crop's: what rounding does, and no more.
ASPECT_TOLERANCE = 1e-3
# Standard deviation of the blur before the warp, in picture pixels per unit of
# shrinking: of 3 x 3 pixels, about what averaging two by two samples does.
BLUR_PER_SHRINK = 0.3


def warp_antialiased(
    image: np.ndarray, affine: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Warp a picture without aliasing where the map shrinks it.

    Up to 1.3-fold shrinking is one bilinear warp. From there on the part of the picture
    that is needed is blurred a little before; from 2.6-fold on, it is first of all
    reduced by averaging over whole pixels.

    Args:
        image: (H, W, C) uint8.
        affine: (2, 3), from picture pixels to output pixels.
        size: Output width and height.

    Returns:
        (height, width, C) uint8; black outside the picture.
    """
    linear = np.asarray(affine, dtype=np.float64)[:, :2]
    offset = np.asarray(affine, dtype=np.float64)[:, 2]
    shrink = 1 / np.sqrt(abs(np.linalg.det(linear)))
    if shrink > 2 * BILINEAR_SHRINK:
        image, linear, offset = _reduce(
            image, linear, offset, size, ceil(shrink / (2 * BILINEAR_SHRINK))
        )
        shrink = 1 / np.sqrt(abs(np.linalg.det(linear)))
    if shrink > BILINEAR_SHRINK:
        image, linear, offset = _reduce(image, linear, offset, size, 1)
        image = cv2.GaussianBlur(
            image, (3, 3), BLUR_PER_SHRINK * shrink, borderType=cv2.BORDER_REPLICATE
        )
    matrix = np.column_stack([linear, offset])
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)


def _reduce(
    image: np.ndarray,
    linear: np.ndarray,
    offset: np.ndarray,
    size: tuple[int, int],
    factor: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut out what the output shows, shrink it by a whole factor, and adapt the map."""
    corners = (
        np.array([[0, 0], [size[0], 0], [0, size[1]], size], dtype=np.float64) - 0.5
    )
    source = (corners - offset) @ np.linalg.inv(linear).T
    limits = np.array(image.shape[1::-1])
    start = np.clip(np.floor(source.min(axis=0)).astype(int) - factor, 0, limits)
    stop = np.clip(np.ceil(source.max(axis=0)).astype(int) + factor + 1, 0, limits)
    # Only whole blocks of pixels, so that every block has the same size; the last block
    # is completed with the pixels before it.
    count = (stop - start) // factor
    if (count < 1).any():
        return image, linear, offset
    stop = start + count * factor
    part = image[start[1] : stop[1], start[0] : stop[0]]
    if factor > 1:
        part = cv2.resize(part, tuple(count.tolist()), interpolation=cv2.INTER_AREA)
    # Pixel j of the reduced part is centred on start + factor * j + (factor - 1) / 2.
    origin = start + (factor - 1) / 2
    return part, linear * factor, linear @ origin + offset


@TRANSFORMS.register_module()
class TopdownAffine(BaseTransform):
    """Cut the person's box out of the picture, in one warp.

    Keypoints are moved to the crop and keep their confidence also outside of it, as in
    HMR: the network is to place hidden joints, too.

    Required Keys:
        - img, or encoded_img (which is removed)
        - image_affine, bbox_center, bbox_scale

    Modified Keys:
        - img: (height, width, 3) uint8, the crop, anti-aliased
        - keypoints (where present): crop pixels

    Added Keys:
        - input_size: (width, height) of the crop
        - input_center, input_scale: the crop's box, (2,) each, pixels
        - input_affine: (2, 3) float32, from the pixels of box, camera and labels (the
          picture file's, if no augmentation moved them) to the crop's

    Args:
        input_size: Width and height of the crop.

    Raises:
        ValueError: If the box is not finite or not positive, or of another aspect than
            the crop.
        ImageReadError: If the file in ``encoded_img`` is damaged.
    """

    def __init__(self, input_size: tuple[int, int] = (192, 256)) -> None:
        self.input_size = tuple(input_size)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Crop `results`; see the class."""
        center, scale = results['bbox_center'], results['bbox_scale']
        affine = crop_affine(center, scale, self.input_size).astype(np.float32)
        self._check_aspect(scale)
        from_file = compose_affine(affine, results['image_affine'])
        if 'encoded_img' in results:
            image, from_file = decode_for_crop(
                results.pop('encoded_img'), from_file, self.input_size
            )
        else:
            image = results['img']
        results['img'] = warp_antialiased(image, from_file, self.input_size)
        if 'keypoints' in results:
            results['keypoints'] = apply_affine(affine, results['keypoints'])
        results['input_size'] = self.input_size
        results['input_center'] = np.asarray(center, dtype=np.float32)
        results['input_scale'] = np.asarray(scale, dtype=np.float32)
        results['input_affine'] = affine
        return results

    def _check_aspect(self, scale: np.ndarray) -> None:
        """A box of another aspect would stretch the person, which no camera undoes."""
        width, height = self.input_size
        if abs(scale[0] * height / (scale[1] * width) - 1) > ASPECT_TOLERANCE:
            raise ValueError(
                f'TopdownAffine: input_size {width} x {height} has the aspect '
                f'{width / height:.3f}, but the box of {scale[0]:g} x {scale[1]:g} px '
                f'has {scale[0] / scale[1]:.3f}: the person would be stretched. Boxes '
                'here are 3:4, so choose a size such as 192 x 256 or 288 x 384'
            )
