"""The installer's decisions, without network and without installing anything."""

import ast
import importlib
import json
import sys
from pathlib import Path

import pytest

MISC = Path(__file__).resolve().parents[2] / 'tools' / 'misc'
FILES = (MISC / 'install.py', MISC / 'venv_tools.py')


@pytest.fixture
def tools(monkeypatch, tmp_path):
    """The module venv_tools, working on a made-up checkout."""
    monkeypatch.syspath_prepend(str(MISC))
    module = importlib.import_module('venv_tools')
    venv = tmp_path / '.venv'
    packages = venv / 'lib' / 'python3.11' / 'site-packages'
    for name in ('torch-2.13.0.dist-info', 'mmpose-1.3.2.dist-info'):
        (packages / name).mkdir(parents=True)
    (venv / 'bin').mkdir()
    (venv / 'bin' / 'python').symlink_to(sys.executable)
    (venv / 'pyvenv.cfg').write_text('version = 3.11.7\n')
    requirements = tmp_path / 'requirements'
    requirements.mkdir()
    (requirements / 'constraints.txt').write_text('# pins\ntorch==2.13.0\n')
    monkeypatch.setattr(module, 'ROOT', tmp_path)
    monkeypatch.setattr(module, 'VENV', venv)
    monkeypatch.setattr(module, 'PYTHON', venv / 'bin' / 'python')
    monkeypatch.setattr(module, 'STAMP', venv / 'deforhmr-install.json')
    monkeypatch.setattr(module, 'LOG', venv / 'install.log')
    monkeypatch.setattr(module, 'REQUIREMENTS', requirements)
    return module


@pytest.fixture
def install(tools, monkeypatch):
    module = importlib.import_module('install')
    monkeypatch.setattr(module, 'REQUIREMENTS', tools.REQUIREMENTS)
    monkeypatch.delenv('DEFORHMR_TORCH_INDEX', raising=False)
    return module


@pytest.fixture
def pip_calls(install, monkeypatch):
    """What pip is called with, in place of calling it."""
    calls = []
    monkeypatch.setattr(install, 'pip', lambda *args, **env: calls.append(args))
    return calls


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_it_runs_on_a_bare_and_old_python(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 6))
    known = set(sys.stdlib_module_names) | {'venv_tools'}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.split('.')[0] for alias in node.names} <= known
        elif isinstance(node, ast.ImportFrom):
            assert node.module.split('.')[0] in known


def test_nothing_is_done_twice(tools):
    assert not tools.is_up_to_date('demo')
    tools.write_stamp('demo')
    assert tools.is_up_to_date('demo')
    assert not tools.is_up_to_date('test')


def test_the_test_installation_will_do_for_the_demo(tools):
    tools.write_stamp('test')
    assert tools.is_up_to_date('demo') and tools.is_up_to_date('test')
    assert not list(tools.VENV.glob('*.part'))


@pytest.mark.parametrize('change', ['pin', 'package', 'python', 'place', 'stamp'])
def test_a_change_is_noticed(tools, monkeypatch, change):
    tools.write_stamp('test')
    if change == 'pin':
        (tools.REQUIREMENTS / 'constraints.txt').write_text('torch==2.14.0\n')
    elif change == 'package':
        next(tools.VENV.rglob('mmpose-*')).rmdir()
    elif change == 'python':
        tools.PYTHON.unlink()
    elif change == 'place':
        monkeypatch.setattr(tools, 'ROOT', tools.ROOT / 'moved')
    else:
        tools.STAMP.write_text(json.dumps([1]))
    assert not tools.is_up_to_date('test')


def test_the_running_python_is_taken_if_it_will_do(tools):
    assert tools.choose_python() == sys.executable


def test_another_python_on_the_path_is_taken(tools, monkeypatch):
    versions = {sys.executable: (3, 13), '/bin/python3.11': (3, 11)}
    monkeypatch.setattr(tools, 'python_version', versions.get)
    monkeypatch.setattr(tools.shutil, 'which', lambda name: f'/bin/{name}')
    assert tools.choose_python() == '/bin/python3.11'


def test_a_machine_without_a_fitting_python_is_told_what_to_do(tools, monkeypatch):
    monkeypatch.setattr(tools, 'python_version', lambda executable: (3, 13))
    monkeypatch.setattr(tools.sys, 'version_info', (3, 13, 1, 'final', 0))
    monkeypatch.setattr(tools.shutil, 'which', lambda name: None)
    with pytest.raises(tools.InstallError, match=r'3\.10, 3\.11 or 3\.12.*is 3\.13\.1'):
        tools.choose_python()


def test_a_python_without_venv_is_told_so(tools, monkeypatch):
    monkeypatch.setattr(tools, 'python_version', lambda executable: None)
    with pytest.raises(tools.InstallError, match='apt install python3-venv'):
        tools.choose_python()


def test_a_failing_command_shows_its_last_lines(tools, capsys):
    with pytest.raises(tools.InstallError, match='ended with 3'):
        tools.run([sys.executable, '-c', 'print("the cause"); raise SystemExit(3)'])
    assert '| the cause' in capsys.readouterr().out


def test_packages_from_outside_do_not_mix_in(tools, monkeypatch):
    monkeypatch.setenv('PYTHONPATH', 'elsewhere')
    assert 'PYTHONPATH' not in tools.environment()


@pytest.mark.parametrize(
    ('driver', 'reachable', 'chosen', 'expected'),
    [
        (True, True, None, None),
        (False, True, None, 'https://download.pytorch.org/whl/cpu'),
        (False, False, None, None),
        (True, False, 'https://example.org/cu126', 'https://example.org/cu126'),
        (False, True, '', None),
    ],
)
def test_the_torch_build_fits_the_machine(
    install, pip_calls, monkeypatch, driver, reachable, chosen, expected
):
    monkeypatch.setattr(install, 'output_of', lambda command: None)
    monkeypatch.setattr(install, 'has_nvidia_driver', lambda: driver)
    monkeypatch.setattr(install, 'is_reachable', lambda url: reachable)
    monkeypatch.setattr(install.platform, 'system', lambda: 'Linux')
    if chosen is not None:
        monkeypatch.setenv('DEFORHMR_TORCH_INDEX', chosen)
    install.install_torch()
    (call,) = pip_calls
    assert 'torch==2.13.0' in call and '--index-url' not in call
    found = call[call.index('--extra-index-url') + 1] if expected else None
    assert found == expected
    assert expected or '--extra-index-url' not in call


@pytest.mark.parametrize('version', ['2.13.0', '2.13.0+cpu', '2.13.0+cu130'])
def test_a_torch_that_is_there_stays(install, pip_calls, monkeypatch, version):
    monkeypatch.setattr(install, 'output_of', lambda command: version)
    install.install_torch()
    assert not pip_calls


@pytest.fixture
def cache(install, monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setattr(install, 'output_of', lambda command: 'torch2.13.0-cp311-linux')
    monkeypatch.setattr(install.shutil, 'which', lambda name: f'/bin/{name}')
    return tmp_path / 'cache' / 'deforhmr_mm' / 'wheels'


def test_a_wheel_is_compiled_once(install, cache, monkeypatch):
    calls = []

    def build(*arguments, **env):
        calls.append(arguments)
        folder = arguments[arguments.index('--wheel-dir') + 1]
        folder.mkdir(parents=True)
        (folder / 'mmcv-1.whl').touch()

    monkeypatch.setattr(install, 'pip', build)
    wheel = install.compiled_wheel('mmcv==1')
    assert wheel == cache / 'mmcv-1-torch2.13.0-cp311-linux' / 'mmcv-1.whl'
    assert install.compiled_wheel('mmcv==1') == wheel
    assert len(calls) == 1
    assert [path.name for path in cache.iterdir()] == [wheel.parent.name]
    assert install.compiled_wheel('mmcv==1', kind='-cuda-9.0') != wheel


def test_a_failed_build_leaves_nothing(install, cache, monkeypatch):
    def fail(*arguments, **env):
        folder = arguments[arguments.index('--wheel-dir') + 1]
        folder.mkdir(parents=True)
        (folder / 'half').touch()
        raise install.InstallError('no space')

    monkeypatch.setattr(install, 'pip', fail)
    with pytest.raises(install.InstallError, match='no space'):
        install.compiled_wheel('mmcv==1')
    assert not list(cache.iterdir())


def test_a_missing_compiler_is_named(install, cache, monkeypatch):
    monkeypatch.setattr(install.shutil, 'which', lambda name: None)
    with pytest.raises(install.InstallError, match=r'apt install g\+\+'):
        install.compiled_wheel('mmcv==1')


@pytest.fixture
def ops(install, tools, cache, monkeypatch):
    """Compile mmcv's ops in place; ops(gpus) returns how, and what was installed."""
    (tools.REQUIREMENTS / 'mminstall.txt').write_text('onedl-mmcv==2\n')
    monkeypatch.delenv('TORCH_CUDA_ARCH_LIST', raising=False)

    def call(gpus, fails=False):
        builds, installed = [], []

        def pip(action, *arguments, **env):
            if action == 'install':
                installed.append(arguments[-1].relative_to(cache).parts[0])
                return
            builds.append(env['FORCE_CUDA'])
            if fails and env['FORCE_CUDA'] == '1':
                raise install.InstallError('nvcc stumbled')
            folder = arguments[arguments.index('--wheel-dir') + 1]
            folder.mkdir(parents=True)
            (folder / 'mmcv.whl').touch()

        def output_of(command):
            answers = {'import mmcv.ops': None, install.CUDA_PROBE: gpus}
            return answers.get(command[-1], 'torch2-linux')

        monkeypatch.setattr(install, 'pip', pip)
        monkeypatch.setattr(install, 'output_of', output_of)
        monkeypatch.setattr(install, 'has_nvidia_driver', lambda: gpus != 'no GPU')
        install.install_mmcv_ops()
        return builds, installed

    return call


def test_ops_are_compiled_anew_for_another_gpu(ops):
    assert ops('8.0;9.0') == (['1'], ['onedl-mmcv-2-torch2-linux-cuda-8.0_9.0'])
    assert ops('9.0') == (['1'], ['onedl-mmcv-2-torch2-linux-cuda-9.0'])
    assert ops('9.0')[0] == []  # from the cache


def test_without_a_cuda_compiler_ops_are_for_the_cpu(ops, capsys):
    assert ops(None) == (['0'], ['onedl-mmcv-2-torch2-linux'])
    assert 'no nvcc' in capsys.readouterr().out


def test_a_failed_cuda_build_is_said_and_ops_are_for_the_cpu(ops, capsys):
    assert ops('9.0', fails=True) == (['1', '0'], ['onedl-mmcv-2-torch2-linux'])
    assert 'compiling for CUDA failed: for the CPU' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('nvcc', 'listed', 'printed'),
    [
        ('13.0', None, '8.0;9.0'),
        ('13.1', None, '8.0;9.0'),  # torch warns, and compiles
        ('12.9', None, None),
        (None, None, None),
        ('13.0', '9.0+PTX', '9.0+PTX'),
    ],
)
def test_the_cuda_compiler_must_be_of_torch_s_version(
    install, monkeypatch, tmp_path, capsys, nvcc, listed, printed
):
    torch = pytest.importorskip('torch')
    from torch.utils import cpp_extension

    if nvcc:
        program = tmp_path / 'bin' / 'nvcc'
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\necho "tools, release {nvcc}, V{nvcc}.48"\n')
        program.chmod(0o755)
    if listed:
        monkeypatch.setenv('TORCH_CUDA_ARCH_LIST', listed)
    else:
        monkeypatch.delenv('TORCH_CUDA_ARCH_LIST', raising=False)
    monkeypatch.setattr(cpp_extension, 'CUDA_HOME', str(tmp_path) if nvcc else None)
    monkeypatch.setattr(torch.version, 'cuda', '13.0')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 3)
    capabilities = [(9, 0), (8, 0), (9, 0)]
    monkeypatch.setattr(torch.cuda, 'get_device_capability', capabilities.__getitem__)
    if printed is None:
        with pytest.raises((AssertionError, TypeError)):
            exec(install.CUDA_PROBE, {})
    else:
        exec(install.CUDA_PROBE, {})
        assert capsys.readouterr().out.strip() == printed
