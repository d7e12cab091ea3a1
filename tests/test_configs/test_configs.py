"""Every config can be read, and its parts be built at a size for tests."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from deforhmr_mm.registry import DATASETS, METRICS, MODELS, TRANSFORMS
from deforhmr_mm.structures import MeshDataSample

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
FILES = sorted(
    path
    for path in CONFIGS.rglob('*.py')
    if '_base_' not in path.relative_to(CONFIGS).parts
)


def shrunk(config: Config) -> Config:
    """The config without the files that are the user's, and with a tiny encoder."""
    for part in (config.model, config.val_evaluator, config.test_evaluator):
        part.body_model = dict(type='SMPL')
    config.model.backbone.arch = dict(embed_dims=16, depth=1, num_heads=2)
    config.model.backbone.pop('init_cfg', None)
    config.model.head.update(in_channels=16, num_layers=1, embed_dims=16, head_dims=4)
    config.model.head.pop('mean_params', None)
    if 'auxiliary_head' in config.model:
        config.model.auxiliary_head.in_channels = 16
    return config


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def config(request) -> Config:
    init_default_scope('deforhmr_mm')
    return shrunk(Config.fromfile(request.param))


def test_there_are_configs():
    assert len(FILES) >= 2


def test_model_builds_and_runs(config):
    model = MODELS.build(config.model).eval()
    place = dict(ori_shape=(480, 640), input_center=(200, 260), input_scale=(150, 200))
    samples = [MeshDataSample(metainfo=place) for _ in range(2)]
    with torch.no_grad():
        params = model(torch.rand(2, 3, 256, 192), samples)
    assert params['body_pose'].shape == (2, 23, 3, 3)


def test_evaluator_pipelines_and_data_sets_are_known(config):
    METRICS.build(config.val_evaluator)
    METRICS.build(config.test_evaluator)
    for loader in (config.train_dataloader, config.val_dataloader):
        sets = loader.dataset.get('datasets', [loader.dataset])
        for dataset in sets:
            assert DATASETS.get(dataset.type) is not None
            steps = [TRANSFORMS.build(step) for step in dataset.pipeline]
            assert type(steps[-1]).__name__ == 'PackMeshInputs'


def test_the_papers_numbers_are_in_the_papers_config():
    path = CONFIGS / 'deforhmr' / 'deforhmr_vit-h_2xb100-100e_mixed-256x192.py'
    config = Config.fromfile(path)
    assert config.model.backbone.arch == 'huge' and config.model.backbone.frozen
    assert config.train_cfg.max_epochs == 100
    assert config.train_dataloader.batch_size == 100
    assert config.auto_scale_lr.base_batch_size == 200
    assert config.optim_wrapper.optimizer.type == 'AdamW'
