"""Draw people of a data set with their labels, before and after augmentation.

The result is one picture, a row for each person: the crop with its 2D joints (the
person's left green, right orange; hollow: of low confidence), the mesh of pose and
betas over the crop, and mesh and 3D joints from the side, the camera being on the left.
Then the same after one draw of the pipeline's augmentations.

The mesh stands where the labels say (transl); where they do not, where its joints fit
the 2D joints best. People whose pose belongs to another body are drawn without a mesh.

Example: python tools/misc/browse_dataset.py CONFIG --shuffle --out browse.jpg
"""

import argparse
from bisect import bisect_right
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.registry import init_default_scope
from rich.progress import track

from deforhmr_mm.body_models import SMPL, BodyFileError
from deforhmr_mm.datasets import (
    AnnotationError,
    ImageReadError,
    LoadImage,
    PackMeshInputs,
    TopdownAffine,
)
from deforhmr_mm.datasets.mesh_dataset import MeshDataset
from deforhmr_mm.engine.launching import load_config, one_line_errors
from deforhmr_mm.registry import DATASETS, MODELS
from deforhmr_mm.visualization import encode_image
from deforhmr_mm.visualization.contact_sheet import SheetRow, contact_sheet, text_tile
from deforhmr_mm.visualization.label_view import (
    LabelDrawer,
    describe_change,
    describe_labels,
)
from deforhmr_mm.whole_files import write_bytes

MODES = {
    'original': ('original',),
    'transformed': ('transformed',),
    'both': ('original', 'transformed'),
}
INPUT_SIZE = (192, 256)
# What JPEG can hold.
LARGEST_SIDE = 65500


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file with the data set')
    parser.add_argument(
        '--phase',
        '--split',
        dest='phase',
        choices=('train', 'val', 'test'),
        default='train',
        help='whose data set to draw',
    )
    parser.add_argument(
        '--mode',
        choices=tuple(MODES),
        default='both',
        help='before augmentation, after it, or both',
    )
    parser.add_argument('--num', type=int, default=12, help='number of people')
    parser.add_argument('--start', type=int, default=0, help='first of them')
    parser.add_argument(
        '--shuffle', action='store_true', help='draw people from all over the data set'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='of --shuffle and of the augmentations'
    )
    parser.add_argument('--height', type=int, default=320, help='of a picture, pixels')
    parser.add_argument(
        '--out', type=Path, default=Path('browse.jpg'), help='picture to write'
    )
    parser.add_argument(
        '--body-model',
        help="body file that the labels belong to; by default the config's body, or "
        'the open body',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config, key=value',
    )
    args = parser.parse_args()
    if args.num < 1 or args.height < 32 or args.start < 0 or args.seed < 0:
        parser.error('--num must be 1 or more, --height 32, --start and --seed 0')
    return args


def find_person(dataset: BaseDataset, index: int) -> tuple[MeshDataset, int]:
    """Data set and row of a person of a data set that may be put together of several.

    Raises:
        TypeError: If a part of it is no `MeshDataset`.
    """
    if isinstance(dataset, ConcatDataset):
        part = bisect_right(dataset.cumulative_sizes, index)
        start = dataset.cumulative_sizes[part - 1] if part else 0
        return find_person(dataset.datasets[part], index - start)
    if isinstance(dataset, RepeatDataset):
        return find_person(dataset.dataset, index % len(dataset.dataset))
    if not isinstance(dataset, MeshDataset):
        raise TypeError(
            f'only data sets of people (MeshDataset) can be drawn, not '
            f'{type(dataset).__name__}'
        )
    return dataset, index


def build_body(config: Config, path: str | None) -> SMPL:
    """The body of the command line, else the config's, else the open body."""
    if path is not None:
        return SMPL(path)
    body = config.get('model', {}).get('body_model')
    return MODELS.build(body) if body is not None else SMPL()


class Browser:
    """Makes the rows of the sheet.

    Args:
        body: Body of the labels.
        mode: A key of `MODES`.
        height: Of a picture, pixels.
        seed: Of the augmentations.
    """

    def __init__(self, body: SMPL, mode: str, height: int, seed: int) -> None:
        self.body = body
        self.mode = mode
        self.seed = seed
        self.drawer = LabelDrawer(body, height)
        self.failures: list[str] = []

    def row(self, dataset: MeshDataset, index: int) -> SheetRow:
        """Draw one person; one whose picture cannot be read becomes a note."""
        steps = getattr(dataset.pipeline, 'transforms', ())
        size = next(
            (step.input_size for step in steps if isinstance(step, TopdownAffine)),
            INPUT_SIZE,
        )
        # At the sheet's size, so that the original is as sharp as its file.
        height = self.drawer.height
        plain = (
            LoadImage(),
            TopdownAffine((round(height * size[0] / size[1]), height)),
        )
        groups, captions = [], []
        for stage in MODES[self.mode]:
            sample = self._sample(dataset, index)
            caption = describe_labels(sample)
            try:
                if stage == 'original':
                    sample = run_steps(plain, sample)
                else:
                    np.random.seed([self.seed, index])
                    sample = run_steps(steps, sample)
            except (FileNotFoundError, ImageReadError) as error:
                self.failures.append(f'{sample["sample_id"]}: {error}')
                groups.append([text_tile((3 * height, height), str(error))])
                captions.append(caption)
                continue
            fingerprint = dataset.labels.body_fingerprint
            view = self.drawer.draw(
                sample, with_mesh=fingerprint in (None, self.body.fingerprint)
            )
            if stage == 'transformed':
                change = describe_change(sample)
                caption = (
                    change if len(MODES[self.mode]) > 1 else f'{caption}   {change}'
                )
            groups.append(view.images)
            captions.append(f'{caption}   {view.camera}')
        return SheetRow(groups, captions)

    def _sample(self, dataset: MeshDataset, index: int) -> dict[str, Any]:
        """The person before the pipeline, with the pelvis that turning transl needs."""
        sample = dataset.get_data_info(index)
        if 'rest_pelvis' not in sample:
            eye = torch.eye(3).expand(1, 24, 3, 3)
            betas = torch.from_numpy(sample['betas'])
            rest = self.body.joints(eye[:, :1], eye[:, 1:], betas)
            sample['rest_pelvis'] = rest[:, 0].numpy()
        return sample


def run_steps(steps, sample: dict[str, Any]) -> dict[str, Any]:
    """Run a pipeline up to where it packs the sample for the network."""
    for step in steps:
        if isinstance(step, PackMeshInputs):
            break
        sample = step(sample)
    missing = {'img', 'input_affine'} - set(sample)
    if missing:
        raise KeyError(
            f'the pipeline makes no {sorted(missing)}: it needs LoadImage and '
            'TopdownAffine'
        )
    return sample


def main() -> None:
    args = parse_args()
    with one_line_errors():
        config = load_config(args.config, args.cfg_options)
    init_default_scope(config.get('default_scope', 'deforhmr_mm'))
    loader = config.get(f'{args.phase}_dataloader')
    if loader is None:
        raise SystemExit(f'error: {args.config}: there is no {args.phase}_dataloader')
    try:
        dataset = DATASETS.build(loader.dataset)
        body = build_body(config, args.body_model)
        count = len(dataset)
        if args.start >= count:
            raise SystemExit(f'error: --start {args.start}: there are {count} people')
        order = np.arange(args.start, count)
        if args.shuffle:
            np.random.default_rng(args.seed).shuffle(order)
        browser = Browser(body, args.mode, args.height, args.seed)
        people = [find_person(dataset, int(index)) for index in order[: args.num]]
        rows = [browser.row(*person) for person in track(people, description='People')]
    except KeyError as error:
        # str() would put it into quotes.
        raise SystemExit(f'error: {args.config}: {error.args[0]}') from error
    except (AnnotationError, BodyFileError, OSError, TypeError) as error:
        raise SystemExit(f'error: {args.config}: {error}') from error
    if len(browser.failures) == len(rows) * len(MODES[args.mode]):
        raise SystemExit(f'error: no picture could be read; {browser.failures[0]}')
    sheet = contact_sheet(
        rows,
        f'{args.config}: {args.phase}.   Joints: left green, right orange, hollow if '
        'of low confidence.   Third picture: from the side, the camera on the left.',
    )
    if max(sheet.shape) > LARGEST_SIDE:
        raise SystemExit(
            f'error: a sheet of {sheet.shape[1]} x {sheet.shape[0]} pixels is too '
            'large: lower --num or --height'
        )
    write_bytes(args.out, encode_image(sheet, args.out.suffix))
    print(f'{args.out}: {len(rows)} of {count} people')
    for failure in browser.failures:
        print(f'not drawn: {failure}')


if __name__ == '__main__':
    main()
