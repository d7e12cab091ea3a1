import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('embreex', reason='rendering needs embreex')

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / 'projects/open_body/synthesize.py'
PEOPLE = {'train': 6, 'val': 2}
SHAPES = {
    'imgname': (), 'center': (2,), 'scale': (), 'part': (24, 3), 'openpose': (25, 3),
    'pose': (72,), 'shape': (10,), 'has_smpl': (), 'S': (24, 4), 'gender': (),
    'global_t': (3,), 'focal_l': (), 'principal_point': (2,), 'person_id': (),
    'visible': (), 'yaw': (),
}  # fmt: skip


def synthesize(out, *more, workers=1, seed=3, check=True):
    command = [sys.executable, str(SCRIPT), '--out', str(out), '--seed', str(seed)]
    for split, people in PEOPLE.items():
        command += [f'--{split}', str(people)]
    command += ['--workers', str(workers), *map(str, more)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=check, timeout=300
    )


def digests(out):
    return {
        path.relative_to(out): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob('*'))
        if path.is_file()
    }


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp('one') / 'data'
    synthesize(out, '--contact-sheet', out.parent / 'sheet.png')
    return out


def test_same_seed_same_bytes_with_more_workers(made, tmp_path):
    synthesize(tmp_path / 'data', workers=2)
    again, first = digests(tmp_path / 'data'), digests(made)
    assert len(first) >= 8
    assert again == first


@pytest.mark.parametrize(('split', 'people'), PEOPLE.items())
def test_annotation_keys_shapes_and_types(made, split, people):
    with np.load(made / f'annotations/{split}.npz') as file:
        data = dict(file)
    assert set(data) == {*SHAPES, 'body_fingerprint'}
    for key, shape in SHAPES.items():
        assert data[key].shape == (people, *shape), key
    for name in data['imgname']:
        assert (made / str(name)).stat().st_size > 1000
        assert str(name).startswith(f'images/{split}/')
    assert data['pose'].dtype == np.float64
    assert data['person_id'].tolist() == list(range(people))
    assert len(str(data['body_fingerprint'])) == 16
    assert (data['global_t'][:, 2] > 0).all()
    np.testing.assert_array_equal(data['has_smpl'], 1)
    for key in SHAPES:
        if data[key].dtype.kind == 'f':
            assert np.isfinite(data[key]).all(), key


def test_a_second_run_renders_nothing_and_restores_what_is_missing(made, tmp_path):
    pictures = sorted(made.rglob('*.jpg'))
    times = {path: path.stat().st_mtime_ns for path in pictures}
    before = digests(made)
    lost = pictures[0]
    record = made / 'records' / lost.relative_to(made / 'images').with_suffix('.npz')
    lost.unlink()
    record.unlink()
    synthesize(made)
    assert digests(made) == before
    for path in pictures[1:]:
        assert path.stat().st_mtime_ns == times[path]


def test_another_seed_in_the_same_folder_is_refused(made):
    result = synthesize(made, seed=4, check=False)
    assert result.returncode != 0
    assert 'seed=3' in result.stderr and 'seed=4' in result.stderr


def test_contact_sheet(made):
    assert (made.parent / 'sheet_train.png').stat().st_size > 10_000


def test_a_folder_without_photographs_is_refused(tmp_path):
    (tmp_path / 'photos').mkdir()
    result = synthesize(
        tmp_path / 'data', '--backgrounds', tmp_path / 'photos', check=False
    )
    assert result.returncode != 0
    assert 'photos' in result.stderr
