import numpy as np
import pytest

from deforhmr_mm.evaluation import COCO_GROUPS, coco_pck
from deforhmr_mm.structures import get_keypoint_set

COCO = get_keypoint_set('coco17')


def test_groups_are_coco_joints():
    assert COCO_GROUPS['limbs'] == (
        *('left_elbow', 'right_elbow', 'left_wrist', 'right_wrist'),
        *('left_knee', 'right_knee', 'left_ankle', 'right_ankle'),
    )
    assert set(COCO_GROUPS['body']) == set(COCO.names[5:])
    assert COCO_GROUPS['all'] == COCO.names
    assert all(len(set(names)) == len(names) for names in COCO_GROUPS.values())


def test_shares_by_hand():
    # Two people 100 and 200 pixels high; all joints are 11 pixels off.
    target = np.tile(np.arange(17.0)[:, None], (2, 1, 2))
    pred = target + [11, 0]
    visible = np.ones((2, 17), bool)
    pred[0, COCO.index('left_wrist')] = target[0, COCO.index('left_wrist')] + [6, 8]
    pred[0, COCO.index('nose')] = [1e6, np.nan]
    visible[:, COCO.index('right_knee')] = False
    visible[1, COCO.index('left_wrist')] = False
    visible[1, COCO.index('left_hip')] = False
    scores = coco_pck(pred, target, visible, np.array([100.0, 200.0]))
    # Near: the first one's wrist (10 pixels), and everything of the second.
    # Limbs: 7 + 6 count, 1 + 6 near. Body: 11 + 9, 1 + 9. All: 16 + 14, 1 + 14.
    assert scores.groups['limbs'] == (pytest.approx(100 * 7 / 13), 13)
    assert scores.groups['body'] == (50, 20)
    assert scores.groups['all'] == (50, 30)
    assert scores.joints['left_wrist'] == (100, 1)
    assert scores.joints['right_wrist'] == (50, 2)
    assert scores.joints['nose'] == (50, 2)
    assert scores.joints['right_knee'] == (None, 0)
    assert list(scores.joints) == list(COCO.names)
    first, second = scores.people
    assert first['limbs'] == (pytest.approx(100 / 7), 7)
    assert second == {'limbs': (100, 6), 'body': (100, 9), 'all': (100, 14)}
    wider = coco_pck(pred, target, visible, np.array([100.0, 200.0]), 0.12)
    # But for the first one's nose, which is nowhere.
    assert wider.groups['limbs'] == (100, 13)
    assert wider.groups['all'] == (pytest.approx(100 * 29 / 30), 30)


def test_nobody_is_scored():
    scores = coco_pck(
        np.zeros((0, 17, 2)), np.zeros((0, 17, 2)), np.zeros((0, 17), bool), np.ones(0)
    )
    assert scores.people == [] and set(scores.groups.values()) == {(None, 0)}


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r'target: expected shape \(P, 17, 2\)'):
        coco_pck(*np.zeros((2, 1, 24, 2)), np.ones((1, 24), bool), np.ones(1))
    with pytest.raises(ValueError, match=r"'size': \(2,\)"):
        coco_pck(*np.zeros((2, 1, 17, 2)), np.ones((1, 17), bool), np.ones(2))
