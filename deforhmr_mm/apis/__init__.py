"""Inference in mmpose's manner: one call from a picture to people's meshes."""

from .inference import (
    CheckpointInfo,
    ConfigError,
    inference_topdown,
    init_model,
)
from .inferencer import MeshInferencer
from .inputs import load_coco_boxes
from .model_zoo import ALIASES, resolve_model

__all__ = [
    'ALIASES',
    'CheckpointInfo',
    'ConfigError',
    'MeshInferencer',
    'inference_topdown',
    'init_model',
    'load_coco_boxes',
    'resolve_model',
]
