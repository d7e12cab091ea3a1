"""Draw what several models recover from the same pictures (as the paper's Fig. 4).

A row for each picture: the picture, each model's meshes over it, and the same people
from the side (the camera is on the left), all models in one scale. Other views with
--views; of one model they are side by side.

python tools/analysis_tools/compare_models.py PICTURE... --models NAME CONFIG
    --weights A.pth B.pth --bbox-file coco.json
python tools/analysis_tools/compare_models.py --ann-file annotations/test.npz
    --data-root data/open_body --num 4 --models CONFIG CONFIG --weights A.pth B.pth
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import DictAction

from deforhmr_mm.apis import MeshInferencer
from deforhmr_mm.apis.command_line import (
    add_box_arguments,
    given_boxes,
    run_command,
)
from deforhmr_mm.apis.inference import BBOX_PADDING, ImageInput, read_input
from deforhmr_mm.datasets import HMRDataset, LoadImage, read_sample_image
from deforhmr_mm.structures import MeshDataSample
from deforhmr_mm.visualization import (
    MeshVisualizer,
    encode_image,
    figure_grid,
    view_extent,
)
from deforhmr_mm.visualization.people import gather_people
from deforhmr_mm.visualization.visualizer import SCENE_VIEWS, VIEWS
from deforhmr_mm.whole_files import write_bytes

# Of --crop: the share of the boxes' longer side that is left around them.
MARGIN = 0.15
NUM = 4  # pictures of a data set


class Picture(NamedTuple):
    """A data set's picture and what `MeshInferencer` is to be told of it.

    Attributes:
        image: Path; or (H, W, 3) uint8 BGR, upright, of a file that is stored turned.
        options: Boxes and, if it is known, camera.
    """

    image: ImageInput
    options: dict[str, Any]


class ModelOptions(DictAction):
    """Options by the number of the model that they are of, None for all models."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Sequence[str],
        option_string: str | None = None,
    ) -> None:
        number, *pairs = values if '=' not in values[0] else (None, *values)
        if number is not None and not number.isdecimal():
            parser.error(
                f'{option_string} begins with the number of a model or with KEY=VALUE, '
                f'got {number!r}'
            )
        if not pairs or not all('=' in pair for pair in pairs):
            parser.error(f'{option_string} needs KEY=VALUE, got {" ".join(values)}')
        one = argparse.Namespace()
        super().__call__(parser, one, pairs, option_string)
        number = number and int(number)
        given = dict(getattr(namespace, self.dest))
        given[number] = {**given.get(number, {}), **getattr(one, self.dest)}
        setattr(namespace, self.dest, given)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('images', nargs='*', help='pictures, folders or globs')
    parser.add_argument(
        '--models',
        nargs='+',
        default=['openbody-tiny'],
        help='short names or configs, a column for each',
    )
    parser.add_argument(
        '--weights',
        nargs='+',
        help='a checkpoint for each model; "default" for that of a short name',
    )
    parser.add_argument('--names', nargs='+', help='a title for each model')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ModelOptions,
        default={},
        metavar=('[NUMBER]', 'KEY=VALUE'),
        help='settings that replace those of the config: of the model with this number '
        '(1 is the first of --models), or of every model; may be given several times',
    )
    boxes = add_box_arguments(parser)
    boxes.add_argument('--ann-file', help="take a data set's pictures and boxes (.npz)")
    parser.add_argument('--data-root', help="folder of --ann-file's files")
    parser.add_argument(
        '--num',
        type=int,
        help='how many pictures of --ann-file (default: 4)',
    )
    parser.add_argument(
        '--views',
        nargs='+',
        choices=tuple(VIEWS)[1:],
        default=['overlay', 'side'],
        help='what is drawn of each model (default: overlay side)',
    )
    parser.add_argument(
        '--crop',
        action='store_true',
        help="show the people's surroundings, not the whole picture",
    )
    parser.add_argument('--device', help='cpu, cuda:0, ... (default: what there is)')
    parser.add_argument(
        '--height', type=int, default=320, help='of a row, pixels (default: 320)'
    )
    parser.add_argument(
        '--out', type=Path, default=Path('compare.png'), help='picture to write'
    )
    args = parser.parse_args(argv)
    if bool(args.images) == bool(args.ann_file):
        parser.error('give pictures, or --ann-file')
    if args.ann_file is None:
        for option in ('data_root', 'num'):
            if getattr(args, option) is not None:
                parser.error(
                    f'--{option.replace("_", "-")} has no effect without --ann-file: '
                    'leave it out'
                )
    args.data_root = args.data_root or ''
    args.num = NUM if args.num is None else args.num
    if args.height < 32 or args.num < 1:
        parser.error('--height must be at least 32, --num 1')
    for option in ('weights', 'names'):
        given = getattr(args, option)
        if given is not None and len(given) != len(args.models):
            parser.error(
                f'--{option} must be one for each of the {len(args.models)} models, '
                f'got {len(given)}'
            )
    for number in args.cfg_options:
        if number is not None and not 1 <= number <= len(args.models):
            parser.error(
                f'--cfg-options {number}: the models are numbered from 1 to '
                f'{len(args.models)}'
            )
    return args


def pictures_of_data(ann_file: str, data_root: str, count: int) -> list[Picture]:
    """Pictures spread evenly over a data set, with all their people and the camera."""
    if Path(ann_file).is_file():
        # A data set would look for it in its root.
        ann_file = str(Path(ann_file).resolve())
    dataset = HMRDataset(ann_file, data_root=data_root, pipeline=[], test_mode=True)
    by_path: dict[str, list[int]] = {}
    for index in range(len(dataset)):
        # The plain record: the pose is not needed.
        path = super(HMRDataset, dataset).get_data_info(index)['img_path']
        by_path.setdefault(path, []).append(index)
    paths = list(by_path)
    spread = np.linspace(0, len(paths) - 1, min(count, len(paths))).round().astype(int)
    pictures = []
    for path in (paths[number] for number in spread):
        people = [dataset.get_data_info(index) for index in by_path[path]]
        # Inference adds its margin to a box; that of the annotation has one.
        half = [0.5 * person['bbox_scale'] / BBOX_PADDING for person in people]
        center = [person['bbox_center'] for person in people]
        boxes = np.concatenate(
            [np.subtract(center, half), np.add(center, half)], axis=1
        )
        focal_length = people[0]['focal_length']
        point = people[0]['principal_point']
        known = np.isfinite([focal_length, *point]).all()
        camera = dict(focal_length=focal_length, principal_point=point)
        options = dict(camera if known else {}, bboxes=boxes, bbox_format='xyxy')
        # A path would be read as it is stored, while boxes are in the upright frame.
        turned = people[0].get('image_turns', 0) % 4
        image = read_sample_image(LoadImage()(people[0])) if turned else path
        pictures.append(Picture(image, options))
    return pictures


def build_inferencers(args: argparse.Namespace) -> list[MeshInferencer]:
    weights = args.weights or [None] * len(args.models)
    for_all = args.cfg_options.get(None, {})
    return [
        MeshInferencer(
            name,
            None if path == 'default' else path,
            args.device,
            cfg_options={**for_all, **args.cfg_options.get(number, {})},
        )
        for number, (name, path) in enumerate(zip(args.models, weights, strict=True), 1)
    ]


def recover(
    inferencer: MeshInferencer, args: argparse.Namespace
) -> list[tuple[ImageInput, list[MeshDataSample]]]:
    """Each picture (see `read_input`), and the people that a model finds in it."""
    options = dict(return_datasamples=True, on_error='raise')
    if args.ann_file:
        return [
            (picture.image, result['predictions'][0])
            for picture in pictures_of_data(args.ann_file, args.data_root, args.num)
            for result in inferencer(picture.image, **options, **picture.options)
        ]
    boxes = given_boxes(args)
    results = inferencer(args.images, bboxes=boxes, bbox_format='xywh', **options)
    return [(result['input'], result['predictions'][0]) for result in results]


def make_row(
    picture: ImageInput,
    faces: Sequence[np.ndarray],
    predictions: Sequence[list[MeshDataSample]],
    visualizer: MeshVisualizer,
    views: Sequence[str],
    height: int,
    crop: bool = False,
) -> list[np.ndarray]:
    """A picture, and each view of what each model recovered from it, in one scale.

    Args:
        picture: See `read_input`.
        faces: Triangles of each model's body: models may have different ones.
        predictions: Each model's people.
        visualizer: Draws them.
        views: See `MeshVisualizer.draw_view`.
        height: Pixels of the views from elsewhere.
        crop: Whether only the people's surroundings are shown.
    """
    image = np.ascontiguousarray(read_input(picture)[0][..., ::-1])
    part = surroundings(predictions[0], image.shape[:2]) if crop else np.s_[:, :]
    panels = [image[part]]
    for view in views:
        extent = None
        if view in SCENE_VIEWS:
            meshes = [gather_people(people).vertices for people in predictions]
            extent = np.max([view_extent(group, view) for group in meshes], axis=0)
        for triangles, people in zip(faces, predictions, strict=True):
            visualizer.faces = triangles
            panel = visualizer.draw_view(view, image, people, height, extent)
            panels.append(panel if view in SCENE_VIEWS else panel[part])
    return panels


def surroundings(
    people: Sequence[MeshDataSample], size: tuple[int, int]
) -> tuple[slice, slice]:
    """Rows and columns of a picture (height, width) that show people's boxes."""
    if not people:
        return np.s_[:, :]
    boxes = np.array([person.pred_instances.bboxes[0].tolist() for person in people])
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    margin = MARGIN * (high - low).max()
    # Boxes overlap the picture, so that something of it is left.
    x0, y0 = np.clip(np.floor(low - margin), 0, size[::-1]).astype(int)
    x1, y1 = np.clip(np.ceil(high + margin), 0, size[::-1]).astype(int)
    return slice(y0, y1), slice(x0, x1)


def make_titles(names: Sequence[str], views: Sequence[str]) -> list[str]:
    """A title for each panel of a row."""
    titles = [VIEWS['image']]
    for view in views:
        if len(names) == 1:
            titles.append(VIEWS[view])
        elif view == 'overlay':
            titles += names
        else:
            titles += [f'{name}, {VIEWS[view]}' for name in names]
    return titles


def run(args: argparse.Namespace) -> int:
    """Draw the figure; returns the exit code."""
    inferencers = build_inferencers(args)
    faces = [inferencer.model.body_model.faces for inferencer in inferencers]
    names = args.names or [Path(name).stem for name in args.models]
    visualizer = MeshVisualizer('compare_models')
    found = [recover(inferencer, args) for inferencer in inferencers]
    rows = []
    for results in zip(*found, strict=True):
        picture = results[0][0]
        predictions = [people for _, people in results]
        rows.append(
            make_row(
                picture,
                faces,
                predictions,
                visualizer,
                args.views,
                args.height,
                args.crop,
            )
        )
    figure = figure_grid(rows, make_titles(names, args.views), args.height)
    write_bytes(args.out, encode_image(figure, args.out.suffix))
    print(f'{args.out}: {len(rows)} pictures, {len(faces)} models')
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; returns the exit code."""
    args = parse_args(argv)
    return run_command(lambda: run(args))


if __name__ == '__main__':
    sys.exit(main())
