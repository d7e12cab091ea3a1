"""HMR2.0's checkpoints as `MeshEstimator` with `ViT` and `HMR2Head`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from deforhmr_mm.body_models import SMPLData, body_fingerprint
from deforhmr_mm.models.heads import HMR2Head

from .matching import (
    Conversion,
    ConversionError,
    describe_keys,
    match_weights,
    take,
)
from .vit import convert_vit

__all__ = ['convert_hmr2']

ENCODER = 'backbone.'
HEAD = 'smpl_head.'
BODY_TEMPLATE = 'smpl.v_template'
LAYERS = 'transformer.transformer.layers.'
NO_BODY_NOTE = (
    'no body was named, so that the checkpoint carries no fingerprint: init_model and '
    'tools/test.py refuse it; name your SMPL file with --body-model'
)


def convert_hmr2(stored: Mapping[str, Tensor], body: SMPLData | None) -> Conversion:
    """Turn HMR2.0's weights into those of an estimator of ours.

    Args:
        stored: the ``state_dict`` of HMR2.0's Lightning checkpoint: ``backbone.*`` and
            ``smpl_head.*``; anything else is left over.
        body: the SMPL body that the checkpoint's parameters are for, whose fingerprint
            the result is to carry.

    Returns:
        Weights of `MeshEstimator`; without `body` they lack ``body_fingerprint``.

    Raises:
        ConversionError: If the layout is another, or a weight is missing, of another
            shape or unknown, or the body in the checkpoint has another mesh.
    """
    if not any(key.startswith(HEAD) for key in stored):
        raise ConversionError(
            f"unknown layout: there is no {HEAD}* as in HMR2.0's checkpoints; the "
            f'keys are {describe_keys(stored) or "none"}'
        )
    encoder = convert_vit(
        {key: value for key, value in stored.items() if key.startswith(ENCODER)}
    )
    head, head_config = _convert_head(stored)
    weights = {f'backbone.{name}': value for name, value in encoder.state_dict.items()}
    weights.update({f'head.{name}': value for name, value in head.items()})
    notes = [*encoder.notes]
    if body is None:
        notes.append(NO_BODY_NOTE)
    else:
        if BODY_TEMPLATE in stored:
            notes.append(_compare_bodies(stored[BODY_TEMPLATE], body))
        # As MeshEstimator keeps it: a buffer of the text's bytes.
        text = body_fingerprint(body).encode('ascii')
        weights['body_fingerprint'] = torch.tensor(list(text), dtype=torch.uint8)
    others = [key for key in stored if not key.startswith((ENCODER, HEAD))]
    return Conversion(
        weights,
        'HMR2.0',
        f'MeshEstimator(backbone={encoder.model}, head={head_config})',
        [*encoder.left_over, *others],
        notes,
    )


def _convert_head(stored: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """The head's weights, and the part of a config that they fit."""

    def size(name: str, axis: int) -> int:
        return take(stored, HEAD + name, 2).shape[axis]

    layers = re.compile(rf'{re.escape(HEAD + LAYERS)}(\d+)\.')
    indices = [int(found[1]) for key in stored if (found := layers.match(key))]
    sizes = dict(
        in_channels=size(f'{LAYERS}0.1.fn.to_kv.weight', 1),
        num_layers=1 + max(indices),
        embed_dims=size('decpose.weight', 1),
        ffn_dims=size(f'{LAYERS}0.2.fn.net.0.weight', 0),
        num_betas=size('decshape.weight', 0),
    )
    width = size(f'{LAYERS}0.1.fn.to_q.weight', 0)
    with torch.device('meta'):
        # Shapes tell only the product of the number and the width of the heads.
        wanted = HMR2Head(num_heads=1, head_dims=width, **sizes).state_dict()
    known = {HEAD + name for name in wanted}
    unknown = [key for key in stored if key.startswith(HEAD) and key not in known]
    if unknown:
        raise ConversionError(
            f'the head has parts that HMR2Head does not have: {describe_keys(unknown)}'
        )
    listed = ', '.join(f'{name}={value}' for name, value in sizes.items())
    return (
        match_weights(stored, wanted, lambda name: HEAD + name),
        f'HMR2Head({listed}, num_heads * head_dims={width})',
    )


def _compare_bodies(template: Tensor, body: SMPLData) -> str:
    """How far the named body is from the one that HMR2.0 stores beside its weights."""
    if tuple(template.shape) != body.v_template.shape:
        raise ConversionError(
            f'the body in the checkpoint has a template of shape '
            f'{tuple(template.shape)}, the one named {body.v_template.shape}: '
            'it is another body'
        )
    distance = np.linalg.norm(template.double().numpy() - body.v_template, axis=1).max()
    return (
        f'vertices of the body named lie up to {1000 * distance:.3g} mm from those '
        'of the body in the checkpoint'
    )
