import numpy as np
import pytest
import torch

from deforhmr_mm.evaluation import auc, keypoint_pck, pck


@pytest.mark.parametrize('batch', [(), (3,), (2, 3), (0,)])
def test_against_counting(batch):
    rng = np.random.default_rng(0)
    distances = rng.uniform(0, 200, (*batch, 17))
    share, area = pck(distances, 150), auc(distances, 150)
    assert share.shape == area.shape == batch
    for at in np.ndindex(*batch):
        counts = [
            100 * sum(d <= limit for d in distances[at]) / 17
            for limit in np.arange(31) * 5
        ]
        assert share[at] == pytest.approx(counts[-1])
        assert area[at] == pytest.approx(sum(counts) / 31)
    tensors = torch.from_numpy(distances)
    torch.testing.assert_close(pck(tensors, 150), torch.as_tensor(share))
    torch.testing.assert_close(auc(tensors, 150), torch.as_tensor(area))


@pytest.mark.parametrize('make', [np.array, torch.tensor])
def test_joints_without_weight_do_not_count(make):
    distances = make([[10.0, 200.0, 74.0, 500.0], [10.0, 200.0, 74.0, 500.0]])
    weights = make([[1, 1, 1, 0], [2, 1, 0, 0]])
    assert pck(distances, 150, weights).tolist() == pytest.approx([200 / 3] * 2)
    # Of the thresholds 0, 75 and 150 mm two are at least 10, and two at least 74.
    areas = auc(distances, 150, steps=3, weights=weights)
    assert areas.tolist() == pytest.approx([100 * 4 / 9, 100 * 4 / 9])
    same = auc(distances, 150, weights=make([1, 1, 1, 1]))
    assert same.tolist() == pytest.approx(auc(distances, 150).tolist())


def test_thresholds_are_checked():
    with pytest.raises(ValueError, match='positive number, got 0'):
        pck(np.zeros(3), 0)
    with pytest.raises(ValueError, match='positive number, got -1'):
        auc(np.zeros(3), -1)
    with pytest.raises(ValueError, match='at least 2, got 1'):
        auc(np.zeros(3), 150, steps=1)


# Two people: boxes 100 and 200 pixels high, so joints may be 10 and 20 pixels off.
TARGET = [[[50, 50], [60, 60], [70, 70]], [[10, 0], [20, 0], [0, 0]]]
PRED = [[[50, 60], [66, 68.1], [0, 0]], [[10, 20], [20, -21], [500, 500]]]
#          10: near  10.08: far  hidden    20: near   21: far   unlabelled
VISIBLE = [[True, True, False], [True, True, False]]
HEIGHTS = [100, 200]


@pytest.mark.parametrize('make', [np.array, torch.tensor])
def test_keypoint_pck_by_hand(make):
    pred, target = make(PRED), make(TARGET)
    visible, size = make(VISIBLE), make(HEIGHTS)
    assert keypoint_pck(pred, target, visible, size).item() == 50
    assert keypoint_pck(pred, target, visible, size, 0.101).item() == 75
    assert keypoint_pck(pred, target, visible, size, 0.105).item() == 100
    assert keypoint_pck(pred, target, visible, size, 0.05).item() == 0
    # One joint of both, one person, and one person with other joints.
    first = keypoint_pck(pred[:, :1], target[:, :1], visible[:, :1], size)
    assert first.item() == 100
    assert keypoint_pck(pred[0], target[0], visible[0], size[0]).item() == 50
    visible[0, 2] = True
    assert keypoint_pck(pred, target, visible, size).item() == 40
    assert isinstance(first, torch.Tensor) == (make is torch.tensor)


@pytest.mark.parametrize('make', [np.array, torch.tensor])
def test_joints_that_are_nowhere_are_misses(make):
    pred, target = make(PRED), make(TARGET)
    pred[0, 0] = float('nan')
    assert keypoint_pck(pred, target, make(VISIBLE), make(HEIGHTS)).item() == 25


@pytest.mark.parametrize('make', [np.array, torch.tensor])
def test_without_visible_joints_there_is_no_share(make):
    nothing = make(VISIBLE) & make([False])
    assert np.isnan(keypoint_pck(make(PRED), make(TARGET), nothing, make(HEIGHTS)))
    empty = [make(values)[:0] for values in (PRED, TARGET, VISIBLE, HEIGHTS)]
    assert np.isnan(keypoint_pck(*empty))


def test_keypoint_pck_is_checked():
    given = dict(pred=PRED, target=TARGET, visible=VISIBLE, size=HEIGHTS)
    given = {key: np.array(value) for key, value in given.items()}
    for key, value, part in (
        ('pred', given['pred'][:, :2], r"'pred': \(2, 2, 2\)"),
        ('visible', given['visible'][0], r"'visible': \(3,\)"),
        ('size', np.ones(3), r"'size': \(3,\)"),
        ('size', np.array([100, 0]), 'size: expected positive numbers, got 0'),
        ('threshold', 0, 'threshold: expected a positive number, got 0'),
    ):
        with pytest.raises(ValueError, match=part):
            keypoint_pck(**{**given, key: value})
