"""Data sets of people with body labels, and the transforms that feed the network."""

from .coco_mesh_dataset import CocoMeshDataset
from .collate import mesh_collate
from .hmr2_tar_dataset import HMR2TarDataset
from .hmr_dataset import HMRDataset
from .labelled_people import LabelledPerson, read_labelled_people
from .labels import AnnotationError, LabelRecord
from .mean_body import build_labels, mean_body, mean_crop_camera, read_labels
from .samplers import MixtureSampler
from .transforms import *  # noqa: F403
from .wrappers import inner_datasets

__all__ = [
    'AnnotationError',
    'CocoMeshDataset',
    'HMR2TarDataset',
    'HMRDataset',
    'LabelRecord',
    'LabelledPerson',
    'MixtureSampler',
    'build_labels',
    'inner_datasets',
    'mean_body',
    'mean_crop_camera',
    'mesh_collate',
    'read_labelled_people',
    'read_labels',
]
