"""Models by short name: config and checkpoint that come with the project."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import deforhmr_mm


class ModelFiles(NamedTuple):
    """Where a model lies: its config and, if there is one, its checkpoint."""

    config: str
    checkpoint: str | None


# Relative to the folder that holds `configs/`.
ALIASES: dict[str, ModelFiles] = {
    'openbody-tiny': ModelFiles(
        'configs/deforhmr/deforhmr_vit-tiny_openbody-v1-256x192.py',
        'demo/checkpoints/deforhmr_vit-tiny_openbody-v1-256x192.pth',
    ),
}


def project_root() -> Path:
    """Return the folder that holds `configs/`: the checkout, or the wheel's `.mim`.

    Raises:
        FileNotFoundError: If there is neither.
    """
    package = Path(deforhmr_mm.__file__).resolve().parent
    for root in (package.parent, package / '.mim'):
        if (root / 'configs' / 'deforhmr').is_dir():
            return root
    raise FileNotFoundError(
        f'no configs beside {package} nor in {package / ".mim"}: the installation of '
        'deforhmr_mm is not complete, install it again'
    )


def resolve_model(model: str, weights: str | None = None) -> ModelFiles:
    """Find a model's files.

    Args:
        model: A short name (see `ALIASES`) or the path of a config.
        weights: The path of a checkpoint, in place of the one of a short name.

    Raises:
        ValueError: If `model` is neither a short name nor a file.
        FileNotFoundError: If a file that comes with the project is not there.
    """
    if model in ALIASES:
        config, checkpoint = (project_root() / path for path in ALIASES[model])
        for path in [config] if weights else [config, checkpoint]:
            if not path.is_file():
                raise FileNotFoundError(f'model {model!r}: {path} is not there')
        return ModelFiles(str(config), weights or str(checkpoint))
    if not Path(model).is_file():
        raise ValueError(
            f'model {model!r} is neither the path of a config nor one of '
            f'{sorted(ALIASES)}'
        )
    return ModelFiles(model, weights)
