"""Which encoder it is, and its weights in and out of a checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from deforhmr_mm.engine.checkpoints import CheckpointError, load_checkpoint_safely
from deforhmr_mm.registry import MODELS

from .manifest import plain

__all__ = [
    'build_encoder',
    'describe_encoder',
    'encoder_weights',
    'weights_fingerprint',
    'with_encoder',
    'without_encoder',
]

PREFIX = 'backbone.'
REMEMBERED = f'{PREFIX}encoder_fingerprint'
# Options of a backbone that change no feature of a frozen, loaded one.
IRRELEVANT = ('init_cfg', 'frozen', 'drop_path_rate')


def encoder_weights(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the encoder's weights, of a whole model's checkpoint or of its own.

    Args:
        state_dict: With ``backbone.`` before the encoder's names, or of it alone.
    """
    inside = {
        key.removeprefix(PREFIX): value
        for key, value in state_dict.items()
        if key.startswith(PREFIX) and key != REMEMBERED
    }
    if inside or REMEMBERED in state_dict:
        return inside
    return dict(state_dict)


def weights_fingerprint(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of weights: of names, shapes and values in float32.

    The same weights have one fingerprint in every file, beside whatever else.
    """
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].detach().cpu()
        if value.is_floating_point():
            value = value.float()
        digest.update(f'{name} {tuple(value.shape)}'.encode())
        digest.update(value.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def build_encoder(
    config: Config, checkpoint: str | Path
) -> tuple[nn.Module, nn.Module]:
    """Build the encoder of a config, and what prepares its pictures.

    Args:
        config: With ``model.backbone`` and ``model.data_preprocessor``.
        checkpoint: File with the encoder's weights, see `encoder_weights`.

    Returns:
        Encoder and data preprocessor, in evaluation mode on the CPU.

    Raises:
        CheckpointError: If the weights are not this encoder's.
    """
    backbone = dict(config.model.backbone)
    backbone.pop('init_cfg', None)
    encoder = MODELS.build(backbone).eval().requires_grad_(False)
    weights = encoder_weights(load_checkpoint_safely(checkpoint)['state_dict'])
    wanted = encoder.state_dict()
    different = [
        key
        for key in [*wanted, *(key for key in weights if key not in wanted)]
        if key not in weights
        or key not in wanted
        or weights[key].shape != wanted[key].shape
    ]
    if different:
        raise CheckpointError(
            f'The encoder in {checkpoint} is another than the config describes '
            f'({backbone["type"]}): {len(different)} weights are missing, left over or '
            f'of another shape ({", ".join(different[:3])}, ...).'
        )
    encoder.load_state_dict(weights)
    preprocessor = config.model.get('data_preprocessor')
    return encoder, MODELS.build(preprocessor or dict(type='BaseDataPreprocessor'))


def describe_encoder(
    config: Config, encoder: nn.Module, precision: str = 'float32'
) -> dict[str, Any]:
    """Return what a cache's manifest says of its encoder."""
    backbone = dict(config.model.backbone)
    for key in IRRELEVANT:
        backbone.pop(key, None)
    return plain(
        {
            'weights': weights_fingerprint(encoder.state_dict()),
            'backbone': backbone,
            'data_preprocessor': config.model.get('data_preprocessor'),
            'precision': precision,
        }
    )


def with_encoder(
    head: Mapping[str, Tensor], encoder: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Put an encoder to a head that was trained on its cached features.

    Args:
        head: ``state_dict`` of a model with `CachedFeatures`.
        encoder: ``state_dict`` with the encoder's weights, see `encoder_weights`.

    Returns:
        The ``state_dict`` of the same model with the encoder in it.

    Raises:
        CheckpointError: If the head has an encoder already, or was trained on another
            one's features.
    """
    if REMEMBERED not in head:
        raise CheckpointError(
            f'The checkpoint has no {REMEMBERED}: it was not trained from a cache, and '
            'has an encoder of its own.'
        )
    weights = encoder_weights(encoder)
    wanted = bytes(head[REMEMBERED].tolist())
    found = weights_fingerprint(weights)
    if any(wanted) and wanted.hex() != found:
        raise CheckpointError(
            f'The head was trained on features of the encoder {wanted.hex()[:16]}..., '
            f'but this one is {found[:16]}...'
        )
    rest = {key: value for key, value in head.items() if key != REMEMBERED}
    return {**rest, **{f'{PREFIX}{key}': value for key, value in weights.items()}}


def without_encoder(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the encoder out, for a model with `CachedFeatures`; it is remembered.

    Raises:
        CheckpointError: If there is none.
    """
    inside = [key for key in state_dict if key.startswith(PREFIX)]
    if not inside or REMEMBERED in state_dict:
        raise CheckpointError('The checkpoint has no encoder that could be taken out.')
    fingerprint = weights_fingerprint(encoder_weights(state_dict))
    rest = {key: value for key, value in state_dict.items() if key not in inside}
    remembered = torch.tensor(list(bytes.fromhex(fingerprint)), dtype=torch.uint8)
    return {**rest, REMEMBERED: remembered}
