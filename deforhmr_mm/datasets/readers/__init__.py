"""One reader for each family of annotation files; each returns a `LabelRecord`."""

from .bedlam import read_bedlam_npz
from .coco import read_coco_json
from .columns import unknown_columns
from .detect import FAMILIES, detect_family, read_npz_labels
from .hmr2 import read_hmr2_npz
from .hmr2_tar import HMR2Labels, read_hmr2_tars
from .humandata import read_humandata_npz
from .plain_pickle import load_plain_pickle
from .rich import read_rich_npz
from .spin import read_spin_npz

__all__ = [
    'FAMILIES',
    'HMR2Labels',
    'detect_family',
    'load_plain_pickle',
    'read_bedlam_npz',
    'read_coco_json',
    'read_hmr2_npz',
    'read_hmr2_tars',
    'read_humandata_npz',
    'read_npz_labels',
    'read_rich_npz',
    'read_spin_npz',
    'unknown_columns',
]
