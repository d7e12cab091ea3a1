import hashlib
import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

pytest.importorskip('embreex', reason='rendering needs embreex')

import describe_v1  # noqa: E402
import show_v1  # noqa: E402
import synthesize_v1  # noqa: E402
from scipy.spatial.transform import Rotation  # noqa: E402
from synthetic_v1 import generate, manifest  # noqa: E402
from synthetic_v1.manifest import compare, rendering_packages  # noqa: E402
from synthetic_v1.recipe import RECIPES  # noqa: E402

from deforhmr_mm.datasets import HMRDataset, read_labels  # noqa: E402

PEOPLE = {'val': 3, 'test_truncated': 2}
SHAPES = {
    'imgname': (), 'center': (2,), 'scale': (), 'part': (24, 3), 'openpose': (25, 3),
    'coco': (17, 3), 'pose': (72,), 'shape': (10,), 'has_smpl': (), 'S': (24, 4),
    'gender': (), 'transl': (3,), 'focal_l': (), 'principal_point': (2,),
    'person_id': (), 'joint_seen': (45,), 'visible': (), 'seen_inside': (), 'yaw': (),
}  # fmt: skip


def run(out, people=PEOPLE, *arguments):
    sizes = [f'{split}={number}' for split, number in people.items()]
    synthesize_v1.main(['--out', str(out), '--people', *sizes, *map(str, arguments)])


def digests(out):
    return {
        path.relative_to(out): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob('*'))
        if path.is_file()
    }


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A few people of two splits. Tests must leave it as it is."""
    out = tmp_path_factory.mktemp('v1') / 'data'
    run(out)
    return out


def test_the_splits_are_those_of_the_benchmark():
    sizes = {split: recipe.people for split, recipe in RECIPES.items()}
    assert sizes == {
        'train': 60000, 'val': 2000, 'test': 4000, 'test_occluded': 1000,
        'test_truncated': 1000, 'test_rare_poses': 1000, 'test_extreme_views': 1000,
    }  # fmt: skip
    assert sorted(r.number for r in RECIPES.values()) == list(range(7))


def test_same_bytes_with_more_workers_and_the_manifest_says_so(made, tmp_path, caplog):
    run(tmp_path / 'data', PEOPLE, '--workers', 2, '--check', made / 'manifest.json')
    again, first = digests(tmp_path / 'data'), digests(made)
    assert len(first) >= 8
    assert again == first
    ours, theirs = (
        json.loads((path / 'manifest.json').read_text())
        for path in (made, tmp_path / 'data')
    )
    assert compare(ours, theirs, PEOPLE) == [
        ('val: the same bytes', True),
        ('test_truncated: the same bytes', True),
    ]


def test_annotation_keys_shapes_and_kept_people(made):
    for split, people in PEOPLE.items():
        with np.load(made / f'annotations/{split}.npz') as file:
            data = dict(file)
        assert set(data) == {*SHAPES, 'body_fingerprint'}
        for key, shape in SHAPES.items():
            assert data[key].shape == (people, *shape), key
            if data[key].dtype.kind == 'f':
                assert np.isfinite(data[key]).all(), key
        assert set(np.unique(data['coco'][..., 2])) <= {0.0, 1.0, 2.0}
        for name in data['imgname']:
            assert (made / str(name)).stat().st_size > 1000
    inside = data['openpose'][..., 2].mean(axis=1)
    assert (inside < 0.95).all()  # the truncated split


def test_hmr_dataset_reads_the_annotations(made):
    dataset = HMRDataset(
        data_root=str(made), ann_file='annotations/val.npz', pipeline=[],
        dataset_name='open_body',
    )  # fmt: skip
    assert len(dataset) == PEOPLE['val']
    with np.load(made / 'annotations/val.npz') as file:
        betas = file['shape']
    read = np.concatenate(
        [label['betas'].reshape(1, -1) for label in read_labels(dataset)]
    )
    np.testing.assert_allclose(read, betas, atol=1e-6)


def test_a_larger_split_begins_with_the_smaller_one_and_reuses_it(made, tmp_path):
    out = tmp_path / 'data'
    shutil.copytree(made, out)
    times = {p: p.stat().st_mtime_ns for p in out.rglob('*.jpg')}
    run(out, {'val': 5})
    assert {p: p.stat().st_mtime_ns for p in times} == times
    with np.load(made / 'annotations/val.npz') as small:
        with np.load(out / 'annotations/val.npz') as large:
            assert len(large['pose']) == 5
            np.testing.assert_array_equal(large['pose'][:3], small['pose'])
    found = json.loads((out / 'manifest.json').read_text())
    assert set(found['splits']) == set(PEOPLE)


def test_a_larger_split_is_not_cut(made):
    before = digests(made)
    with pytest.raises(
        ValueError, match='val.npz: expected at most 2 .*got 3.*not cut'
    ):
        run(made, {'val': 2})
    assert digests(made) == before


def test_the_check_fails_where_labels_are_others(made, tmp_path):
    out = tmp_path / 'data'
    shutil.copytree(made, out)
    reference = json.loads((made / 'manifest.json').read_text())
    reference['splits']['val']['annotations'] = 'those of other people'
    reference['splits']['val']['means']['pose'] *= 1.01
    del reference['splits']['val']['moments']  # as it was before they were kept
    path = tmp_path / 'reference.json'
    path.write_text(json.dumps(reference))
    with pytest.raises(SystemExit, match='data is not what .*reference.json tells'):
        run(out, {'val': 3}, '--check', path)


def test_the_sums_tell_signs_and_every_key(made):
    splits = json.loads((made / 'manifest.json').read_text())['splits']
    with np.load(made / 'annotations/val.npz') as file:
        data = dict(file)
    moments = splits['val']['moments']
    assert set(moments) == set(SHAPES) - {'imgname', 'gender'}
    for key, (mean, square) in moments.items():
        assert mean == pytest.approx(data[key].astype(float).mean(), abs=1e-9), key
        assert square == pytest.approx((data[key].astype(float) ** 2).mean()), key


def test_the_packages_that_a_set_was_begun_with_are_kept(
    made, tmp_path, monkeypatch, caplog
):
    begun = json.loads((made / 'manifest.json').read_text())['packages']
    assert rendering_packages(tmp_path) == begun
    assert rendering_packages(made) == begun
    monkeypatch.setattr(manifest.importlib.metadata, 'version', lambda name: '99')
    warned = []
    logger = manifest.MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'warning', lambda text, *a: warned.append(text % a))
    assert rendering_packages(made) == begun
    assert f'numpy {np.__version__}, now 99; ' in warned[0]


def test_a_rendering_that_was_killed_remembers_its_packages(tmp_path, monkeypatch):
    class KilledError(Exception):
        pass

    def kill(*args):
        raise KilledError

    monkeypatch.setattr(synthesize_v1, 'render_split', kill)
    with pytest.raises(KilledError):
        run(tmp_path, PEOPLE)
    begun = json.loads((tmp_path / 'manifest.json').read_text())
    assert begun['packages']['numpy'] == np.__version__
    assert begun['splits'] == {}
    monkeypatch.setattr(manifest.importlib.metadata, 'version', lambda name: '99')
    assert rendering_packages(tmp_path) == begun['packages']


def test_another_seed_in_the_same_folder_is_refused(made):
    with pytest.raises(ValueError, match='seed=0.*now seed=1'):
        run(made, PEOPLE, '--seed', 1)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--people', 'vall=3'], 'SPLIT=NUMBER'),
        (['--people', 'val=0'], 'SPLIT=NUMBER'),
        (['--workers', '0'], '--workers: expected 1 or more, got 0'),
        (['--seed', '-1'], '--seed: expected 0 or more, got -1'),
    ],
)
def test_impossible_arguments_are_refused(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit):
        synthesize_v1.main(['--out', str(tmp_path / 'data'), *arguments])
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'data').exists()


def test_a_picture_that_fails_is_named_when_the_others_are_done(tmp_path, monkeypatch):
    class Pool:
        def imap(self, function, tasks, chunksize):
            return map(function, tasks)

    class Maker:
        def make(self, seed, recipe):
            if seed.entropy[2] == 1:
                raise FloatingPointError('no ground')
            return generate_picture

    generate_picture = type('Picture', (), {'jpeg': b'x', 'labels': []})
    monkeypatch.setitem(generate._worker, 'maker', Maker())
    monkeypatch.setitem(generate._worker, 'out', tmp_path)
    with pytest.raises(
        RuntimeError, match='1 pictures failed.*picture 1 of val, seed 0'
    ):
        generate.render_split(Pool(), tmp_path, 'val', 12, 0, 'f')
    assert sorted(p.name for p in tmp_path.rglob('*.jpg')) == [
        '000000.jpg',
        '000002.jpg',
    ]


def entry(people=2, annotations='a', mean=1.0, folders=None, yaw=(0.01, 4.0)):
    folders = folders or {'00000': 'p'}
    return {
        'people': people, 'pictures': 1, 'annotations': annotations,
        'means': {'pose': mean}, 'moments': {'yaw': yaw}, 'folders': folders,
    }  # fmt: skip


@pytest.mark.parametrize(
    ('found', 'line', 'agrees'),
    [
        (entry(), 's: the same bytes', True),
        (entry(yaw=(0.03, 4.0)), 's: the same bytes', True),
        (
            entry(folders={'00000': 'q'}),
            's: 1 of 1 folders of pictures differ, labels are the same bytes',
            True,
        ),
        (
            entry(annotations='b', mean=1.00001, yaw=(0.0101, 4.001)),
            's: 0 of 1 folders of pictures differ, labels agree but for rounding',
            True,
        ),
        (entry(annotations='b', mean=1.01), 's: other labels: pose', False),
        (
            entry(annotations='b', mean=2, yaw=(-0.01, 4.0)),
            's: other labels: pose, yaw',
            False,
        ),
        (entry(annotations='b', yaw=(0.01, 4.1)), 's: other labels: yaw', False),
        (entry(people=3), 's: expected 2 people, got 3', False),
        (None, 's: missing', False),
    ],
)
def test_manifests_are_compared(found, line, agrees):
    other = {'splits': {} if found is None else {'s': found}}
    reference = {'splits': {'s': entry()}}
    assert compare(reference, other, ['s']) == [(line, agrees)]
    assert compare(other, reference, []) == []
    assert compare({'splits': {}}, reference, ['s']) == [
        ('s: not in the reference', False)
    ]


def test_joint_spread_is_the_angle_from_the_mean_rotation():
    pose = np.zeros((2, 72))
    pose[:, 3] = np.radians([70, 10])  # joint 1, about x: 30 degrees either side
    mean, high = describe_v1.joint_spread(pose)
    np.testing.assert_allclose(mean[:3], [0, 30, 0], atol=1e-6)
    np.testing.assert_allclose(high[1], 30, atol=1e-6)
    assert Rotation.from_rotvec(pose[:, 3:6]).mean().magnitude() == pytest.approx(
        np.radians(40)
    )


def test_yaw_imbalance_is_the_excess_of_the_fullest_twelfth():
    even = np.linspace(-np.pi, np.pi, 12, endpoint=False) + 0.1
    assert describe_v1.yaw_imbalance(even) == 0
    assert describe_v1.yaw_imbalance(np.r_[even, [0.05] * 12]) == pytest.approx(5.5)


def test_the_description_names_every_split(made, capsys):
    describe_v1.main([str(made)])
    text = capsys.readouterr().out
    assert '| val | 3 |' in text and '| test_truncated | 2 |' in text
    assert 'left_knee' in text


def test_a_sheet_has_a_cell_for_each_person(made, tmp_path):
    path = tmp_path / 'sheet.png'
    show_v1.main([str(made), 'val', '--out', str(path), '--columns', '2', '--labels'])
    sheet = cv2.imread(str(path))
    assert sheet.shape == (2 * 192, 2 * 144, 3)
    cells = [sheet[y : y + 192, x : x + 144] for y in (0, 192) for x in (0, 144)]
    assert [bool(cell.std() > 3) for cell in cells] == [True, True, True, False]


def test_a_sheet_that_cannot_be_small_enough_is_not_written(made, tmp_path):
    path = tmp_path / 'sheet.jpg'
    arguments = [str(made), 'val', '--out', str(path), '--columns', '3']
    with pytest.raises(
        ValueError, match=r'sheet.jpg: expected at most 1 kB, got \d+ kB .*--count'
    ):
        show_v1.main([*arguments, '--kilobytes', '1'])
    assert not path.exists()
    show_v1.main([*arguments, '--kilobytes', '30'])
    assert 1000 < path.stat().st_size <= 30000


@pytest.mark.parametrize('flag', ['--count', '--columns'])
def test_a_sheet_has_a_cell_at_least(flag, tmp_path, capsys):
    with pytest.raises(SystemExit):
        show_v1.main([str(tmp_path), 'val', '--out', 'sheet.jpg', flag, '0'])
    assert f'{flag}: expected 1 or more, got 0' in capsys.readouterr().err


def test_a_set_that_is_not_there_is_one_line(tmp_path):
    command = [sys.executable, show_v1.__file__, str(tmp_path / 'no'), 'val']
    command += ['--out', str(tmp_path / 'sheet.jpg')]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert shown.returncode == 1
    errors = [line for line in shown.stderr.splitlines() if 'rror' in line]
    path = tmp_path / 'no/annotations/val.npz'
    assert errors == [
        f'error: {path}: expected the labels of val, but there is no such file; '
        'synthesize_v1.py makes it'
    ]
    assert 'Traceback' not in shown.stderr
