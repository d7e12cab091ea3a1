"""Losses of two processes average to those of one."""

from pathlib import Path

import pytest
import torch

from deforhmr_mm.models.losses import weighted_mean
from tests.processes import run_ranks


def parts():
    """Errors of two processes' samples, most of the labels with the first."""
    torch.manual_seed(0)
    values = torch.rand(2, 6, 3, dtype=torch.float64)
    weight = torch.tensor([[1, 1, 0.5, 1, 1, 1], [0, 0, 0, 0.3, 0, 0]])
    return values, weight[..., None]


def run_rank(rank: int, folder: Path) -> None:
    values, weight = parts()
    own = values[rank].requires_grad_()
    mean = weighted_mean(own, weight[rank])
    mean.backward()
    nothing = weighted_mean(own, torch.zeros(6, 1))
    torch.save((mean.detach(), own.grad, nothing.detach()), folder / f'{rank}.pth')


def test_two_processes_average_to_one(tmp_path):
    run_ranks(__file__, tmp_path)
    values, weight = parts()
    values.requires_grad_()
    expected = weighted_mean(values, weight)
    expected.backward()
    means, gradients, nothing = zip(
        *(torch.load(tmp_path / f'{rank}.pth') for rank in range(2)), strict=True
    )
    torch.testing.assert_close(sum(means) / 2, expected.detach())
    torch.testing.assert_close(torch.stack(gradients) / 2, values.grad)
    assert nothing == (0, 0)


def test_a_single_process_takes_the_mean():
    values = torch.tensor([[1.0, 2.0], [5.0, 7.0]])
    weight = torch.tensor([[1.0], [0.5]])
    assert weighted_mean(values, weight).item() == pytest.approx((3 + 6) / 3)
