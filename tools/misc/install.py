#!/usr/bin/env python3
"""Make .venv and install deforhmr_mm with everything that it needs.

    python3 tools/misc/install.py demo    # what `make demo` needs: no compiler
    python3 tools/misc/install.py test    # that, mmcv's compiled ops and the test tools

Runs on Python 3.6 or newer with the standard library alone; .venv itself is made with
Python 3.10, 3.11 or 3.12. It may be run again at any time: what is there stays, and it
ends at once when nothing has changed. pip's own configuration (index, proxy and
certificates) is respected. Environment variables:

    DEFORHMR_TORCH_INDEX   an index in which torch is looked for too, for a build of
                           your own choice; empty: pip's configured index alone
    XDG_CACHE_HOME         where the compiled wheels are kept (default ~/.cache)
"""

import argparse
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from venv_tools import (
    PYTHON,
    REQUIREMENTS,
    ROOT,
    SUPPORTED,
    VENV,
    InstallError,
    choose_python,
    environment,
    is_up_to_date,
    output_of,
    pins,
    pip,
    requirement_files,
    run,
    say,
    venv_version,
    write_stamp,
)

MINIMUM_PIP = (23, 1)
TORCH_CPU_INDEX = 'https://download.pytorch.org/whl/cpu'
PROBE_SECONDS = 4
# Prints what mmcv's CUDA kernels are to be compiled for, or fails: without a GPU, or
# without a compiler of torch's own CUDA, which torch asks of extensions.
CUDA_PROBE = r"""
import os, re, subprocess, torch
from torch.utils.cpp_extension import CUDA_HOME
assert torch.cuda.is_available()
nvcc = os.path.join(CUDA_HOME, 'bin', 'nvcc')
said = subprocess.check_output([nvcc, '--version']).decode()
release = re.search(r'release (\d+)', said).group(1)
assert release == torch.version.cuda.split('.')[0]
gpus = range(torch.cuda.device_count())
gpus = {'{}.{}'.format(*torch.cuda.get_device_capability(gpu)) for gpu in gpus}
print(os.environ.get('TORCH_CUDA_ARCH_LIST') or ';'.join(sorted(gpus)))
"""


def make_venv(python):
    if venv_version() in SUPPORTED:
        return
    command = [python, '-m', 'venv', VENV]
    done = subprocess.run(
        [str(part) for part in command],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        raise InstallError(f'{python} -m venv failed:\n{done.stdout.decode().strip()}')


def update_pip():
    version = output_of([PYTHON, '-c', 'import pip; print(pip.__version__)']) or '0'
    if tuple(int(part) for part in version.split('.')[:2]) < MINIMUM_PIP:
        pip('install', '--upgrade', 'pip')


def has_nvidia_driver():
    return bool(shutil.which('nvidia-smi')) and output_of(['nvidia-smi', '-L'])


def is_reachable(url):
    """Whether a page answers within PROBE_SECONDS, name look-up included."""
    code = 'import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=3)'
    try:
        done = subprocess.run(
            [sys.executable, '-c', code, url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def install_torch():
    """The CUDA build where there is an NVIDIA driver, else the CPU build if offered."""
    torch = pins('constraints')['torch']
    version = output_of([PYTHON, '-c', 'import torch; print(torch.__version__)'])
    if version and version.split('+')[0] == torch.split('==')[1]:
        return
    index = os.environ.get('DEFORHMR_TORCH_INDEX')
    if index is not None:
        say(f'      looking in {index or "the configured index"} as you ask')
    elif has_nvidia_driver():
        say('      an NVIDIA driver is there: the CUDA build')
    elif platform.system() == 'Linux':
        if is_reachable(f'{TORCH_CPU_INDEX}/torch/'):
            index = TORCH_CPU_INDEX
            say('      no NVIDIA driver: the CPU build')
        else:
            say('      no NVIDIA driver; the build that the configured index offers')
    # A build with a local version (2.13.0+cpu) sorts above the plain one, so an extra
    # index decides the build, while torch's own dependencies come from pip's index.
    extra = ['--extra-index-url', index] if index else []
    constraints = ['-c', REQUIREMENTS / 'constraints.txt']
    pip('install', torch, *extra, *constraints)


def install_wheels(*names):
    """Everything in these requirements files, in the versions of constraints.txt."""
    constraints = ['-c', REQUIREMENTS / 'constraints.txt']
    pip('install', '--prefer-binary', *requirement_files(*names), *constraints)


def install_without_dependencies(name):
    # No pip cache: it keeps mmcv with and without compiled ops under the same name.
    pip('install', '--no-deps', '--no-cache-dir', *requirement_files(name))


def install_project():
    pip('install', '--no-deps', '--no-build-isolation', '--editable', ROOT)


def compiled_wheel(requirement, *pip_arguments, kind='', **extra_env):
    """A wheel compiled on this machine for .venv's Python and torch, from the cache.

    The cache lies outside the checkout, so that the next clone finds it; a wheel comes
    into it whole or not at all. `kind` sets those apart that differ in other ways.
    """
    code = (
        'import sys, sysconfig, platform, torch, numpy; '
        'tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"; '
        'libc = "".join(platform.libc_ver()); '
        'numpy = numpy.__version__.split(".")[0]; '
        'print(f"torch{torch.__version__}-numpy{numpy}-{tag}'
        '-{sysconfig.get_platform()}-{libc}")'
    )
    machine = output_of([PYTHON, '-c', code])
    if machine is None:
        raise InstallError(f'torch or numpy does not import in {VENV}; delete .venv')
    cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    folder = cache / 'deforhmr_mm' / 'wheels'
    folder = folder / f'{requirement.replace("==", "-")}-{machine}{kind}'
    if not list(folder.glob('*.whl')):
        if not any(shutil.which(name) for name in ('c++', 'g++', 'clang++')):
            raise InstallError(
                f'compiling {requirement} needs a C++ compiler, and none was found (on '
                'Debian and Ubuntu: apt install g++); `make demo` needs none'
            )
        part = folder.with_name(f'{folder.name}.part{os.getpid()}')
        try:
            arguments = ['--no-deps', '--no-build-isolation', '--no-cache-dir']
            arguments += [*pip_arguments, '--wheel-dir', part]
            pip('wheel', *arguments, requirement, **extra_env)
            if not folder.exists():
                os.replace(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return next(folder.glob('*.whl'))


def install_mmcv_ops():
    """Mmcv with its compiled ops: for CUDA where a compiler for it is there."""
    if output_of([PYTHON, '-c', 'import mmcv.ops']) is not None:
        return
    path = f'{PYTHON.parent}{os.pathsep}{os.environ["PATH"]}'  # for ninja
    build = partial(compiled_wheel, pins('mminstall')['onedl-mmcv'], PATH=path)
    instead = 'for the CPU; on the GPU, torch stands in for its kernels'
    wheel = None
    gpus = output_of([PYTHON, '-c', CUDA_PROBE])
    if gpus:
        # Kernels of another GPU run, and leave zeros.
        kind = '-cuda-' + re.sub(r'[^\w.+]+', '_', gpus)
        try:
            wheel = build(kind=kind, FORCE_CUDA='1')
        except InstallError:
            say(f'      compiling for CUDA failed: {instead}')
    elif has_nvidia_driver():
        say(f"      no nvcc of the major version of torch's CUDA: {instead}")
    if wheel is None:
        wheel = build(FORCE_CUDA='0', CUDA_VISIBLE_DEVICES='')
    pip('install', '--no-deps', '--force-reinstall', wheel)


def install_xtcocotools():
    """Xtcocotools from source: its wheel was built for numpy 1 and fails with 2."""
    wheel = compiled_wheel('xtcocotools==1.14.3', '--no-binary', 'xtcocotools')
    pip('install', '--no-deps', wheel)


def install_gltf_validator():
    """Khronos's validator of glTF files, for tests that are skipped without it."""
    folder = ROOT / 'tests' / 'gltf_validator'
    npm = shutil.which('npm')
    if npm is None:
        say('      npm (node.js) is not there: the tests that call it will be skipped')
    elif not (folder / 'node_modules' / 'gltf-validator').is_dir():
        run([npm, 'ci', '--prefix', folder, '--no-audit', '--no-fund'])


def check(mode):
    """Import what was installed; the error, if any, is one line."""
    run([PYTHON, '-c', 'import deforhmr_mm.dependencies as d; d.check_dependencies()'])
    if mode == 'test':
        names = ('mmcv.ops', 'mmdet.apis', 'mmpretrain', 'xtcocotools.coco', 'mim.cli')
        run([PYTHON, '-c', f'import {", ".join(names)}'])


def plan(mode, python):
    """The steps of a mode: what is done, how long it may take, how."""
    test = mode == 'test'
    torch = pins('constraints')['torch']
    torch_time = (
        '3 GB for CUDA, 3 to 10 min'
        if has_nvidia_driver()
        else '200 MB for a CPU build, 1 to 3 min'
    )
    names = ['runtime', 'mmdeps']
    if test:
        names += ['build', 'tests', 'mmtestdeps']
    steps = [
        ('virtual environment .venv', '10 s', partial(make_venv, python)),
        ('pip', '10 s', update_pip),
        (torch, torch_time, install_torch),
        ('libraries', '1 to 4 min', partial(install_wheels, *names)),
    ]
    if test:
        ops_time = '10 min on 2 cores the first time, then kept in a cache'
        steps += [
            ('mmcv with compiled ops', ops_time, install_mmcv_ops),
            ('xtcocotools from source', '30 s, kept likewise', install_xtcocotools),
        ]
    openmmlab = partial(install_without_dependencies, 'mminstall')
    steps.append(('mmengine, mmcv and mmpose', '1 min', openmmlab))
    if test:
        others = partial(install_without_dependencies, 'mmtests')
        steps.append(('mmdet, mmpretrain and mim', '1 min', others))
        steps.append(('glTF validator', '5 s', install_gltf_validator))
    steps += [
        ('deforhmr_mm itself', '10 s', install_project),
        ('check that all of it imports', '20 s', partial(check, mode)),
    ]
    return steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('mode', nargs='?', choices=('demo', 'test'), default='demo')
    mode = parser.parse_args().mode
    if not (ROOT / 'setup.cfg').exists():
        say(f'error: {ROOT} is not a checkout of deforhmr_mm, which this installs')
        return 1
    if is_up_to_date(mode):
        say(f'.venv is up to date for `make {mode}`')
        return 0
    # Ended from outside, the command that is running ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begin = time.monotonic()
    try:
        python = PYTHON if venv_version() in SUPPORTED else choose_python()
        if PYTHON.exists() and python != PYTHON:
            raise InstallError(
                f'{VENV} is not a working Python 3.10-3.12 environment: delete the '
                'folder and run make again'
            )
        steps = plan(mode, python)
        say(f'installing into .venv with {python}; details go to .venv/install.log')
        for number, (title, expected, action) in enumerate(steps, 1):
            say(f'[{number}/{len(steps)}] {title} ({expected})')
            start = time.monotonic()
            action()
            say(f'      done in {time.monotonic() - start:.0f} s')
    except InstallError as error:
        say(f'error: {error}')
        return 1
    except KeyboardInterrupt:
        say('interrupted; run it again to go on')
        return 130
    write_stamp(mode)
    say(f'.venv is ready for `make {mode}` after {time.monotonic() - begin:.0f} s')
    return 0


if __name__ == '__main__':
    sys.exit(main())
