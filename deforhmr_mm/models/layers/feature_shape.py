"""The features that a head was built for, and those that come."""

from torch import Tensor


def check_feature_shape(
    features: Tensor, in_channels: int, feat_size: tuple[int, int] | None = None
) -> None:
    """Compare features with what the config says of them.

    Args:
        features: (B, C, H, W).
        in_channels: C, as the head was built for.
        feat_size: rows and columns (H, W) likewise; None takes any.

    Raises:
        ValueError: if they are others; it names the options to change.
    """
    if features.shape[1] != in_channels and feat_size is None:
        raise ValueError(
            f'the head was built for in_channels={in_channels}, but the backbone gave '
            f'{features.shape[1]} channels; set in_channels of the head to that'
        )
    expected = (in_channels, *(feat_size or features.shape[2:]))
    if tuple(features.shape[1:]) != expected:
        raise ValueError(
            f'the head was built for features of (in_channels, *feat_size) = '
            f'{expected}, but the backbone gave {tuple(features.shape[1:])}; set '
            'in_channels and feat_size of the head to what the backbone gives'
        )
