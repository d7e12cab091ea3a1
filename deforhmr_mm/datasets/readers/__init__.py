"""One reader for each family of annotation files; each returns a `LabelRecord`."""

from .spin import read_spin_npz

__all__ = ['read_spin_npz']
