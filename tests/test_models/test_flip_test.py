import numpy as np
import pytest
import roma
import torch

from deforhmr_mm.models.estimators.flip_test import average_params, mirror_params
from deforhmr_mm.registry import MODELS
from deforhmr_mm.structures import get_keypoint_set
from tests.tiny_estimator import CONFIG, HEAD, located

# Its head is told where the crop lies, which is another place for the mirror image.
ASKING = CONFIG | dict(head=HEAD | dict(box_info=True), auxiliary_head=None)


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    model = MODELS.build(ASKING | dict(test_cfg=dict(flip_test=True))).eval()
    # Bodies that bend: a new head's are at rest.
    torch.nn.init.normal_(model.head.pose_readout.weight, std=0.1)
    return model


def random_params():
    rotations = roma.random_rotmat((2, 24))
    return dict(
        global_orient=rotations[:, :1],
        body_pose=rotations[:, 1:],
        betas=torch.randn(2, 10),
        camera=torch.rand(2, 3),
    )


@torch.no_grad()
def test_the_mirror_image_gives_the_mirrored_body(model):
    image = torch.rand(1, 3, 256, 192)
    x, y = located().input_center
    mirrored = located(input_center=np.array([640 - 1 - x, y]))
    (plain,) = model(image, [located()], mode='predict')
    (other,) = model(image.flip(-1), [mirrored], mode='predict')
    assert plain.flip_test
    plain, other = plain.pred_instances, other.pred_instances
    smpl = get_keypoint_set('smpl24')
    moved = plain.joints[:, :24] - plain.joints[:, :1]
    assert moved.std() > 0.1
    swapped = (other.joints[:, :24] - other.joints[:, :1])[:, list(smpl.flip_indices)]
    # The open body's two sides are equal to a few millimetres.
    torch.testing.assert_close(swapped * torch.tensor([-1, 1, 1]), moved, atol=0.01,
                               rtol=0)  # fmt: skip
    torch.testing.assert_close(other.betas, plain.betas)
    torch.testing.assert_close(
        other.camera, plain.camera * torch.tensor([1, -1, 1]), atol=1e-5, rtol=0
    )
    # Without the flip test the network knows no such symmetry.
    model.flip_test = False
    (single,) = model(image, [located()], mode='predict')
    model.flip_test = True
    assert not single.flip_test
    away = single.pred_instances.body_pose - plain.body_pose
    assert away.abs().max() > 1e-3


def test_mirroring_twice_changes_nothing():
    params = random_params()
    for name, value in mirror_params(mirror_params(params)).items():
        assert torch.equal(value, params[name]), name


def test_what_has_no_known_mirror_image_is_refused():
    with pytest.raises(ValueError, match='the head gives visibility too'):
        mirror_params(random_params() | dict(visibility=torch.ones(2, 45)))


def test_mean_is_half_way():
    first = random_params()
    second = {name: value.clone() for name, value in first.items()}
    second['betas'] += 2
    turn = roma.rotvec_to_rotmat(torch.tensor([0.0, 0.0, 0.8]))
    half = roma.rotvec_to_rotmat(torch.tensor([0.0, 0.0, 0.4]))
    second['body_pose'] = first['body_pose'] @ turn
    mean = average_params(first, second)
    torch.testing.assert_close(mean['body_pose'], first['body_pose'] @ half)
    torch.testing.assert_close(mean['global_orient'], first['global_orient'])
    torch.testing.assert_close(mean['betas'], first['betas'] + 1)


def test_unknown_options_and_cached_features_are_refused():
    with pytest.raises(ValueError, match='shift_heatmap'):
        MODELS.build(ASKING | dict(test_cfg=dict(shift_heatmap=True)))
    with pytest.raises(ValueError, match='bbox_padding must be above 0, got -1'):
        MODELS.build(ASKING | dict(test_cfg=dict(bbox_padding=-1)))
    cached = ASKING | dict(backbone=dict(type='CachedFeatures'))
    MODELS.build(cached | dict(test_cfg=dict(flip_test=False)))
    with pytest.raises(ValueError, match='merge_backbone'):
        MODELS.build(cached | dict(test_cfg=dict(flip_test=True)))
