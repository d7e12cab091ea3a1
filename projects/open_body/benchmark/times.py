"""How long each step took, and on which machine."""

import importlib.metadata
import json
import os
import platform
import time
from pathlib import Path

from deforhmr_mm.whole_files import write_json

WORKER_BYTES = 3 << 28  # of a process that renders: half a GiB was measured


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def rendering_workers(cores: int) -> int:
    """How many processes render on so many cores, within the machine's memory."""
    try:
        memory = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
    except (AttributeError, ValueError, OSError):
        return cores  # systems that do not say
    return max(1, min(cores, memory // WORKER_BYTES))


def describe_machine() -> dict[str, object]:
    """Processor, cores, and the versions that times depend on."""
    return {
        'cpu': _cpu_model(),
        'cores': available_cores(),
        'system': platform.system(),
        'python': platform.python_version(),
        'torch': importlib.metadata.version('torch'),
    }


def _cpu_model() -> str:
    info = Path('/proc/cpuinfo')
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()


def as_clock(seconds: float) -> str:
    """Seconds as hours, minutes and seconds.

    Example:
        >>> as_clock(3725.4)
        '1:02:05'
    """
    minutes, seconds = divmod(round(seconds), 60)
    return f'{minutes // 60}:{minutes % 60:02d}:{seconds:02d}'


class Times:
    """Attempts at the steps, in a JSON file that is whole at any time.

    An attempt has ``step``, ``machine`` (its place in ``machines``), ``jobs`` (steps
    side by side), ``threads``, ``start`` and ``end`` (Unix seconds), ``ok``. One that
    was cut off together with this program has neither end nor ``ok``.

    Args:
        path: The file; what it holds already is kept.
        machine: See `describe_machine`.
    """

    def __init__(self, path: Path, machine: dict[str, object]) -> None:
        self.path = path
        found = json.loads(path.read_text()) if path.is_file() else {}
        self.machines: list[dict] = found.get('machines', [])
        self.attempts: list[dict] = found.get('attempts', [])
        if machine not in self.machines:
            self.machines.append(machine)
        self._machine = self.machines.index(machine)

    def begin(self, step: str, jobs: int, threads: int) -> dict:
        """Note that a step begins; the attempt goes to `end`."""
        attempt = {
            'step': step,
            'machine': self._machine,
            'jobs': jobs,
            'threads': threads,
            'start': time.time(),
        }
        self.attempts.append(attempt)
        self._save()
        return attempt

    def end(self, attempt: dict, ok: bool) -> float:
        """Note that it ended; returns its seconds."""
        attempt['end'] = time.time()
        attempt['ok'] = ok
        self._save()
        return attempt['end'] - attempt['start']

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = {'machines': self.machines, 'attempts': self.attempts}
        write_json(self.path, content)

    def table(self) -> str:
        """Wall time of each phase as a Markdown table, and the machines.

        Of steps side by side the time that any of them ran counts once.
        """
        lines = ['| phase | steps | wall time | side by side |', '|---|---|---|---|']
        total = 0.0
        for phase in dict.fromkeys(_phase(a) for a in self.attempts):
            own = [a for a in self.attempts if _phase(a) == phase]
            seconds = covered([(a['start'], a['end']) for a in own if 'end' in a])
            total += seconds
            more = '' if all('end' in a for a in own) else ' and more (cut off)'
            steps = len({a['step'] for a in own})
            jobs = max(a['jobs'] for a in own)
            lines.append(f'| {phase} | {steps} | {as_clock(seconds)}{more} | {jobs} |')
        lines.append(f'| together | | {as_clock(total)} | |')
        lines.append('')
        for machine in self.machines:
            said = ', '.join(f'{key} {value}' for key, value in machine.items())
            lines.append(f'Machine: {said}.')
        return '\n'.join(lines) + '\n'


def _phase(attempt: dict) -> str:
    return attempt['step'].split('/')[0]


def covered(spans: list[tuple[float, float]]) -> float:
    """Seconds that at least one of several spans covers.

    Example:
        >>> covered([(0, 3), (2, 5), (7, 8)])
        6.0
    """
    seconds, until = 0.0, float('-inf')
    for start, end in sorted(spans):
        seconds += max(0.0, end - max(start, until))
        until = max(until, end)
    return seconds
