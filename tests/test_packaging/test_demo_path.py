"""The demo and training need nothing that a plain machine lacks."""

import importlib.util

# Compiled, or without a working wheel on a machine that must do; see docs/install.md.
NEVER_NEEDED = (
    'mmcv.ops',
    'mmcv._ext',
    'xtcocotools',
    'torchvision',
    'mmdet',
    'mmpretrain',
    'mmpose.apis',
    'mmpose.datasets',
    'mmpose.models',
    'mmpose.visualization',
    'chumpy',
    'anny',
    'OpenGL',
    'pyrender',
)
PARTS = (
    'registry',
    'structures',
    'body_models',
    'models',
    'datasets',
    'evaluation',
    'engine',
    'visualization',
    'apis',
)


def test_every_part_imports(run_blocked):
    done = run_blocked(NEVER_NEEDED, 'import', *(f'deforhmr_mm.{p}' for p in PARTS))
    assert done.returncode == 0, done.stdout


def test_hiding_works(run_blocked):
    assert importlib.util.find_spec('mmcv.ops') is not None
    done = run_blocked(NEVER_NEEDED, 'import', 'mmcv', 'mmcv.ops')
    assert done.returncode == 1
    assert "No module named 'mmcv.ops'" in done.stdout


def test_geometry_imports_without_the_openmmlab_packages(run_blocked):
    hidden = ('mmengine', 'mmcv', 'mmpose', 'cv2', 'smplx', 'scipy', 'trimesh')
    done = run_blocked(hidden, 'import', 'deforhmr_mm.geometry')
    assert done.returncode == 0, done.stdout


def test_the_package_itself_imports_nothing(run_blocked):
    hidden = ('torch', 'numpy', 'mmengine')
    done = run_blocked(hidden, 'import', 'deforhmr_mm', 'deforhmr_mm.dependencies')
    assert done.returncode == 0, done.stdout


def test_the_demo_runs(run_blocked, root, tmp_path):
    script = root / 'demo' / 'inferencer_demo.py'
    done = run_blocked(NEVER_NEEDED, 'run', script, '--out-dir', tmp_path)
    assert done.returncode == 0, done.stdout
    written = {path.suffix for path in tmp_path.rglob('*') if path.is_file()}
    assert {'.png', '.glb', '.json', '.npz'} <= written
