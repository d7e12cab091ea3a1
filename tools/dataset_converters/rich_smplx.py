"""Convert RICH: rich_smplx.py ROOT --ann-file NPZ --out NPZ [options].

ROOT has the pictures, the annotation file SMPL-X's parameters. With --smplx-model,
--smplx2smpl and --smpl-model the result has SMPL's joints, else boxes and cameras
alone. It never has SMPL's parameters. See docs/datasets.md.
"""

from pathlib import Path

from deforhmr_mm.datasets.conversion import Part, convert, converter_parser
from deforhmr_mm.datasets.conversion.rich import convert_rich
from deforhmr_mm.datasets.conversion.smplx_body import SMPLXJoints
from deforhmr_mm.engine.launching import one_line_errors


def parse_args():
    parser = converter_parser(__doc__)
    parser.add_argument(
        '--ann-file', type=Path, required=True, help="npz of SMPL-X's parameters"
    )
    parser.add_argument(
        '--smplx-model',
        type=Path,
        metavar='DIR',
        help='folder with SMPLX_MALE.npz, SMPLX_FEMALE.npz and SMPLX_NEUTRAL.npz',
    )
    parser.add_argument('--smplx2smpl', type=Path, metavar='PKL', help='smplx2smpl.pkl')
    parser.add_argument(
        '--smpl-model',
        type=Path,
        metavar='FILE',
        help="SMPL's file, whose regressor makes the joints",
    )
    args = parser.parse_args()
    given = [args.smplx_model, args.smplx2smpl, args.smpl_model]
    if any(given) and not all(given):
        parser.error('--smplx-model, --smplx2smpl and --smpl-model go together')
    return args


def main():
    args = parse_args()

    def make():
        smpl_joints = None
        if args.smplx_model is not None:
            smpl_joints = SMPLXJoints(
                args.smplx_model, args.smplx2smpl, args.smpl_model
            )
        return convert_rich(args.ann_file, smpl_joints)

    with one_line_errors(ValueError, OSError):
        lines = convert(
            [Part('rich', [args.ann_file], make)],
            args.out,
            None,
            args.root if args.check_images else None,
        )
    print(*lines, sep='\n')
    if args.smplx_model is None:
        print(
            'joints are unknown: give --smplx-model, --smplx2smpl and --smpl-model for '
            "SMPL's joints of SMPL-X's surface"
        )
    print("the file has no SMPL parameters: SMPL-X's are not SMPL's")


if __name__ == '__main__':
    main()
