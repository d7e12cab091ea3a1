"""Vision transformers of ViTPose, HMR2.0, mmpose and mmpretrain as our `ViT`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from deforhmr_mm.models.backbones import ViT
from deforhmr_mm.models.backbones.vit import ARCHS

from .matching import (
    Conversion,
    ConversionError,
    describe_keys,
    match_weights,
    take,
)

__all__ = ['convert_vit', 'resize_pos_embed']


class Layout(NamedTuple):
    """How a code base names the parts of a vision transformer.

    Attributes:
        name: whose layout it is.
        layers: what the list of layers is called.
        names: our patterns and what stands in their place, applied in turn.
    """

    name: str
    layers: str
    names: tuple[tuple[str, str], ...]


# ViTPose's names are ours. mmpose 1.x builds mmpretrain's VisionTransformer.
VITPOSE = Layout('ViTPose', 'blocks', ())
MMPRETRAIN = Layout(
    'mmpretrain (mmpose 1.x)',
    'layers',
    (
        (r'^patch_embed\.proj\.', 'patch_embed.projection.'),
        (r'^last_norm\.', 'ln1.'),
        (r'^blocks\.', 'layers.'),
        (r'\.norm([12])\.', r'.ln\1.'),
        (r'\.mlp\.fc1\.', '.ffn.layers.0.0.'),
        (r'\.mlp\.fc2\.', '.ffn.layers.1.'),
    ),
)

EXPERTS = '.mlp.experts.'
PADDING_NOTE = (
    "ViT pads the patches by 2 pixels: so do mmpose's encoders, mmpretrain's do not"
)
CLASS_TOKEN_NOTE = (
    'the class token and its position entry are dropped: ViT has no such token, and '
    'its features are not those of the encoder that had one'
)
LEADING_ENTRY_NOTE = (
    'the leading position entry is dropped, as mmpretrain does without a class token'
)
HEADS_NOTE = "arch='small' has ViTPose's 12 heads; mmpretrain's DeiT-S has 6"


def convert_vit(
    stored: Mapping[str, Tensor], input_size: tuple[int, int] | None = None
) -> Conversion:
    """Find a vision transformer among weights, and give it our names.

    Sizes are read from shapes. The number of heads is in no shape: the config says it.

    Args:
        stored: weights of ViTPose's, mmpose's, mmpretrain's or HMR2.0's code, with or
            without a prefix such as ``backbone.``.
        input_size: height and width in pixels that the encoder is to take, for which
            the position embedding is resized; the source's own if None.

    Returns:
        Weights of `ViT`, without a prefix.

    Raises:
        ConversionError: If the layout is unknown, or a weight is missing, of another
            shape, or of a part that `ViT` does not have.
    """
    layout, prefix = _find_layout(stored)

    def source_name(name: str) -> str:
        for pattern, replacement in layout.names:
            name = re.sub(pattern, replacement, name)
        return prefix + name

    patch = take(stored, source_name('patch_embed.proj.weight'), 4)
    hidden = take(stored, source_name('blocks.0.mlp.fc1.weight'), 2)
    embed_dims, patch_size = patch.shape[0], patch.shape[-1]
    mlp_ratio = len(hidden) / embed_dims
    pos_embed = take(stored, source_name('pos_embed'), 3)
    if pos_embed.shape[::2] != (1, embed_dims):
        raise ConversionError(
            f'{source_name("pos_embed")} must be (1, N, {embed_dims}), got '
            f'{tuple(pos_embed.shape)}'
        )
    pos_embed, grid, notes = _pos_embed(
        pos_embed, layout, has_cls_token=f'{prefix}cls_token' in stored
    )
    size = input_size or (grid[0] * patch_size, grid[1] * patch_size)
    if min(size) < patch_size or size[0] % patch_size or size[1] % patch_size:
        raise ConversionError(
            f'the input size must be a multiple of the patch size {patch_size}, got '
            f'{size}'
        )
    layers = re.compile(rf'{re.escape(prefix)}{layout.layers}\.(\d+)\.')
    depth = 1 + max(int(found[1]) for key in stored if (found := layers.match(key)))
    with torch.device('meta'):
        model = ViT(
            # The heads do not matter: they are in no shape.
            dict(embed_dims=embed_dims, depth=depth, num_heads=1),
            img_size=size,
            patch_size=patch_size,
            mlp_ratio=mlp_ratio,
        )
    wanted = model.state_dict()
    wanted.pop('pos_embed')
    weights = _match(stored, wanted, source_name)
    used = {source_name(name) for name in (*wanted, 'pos_embed')}
    left_over = [key for key in stored if key not in used]
    _refuse_unknown_parts(left_over, prefix, layout)

    target = (size[0] // patch_size, size[1] // patch_size)
    if target != grid:
        notes.append(f'position embedding resized from {grid} to {target} patches')
    weights['pos_embed'] = torch.cat(
        (pos_embed[:, :1], resize_pos_embed(pos_embed[:, 1:], grid, target)), dim=1
    )
    if layout is MMPRETRAIN and embed_dims == ARCHS['small'].embed_dims:
        notes.append(HEADS_NOTE)
    arch = _describe_arch(embed_dims, depth)
    model = f'ViT(arch={arch}, img_size={size}, patch_size={patch_size}'
    model += ')' if mlp_ratio == 4 else f', mlp_ratio={mlp_ratio:g})'
    return Conversion(weights, layout.name, model, left_over, notes)


def resize_pos_embed(
    pos_embed: Tensor, from_grid: tuple[int, int], to_grid: tuple[int, int]
) -> Tensor:
    """Resample a position embedding bicubically, pixel centres aligned.

    Args:
        pos_embed: (1, H W, C) entries in rows, without a leading one.
        from_grid: rows and columns H, W.
        to_grid: rows and columns H', W' of the result.

    Returns:
        (1, H' W', C), same dtype.

    Example:
        >>> rows = torch.tensor([[[1.0], [1.0], [3.0], [3.0]]])
        >>> resize_pos_embed(rows, (2, 2), (1, 3)).round(decimals=3).tolist()
        [[[2.0], [2.0], [2.0]]]
    """
    if from_grid == to_grid:
        return pos_embed
    field = pos_embed.float().transpose(1, 2).unflatten(2, from_grid)
    field = F.interpolate(field, to_grid, mode='bicubic', align_corners=False)
    return field.flatten(2).transpose(1, 2).to(pos_embed.dtype)


def _find_layout(stored: Mapping[str, Tensor]) -> tuple[Layout, str]:
    found = []
    for layout in (VITPOSE, MMPRETRAIN):
        mark = f'{layout.layers}.0.attn.qkv.weight'
        prefixes = (key.removesuffix(mark) for key in stored if key.endswith(mark))
        found += [
            (layout, prefix) for prefix in prefixes if not prefix or prefix[-1] == '.'
        ]
    if len(found) == 1:
        return found[0]
    if found:
        names = describe_keys(prefix or '(no prefix)' for _, prefix in found)
        raise ConversionError(f'the checkpoint holds several encoders: {names}')
    raise ConversionError(
        'unknown layout: there is neither blocks.0.attn.qkv.weight (ViTPose, HMR2.0) '
        'nor layers.0.attn.qkv.weight (mmpose 1.x, mmpretrain); the keys are '
        f'{describe_keys(stored) or "none"}'
    )


def _match(
    stored: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    source_name: Callable[[str], str],
) -> dict[str, Tensor]:
    try:
        return match_weights(stored, wanted, source_name)
    except ConversionError as error:
        if not any(EXPERTS in key for key in stored):
            raise
        raise ConversionError(
            f'{error}. This is a ViTPose+ checkpoint with experts: split it with '
            "ViTPose's tools/model_split.py first"
        ) from error


def _pos_embed(
    pos_embed: Tensor, layout: Layout, has_cls_token: bool
) -> tuple[Tensor, tuple[int, int], list[str]]:
    """The embedding with our leading entry, its grid, and what was done to it."""
    entries = pos_embed.shape[1]
    if layout is VITPOSE:
        return pos_embed.clone(), _grid(entries - 1), []
    # mmpretrain stores no leading entry but that of a class token; it adds it to that
    # token alone, or drops it when it loads a file without using the token. Patches
    # never see it, while `ViT` adds its leading entry to all of them: it is zero here.
    notes = [PADDING_NOTE]
    if has_cls_token or not _is_grid(entries):
        notes.append(CLASS_TOKEN_NOTE if has_cls_token else LEADING_ENTRY_NOTE)
        pos_embed = pos_embed[:, 1:]
    grid = _grid(pos_embed.shape[1])
    return F.pad(pos_embed, (0, 0, 1, 0)), grid, notes


def _grid(count: int) -> tuple[int, int]:
    """Rows and columns of a position embedding: square, or 4:3 as crops of people."""
    side, unit = math.isqrt(max(count, 0)), math.isqrt(max(count // 12, 0))
    if side and side * side == count:
        return side, side
    if unit and 12 * unit * unit == count:
        return 4 * unit, 3 * unit
    raise ConversionError(
        f'a position embedding of {count} entries is neither square nor 4:3'
    )


def _is_grid(count: int) -> bool:
    try:
        _grid(count)
    except ConversionError:
        return False
    return True


def _refuse_unknown_parts(left_over: list[str], prefix: str, layout: Layout) -> None:
    """Weights inside the encoder that `ViT` has no place for would change its sums."""
    parts = tuple(
        prefix + part for part in ('patch_embed.', f'{layout.layers}.', 'pre_norm.')
    )
    unknown = [
        key
        for key in left_over
        # What is left of experts after a split serves other data sets.
        if key.startswith(parts) and EXPERTS not in key
    ]
    if unknown:
        raise ConversionError(
            f'the encoder has parts that ViT does not have: {describe_keys(unknown)}'
        )


def _describe_arch(embed_dims: int, depth: int) -> str:
    for name, arch in ARCHS.items():
        if (arch.embed_dims, arch.depth) == (embed_dims, depth):
            return f'{name!r}'
    return f'dict(embed_dims={embed_dims}, depth={depth}, num_heads=...)'
