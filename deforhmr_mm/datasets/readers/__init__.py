"""One reader for each family of annotation files; each returns a `LabelRecord`."""

from .coco import read_coco_json
from .hmr2_tar import HMR2Labels, read_hmr2_tars
from .plain_pickle import load_plain_pickle
from .spin import read_spin_npz

__all__ = [
    'HMR2Labels',
    'load_plain_pickle',
    'read_coco_json',
    'read_hmr2_tars',
    'read_spin_npz',
]
