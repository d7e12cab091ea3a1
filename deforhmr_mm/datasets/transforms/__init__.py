"""From a picture and a box to the network's input."""

from .formatting import PackMeshInputs
from .geometric import RandomBBoxTransform, RandomFlip
from .loading import ImageReadError, LoadImage, decode_image, read_image
from .photometric import ColorJitter, RandomErasing
from .topdown_affine import TopdownAffine, warp_antialiased

__all__ = [
    'ColorJitter',
    'ImageReadError',
    'LoadImage',
    'PackMeshInputs',
    'RandomBBoxTransform',
    'RandomErasing',
    'RandomFlip',
    'TopdownAffine',
    'decode_image',
    'read_image',
    'warp_antialiased',
]
