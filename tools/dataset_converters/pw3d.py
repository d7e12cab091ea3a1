"""Convert 3DPW: python tools/dataset_converters/pw3d.py ROOT --out FILE.npz [options].

ROOT has ``sequenceFiles/{train,validation,test}/*.pkl`` and ``imageFiles``. Picture
names in FILE.npz are relative to ROOT. See docs/datasets.md.
"""

from functools import partial

from deforhmr_mm.datasets.conversion import Expected, Part, convert, converter_parser
from deforhmr_mm.datasets.conversion.gendered_bodies import (
    body_settings,
    load_gendered_bodies,
    parse_with_gendered_bodies,
)
from deforhmr_mm.datasets.conversion.pw3d import convert_sequence
from deforhmr_mm.engine.launching import one_line_errors

EXPECTED = {'test': Expected(35515, "SPIN's annotation file of the test set")}


def parse_args():
    parser = converter_parser(__doc__)
    parser.add_argument(
        '--split', choices=('train', 'validation', 'test'), default='test'
    )
    return parse_with_gendered_bodies(
        parser,
        "with both, boxes are around the body's joints and translations use the "
        "model's own pelvis",
    )


def main():
    args = parse_args()
    with one_line_errors(ValueError, OSError):
        folder = args.root / 'sequenceFiles' / args.split
        files = sorted(folder.glob('*.pkl'))
        if not files:
            raise FileNotFoundError(f'there are no sequences (*.pkl) in {folder}')
        bodies = load_gendered_bodies(args)
        parts = [
            Part(
                f'{args.split}-{path.stem}',
                [path],
                partial(convert_sequence, path, bodies),
                body_settings(bodies),
            )
            for path in files
        ]
        lines = convert(
            parts,
            args.out,
            EXPECTED.get(args.split),
            args.root if args.check_images else None,
        )
    print(*lines, sep='\n')


if __name__ == '__main__':
    main()
