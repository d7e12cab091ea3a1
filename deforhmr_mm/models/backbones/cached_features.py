"""In place of the encoder: features that it computed before."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor, BaseModule
from torch import Tensor

from deforhmr_mm.registry import MODELS
from deforhmr_mm.structures import PackedSamples

__all__ = ['CachedFeatures', 'FeatureDataPreprocessor']

# Bytes of a SHA-256.
FINGERPRINT_SIZE = 32


@MODELS.register_module()
class CachedFeatures(BaseModule):
    """Hand cached features on to the head, in float32.

    It has no weights, so that a checkpoint has the head's alone, but it remembers in a
    buffer which encoder computed the features: `CachedFeaturesHook` fills it, and
    ``tools/misc/merge_backbone.py`` puts no other encoder to the head.

    Args:
        init_cfg: mmengine's weight initialisation; nothing here is to be initialised.
    """

    def __init__(self, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        # Bytes as int64, so that the sums of mmengine's SyncBuffersHook fit.
        self.register_buffer(
            'encoder_fingerprint', torch.zeros(FINGERPRINT_SIZE, dtype=torch.int64)
        )

    @property
    def fingerprint(self) -> str | None:
        """The encoder's fingerprint, 64 hex digits; None while it is not known."""
        data = bytes(self.encoder_fingerprint.tolist())
        return data.hex() if any(data) else None

    @fingerprint.setter
    def fingerprint(self, value: str) -> None:
        data = torch.tensor(list(bytes.fromhex(value)))
        self.encoder_fingerprint.copy_(data)

    def forward(self, features: Tensor) -> Tensor:
        """Convert the features (B, C, H, W) to float32, where they are."""
        return features.float()


@MODELS.register_module()
class FeatureDataPreprocessor(BaseDataPreprocessor):
    """Move a batch of cached features: one copy for them and one for all labels.

    The features keep their type on the way (half the bytes in float16);
    `CachedFeatures` converts them on the device.

    Args:
        non_blocking: Do not wait for the copies; for pinned memory (``pin_memory=True``
            of the data loader).
    """

    def __init__(self, non_blocking: bool = True) -> None:
        super().__init__(non_blocking=non_blocking)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Move `data`.

        Args:
            data: ``inputs`` (B, C, H, W) features or B of (C, H, W), and
                ``data_samples``, `PackedSamples` or a list of `MeshDataSample`.
            training: Makes no difference.

        Returns:
            The same on the device: ``inputs`` one tensor, ``data_samples`` a list.
        """
        samples = data.get('data_samples')
        if isinstance(samples, PackedSamples):
            samples = samples.to(self.device, self._non_blocking).unpack()
        else:
            samples = self.cast_data(samples)
        inputs = self.cast_data(data['inputs'])
        if not isinstance(inputs, Tensor):
            inputs = torch.stack(list(inputs))
        return dict(data, inputs=inputs, data_samples=samples)
