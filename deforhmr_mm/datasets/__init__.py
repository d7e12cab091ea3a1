"""Data sets of people with body labels, and the transforms that feed the network."""

from .coco_mesh_dataset import CocoMeshDataset
from .collate import mesh_collate
from .hmr2_tar_dataset import HMR2TarDataset
from .hmr_dataset import HMRDataset
from .labelled_people import LabelledPerson, read_labelled_people
from .labels import AnnotationError, LabelRecord
from .mean_body import build_labels, mean_body, mean_crop_camera, read_labels
from .mesh_dataset import MeshDataset
from .readers import unknown_columns
from .samplers import MixtureSampler
from .transforms import *  # noqa: F403
from .wrappers import ConcatDataset, inner_datasets

__all__ = [
    'AnnotationError',
    'CocoMeshDataset',
    'ConcatDataset',
    'HMR2TarDataset',
    'HMRDataset',
    'LabelRecord',
    'LabelledPerson',
    'MeshDataset',
    'MixtureSampler',
    'build_labels',
    'inner_datasets',
    'mean_body',
    'mean_crop_camera',
    'mesh_collate',
    'read_labelled_people',
    'read_labels',
    'unknown_columns',
]
