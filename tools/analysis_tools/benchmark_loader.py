"""Time our way from a picture file to a crop against the plain one.

    python tools/analysis_tools/benchmark_loader.py --heights 600 300

Plain is what HMR code bases do: `cv2.imread` of the whole picture, then one bilinear
`cv2.warpAffine`, which lets fine patterns alias. Ours is ``LoadImage(defer=True)`` and
`TopdownAffine`: the file is checked, only the rows down to the crop's end are decoded,
at 1/2, 1/4 or 1/8 of the size where the crop allows it, and the warp is anti-aliased.

Both read the same files in turn, in one process and one thread as a worker of the data
loader does, and the ratio of their times is what counts: machines differ. Times are
those of the processor, which other processes change little; the files are in memory
from the first round on. For each picture the median over the repeats is taken, and
these are averaged.

Without ``--img-dir``, JPEG files of 1920 x 1080 pixels are made in a temporary folder:
noise of all sizes with polygons on it, which compresses about as photos do. Boxes lie
at random places within the pictures.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from deforhmr_mm.datasets.transforms import LoadImage, TopdownAffine
from deforhmr_mm.geometry.boxes import CROP_ASPECT, crop_affine

SIZE = (1920, 1080)
CROP = (192, 256)
LOAD, TOPDOWN = LoadImage(defer=True), TopdownAffine(CROP)


def parse_args():
    parser = argparse.ArgumentParser(
        description='Time our way from a picture file to a crop against the plain one.'
    )
    parser.add_argument(
        '--heights', type=int, nargs='+', default=[600, 300], help='of boxes, pixels'
    )
    parser.add_argument('--img-dir', help='folder of JPEG files to read instead')
    parser.add_argument('--pictures', type=int, default=8, help='number of pictures')
    parser.add_argument('--repeats', type=int, default=11)
    parser.add_argument('--quality', type=int, default=92, help='of the JPEG files')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


def make_picture(rng):
    """Noise of all sizes, (1080, 1920, 3) uint8, with some sharp edges."""
    width, height = SIZE
    picture = np.zeros((height, width, 3), dtype=np.float32)
    for octave in range(1, 9):
        shape = (max(height >> octave, 2), max(width >> octave, 2), 3)
        noise = rng.normal(0, 2**octave, shape).astype(np.float32)
        picture += cv2.resize(noise, SIZE, interpolation=cv2.INTER_CUBIC)
    picture = 128 + 50 * (picture - picture.mean()) / picture.std()
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    for _ in range(40):
        corners = rng.uniform((0, 0), SIZE) + rng.normal(0, 120, (5, 2))
        colour = rng.integers(0, 256, 3).tolist()
        cv2.fillPoly(picture, [corners.astype(np.int32)], colour)
    return picture


def make_files(folder, count, quality, rng):
    paths = [str(Path(folder) / f'{number}.jpg') for number in range(count)]
    for path in paths:
        cv2.imwrite(path, make_picture(rng), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return paths


def find_files(folder, count):
    paths = sorted(
        str(path)
        for path in Path(folder).iterdir()
        if path.suffix.lower() in ('.jpg', '.jpeg')
    )
    if not paths:
        raise SystemExit(f'{folder} has no JPEG files.')
    return paths[:count]


def place_box(path, box_height, rng):
    """Centre and size of a box in a picture; in its middle if it is larger."""
    height, width = cv2.imread(path).shape[:2]
    scale = box_height * np.array([CROP_ASPECT, 1])
    room = np.maximum(np.array([width, height]) - scale, 0) / 2
    center = (np.array([width, height]) - 1) / 2 + room * rng.uniform(-1, 1, 2)
    return center, scale


def plain(path, center, scale):
    affine = crop_affine(center, scale, CROP)
    return cv2.warpAffine(cv2.imread(path), affine, CROP, flags=cv2.INTER_LINEAR)


def ours(path, center, scale):
    sample = {'img_path': path, 'bbox_center': center, 'bbox_scale': scale}
    return TOPDOWN(LOAD(sample))['img']


def measure(people, repeats):
    """Mean over people (path, centre, size) of the median seconds, plain and ours."""
    times = {way: [[] for _ in people] for way in (plain, ours)}
    for repeat in range(repeats + 1):
        for number, person in enumerate(people):
            # Each way is the first of the two equally often.
            ways = (plain, ours) if (repeat + number) % 2 else (ours, plain)
            for way in ways:
                begin = time.process_time()
                way(*person)
                taken = time.process_time() - begin
                if repeat:  # the first round warms up
                    times[way][number].append(taken)
    return [
        statistics.mean(statistics.median(measured) for measured in times[way])
        for way in (plain, ours)
    ]


def main():
    args = parse_args()
    rng = np.random.default_rng(args.seed)
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as folder:
        if args.img_dir:
            paths = find_files(args.img_dir, args.pictures)
        else:
            paths = make_files(folder, args.pictures, args.quality, rng)
        size = statistics.mean(Path(path).stat().st_size for path in paths)
        print(
            f'{len(paths)} pictures of {size / 1000:.0f} kB on average, medians of '
            f'{args.repeats} runs, OpenCV {cv2.__version__}'
        )
        for height in args.heights:
            people = [(path, *place_box(path, height, rng)) for path in paths]
            slow, fast = measure(people, args.repeats)
            print(
                f'boxes {height:4d} px high: plain {1000 * slow:6.2f} ms, ours '
                f'{1000 * fast:6.2f} ms, ratio {slow / fast:.2f}'
            )


if __name__ == '__main__':
    main()
