"""Mixed precision in bfloat16."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from torch import nn

from deforhmr_mm.registry import OPTIM_WRAPPERS

__all__ = ['BFloat16OptimWrapper']


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Train under bfloat16 autocast, on CPU and GPU.

    bfloat16 has the range of float32, so losses are not scaled. mmengine's
    ``AmpOptimWrapper`` always scales, and refuses to run on a CPU.

    Args: as `mmengine.optim.OptimWrapper`.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast to bfloat16 in the forward pass of `model`, where it lies."""
        device_type = next(model.parameters()).device.type
        with (
            super().optim_context(model),
            autocast(device_type, torch.bfloat16),
            _fast_attention(device_type),
        ):
            yield


@contextmanager
def _fast_attention(device_type: str) -> Iterator[None]:
    """On CPUs, attention as plain products of matrices.

    The gradient of torch's fused attention there takes four to six times as long in
    bfloat16, at the few tokens of a small encoder and of the decoder.
    """
    # The switch is named after CUDA, but CPUs obey it, too.
    switch = torch.backends.cuda
    fused = switch.flash_sdp_enabled()
    if device_type == 'cpu':
        switch.enable_flash_sdp(False)
    try:
        yield
    finally:
        switch.enable_flash_sdp(fused)
