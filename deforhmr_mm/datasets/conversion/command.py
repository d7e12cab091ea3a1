"""The command line that the converters share."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ['converter_parser', 'parse_with_pseudo_labels']


def converter_parser(doc: str) -> argparse.ArgumentParser:
    """A parser with the options of every converter.

    Args:
        doc: The tool's docstring; its first line is the description.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument('root', type=Path, help="the data set's folder")
    parser.add_argument(
        '--out', type=Path, required=True, help='annotation file to write (.npz)'
    )
    parser.add_argument(
        '--check-images',
        action='store_true',
        help='fail if a picture is not under the folder',
    )
    return parser


def parse_with_pseudo_labels(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line of a converter that joins CLIFF's pseudo-labels.

    Args:
        parser: With the converter's other options.
    """
    parser.add_argument(
        '--ann-file', type=Path, help="another annotation file than the split's"
    )
    parser.add_argument(
        '--cliff', type=Path, metavar='NPZ', help="CLIFF's pseudo-labels"
    )
    parser.add_argument(
        '--only-labelled',
        action='store_true',
        help='leave out people without SMPL parameters',
    )
    args = parser.parse_args()
    if args.only_labelled and args.cliff is None:
        parser.error('--only-labelled goes with --cliff')
    return args
