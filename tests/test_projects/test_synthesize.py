import hashlib
import json
import shutil

import cv2
import numpy as np
import pytest

pytest.importorskip('embreex', reason='rendering needs embreex')

import synthesize  # noqa: E402

from deforhmr_mm.body_models import OPEN_BODY_PATH, SMPL  # noqa: E402

SHAPES = {
    'imgname': (), 'center': (2,), 'scale': (), 'part': (24, 3), 'openpose': (25, 3),
    'pose': (72,), 'shape': (10,), 'has_smpl': (), 'S': (24, 4), 'gender': (),
    'transl': (3,), 'focal_l': (), 'principal_point': (2,), 'person_id': (),
    'visible': (), 'yaw': (),
}  # fmt: skip


def run(out, *arguments):
    synthesize.main(['--out', str(out), *map(str, arguments)])


def digests(out):
    return {
        path.relative_to(out): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob('*'))
        if path.is_file()
    }


def test_same_seed_same_bytes_with_more_workers(rendered, tmp_path):
    run(tmp_path / 'data', *rendered.arguments, '--workers', 2)
    again, first = digests(tmp_path / 'data'), digests(rendered.out)
    assert len(first) >= 8
    assert again == first


@pytest.mark.parametrize('split', ['train', 'val'])
def test_annotation_keys_shapes_and_types(rendered, split):
    people = rendered.people[split]
    with np.load(rendered.out / f'annotations/{split}.npz') as file:
        data = dict(file)
    assert set(data) == {*SHAPES, 'body_fingerprint'}
    for key, shape in SHAPES.items():
        assert data[key].shape == (people, *shape), key
    for name in data['imgname']:
        assert (rendered.out / str(name)).stat().st_size > 1000
        assert str(name).startswith(f'images/{split}/')
    assert data['pose'].dtype == np.float64
    assert data['person_id'].tolist() == list(range(people))
    assert len(str(data['body_fingerprint'])) == 16
    assert (data['transl'][:, 2] > 0).all()
    np.testing.assert_array_equal(data['has_smpl'], 1)
    for key in SHAPES:
        if data[key].dtype.kind == 'f':
            assert np.isfinite(data[key]).all(), key


def test_a_second_run_renders_only_what_is_missing(rendered, tmp_path):
    out = tmp_path / 'data'
    shutil.copytree(rendered.out, out)
    lost, *kept = sorted(out.rglob('*.jpg'))
    times = {path: path.stat().st_mtime_ns for path in kept}
    lost.unlink()
    record = out / 'records' / lost.relative_to(out / 'images').with_suffix('.npz')
    record.unlink()
    run(out, *rendered.arguments)
    assert digests(out) == digests(rendered.out)
    assert {path: path.stat().st_mtime_ns for path in kept} == times


def test_other_settings_in_the_same_folder_are_refused(rendered):
    with pytest.raises(ValueError, match='seed=3.*now seed=4'):
        run(rendered.out, '--train', 4, '--seed', 4)


def test_a_folder_of_data_set_v1_is_refused(tmp_path):
    fingerprint = SMPL(str(OPEN_BODY_PATH)).fingerprint
    settings = {'version': 'v1', 'seed': 0, 'body_fingerprint': fingerprint}
    (tmp_path / 'settings.json').write_text(json.dumps(settings))
    with pytest.raises(ValueError, match="version='v1', now version=None; choose"):
        run(tmp_path, '--train', 1)
    assert [path.name for path in tmp_path.iterdir()] == ['settings.json']


def test_a_larger_split_is_not_cut(rendered):
    before = digests(rendered.out)
    with pytest.raises(ValueError, match=r'train.npz: expected at most 3 .*got 4'):
        run(rendered.out, '--train', 3, '--seed', 3)
    assert digests(rendered.out) == before


def test_contact_sheets_show_every_picture(rendered):
    for split, path in rendered.sheets.items():
        with np.load(rendered.out / f'annotations/{split}.npz') as file:
            pictures = len(set(file['imgname'].tolist()))
        sheet = cv2.imread(str(path))
        cells = [sheet[:, x : x + 320] for x in range(0, sheet.shape[1], 320)]
        assert sheet.shape == (320, 6 * 320, 3)
        assert sum(cell.std() > 5 for cell in cells) == pictures


def test_photographs_become_backgrounds(tmp_path):
    photos, out = tmp_path / 'photos', tmp_path / 'data'
    photos.mkdir()
    with pytest.raises(FileNotFoundError, match='photos: no pictures'):
        run(out, '--train', 1, '--backgrounds', photos)
    assert not out.exists()
    cv2.imwrite(str(photos / 'green.png'), np.full((9, 12, 3), (0, 200, 0), np.uint8))
    run(out, '--train', 4, '--backgrounds', photos)
    pictures = [cv2.imread(str(path)).astype(float) for path in out.rglob('*.jpg')]
    green = [p[..., 1] > 1.3 * p[..., [0, 2]].max(axis=-1) for p in pictures]
    assert max(mask.mean() for mask in green) > 0.5
    with pytest.raises(ValueError, match='other settings'):
        run(out, '--train', 4)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ([], 'at least one of --train'),
        (['--train', '-1'], '--train: -1'),
        (['--train', '1', '--workers', '0'], '--workers: 0'),
        (['--train', '1', '--seed', '-1'], '--seed: expected 0 or more, got -1'),
    ],
)
def test_impossible_arguments_are_refused(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(tmp_path / 'data', *arguments)
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'data').exists()
