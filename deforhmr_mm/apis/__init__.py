"""Inference in mmpose's manner: one call from a picture to people's meshes."""

from .camera_info import CameraInfo, focal_length_from_exif, resolve_camera
from .inference import (
    CheckpointInfo,
    ConfigError,
    inference_topdown,
    init_model,
)
from .inferencer import MeshInferencer
from .inputs import load_coco_boxes
from .model_zoo import ALIASES, resolve_model
from .results import Results, load_motion, load_results

__all__ = [
    'ALIASES',
    'CameraInfo',
    'CheckpointInfo',
    'ConfigError',
    'MeshInferencer',
    'Results',
    'focal_length_from_exif',
    'inference_topdown',
    'init_model',
    'load_coco_boxes',
    'load_motion',
    'load_results',
    'resolve_camera',
    'resolve_model',
]
