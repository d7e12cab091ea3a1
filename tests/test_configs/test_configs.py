"""Every config builds at a size for tests; those with training data train a step."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from deforhmr_mm.models.layers.samplers import mmcv_ops_error
from deforhmr_mm.registry import DATASETS, METRICS, MODELS, TRANSFORMS, VISUALIZERS
from deforhmr_mm.visualization import MeshVisualizer

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
# Those of models that recover meshes; test_keypoint_config.py has the others.
FILES = sorted(
    path
    for path in CONFIGS.rglob('*.py')
    if not {'_base_', 'vitpose'} & set(path.relative_to(CONFIGS).parts)
)
NEEDS_MMCV_OPS = ('MSDeformCrossAttention', 'MMCVSampler')
WIDTH = 32
# Arguments that make a head small, for those that it has.
TINY_HEAD = dict(num_layers=1, embed_dims=16, head_dims=4, ffn_dims=16)
# Weights on the mean betas, which are zeros at rest, and on HMR2.0's token of zero.
FED_ZEROS = {
    'head.betas_embed.weight',
    'head.transformer.to_token_embedding.weight',
}


def shrunk(config: Config) -> Config:
    """The config without the files that are the user's, and with a tiny model."""
    for evaluator in (config.get('val_evaluator'), config.get('test_evaluator')):
        if evaluator and 'body_model' in evaluator:
            evaluator.body_model = dict(type='SMPL')
        for gender in (evaluator or {}).get('gendered_body_models', {}):
            evaluator.gendered_body_models[gender] = dict(type='SMPL')
    model = config.model
    model.body_model = dict(type='SMPL')
    for part in (model, model.backbone, model.head):
        part.pop('init_cfg', None)
    if model.backbone.type in ('ViT', 'CachedFeatures'):
        model.head.in_channels = WIDTH
        if 'auxiliary_head' in model:
            model.auxiliary_head.in_channels = WIDTH
    if model.backbone.type == 'ViT':
        model.backbone.arch = dict(embed_dims=WIDTH, depth=1, num_heads=2)
    known = inspect.signature(MODELS.get(model.head.type)).parameters
    model.head.update({key: size for key, size in TINY_HEAD.items() if key in known})
    if 'mean_params' in model.head:
        model.head.mean_params = None
    return config


def read(path: Path) -> Config:
    config = Config.fromfile(path)
    if mmcv_ops_error() and any(name in config.pretty_text for name in NEEDS_MMCV_OPS):
        pytest.skip(f'needs mmcv.ops: {mmcv_ops_error()}')
    init_default_scope('deforhmr_mm')
    return shrunk(config)


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def config(request) -> Config:
    return read(request.param)


@pytest.fixture(
    params=[path for path in FILES if Config.fromfile(path).get('train_cfg')],
    ids=lambda path: path.stem,
)
def trainable(request) -> Config:
    return read(request.param)


@pytest.fixture
def batch(samples) -> dict:
    """What the data loader gives."""
    crops = [torch.randint(0, 256, (3, 256, 192), dtype=torch.uint8) for _ in samples]
    return dict(inputs=crops, data_samples=samples)


def as_read_by(config: Config, batch: dict) -> dict:
    """The batch, or features in place of its crops where the config has a cache."""
    if config.model.backbone.type != 'CachedFeatures':
        return batch
    size = config.model.head.get('feat_size', (16, 12))
    features = torch.randn(len(batch['inputs']), WIDTH, *size).half()
    return dict(batch, inputs=features)


def test_no_two_configs_share_a_name():
    """They would share a work dir, and mim would find neither."""
    names = [path.name for path in CONFIGS.rglob('*.py')]
    assert sorted(set(names)) == sorted(names)


def test_there_are_configs():
    folders = {path.parent.name for path in FILES}
    assert {'deforhmr', 'ablations'} <= folders


def test_model_builds_and_tests_a_step(config, batch):
    model = MODELS.build(config.model)
    model.eval()
    with torch.no_grad():
        predicted = model.test_step(as_read_by(config, batch))
    assert len(predicted) == 2
    for sample in predicted:
        pred = sample.pred_instances
        rotmats = torch.cat((pred.global_orient, pred.body_pose), dim=1)
        assert rotmats.shape == (1, 24, 3, 3)
        eye = torch.eye(3).expand_as(rotmats)
        torch.testing.assert_close(rotmats @ rotmats.mT, eye, atol=1e-4, rtol=0)
        assert pred.vertices.isfinite().all() and pred.transl[0, 2] > 0


def test_training_moves_what_is_not_frozen(trainable, batch):
    model = MODELS.build(trainable.model)
    model.train()
    optimizer = build_optim_wrapper(model, trainable.optim_wrapper)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    log = model.train_step(as_read_by(trainable, batch), optimizer)
    terms = {name for name in log if name != 'loss'}
    assert terms >= {'loss_pose', 'loss_betas', 'loss_joints_3d', 'loss_joints_2d'}
    assert all(value.isfinite() for value in log.values())
    assert log['loss'].item() == pytest.approx(sum(log[t].item() for t in terms))
    assert log['loss'].item() > 0
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    frozen = {n for n, p in model.named_parameters() if not p.requires_grad}
    assert not moved & frozen
    assert set(before) - moved - frozen <= FED_ZEROS | behind_zeros(before)
    of_backbone = {name for name in before if name.startswith('backbone.')}
    assert frozen == (of_backbone if trainable.model.backbone.get('frozen') else set())


def behind_zeros(weights):
    """What a first step cannot move: filters of offsets that start at zero."""
    last = 'offsets.pointwise.weight'
    stems = [
        name.removesuffix('pointwise.weight')
        for name, weight in weights.items()
        if name.endswith(last) and not weight.any()
    ]
    return {
        name
        for name in weights
        for stem in stems
        if name.startswith(stem) and not name.endswith(last)
    }


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


def test_the_papers_losses_have_our_weights():
    path = CONFIGS / 'deforhmr' / 'deforhmr_vit-h_2xb100-100e_mixed-256x192.py'
    assert Config.fromfile(path).model.losses == dict(
        smpl=dict(type='SMPLParamLoss', pose_weight=10.0, betas_weight=0.02),
        joints_3d=dict(type='Joints3DLoss', loss_weight=5.0),
        joints_2d=dict(type='Joints2DLoss', loss_weight=10.0),
        vertices=dict(type='VertexLoss', loss_weight=2.0),
    )


def test_3dpw_is_scored_with_the_persons_gender():
    seen = 0
    for path in FILES:
        config = Config.fromfile(path)
        if config.val_dataloader.dataset.get('dataset_name') != '3dpw':
            continue
        seen += 1
        metric = config.val_evaluator
        assert metric.protocol == '3dpw', path.stem
        assert metric.body_model == config.model.body_model
        for gender, body in metric.gendered_body_models.items():
            expected = dict(
                metric.body_model,
                model_path=f'data/body_models/smpl/SMPL_{gender.upper()}.pkl',
            )
            assert body == expected
        assert set(metric.gendered_body_models) == {'male', 'female'}
    # The paper's, its ablations, the tars', RICH's, and HMR2.0's of these.
    assert seen >= 14


@pytest.mark.parametrize(
    ('rich', 'base'),
    [
        ('deforhmr/deforhmr_vit-h_rich', 'deforhmr/deforhmr_vit-h_2xb100-100e_mixed'),
        ('hmr2/hmr2_vit-h_rich', 'hmr2/hmr2_vit-h_mixed'),
    ],
)
def test_the_rich_configs_test_on_rich_alone(rich, base):
    config = Config.fromfile(CONFIGS / f'{rich}-256x192.py')
    trained = Config.fromfile(CONFIGS / f'{base}-256x192.py').to_dict()
    changed = {key for key, value in config.to_dict().items() if value != trained[key]}
    assert changed == {'test_dataloader', 'test_evaluator'}
    assert config.test_dataloader.dataset.ann_file == 'annotations/rich_test.npz'
    assert config.val_evaluator.protocol == '3dpw'
    assert config.test_evaluator == dict(
        type='MeshMetric',
        protocol='rich',
        truth='joints',
        body_model=config.model.body_model,
    )


def test_the_emdb_config_tests_on_emdb_alone():
    folder = CONFIGS / 'deforhmr'
    config = Config.fromfile(folder / 'deforhmr_vit-h_emdb-256x192.py')
    base = Config.fromfile(folder / 'deforhmr_vit-h_2xb100-100e_mixed-256x192.py')
    trained = base.to_dict()
    changed = {key for key, value in config.to_dict().items() if value != trained[key]}
    assert changed == {'test_dataloader', 'test_evaluator'}
    dataset = config.test_dataloader.dataset
    assert dataset.ann_file == 'annotations/emdb1.npz'
    assert dataset.data_prefix == dict(img='emdb')
    # With the same gendered bodies as 3DPW's test.
    assert config.test_evaluator == dict(base.test_evaluator, protocol='emdb')


@pytest.mark.parametrize(
    ('name', 'multi_query', 'cross_attention'),
    [
        ('single-query-regular', False, dict(deformable=False)),
        ('single-query', False, {}),
        ('regular', True, dict(deformable=False)),
        ('regular-no-position', True, dict(deformable=False, position_bias=None)),
        ('no-position', True, dict(position_bias=None)),
        ('sine-position', True, dict(position_bias='sine')),
        ('learned-position', True, dict(position_bias='learned')),
        ('ms-deform', True, dict(type='MSDeformCrossAttention')),
    ],
)
def test_an_ablation_differs_from_the_papers_config_in_its_option_alone(
    name, multi_query, cross_attention
):
    paper = CONFIGS / 'deforhmr' / 'deforhmr_vit-h_2xb100-100e_mixed-256x192.py'
    stem = paper.stem.replace('vit-h_', f'vit-h_{name}_')
    config = Config.fromfile(CONFIGS / 'ablations' / f'{stem}.py').to_dict()
    head = config['model']['head']
    assert head.pop('multi_query', True) == multi_query
    assert head.pop('cross_attention', {}) == cross_attention
    assert config == Config.fromfile(paper).to_dict()


def test_every_ablation_is_in_the_table():
    text = (CONFIGS / 'ablations' / 'README.md').read_text(encoding='utf-8')
    for path in FILES:
        if path.parent.name == 'ablations':
            assert f'({path.name})' in text


def test_every_config_draws_with_the_mesh_visualizer(config, tmp_path):
    visualizer = VISUALIZERS.build(
        dict(config.visualizer, name=tmp_path.name, save_dir=str(tmp_path))
    )
    assert isinstance(visualizer, MeshVisualizer)
    visualizer.add_image('seen', np.full((4, 6, 3), 7, np.uint8), step=2)
    assert len(list(tmp_path.rglob('seen_2.png'))) == 1
