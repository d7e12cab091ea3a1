"""Running groups of steps: what is done is passed over, the rest one after another."""

import fcntl
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .commands import ROOT
from .places import Places
from .step import Group, State, Step
from .times import Times, as_clock

POLL = 0.2  # seconds between looks at running commands
TAIL = 15  # lines of a log that a failure shows
ERROR = 'error: '  # begins the line that ends the repository's tools
# torchrun's first word about a failure; a report follows that is longer than the tail.
LAUNCHER = re.compile(r'[EW]\d{4} .*torch/distributed/elastic/')
CAUSE = 'Root Cause'  # begins that report's last part


class StepFailed(Exception):
    """Steps ended with an error, or without their product."""


class Busy(Exception):
    """Another run, or a child that outlived one, works in the same folder."""


@contextmanager
def sole_run(work: Path):
    """Hold a lock on a work folder, which children hold too while they live.

    So does torchrun, but not what it starts, nor processes that read or render: those
    end with the one that started them.

    Yields:
        The descriptor to hand on to children.

    Raises:
        Busy: Somebody has it.
        OSError: The folder cannot be written to, or its file system has no locks.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
        file = open(work / '.lock', 'w')
    except OSError as error:
        raise OSError(
            f'{work}: expected a folder that can be written to, got '
            f'"{error.strerror}"; choose another --work-dir'
        ) from error
    with file:
        _take_lock(file, work)
        yield file.fileno()


def _take_lock(file: IO[str], work: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Busy(
            f'{work}: another run, or a step of one that was killed, is still '
            'working in this folder'
        ) from error
    except OSError as error:
        raise OSError(
            f'{work}: expected a file system with locks (flock), got '
            f'"{error.strerror}"; choose another --work-dir'
        ) from error


class Runner:
    """Runs groups of steps, and says a line about each.

    Args:
        places: Where logs and times go.
        machine: See `describe_machine`.
        lock: Descriptor that children inherit, see `sole_run`.
        say: Called with each line.
    """

    def __init__(
        self,
        places: Places,
        machine: dict[str, object],
        lock: int,
        say: Callable[[str], None],
    ) -> None:
        self.places = places
        self.times = Times(places.times, machine)
        self.lock = lock
        self.say = say
        self._log_starts: dict[str, int] = {}  # step -> size of its log before
        self._begun = time.time()
        self._number = self._count = 0

    def run(
        self, groups: Sequence[Group], check: Callable[[], None] = lambda: None
    ) -> None:
        """Run what is not done.

        Args:
            groups: One after another.
            check: Called before each group and at the end; what it raises ends the run.

        Raises:
            StepFailed: When the group of the failed steps is through.
        """
        self._count = sum(len(group.steps) for group in groups)
        for group in groups:
            check()
            todo = [step for step in group.steps if not self._is_done(step)]
            failed = self._run_side_by_side(todo, group) if todo else []
            if failed:
                raise StepFailed(
                    '\n'.join(self._failure(step, why) for step, why in failed)
                )
        check()

    def _is_done(self, step: Step) -> bool:
        done = step.state is State.DONE
        if done:
            self._tell(step, 'was done')
        return done

    def _tell(self, step: Step, what: str) -> None:
        self._number += 1
        total = as_clock(time.time() - self._begun)
        self.say(f'[{self._number}/{self._count}] {total} {step.name}: {what}')

    def _run_side_by_side(
        self, todo: Sequence[Step], group: Group
    ) -> list[tuple[Step, str]]:
        waiting, failed = list(todo), []
        running: list[tuple[Step, subprocess.Popen, dict]] = []
        try:
            while waiting or running:
                while waiting and len(running) < group.jobs:
                    step = waiting.pop(0)
                    running.append(self._start(step, group))
                time.sleep(POLL)
                for entry in [e for e in running if e[1].poll() is not None]:
                    running.remove(entry)
                    if why := self._finish(*entry):
                        failed.append((entry[0], why))
        finally:
            for _, child, _ in running:
                child.terminate()
            for _, child, attempt in running:
                child.wait()
                self.times.end(attempt, ok=False)
        return failed

    def _start(self, step: Step, group: Group) -> tuple[Step, subprocess.Popen, dict]:
        log = self.places.log(step.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        goes_on = step.state is State.STOPPED
        attempt = self.times.begin(step.name, group.jobs, group.threads)
        with open(log, 'a') as file:
            self._log_starts[step.name] = file.tell()
            child = self._child(step, group.threads, file)
        if group.jobs == 1:
            self.say(f'{step.name}: {"goes on" if goes_on else "begins"}, see {log}')
        return step, child, attempt

    def _child(self, step: Step, threads: int, log: IO[str]) -> subprocess.Popen:
        path = [str(ROOT), os.environ.get('PYTHONPATH', '')]
        environment = {
            **os.environ,
            'PYTHONPATH': os.pathsep.join(part for part in path if part),
            'OMP_NUM_THREADS': str(threads),
        }
        return subprocess.Popen(
            step.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=(self.lock,),
        )

    def _finish(self, step: Step, child: subprocess.Popen, attempt: dict) -> str:
        """Note the end of a command; what went wrong, or nothing."""
        why = ''
        if child.returncode:
            why = f'ended with code {child.returncode}'
        elif not step.has_succeeded():
            why = f'ended without its product {step.product}'
        took = as_clock(self.times.end(attempt, ok=not why))
        self._tell(step, f'{why or "done"} in {took}')
        return why

    def _failure(self, step: Step, why: str) -> str:
        log = self.places.log(step.name)
        said = log.read_bytes()[self._log_starts[step.name] :].decode(errors='replace')
        return '\n'.join([f'{step.name} {why}; the end of {log}:', *last_words(said)])


def last_words(said: str) -> list[str]:
    """Lines that tell why a command failed.

    Args:
        said: All that it printed, with torchrun's report at the end if that started it.

    Returns:
        The errors that lie further up, the last lines of the command itself, and of
        torchrun's report the cause.
    """
    lines = said.splitlines()
    end = next((i for i, line in enumerate(lines) if LAUNCHER.match(line)), len(lines))
    tail, report = lines[:end][-TAIL:], lines[end:]
    errors = dict.fromkeys(line for line in lines if line.startswith(ERROR))
    causes = [i for i, line in enumerate(report) if line.startswith(CAUSE)]
    report = report[causes[-1] :] if causes else report[-TAIL:]
    return [*(line for line in errors if line not in tail), *tail, *report]
