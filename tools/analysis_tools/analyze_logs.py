"""Draw curves of trainings, or tell how fast they were.

    python tools/analysis_tools/analyze_logs.py plot_curve work_dirs/CONFIG --out x.png
    python tools/analysis_tools/analyze_logs.py cal_train_time work_dirs/CONFIG

A log is a work dir or one of its ``vis_data/scalars.json``. A training that was resumed
has several in its work dir, which are read as one: where a run sets in, it takes the
place of what earlier ones logged from there on. A run that began anew in the same work
dir takes the place of all of them, which is told.
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


def tell(text):
    """Say something beside what is asked for, which others may read from stdout."""
    print(text, file=sys.stderr)


def read_rows(file):
    """Rows of training by iteration, of validation by step, and where those stand.

    Where a validation stands is the last iteration that was logged before it.
    """
    train, val, places = {}, {}, {}
    last, repeated = 0, set()
    for number, line in enumerate(file.read_text().splitlines(), 1):
        try:
            row = json.loads(line)
        except ValueError:
            # A killed training can leave half of a line at the end.
            tell(f'{file}: line {number} is not whole and left out')
            continue
        if 'step' not in row:
            continue
        step = row['step']
        if 'iter' in row:
            train[step], last = row, step
            continue
        if step in val:
            repeated.add(step)
        val[step], places[step] = row, last
    if repeated:
        steps = ', '.join(map(str, sorted(repeated)))
        tell(
            f'{file}: there are several validations of step {steps}, of which only the '
            'last is taken. A training that counts iterations, not epochs, needs '
            'default_hooks.logger.log_metric_by_epoch=False, without which mmengine '
            'logs all its validations as one step'
        )
    return train, val, places


def began_anew(train, earlier):
    """Whether a run's first logged iteration is one that only a new training logs.

    Args:
        train: The run's rows of training by iteration.
        earlier: Those of the runs before it.
    """
    first, *others = sorted(train)
    # What is resumed has left at least one interval of logging behind.
    return first <= min(earlier) or bool(others and first <= others[0] - first)


def read_log(log):
    """Rows of training by iteration, and of validation by epoch or iteration."""
    train, val, places = {}, {}, {}
    for file in log_files(log):
        new_train, new_val, new_places = read_rows(file)
        if new_train and train:
            start = min(new_train)
            if began_anew(new_train, train):
                tell(
                    f'{file}: this run began anew; what earlier ones logged is left out'
                )
                train, val, places = {}, {}, {}
            # Of what was resumed, the earlier run's end was given up.
            train = {step: row for step, row in train.items() if step < start}
            val = {step: row for step, row in val.items() if places[step] < start}
        train.update(new_train)
        val.update(new_val)
        places.update(new_places)
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
