"""What the command lines share that run inference."""

from __future__ import annotations

import argparse
import pickle
import sys
from collections.abc import Callable
from typing import Any

from .box_files import load_boxes


def add_box_arguments(parser: argparse.ArgumentParser) -> argparse._ActionsContainer:
    """Add ``--bbox`` and ``--bbox-file``, of which one may be given.

    Args:
        parser: The parser, or a group of its arguments.

    Returns:
        The group that excludes one another, for further sources of boxes.
    """
    boxes = parser.add_mutually_exclusive_group()
    boxes.add_argument(
        '--bbox',
        nargs=4,
        type=float,
        action='append',
        metavar=('X', 'Y', 'W', 'H'),
        help='box of a person in pixels, once for each person, for one picture '
        '(default: what the detector finds)',
    )
    boxes.add_argument(
        '--bbox-file',
        help='JSON with boxes: COCO annotations or results, or boxes by file name',
    )
    return boxes


def given_boxes(args: argparse.Namespace) -> Any:
    """Return the boxes of a command line in a form that `MeshInferencer` takes.

    Args:
        args: Of a parser with `add_box_arguments`; ``bbox_format`` of it is used where
            there is one.

    Raises:
        FileNotFoundError: If the file is not there.
        ValueError: If it holds no boxes.
    """
    if not args.bbox_file:
        return args.bbox
    bbox_format = getattr(args, 'bbox_format', 'xywh')
    return load_boxes(args.bbox_file, bbox_format=bbox_format)


def run_command(command: Callable[[], int]) -> int:
    """Run a command; what a user can mend is told in one line, without traceback.

    Args:
        command: Gives the exit code.

    Returns:
        The exit code: the command's, 1 after an error, 130 if it was interrupted.
    """
    try:
        return command()
    except (OSError, ValueError, ImportError, pickle.UnpicklingError) as error:
        print(f'error: {one_line(error)}', file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130


def one_line(error: object) -> str:
    """Return what an error says, without line breaks."""
    return ' '.join(str(error).split())
