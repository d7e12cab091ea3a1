"""Backbones give one feature map or several levels; a head reads one."""

from collections.abc import Sequence

from torch import Tensor


def pick_level(feats: Tensor | Sequence[Tensor], level: int) -> Tensor:
    """The map that a head reads.

    Args:
        feats: (B, C, H, W) features, or a sequence of such levels.
        level: index of the level, negative from the end.

    Returns:
        The level; a single map as it is.

    Raises:
        ValueError: if there is no such level, or it is no map.
    """
    if not isinstance(feats, Tensor):
        count = len(feats)
        if not -count <= level < count:
            raise ValueError(
                f'feat_level={level}, but the backbone gave {count} levels; '
                f'0 to {count - 1} would fit'
            )
        feats = feats[level]
    if feats.dim() != 4:
        raise ValueError(
            f'the head reads a feature map (B, C, H, W), but the backbone gave '
            f'{tuple(feats.shape)}; a transformer of mmpretrain needs '
            "out_type='featmap'"
        )
    return feats
