"""Processes that compute the same for any number of them."""

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.pool import Pool

THREAD_VARIABLES = (
    'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMEXPR_NUM_THREADS',
)  # fmt: skip


def single_threaded_pool(
    workers: int, initializer: Callable[..., None], arguments: tuple
) -> Pool:
    """A pool of processes, each with one thread.

    The processes are spawned even when there is one, so that numerical libraries run
    single-threaded and the same seed gives the same bytes for any number of workers.

    Args:
        workers: Number of processes.
        initializer: What each calls first.
        arguments: Of the initializer.
    """
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, '1'))
    try:
        return multiprocessing.get_context('spawn').Pool(
            workers, initializer, arguments
        )
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
