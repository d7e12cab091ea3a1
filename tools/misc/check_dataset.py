"""Count what a data set has labelled, and name the rows that look wrong.

Counts, ranges and findings are printed, and written as JSON with --json. Pictures are
looked for and, with --images header, opened as far as their size (boxes are compared
with it), or with --images decode read whole. A finding is a reason to look, with
browse_dataset.py --start ROW, not a proof; the exit status is 0, and with --strict 1 if
anything was found.

Examples:
    python tools/misc/check_dataset.py CONFIG --split train --json check.json
    python tools/misc/check_dataset.py --ann-file people.npz --img-prefix data/people
"""

import argparse
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import DictAction
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from PIL import Image
from rich.progress import track

from deforhmr_mm.datasets import (
    HMR2TarDataset,
    ImageReadError,
    build_labels,
    decode_image,
    inner_datasets,
)
from deforhmr_mm.datasets.checks import (
    Finding,
    check_boxes,
    check_labels,
)
from deforhmr_mm.datasets.label_statistics import count_labels, label_ranges
from deforhmr_mm.datasets.mesh_dataset import MeshDataset
from deforhmr_mm.datasets.transforms.reading import read_file, read_file_in_archive
from deforhmr_mm.engine.launching import load_config, one_line_errors
from deforhmr_mm.registry import DATASETS
from deforhmr_mm.whole_files import write_text

NAMED = 10
"""Rows and pictures that are named of each finding; the JSON has all of them."""
EXIF_ORIENTATION = 0x0112
# Values of it that exchange width and height.
EXIF_TURNED = (5, 6, 7, 8)


# Which options have no effect with the other source of labels.
OF_CONFIG = ('split', 'cfg_options')
OF_ANN_FILE = ('img_prefix', 'dataset_type')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', nargs='?', help='config file with the data set')
    parser.add_argument(
        '--split',
        choices=('train', 'val', 'test'),
        help='of the config (default: train)',
    )
    parser.add_argument('--ann-file', help='annotation file, in place of a config')
    parser.add_argument('--img-prefix', help="the pictures' folder, with --ann-file")
    parser.add_argument(
        '--dataset-type', help='reader, with --ann-file (default: HMRDataset)'
    )
    parser.add_argument(
        '--images',
        choices=('none', 'exists', 'header', 'decode'),
        default='header',
        help='how far to look at pictures',
    )
    parser.add_argument('--json', type=Path, help='also write the report to this file')
    parser.add_argument(
        '--strict', action='store_true', help='exit status 1 if anything was found'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config, key=value',
    )
    args = parser.parse_args()
    if (args.config is None) == (args.ann_file is None):
        parser.error('give either a config or --ann-file')
    needed, names = (
        ('a config', OF_CONFIG) if args.config is None else ('--ann-file', OF_ANN_FILE)
    )
    for name in names:
        if getattr(args, name) is not None:
            parser.error(
                f'--{name.replace("_", "-")} has no effect without {needed}: leave it '
                'out'
            )
    return args


def build(args: argparse.Namespace) -> BaseDataset:
    """Data set of the command line, without a pipeline."""
    if args.ann_file is not None:
        init_default_scope('deforhmr_mm')
        return DATASETS.build(
            dict(
                type=args.dataset_type or 'HMRDataset',
                ann_file=args.ann_file,
                data_prefix=dict(img=args.img_prefix or ''),
                pipeline=[],
            )
        )
    with one_line_errors():
        config = load_config(args.config, args.cfg_options)
    init_default_scope(config.get('default_scope', 'deforhmr_mm'))
    split = args.split or 'train'
    loader = config.get(f'{split}_dataloader')
    if loader is None:
        raise KeyError(f'there is no {split}_dataloader')
    return build_labels(loader)


def parts_of(dataset: BaseDataset) -> list[MeshDataset]:
    """The data sets of people that a data set is put together of.

    Raises:
        TypeError: If one of them is of another kind.
    """
    parts = list(inner_datasets(dataset))
    for part in parts:
        if not isinstance(part, MeshDataset):
            raise TypeError(
                f'only data sets of people (MeshDataset) can be checked, not '
                f'{type(part).__name__}'
            )
    return parts


class Picture(NamedTuple):
    """Where a picture lies.

    Attributes:
        path: Its file, or its name for messages.
        archive: File, offset and size in bytes, if it lies in another file.
    """

    path: str
    archive: tuple[str, int, int] | None = None

    def read(self) -> bytes:
        """Read the file's bytes.

        Raises:
            FileNotFoundError: If there is no such file.
            ImageReadError: If the file is empty or cut off.
        """
        if self.archive is None:
            return read_file(self.path)
        return read_file_in_archive(*self.archive, self.path)


def pictures_of(dataset: MeshDataset) -> list[Picture]:
    """The picture of each person."""
    if isinstance(dataset, HMR2TarDataset):
        infos = (dataset.get_data_info(row) for row in range(len(dataset)))
        return [Picture(info['img_path'], info['img_archive']) for info in infos]
    prefix = dataset.data_prefix['img'] or ''
    return [Picture(str(Path(prefix) / name)) for name in dataset.labels.image_names]


def header_size(picture: Picture) -> tuple[int, int]:
    """Width and height of a picture as viewers show it, from the head of its file.

    Raises:
        FileNotFoundError: If there is no such file.
        ImageReadError: If the file is not a picture.
    """
    try:
        # Of a file of its own only the head is read.
        file = picture.path if picture.archive is None else io.BytesIO(picture.read())
        with Image.open(file) as image:
            turned = image.getexif().get(EXIF_ORIENTATION) in EXIF_TURNED
            width, height = image.size
    except FileNotFoundError:
        raise
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageReadError(
            f'The picture {picture.path} cannot be opened: {error}'
        ) from error
    return (height, width) if turned else (width, height)


def _existing_size(picture: Picture) -> tuple[float, float]:
    # What lies in an archive is there: its place has been read from it.
    if picture.archive is None and not Path(picture.path).is_file():
        raise FileNotFoundError(picture.path)
    return np.nan, np.nan


def _decoded_size(picture: Picture) -> tuple[int, int]:
    return decode_image(picture.read(), picture.path).shape[1::-1]


SIZES: dict[str, Callable[[Picture], tuple[float, float]]] = {
    'exists': _existing_size,
    'header': header_size,
    'decode': _decoded_size,
}


def check_pictures(
    labels_path: str, pictures: list[Picture], images: str
) -> tuple[np.ndarray, list[Finding], list[str]]:
    """Look at each picture once.

    Args:
        labels_path: For the progress bar.
        pictures: Picture of each of N people.
        images: As the option.

    Returns:
        (N, 2) width and height as stored, NaN where unknown; the findings; the paths of
        pictures that are missing or unreadable.
    """
    sizes = np.full((len(pictures), 2), np.nan)
    if images == 'none':
        return sizes, [], []
    rows: dict[Picture, list[int]] = {}
    for row, picture in enumerate(pictures):
        rows.setdefault(picture, []).append(row)
    bad: dict[str, list[Picture]] = {'missing': [], 'unreadable': []}
    for picture in track(rows, description=Path(labels_path).name):
        try:
            sizes[rows[picture]] = SIZES[images](picture)
        except FileNotFoundError:
            bad['missing'].append(picture)
        except ImageReadError:
            bad['unreadable'].append(picture)
    findings = [
        Finding(
            f'{kind}_pictures',
            f'{len(found)} of {len(rows)} pictures {kind}: '
            f'{_shorten([picture.path for picture in found])}',
            tuple(sorted(row for picture in found for row in rows[picture])),
        )
        for kind, found in bad.items()
        if found
    ]
    return sizes, findings, [p.path for p in bad['missing'] + bad['unreadable']]


def check(dataset: MeshDataset, images: str) -> dict[str, Any]:
    """Report on one annotation file, ready for JSON."""
    labels = dataset.labels
    pictures = pictures_of(dataset)
    sizes, findings, bad = check_pictures(labels.path, pictures, images)
    if labels.image_turns is not None:
        # Boxes are those of the picture turned upright.
        lying = np.asarray(labels.image_turns) % 2 == 1
        sizes[lying] = sizes[lying][:, ::-1]
    findings += check_boxes(labels, sizes) + check_labels(labels)
    return {
        'file': labels.path,
        'name': dataset.dataset_name,
        'family': labels.family,
        'body_type': labels.body_type,
        'body_fingerprint': labels.body_fingerprint,
        'counts': count_labels(labels),
        'ranges': label_ranges(labels, sizes),
        'findings': [asdict(finding) for finding in findings],
        'bad_pictures': bad,
    }


def format_report(report: dict[str, Any]) -> str:
    """The report as the lines that are printed."""
    body = report['body_fingerprint'] or 'no fingerprint'
    lines = [
        f'{report["file"]} ({report["name"]}): family {report["family"]}, body '
        f'{report["body_type"]} ({body})'
    ]
    counts = dict(report['counts'])
    genders = counts.pop('genders')
    people = counts['people']
    for key, count in counts.items():
        share = f'{count / max(people, 1):8.1%}' if key.startswith('with_') else ''
        lines.append(f'  {key.replace("_", " "):22}{count:9}{share}')
    named = ', '.join(f'{count} {gender}' for gender, count in genders.items())
    lines.append(f'  {"genders":22}{named:>9}')
    for key, values in report['ranges'].items():
        text = '  '.join(
            f'{name} {"-" if value is None else format(value, ".4g")}'
            for name, value in values.items()
        )
        lines.append(f'  {key.replace("_", " "):28}{text}')
    for finding in report['findings']:
        rows = finding['rows']
        lines.append(f'  ! {finding["check"]}: {finding["message"]}')
        if rows:
            noun = 'row' if len(rows) == 1 else 'rows'
            lines.append(f'    {len(rows)} {noun}: {_shorten(rows)}')
    if not report['findings']:
        lines.append('  nothing looks wrong')
    return '\n'.join(lines)


def _shorten(items) -> str:
    """The first of many things."""
    more = ', ...' if len(items) > NAMED else ''
    return ', '.join(str(item) for item in items[:NAMED]) + more


def main() -> None:
    args = parse_args()
    source = args.config or args.ann_file
    try:
        parts = parts_of(build(args))
    except (ValueError, OSError, KeyError, TypeError) as error:
        # str() of a KeyError would put its message into quotes.
        message = error.args[0] if isinstance(error, KeyError) else str(error)
        named = message if source in message else f'{source}: {message}'
        raise SystemExit(f'error: {named}') from error
    reports = []
    for part in parts:
        reports.append(check(part, args.images))
        print(format_report(reports[-1]))
    if args.json:
        text = json.dumps({'images': args.images, 'datasets': reports}, indent=1)
        write_text(args.json, f'{text}\n')
    if args.strict and any(report['findings'] for report in reports):
        raise SystemExit(1)


if __name__ == '__main__':
    main()
