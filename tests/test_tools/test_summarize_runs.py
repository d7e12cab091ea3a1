"""Tables and curves of runs that were written by hand."""

import json
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'summarize_runs.py'
# PVE on test of seeds 0, 1, 2.
PVE = {
    'deforhmr': (80.0, 82.0, 84.0),
    'single-query': (95.0, 96.0, 97.0),
    'regular': (100.0, 101.0, 102.0),
    'single-query-regular': (104.0, 106.0, 108.0),
}


@pytest.fixture(scope='module')
def tool():
    return runpy.run_path(str(TOOL))


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def write_curve(work_dir, values):
    rows = [{'PVE': value, 'step': epoch} for epoch, value in enumerate(values, 1)]
    path = work_dir / '20260101_000000' / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(map(json.dumps, rows)))


@pytest.fixture
def runs(tmp_path):
    """Twelve runs tested on two splits, and the mean body's scores there."""
    for name, values in PVE.items():
        for seed, value in enumerate(values):
            folder = tmp_path / 'stage2' / name / f'seed{seed}' / 'metrics'
            write_json(folder / 'test.json', {'PVE': value, 'MPJPE': 70.0})
            write_json(folder / 'test_rare.json', {'PVE': 2 * value, 'MPJPE': 90.0})
    for split, value in (('test', 200.0), ('test_rare', 500.0)):
        scores = [{'protocol': 'p', 'PVE': value, 'MPJPE': 150.0}]
        path = tmp_path / 'mean_body' / f'{split}.json'
        write_json(path, {'split': 'test', 'scores': scores})
    return tmp_path / 'stage2'


def test_all_tables(tool, runs, capsys):
    out = runs.parent / 'new' / 'tables.md'
    tool['main'](
        [str(runs), '--mean-body', str(runs.parent / 'mean_body')]
        + ['--splits', 'test', 'test_rare', '--metrics', 'PVE', '--out', str(out)]
    )
    expected = """\
### test

|  | seeds | PVE |
| --- | --- | --- |
| mean body |  | 200.0 |
| single-query-regular | 3 | 106.0 ± 2.0 |
| regular | 3 | 101.0 ± 1.0 |
| single-query | 3 | 96.0 ± 1.0 |
| deforhmr | 3 | 82.0 ± 2.0 |

### test_rare

|  | seeds | PVE |
| --- | --- | --- |
| mean body |  | 500.0 |
| single-query-regular | 3 | 212.0 ± 4.0 |
| regular | 3 | 202.0 ± 2.0 |
| single-query | 3 | 192.0 ± 2.0 |
| deforhmr | 3 | 164.0 ± 4.0 |

### PVE over that of the mean body

|  | test | test_rare |
| --- | --- | --- |
| single-query-regular | 0.530 ± 0.010 | 0.424 ± 0.008 |
| regular | 0.505 ± 0.005 | 0.404 ± 0.004 |
| single-query | 0.480 ± 0.005 | 0.384 ± 0.004 |
| deforhmr | 0.410 ± 0.010 | 0.328 ± 0.008 |

### Queries x cross-attention, test, PVE

| PVE | single query | multi query | gain of multi |
| --- | --- | --- | --- |
| regular | 106.0 ± 2.0 | 101.0 ± 1.0 | 5.0 ± 1.0 |
| deformable | 96.0 ± 1.0 | 82.0 ± 2.0 | 14.0 ± 1.0 |
| gain of deformable | 10.0 ± 1.0 | 19.0 ± 1.0 | synergy 9.0 ± 2.0 |
"""
    assert capsys.readouterr().out == expected
    assert out.read_text() == expected
    assert [path.name for path in out.parent.iterdir()] == ['tables.md']


def test_one_seed_has_no_deviation_and_no_grid_without_its_cells(
    tool, tmp_path, capsys
):
    write_json(tmp_path / 'hmr2/seed4/metrics/test.json', {'PVE': 93.26, 'AUC': 4.0})
    tool['main']([str(tmp_path), '--metrics', 'PVE', 'AUC'])
    assert capsys.readouterr().out.splitlines() == [
        '### test',
        '',
        '|  | seeds | PVE | AUC |',
        '| --- | --- | --- | --- |',
        '| hmr2 | 1 | 93.3 | 4.0 |',
    ]


def test_gains_are_of_the_seeds_that_both_have(tool, runs, capsys):
    (runs / 'regular/seed0/metrics/test.json').unlink()
    tool['main']([str(runs), '--metrics', 'PVE'])
    captured = capsys.readouterr()
    assert '| regular | 2 | 101.5 ± 0.7 |' in captured.out
    # Seeds 1 and 2: 106 - 101 and 108 - 102.
    assert '| 106.0 ± 2.0 | 101.5 ± 0.7 | 5.5 ± 0.7 |' in captured.out
    assert captured.err == (f'left out: {runs / "regular/seed0"}: not tested on test\n')


@pytest.mark.parametrize('metric', ['PCK@150', 'AUC'])
def test_more_is_a_gain_where_more_is_better(tool, runs, capsys, metric):
    for path in runs.glob('*/seed*/metrics/test.json'):
        scores = json.loads(path.read_text())
        write_json(path, {metric: 200 - scores['PVE']})
    tool['main']([str(runs), '--metrics', metric])
    *_, regular, deformable, gains = capsys.readouterr().out.splitlines()
    assert regular == '| regular | 94.0 ± 2.0 | 99.0 ± 1.0 | 5.0 ± 1.0 |'
    assert deformable == '| deformable | 104.0 ± 1.0 | 118.0 ± 2.0 | 14.0 ± 1.0 |'
    assert gains == (
        '| gain of deformable | 10.0 ± 1.0 | 19.0 ± 1.0 | synergy 9.0 ± 2.0 |'
    )


def test_a_run_that_began_anew_has_no_epochs_of_the_former(tool, tmp_path, capsys):
    folder = tmp_path / 'hmr2' / 'seed0'
    write_json(folder / 'metrics' / 'test.json', {'PVE': 1.0})
    for day, epochs in (('20260101', 4), ('20260102', 2)):
        rows = []
        for epoch in range(1, epochs + 1):
            rows.append({'loss': 1.0, 'iter': 5 * epoch, 'step': 5 * epoch})
            rows.append({'PVE': 100.0 * epochs + epoch, 'step': epoch})
        path = folder / f'{day}_000000' / 'vis_data' / 'scalars.json'
        path.parent.mkdir(parents=True)
        path.write_text('\n'.join(map(json.dumps, rows)))
    (run,), _ = tool['find_runs'](tmp_path, ['test'], ['PVE'])
    assert tool['read_curve'](run, 'PVE') == {1: 201.0, 2: 202.0}
    captured = capsys.readouterr()
    assert not captured.out
    assert '20260102_000000' in captured.err and 'began anew' in captured.err


def test_the_curves_fall_in_two_colours(tool, tmp_path):
    # In matplotlib's first two colours, in the order of the names.
    for name, start in (('hmr2', 120), ('other', 90)):
        for seed in range(2):
            folder = tmp_path / name / f'seed{seed}'
            write_json(folder / 'metrics' / 'test.json', {'PVE': 1.0})
            write_curve(folder, [start + seed, start - 20 + seed])
    out = tmp_path / 'curves' / 'pve.png'
    tool['main'](
        [str(tmp_path), '--metrics', 'PVE', '--curves', str(out)]
        + ['--curve-metric', 'PVE']
    )
    picture = cv2.imread(str(out)).astype(int)
    # Without the legend, in the upper right corner.
    height, width = picture.shape[:2]
    picture[: height // 3, 2 * width // 3 :] = 255
    heights = []
    for bgr in ((180, 119, 31), (14, 127, 255)):
        rows, columns = np.nonzero(np.abs(picture - bgr).sum(-1) < 60)
        assert len(rows) > 300 and np.corrcoef(rows, columns)[0, 1] > 0.9
        heights.append(rows.mean())
    assert heights[1] > heights[0] + height / 5
    assert [path.name for path in out.parent.iterdir()] == ['pve.png']


def test_what_is_missing_is_named(tool, runs, tmp_path):
    main = tool['main']
    with pytest.raises(SystemExit, match='nowhere: expected NAME/seedN/metrics'):
        main([str(tmp_path / 'nowhere')])
    with pytest.raises(SystemExit, match='expected PA-PVE, got PVE, MPJPE'):
        main([str(runs), '--metrics', 'PVE', 'PA-PVE'])
    with pytest.raises(SystemExit, match=r'nowhere.test\.json'):
        nowhere = str(tmp_path / 'nowhere')
        main([str(runs), '--metrics', 'PVE', '--mean-body', nowhere])
    write_curve(runs / 'regular' / 'seed0', [3.0])
    with pytest.raises(SystemExit, match='no validation has PA-MPJPE'):
        only = {run.name: [run] for run in tool['find_runs'](runs, ['test'], ['PVE'])[0]
                if run.name == 'regular' and run.seed == 0}  # fmt: skip
        tool['draw_curves'](only, 'PA-MPJPE', tmp_path / 'x.png')
    assert not (tmp_path / 'x.png').exists()
