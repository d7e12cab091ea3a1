from pathlib import Path

import pytest
import roma
import torch
from mmengine.structures import InstanceData

from deforhmr_mm.evaluation import MeshMetric
from deforhmr_mm.registry import METRICS
from deforhmr_mm.structures import MeshDataSample, get_keypoint_set
from tests.processes import run_ranks
from tests.toy_body import KEYS, ToyBody, as_dicts, make_sample, score, slow_scores


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
    # By mmengine's own folder, then by a user's.
    for name, options in ('own', {}), ('given', dict(collect_dir=str(folder))):
        metric = MeshMetric(body, **options)
        for seed in order:
            sample = make_sample(body, seed, labelled=seed != 3)
            metric.process(None, as_dicts([sample]))
        torch.save(metric.evaluate(9), folder / f'{name}_{rank}.pth')


def test_two_processes_give_the_scores_of_one(tmp_path):
    kept = tmp_path / 'of_the_user.txt'
    kept.write_text('not to be deleted')
    run_ranks(__file__, tmp_path)
    results = {f'{name}_{rank}.pth' for name in ('own', 'given') for rank in range(2)}
    assert {path.name for path in tmp_path.iterdir()} == {kept.name, *results}
    body = ToyBody()
    samples = [make_sample(body, seed, labelled=seed != 3) for seed in range(9)]
    expected = score(MeshMetric(body), samples)
    for name in results:
        assert torch.load(tmp_path / name) == pytest.approx(expected, rel=1e-6)


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


def test_description_names_a_flip_test():
    body = ToyBody()
    sample = make_sample(body, 0)
    metric = MeshMetric(body)
    for flip_test in (False, True):
        sample.set_metainfo(dict(flip_test=flip_test))
        metric.process(None, as_dicts([sample]))
        assert metric.description.endswith('flip test') == flip_test


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
