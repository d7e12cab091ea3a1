"""Protocols, tables and files of the metric."""

import csv

import numpy as np
import pytest
import torch

from deforhmr_mm.evaluation import MeshMetric
from deforhmr_mm.structures import get_keypoint_set
from tests.toy_body import KEYS, ToyBody, make_sample, score, slow_scores


def test_joints_of_the_regressor_are_aligned_at_the_hips():
    body = ToyBody()
    samples = [make_sample(body, seed) for seed in range(4)]
    for sample in samples:  # joints that the mesh does not know of
        sample.pred_instances.joints = torch.randn(1, 45, 3)
    expected = slow_scores(body, samples, 'regressed', 'hips')
    for name in ('rich', 'emdb'):
        metric = MeshMetric(body, protocol=name, gendered_truth=False)
        assert score(metric, samples) == pytest.approx(expected, rel=1e-5)


def test_the_truth_may_have_the_gender_of_the_person():
    body, male, female = ToyBody(), ToyBody(size=1.2), ToyBody(size=0.8)
    genders = ('female', 'neutral', 'male', 'male', 'female')
    samples = [make_sample(body, seed) for seed in range(5)]
    for sample, gender in zip(samples, genders, strict=True):
        sample.set_metainfo(dict(gender=gender))
    bodies = dict(male=male, female=female)
    metric = MeshMetric(body, protocol='3dpw', gendered_body_models=bodies)
    by_gender = dict(bodies, neutral=body)
    expected = [
        slow_scores(by_gender[gender], [sample], 'h36m14', 'pelvis')
        for sample, gender in zip(samples, genders, strict=True)
    ]
    means = {key: np.mean([row[key] for row in expected]) for key in KEYS}
    assert score(metric, samples) == pytest.approx(means, rel=1e-5)
    neutral = MeshMetric(body, protocol='3dpw', gendered_truth=False)
    assert score(neutral, samples) == pytest.approx(
        score(MeshMetric(body, protocol='h36m14'), samples), rel=1e-6
    )


def test_gendered_truth_needs_genders():
    bodies = dict(male=ToyBody(size=1.2), female=ToyBody(size=0.8))
    samples = [make_sample(ToyBody(), seed) for seed in range(3)]
    metric = MeshMetric(ToyBody(), protocol='3dpw', gendered_body_models=bodies)
    with pytest.raises(ValueError, match="none of 3 people has one.*column 'gender'"):
        score(metric, samples)
    samples[0].set_metainfo(dict(gender='male'))
    metric = MeshMetric(ToyBody(), protocol='3dpw', gendered_body_models=bodies)
    logged = []
    metric._log = logged.append
    score(metric, samples)
    assert 'on 3 bodies, 2 without a gender and so neutral;' in logged[0]


def test_gendered_truth_needs_its_bodies():
    with pytest.raises(ValueError, match=r"'3dpw' poses the truth.*got none"):
        MeshMetric(ToyBody(), protocol='3dpw')
    with pytest.raises(ValueError, match=r"got \['male'\]"):
        MeshMetric(
            ToyBody(), protocol='rich', gendered_body_models=dict(male=ToyBody())
        )
    other = ToyBody()
    other.num_vertices = 50
    with pytest.raises(ValueError, match='female body has 50 vertices, body_model 60'):
        MeshMetric(
            ToyBody(),
            protocol='3dpw',
            gendered_body_models=dict(male=ToyBody(), female=other),
        )


def test_the_pelvis_of_hmr2_is_its_keypoint_39(tmp_path):
    body = ToyBody()
    samples = [make_sample(body, seed) for seed in range(4)]
    weights = np.zeros((19, 60))
    # Keypoint 39 is the extra joint 14; here the first pelvis of the H36M regressor.
    weights[14] = body.h36m_regressor[0].numpy()
    np.save(tmp_path / 'extra.npy', weights)
    options = dict(pelvis='hmr2', hmr2_regressor=str(tmp_path / 'extra.npy'))
    metric = MeshMetric(body, protocol='h36m14', **options)
    assert "aligned at HMR2.0's keypoint 39" in metric.description
    expected = slow_scores(body, samples, 'h36m14', 'pelvis')
    assert score(metric, samples) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match='needs hmr2_regressor'):
        MeshMetric(body, pelvis='hmr2')


def test_options_change_what_they_say():
    body = ToyBody()
    samples = [make_sample(body, seed) for seed in range(4)]
    base = score(MeshMetric(body), samples)
    hips = score(MeshMetric(body, pelvis='hips'), samples)
    unchanged = ('PA-MPJPE', 'PA-PVE')
    for key in ('MPJPE', 'PVE', 'PVE-area'):
        assert abs(hips[key] - base[key]) > 0.1
    for key in unchanged:
        assert hips[key] == pytest.approx(base[key])
    h36m = score(MeshMetric(body, protocol='h36m14'), samples)
    assert abs(h36m['PA-MPJPE'] - base['PA-MPJPE']) > 1
    assert h36m['PA-PVE'] == pytest.approx(base['PA-PVE'])


def test_tables_by_joint_and_by_sequence(monkeypatch):
    body = ToyBody()
    samples = [make_sample(body, seed) for seed in range(3)]
    paths = ('walk/1.jpg', 'a/run/1.jpg', 'walk/2.jpg')
    for sample, path in zip(samples, paths, strict=True):
        sample.set_metainfo(dict(img_path=path))
    lines = []
    monkeypatch.setattr(MeshMetric, '_log', staticmethod(lines.append))
    metric = MeshMetric(body, per_joint=True, per_sequence=True)
    total = score(metric, samples)
    _, joints, sequences = lines
    rows = [line.split() for line in joints.strip().splitlines()]
    assert rows[0] == ['joint', 'error', 'PA', 'error']
    assert [row[0] for row in rows[1:]] == list(get_keypoint_set('smpl24').names)
    errors = np.array([row[1:] for row in rows[1:]], dtype=float)
    np.testing.assert_allclose(
        errors.mean(0), (total['MPJPE'], total['PA-MPJPE']), atol=0.05
    )
    assert errors[0, 0] == 0  # the pelvis itself
    rows = {line.split()[0]: line.split()[1:] for line in sequences.splitlines()[1:]}
    assert rows['sequence'] == ['bodies', *KEYS]
    assert {name: row[0] for name, row in rows.items()} == {
        'sequence': 'bodies',
        'a/run': '1',
        'walk': '2',
    }
    alone = score(MeshMetric(body), samples[1:2])
    np.testing.assert_allclose(
        np.array(rows['a/run'][1:], dtype=float), list(alone.values()), atol=0.051
    )


@pytest.mark.parametrize(
    ('folders', 'names'),
    [
        # As our converters write EMDB, MPI-INF-3DHP's test set, 3DPW and Human3.6M.
        (
            ['/d/P0/09_walk/images', '/d/P0/11_run/images', '/d/P1/09_walk/images'],
            ['P0/09_walk', 'P0/11_run', 'P1/09_walk'],
        ),
        (['d/TS1/imageSequence', 'd/TS2/imageSequence'], ['TS1', 'TS2']),
        (['d/imageFiles/bus_00', 'd/imageFiles/walk_00'], ['bus_00', 'walk_00']),
        (['d/imageFiles/bus_00', 'd/imageFiles/bus_00'], ['bus_00', 'bus_00']),
        (['d/images', 'd/images'], ['images', 'images']),
        # What one shares with a folder in it is no part that both can lose.
        (['d/a', 'd/a/b'], ['a', 'a/b']),
        (['d/a', ''], ['a', '']),
        (['/a', 'a'], ['/a', 'a']),
    ],
)
def test_sequences_are_told_apart_by_their_folders(tmp_path, folders, names):
    body = ToyBody()
    samples = [make_sample(body, seed) for seed in range(len(folders))]
    for sample, folder in zip(samples, folders, strict=True):
        sample.set_metainfo(dict(img_path=f'{folder}/1.jpg' if folder else '1.jpg'))
    samples.append(make_sample(body, 9))
    samples[-1].set_metainfo(dict(img_path='elsewhere/1.jpg', sequence='d/own'))
    prefix = tmp_path / 'scores'
    metric = MeshMetric(body, per_sequence=True, out_file_prefix=str(prefix))
    lines = []
    metric._log = lines.append
    score(metric, samples)
    _, table, _ = lines
    figures = [line.split() for line in table.splitlines()[2:]]
    # An empty name leaves the number of bodies first.
    counted = {row[0]: row[1] for row in figures if len(row) == len(KEYS) + 2}
    names = [*names, 'd/own']
    assert counted == {name: str(names.count(name)) for name in names if name}
    with np.load(f'{prefix}.npz') as file:
        assert file['sequence'].tolist() == names
    with open(f'{prefix}.csv', newline='') as file:
        assert [row['sequence'] for row in csv.DictReader(file)] == names


def test_figures_of_every_body_are_written(tmp_path):
    body = ToyBody()
    samples = [make_sample(body, seed, labelled=seed != 1) for seed in range(3)]
    prefix = tmp_path / 'new' / 'scores'
    total = score(MeshMetric(body, out_file_prefix=str(prefix)), samples)
    with np.load(f'{prefix}.npz') as data:
        assert data['sample_id'].tolist() == ['0', '2']
        assert data['keys'].tolist() == list(KEYS)
        np.testing.assert_allclose(data['figures'].mean(0), list(total.values()))
        np.testing.assert_allclose(
            data['joint_errors'].mean(1), data['figures'][:, 0], rtol=1e-6
        )
        np.testing.assert_allclose(
            data['pa_joint_errors'].mean(1), data['figures'][:, 1], rtol=1e-6
        )
        assert 'protocol smpl24' in str(data['description'])
        figures = data['figures']
    with open(f'{prefix}.csv', newline='') as file:
        rows = list(csv.reader(file))
    assert rows[0] == ['sample_id', 'sequence', *KEYS]
    assert [row[0] for row in rows[1:]] == ['0', '2']
    np.testing.assert_allclose(
        np.array([row[2:] for row in rows[1:]], dtype=float), figures, atol=1e-3
    )
    assert sorted(path.name for path in prefix.parent.iterdir()) == [
        'scores.csv',
        'scores.npz',
    ]
