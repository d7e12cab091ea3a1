"""Recover people's meshes from pictures and videos: overlays, meshes, parameters.

python demo/inferencer_demo.py                             the sample pictures
python demo/inferencer_demo.py photo.jpg --bbox 50 40 200 400 --formats overlay html
python demo/inferencer_demo.py folder/ --bbox-file boxes.json --out-dir results
python demo/inferencer_demo.py clip.mp4 --det-model rtmdet.py --det-weights rtmdet.pth
python demo/inferencer_demo.py webcam --show
"""

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.config import DictAction

from deforhmr_mm.apis import DEFAULT_FORMATS, FORMATS, MeshInferencer
from deforhmr_mm.apis.command_line import (
    add_box_arguments,
    given_boxes,
    one_line,
    run_command,
)

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sample_truth import SAMPLES, joint_error, load_samples, pose_samples  # noqa: E402


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'inputs',
        nargs='*',
        help='pictures, videos, folders, globs, URLs, or webcam, webcam:1 (default: '
        'the sample pictures)',
    )
    add_people_arguments(parser.add_argument_group('where people are'))
    add_model_arguments(parser.add_argument_group('model and camera'))
    add_output_arguments(parser.add_argument_group('what comes out'))
    return parser.parse_args(argv)


def add_people_arguments(group) -> None:
    add_box_arguments(group)
    group.add_argument(
        '--bbox-format',
        choices=('xywh', 'xyxy'),
        default='xywh',
        help='what the numbers of --bbox are, and of plain rows in --bbox-file '
        '(default: xywh)',
    )
    group.add_argument(
        '--det-model',
        help='who finds people where no boxes are given: an mmdet config (its path, or '
        'mmdet::rtmdet/NAME.py for one that mmdet brings), opencv or whole_image '
        "(default: OpenCV's detector if it has one, else whole_image)",
    )
    group.add_argument('--det-weights', help='checkpoint of an mmdet detector')
    group.add_argument(
        '--bbox-thr',
        type=float,
        default=0.3,
        help='boxes with a lower score are left out (default: 0.3)',
    )
    group.add_argument(
        '--no-tracking',
        dest='tracking',
        action='store_false',
        help='of a video, take every frame by itself',
    )
    group.add_argument(
        '--no-smooth',
        dest='smooth',
        action='store_false',
        help="do not smooth people's movement through a video",
    )


def add_model_arguments(group) -> None:
    group.add_argument(
        '--model', default='openbody-tiny', help='short name of a model, or a config'
    )
    group.add_argument('--weights', help='checkpoint (default: that of the short name)')
    group.add_argument('--device', help='cpu, cuda:0, ... (default: what there is)')
    group.add_argument('--batch-size', type=int, default=16, help='people at a time')
    group.add_argument(
        '--focal-length',
        type=focal_length,
        default='auto',
        help='of the pictures in pixels; exif for what their cameras say, default for '
        'the length of the diagonal, auto for the first if there is one (default: '
        'auto)',
    )
    group.add_argument(
        '--principal-point',
        nargs=2,
        type=float,
        metavar=('X', 'Y'),
        help='of the pictures in pixels (default: their centre)',
    )
    group.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='settings that replace those of the config, as key=value',
    )


def add_output_arguments(group) -> None:
    group.add_argument('--out-dir', default='outputs/demo', help='where files go')
    group.add_argument(
        '--vis-out-dir', help='where pictures and pages go, if elsewhere'
    )
    group.add_argument(
        '--pred-out-dir', help='where parameters and meshes go, if elsewhere'
    )
    group.add_argument(
        '--formats',
        nargs='+',
        choices=FORMATS,
        metavar='FORMAT',
        help=f'what is written, of {" ".join(FORMATS)} (default: overlay json npz glb, '
        'and html for the sample pictures)',
    )
    group.add_argument(
        '--bvh-scale',
        type=float,
        default=1.0,
        help="units of BVH files a metre: 1 for Blender's metres, 100 for the "
        'centimetres of MotionBuilder and Maya (default: 1)',
    )
    group.add_argument(
        '--draw-joints', action='store_true', help='show the 2D joints, too'
    )
    group.add_argument(
        '--draw-bbox', action='store_true', help='show the boxes and ids, too'
    )
    group.add_argument('--show', action='store_true', help='show each picture')
    group.add_argument(
        '--wait-time',
        type=float,
        default=0,
        help='seconds that --show waits, 0 until the space bar is pressed; a camera '
        'does not wait for it (default: 0)',
    )


def focal_length(text: str) -> float | str:
    """Return a number of pixels, or the word for where it is from."""
    return text if text in ('auto', 'exif', 'default') else float(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit code, 1 if a picture or a setting failed."""
    args = parse_args(argv)
    return run_command(lambda: run(args))


def run(args: argparse.Namespace) -> int:
    """Go through the inputs; returns the exit code."""
    start = time.perf_counter()
    samples = None
    inputs, bboxes, bbox_format = args.inputs, given_boxes(args), args.bbox_format
    if not inputs:
        if args.bbox or args.bbox_file:
            raise ValueError('--bbox and --bbox-file need the picture that they are of')
        inputs = SAMPLES
        samples = load_samples(SAMPLES / 'annotations.npz')
        bboxes, bbox_format = samples.bboxes, 'xyxy'
        args.formats = args.formats or [*DEFAULT_FORMATS, 'html']
    elif len(inputs) == 1:
        (inputs,) = inputs
    inferencer = MeshInferencer(
        args.model,
        args.weights,
        args.device,
        det_model=args.det_model,
        det_weights=args.det_weights,
        cfg_options=args.cfg_options,
        show_progress=True,
    )
    body = inferencer.model.body_model
    true_joints = {} if samples is None else pose_samples(samples, body)
    if samples is not None and not true_joints:
        print(
            f"no MPJPE: the truth is of another body than the model's {body.body_name}"
        )
    results = inferencer(
        inputs,
        batch_size=args.batch_size,
        bboxes=bboxes,
        bbox_format=bbox_format,
        bbox_thr=args.bbox_thr,
        focal_length=args.focal_length,
        principal_point=args.principal_point,
        tracking=args.tracking,
        smooth=args.smooth,
        draw_joints=args.draw_joints,
        draw_bbox=args.draw_bbox,
        show=args.show,
        wait_time=args.wait_time,
        out_dir=args.out_dir,
        vis_out_dir=args.vis_out_dir,
        pred_out_dir=args.pred_out_dir,
        formats=args.formats,
        bvh_scale=args.bvh_scale,
        on_error='continue',
    )
    failed = Report(true_joints).show(results)
    print(f'{time.perf_counter() - start:.1f} s in all')
    return 1 if failed else 0


class Report:
    """The table that grows as pictures are done, then the files and what failed.

    Args:
        true_joints: (N, 24, 3) metres by file name, where they are known.
    """

    ROW = '{:<24} {:>6}  {:>24}  {:>9}  {:>7}'

    def __init__(self, true_joints: Mapping[str, np.ndarray]) -> None:
        self.true_joints = true_joints
        self.errors: list[str] = []
        self.files: list[str] = []
        self.scores: list[float] = []
        self.frames = 0
        self.ids: set[int] = set()
        self.video: str | None = None
        self.seconds = 0.0

    def show(self, results: Iterable[dict]) -> int:
        """Print the table, and return how many inputs failed."""
        self.row('picture', 'person', 'box (x y w h)', 'MPJPE mm', 'seconds')
        for result in results:
            if result['input'] != self.video:
                self.end_video()
            self.files += result['files']
            name = Path(result['input']).name
            if result['error'] is not None:
                self.row(name, '-', 'failed', '-', '-')
                self.errors.append(result['error'])
            elif result['frame'] is not None:
                self.add_frame(result)
            else:
                self.add_picture(name, result)
        self.end_video()
        if self.scores:
            mean = np.mean(self.scores)
            print(f'mean MPJPE of {len(self.scores)} people: {mean:.1f} mm')
        if self.files:
            print(f'\n{len(self.files)} files:')
        for file in self.files:
            print(f'  {file}')
        for error in self.errors:
            print(f'error: {one_line(error)}', file=sys.stderr)
        return len(self.errors)

    def row(self, *cells: object) -> None:
        print(self.ROW.format(*cells), flush=True)

    def add_picture(self, name: str, result: dict) -> None:
        """Print one row a person."""
        (people,) = result['predictions']
        if not people:
            self.row(name, 0, '-', '-', f'{result["seconds"]:.2f}')
        for index, person in enumerate(people):
            x0, y0, x1, y1 = person['bbox']
            score = '-'
            if name in self.true_joints:
                self.scores.append(joint_error(person, self.true_joints[name][index]))
                score = f'{self.scores[-1]:.1f}'
            box = f'{x0:.0f} {y0:.0f} {x1 - x0:.0f} {y1 - y0:.0f}'
            seconds = f'{result["seconds"] / len(people):.2f}'
            self.row(name, index, box, score, seconds)

    def add_frame(self, result: dict) -> None:
        """Count a frame of a video, whose row comes when it ends."""
        if self.video is None:
            self.video = result['input']
            self.frames, self.seconds, self.ids = 0, 0.0, set()
        self.frames += 1
        self.seconds += result['seconds']
        self.ids.update(person['person_id'] for person in result['predictions'][0])

    def end_video(self) -> None:
        """Print the row of a video: its people's ids, its frames."""
        if self.video is None:
            return
        ids = ' '.join(str(i) for i in sorted(self.ids)) or '-'
        name = Path(self.video).name
        frames = f'{self.frames} frames, ids {ids}'
        self.row(name, len(self.ids), frames, '-', f'{self.seconds:.2f}')
        self.video = None


if __name__ == '__main__':
    sys.exit(main())
