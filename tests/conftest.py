"""Fixtures for every test."""

import pytest
import torch


@pytest.fixture
def cuda_device() -> torch.device:
    """A CUDA device; the test is skipped where there is none."""
    if not torch.cuda.is_available():
        pytest.skip('needs a CUDA device, and this machine has none')
    return torch.device('cuda')
