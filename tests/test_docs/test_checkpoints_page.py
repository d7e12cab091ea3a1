"""The options of docs/checkpoints.md give HMR2.0's weights the crops of HMR2.0."""

import re
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.registry import DATASETS, METRICS, MODELS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / 'docs' / 'checkpoints.md').read_text(encoding='utf-8')
BODY = dict(type='SMPL')
WIDTH = 32


def config_of(tool):
    """The config that a command of the page runs, with its options."""
    (command,) = re.findall(rf'^python {tool} (.*--cfg-options.*)$', PAGE, re.M)
    path = re.search(r'configs/\S+\.py', command).group()
    parser = ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    options, _ = parser.parse_known_args(command.split())
    config = Config.fromfile(ROOT / path)
    config.merge_from_dict(options.cfg_options)
    init_default_scope('deforhmr_mm')
    return config


def test_the_demo_s_boxes_are_not_enlarged():
    config = config_of('demo/inferencer_demo.py')
    assert config.test_cfg == {}  # the loop's is another one
    model = config.model
    assert model.backbone.init_cfg is model.head.mean_params is None
    assert model.body_model.h36m_regressor is None
    model.body_model = BODY
    model.backbone.arch = dict(embed_dims=WIDTH, depth=1, num_heads=2)
    model.head.update(in_channels=WIDTH, num_layers=1, embed_dims=16)
    assert MODELS.build(model).bbox_padding == 1.0


@pytest.mark.parametrize('scale', [0.5, (0.375, 0.5)])
def test_a_test_crops_hmr2_s_square_and_a_third_more_height(
    tmp_path, monkeypatch, scale
):
    config = config_of('tools/test.py')
    path = tmp_path / config.test_dataloader.dataset.data_root / 'annotations'
    path.mkdir(parents=True)
    np.savez(
        path / '3dpw_test.npz',
        imgname=np.array(['a.jpg']),
        center=np.full((1, 2), 60.0),
        scale=np.array([scale]),
        pose=np.zeros((1, 72)),
        shape=np.zeros((1, 10)),
        gender=np.array(['f']),
    )
    monkeypatch.chdir(tmp_path)
    person = DATASETS.build(config.test_dataloader.dataset).get_data_info(0)
    np.testing.assert_allclose(person['bbox_scale'], [100, 400 / 3], rtol=1e-6)
    assert 'bbox_padding' not in config.val_dataloader.dataset


def test_a_test_aligns_at_hmr2_s_pelvis(tmp_path):
    config = config_of('tools/test.py')
    assert config.model.head.mean_params is None
    assert 'pelvis' not in config.val_evaluator
    evaluator = config.test_evaluator
    assert Path(evaluator.hmr2_regressor).name == 'SMPL_to_J19.pkl'
    vertices = SMPL().num_vertices
    np.save(tmp_path / 'extra.npy', np.full((19, vertices), 1 / vertices))
    evaluator.hmr2_regressor = str(tmp_path / 'extra.npy')
    evaluator.body_model = BODY
    evaluator.gendered_body_models = dict(male=BODY, female=BODY)
    description = METRICS.build(evaluator).description
    assert 'protocol 3dpw: 14 H36M joints' in description
    assert "aligned at HMR2.0's keypoint 39" in description
