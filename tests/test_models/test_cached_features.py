import pytest
import torch
from mmengine.structures import InstanceData

from deforhmr_mm.models.backbones import CachedFeatures, FeatureDataPreprocessor
from deforhmr_mm.registry import MODELS
from deforhmr_mm.structures import MeshDataSample


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32])
def test_features_pass_in_float32(dtype):
    features = torch.randn(2, 4, 3, 2).to(dtype)
    passed = CachedFeatures()(features)
    assert passed.dtype == torch.float32
    torch.testing.assert_close(passed, features.float(), rtol=0, atol=0)


def test_the_encoder_is_remembered_in_the_checkpoint():
    backbone = CachedFeatures()
    assert backbone.fingerprint is None and not list(backbone.parameters())
    backbone.fingerprint = '0f' * 32
    other = CachedFeatures()
    other.load_state_dict(backbone.state_dict())
    assert other.fingerprint == '0f' * 32


def test_a_list_of_features_becomes_a_batch():
    rows = [torch.full((4, 3, 2), float(row)) for row in range(3)]
    given = FeatureDataPreprocessor()(dict(inputs=rows, data_samples=None))
    assert given['inputs'].shape == (3, 4, 3, 2)
    assert given['inputs'][:, 0, 0, 0].tolist() == [0, 1, 2]


class Spy(torch.nn.Module):
    """An auxiliary head that keeps what it is given."""

    def loss(self, feats, target):
        self.target = target
        return {}


def test_the_crop_s_size_is_the_sample_s():
    """An auxiliary head's labels are relative to the crop, not to the features."""
    model = MODELS.build(
        dict(
            type='MeshEstimator',
            backbone=dict(type='CachedFeatures'),
            head=dict(
                type='DeforHMRHead',
                in_channels=8,
                num_layers=1,
                embed_dims=16,
                head_dims=4,
                ffn_dims=16,
            ),
        )
    )
    model.auxiliary_head = Spy()
    sample = MeshDataSample(metainfo=dict(input_size=(192, 256)))
    sample.gt_instances = InstanceData(
        global_orient=torch.eye(3).view(1, 1, 3, 3),
        body_pose=torch.eye(3).expand(1, 23, 3, 3),
        betas=torch.zeros(1, 10),
        **{name: torch.ones(1) for name in ('has_pose', 'has_betas', 'has_smpl')},
        keypoints=torch.tensor([191.5, 63.5]).expand(1, 45, 2),
        keypoints_conf=torch.ones(1, 45),
        joints_3d=torch.zeros(1, 45, 3),
        joints_3d_conf=torch.ones(1, 45),
    )
    model.loss(torch.zeros(1, 8, 16, 12, dtype=torch.float16), [sample])
    sample.pop('input_size')
    with pytest.raises(ValueError, match='needs input_size'):
        model.loss(torch.zeros(1, 8, 16, 12), [sample])
    # Pixel centres at integers: the right edge is at 191.5, the upper quarter at 63.5.
    expected = torch.tensor([1.0, -0.5])
    found = model.auxiliary_head.target['keypoints_normalized'][0, 0]
    torch.testing.assert_close(found, expected)
