"""Inference in mmpose's manner: one call from pictures and videos to meshes."""

from .box_files import load_boxes, load_coco_boxes
from .camera_info import CameraInfo, focal_length_from_exif, resolve_camera
from .inference import (
    CheckpointInfo,
    ConfigError,
    inference_topdown,
    init_model,
)
from .inferencer import MeshInferencer
from .model_zoo import ALIASES, resolve_model
from .output_options import DEFAULT_FORMATS, FORMATS
from .results import Results, load_motion, load_results

__all__ = [
    'ALIASES',
    'DEFAULT_FORMATS',
    'FORMATS',
    'CameraInfo',
    'CheckpointInfo',
    'ConfigError',
    'MeshInferencer',
    'Results',
    'focal_length_from_exif',
    'inference_topdown',
    'init_model',
    'load_boxes',
    'load_coco_boxes',
    'load_motion',
    'load_results',
    'resolve_camera',
    'resolve_model',
]
