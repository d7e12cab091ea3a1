"""People whose labels are joints alone: what is scored, and what is left out."""

import numpy as np
import pytest
import torch

from deforhmr_mm.evaluation import MeshMetric, UnscorableLabelsError
from deforhmr_mm.structures import get_keypoint_set
from tests.toy_body import (
    KEYS,
    ToyBody,
    as_dicts,
    make_sample,
    procrustes_error,
    score,
    slow_scores,
)

SMPL45 = get_keypoint_set('smpl45')
JOINT_KEYS = ('MPJPE', 'PA-MPJPE', 'PCK@150', 'AUC')
# SPIN's 12 joints of legs and arms in LSP's order: where `smpl45` has them, and where
# Human3.6M's regressor does.
LIMBS_SMPL = [8, 5, 2, 1, 4, 7, 21, 19, 17, 16, 18, 20]
LIMBS_H36M = [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13]


def with_joints(sample, names, seed=0, conf=1.0):
    """Give a sample labels of some joints; the others are not numbers."""
    generator = torch.Generator().manual_seed(100 + seed)
    rows = list(SMPL45.indices(names))
    joints = torch.full((1, 45, 3), float('nan'))
    joints[:, rows] = torch.randn(1, len(rows), 3, generator=generator)
    confidences = torch.zeros(1, 45)
    confidences[:, rows] = conf
    sample.gt_instances.joints_3d = joints
    sample.gt_instances.joints_3d_conf = confidences
    return sample


def limbs():
    return [SMPL45.names[row] for row in LIMBS_SMPL]


def by_joints(body, count, names=None):
    """People without SMPL labels."""
    return [
        with_joints(make_sample(body, seed, labelled=False), names or limbs(), seed)
        for seed in range(count)
    ]


def slow_joint_scores(pairs):
    """Mean figures of (recovered joints, root, true joints, root), in loops."""
    rows = []
    for pred, root, true, true_root in pairs:
        distances = [
            np.linalg.norm((p - root) - (t - true_root))
            for p, t in zip(pred, true, strict=True)
        ]
        shares = [
            np.mean([d <= mm / 1000 for d in distances]) for mm in range(0, 151, 5)
        ]
        rows.append(
            (
                1000 * np.mean(distances),
                1000 * procrustes_error(pred, true),
                100 * shares[-1],
                100 * np.mean(shares),
            )
        )
    return dict(zip(JOINT_KEYS, np.mean(rows, axis=0), strict=True))


def log_of(metric):
    lines = []
    metric._log = lines.append
    return lines


def test_figures_by_hand():
    names = ('left_hip', 'right_hip', 'left_knee', 'right_knee', 'left_wrist')
    rows = list(SMPL45.indices(names))
    body = ToyBody()
    # The nose is no joint of the protocol, the ankle has no confidence.
    sample = with_joints(make_sample(body, 0, labelled=False), (*names, 'nose'))
    true = torch.tensor(
        [[0.125, 0, 0], [-0.125, 0, 0], [0.25, 0.5, 0], [-0.25, 0.5, 0], [0.5, -0.5, 1]]
    )
    joints = sample.gt_instances.joints_3d
    joints[0, rows] = true + torch.tensor([1.0, 2, 4])
    joints[0, SMPL45.index('left_ankle')] = 9.0
    # Everything elsewhere, and nothing of it to be seen in the figures.
    recovered = torch.full((1, 45, 3), 77.0)
    recovered[0, rows] = true + torch.tensor([-8.0, 0.5, 0.25])
    recovered[0, rows[2]] += torch.tensor([0.0, 0.032, 0])  # 32 mm
    recovered[0, rows[4]] += torch.tensor([0.096, 0, 0.128])  # 160 mm
    sample.pred_instances.joints = recovered
    scores = score(MeshMetric(body), [sample])
    assert tuple(scores) == JOINT_KEYS
    assert scores['MPJPE'] == pytest.approx((0 + 0 + 32 + 0 + 160) / 5, abs=1e-3)
    assert scores['PCK@150'] == pytest.approx(80)
    # Three joints are within all 31 thresholds, one within those from 35 to 150 mm.
    assert scores['AUC'] == pytest.approx(100 * (3 * 31 + 24) / (5 * 31))
    expected = procrustes_error(
        recovered[0, rows].double().numpy(), true.double().numpy()
    )
    assert scores['PA-MPJPE'] == pytest.approx(1000 * expected, rel=1e-4)


@pytest.mark.parametrize('has_pelvis', [False, True])
@pytest.mark.parametrize('protocol', ['smpl24', 'h36m14', 'rich'])
def test_against_one_by_one(protocol, has_pelvis):
    body = ToyBody(size=0.8)
    names = [*limbs(), *['pelvis'] * has_pelvis]
    samples = by_joints(body, 6, names)
    pairs = []
    for sample in samples:
        true = sample.gt_instances.joints_3d[0].double().numpy()
        vertices = sample.pred_instances.vertices[0].double().numpy()
        if protocol == 'smpl24':
            skeleton, limb_rows = sample.pred_instances.joints[0].double().numpy(), None
        elif protocol == 'rich':
            skeleton, limb_rows = body.joint_regressor.double().numpy() @ vertices, None
        else:
            skeleton = body.h36m_regressor.double().numpy() @ vertices
            limb_rows = LIMBS_H36M
        limb_rows = limb_rows or LIMBS_SMPL
        hips = [1, 4] if protocol == 'h36m14' else [1, 2]
        scored, true_scored = skeleton[limb_rows], true[LIMBS_SMPL]
        if has_pelvis and protocol != 'h36m14':
            # One of the 24, but none of LSP's 14.
            scored = np.concatenate([scored, skeleton[:1]])
            true_scored = np.concatenate([true_scored, true[:1]])
        # SMPL's pelvis, which these labels have, is not H36M's.
        at_pelvis = has_pelvis and protocol == 'smpl24'
        root = skeleton[0] if at_pelvis else skeleton[hips].mean(0)
        true_root = true[0] if at_pelvis else true[[1, 2]].mean(0)
        pairs.append((scored, root, true_scored, true_root))
    metric = MeshMetric(body, protocol=protocol, truth='joints')
    assert score(metric, samples) == pytest.approx(slow_joint_scores(pairs), rel=1e-4)
    for_want = 'aligned at the mean of the hip joints for want of that pelvis'
    wanted = {'smpl24': not has_pelvis, 'h36m14': True, 'rich': False}[protocol]
    assert (for_want in metric.description) == wanted


def test_the_pelvis_of_hmr2_is_taken_where_it_is_labelled(tmp_path):
    body = ToyBody()
    weights = np.zeros((19, 60))
    weights[14, 7] = 1  # keypoint 39 is vertex 7
    np.save(tmp_path / 'extra.npy', weights)
    options = dict(pelvis='hmr2', hmr2_regressor=str(tmp_path / 'extra.npy'))
    metric = MeshMetric(body, protocol='h36m14', truth='joints', **options)
    extra = get_keypoint_set('hmr2_extra19')
    metric.dataset_meta = dict(keypoint_set='hmr2_extra19')
    sample = make_sample(body, 0, labelled=False)
    true = torch.randn(1, 19, 3)
    sample.gt_instances.joints_3d = true
    sample.gt_instances.joints_3d_conf = torch.ones(1, 19)
    vertices = sample.pred_instances.vertices[0]
    # The set shares the 12 of the limbs with the protocol, in its order, and the head.
    names = [*extra.names[:12], 'head_h36m']
    rows = [*range(12), extra.index('head_h36m')]
    scored = (body.h36m_regressor @ vertices)[[*LIMBS_H36M, 10]]
    assert names[:2] == ['right_ankle', 'right_knee']
    pair = (scored, vertices[7], true[0, rows], true[0, 14])
    pair = [part.double().numpy() for part in pair]
    assert score(metric, [sample]) == pytest.approx(slow_joint_scores([pair]), rel=1e-4)
    assert '13 of the 14 joints (never neck_h36m), no' in metric.description


def test_a_label_counts_whole_or_not_at_all():
    body = ToyBody()
    sure, unsure = (
        with_joints(make_sample(body, 3, labelled=False), limbs(), conf=conf)
        for conf in (1.0, 0.2)
    )
    expected = score(MeshMetric(body), [sure])
    assert score(MeshMetric(body), [unsure]) == pytest.approx(expected)
    wrist = SMPL45.index('left_wrist')
    unsure.gt_instances.joints_3d_conf[0, wrist] = 0
    assert abs(score(MeshMetric(body), [unsure])['MPJPE'] - expected['MPJPE']) > 1


def test_a_prediction_that_is_no_number_is_not_left_out():
    body = ToyBody()
    samples = by_joints(body, 2) + [make_sample(body, 2)]
    for sample in samples[1:]:
        sample.pred_instances.joints[:, 4] = float('nan')
    scores = score(MeshMetric(body), samples)
    assert np.isnan(scores['MPJPE']) and np.isfinite(scores['PVE'])


def test_both_kinds_in_one_set():
    body = ToyBody()
    posed = [make_sample(body, seed) for seed in range(4)]
    others = by_joints(body, 2)
    # Joints of people with SMPL labels are not looked at.
    with_joints(posed[1], limbs())
    samples = [posed[0], others[0], posed[1], posed[2], others[1], posed[3]]
    metric = MeshMetric(body)
    lines = log_of(metric)
    scores = score(metric, samples, batch=4)
    of_posed = slow_scores(body, posed, 'smpl24', 'pelvis')
    of_others = score(MeshMetric(body), others)
    assert tuple(scores) == KEYS
    for key in KEYS:
        if key in JOINT_KEYS:
            expected = (4 * of_posed[key] + 2 * of_others[key]) / 6
        else:
            expected = of_posed[key]
        assert scores[key] == pytest.approx(expected, rel=1e-5)
    (line,) = lines
    never = 'pelvis, spine1, spine2, spine3, left_foot, right_foot, neck, left_collar, '
    never += 'right_collar, head, left_hand, right_hand'
    assert line.startswith('MeshMetric on 6 bodies; millimetres; protocol smpl24: 24')
    assert 'truth posed with the body of no gender; 2 of the 6 bodies by their ' in line
    assert f'labelled joints alone: 12 of the 24 joints (never {never})' in line
    assert 'for want of that pelvis, no vertex errors; body toy' in line


def test_the_line_of_joints_alone():
    body = ToyBody()
    samples = by_joints(body, 2)
    samples[1].gt_instances.joints_3d_conf[0, LIMBS_SMPL[-1]] = 0
    metric = MeshMetric(body, protocol='h36m14')
    lines = log_of(metric)
    assert tuple(score(metric, samples)) == JOINT_KEYS
    assert lines == [
        'MeshMetric on 2 bodies; millimetres; protocol h36m14: 14 H36M joints '
        'regressed from the recovered mesh, aligned at the pelvis joint, the labelled '
        'joints are the truth; all bodies by their labelled joints alone: 11 to 12 of '
        'the 14 joints (never neck_h36m, head_h36m), aligned at the mean of the hip '
        'joints for want of that pelvis, no vertex errors; body toy '
        '(0123456789abcdef)'
    ]
    # SMPL's own pelvis is one of its 24 joints, and where they are aligned.
    samples[1].gt_instances.joints_3d_conf[0, 0] = 1
    samples[1].gt_instances.joints_3d[0, 0] = 0
    metric = MeshMetric(body)
    lines = log_of(metric)
    score(metric, samples)
    assert 'alone: 12 of the 24 joints (never spine1, ' in lines[0]
    assert '), 1 of them aligned at the mean of the hip joints for want' in lines[0]


def test_joints_alone_need_no_genders():
    body, bodies = ToyBody(), dict(male=ToyBody(size=1.2), female=ToyBody(size=0.8))
    others = by_joints(body, 3)
    expected = score(MeshMetric(body, protocol='rich', truth='joints'), others)
    metric = MeshMetric(body, protocol='rich', gendered_body_models=bodies)
    lines = log_of(metric)
    assert score(metric, others) == pytest.approx(expected)
    assert 'gender' not in lines[0]
    # Beside them those with SMPL labels need theirs, and are posed with it.
    posed = [make_sample(body, seed) for seed in range(2)]
    metric = MeshMetric(body, protocol='rich', gendered_body_models=bodies)
    with pytest.raises(UnscorableLabelsError, match='none of 2 people has one'):
        score(metric, others + posed)
    posed[0].set_metainfo(dict(gender='male'))
    metric = MeshMetric(body, protocol='rich', gendered_body_models=bodies)
    lines = log_of(metric)
    scores = score(metric, others + posed)
    assert 'on 5 bodies, 1 without a gender and so neutral; ' in lines[0]
    of_posed = [
        slow_scores(one, [sample], 'regressed', 'hips')
        for one, sample in zip((bodies['male'], body), posed, strict=True)
    ]
    mean = (sum(row['MPJPE'] for row in of_posed) + 3 * expected['MPJPE']) / 5
    assert scores['MPJPE'] == pytest.approx(mean, rel=1e-5)


def test_what_the_truth_is_can_be_chosen():
    body = ToyBody()
    samples = [with_joints(make_sample(body, s, s < 2), limbs(), s) for s in range(4)]
    alone = [with_joints(make_sample(body, s, False), limbs(), s) for s in range(4)]
    posed = [make_sample(body, s) for s in range(2)]
    metric = MeshMetric(body, truth='joints')
    assert score(metric, samples) == pytest.approx(score(MeshMetric(body), alone))
    metric = MeshMetric(body, truth='smpl')
    lines = log_of(metric)
    assert score(metric, samples) == pytest.approx(score(MeshMetric(body), posed))
    assert 'on 2 bodies, 2 without SMPL labels left out; ' in lines[0]
    with pytest.raises(ValueError, match=r"truth: .*'joints'\), got 'mesh'"):
        MeshMetric(body, truth='mesh')


def test_too_few_joints_are_left_out_and_keep_their_place():
    body = ToyBody()
    leg = ('left_hip', 'left_knee', 'left_ankle')
    arms = ('left_elbow', 'left_wrist', 'right_elbow', 'right_wrist')
    whole = by_joints(body, 1)[0]
    samples = [
        with_joints(make_sample(body, 1, labelled=False), (*leg[:2], 'right_hip')),
        whole,
        # Enough joints, but nothing to align at.
        with_joints(make_sample(body, 2, labelled=False), (*leg, *arms)),
        with_joints(make_sample(body, 3, labelled=False), (*leg, 'pelvis')),
        make_sample(body, 4, labelled=False),
    ]
    metric = MeshMetric(body)
    metric.process(None, as_dicts(samples))
    assert [bool(row) for row in metric.results] == [False, True, False, True, False]
    lines = log_of(metric)
    scores = metric.evaluate(5)
    kept = score(MeshMetric(body), [samples[1], samples[3]])
    assert scores == pytest.approx(kept)
    assert 'on 2 bodies, 3 without SMPL labels or enough joints left out; ' in lines[0]
    for truth, wanted in (
        ('auto', r'SMPL labels \(has_smpl = 1\), or 4 labelled 3D joints of protocol'),
        ('joints', '4 labelled 3D joints of protocol'),
        ('smpl', r'SMPL labels \(has_smpl = 1\), so'),
    ):
        with pytest.raises(
            UnscorableLabelsError, match=f'none of 2 samples has {wanted}'
        ):
            score(MeshMetric(body, truth=truth), [samples[0], samples[2]])


def test_labels_of_another_keypoint_set_are_found_by_name():
    body = ToyBody()
    sample = make_sample(body, 0, labelled=False)
    sample.gt_instances.joints_3d = torch.randn(1, 17, 3)
    sample.gt_instances.joints_3d_conf = torch.ones(1, 17)
    metric = MeshMetric(body, protocol='h36m14')
    with pytest.raises(ValueError, match=r'\(1, 45\) as of .* got \(1, 17, 3\)'):
        metric.process(None, as_dicts([sample]))
    metric.dataset_meta = dict(keypoint_set='h36m17')
    scores = score(metric, [sample])
    assert 'alone: 14 of the 14 joints, no vertex errors' in metric.description
    order = [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10]
    true = sample.gt_instances.joints_3d[0].double().numpy()
    regressor = body.h36m_regressor.double().numpy()
    pred = regressor @ sample.pred_instances.vertices[0].double().numpy()
    pair = (pred[order], pred[0], true[order], true[0])
    assert scores == pytest.approx(slow_joint_scores([pair]), rel=1e-4)


def test_pelvises_of_one_name_are_two_points():
    """H36M's is no joint of SMPL's skeleton, which is aligned at the hips then."""
    body, sample = ToyBody(), make_sample(ToyBody(), 0, labelled=False)
    sample.gt_instances.joints_3d = torch.randn(1, 17, 3)
    sample.gt_instances.joints_3d_conf = torch.ones(1, 17)
    metric = MeshMetric(body)
    metric.dataset_meta = dict(keypoint_set='h36m17')
    scores = score(metric, [sample])
    assert 'alone: 12 of the 24 joints (never pelvis, ' in metric.description
    true = sample.gt_instances.joints_3d[0].double().numpy()[LIMBS_H36M]
    skeleton = sample.pred_instances.joints[0].double().numpy()
    # LSP's order has the hips at 2 and 3.
    hips = skeleton[[1, 2]].mean(0), true[[2, 3]].mean(0)
    pair = (skeleton[LIMBS_SMPL], hips[0], true, hips[1])
    assert scores == pytest.approx(slow_joint_scores([pair]), rel=1e-4)


def test_tables_and_files_say_what_is_not_known(tmp_path, monkeypatch):
    body = ToyBody()
    samples = [make_sample(body, 0), *by_joints(body, 2)[1:]]
    samples[1].set_metainfo(dict(sequence='walk'))
    lines = []
    monkeypatch.setattr(MeshMetric, '_log', staticmethod(lines.append))
    prefix = tmp_path / 'scores'
    options = dict(per_joint=True, per_sequence=True, out_file_prefix=str(prefix))
    scores = score(MeshMetric(body, **options), samples)
    _, joints, sequences, _ = lines
    rows = {line.split()[0]: line.split()[1:] for line in joints.splitlines()[1:]}
    with np.load(f'{prefix}.npz') as file:
        content = dict(file)
    errors = content['joint_errors']
    for row, name in enumerate(get_keypoint_set('smpl24').names):
        seen = errors[:, row] if row in LIMBS_SMPL else errors[:1, row]
        assert np.isnan(errors[1, row]) == (row not in LIMBS_SMPL)
        assert float(rows[name][0]) == pytest.approx(seen.mean(), abs=0.051)
    by_sequence = {
        line.split()[0]: line.split()[1:] for line in sequences.splitlines()[1:]
    }
    assert by_sequence['walk'][3:6] == ['-', '-', '-']
    assert content['truth'].tolist() == ['smpl', 'joints']
    assert content['keys'].tolist() == list(KEYS)
    known = np.isfinite(content['figures'])
    assert known[0].all()
    assert known[1].tolist() == [key in JOINT_KEYS for key in KEYS]
    assert scores['MPJPE'] == pytest.approx(content['figures'][:, 0].mean())
    assert '1 of the 2 bodies by their' in str(content['description'])
    _, first, second = (tmp_path / 'scores.csv').read_text().splitlines()
    cells = dict(zip(('sample_id', 'sequence', *KEYS), second.split(','), strict=True))
    assert {key for key, cell in cells.items() if not cell} == {*KEYS} - {*JOINT_KEYS}
    assert first.count(',,') == 1  # no sequence
    # A table of joints that nobody has.
    lines.clear()
    score(MeshMetric(body, per_joint=True), samples[1:])
    assert 'pelvis               -         -' in lines[1]
