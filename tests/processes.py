"""Run a function of a test file in several gloo processes of one group."""

import importlib.util
import os
import socket
import subprocess
import sys
import types
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]


def free_port() -> str:
    """A port of this machine that is free now, as text for an environment."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return str(probe.getsockname()[1])


def run_ranks(test_file: str, folder: Path, world_size: int = 2) -> None:
    """Call the file's ``run_rank(rank, folder)`` in processes of their own."""
    port = free_port()
    children = [
        subprocess.Popen(
            [sys.executable, __file__, test_file, folder, str(rank)],
            env={
                **os.environ,
                'PYTHONPATH': str(ROOT),
                'RANK': str(rank),
                'WORLD_SIZE': str(world_size),
                'MASTER_ADDR': '127.0.0.1',
                'MASTER_PORT': port,
            },
        )
        for rank in range(world_size)
    ]
    assert [child.wait(timeout=120) for child in children] == [0] * world_size


def main() -> None:
    test_file, folder, rank = sys.argv[1:]
    # As pytest names these files; another package may have installed its tests.
    sys.modules['tests'] = types.ModuleType('tests')
    sys.modules['tests'].__path__ = [str(ROOT / 'tests')]
    spec = importlib.util.spec_from_file_location('test_of_ranks', test_file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo')
    module.run_rank(int(rank), Path(folder))
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    main()
