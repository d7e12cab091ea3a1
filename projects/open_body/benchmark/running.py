"""Running groups of steps: what is done is passed over, the rest one after another."""

import fcntl
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .commands import ROOT
from .places import Places
from .step import Group, State, Step
from .times import Times, as_clock

POLL = 0.2  # seconds between looks at running commands
TAIL = 15  # lines of a log that a failure shows


class StepFailed(Exception):
    """Steps ended with an error, or without their product."""


class Busy(Exception):
    """Another run, or a child that outlived one, works in the same folder."""


def check_settings(work: Path, settings: Mapping[str, Any]) -> None:
    """Remember what a work folder is made with, or compare with what it was made with.

    Raises:
        ValueError: It was made with other settings.
    """
    path = work / 'settings.json'
    wanted = json.loads(json.dumps(settings))
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(wanted, indent=1) + '\n')
        return
    found = json.loads(path.read_text())
    different = [key for key in wanted if found.get(key) != wanted[key]]
    if different:
        said = '; '.join(
            f'{key}: expected {found.get(key)!r}, got {wanted[key]!r}'
            for key in different
        )
        raise ValueError(
            f'{path}: the folder was made with other settings: {said}; choose another '
            '--work-dir, or delete the folder'
        )


@contextmanager
def sole_run(work: Path):
    """Hold a lock on a work folder, which children hold too while they live.

    Yields:
        The descriptor to hand on to children.

    Raises:
        Busy: Somebody has it.
    """
    work.mkdir(parents=True, exist_ok=True)
    with open(work / '.lock', 'w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(
                f'{work}: another run, or a step of one that was killed, is still '
                'working in this folder'
            ) from error
        yield file.fileno()


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
        self._begun = time.time()
        self._number = self._count = 0

    def run(self, groups: Sequence[Group]) -> None:
        """Run what is not done.

        Raises:
            StepFailed: When the group of the failed steps is through.
        """
        self._count = sum(len(group.steps) for group in groups)
        for group in groups:
            todo = [step for step in group.steps if not self._is_done(step)]
            failed = self._run_side_by_side(todo, group) if todo else []
            if failed:
                raise StepFailed(
                    '\n'.join(self._failure(step, why) for step, why in failed)
                )

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
        tail = log.read_text(errors='replace').splitlines()[-TAIL:]
        return '\n'.join([f'{step.name} {why}; the end of {log}:', *tail])
