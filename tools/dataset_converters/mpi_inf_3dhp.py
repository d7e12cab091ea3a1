"""Convert MPI-INF-3DHP: python tools/dataset_converters/mpi_inf_3dhp.py ROOT --out NPZ.

ROOT has ``S1`` to ``S8`` with ``Seq1`` and ``Seq2`` (``annot.mat``, ``imageFrames``),
and for the test set ``mpi_inf_3dhp_test_set/TS1`` to ``TS6`` (``annot_data.mat``,
``imageSequence``). Reading the test set takes h5py. See docs/datasets.md.
"""

from functools import partial

from deforhmr_mm.datasets.conversion import Expected, Part, convert, converter_parser
from deforhmr_mm.datasets.conversion.mpi_inf_3dhp import convert_test, convert_train
from deforhmr_mm.engine.launching import one_line_errors

EXPECTED = {'test': Expected(2929, 'the published size of the test set')}
TEST_FOLDER = 'mpi_inf_3dhp_test_set'


def parse_args():
    parser = converter_parser(__doc__)
    parser.add_argument('--split', choices=('train', 'test'), default='train')
    parser.add_argument(
        '--every',
        type=int,
        default=10,
        metavar='N',
        help='take each Nth frame of a training video (10)',
    )
    parser.add_argument(
        '--extract-images',
        action='store_true',
        help="write the training pictures, from each sequence's imageSequence/*.avi",
    )
    args = parser.parse_args()
    if args.every < 1:
        parser.error(f'--every must be 1 or more, got {args.every}')
    return args


def train_parts(root, every, extract):
    folders = [f'S{user}/Seq{number}' for user in range(1, 9) for number in (1, 2)]
    found = [folder for folder in folders if (root / folder / 'annot.mat').is_file()]
    if not found:
        raise FileNotFoundError(f'there is no S1/Seq1/annot.mat or the like in {root}')
    left = [folder for folder in folders if folder not in found]
    parts = []
    for folder in found:
        path = root / folder / 'annot.mat'
        make = partial(convert_train, path, folder, every, extract)
        settings = {'every': every, 'extract': extract}
        parts.append(Part(folder, [path], make, settings))
    return parts, [f'warning: {folder} is not there' for folder in left]


def test_parts(root):
    prefix = f'{TEST_FOLDER}/' if (root / TEST_FOLDER).is_dir() else ''
    folders = [f'{prefix}TS{number}' for number in range(1, 7)]
    parts = []
    for folder in folders:
        path = root / folder / 'annot_data.mat'
        if not path.is_file():
            raise FileNotFoundError(f'there is no annotation file {path}')
        parts.append(Part(folder, [path], partial(convert_test, path, folder)))
    return parts, []


def main():
    args = parse_args()
    with one_line_errors(ValueError, OSError):
        if args.split == 'train':
            parts, notes = train_parts(args.root, args.every, args.extract_images)
        else:
            parts, notes = test_parts(args.root)
        lines = convert(
            parts,
            args.out,
            EXPECTED.get(args.split),
            args.root if args.check_images else None,
        )
    print(*lines, *notes, sep='\n')


if __name__ == '__main__':
    main()
