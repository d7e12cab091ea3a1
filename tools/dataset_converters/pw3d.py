"""Convert 3DPW: python tools/dataset_converters/pw3d.py ROOT --out FILE.npz [options].

ROOT has ``sequenceFiles/{train,validation,test}/*.pkl`` and ``imageFiles``. Picture
names in FILE.npz are relative to ROOT. See docs/datasets.md.
"""

from functools import partial

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.datasets.conversion import Expected, Part, convert, converter_parser
from deforhmr_mm.datasets.conversion.pw3d import convert_sequence
from deforhmr_mm.engine.launching import one_line_errors

EXPECTED = {'test': Expected(35515, "SPIN's annotation file of the test set")}


def parse_args():
    parser = converter_parser(__doc__)
    parser.add_argument(
        '--split', choices=('train', 'validation', 'test'), default='test'
    )
    for name in ('male', 'female'):
        parser.add_argument(
            f'--{name}-smpl',
            metavar='FILE',
            help=f"SMPL's {name} model: with both, boxes are around the body's joints "
            "and translations use the model's own pelvis",
        )
    args = parser.parse_args()
    if (args.male_smpl is None) != (args.female_smpl is None):
        parser.error('--male-smpl and --female-smpl go together')
    return args


def main():
    args = parse_args()
    with one_line_errors(ValueError, OSError):
        folder = args.root / 'sequenceFiles' / args.split
        files = sorted(folder.glob('*.pkl'))
        if not files:
            raise FileNotFoundError(f'there are no sequences (*.pkl) in {folder}')
        bodies = None
        if args.male_smpl is not None:
            bodies = {'m': SMPL(args.male_smpl), 'f': SMPL(args.female_smpl)}
        settings = {k: body.fingerprint for k, body in (bodies or {}).items()}
        parts = [
            Part(
                f'{args.split}-{path.stem}',
                [path],
                partial(convert_sequence, path, bodies),
                settings,
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
