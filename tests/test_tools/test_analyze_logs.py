"""Curves and times from the logs of trainings."""

import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'analyze_logs.py'


@pytest.fixture
def work_dir(tmp_path):
    """A training of four iterations that was killed after three and resumed."""

    def write(run, lines):
        folder = tmp_path / 'job' / run / 'vis_data'
        folder.mkdir(parents=True)
        (folder / 'scalars.json').write_text('\n'.join(lines))

    def train(step, loss, time):
        row = dict(loss=loss, time=time, data_time=0.01, epoch=1, iter=step, step=step)
        return json.dumps(row)

    write(
        '20260101_000000',
        [train(1, 8.0, 0.5), train(2, 6.0, 0.3), train(3, 99.0, 0.3), '{"loss": 1'],
    )
    write(
        '20260102_000000',
        [
            train(3, 4.0, 0.1),
            train(4, 2.0, 0.7),
            json.dumps({'MPJPE': 70.0, 'PA-MPJPE': 50.0, 'step': 2}),
        ],
    )
    return tmp_path / 'job'


@pytest.fixture
def tool(monkeypatch, capsys):
    def call(*args):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
        module = runpy.run_path(str(TOOL))
        module['main']()
        captured = capsys.readouterr()
        return captured.out + captured.err

    return call


def test_a_resumed_training_is_one(work_dir):
    module = runpy.run_path(str(TOOL))
    assert module['values_of'](work_dir, 'loss') == ((1, 2, 3, 4), (8, 6, 4, 2), False)
    assert module['values_of'](work_dir, 'MPJPE') == ((2,), (70,), True)
    first = work_dir / '20260101_000000' / 'vis_data' / 'scalars.json'
    assert module['values_of'](first, 'loss')[1] == (8, 6, 99)


def write_runs(folder, *runs):
    """Runs of lines: a loss at an iteration, or the MPJPE of a step of validation."""
    for day, lines in enumerate(runs, 1):
        rows = [
            {key: value, 'step': step} | ({'iter': step} if key == 'loss' else {})
            for key, step, value in lines
        ]
        path = folder / f'2026010{day}_000000' / 'vis_data' / 'scalars.json'
        path.parent.mkdir(parents=True)
        path.write_text('\n'.join(map(json.dumps, rows)))
    return folder


def training(tag, first, last, interval=10, epoch=20):
    """A run logged each `interval` and validated at the end of each `epoch`."""
    lines = []
    for step in range(first, last + 1):
        if step % interval == 0:
            lines.append(('loss', step, tag + step))
        if step % epoch == 0:
            lines.append(('MPJPE', step // epoch, tag + step // epoch))
    return lines


def curves(folder):
    train, val = runpy.run_path(str(TOOL))['read_log'](folder)
    return (
        {step: row['loss'] for step, row in train.items()},
        {step: row['MPJPE'] for step, row in val.items()},
    )


@pytest.mark.parametrize('interval', [5, 10, 20])
def test_a_run_that_began_anew_is_not_continued_by_the_former(
    tmp_path, capsys, interval
):
    """Also where it logs more seldom, or more often, than the former did."""
    new = training(2000, 1, 40, interval)
    write_runs(tmp_path, training(1000, 1, 100), new)
    assert curves(tmp_path) == (
        {step: 2000 + step for step in range(interval, 41, interval)},
        {1: 2001, 2: 2002},
    )
    (line,) = capsys.readouterr().err.splitlines()
    assert '20260102_000000' in line and 'this run began anew' in line


def test_one_logged_iteration_says_that_a_run_began_anew(tmp_path):
    write_runs(tmp_path, training(1000, 1, 100), training(2000, 1, 10))
    assert curves(tmp_path) == ({10: 2010}, {})


def test_a_run_that_has_logged_nothing_takes_no_place(tmp_path):
    write_runs(tmp_path, training(1000, 1, 40), [])
    assert curves(tmp_path)[1] == {1: 1001, 2: 1002}


def test_what_was_resumed_ends_where_the_later_run_sets_in(tmp_path, capsys):
    """Resumed after epoch 2, and not yet as far as the run that it resumed."""
    write_runs(tmp_path, training(1000, 1, 100), training(2000, 41, 70))
    assert curves(tmp_path) == (
        {
            **{step: 1000 + step for step in (10, 20, 30, 40)},
            **{step: 2000 + step for step in (50, 60, 70)},
        },
        {1: 1001, 2: 1002, 3: 2003},
    )
    assert not capsys.readouterr().err


def test_several_validations_of_one_step_are_told(tmp_path, capsys):
    """As mmengine logs those of a training that counts iterations."""
    lines = [('loss', 10, 1), ('MPJPE', 0, 9), ('loss', 20, 1), ('MPJPE', 0, 8)]
    write_runs(tmp_path, lines)
    assert curves(tmp_path) == ({10: 1, 20: 1}, {0: 8})
    (line,) = capsys.readouterr().err.splitlines()
    assert 'several validations of step 0' in line
    assert 'default_hooks.logger.log_metric_by_epoch=False' in line


def test_the_curve_falls_from_left_to_right(tool, work_dir, tmp_path):
    out = tmp_path / 'new' / 'curve.png'
    said = tool('plot_curve', work_dir, '--keys', 'loss', 'PA-MPJPE', '--out', out)
    assert 'line 4 is not whole' in said and 'loss, PA-MPJPE of job' in said
    picture = cv2.imread(str(out))
    assert picture.shape[1] > 1.5 * picture.shape[0]
    # matplotlib's first colour, in the panel of the loss.
    blue = np.abs(picture.astype(int) - (180, 119, 31)).sum(-1) < 30
    rows, columns = np.nonzero(blue[:, : picture.shape[1] // 2])
    assert np.corrcoef(rows, columns)[0, 1] > 0.95
    assert [path.name for path in out.parent.iterdir()] == ['curve.png']


def test_times_are_medians(tool, work_dir):
    said = tool('cal_train_time', work_dir)
    assert '0.4000 s an iteration (median of 4 logged), of which data 0.0100 s' in said
    assert 'fastest 0.1000 s, slowest 0.7000 s' in said


def test_what_is_missing_is_named(tool, work_dir, tmp_path):
    with pytest.raises(SystemExit, match="has no 'PVE'; it has .*MPJPE"):
        tool('plot_curve', work_dir, '--keys', 'PVE', '--out', tmp_path / 'x.png')
    with pytest.raises(SystemExit, match='nowhere is neither'):
        tool('cal_train_time', tmp_path / 'nowhere')
    with pytest.raises(SystemExit):
        tool('plot_curve', work_dir, '--legend', 'a', 'b')
    assert not (tmp_path / 'x.png').exists()
