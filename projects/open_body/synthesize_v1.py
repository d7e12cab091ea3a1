"""Render data set v1: labelled people of the open body in seven splits.

Example:
    python projects/open_body/synthesize_v1.py --out data/open_body_v1 --workers 2
"""

import argparse
import json
import sys
from pathlib import Path

from mmengine.logging import MMLogger

from deforhmr_mm.body_models import OPEN_BODY_PATH, SMPL
from deforhmr_mm.engine.launching import one_line_errors

sys.path.insert(0, str(Path(__file__).resolve().parent))

from synthetic.pool import WorkerKilled  # noqa: E402
from synthetic.writer import check_settings  # noqa: E402
from synthetic_v1.generate import (  # noqa: E402
    render_split,
    split_files,
    start_pool,
)
from synthetic_v1.manifest import (  # noqa: E402
    compare,
    rendering_packages,
    write_manifest,
)
from synthetic_v1.recipe import RECIPES, VERSION  # noqa: E402


def people_of_split(text: str) -> tuple[str, int]:
    """A split and its size from SPLIT=NUMBER."""
    split, _, number = text.partition('=')
    if split not in RECIPES or not number.isdigit() or int(number) < 1:
        raise argparse.ArgumentTypeError(
            f'expected SPLIT=NUMBER with a split of {", ".join(RECIPES)}, got {text!r}'
        )
    return split, int(number)


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument(
        '--people',
        type=people_of_split,
        nargs='+',
        metavar='SPLIT=NUMBER',
        help='only these splits, with so many people; default: all of the data set',
    )
    parser.add_argument('--seed', type=int, default=0, help='0 is the data set')
    parser.add_argument('--workers', type=int, default=1, help='processes')
    parser.add_argument(
        '--check',
        type=Path,
        help='manifest to compare the result with; exit code 1 where they differ by '
        'more than rounding',
    )
    parsed = parser.parse_args(args)
    if parsed.workers < 1:
        parser.error(f'--workers: expected 1 or more, got {parsed.workers}')
    if parsed.seed < 0:
        parser.error(f'--seed: expected 0 or more, got {parsed.seed}')
    return parsed


def main(argv: list[str] | None = None) -> None:
    """Render the splits that the command line asks for."""
    args = parse_args(argv)
    logger = MMLogger.get_instance('synthesize')
    sizes = {split: recipe.people for split, recipe in RECIPES.items()}
    sizes = dict(args.people) if args.people else sizes
    fingerprint = SMPL(str(OPEN_BODY_PATH)).fingerprint
    settings = {
        'version': VERSION, 'seed': args.seed, 'body_fingerprint': fingerprint,
    }  # fmt: skip
    check_settings(args.out, settings)
    # Small splits first: they are wanted while the large one is still being made.
    splits = sorted(sizes, key=sizes.get)
    for split in splits:
        split_files(args.out, split).refuse_cut(sizes[split])
    packages = rendering_packages(args.out)
    # At once: a rendering that is killed keeps the packages that it was begun with.
    write_manifest(args.out, args.seed, fingerprint, packages, [])
    with start_pool(args.workers, OPEN_BODY_PATH, args.out) as pool:
        for split in splits:
            logger.info('%s: %d people', split, sizes[split])
            path = render_split(
                pool, args.out, split, sizes[split], args.seed, fingerprint
            )
            logger.info('%s: wrote %s', split, path)
    path = write_manifest(args.out, args.seed, fingerprint, packages, splits)
    logger.info('check sums: %s', path)
    if args.check:
        reference = json.loads(args.check.read_text())
        verdicts = compare(reference, json.loads(path.read_text()), splits)
        for verdict in verdicts:
            logger.info(verdict.line)
        if not all(verdict.agrees for verdict in verdicts):
            sys.exit(f'error: {args.out} is not what {args.check} tells of')


if __name__ == '__main__':
    with one_line_errors(FileNotFoundError, ValueError, WorkerKilled):
        main()
