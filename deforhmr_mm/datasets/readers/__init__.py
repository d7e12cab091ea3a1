"""One reader for each family of annotation files; each returns a `LabelRecord`."""

from .bedlam import read_bedlam_npz
from .detect import FAMILIES, detect_family, read_npz_labels
from .hmr2 import read_hmr2_npz
from .humandata import read_humandata_npz
from .rich import read_rich_npz
from .spin import read_spin_npz

__all__ = [
    'FAMILIES',
    'detect_family',
    'read_bedlam_npz',
    'read_hmr2_npz',
    'read_humandata_npz',
    'read_npz_labels',
    'read_rich_npz',
    'read_spin_npz',
]
