"""For install.py: .venv, running commands in it, and whether it is up to date.

Standard library only, and no syntax newer than Python 3.6.
"""

import hashlib
import json
import os
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
HEARTBEAT_SECONDS = 30
# What a change of makes an installation stale, beside requirements/*.txt.
INPUTS = ('setup.py', 'setup.cfg', 'pyproject.toml', 'deforhmr_mm/__init__.py')
INPUTS += ('tools/misc/install.py', 'tools/misc/venv_tools.py')


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
                process.wait()
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
            f'Python {own} ({sys.executable}) cannot make virtual environments: its '
            'venv or ensurepip module is missing (on Debian and Ubuntu: apt install '
            'python3-venv)'
        )
    raise InstallError(
        f'deforhmr_mm needs Python 3.10, 3.11 or 3.12, but {sys.executable} is {own} '
        'and PATH holds no python3.12, python3.11 or python3.10; install one and name '
        'it: PYTHON=python3.12 make demo'
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
        digest.update(
            path.name.encode() + (path.read_bytes() if path.exists() else b'')
        )
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
