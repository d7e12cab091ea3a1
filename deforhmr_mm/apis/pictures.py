"""A picture on its way through the inferencer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch

from deforhmr_mm.structures import MeshDataSample

from .camera_info import CameraInfo
from .inputs import InputItem


@dataclass
class Picture:
    """One picture, or one frame of a video, and what is known of it so far.

    Attributes:
        item: The input that it is, or is a frame of.
        image: (H, W, 3) uint8 BGR; None if it could not be read.
        frame: Number of the frame; None for a picture.
        camera: Of the whole picture, once it is known.
        crops: What goes through the network, one dict a person.
        samples: What came out, one a person.
        overlay: (H, W, 3) uint8 RGB, once it is drawn.
        error: Why there is no result.
        seconds: Reading, cropping and the network's share of its batch.
    """

    item: InputItem
    image: np.ndarray | None = None
    frame: int | None = None
    camera: CameraInfo | None = None
    crops: list[dict] = field(default_factory=list)
    samples: list[MeshDataSample] = field(default_factory=list)
    overlay: np.ndarray | None = None
    error: Exception | None = None
    seconds: float = 0.0

    @property
    def rgb(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        return np.ascontiguousarray(self.image[..., ::-1])


def check_finite(samples: Iterable[MeshDataSample], name: str) -> None:
    """Refuse predictions that hold NaN or infinity.

    Raises:
        ValueError: If a value is not finite; the message says `name`.
    """
    for sample in samples:
        for value in sample.pred_instances.values():
            if not bool(torch.isfinite(value).all()):
                raise ValueError(
                    f'{name}: the model gave NaN or infinity; are its weights those of '
                    'a finished training?'
                )


def with_name(error: Exception, name: str) -> Exception:
    """Return an error whose message names the input."""
    if name in str(error):
        return error
    named = ValueError(f'{name}: {error}')
    named.__cause__ = error
    return named
