"""Turn published checkpoints into ones of this project."""

from .files import open_published_checkpoint, write_checkpoint
from .hmr2 import convert_hmr2
from .matching import Conversion, ConversionError
from .vit import convert_vit, resize_pos_embed

__all__ = [
    'Conversion',
    'ConversionError',
    'convert_hmr2',
    'convert_vit',
    'open_published_checkpoint',
    'resize_pos_embed',
    'write_checkpoint',
]
