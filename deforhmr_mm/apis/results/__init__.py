"""Recovered people as JSON and NPZ files, and back; docs/results.md is the schema."""

from .loading import Results, load_motion, load_results, motion_from_results
from .motion import encode_motion_json, encode_motion_npz, motion_joints
from .picture import encode_json, encode_npz, person_result
from .schema import CONVENTIONS, JOINTS, SCHEMA_VERSION, describe_model

__all__ = [
    'CONVENTIONS',
    'JOINTS',
    'SCHEMA_VERSION',
    'Results',
    'describe_model',
    'encode_json',
    'encode_motion_json',
    'encode_motion_npz',
    'encode_npz',
    'load_motion',
    'load_results',
    'motion_from_results',
    'motion_joints',
    'person_result',
]
