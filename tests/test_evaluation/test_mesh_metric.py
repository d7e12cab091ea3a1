import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import roma
import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from deforhmr_mm.evaluation import MeshMetric
from deforhmr_mm.registry import METRICS
from deforhmr_mm.structures import MeshDataSample, get_keypoint_set
from tests.processes import run_ranks

KEYS = ('MPJPE', 'PA-MPJPE', 'PVE', 'PVE-area', 'PA-PVE', 'PCK@150', 'AUC')
NUM_VERTICES = 60


class BodyOutput(NamedTuple):
    vertices: Tensor
    joints: Tensor


class ToyBody(nn.Module):
    """A cloud that the pose turns part by part and betas stretch."""

    body_name = 'toy'
    fingerprint = '0123456789abcdef'
    num_vertices = NUM_VERTICES

    def __init__(self, with_h36m: bool = True, size: float = 1.0) -> None:
        super().__init__()
        self.size = size
        generator = torch.Generator().manual_seed(0)
        self.template = torch.randn(NUM_VERTICES, 3, generator=generator)
        joint_regressor = torch.rand(45, NUM_VERTICES, generator=generator)
        self.joint_regressor = joint_regressor / joint_regressor.sum(1, keepdim=True)
        h36m = torch.rand(17, NUM_VERTICES, generator=generator)
        self.h36m_regressor = h36m / h36m.sum(1, keepdim=True) if with_h36m else None
        areas = torch.rand(NUM_VERTICES, generator=generator)
        self.vertex_area_weights = areas / areas.sum()

    def forward(self, global_orient, body_pose, betas, transl=None) -> BodyOutput:
        parts = torch.arange(NUM_VERTICES) % body_pose.shape[1]
        vertices = self.size * self.template * (1 + 0.1 * betas.mean(-1))[:, None, None]
        vertices = (body_pose[:, parts] @ vertices[..., None])[..., 0]
        vertices = vertices @ global_orient[:, 0].mT
        return BodyOutput(vertices, self.joint_regressor @ vertices)


def make_sample(body: ToyBody, seed: int, labelled: bool = True) -> MeshDataSample:
    generator = torch.Generator().manual_seed(seed)
    truth, guess = (
        {
            'global_orient': roma.random_rotmat((1, 1), generator=generator),
            'body_pose': roma.random_rotmat((1, 23), generator=generator),
            'betas': torch.randn(1, 10, generator=generator),
        }
        for _ in range(2)
    )
    sample = MeshDataSample(metainfo=dict(sample_id=str(seed)))
    sample.gt_instances = InstanceData(
        **truth, has_smpl=torch.tensor([float(labelled)])
    )
    pred = body(**guess)
    sample.pred_instances = InstanceData(
        vertices=pred.vertices + 3, joints=pred.joints + 3
    )
    return sample


def as_dicts(samples: list[MeshDataSample]) -> list[dict]:
    return [sample.to_dict() for sample in samples]


def score(metric: MeshMetric, samples: list[MeshDataSample], batch: int = 4) -> dict:
    for start in range(0, len(samples), batch):
        metric.process(None, as_dicts(samples[start : start + batch]))
    return metric.evaluate(len(samples))


def procrustes_error(pred: np.ndarray, target: np.ndarray) -> float:
    """Slow reference of PA-MPJPE for one body."""
    x, y = pred - pred.mean(0), target - target.mean(0)
    u, d, vt = np.linalg.svd(y.T @ x)
    sign = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = np.trace(np.diag(d) @ sign) / (x**2).sum()
    return np.linalg.norm(scale * x @ (u @ sign @ vt).T - y, axis=1).mean()


def slow_scores(body: ToyBody, samples, protocol: str, pelvis: str) -> dict:
    rows = []
    areas = body.vertex_area_weights.numpy()
    for sample in samples:
        gt = sample.gt_instances
        truth = body(gt.global_orient, gt.body_pose, gt.betas)
        clouds = []
        for output in (sample.pred_instances, truth):
            vertices = output.vertices[0].double().numpy()
            if protocol == 'smpl24':
                joints = output.joints[0, :24].double().numpy()
                root = joints[0] if pelvis == 'pelvis' else joints[[1, 2]].mean(0)
            elif protocol == 'regressed':
                joints = (body.joint_regressor.double().numpy() @ vertices)[:24]
                root = joints[0] if pelvis == 'pelvis' else joints[[1, 2]].mean(0)
            else:
                joints = body.h36m_regressor.double().numpy() @ vertices
                root = joints[0] if pelvis == 'pelvis' else joints[[1, 4]].mean(0)
                # SPIN's H36M_TO_J14
                joints = joints[[6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10]]
            clouds.append((joints, joints - root, vertices - root))
        (pred_raw, pred_joints, pred_vertices), (raw, joints, vertices) = clouds
        distance = np.linalg.norm(pred_vertices - vertices, axis=1)
        joint_distance = np.linalg.norm(pred_joints - joints, axis=1)
        shares = [(joint_distance <= mm / 1000).mean() for mm in range(0, 151, 5)]
        rows.append(
            (
                1000 * joint_distance.mean(),
                1000 * procrustes_error(pred_raw, raw),
                1000 * distance.mean(),
                1000 * (distance * areas).sum(),
                1000 * procrustes_error(pred_vertices, vertices),
                100 * shares[-1],
                100 * np.mean(shares),
            )
        )
    return dict(zip(KEYS, np.mean(rows, axis=0), strict=True))


@pytest.mark.parametrize('pelvis', ['pelvis', 'hips'])
@pytest.mark.parametrize('protocol', ['smpl24', 'h36m14'])
def test_against_one_by_one(protocol, pelvis):
    # Of such a size that some of the joints are within 150 mm.
    body = ToyBody(size=0.8)
    samples = [make_sample(body, seed) for seed in range(10)]
    scores = score(MeshMetric(body, protocol=protocol, pelvis=pelvis), samples)
    expected = slow_scores(body, samples, protocol, pelvis)
    assert scores == pytest.approx(expected, rel=1e-5)
    assert 5 < scores['AUC'] < scores['PCK@150'] < 95


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
        'run': '1',
        'walk': '2',
    }
    alone = score(MeshMetric(body), samples[1:2])
    np.testing.assert_allclose(
        np.array(rows['run'][1:], dtype=float), list(alone.values()), atol=0.051
    )


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


def test_the_true_body_scores_zero():
    body = ToyBody()
    samples = [make_sample(body, seed) for seed in range(3)]
    for sample in samples:
        gt = sample.gt_instances
        truth = body(gt.global_orient, gt.body_pose, gt.betas)
        sample.pred_instances = InstanceData(
            vertices=truth.vertices + 1, joints=truth.joints + 1
        )
    expected = dict.fromkeys(KEYS, 0.0) | {'PCK@150': 100.0}
    scores = score(MeshMetric(body), samples)
    # At the threshold of 0 mm rounding decides.
    assert scores.pop('AUC') == pytest.approx(100, abs=100 / 31 + 1e-3)
    del expected['AUC']
    assert scores == pytest.approx(expected, abs=2e-3)


def test_batch_size_does_not_matter():
    body = ToyBody()
    samples = [make_sample(body, seed) for seed in range(7)]
    metric = MeshMetric(body)
    assert score(metric, samples, 1) == pytest.approx(
        score(metric, samples, 7), rel=1e-6
    )


def test_samples_without_labels_are_left_out_but_keep_their_place():
    body = ToyBody()
    samples = [make_sample(body, seed, labelled=seed % 3 > 0) for seed in range(9)]
    metric = MeshMetric(body)
    metric.process(None, as_dicts(samples))
    assert [not row for row in metric.results] == [seed % 3 == 0 for seed in range(9)]
    labelled = [sample for sample in samples if sample.gt_instances.has_smpl > 0]
    assert metric.evaluate(9) == pytest.approx(score(MeshMetric(body), labelled))
    metric.process(None, as_dicts(samples[:1]))
    with pytest.raises(ValueError, match='none of 1 samples has SMPL labels'):
        metric.evaluate(1)


def test_only_numbers_and_names_are_kept():
    body = ToyBody()
    metric = MeshMetric(body)
    metric.process(None, as_dicts([make_sample(body, 0), make_sample(body, 1)]))
    for name, result in zip('01', metric.results, strict=True):
        assert (result.sample_id, result.sequence) == (name, '')
        assert [len(row) for row in (result.figures, *result.joint_errors)] == [
            7,
            24,
            24,
        ]
        for row in (result.figures, *result.joint_errors):
            assert all(type(value) is float for value in row)


def run_rank(rank: int, folder: Path) -> None:
    body = ToyBody()
    # Nine people over two processes: the sampler repeats the first to even them out.
    order = [*range(9), 0][rank::2]
    metric = MeshMetric(body)
    for seed in order:
        metric.process(None, as_dicts([make_sample(body, seed, labelled=seed != 3)]))
    torch.save(metric.evaluate(9), folder / f'{rank}.pth')


def test_two_processes_give_the_scores_of_one(tmp_path):
    run_ranks(__file__, tmp_path)
    body = ToyBody()
    samples = [make_sample(body, seed, labelled=seed != 3) for seed in range(9)]
    expected = score(MeshMetric(body), samples)
    for rank in range(2):
        assert torch.load(tmp_path / f'{rank}.pth') == pytest.approx(expected, rel=1e-6)


def test_description_names_protocol_pelvis_and_body():
    metric = MeshMetric(ToyBody(), protocol='h36m14', pelvis='hips')
    line = metric.description
    for part in (
        'h36m14',
        '14 H36M joints',
        'mean of the hip joints',
        'toy',
        '0123456789',
    ):
        assert part in line


def test_another_body_is_refused():
    body = ToyBody()
    sample = make_sample(body, 0)
    metric = MeshMetric(body)
    sample.set_metainfo(dict(body_fingerprint='feedfeedfeedfeed'))
    with pytest.raises(ValueError, match=r'prediction belongs to the body feedfeed'):
        metric.process(None, as_dicts([sample]))
    sample.set_metainfo(dict(body_fingerprint=body.fingerprint))
    metric.dataset_meta = dict(body_fingerprint='feedfeedfeedfeed')
    with pytest.raises(ValueError, match=r'data set belongs to the body feedfeed'):
        metric.process(None, as_dicts([sample]))
    metric.dataset_meta = dict(body_fingerprint=None)
    metric.process(None, as_dicts([sample]))
    sample.pred_instances.vertices = torch.zeros(1, 6890, 3)
    with pytest.raises(ValueError, match=r'\(1, 60, 3\).*got \(1, 6890, 3\)'):
        metric.process(None, as_dicts([sample]))


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"'smpl24', 'h36m14', '3dpw', .* got 'lsp'"):
        MeshMetric(ToyBody(), protocol='lsp')
    with pytest.raises(ValueError, match=r"pelvis: .* got 'neck'"):
        MeshMetric(ToyBody(), pelvis='neck')
    with pytest.raises(ValueError, match=r'toy has none'):
        MeshMetric(ToyBody(with_h36m=False), protocol='h36m14')


def test_empty_batch_and_unchanged_samples():
    body = ToyBody()
    metric = MeshMetric(body)
    metric.process(None, [])
    assert metric.results == []
    sample = make_sample(body, 0)
    before = sample.pred_instances.vertices.clone()
    metric.process(None, as_dicts([sample]))
    assert torch.equal(sample.pred_instances.vertices, before)


def test_built_from_a_config_with_the_open_body():
    metric = METRICS.build(
        dict(type='MeshMetric', body_model=dict(type='SMPL'), protocol='h36m14')
    )
    body = metric.body_model
    names = get_keypoint_set('smpl24').names
    eye = torch.eye(3)
    pose = eye.repeat(1, 23, 1, 1)
    truth = body(eye.repeat(1, 1, 1, 1), pose, torch.zeros(1, 10))
    bent = pose.clone()
    bent[:, names.index('left_elbow') - 1] = roma.rotvec_to_rotmat(
        torch.tensor([0.0, 1.0, 0.0])
    )
    guess = body(eye.repeat(1, 1, 1, 1), bent, torch.zeros(1, 10))
    sample = MeshDataSample()
    sample.gt_instances = InstanceData(
        global_orient=eye.repeat(1, 1, 1, 1),
        body_pose=pose,
        betas=torch.zeros(1, 10),
        has_smpl=torch.ones(1),
    )
    sample.pred_instances = InstanceData(vertices=guess.vertices, joints=guess.joints)
    scores = score(metric, [sample])
    # The wrist moves most, by the chord of a radian about the elbow, and the regressed
    # elbow a little; the pelvis stays.
    h36m17 = get_keypoint_set('h36m17')
    moved = body.h36m_regressor @ (guess.vertices - truth.vertices)[0]
    distance = moved.norm(dim=-1)
    assert scores['MPJPE'] == pytest.approx(1000 * distance.sum().item() / 14, rel=1e-3)
    assert distance.argmax() == h36m17.index('left_wrist')
    # The hand and the forearm have more than their share of the vertices.
    assert scores['PVE'] > 1.5 * scores['PVE-area']
