"""Fixtures for every test."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from tests.running_pickles import RunsCode


@pytest.fixture
def cuda_device() -> torch.device:
    """A CUDA device; the test is skipped where there is none."""
    if not torch.cuda.is_available():
        pytest.skip('needs a CUDA device, and this machine has none')
    return torch.device('cuda')


@pytest.fixture
def kernel_device(cuda_device) -> torch.device:
    """A CUDA device that mmcv's ops are compiled for; skipped where there is none."""
    from deforhmr_mm.models.layers.mmcv_ops import mmcv_has_cuda_kernel

    if not mmcv_has_cuda_kernel(cuda_device):
        pytest.skip("needs mmcv's kernels for this GPU: mmcv was compiled without them")
    return cuda_device


class ModelFiles(NamedTuple):
    """A config and a checkpoint that fits it."""

    config: Path
    weights: Path


TINY_CONFIG = """
default_scope = 'deforhmr_mm'
model = dict(
    type='MeshEstimator',
    body_model=dict(type='SMPL'),
    data_preprocessor=dict(
        type='ImgDataPreprocessor', mean=[127.5] * 3, std=[64.0] * 3, bgr_to_rgb=True),
    backbone=dict(type='ViT', arch=dict(embed_dims=32, depth=1, num_heads=2)),
    head=dict(type='DeforHMRHead', in_channels=32, num_layers=1, embed_dims=32,
        num_heads=2, head_dims=16, ffn_dims=32,
        cross_attention=dict(num_groups=2)))
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImage'),
    dict(type='TopdownAffine', input_size=(192, 256)),
    dict(type='PackMeshInputs')]))
"""


@pytest.fixture(scope='session')
def tiny_model(tmp_path_factory) -> ModelFiles:
    """A whole but very small model of the open body, with random weights."""
    from deforhmr_mm.apis import init_model

    folder = tmp_path_factory.mktemp('tiny_model')
    files = ModelFiles(folder / 'tiny.py', folder / 'tiny.pth')
    files.config.write_text(TINY_CONFIG)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = init_model(files.config)
        # Readouts start near zero; here results are to depend on the picture.
        for parameter in model.head.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
    torch.save({'state_dict': model.state_dict()}, files.weights)
    return files


class Logged(list[tuple[str, str]]):
    """Lines of the log as (level name, text)."""

    def of(self, *levels: str) -> list[str]:
        """The texts of these levels."""
        return [text for level, text in self if level in levels]


@pytest.fixture
def logged(monkeypatch) -> Logged:
    """What the package logs in the test, which is not printed."""
    from mmengine.logging import MMLogger

    lines = Logged()
    monkeypatch.setattr(
        MMLogger.get_current_instance(),
        'handle',
        lambda record: lines.append((record.levelname, record.getMessage())),
    )
    return lines


@pytest.fixture
def running_pickle(tmp_path) -> Iterator[RunsCode]:
    """An object whose pickle makes a folder: a test in which one was made fails."""
    made = tmp_path / 'made_by_a_pickle'
    yield RunsCode(os.mkdir, str(made))
    assert not made.exists(), 'the pickle was run'


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    """Every test draws the same random tensors in every run."""
    torch.manual_seed(0)
