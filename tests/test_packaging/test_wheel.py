"""What the wheel holds, and that mim finds it there."""

import re
import subprocess
import sys
import zipfile
from email.parser import Parser

import cv2
import numpy as np
import pytest

import deforhmr_mm

MIM = 'deforhmr_mm/.mim'
CONFIG = 'configs/deforhmr/deforhmr_vit-tiny_openbody-256x192.py'
CHECKPOINT = 'demo/checkpoints/deforhmr_vit-tiny_openbody-v1-256x192.pth'


@pytest.fixture(scope='session')
def members(wheel):
    """The wheel's files and their sizes."""
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: info.file_size for info in archive.infolist()}


@pytest.fixture(scope='session')
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith('dist-info/METADATA'))
        return Parser().parsestr(archive.read(name).decode())


@pytest.mark.parametrize(
    'name',
    [
        CONFIG,
        CHECKPOINT,
        'configs/_base_/default_runtime.py',
        'configs/deforhmr/deforhmr_vit-h_2xb100-100e_mixed-256x192.py',
        'demo/inferencer_demo.py',
        'model-index.yml',
        'tools/dist_train.sh',
        'tools/test.py',
        'tools/train.py',
    ],
)
def test_the_wheel_holds_what_mim_looks_for(members, name):
    assert members.get(f'{MIM}/{name}', 0) > 0


@pytest.mark.parametrize('folder', ['configs', 'demo', 'tools'])
def test_a_folder_is_shipped_whole(members, root, folder):
    expected = {
        f'{MIM}/{path.relative_to(root).as_posix()}'
        for path in (root / folder).rglob('*')
        if path.is_file() and '__pycache__' not in path.parts and path.name[0] != '.'
    }
    assert {name for name in members if name.startswith(f'{MIM}/{folder}/')} == expected


def test_the_open_body_and_its_licence_are_in_the_package(members, root):
    assets = root / 'deforhmr_mm' / 'body_models' / 'assets'
    for path in assets.iterdir():
        name = path.relative_to(root).as_posix()
        assert members.get(name) == path.stat().st_size
    size = members['deforhmr_mm/body_models/assets/open_body.npz']
    assert size <= 4 * 2**20
    licences = [n for n in members if re.search(r'assets/.*licen[cs]e', n, re.I)]
    assert licences


def test_the_page_of_the_html_viewer_is_in_the_package(members, root):
    assets = root / 'deforhmr_mm' / 'visualization' / 'assets'
    names = {path.name for path in assets.iterdir()}
    assert {'viewer.html', 'viewer.css', 'viewer.js'} <= names
    for path in assets.iterdir():
        name = path.relative_to(root).as_posix()
        assert members.get(name) == path.stat().st_size


def test_nothing_else_is_in_the_wheel(members):
    tops = {name.split('/')[0] for name in members}
    assert tops == {'deforhmr_mm', f'deforhmr_mm-{deforhmr_mm.__version__}.dist-info'}
    assert not [name for name in members if '__pycache__' in name]
    assert sum(members.values()) < 40 * 2**20


def test_metadata(metadata, members):
    assert metadata['Name'] == 'deforhmr_mm'
    assert metadata['Version'] == deforhmr_mm.__version__
    assert metadata['Requires-Python'] == '>=3.10'
    assert [name for name in members if re.fullmatch(r'.*dist-info/.*LICENSE', name)]


def test_metadata_names_no_package_that_has_a_fork(metadata):
    """Stock or fork is the user's choice: dependencies.py checks what is imported."""
    requirements = metadata.get_all('Requires-Dist')
    names = {re.match(r'[\w.-]+', line).group().lower() for line in requirements}
    assert {'numpy', 'torch', 'smplx', 'roma', 'trimesh', 'embreex'} <= names
    assert not [n for n in names if 'mm' in n or 'opencv' in n]
    # After the semicolon stand conditions, as `extra == "converters"`.
    assert not [line for line in requirements if '==' in line.split(';')[0]]


@pytest.fixture(scope='session')
def clean_python(tmp_path_factory, wheel):
    """The Python of a new environment that holds the wheel and no checkout.

    The dependencies are those of the running environment, reached by a .pth file: what
    is new here is the project, installed as a user would. The running environment's own
    editable installation is not reached, since .pth files there are not read.
    """
    folder = tmp_path_factory.mktemp('clean')
    subprocess.run([sys.executable, '-m', 'venv', folder], check=True)
    python = folder / 'bin' / 'python'
    options = ['--quiet', '--no-deps', '--no-index']
    subprocess.run([python, '-m', 'pip', 'install', *options, wheel], check=True)
    ask = 'import sysconfig; print(sysconfig.get_path("purelib"))'
    ours = subprocess.check_output([sys.executable, '-c', ask], text=True).strip()
    new = subprocess.check_output([python, '-c', ask], text=True).strip()
    with open(f'{new}/dependencies.pth', 'w', encoding='utf-8') as file:
        file.write(f'{ours}\n')
    return python


@pytest.mark.slow
def test_a_clean_environment_takes_the_wheel(clean_python, run_python, root, tmp_path):
    code = (
        'import deforhmr_mm; from deforhmr_mm.body_models import SMPL; '
        'print(deforhmr_mm.__file__, SMPL().num_vertices)'
    )
    done = run_python('-c', code, python=clean_python, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert str(root) not in done.stdout
    assert 'site-packages' in done.stdout


@pytest.mark.slow
def test_a_config_elsewhere_builds_on_the_wheel_s(clean_python, run_python, tmp_path):
    name = CONFIG.removeprefix('configs/')
    (tmp_path / 'own.py').write_text(f"_base_ = 'deforhmr_mm::{name}'")
    code = (
        'import deforhmr_mm.registry; from mmengine.config import Config; '
        "config = Config.fromfile('own.py'); "
        'print(deforhmr_mm.__file__, config.model.head.type)'
    )
    done = run_python('-c', code, python=clean_python, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert 'site-packages' in done.stdout and 'DeforHMRHead' in done.stdout


@pytest.fixture
def workplace(tmp_path):
    """A folder that is no checkout, with a data set of 4 pictures."""
    rng = np.random.default_rng(0)
    data = tmp_path / 'data' / 'open_body'
    (data / 'annotations').mkdir(parents=True)
    for index in range(4):
        picture = np.full((120, 160, 3), rng.integers(0, 255, 3), dtype=np.uint8)
        cv2.imwrite(str(data / f'{index}.jpg'), picture)
    labels = {
        'imgname': np.array([f'{index}.jpg' for index in range(4)]),
        'center': np.full((4, 2), (80.0, 60.0)),
        'scale': np.full(4, 0.5),
        'pose': rng.normal(0, 0.3, (4, 72)),
        'shape': rng.normal(0, 1, (4, 10)),
    }
    for split in ('train', 'val', 'test'):
        np.savez(data / 'annotations' / f'{split}.npz', **labels)
    return tmp_path


@pytest.fixture
def mim(clean_python, run_python, workplace):
    """Call of mim's command line in the clean environment; gives what it prints."""

    def call(*arguments):
        done = run_python('-m', 'mim', *arguments, python=clean_python, cwd=workplace)
        assert done.returncode == 0, done.stdout
        return done.stdout

    return call


@pytest.mark.slow
def test_mim_run_finds_the_tools(mim):
    printed = mim('run', 'deforhmr_mm', 'train', '--', '--help')
    assert '.mim/tools/train.py' in printed and 'site-packages' in printed
    assert '--resume' in printed


@pytest.mark.slow
def test_mim_trains_and_tests_with_the_wheels_config(mim, workplace, root):
    options = ['--cfg-options']
    for loader in ('train', 'val', 'test'):
        options += [f'{loader}_dataloader.num_workers=0']
        options += [f'{loader}_dataloader.persistent_workers=False']
        options += [f'{loader}_dataloader.batch_size=2']
    options += ['train_cfg.max_epochs=1']
    config = CONFIG.split('/')[-1]
    work_dir = ['--work-dir', 'work']
    printed = mim('train', 'deforhmr_mm', config, *work_dir, *options)
    assert f'site-packages/{MIM}/{CONFIG}' in printed
    assert f'{root}/configs' not in printed and f'{root}/tools' not in printed
    checkpoint = workplace / 'work' / 'epoch_1.pth'
    assert checkpoint.is_file()

    arguments = ['--checkpoint', checkpoint, *work_dir, *options]
    printed = mim('test', 'deforhmr_mm', config, *arguments)
    assert re.search(r'PA-MPJPE: +[\d.]+', printed), printed
