#!/usr/bin/env python3
"""Make .venv and install deforhmr_mm with everything that it needs.

    python3 tools/misc/install.py demo    # what `make demo` needs: no compiler
    python3 tools/misc/install.py test    # that, mmcv's compiled ops and the test tools

Runs on any Python 3.8 or newer with the standard library alone; .venv itself is made with
Python 3.10, 3.11 or 3.12. It may be run again at any time: what is there stays, and when
nothing has changed it ends at once. pip's own configuration (index, proxy, certificates)
is respected. Environment variables:

    DEFORHMR_TORCH_INDEX   index that torch is looked for in too, for a build of your own
                           choice, or empty for pip's configured index alone
    XDG_CACHE_HOME         where the compiled wheels are kept (default ~/.cache)
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / '.venv'
PYTHON = VENV / ('Scripts/python.exe' if os.name == 'nt' else 'bin/python')
STAMP = VENV / 'deforhmr-install.json'
LOG = VENV / 'install.log'
REQUIREMENTS = ROOT / 'requirements'
SUPPORTED = ((3, 10), (3, 11), (3, 12))
MINIMUM_PIP = (23, 1)
TORCH_CPU_INDEX = 'https://download.pytorch.org/whl/cpu'
PROBE_SECONDS = 4
HEARTBEAT_SECONDS = 30
# What a change of makes an installation stale, beside requirements/*.txt.
INPUTS = ('tools/misc/install.py', 'setup.py', 'setup.cfg', 'pyproject.toml')
INPUTS += ('deforhmr_mm/__init__.py',)


class InstallError(Exception):
    """What the user is told, in a line or two, when a step cannot be done."""


def say(text):
    print(text, flush=True)


def environment(**extra):
    """This process's environment less what would mix other packages into .venv."""
    env = {k: v for k, v in os.environ.items() if k not in ('PYTHONPATH', 'PYTHONHOME')}
    env.update(PIP_USER='0', PIP_DISABLE_PIP_VERSION_CHECK='1', PIP_NO_INPUT='1')
    env.update(extra)
    return env


def run(command, **extra_env):
    """Run a command with its output in the log; the log's end is shown if it fails."""
    with LOG.open('a') as log:
        log.write(f'\n$ {" ".join(map(str, command))}\n')
        log.flush()
        begin = len(LOG.read_text(errors='replace').splitlines())
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment(**extra_env),
        )
        start = time.monotonic()
        while True:
            try:
                code = process.wait(timeout=HEARTBEAT_SECONDS)
                break
            except subprocess.TimeoutExpired:
                say(f'      still working, {time.monotonic() - start:.0f} s')
            except BaseException:
                process.terminate()
                raise
    if code:
        lines = LOG.read_text(errors='replace').splitlines()[begin:]
        for line in lines[-25:]:
            say(f'      | {line}')
        raise InstallError(
            f'the command above ended with {code}: {" ".join(map(str, command))}\n'
            f'its whole output is in {LOG.relative_to(ROOT)}; '
            'run the same make target again once the cause is mended'
        )


def pip(*arguments, **extra_env):
    run([PYTHON, '-m', 'pip', *arguments], **extra_env)


def output_of(command):
    """What a command prints, or None if it fails or is not there."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None


def requirement_files(*names):
    return [arg for name in names for arg in ('-r', REQUIREMENTS / f'{name}.txt')]


def pins(name):
    """The lines of a requirements file that name a package, by that package's name."""
    lines = (REQUIREMENTS / f'{name}.txt').read_text().splitlines()
    wanted = [line.strip() for line in lines if line.strip() and line[0] not in '#-']
    return {line.split('==')[0]: line for line in wanted}


# ---------------------------------------------------------------------------------------
# Which Python, and is there anything to do?


def python_version(executable):
    """(major, minor) of an interpreter that can make virtual environments, or None."""
    code = 'import sys, venv, ensurepip; print(*sys.version_info[:2])'
    found = output_of([executable, '-c', code])
    return tuple(int(part) for part in found.split()) if found else None


def choose_python():
    """This interpreter if it will do, else one of the supported ones on PATH."""
    if python_version(sys.executable) in SUPPORTED:
        return sys.executable
    for version in reversed(SUPPORTED):
        other = shutil.which('python{}.{}'.format(*version))
        if other and python_version(other) == version:
            return other
    own = '.'.join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] in SUPPORTED:
        raise InstallError(
            f'Python {own} ({sys.executable}) cannot make virtual environments: its venv '
            'or ensurepip module is missing (on Debian and Ubuntu: apt install '
            'python3-venv)'
        )
    raise InstallError(
        f'deforhmr_mm needs Python 3.10, 3.11 or 3.12, but {sys.executable} is {own} and '
        'PATH holds no python3.12, python3.11 or python3.10; install one and name it: '
        'PYTHON=python3.12 make demo'
    )


def venv_version():
    """(major, minor) of .venv's Python, or None where there is no usable .venv."""
    return python_version(PYTHON) if PYTHON.exists() else None


def input_key(mode):
    """A hash of everything that decides what an installation holds."""
    digest = hashlib.sha256(f'{mode} {ROOT}'.encode())
    config = VENV / 'pyvenv.cfg'
    files = sorted(REQUIREMENTS.glob('*.txt')) + [ROOT / name for name in INPUTS]
    for path in [*files, config]:
        digest.update(path.name.encode() + (path.read_bytes() if path.exists() else b''))
    return digest.hexdigest()


def site_packages():
    found = sorted(VENV.glob('lib/python3*/site-packages')) or [
        VENV / 'Lib' / 'site-packages'
    ]
    return found[0]


def is_up_to_date(mode):
    """Whether the last installation still stands, in milliseconds."""
    try:
        stamp = json.loads(STAMP.read_text())[mode]
        key, packages = stamp['key'], stamp['packages']
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if key != input_key(mode) or not PYTHON.exists():
        return False
    return all((site_packages() / package).is_dir() for package in packages)


def write_stamp(mode):
    packages = sorted(path.name for path in site_packages().glob('*.dist-info'))
    try:
        stamps = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        stamps = {}
    for done in ('demo', 'test') if mode == 'test' else ('demo',):
        stamps[done] = {'key': input_key(done), 'packages': packages}
    part = STAMP.with_suffix('.part')
    part.write_text(json.dumps(stamps, indent=1))
    os.replace(part, STAMP)


# ---------------------------------------------------------------------------------------
# The steps


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
    on_linux = platform.system() == 'Linux'
    if index is None and on_linux and not has_nvidia_driver():
        index = TORCH_CPU_INDEX if is_reachable(f'{TORCH_CPU_INDEX}/torch/') else None
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


def compiled_wheel(requirement, *pip_arguments, **extra_env):
    """A wheel compiled on this machine for .venv's Python and torch, from the cache.

    The cache lies outside the checkout, so that the next clone finds it; a wheel comes
    into it whole or not at all.
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
    kind = '-cuda' if extra_env.get('FORCE_CUDA') == '1' else ''
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
            pip('wheel', *arguments, *pip_arguments, '-w', part, requirement, **extra_env)
            if not folder.exists():
                os.replace(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return next(folder.glob('*.whl'))


def install_mmcv_ops():
    """Mmcv with its compiled ops: for CUDA where a compiler for it is there."""
    if list((site_packages() / 'mmcv').glob('_ext*')):
        return
    code = 'import torch; assert torch.cuda.is_available()'
    cuda = output_of([PYTHON, '-c', code]) is not None
    cuda = cuda and bool(os.environ.get('CUDA_HOME') or shutil.which('nvcc'))
    env = {'FORCE_CUDA': '1'} if cuda else {'FORCE_CUDA': '0', 'CUDA_VISIBLE_DEVICES': ''}
    path = f'{PYTHON.parent}{os.pathsep}{os.environ["PATH"]}'  # for ninja
    wheel = compiled_wheel(pins('mminstall')['onedl-mmcv'], PATH=path, **env)
    pip('install', '--no-deps', '--force-reinstall', wheel)


def install_xtcocotools():
    """Xtcocotools from source: its wheel was built for numpy 1 and fails with 2."""
    wheel = compiled_wheel('xtcocotools==1.14.3', '--no-binary', 'xtcocotools')
    pip('install', '--no-deps', wheel)


def check():
    """Import what was installed; the error, if any, is one line."""
    run([PYTHON, '-c', 'import deforhmr_mm.dependencies as d; d.check_dependencies()'])


def check_ops():
    run([PYTHON, '-c', 'import mmcv.ops, mmdet, mmpretrain, xtcocotools.coco, pytest'])


def plan(mode, python):
    """The steps of a mode: what is done, how long it may take, how."""
    yield 'virtual environment .venv', '10 s', lambda: make_venv(python)
    yield 'pip', '10 s', update_pip
    gpu = has_nvidia_driver()
    size = 'for CUDA: 3 GB, 3 to 10 min' if gpu else '200 MB, 1 to 3 min'
    yield f'{pins("constraints")["torch"]}', size, install_torch
    if mode == 'demo':
        wheels = lambda: install_wheels('runtime', 'mmdeps')  # noqa: E731
        yield 'libraries from requirements/', '1 min', wheels
    else:
        names = ('runtime', 'mmdeps', 'build', 'tests', 'mmtestdeps')
        yield 'libraries and test tools', '2 min', lambda: install_wheels(*names)
        yield (
            'mmcv with compiled ops',
            '10 min on 2 cores the first time, then kept in a cache',
            install_mmcv_ops,
        )
        yield 'xtcocotools from source', '30 s, kept likewise', install_xtcocotools
    mm = lambda: install_without_dependencies('mminstall')  # noqa: E731
    yield 'mmengine, mmcv and mmpose', '1 min', mm
    if mode == 'test':
        mmtests = lambda: install_without_dependencies('mmtests')  # noqa: E731
        yield 'mmdet, mmpretrain and mim', '1 min', mmtests
    yield 'deforhmr_mm itself', '10 s', install_project
    yield 'check that all of it imports', '10 s', check
    if mode == 'test':
        yield 'check the compiled packages', '20 s', check_ops


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('mode', nargs='?', choices=('demo', 'test'), default='demo')
    mode = parser.parse_args().mode
    if is_up_to_date(mode):
        say(f'.venv is up to date for `make {mode}`')
        return 0
    begin = time.monotonic()
    try:
        python = PYTHON if venv_version() in SUPPORTED else choose_python()
        if PYTHON.exists() and python != PYTHON:
            raise InstallError(
                f'{VENV} is not a working Python 3.10-3.12 environment: delete the '
                'folder and run make again'
            )
        steps = list(plan(mode, python))
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
