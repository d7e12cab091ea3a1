import copy
import math

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from deforhmr_mm.models import BodyMismatchError
from deforhmr_mm.registry import MODELS
from deforhmr_mm.structures import MeshDataSample
from tests.tiny_estimator import CONFIG, HEAD, located

UNLABELLED = {name: torch.zeros(1) for name in ('has_pose', 'has_betas', 'has_smpl')}


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    return MODELS.build(CONFIG)


def labelled(**changes):
    eye = torch.eye(3)
    fields = dict(
        global_orient=eye.reshape(1, 1, 3, 3),
        body_pose=eye.expand(1, 23, 3, 3),
        betas=torch.zeros(1, 10),
        has_pose=torch.ones(1),
        has_betas=torch.ones(1),
        has_smpl=torch.ones(1),
        keypoints=torch.full((1, 45, 2), 100.0),
        keypoints_conf=torch.ones(1, 45),
        joints_3d=torch.zeros(1, 45, 3),
        joints_3d_conf=torch.zeros(1, 45),
    )
    sample = MeshDataSample()
    sample.gt_instances = InstanceData(**fields | changes)
    return sample


def test_losses_have_every_term_and_reach_every_part(model):
    losses = model(torch.rand(2, 3, 256, 192), [labelled(), labelled()], mode='loss')
    assert set(losses) == {
        'loss_pose',
        'loss_betas',
        'loss_joints_3d',
        'loss_joints_2d',
        'loss_vertices',
        'loss_aux_keypoints',
    }
    model.zero_grad()
    sum(losses.values()).backward()
    assert model.backbone.patch_embed.proj.weight.grad.abs().sum() > 0
    assert model.head.pose_readout.weight.grad.abs().sum() > 0


def test_without_a_vertex_loss_only_joints_are_posed(model, monkeypatch):
    losses = dict(CONFIG['losses'], vertices=None)
    lean = MODELS.build(dict(CONFIG, losses=losses))
    lean.load_state_dict(model.state_dict())
    image, sample = torch.rand(2, 3, 256, 192), [labelled(), labelled()]
    expected = model(image, sample, mode='loss')
    del expected['loss_vertices']
    monkeypatch.setattr(lean.body_model, 'forward', None)
    got = lean(image, sample, mode='loss')
    assert set(got) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value)


def test_the_truth_has_no_loss(model):
    image = torch.rand(1, 3, 256, 192)
    with torch.no_grad():
        truth = model(image, mode='tensor')
        del truth['camera']
        losses = model(image, [labelled(**truth)], mode='loss')
    for name in ('loss_pose', 'loss_betas', 'loss_joints_3d', 'loss_vertices'):
        assert losses[name].item() < 1e-9, name


def test_labels_of_joints_stand_in_where_there_are_no_parameters(model):
    nothing = labelled(
        **UNLABELLED,
        betas=torch.full((1, 10), 50.0),
        keypoints_conf=torch.zeros(1, 45),
    )
    losses = model(torch.rand(1, 3, 256, 192), [nothing], mode='loss')
    assert all(value.item() == 0 for value in losses.values())
    some = labelled(**UNLABELLED, joints_3d_conf=torch.ones(1, 45))
    losses = model(torch.rand(1, 3, 256, 192), [some], mode='loss')
    assert losses['loss_joints_3d'].item() > 0
    assert losses['loss_pose'].item() == losses['loss_vertices'].item() == 0


def test_labels_of_joints_are_compared_with_the_posed_ones(model):
    image = torch.rand(1, 3, 256, 192)
    with torch.no_grad():
        params = model(image, mode='tensor')
        params.pop('camera')
        own = model.body_model.joints(**params)
    some = labelled(**UNLABELLED, joints_3d=own, joints_3d_conf=torch.ones(1, 45))
    assert model(image, [some], mode='loss')['loss_joints_3d'].item() < 1e-9


def bent_pose():
    """All joints turned by 30 degrees about x."""
    cos, sin = math.cos(math.pi / 6), math.sin(math.pi / 6)
    turn = torch.tensor([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return dict(global_orient=turn.view(1, 1, 3, 3), body_pose=turn.expand(1, 23, 3, 3))


class Recorder(torch.nn.Module):
    """A loss, or an auxiliary head, that keeps what it was given."""

    def forward(self, pred, target):
        self.target = target
        return dict(loss_own=torch.ones(1))

    loss = forward


def with_losses(model, auxiliary_head=None, **losses):
    changed = copy.deepcopy(model)
    changed.losses = torch.nn.ModuleDict(losses)
    changed.auxiliary_head = auxiliary_head
    return changed


def targets_of(model, sample):
    recorder = Recorder()
    changed = with_losses(model, own=recorder)
    changed(torch.rand(1, 3, 256, 192), [sample], mode='loss')
    return recorder.target


def test_smpl_labels_stand_for_every_joint(model):
    sample = labelled(**bent_pose(), joints_3d=torch.full((1, 45, 3), 7.0))
    target = targets_of(model, sample)
    assert (target['joints_conf'] == 1).all()
    posed = model.body_model.joints(**bent_pose(), betas=torch.zeros(1, 10))
    torch.testing.assert_close(target['joints'], posed)
    # Left hip, knee, ankle and foot: each turns by what those above it do, too.
    for joint, turns in ((0, 1), (1, 2), (4, 3), (7, 4), (10, 5)):
        angle = torch.tensor(turns * math.pi / 6)
        row = torch.tensor([0, torch.cos(angle), -torch.sin(angle)])
        torch.testing.assert_close(
            target['orientations'][0, joint, 1], row, atol=1e-6, rtol=0
        )


def test_losses_get_labels_of_their_own_and_the_crops_size(model):
    sample = labelled(height=torch.tensor([1.8]))
    target = targets_of(model, sample)
    assert target['height'].tolist() == pytest.approx([1.8])
    assert target['crop_size'] == (192, 256)
    # Cached features have no pixels: the pipeline's word counts.
    sample.set_metainfo(dict(input_size=(288, 384)))
    assert targets_of(model, sample)['crop_size'] == (288, 384)


def test_labels_of_another_body_are_named(model):
    for name, shape, mend in (
        ('betas', (1, 8), '8 betas, but .* has 10: see num_betas'),
        ('joints_3d', (1, 24, 3), '24 joints, but .* has 45: see landmark_ids'),
    ):
        with pytest.raises(ValueError, match=mend):
            targets_of(model, labelled(**{name: torch.zeros(shape)}))


def test_a_missing_label_is_named(model):
    sample = labelled()
    del sample.gt_instances.joints_3d
    with pytest.raises(ValueError, match=r'has no joints_3d: .*PackMeshInputs'):
        model(torch.rand(1, 3, 256, 192), [sample], mode='loss')


@pytest.mark.parametrize(
    ('others', 'named'),
    [
        (dict(feet=Recorder()), 'losses.hands and losses.feet'),
        (dict(auxiliary_head=Recorder()), 'losses.hands and auxiliary_head'),
    ],
)
def test_two_losses_may_not_give_one_name(model, others, named):
    changed = with_losses(model, hands=Recorder(), **others)
    with pytest.raises(ValueError, match=f"{named} both give a loss named 'loss_own'"):
        changed(torch.rand(1, 3, 256, 192), [labelled()], mode='loss')


def test_keypoints_are_defined_by_the_full_camera(model):
    model.eval()
    known = located(focal_length=900.0, principal_point=np.array([300.0, 250.0]))
    with torch.no_grad():
        samples = model(torch.rand(2, 3, 256, 192), [located(), known], mode='predict')
    first, second = (sample.pred_instances for sample in samples)
    assert first.focal_length.item() == 800  # the picture's diagonal
    torch.testing.assert_close(first.principal_point, torch.tensor([[319.5, 239.5]]))
    points = (second.joints + second.transl[:, None])[0]
    pixels = 900 * points[:, :2] / points[:, 2:] + torch.tensor([300.0, 250.0])
    torch.testing.assert_close(second.keypoints[0], pixels, atol=1e-3, rtol=0)
    scale = second.camera[0, 0]
    assert second.transl[0, 2].item() == pytest.approx(2 * 900 / (200 * scale.item()))
    torch.testing.assert_close(
        second.bboxes, torch.tensor([[125.0, 160.0, 275.0, 360.0]])
    )
    assert samples[0].body_fingerprint == model.body_model.fingerprint


def test_a_person_s_prediction_does_not_hold_the_whole_batch(model):
    model.eval()
    with torch.no_grad():
        for count in (1, 4):
            samples = [located() for _ in range(count)]
            samples = model(torch.rand(count, 3, 256, 192), samples, mode='predict')
            person = samples[-1].pred_instances
            for name, value in person.items():
                held = value.untyped_storage().nbytes()
                assert held == value.numel() * value.element_size(), name


def test_averaging_buffers_over_processes_keeps_the_fingerprint(model):
    """As mmengine's SyncBuffersHook does it: the sum, divided by their number."""
    changed = copy.deepcopy(model)
    for buffer in changed.buffers():
        buffer.copy_(torch.true_divide(sum([buffer] * 8, torch.zeros_like(buffer)), 8))
    model.load_state_dict(changed.state_dict())


def test_checkpoint_has_no_body_but_its_fingerprint(model):
    state = model.state_dict()
    assert not any(name.startswith('body_model') for name in state)
    stored = bytes(state['body_fingerprint'].tolist()).decode()
    assert stored == model.body_model.fingerprint


def test_checkpoint_of_another_body_is_refused(model):
    state = model.state_dict()
    state['body_fingerprint'] = torch.tensor(list(b'0' * 16), dtype=torch.uint8)
    with pytest.raises(BodyMismatchError, match='0000000000000000'):
        model.load_state_dict(state)


def test_an_unknown_mode_is_refused(model):
    with pytest.raises(ValueError, match='feature'):
        model(torch.rand(1, 3, 256, 192), mode='feature')


def test_head_is_told_where_the_crop_lies_in_the_full_camera(model, monkeypatch):
    head = HEAD | dict(box_info=True)
    asking = MODELS.build(CONFIG | dict(head=head, auxiliary_head=None)).eval()
    seen = []
    monkeypatch.setattr(
        asking.head,
        '_base_tokens',
        lambda info: seen.append(info) or asking.head.tokens,
    )
    samples = [located(focal_length=400.0, principal_point=np.array([320.0, 240.0]))]
    asking(torch.rand(1, 3, 256, 192), samples, mode='tensor')
    expected = torch.tensor([[-120.0, 20.0, 200.0]]) / 400
    torch.testing.assert_close(seen[0], expected)
