"""Rendering processes: in order, a few tasks ahead, and no waiting for the dead."""

import os
import signal
import subprocess
import sys
from itertools import count, islice

import pytest
from synthetic.pool import THREAD_VARIABLES, WorkerKilled, single_threaded_pool

from tests.tiny_training import ROOT


def pool(workers=1):
    return single_threaded_pool(workers, int, ())


def test_results_come_in_order_from_single_threaded_processes(monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '7')
    monkeypatch.delenv('MKL_NUM_THREADS', raising=False)
    with pool(2) as renderers:
        assert list(renderers.imap(abs, range(-50, 0), 4)) == list(range(50, 0, -1))
        found = list(renderers.imap(os.getenv, THREAD_VARIABLES))
        assert list(renderers.imap(abs, [])) == []
    assert found == ['1'] * len(THREAD_VARIABLES)
    assert os.environ['OMP_NUM_THREADS'] == '7'
    assert 'MKL_NUM_THREADS' not in os.environ


def test_tasks_are_read_as_they_are_needed():
    with pool() as renderers:
        # All of them would be without end.
        assert list(islice(renderers.imap(abs, count()), 5)) == [0, 1, 2, 3, 4]


def test_a_killed_process_is_told_and_not_waited_for():
    with pool() as renderers:
        with pytest.raises(WorkerKilled, match='was killed.*fewer --workers'):
            list(renderers.imap(signal.raise_signal, [signal.SIGKILL]))
    with pool() as renderers:
        with pytest.raises(ValueError, match='invalid literal'):
            list(renderers.imap(int, ['1', 'x']))


CHILD = """
import os, sys
from synthetic.pool import single_threaded_pool
if __name__ == '__main__':
    with single_threaded_pool(1, int, ()) as pool:
        list(pool.imap(abs, [1]))
        (worker,) = pool._executor._processes
        print(worker, flush=True)
        os.kill(os.getpid(), 9)
"""


def test_the_processes_end_with_the_one_that_started_them(tmp_path):
    script = tmp_path / 'child.py'
    script.write_text(CHILD)
    environment = {**os.environ, 'PYTHONPATH': str(ROOT / 'projects/open_body')}
    child = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, env=environment
    )
    # The worker has the other end of the pipe, too: it is read to the end only when
    # both are gone.
    said, _ = child.communicate(timeout=180)
    assert child.returncode == -signal.SIGKILL
    assert said.strip().isdigit()
