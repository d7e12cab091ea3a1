"""Draw curves of trainings, or tell how fast they were.

    python tools/analysis_tools/analyze_logs.py plot_curve work_dirs/CONFIG --out x.png
    python tools/analysis_tools/analyze_logs.py cal_train_time work_dirs/CONFIG

A log is a work dir or one of its ``vis_data/scalars.json``. A training that was resumed
has several in its work dir, which are read as one: of a step that was run twice, the
later counts.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot as plt  # noqa: E402

from deforhmr_mm.whole_files import whole_file  # noqa: E402


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest='command', required=True)
    plot = commands.add_parser('plot_curve', help='draw values over the training')
    plot.add_argument('logs', nargs='+', help='work dirs or scalars.json files')
    plot.add_argument(
        '--keys',
        nargs='+',
        default=['PA-MPJPE', 'MPJPE'],
        help='what to draw, a panel each: metrics, losses, lr',
    )
    plot.add_argument('--legend', nargs='+', help="names of the logs; their folders'")
    plot.add_argument('--title', help='above all panels')
    plot.add_argument('--out', default='curve.png', help='picture to write')
    speed = commands.add_parser('cal_train_time', help='time of an iteration')
    speed.add_argument('logs', nargs='+', help='work dirs or scalars.json files')
    args = parser.parse_args()
    if args.command == 'plot_curve' and args.legend:
        if len(args.legend) != len(args.logs):
            parser.error(
                f'--legend needs a name for each of the {len(args.logs)} logs, got '
                f'{len(args.legend)}'
            )
    return args


def log_files(log):
    """The scalars.json files of a work dir in the order of their runs, or the file."""
    path = Path(log)
    files = [path] if path.is_file() else sorted(path.glob('*/vis_data/scalars.json'))
    if not files:
        sys.exit(f'error: {log} is neither a scalars.json nor a work dir that has one')
    return files


def read_log(log):
    """Rows of training by iteration, and of validation by epoch or iteration."""
    train, val = {}, {}
    for file in log_files(log):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            try:
                row = json.loads(line)
            except ValueError:
                # A killed training can leave half of a line at the end.
                print(f'{file}: line {number} is not whole and left out')
                continue
            if 'step' in row:
                (train if 'iter' in row else val)[row['step']] = row
    if not train and not val:
        sys.exit(f'error: {log} has no values yet')
    return train, val


def values_of(log, key):
    """Steps and values of a key, and whether it was measured by validation."""
    train, val = read_log(log)
    for rows, is_val in ((val, True), (train, False)):
        points = [(step, row[key]) for step, row in sorted(rows.items()) if key in row]
        if points:
            return *zip(*points, strict=True), is_val
    known = {name for rows in (train, val) for row in rows.values() for name in row}
    sys.exit(f'error: {log} has no {key!r}; it has {", ".join(sorted(known))}')


def plot_curve(args):
    names = args.legend or [Path(log).resolve().name for log in args.logs]
    width = 5 * len(args.keys)
    figure, panels = plt.subplots(
        1, len(args.keys), figsize=(width, 3.6), squeeze=False, layout='constrained'
    )
    for panel, key in zip(panels[0], args.keys, strict=True):
        for log, name in zip(args.logs, names, strict=True):
            steps, values, is_val = values_of(log, key)
            panel.plot(steps, values, marker='o' if is_val else None, ms=4, label=name)
            panel.set_xlabel(
                'epoch or iteration of validation' if is_val else 'iteration'
            )
        panel.set_title(key)
        panel.grid(alpha=0.3)
        for side in ('top', 'right'):
            panel.spines[side].set_visible(False)
        if len(names) > 1:
            panel.legend(frameon=False)
    if args.title:
        figure.suptitle(args.title)
    out = Path(args.out)
    with whole_file(out) as part:
        figure.savefig(part, format=out.suffix[1:] or 'png', dpi=150)
    print(f'{out}: {", ".join(args.keys)} of {", ".join(names)}')


def cal_train_time(args):
    for log in args.logs:
        train, _ = read_log(log)
        times = [row['time'] for row in train.values() if 'time' in row]
        waits = [row['data_time'] for row in train.values() if 'data_time' in row]
        if not times:
            sys.exit(f'error: {log} has no times of training')
        print(
            f'{log}: {statistics.median(times):.4f} s an iteration (median of '
            f'{len(times)} logged), of which data {statistics.median(waits):.4f} s; '
            f'fastest {min(times):.4f} s, slowest {max(times):.4f} s'
        )


def main():
    args = parse_args()
    dict(plot_curve=plot_curve, cal_train_time=cal_train_time)[args.command](args)


if __name__ == '__main__':
    main()
