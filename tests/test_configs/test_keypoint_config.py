"""Stage 1: the config that trains the encoder on 2D keypoints builds, trains, tests."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from deforhmr_mm.models.layers.samplers import mmcv_ops_error
from deforhmr_mm.registry import METRICS, MODELS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
FILES = sorted(CONFIGS.glob('vitpose/*.py'))
# The left wrist in the first crop, and what of its cell (8 pixels) rounds it.
WRIST, CELL = (120.0, 136.0), 8


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def config(request):
    if mmcv_ops_error() is not None:
        pytest.skip(f'mmpose.models needs mmcv.ops: {mmcv_ops_error()}')
    config = Config.fromfile(request.param)
    init_default_scope(config.default_scope)
    yield config
    init_default_scope('deforhmr_mm')


def cropped():
    """What `TopdownAffine` leaves of a picture of noise whose wrists are labelled."""
    random = np.random.default_rng(0)
    keypoints = np.zeros((1, 45, 2), np.float32)
    keypoints[0, 20] = WRIST  # smpl45's left wrist
    conf = np.zeros((1, 45), np.float32)
    conf[0, 20] = 1
    return dict(
        img=random.integers(0, 256, (256, 192, 3), dtype=np.uint8),
        keypoints=keypoints,
        keypoints_conf=conf,
        input_affine=np.eye(2, 3, dtype=np.float32),
        input_center=np.array([96.0, 128.0], np.float32),
        input_scale=np.array([192.0, 256.0], np.float32),
        input_size=(192, 256),
        sample_id='people/0',
        img_path='people/0.jpg',
    )


def packed(pipeline):
    """The sample after the steps that follow the crop."""
    names = [step['type'] for step in pipeline]
    sample = Compose(pipeline[names.index('ToKeypointSample') :])(cropped())
    return {key: [value] for key, value in sample.items()}


def test_there_is_a_config():
    assert FILES


def test_heatmaps_peak_where_the_joint_is(config):
    (sample,) = packed(config.train_pipeline)['data_samples']
    heatmaps = sample.gt_fields.heatmaps
    assert sample.gt_instance_labels.keypoint_weights.tolist() == [
        [1.0 if joint == 9 else 0.0 for joint in range(17)]
    ]
    peak = np.unravel_index(heatmaps[9].argmax(), heatmaps.shape[1:])
    stride = np.array([256, 192]) / heatmaps.shape[1:]
    np.testing.assert_allclose(peak * stride, WRIST[::-1], atol=CELL)


def test_it_learns_one_sample_and_tells_where_its_joint_is(config):
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    optimizer = build_optim_wrapper(model, config.optim_wrapper)
    model.train()
    batch = packed(config.train_pipeline)
    batch = {key: value * 2 for key, value in batch.items()}
    losses = [model.train_step(batch, optimizer)['loss'].item() for _ in range(20)]
    assert losses[-1] < 0.3 * losses[0]
    model.eval()
    with torch.no_grad():
        (found,) = model.test_step(packed(config.test_pipeline))
    distance = np.linalg.norm(found.pred_instances.keypoints[0, 9] - WRIST)
    assert distance < 2 * CELL
    metric = METRICS.build(config.test_evaluator)
    metric.dataset_meta = {}
    metric.process({}, [found.to_dict()])
    assert metric.evaluate(1)['PCK'] == pytest.approx(float(distance < 0.05 * 256))
