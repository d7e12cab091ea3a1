"""Token centres, against what a token's features depend on."""

import pytest
import torch
from torch import nn

from deforhmr_mm.geometry.sampling import cell_centres
from deforhmr_mm.models.backbones import ViT
from deforhmr_mm.models.layers import TokenGrid, conv_token_grid


def centre_of_influence(stem, token, size=(128, 96)):
    """Middle (x, y) of the pixels that reach a token, found by gradients."""
    image = torch.zeros(1, 3, *size, requires_grad=True)
    row, column = token
    stem(image)[0, :, row, column].sum().backward()
    touched = image.grad[0].abs().sum(0) > 0
    rows = touched.any(1).nonzero().flatten()
    columns = touched.any(0).nonzero().flatten()
    return (
        (columns[0] + columns[-1]).item() / 2,
        (rows[0] + rows[-1]).item() / 2,
    )


def test_the_papers_patch_convolution():
    vit = ViT(dict(embed_dims=8, depth=1, num_heads=2), (128, 96))
    assert vit.token_grid == TokenGrid(16, 5.5)
    # Away from the border, where the padding cuts nothing off.
    assert centre_of_influence(vit.patch_embed, (3, 2)) == (37.5, 53.5)


@pytest.mark.parametrize('stem', [(0, 0, 0), (0, 1, 0)])
def test_convolutional_stem(stem):
    torch.manual_seed(0)
    vit = ViT(dict(embed_dims=8, depth=1, num_heads=2), (128, 96), 8, stem).eval()
    assert vit.token_grid == TokenGrid(8, 0)
    for module in vit.modules():
        if isinstance(module, nn.Conv2d):
            # No unit may be dead at a picture of zeros.
            module.weight.data.abs_()
        if isinstance(module, nn.BatchNorm2d):
            module.bias.data.fill_(1)
    assert centre_of_influence(vit.patch_embed, (8, 6)) == (48, 64)


def test_strides_and_offsets_add_up():
    convs = [
        nn.Conv2d(3, 4, 4, stride=4),
        nn.Conv2d(4, 4, 3, stride=2, padding=1),
        nn.Conv2d(4, 4, 2, stride=2),
    ]
    # 1.5, then a 3x3 filter on cell 0, then two cells 8 pixels apart.
    assert conv_token_grid(convs) == TokenGrid(16, 5.5)
    dilated = nn.Conv2d(3, 4, 3, dilation=2)
    assert conv_token_grid([dilated]) == TokenGrid(1, 2)


def test_cells_lie_on_their_tokens():
    pixels = TokenGrid(16, 5.5).pixels(cell_centres(16, 12), (16, 12))
    pixels = pixels.unflatten(0, (16, 12))
    torch.testing.assert_close(pixels[0, 0], torch.tensor([5.5, 5.5]))
    torch.testing.assert_close(pixels[15, 11], torch.tensor([181.5, 245.5]))
    torch.testing.assert_close(pixels[2, 7], torch.tensor([117.5, 37.5]))
