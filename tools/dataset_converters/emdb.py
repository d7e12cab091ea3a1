"""Convert EMDB: python tools/dataset_converters/emdb.py ROOT --out FILE.npz [options].

ROOT has ``P0`` to ``P9``, with a folder for each sequence. Picture names in FILE.npz
are relative to ROOT. See docs/datasets.md.
"""

from functools import partial

from deforhmr_mm.datasets.conversion import Part, convert, converter_parser
from deforhmr_mm.datasets.conversion.emdb import (
    SPLITS,
    convert_sequence,
    find_sequences,
)
from deforhmr_mm.datasets.conversion.gendered_bodies import (
    body_settings,
    load_gendered_bodies,
    parse_with_gendered_bodies,
)
from deforhmr_mm.engine.launching import one_line_errors


def parse_args():
    parser = converter_parser(__doc__)
    parser.add_argument('--split', choices=tuple(SPLITS), default='emdb1')
    return parse_with_gendered_bodies(
        parser,
        'male and female are needed for translations in the camera',
        ('male', 'female', 'neutral'),
    )


def main():
    args = parse_args()
    with one_line_errors(ValueError, OSError):
        bodies = load_gendered_bodies(args)
        files = find_sequences(args.root, args.split)
        parts = [
            Part(
                path.stem,
                [path],
                partial(convert_sequence, path, bodies),
                body_settings(bodies),
            )
            for path in files
        ]
        lines = convert(parts, args.out, None, args.root if args.check_images else None)
    print(*lines, sep='\n')
    if len(files) != SPLITS[args.split]:
        print(
            f'warning: {len(files)} sequences of {args.split} were there, but EMDB has '
            f'{SPLITS[args.split]}'
        )
    if bodies is None:
        print(
            'translations are unknown: give --male-smpl and --female-smpl for the '
            "pelvis that SMPL's bodies turn about"
        )


if __name__ == '__main__':
    main()
