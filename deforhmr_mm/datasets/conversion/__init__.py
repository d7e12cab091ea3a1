"""From the files that data sets come as to annotation files of the SPIN family.

Each data set has a module that parses its files into columns; `convert` runs it part by
part. The commands are in ``tools/dataset_converters``.
"""

from .columns import Columns, box_around, check_columns, concatenate, place_joints
from .command import converter_parser, parse_with_pseudo_labels
from .files import write_npz
from .running import Expected, Part, convert

__all__ = [
    'Columns',
    'Expected',
    'Part',
    'box_around',
    'check_columns',
    'concatenate',
    'convert',
    'converter_parser',
    'parse_with_pseudo_labels',
    'place_joints',
    'write_npz',
]
