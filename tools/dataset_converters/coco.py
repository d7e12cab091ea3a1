"""Convert COCO: python tools/dataset_converters/coco.py ROOT --out FILE.npz [options].

ROOT has ``annotations/person_keypoints_{train,val}{2014,2017}.json`` and the pictures'
folders. With CLIFF's pseudo-labels, SMPL parameters are joined by annotation id. See
docs/datasets.md.
"""

from deforhmr_mm.datasets.conversion import (
    Expected,
    Part,
    convert,
    converter_parser,
    parse_with_pseudo_labels,
)
from deforhmr_mm.datasets.conversion.coco import convert_coco
from deforhmr_mm.datasets.conversion.pseudo_labels import join_pseudo_labels
from deforhmr_mm.engine.launching import one_line_errors

EXPECTED = {
    'train2017': Expected(149813, "HRNet's data set for COCO keypoints"),
    'val2017': Expected(6352, "HRNet's data set for COCO keypoints"),
}


def parse_args():
    parser = converter_parser(__doc__)
    parser.add_argument(
        '--split',
        choices=('train2014', 'val2014', 'train2017', 'val2017'),
        default='train2017',
        help='annotations and folder of pictures (train2017)',
    )
    parser.add_argument(
        '--min-keypoints',
        type=int,
        default=1,
        metavar='N',
        help='leave out people with fewer labelled keypoints (1)',
    )
    return parse_with_pseudo_labels(parser)


def main():
    args = parse_args()
    name = f'person_keypoints_{args.split}.json'
    ann_file = args.ann_file or args.root / 'annotations' / name
    notes = []

    def make():
        people = convert_coco(ann_file, args.split, args.min_keypoints)
        if args.cliff is None:
            return people
        people, note = join_pseudo_labels(
            people, args.cliff, 'annot_id', args.only_labelled
        )
        notes.append(note)
        return people

    plain = args.ann_file is None and args.min_keypoints == 1
    expected = EXPECTED.get(args.split) if plain and not args.only_labelled else None
    with one_line_errors(ValueError, OSError):
        # A missing file is told by what reads it.
        lines = convert(
            [Part(args.split, [], make)],
            args.out,
            expected,
            args.root if args.check_images else None,
        )
    print(*lines, *notes, sep='\n')


if __name__ == '__main__':
    main()
