"""Body models: SMPL over smplx, safe loading of its files, the open body."""

from .fingerprint import body_fingerprint
from .landmarks import LANDMARK_NAMES, SMPL_LANDMARK_IDS
from .loading import (
    OPEN_BODY_PATH,
    BodyFileError,
    SMPLData,
    load_joint_regressor,
    load_smpl_file,
)
from .safe_pickle import UnsafePickleError
from .smpl import SMPL, SMPLOutput

__all__ = [
    'LANDMARK_NAMES',
    'OPEN_BODY_PATH',
    'SMPL',
    'SMPL_LANDMARK_IDS',
    'BodyFileError',
    'SMPLData',
    'SMPLOutput',
    'UnsafePickleError',
    'body_fingerprint',
    'load_joint_regressor',
    'load_smpl_file',
]
