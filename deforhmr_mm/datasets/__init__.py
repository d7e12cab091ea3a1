"""Data sets of people with body labels, and the transforms that feed the network."""

from .collate import mesh_collate
from .hmr_dataset import HMRDataset
from .labels import AnnotationError, LabelRecord
from .transforms import *  # noqa: F403

__all__ = ['AnnotationError', 'HMRDataset', 'LabelRecord', 'mesh_collate']
