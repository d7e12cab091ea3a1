"""Convert MPII: python tools/dataset_converters/mpii.py ROOT --out FILE.npz [options].

ROOT has ``images`` and ``mpii_human_pose_v1_u12_1.mat``, or ``annotations/train.json``
and ``valid.json`` of the common JSON. With CLIFF's pseudo-labels, SMPL parameters are
joined by picture and box. See docs/datasets.md.
"""

from deforhmr_mm.datasets.conversion import (
    Expected,
    Part,
    convert,
    converter_parser,
    parse_with_pseudo_labels,
)
from deforhmr_mm.datasets.conversion.mpii import convert_json, convert_mat
from deforhmr_mm.datasets.conversion.pseudo_labels import join_pseudo_labels
from deforhmr_mm.engine.launching import one_line_errors

EXPECTED = {
    'train': Expected(22246, "HRNet's JSON for MPII"),
    'valid': Expected(2958, "HRNet's JSON for MPII"),
}


def parse_args():
    parser = converter_parser(__doc__)
    parser.add_argument(
        '--split',
        choices=('mat', 'train', 'valid'),
        default='train',
        help='a split of the JSON, or mat: all labelled people of the .mat file',
    )
    return parse_with_pseudo_labels(parser)


def main():
    args = parse_args()
    notes = []

    def make():
        if args.split == 'mat':
            name = 'mpii_human_pose_v1_u12_1.mat'
            people = convert_mat(args.ann_file or args.root / name)
        else:
            name = f'annotations/{args.split}.json'
            people = convert_json(args.ann_file or args.root / name)
        if args.cliff is None:
            return people
        people, note = join_pseudo_labels(people, args.cliff, 'box', args.only_labelled)
        notes.append(note)
        return people

    plain = args.ann_file is None and not args.only_labelled
    with one_line_errors(ValueError, OSError):
        # A missing file is told by what reads it.
        lines = convert(
            [Part(args.split, [], make)],
            args.out,
            EXPECTED.get(args.split) if plain else None,
            args.root if args.check_images else None,
        )
    print(*lines, *notes, sep='\n')


if __name__ == '__main__':
    main()
