"""SMPL's models by gender, as converters are given them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from deforhmr_mm.body_models import SMPL

__all__ = ['body_settings', 'load_gendered_bodies', 'parse_with_gendered_bodies']


def parse_with_gendered_bodies(
    parser: argparse.ArgumentParser,
    purpose: str,
    genders: Sequence[str] = ('male', 'female'),
) -> argparse.Namespace:
    """Parse the command line of a converter that can use SMPL's models.

    Args:
        parser: With the converter's other options.
        purpose: What the models are for, for the help.
        genders: 'male', 'female', and perhaps 'neutral', which may be left out.

    Returns:
        The options, with `smpl_files`: the given files by gender.
    """
    for name in genders:
        parser.add_argument(
            f'--{name}-smpl', metavar='FILE', help=f"SMPL's {name} model: {purpose}"
        )
    args = parser.parse_args()
    files = {name: getattr(args, f'{name}_smpl') for name in genders}
    args.smpl_files = {name: path for name, path in files.items() if path is not None}
    if args.smpl_files and not {'male', 'female'} <= set(args.smpl_files):
        parser.error('--male-smpl and --female-smpl go together')
    return args


def load_gendered_bodies(args: argparse.Namespace) -> dict[str, SMPL] | None:
    """The bodies that the command line names, by 'm', 'f' and 'n'; None if it does not.

    Raises:
        FileNotFoundError: If a file is not there.
        ValueError: If it is no body.
    """
    bodies = {name[0]: SMPL(path) for name, path in args.smpl_files.items()}
    return bodies or None


def body_settings(bodies: Mapping[str, SMPL] | None) -> dict[str, str]:
    """What of the bodies a converted part depends on, for `Part.settings`."""
    return {letter: body.fingerprint for letter, body in (bodies or {}).items()}
