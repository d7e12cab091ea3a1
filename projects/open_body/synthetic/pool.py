"""Processes that compute the same for any number of them."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Any

THREAD_VARIABLES = (
    'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMEXPR_NUM_THREADS',
)  # fmt: skip
WAITING = 8  # chunks of each worker that are handed out, or done and not asked for yet


class WorkerKilled(Exception):
    """A process of the pool ended without a word."""


class OrderedPool:
    """Calls functions in several processes, and gives the results in order.

    Args:
        executor: The processes.
        waiting: How many chunks are handed out ahead of what was asked for.
    """

    def __init__(self, executor: ProcessPoolExecutor, waiting: int) -> None:
        self._executor = executor
        self._waiting = waiting

    def imap(
        self, function: Callable[[Any], Any], tasks: Iterable[Any], chunksize: int = 1
    ) -> Iterator[Any]:
        """A function's results, in the order of the tasks, which are read as needed.

        Args:
            function: Called with each task; what it raises is raised here.
            tasks: Any number of them.
            chunksize: Tasks that a process takes at a time.

        Raises:
            WorkerKilled: A process was killed, or could not start.
        """
        tasks, waiting = iter(tasks), deque()
        try:
            while chunk := list(islice(tasks, chunksize)):
                if len(waiting) == self._waiting:
                    yield from waiting.popleft().result()
                waiting.append(self._executor.submit(_call, function, chunk))
            while waiting:
                yield from waiting.popleft().result()
        except BrokenProcessPool as error:
            raise WorkerKilled(
                'a process that renders was killed, probably for want of memory: try '
                'fewer --workers; what is rendered is kept'
            ) from error


@contextmanager
def single_threaded_pool(
    workers: int, initializer: Callable[..., None], arguments: tuple
) -> Iterator[OrderedPool]:
    """A pool of processes, each with one thread that computes.

    The processes are spawned even when there is one, so that numerical libraries run
    single-threaded and the same seed gives the same bytes for any number of workers.
    They end with this process, however it ends.

    Args:
        workers: Number of processes.
        initializer: What each calls first.
        arguments: Of the initializer.

    Yields:
        The pool.
    """
    context = multiprocessing.get_context('spawn')
    executor = ProcessPoolExecutor(workers, context, _begin, (initializer, arguments))
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    # Until the end: the processes are started when there is work for them.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, '1'))
    try:
        yield OrderedPool(executor, WAITING * workers)
    finally:
        executor.shutdown(cancel_futures=True)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin(initializer: Callable[..., None], arguments: tuple) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    initializer(*arguments)


def _end_with_parent() -> None:
    # The workers of a process that was killed would wait for its tasks for ever.
    multiprocessing.parent_process().join()
    os._exit(1)


def _call(function: Callable[[Any], Any], chunk: list[Any]) -> list[Any]:
    return [function(task) for task in chunk]
