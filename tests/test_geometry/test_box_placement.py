import numpy as np
import pytest
import torch

from deforhmr_mm.geometry import perspective_projection, place_in_box


@pytest.mark.parametrize('batch', [(), (4,), (2, 3), (0,)])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_the_projection_fills_the_box(batch, dtype):
    # A metre thick, some of them only two metres away and far from the middle.
    points = torch.rand(*batch, 50, 3, dtype=dtype) * torch.tensor([1, 2, 1]) - 0.3
    center = 600 * torch.rand(*batch, 2, dtype=dtype)
    height = 100 + 300 * torch.rand(batch, dtype=dtype)
    focal_length = 500 + 500 * torch.rand(batch, dtype=dtype)
    point = torch.tensor([319.5, 239.5], dtype=dtype).expand(*batch, 2)
    transl = place_in_box(points, center, height, focal_length, point)
    assert transl.dtype == dtype and transl.shape == (*batch, 3)
    pixels = perspective_projection(points, focal_length, point, transl)
    low, high = pixels.amin(-2), pixels.amax(-2)
    torch.testing.assert_close((low + high) / 2, center, rtol=0, atol=0.1)
    torch.testing.assert_close((high - low)[..., 1], height, rtol=0, atol=0.1)


def test_by_hand():
    # A board 2 m high and 1 m deep, edge on, whose near side fills the box: it is
    # 4 m away, since 100 px * 2 m / 50 px = 4 m.
    board = torch.tensor([[0.0, y, z] for y in (-1, 1) for z in (-0.5, 0.5)])
    middle = torch.tensor([40.0, 30.0])
    transl = place_in_box(board, middle, 50.0, 100.0, middle)
    np.testing.assert_allclose(transl, [0, 0, 4.5], atol=1e-3)


def test_no_place_before_the_camera():
    board = torch.tensor([[0.0, y, z] for y in (-1, 1) for z in (-1.5, 1.5)])
    middle = torch.zeros(2)
    transl = place_in_box(board, middle, 500.0, 100.0, middle)  # 0.4 m to its edge
    assert transl[2] == pytest.approx(1.9, abs=1e-3)
    with pytest.raises(ValueError, match='no place before the camera'):
        place_in_box(board, middle, 1e6, 100.0, middle)
    flat = board * torch.tensor([1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match='no place before the camera'):
        place_in_box(flat, middle, 50.0, 100.0, middle)
