"""Make tables and curves of several trainings, each run with several seeds.

    python tools/analysis_tools/summarize_runs.py RUNS --out tables.md --curves c.png

RUNS has a folder NAME/seedN for each run: the work dir of its training, with
``metrics/SPLIT.json`` of each split, as ``tools/test.py --out`` writes it. Tables are
Markdown: of each split the mean over seeds and the sample standard deviation; with
--mean-body (a folder of SPLIT.json, as ``mean_body.py --out`` writes them) also how
large errors are beside the mean body's; and, where its four cells are there, the
paper's Table 2: queries x cross-attention. A run that lacks a split is named and left
out.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

from analyze_logs import plt, read_log  # noqa: E402

from deforhmr_mm.evaluation import MORE_IS_BETTER  # noqa: E402
from deforhmr_mm.whole_files import whole_file, write_text  # noqa: E402

METRICS = ('MPJPE', 'PA-MPJPE', 'PVE', 'PVE-area')
MEAN_BODY = 'mean body'
# Names of the runs in the cells of Table 2: cross-attention -> (single, multi).
CELLS = {
    'regular': ('single-query-regular', 'regular'),
    'deformable': ('single-query', 'deforhmr'),
}
CURVE_METRIC = 'PA-MPJPE'


class Run(NamedTuple):
    """A tested training."""

    name: str
    seed: int
    folder: Path
    scores: dict[str, dict[str, float]]  # split -> metric -> value


def parse_args(args: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('runs', type=Path, help='folder with NAME/seedN')
    parser.add_argument(
        '--splits', nargs='+', default=['test'], help='tables, in this order (test)'
    )
    parser.add_argument(
        '--metrics', nargs='+', default=list(METRICS), help='columns, in this order'
    )
    parser.add_argument(
        '--mean-body', type=Path, help="folder of the mean body's scores"
    )
    parser.add_argument('--out', type=Path, help='also write the tables to this file')
    parser.add_argument(
        '--curves', type=Path, help='picture of the validation curves to write'
    )
    parser.add_argument(
        '--curve-metric', default=CURVE_METRIC, help=f'of the curves ({CURVE_METRIC})'
    )
    return parser.parse_args(args)


def read_scores(path: Path, metrics: Sequence[str]) -> dict[str, float]:
    """A file of scores, of tools/test.py or of mean_body.py."""
    content = json.loads(path.read_text())
    if 'scores' in content:
        if len(content['scores']) != 1:
            sys.exit(
                f'error: {path}: expected the scores of one metric, got '
                f'{len(content["scores"])}'
            )
        (content,) = content['scores']
    missing = [metric for metric in metrics if metric not in content]
    if missing:
        sys.exit(
            f'error: {path}: expected {", ".join(missing)}, got {", ".join(content)}'
        )
    return {metric: content[metric] for metric in metrics}


def find_runs(
    folder: Path, splits: Sequence[str], metrics: Sequence[str]
) -> tuple[list[Run], list[str]]:
    """The runs of a folder by name and seed, and what is missing of others."""
    runs, unfinished = [], []
    for work_dir in folder.glob('*/seed*'):
        seed = work_dir.name.removeprefix('seed')
        if not seed.isdigit():
            continue
        files = {split: work_dir / 'metrics' / f'{split}.json' for split in splits}
        missing = [split for split, file in files.items() if not file.is_file()]
        if missing:
            unfinished.append(f'{work_dir}: not tested on {", ".join(missing)}')
            continue
        scores = {split: read_scores(file, metrics) for split, file in files.items()}
        runs.append(Run(work_dir.parent.name, int(seed), work_dir, scores))
    if not runs:
        sys.exit(
            f'error: {folder}: expected NAME/seedN/metrics/SPLIT.json of '
            f'{", ".join(splits)}, got no such run'
        )
    return sorted(runs), sorted(unfinished)


def grouped(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs by their name; the cells of Table 2 come first."""
    cells = [name for pair in CELLS.values() for name in pair]
    names = sorted(
        {run.name for run in runs},
        key=lambda name: (cells.index(name) if name in cells else len(cells), name),
    )
    return {name: [run for run in runs if run.name == name] for name in names}


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Mean ± sample standard deviation; of one value there is none.

    Example:
        >>> spread([1.0, 2.0, 3.0])
        '2.0 ± 1.0'
    """
    mean = f'{statistics.mean(values):.{digits}f}'
    if len(values) == 1:
        return mean
    return f'{mean} ± {statistics.stdev(values):.{digits}f}'


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines) + '\n'


def of(runs: Sequence[Run], split: str, metric: str) -> list[float]:
    return [run.scores[split][metric] for run in runs]


def score_table(
    groups: dict[str, list[Run]],
    split: str,
    metrics: Sequence[str],
    mean_body: dict[str, float] | None,
) -> str:
    """A row for each name, a column for each metric, and the mean body."""
    rows = [
        [name, str(len(runs)), *(spread(of(runs, split, metric)) for metric in metrics)]
        for name, runs in groups.items()
    ]
    if mean_body:
        rows.insert(0, [MEAN_BODY, '', *(f'{mean_body[m]:.1f}' for m in metrics)])
    return markdown(['', 'seeds', *metrics], rows)


def ratio_table(
    groups: dict[str, list[Run]],
    mean_bodies: dict[str, dict[str, float]],
    metric: str,
) -> str:
    """Errors beside the mean body's: a row for each name, a column for each split."""
    rows = [
        [
            name,
            *(
                spread([v / mean[metric] for v in of(runs, split, metric)], digits=3)
                for split, mean in mean_bodies.items()
            ),
        ]
        for name, runs in groups.items()
    ]
    return markdown(['', *mean_bodies], rows)


def gains(before: Sequence[Run], after: Sequence[Run], split: str, metric: str) -> str:
    """How much better the metric is, over the seeds that both have."""
    pairs = _differences(before, after, split, metric)
    return spread(list(pairs.values())) if pairs else 'no common seed'


def _differences(
    before: Sequence[Run], after: Sequence[Run], split: str, metric: str
) -> dict[int, float]:
    """How much better the metric is, by seed: lower, or of `MORE_IS_BETTER` higher."""
    left, right = (
        {r.seed: r.scores[split][metric] for r in x} for x in (before, after)
    )
    sign = -1 if metric in MORE_IS_BETTER else 1
    return {seed: sign * (left[seed] - right[seed]) for seed in left if seed in right}


def grid_table(groups: dict[str, list[Run]], split: str, metric: str) -> str:
    """Queries x cross-attention with what each idea gains, alone and with the other.

    A gain is the mean, and its ± the deviation, of the differences of equal seeds; the
    synergy, in the corner, is that of the two gains of multiple queries.
    """
    rows = []
    for attention, (single, multi) in CELLS.items():
        one, many = groups[single], groups[multi]
        rows.append(
            [
                attention,
                spread(of(one, split, metric)),
                spread(of(many, split, metric)),
                gains(one, many, split, metric),
            ]
        )
    columns = zip(*CELLS.values(), strict=True)
    below = [
        gains(groups[regular], groups[deformable], split, metric)
        for regular, deformable in columns
    ]
    rows.append(['gain of deformable', *below, synergy(groups, split, metric)])
    head = [metric, 'single query', 'multi query', 'gain of multi']
    return markdown(head, rows)


def synergy(groups: dict[str, list[Run]], split: str, metric: str) -> str:
    """How much more multiple queries gain with deformable than with regular."""
    regular, deformable = (
        _differences(*(groups[name] for name in names), split, metric)
        for names in CELLS.values()
    )
    more = [deformable[seed] - regular[seed] for seed in deformable if seed in regular]
    return f'synergy {spread(more)}' if more else ''


def read_curve(run: Run, metric: str) -> dict[int, float]:
    """A metric's values on the validation split, by epoch."""
    _, val = read_log(run.folder)
    curve = {step: row[metric] for step, row in sorted(val.items()) if metric in row}
    if not curve:
        sys.exit(f'error: {run.folder}: no validation has {metric}')
    return curve


def draw_curves(groups: dict[str, list[Run]], metric: str, out: Path) -> None:
    """Validation over the epochs: a colour for each name, its mean over the seeds."""
    figure, panel = plt.subplots(figsize=(8, 5), layout='constrained')
    means = {}
    for index, (name, runs) in enumerate(groups.items()):
        curves = [read_curve(run, metric) for run in runs]
        for curve in curves:
            panel.plot(
                *zip(*curve.items(), strict=True), f'C{index}', lw=0.7, alpha=0.4
            )
        steps = sorted(set.intersection(*map(set, curves)))
        if not steps:
            sys.exit(f'error: {name}: its seeds have no validated epoch in common')
        values = [statistics.fmean(curve[step] for curve in curves) for step in steps]
        means[name], *_ = panel.plot(steps, values, f'C{index}', lw=1.8)
    # What a single seed does at first must not press the rest together.
    drawn = [line.get_ydata() for line in means.values()]
    low, high = min(map(min, drawn)), max(map(max, drawn))
    margin = 0.05 * (high - low) or 1.0
    panel.set_ylim(low - margin, high + margin)
    panel.set_xlabel('epoch')
    panel.xaxis.get_major_locator().set_params(integer=True)
    unit = 'percent' if metric in MORE_IS_BETTER else 'mm'
    panel.set_title(f'{metric} on the validation split, {unit}; thin: each seed')
    panel.grid(alpha=0.3)
    for side in ('top', 'right'):
        panel.spines[side].set_visible(False)
    # From top to bottom as the curves end.
    names = sorted(means, key=lambda name: means[name].get_ydata()[-1], reverse=True)
    figure.legend(
        [means[name] for name in names], names, loc='outside right upper', frameon=False
    )
    with whole_file(out) as part:
        figure.savefig(part, format=out.suffix[1:] or 'png', dpi=150)
    plt.close(figure)


def report(args: argparse.Namespace, groups: dict[str, list[Run]]) -> str:
    """All tables."""
    means = {}
    if args.mean_body:
        means = {
            split: read_scores(args.mean_body / f'{split}.json', args.metrics)
            for split in args.splits
        }
    parts = []
    for split in args.splits:
        table = score_table(groups, split, args.metrics, means.get(split))
        parts.append(f'### {split}\n\n{table}')
    if means:
        for metric in args.metrics:
            table = ratio_table(groups, means, metric)
            parts.append(f'### {metric} over that of the mean body\n\n{table}')
    if all(name in groups for pair in CELLS.values() for name in pair):
        for metric in args.metrics:
            table = grid_table(groups, args.splits[0], metric)
            parts.append(
                f'### Queries x cross-attention, {args.splits[0]}, {metric}\n\n{table}'
            )
    return '\n'.join(parts)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    runs, unfinished = find_runs(args.runs, args.splits, args.metrics)
    for line in unfinished:
        print(f'left out: {line}', file=sys.stderr)
    groups = grouped(runs)
    try:
        text = report(args, groups)
    except FileNotFoundError as error:
        sys.exit(f'error: {error}')
    print(text, end='')
    if args.out:
        write_text(args.out, text)
    if args.curves:
        draw_curves(groups, args.curve_metric, args.curves)


if __name__ == '__main__':
    main()
