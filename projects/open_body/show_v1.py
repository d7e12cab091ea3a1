"""Make a contact sheet of a split of data set v1.

Example:
    python projects/open_body/show_v1.py data/open_body_v1 val --out outputs/val.jpg
"""

import argparse
import sys
from pathlib import Path

from deforhmr_mm.engine.launching import one_line_errors

sys.path.insert(0, str(Path(__file__).resolve().parent))

from synthetic_v1.recipe import RECIPES  # noqa: E402
from synthetic_v1.sheet import contact_sheet, write_sheet  # noqa: E402


def main(argv: list[str] | None = None) -> None:
    """Write the sheet that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('data', type=Path, help='folder of the data set')
    parser.add_argument('split', choices=tuple(RECIPES))
    parser.add_argument('--out', type=Path, required=True, help='.jpg or .png')
    parser.add_argument('--count', type=int, default=64, help='people, or pictures')
    parser.add_argument('--columns', type=int, default=16)
    parser.add_argument('--labels', action='store_true', help='draw the keypoints')
    parser.add_argument('--whole', action='store_true', help='whole pictures')
    parser.add_argument('--kilobytes', type=int, default=300, help='at most, of a JPEG')
    args = parser.parse_args(argv)
    for flag in ('count', 'columns'):
        if getattr(args, flag) < 1:
            parser.error(f'--{flag}: expected 1 or more, got {getattr(args, flag)}')
    sheet = contact_sheet(
        args.data, args.split, args.count, args.columns, args.labels, args.whole
    )
    write_sheet(args.out, sheet, 1000 * args.kilobytes)


if __name__ == '__main__':
    with one_line_errors(FileNotFoundError, ValueError):
        main()
