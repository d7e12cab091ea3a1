"""From a picture and a box to the network's input."""

from .affine import apply_affine, compose_affine
from .formatting import PackMeshInputs
from .geometric import RandomBBoxTransform, RandomFlip
from .keypoint_samples import ToKeypointSample
from .loading import LoadImage, read_sample_image
from .photometric import ColorJitter, RandomErasing
from .reading import EncodedJPEG, ImageReadError, decode_image, read_image
from .topdown_affine import TopdownAffine, warp_antialiased
from .truncation import RandomTruncation

__all__ = [
    'ColorJitter',
    'EncodedJPEG',
    'ImageReadError',
    'LoadImage',
    'PackMeshInputs',
    'RandomBBoxTransform',
    'RandomErasing',
    'RandomFlip',
    'RandomTruncation',
    'ToKeypointSample',
    'TopdownAffine',
    'apply_affine',
    'compose_affine',
    'decode_image',
    'read_image',
    'read_sample_image',
    'warp_antialiased',
]
