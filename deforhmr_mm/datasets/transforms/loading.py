"""The first step of a pipeline: the picture and its camera."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from deforhmr_mm.geometry import default_focal_length, image_center
from deforhmr_mm.registry import TRANSFORMS

from .affine import compose_affine
from .reading import (
    EncodedJPEG,
    decode_image,
    keep_encoded,
    read_file,
    read_file_in_archive,
)

__all__ = ['LoadImage', 'read_sample_image']


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read the sample's picture, and complete its camera.

    A picture that is already there (``img``) is taken as it is. Where the focal length
    or the principal point is unknown (missing, None or NaN) they become, as in CLIFF,
    the picture's diagonal and its centre.

    Some data sets (BEDLAM's close-ups) store pictures turned, while their labels are in
    the upright frame. With ``image_turns``, quarter turns clockwise, ``image_affine``
    and ``ori_shape`` lead to that frame; the pixels are turned by the crop's one warp.

    With `defer` a JPEG file is read, checked and left encoded, and `TopdownAffine`
    decodes of it what the crop needs, at a smaller size if the crop shrinks it: only
    there is the box known as augmentations leave it. Transforms before `TopdownAffine`
    then must not ask for ``img``; ours do not. Other formats, and pictures that are
    stored turned, are decoded here as without it.

    Required Keys:
        - img_path, or img: (H, W, 3) uint8, BGR
        - image_turns: int (optional)
        - img_archive: optional, (path, offset, size) of the file in which the picture
          lies; img_path is then no more than its name

    Modified Keys:
        - focal_length: float, pixels
        - principal_point: (2,) float32, pixels

    Added Keys:
        - img, or encoded_img: `EncodedJPEG`
        - ori_shape: (H, W), after the turns
        - image_affine: (2, 3) float32, from the pixels of the picture file to the
          pixels that all other keys are in; without turns the identity, until an
          augmentation changes it
        - flip: False

    Args:
        defer: Whether JPEG files wait for the crop.

    Raises:
        FileNotFoundError: If there is no such picture.
        ImageReadError: If the picture is empty, cut off or damaged (a damaged file that
            waits for the crop raises it there).
        ValueError: If ``img`` is not (H, W, 3) uint8.
    """

    def __init__(self, defer: bool = False) -> None:
        self.defer = defer

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Read the picture of `results`; see the class."""
        image = results.get('img')
        if image is None:
            image = self._read(results)
        elif image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                'img must be (H, W, 3) uint8 in BGR order, but came with shape '
                f'{image.shape} and type {image.dtype}.'
            )
        if isinstance(image, EncodedJPEG):
            width, height = image.layout.width, image.layout.height
            results.pop('img', None)
            results['encoded_img'] = image
        else:
            height, width = image.shape[:2]
            results['img'] = image
        affine = np.eye(2, 3, dtype=np.float32)
        for _ in range(results.get('image_turns', 0) % 4):
            turn = np.array([[0, -1, height - 1], [1, 0, 0]], dtype=np.float32)
            affine = compose_affine(turn, affine)
            height, width = width, height
        results['ori_shape'] = (height, width)
        results['flip'] = False
        results['image_affine'] = affine

        focal_length = results.get('focal_length')
        if focal_length is None or np.isnan(focal_length):
            focal_length = float(default_focal_length(width, height))
        results['focal_length'] = focal_length
        principal_point = results.get('principal_point')
        if principal_point is None or np.isnan(principal_point).any():
            principal_point = image_center(width, height)
        results['principal_point'] = np.array(principal_point, dtype=np.float32)
        return results

    def _read(self, results: dict[str, Any]) -> EncodedJPEG | np.ndarray:
        """Read the file of a sample, and decode it unless it is to wait."""
        name, data = results['img_path'], _read_bytes(results)
        return keep_encoded(data, name) if self.defer else decode_image(data, name)


def read_sample_image(sample: Mapping[str, Any]) -> np.ndarray:
    """Read a sample's picture anew, in the frame of its camera and predictions.

    That is the file as augmentations and the quarter turns of one that is stored turned
    leave it; without them, as it is stored.

    Args:
        sample: What `LoadImage` was given and made, such as a packed sample's metainfo:
            ``img_path``; ``img_archive`` if the picture lies in another file;
            ``image_affine`` and ``ori_shape``, without which it is taken as stored.

    Returns:
        (H, W, 3) uint8, BGR; black where the file shows nothing.

    Raises:
        FileNotFoundError: If there is no such picture.
        ImageReadError: If the picture is empty, cut off or damaged.
    """
    image = decode_image(_read_bytes(sample), sample['img_path'])
    affine = sample.get('image_affine')
    if affine is None or np.array_equal(affine, np.eye(2, 3)):
        return image
    height, width = sample['ori_shape'][:2]
    return cv2.warpAffine(image, affine, (width, height), flags=cv2.INTER_LINEAR)


def _read_bytes(sample: Mapping[str, Any]) -> bytes:
    """Read the file of a sample, which may lie in another one."""
    name = sample['img_path']
    if 'img_archive' in sample:
        return read_file_in_archive(*sample['img_archive'], name)
    return read_file(name)
