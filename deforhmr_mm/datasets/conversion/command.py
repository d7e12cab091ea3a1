"""The command line that the converters share."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ['converter_parser']


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
