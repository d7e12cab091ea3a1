"""Augmentations that change only what the crop looks like."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from deforhmr_mm.registry import TRANSFORMS

__all__ = ['ColorJitter', 'RandomErasing']


@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Change contrast, brightness and the gain of each channel by a lookup table.

    Values become gain_c * (contrast * (v - 128) + 128) + brightness, clipped to 0 ...
    255, with gain and contrast uniform around 1 and brightness around 0.

    Required Keys:
        - img: (H, W, 3) uint8

    Modified Keys:
        - img

    Args:
        gain: Largest relative change of a channel; SPIN's is 0.4, 4D-Humans' 0.2.
        contrast: Largest relative change of the contrast.
        brightness: Largest change, as a fraction of 255.
        prob: Probability of any change.
    """

    def __init__(
        self,
        gain: float = 0.2,
        contrast: float = 0.2,
        brightness: float = 0.1,
        prob: float = 1.0,
    ) -> None:
        self.gain = gain
        self.contrast = contrast
        self.brightness = brightness
        self.prob = prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change the colours of the crop; see the class."""
        if np.random.random() >= self.prob:
            return results
        draw = np.random.uniform(-1, 1, 5)
        gain = 1 + self.gain * draw[:3]
        contrast = 1 + self.contrast * draw[3]
        brightness = 255 * self.brightness * draw[4]
        values = contrast * (np.arange(256)[:, None] - 128) + 128
        table = np.clip(np.rint(values * gain + brightness), 0, 255).astype(np.uint8)
        results['img'] = cv2.LUT(results['img'], table[None])
        return results


@TRANSFORMS.register_module()
class RandomErasing(BaseTransform):
    """Hide parts of the crop behind rectangles of one colour or of noise.

    Labels stay: the network is to find hidden joints as well.

    Required Keys:
        - img: (H, W, 3) uint8

    Modified Keys:
        - img

    Args:
        prob: Probability of any rectangle.
        max_count: Largest number of rectangles.
        area: Smallest and largest area of a rectangle, as fractions of the crop.
        aspect: Largest ratio of a rectangle's sides.
        noise_prob: Probability of noise in place of one colour, for each rectangle.
    """

    def __init__(
        self,
        prob: float = 0.3,
        max_count: int = 3,
        area: tuple[float, float] = (0.02, 0.15),
        aspect: float = 3.0,
        noise_prob: float = 0.5,
    ) -> None:
        if not 0 < area[0] <= area[1] <= 1:
            raise ValueError(
                f'area must be 0 < smallest <= largest <= 1, but is {area}.'
            )
        if aspect < 1:
            raise ValueError(f'aspect must be at least 1, but is {aspect}.')
        self.prob = prob
        self.max_count = max_count
        self.area = tuple(area)
        self.aspect = aspect
        self.noise_prob = noise_prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Hide parts of the crop; see the class."""
        if np.random.random() >= self.prob:
            return results
        image = results['img'].copy()
        for _ in range(np.random.randint(1, self.max_count + 1)):
            self._erase(image)
        results['img'] = image
        return results

    def _erase(self, image: np.ndarray) -> None:
        """Paint one rectangle into `image`."""
        height, width = image.shape[:2]
        area = height * width * np.random.uniform(*self.area)
        ratio = self.aspect ** np.random.uniform(-1, 1)
        h = int(np.clip(round(np.sqrt(area * ratio)), 1, height))
        w = int(np.clip(round(np.sqrt(area / ratio)), 1, width))
        top = np.random.randint(0, height - h + 1)
        left = np.random.randint(0, width - w + 1)
        is_noise = np.random.random() < self.noise_prob
        shape = (h, w, 3) if is_noise else (1, 1, 3)
        image[top : top + h, left : left + w] = np.random.randint(
            0, 256, shape, dtype=np.uint8
        )
