"""Convert Human3.6M: python tools/dataset_converters/h36m.py ROOT --out NPZ [options].

ROOT has ``S1`` and so on, each with ``MyPoseFeatures/D3_Positions_mono``, perhaps
``MyPoseFeatures/D2_Positions``, and ``MySegmentsMat/ground_truth_bb``. Reading them
takes cdflib and h5py. See docs/datasets.md.
"""

from functools import partial
from pathlib import Path

from deforhmr_mm.datasets.conversion import Part, convert, converter_parser
from deforhmr_mm.datasets.conversion.h36m import CAMERAS, Sequence, convert_sequence
from deforhmr_mm.engine.launching import one_line_errors

SUBJECTS = {
    'train': ('S1', 'S5', 'S6', 'S7', 'S8'),
    'test-p1': ('S9', 'S11'),
    'test-p2': ('S9', 'S11'),
}
PROTOCOL_2_CAMERA = '60457274'


def parse_args():
    parser = converter_parser(__doc__)
    parser.add_argument(
        '--split',
        choices=tuple(SUBJECTS),
        default='train',
        help='test-p1 has all cameras, test-p2 the frontal one',
    )
    parser.add_argument(
        '--mosh',
        type=Path,
        metavar='DIR',
        help="MoSh's poses, S1/Directions 1_cam0_aligned.pkl and so on",
    )
    parser.add_argument(
        '--extract-images',
        action='store_true',
        help='write the pictures to ROOT/images, from Videos/*.mp4 of each subject',
    )
    return parser.parse_args()


def find_sequence(folder, path, mosh, extract):
    """The files of a video, or None if it is none of a person."""
    action, camera = path.stem.rsplit('.', 1)
    if action.startswith('_ALL'):
        return None
    if camera not in CAMERAS:
        raise ValueError(f'{path}: {camera} is none of the cameras {CAMERAS}')
    poses_2d = folder / 'MyPoseFeatures' / 'D2_Positions' / path.name
    fits = None
    if mosh is not None:
        name = f'{action}_cam{CAMERAS.index(camera)}_aligned.pkl'
        fits = mosh / folder.name / name
    return Sequence(
        subject=folder.name,
        name=path.stem,
        poses_3d=path,
        boxes=folder / 'MySegmentsMat' / 'ground_truth_bb' / f'{path.stem}.mat',
        poses_2d=poses_2d if poses_2d.is_file() else None,
        mosh=fits if fits is not None and fits.is_file() else None,
        video=folder / 'Videos' / f'{path.stem}.mp4' if extract else None,
    )


def find_sequences(root, split, mosh, extract):
    sequences = []
    for subject in SUBJECTS[split]:
        folder = root / subject
        paths = sorted((folder / 'MyPoseFeatures' / 'D3_Positions_mono').glob('*.cdf'))
        if not paths:
            raise FileNotFoundError(
                f'there are no poses in {folder}/MyPoseFeatures/D3_Positions_mono'
            )
        found = (find_sequence(folder, path, mosh, extract) for path in paths)
        sequences += [sequence for sequence in found if sequence is not None]
    if split == 'test-p2':
        ending = f'.{PROTOCOL_2_CAMERA}'
        sequences = [s for s in sequences if s.name.endswith(ending)]
    return sequences


def main():
    args = parse_args()
    with one_line_errors(ValueError, OSError):
        sequences = find_sequences(
            args.root, args.split, args.mosh, args.extract_images
        )
        parts = [
            Part(
                f'{sequence.subject}/{sequence.name}',
                [path for path in sequence if isinstance(path, Path)],
                partial(convert_sequence, sequence, args.root),
            )
            for sequence in sequences
        ]
        pictures = args.root if args.check_images else None
        lines = convert(parts, args.out, None, pictures)
    print(*lines, sep='\n')
    if args.mosh is not None:
        count = sum(sequence.mosh is not None for sequence in sequences)
        print(f"{count} of {len(sequences)} videos have MoSh's poses")


if __name__ == '__main__':
    main()
