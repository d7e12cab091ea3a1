"""Render a data set of labelled synthetic people, made from the open body.

Example:
    python projects/open_body/synthesize.py --out data/open_body --train 20000 \
        --val 500 --test 1500 --seed 0 --workers 2
"""

import argparse
import sys
from pathlib import Path

from mmengine.logging import MMLogger

from deforhmr_mm.body_models import OPEN_BODY_PATH, SMPL
from deforhmr_mm.engine.launching import one_line_errors

sys.path.insert(0, str(Path(__file__).resolve().parent))

from synthetic.contact_sheet import write_contact_sheet  # noqa: E402
from synthetic.generate import SPLIT_IDS, render_split, start_pool  # noqa: E402
from synthetic.photos import list_photos  # noqa: E402
from synthetic.pool import WorkerKilled  # noqa: E402
from synthetic.writer import SplitWriter, check_settings  # noqa: E402


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    for split in SPLIT_IDS:
        parser.add_argument(
            f'--{split}', type=int, default=0, help=f'people in the {split} split'
        )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--workers', type=int, default=1, help='processes')
    parser.add_argument(
        '--backgrounds', type=Path, help='folder of photographs for backgrounds'
    )
    parser.add_argument('--body', type=Path, help='SMPL file; default: the open body')
    parser.add_argument(
        '--contact-sheet', type=Path, help='also write a picture of labelled samples'
    )
    parsed = parser.parse_args(args)
    for name in ('workers', *SPLIT_IDS):
        if getattr(parsed, name) < (name == 'workers'):
            parser.error(f'--{name}: {getattr(parsed, name)} is too small')
    if not any(getattr(parsed, split) for split in SPLIT_IDS):
        parser.error('nothing to do: give at least one of --train, --val, --test')
    if parsed.seed < 0:
        parser.error(f'--seed: expected 0 or more, got {parsed.seed}')
    return parsed


def main(argv: list[str] | None = None) -> None:
    """Render the splits that the command line asks for."""
    args = parse_args(argv)
    logger = MMLogger.get_instance('synthesize')
    body_path = args.body or OPEN_BODY_PATH
    fingerprint = SMPL(str(body_path)).fingerprint
    photos = tuple(list_photos(args.backgrounds)) if args.backgrounds else ()
    settings = {
        'seed': args.seed,
        'body_fingerprint': fingerprint,
        'backgrounds': str(args.backgrounds) if args.backgrounds else None,
    }
    check_settings(args.out, settings)
    sizes = {split: getattr(args, split) for split in SPLIT_IDS}
    # Small splits first: they are wanted while the large one is still being made.
    splits = sorted((split for split in sizes if sizes[split]), key=sizes.get)
    for split in splits:
        SplitWriter(args.out, split).refuse_cut(sizes[split])
    with start_pool(args.workers, body_path, photos, args.out) as pool:
        for split in splits:
            people = sizes[split]
            logger.info('%s: %d people', split, people)
            path = render_split(pool, args.out, split, people, args.seed, fingerprint)
            logger.info('%s: wrote %s', split, path)
            if args.contact_sheet:
                sheet = args.contact_sheet
                sheet = sheet.with_name(f'{sheet.stem}_{split}{sheet.suffix or ".png"}')
                write_contact_sheet(args.out, split, sheet)
                logger.info('%s: wrote %s', split, sheet)


if __name__ == '__main__':
    with one_line_errors(FileNotFoundError, ValueError, WorkerKilled):
        main()
