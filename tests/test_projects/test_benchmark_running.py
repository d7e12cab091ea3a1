"""Steps run once, side by side, go on after a stop, and say what went wrong."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import run_benchmark
from benchmark import running, times
from benchmark.places import Places
from benchmark.running import Busy, Runner, StepFailed, last_words, sole_run
from benchmark.step import Group, Step
from benchmark.times import Times, as_clock, covered

MACHINE = {'cpu': 'abacus', 'cores': 2}


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.setattr(running, 'POLL', 0.01)
    return Places(tmp_path / 'd', tmp_path / 'f', tmp_path / 'w', 'n')


def step(folder, name, code=None):
    """A step whose command writes its product, or runs other code."""
    product = folder / name.replace('/', '-')
    code = code or f'open({str(product)!r}, "w").write("x"); print("made")'
    return Step(name, (sys.executable, '-c', code), product, product.is_file)


def run(places, *groups):
    lines = []
    with sole_run(places.work) as lock:
        try:
            Runner(places, MACHINE, lock, say=lines.append).run(groups)
        finally:
            noted = json.loads(places.times.read_text()) if lines else {}
    return lines, noted


def group(*steps, jobs=2):
    return Group('p', steps, jobs=jobs, threads=3)


def test_what_is_done_is_not_run_again(places, tmp_path):
    (tmp_path / 'p-a').write_text('before')
    steps = step(tmp_path, 'p/a'), step(tmp_path, 'p/b')
    lines, noted = run(places, group(*steps))
    assert lines == [
        '[1/2] 0:00:00 p/a: was done',
        f'[2/2] {lines[1].split()[1]} p/b: done in {lines[1].split()[-1]}',
    ]
    assert (tmp_path / 'p-a').read_text() == 'before'
    assert (tmp_path / 'p-b').read_text() == 'x'
    assert places.log('p/b').read_text() == 'made\n'
    (attempt,) = noted['attempts']
    assert noted['machines'] == [MACHINE]
    assert attempt['step'] == 'p/b' and attempt['ok'] is True
    assert (attempt['jobs'], attempt['threads'], attempt['machine']) == (2, 3, 0)
    assert 0 < attempt['end'] - attempt['start'] < 60


def test_children_know_their_threads_and_this_code(places, tmp_path):
    names = '"OMP_NUM_THREADS", "PYTHONPATH"'
    code = f'import os; open({str(tmp_path / "p")!r}, "w").write(' + (
        f'" ".join(os.environ[n] for n in ({names})))'
    )
    run(places, group(step(tmp_path, 'p', code)))
    threads, path = (tmp_path / 'p').read_text().split(' ', 1)
    assert threads == '3'
    assert path.split(os.pathsep)[0] == str(running.ROOT)


def test_steps_run_side_by_side(places, tmp_path):
    # Each waits for the other's file: one after another they would never end.
    steps = []
    for own, other in ('ab', 'ba'):
        mine, theirs = str(tmp_path / own), str(tmp_path / other)
        code = f'import os, time; open({mine!r}, "w")\n' + (
            f'while not os.path.exists({theirs!r}): time.sleep(0.01)'
        )
        steps.append(step(tmp_path, own, code))
    lines, noted = run(places, group(*steps))
    assert len(lines) == 2
    first, second = noted['attempts']
    assert second['start'] < first['end'] and first['start'] < second['end']


def test_a_failure_stops_what_comes_after_its_group(places, tmp_path):
    bad = step(tmp_path, 'p/bad', 'print("no disk"); raise SystemExit(3)')
    nothing = step(tmp_path, 'p/nothing', 'pass')
    good, later = step(tmp_path, 'p/good'), step(tmp_path, 'q')
    with pytest.raises(StepFailed) as failure:
        run(places, group(bad, nothing, good, jobs=1), group(later))
    text = str(failure.value)
    assert (
        f'p/bad ended with code 3; the end of {places.log("p/bad")}:\nno disk' in text
    )
    assert f'p/nothing ended without its product {tmp_path / "p-nothing"}' in text
    assert good.product.is_file() and not later.product.exists()
    noted = json.loads(places.times.read_text())['attempts']
    assert {a['step']: a['ok'] for a in noted} == {
        'p/bad': False,
        'p/nothing': False,
        'p/good': True,
    }


def test_what_is_made_is_checked_before_each_group(places, tmp_path):
    first, second = step(tmp_path, 'p/a'), step(tmp_path, 'q')
    seen = []

    def check():
        seen.append((first.product.is_file(), second.product.is_file()))
        if second.product.is_file():
            raise ValueError('of another folder')

    with sole_run(places.work) as lock:
        runner = Runner(places, MACHINE, lock, say=lambda line: None)
        with pytest.raises(ValueError, match='of another folder'):
            runner.run([group(first), group(second)], check)
    assert seen == [(False, False), (True, False), (True, True)]


# What torchrun prints when one of two processes fails, shortened in the middle only.
FAILED_TRAINING = """\
11/28 17:53:01 - mmengine - INFO - Epoch(train) [1][50/312]
error: No such file: images/train/00000/000007.jpg
(DEFORHMR_DEBUG=1 shows where it was raised.)
W1128 17:53:05.013000 7739 torch/distributed/elastic/multiprocessing/api.py:1028] \
Sending process 7762 closing signal SIGTERM
E1128 17:53:05.077000 7739 torch/distributed/elastic/multiprocessing/api.py:1002] \
failed (exitcode: 1) local_rank: 0 (pid: 7761) of binary: /venv/bin/python
Traceback (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main
    raise ChildFailedError(
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
tools/train.py FAILED
------------------------------------------------------------
Failures:
[1]:
  rank      : 1 (local_rank: 1)
  exitcode  : -15 (pid: 7762)  (SIGTERM)
  traceback : Signal 15 (SIGTERM) received by PID 7762
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-11-28_17:53:05
  host      : localhost
  rank      : 0 (local_rank: 0)
  exitcode  : 1 (pid: 7761)
  error_file: <N/A>
  traceback : To enable traceback see: https://pytorch.org/docs/stable/elastic/err
============================================================
"""


def test_what_a_process_said_comes_before_its_launcher():
    shown = last_words(FAILED_TRAINING)
    assert shown[0].endswith('[1][50/312]')
    assert shown[1] == 'error: No such file: images/train/00000/000007.jpg'
    assert shown[3] == 'Root Cause (first observed failure):'
    assert '  exitcode  : 1 (pid: 7761)' in shown
    assert not any('-15' in line for line in shown)


def test_errors_further_up_are_shown_first():
    said = 'error: first\n' + 'waiting\n' * 40 + 'error: last\n'
    assert last_words(said) == ['error: first', *['waiting'] * 14, 'error: last']
    assert last_words('') == []
    later = FAILED_TRAINING + 'error: of the other process\n'
    assert last_words(later)[0] == 'error: of the other process'


def test_a_failure_shows_this_attempt_alone(places, tmp_path):
    bad = step(tmp_path, 'p', 'print("error: of today"); raise SystemExit(1)')
    log = places.log('p')
    log.parent.mkdir(parents=True)
    log.write_text('error: of yesterday\n')
    with pytest.raises(StepFailed) as failure:
        run(places, group(bad))
    assert str(failure.value).splitlines()[1:] == ['error: of today']


def test_a_step_without_a_test_always_runs(places, tmp_path):
    product = tmp_path / 'tables'
    code = f'open({str(product)!r}, "a").write("x")'
    always = Step('tables', (sys.executable, '-c', code), product, None)
    for _ in range(2):
        run(places, group(always))
    assert product.read_text() == 'xx'


def test_a_stop_ends_the_children_and_is_noted(places, tmp_path, monkeypatch):
    begun = tmp_path / 'begun'
    code = f'import time; open({str(begun)!r}, "w"); time.sleep(60)'
    slow = step(tmp_path, 'p/slow', code)
    children = []
    real = subprocess.Popen

    def popen(*args, **kwargs):
        children.append(real(*args, **kwargs))
        return children[-1]

    def sleep(seconds):
        time.sleep(seconds) if not begun.exists() else stop()

    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(running.subprocess, 'Popen', popen)
    monkeypatch.setattr(
        running, 'time', type('t', (), dict(sleep=sleep, time=time.time))
    )
    with pytest.raises(KeyboardInterrupt):
        run(places, group(slow))
    assert [child.returncode for child in children] == [-signal.SIGTERM]
    (attempt,) = json.loads(places.times.read_text())['attempts']
    assert attempt['ok'] is False and attempt['end'] - attempt['start'] < 30


def test_two_runs_in_one_folder_are_refused(tmp_path):
    with sole_run(tmp_path / 'w'):
        with pytest.raises(Busy, match='another run'):
            with sole_run(tmp_path / 'w'):
                pass
    with sole_run(tmp_path / 'w'):
        pass


def test_a_file_system_without_locks_is_not_another_run(tmp_path, monkeypatch):
    def flock(file, operation):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(running.fcntl, 'flock', flock)
    with pytest.raises(OSError, match='w: expected a file system with locks .*No lock'):
        with sole_run(tmp_path / 'w'):
            pass


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(run_benchmark, 'check_packages', lambda groups: None)
    (tmp_path / 'file').touch()
    folders = ['--work-dir', tmp_path / 'file/w', '--features', tmp_path / 'f']
    folders += ['--data', tmp_path / 'd']
    with pytest.raises(SystemExit) as stop:
        run_benchmark.main(['--smallest', *map(str, folders)])
    assert str(stop.value) == (
        f'error: {tmp_path}/file/w: expected a folder that can be written to, got '
        '"Not a directory"; choose another --work-dir'
    )


def test_a_child_that_outlives_the_run_keeps_the_folder(tmp_path):
    with sole_run(tmp_path) as lock:
        code = 'import sys; sys.stdin.read()'
        child = subprocess.Popen(
            [sys.executable, '-c', code], stdin=subprocess.PIPE, pass_fds=(lock,)
        )
    with pytest.raises(Busy):
        with sole_run(tmp_path):
            pass
    child.communicate()
    with sole_run(tmp_path):
        pass


def test_times_as_a_table(tmp_path, monkeypatch):
    clock = iter([0, 100, 200, 250, 320, 300, 400])
    monkeypatch.setattr(times.time, 'time', lambda: next(clock))
    first = Times(tmp_path / 'times.json', MACHINE)
    assert first.end(first.begin('data', 1, 2), True) == 100
    a = first.begin('stage2/x/seed0', 2, 1)
    b = first.begin('stage2/y/seed0', 2, 1)
    first.end(a, True)  # 200 to 320
    first.end(b, False)  # 250 to 300
    first.begin('stage2/y/seed0', 2, 1)
    again = Times(tmp_path / 'times.json', {'cpu': 'other', 'cores': 8})
    assert again.table() == (
        '| phase | steps | wall time | side by side |\n'
        '|---|---|---|---|\n'
        '| data | 1 | 0:01:40 | 1 |\n'
        '| stage2 | 2 | 0:02:00 and more (cut off) | 2 |\n'
        '| together | | 0:03:40 | |\n'
        '\n'
        'Machine: cpu abacus, cores 2.\n'
        'Machine: cpu other, cores 8.\n'
    )


def test_this_machine_is_described():
    found = times.describe_machine()
    assert set(found) == {'cpu', 'cores', 'system', 'python', 'torch'}
    assert found['cpu'] and found['cores'] >= 1
    assert found['python'] == '.'.join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(('gib', 'workers'), [(0.5, 1), (3, 4), (64, 8)])
def test_no_more_processes_render_than_memory_holds(gib, workers, monkeypatch):
    sizes = {'SC_PHYS_PAGES': int(gib * 2**18), 'SC_PAGE_SIZE': 4096}
    monkeypatch.setattr(times.os, 'sysconf', sizes.__getitem__)
    assert times.rendering_workers(8) == workers


def test_arithmetic_of_times():
    assert as_clock(3725.4) == '1:02:05'
    assert covered([]) == 0
    assert covered([(2, 5), (0, 3), (7, 8), (1, 2)]) == 6
