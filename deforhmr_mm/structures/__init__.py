"""What travels between modules: data samples and the names of joints."""

from .keypoint_definitions import H36M_EVAL_JOINTS, SMPL_PARENTS
from .keypoint_sets import (
    KeypointMap,
    KeypointSet,
    flip_smpl_pose,
    get_keypoint_set,
    keypoint_set_names,
    register_keypoint_set,
)
from .mesh_data_sample import MeshDataSample
from .metainfo_json import decode_metainfo, encode_metainfo
from .motion import Motion, PersonMotion
from .packed_samples import LabelColumns, PackedSamples

__all__ = [
    'H36M_EVAL_JOINTS',
    'SMPL_PARENTS',
    'KeypointMap',
    'KeypointSet',
    'LabelColumns',
    'MeshDataSample',
    'Motion',
    'PackedSamples',
    'PersonMotion',
    'decode_metainfo',
    'encode_metainfo',
    'flip_smpl_pose',
    'get_keypoint_set',
    'keypoint_set_names',
    'register_keypoint_set',
]
