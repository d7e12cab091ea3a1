"""Rotations, cameras, alignment and boxes; needs torch, numpy and roma only."""

from .alignment import similarity_align
from .box_placement import place_in_box
from .boxes import (
    bbox_to_center_scale,
    bbox_xywh_to_xyxy,
    bbox_xyxy_to_xywh,
    crop_affine,
    fit_aspect,
    validate_bboxes,
)
from .cameras import (
    crop_to_full_translation,
    crop_to_translation,
    default_focal_length,
    full_to_crop_camera,
    image_center,
    perspective_projection,
    projection_gap,
)
from .rotations import (
    check_rot6d,
    mean_rotation,
    rot6d_from_row_major,
    rot6d_to_rotmat,
    rot6d_to_row_major,
    rotmat_to_rot6d,
)

__all__ = [
    'bbox_to_center_scale',
    'bbox_xywh_to_xyxy',
    'bbox_xyxy_to_xywh',
    'check_rot6d',
    'crop_affine',
    'crop_to_full_translation',
    'crop_to_translation',
    'default_focal_length',
    'fit_aspect',
    'full_to_crop_camera',
    'image_center',
    'mean_rotation',
    'perspective_projection',
    'place_in_box',
    'projection_gap',
    'rot6d_from_row_major',
    'rot6d_to_rotmat',
    'rot6d_to_row_major',
    'rotmat_to_rot6d',
    'similarity_align',
    'validate_bboxes',
]
