import os
import runpy
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

import deforhmr_mm
from deforhmr_mm.apis import init_model
from deforhmr_mm.body_models import OPEN_BODY_PATH
from deforhmr_mm.engine.checkpoints import CheckpointError, load_checkpoint_safely
from deforhmr_mm.models.backbones import ViT
from tests.reference_models import (
    encode,
    hmr2_head_shapes,
    mmpretrain_shapes,
    random_weights,
    regress,
    vitpose_shapes,
)
from tests.running_pickles import RunsCode

TOOLS = Path(deforhmr_mm.__file__).parents[1] / 'tools' / 'model_converters'
SIZE = (64, 48)
HEADS = 4

CONFIG = """
default_scope = 'deforhmr_mm'
model = dict(
    type='MeshEstimator',
    backbone=dict(type='ViT', img_size=(64, 48),
        arch=dict(embed_dims=16, depth=2, num_heads=4)),
    head=dict(type='HMR2Head', in_channels=16, num_layers=2, embed_dims=12,
        num_heads=2, head_dims=4, ffn_dims=20),
    losses=dict(
        smpl=dict(type='SMPLParamLoss'), vertices=dict(type='VertexLoss')))
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a converter on a state dict; gives exit code, output, error and result."""

    def call(tool, state_dict, *options, **others):
        source, target = tmp_path / 'source.pth', tmp_path / 'out' / 'result.pth'
        torch.save(dict(state_dict=state_dict, **others), source)
        script = TOOLS / f'{tool}.py'
        monkeypatch.setattr(
            sys, 'argv', [str(script), str(source), str(target), *map(str, options)]
        )
        code = 0
        try:
            runpy.run_path(str(script), run_name='__main__')
        except SystemExit as error:
            code = error.code
        printed = capsys.readouterr()
        return types.SimpleNamespace(
            code=code, out=printed.out, error=printed.err, path=target
        )

    return call


def hmr2_weights():
    """HMR2.0's checkpoint: encoder, head, and what it carries besides."""
    shapes = vitpose_shapes('backbone.') | hmr2_head_shapes()
    shapes |= {'discriminator.D_conv1.weight': (3, 9, 1, 1), 'initialized': ()}
    return random_weights(shapes)


def assert_failed(result, *parts):
    assert result.code == 1 and result.out == ''
    lines = result.error.strip().splitlines()
    assert lines[0].startswith('error: ') and len(lines) == 2
    assert 'DEFORHMR_DEBUG' in lines[1]
    for part in parts:
        assert part in lines[0]
    assert not result.path.parent.exists() or not any(result.path.parent.iterdir())


def pretrained_vit(path, img_size=SIZE, **kwargs):
    """A ViT with the weights of a file, loaded as a config does it."""
    vit = ViT(
        dict(embed_dims=16, depth=2, num_heads=HEADS),
        img_size=img_size,
        init_cfg=dict(type='Pretrained', checkpoint=str(path)),
        **kwargs,
    )
    vit.init_weights()
    return vit.eval()


@torch.no_grad()
def test_hmr2_gives_what_hmr2_gives(run, tmp_path):
    weights = hmr2_weights()
    result = run('hmr2', weights, '--body-model', OPEN_BODY_PATH)
    assert result.code == 0, result.error
    assert 'missing: none' in result.out
    assert 'left over: 2: discriminator (1), initialized (1)' in result.out

    config = tmp_path / 'config.py'
    config.write_text(CONFIG)
    model = init_model(config, result.path)
    images = torch.randn(2, 3, *SIZE)
    feats = encode(weights, images, HEADS)
    torch.testing.assert_close(model.backbone(images), feats, atol=1e-4, rtol=1e-4)
    rotmats, betas, camera = regress(weights, feats, heads=2)
    out = model(images)
    got = torch.cat((out['global_orient'], out['body_pose']), dim=1)
    torch.testing.assert_close(got, rotmats, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(out['betas'], betas, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(out['camera'], camera, atol=1e-4, rtol=1e-4)
    count = len(load_checkpoint_safely(result.path)['state_dict'])
    assert count == len(weights) - 2 + 1 and f'matched: {count} ' in result.out


def test_hmr2_without_a_body_is_refused_by_init_model_as_it_says(run, tmp_path):
    result = run('hmr2', hmr2_weights())
    assert result.code == 0 and 'no fingerprint' in result.out
    config = tmp_path / 'config.py'
    config.write_text(CONFIG)
    with pytest.raises(CheckpointError, match=r'1 missing \(body_fingerprint\)'):
        init_model(config, result.path)


def test_hmr2_body_is_compared_with_the_checkpoints_own(run):
    with np.load(OPEN_BODY_PATH) as file:
        template = torch.from_numpy(file['v_template']).float()
    template[5, 1] += 0.002
    weights = hmr2_weights() | {'smpl.v_template': template}
    result = run('hmr2', weights, '--body-model', OPEN_BODY_PATH)
    assert 'lie up to 2 mm from' in result.out and 'smpl (1)' in result.out
    weights['smpl.v_template'] = template[:-1]
    result.path.unlink()
    result = run('hmr2', weights, '--body-model', OPEN_BODY_PATH)
    assert_failed(result, 'another body')


def without(weights, key):
    return {name: value for name, value in weights.items() if name != key}


def test_hmr2_that_does_not_match_fails_in_one_line_and_writes_nothing(run):
    weights = hmr2_weights()
    layer = 'smpl_head.transformer.transformer.layers.1.1'
    for key in (f'{layer}.fn.to_kv.weight', 'backbone.blocks.1.mlp.fc2.bias'):
        assert_failed(run('hmr2', without(weights, key)), '1 missing', key)
    assert_failed(
        run('hmr2', without(weights, 'smpl_head.decpose.weight')),
        'lacks smpl_head.decpose.weight',
    )
    other = weights | {'smpl_head.decpose.bias': torch.zeros(72)}
    assert_failed(run('hmr2', other), 'smpl_head.decpose.bias (72,), not (144,)')
    # The head that is fed its own estimate takes more than a zero.
    token = 'smpl_head.transformer.to_token_embedding.weight'
    assert_failed(run('hmr2', weights | {token: torch.zeros(12, 157)}), token)
    extra = weights | {'smpl_head.deckp.weight': torch.zeros(88, 12)}
    assert_failed(run('hmr2', extra), 'does not have: smpl_head.deckp.weight')
    assert_failed(run('hmr2', {'head.weight': torch.zeros(2)}), 'unknown layout')
    assert_failed(run('hmr2', weights, '--body-model', 'no.pkl'), 'no.pkl')


@torch.no_grad()
@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_vitpose_gives_what_vitpose_gives(run, prefix):
    weights = random_weights(vitpose_shapes(prefix))
    head = {'keypoint_head.final_layer.weight': torch.ones(17, 4, 1, 1)}
    result = run('vitpose', weights | head, '--input-size', *SIZE)
    assert result.code == 0, result.error
    assert 'layout: ViTPose\n' in result.out
    assert 'left over: 1: keypoint_head (1)' in result.out
    assert f'matched: {len(weights)} weights' in result.out
    images = torch.randn(2, 3, *SIZE)
    expected = encode(weights, images, HEADS, prefix)
    got = pretrained_vit(result.path)(images)
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_encoder_inside_hmr2(run):
    weights = hmr2_weights()
    result = run('vitpose', weights, '--input-size', *SIZE)
    assert 'smpl_head (' in result.out and 'discriminator (1)' in result.out
    images = torch.randn(2, 3, *SIZE)
    expected = encode(weights, images, HEADS)
    got = pretrained_vit(result.path)(images)
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_mmpose_gives_what_mmpose_gives(run):
    weights = random_weights(mmpretrain_shapes())
    result = run('vitpose', weights, '--input-size', *SIZE)
    assert result.code == 0, result.error
    assert 'layout: mmpretrain (mmpose 1.x)' in result.out
    images = torch.randn(2, 3, *SIZE)
    expected = encode(weights, images, HEADS, mmpretrain=True)
    got = pretrained_vit(result.path)(images)
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def test_position_of_a_class_token_reaches_no_patch(run):
    """mmpretrain adds the first entry to the class token, ours goes to all patches."""
    weights = random_weights(mmpretrain_shapes(entries=13))
    stored = weights['backbone.pos_embed']
    cls_token = {'backbone.cls_token': torch.ones(1, 1, 16)}
    for state_dict, note, left_over in (
        (weights | cls_token, 'class token and its', '1: backbone.cls_token (1)'),
        (weights, 'leading position entry is dropped', 'none'),
    ):
        result = run('vitpose', state_dict, '--input-size', *SIZE)
        assert note in result.out and f'left over: {left_over}\n' in result.out
        pos_embed = load_checkpoint_safely(result.path)['state_dict']['pos_embed']
        assert not pos_embed[:, 0].any()
        assert torch.equal(pos_embed[:, 1:], stored[:, 1:])


def test_square_source_is_resized_to_the_crop(run):
    weights = random_weights(vitpose_shapes(patches=196))
    result = run('vitpose', weights)
    assert 'resized from (14, 14) to (16, 12) patches' in result.out
    pos_embed = load_checkpoint_safely(result.path)['state_dict']['pos_embed']
    assert pos_embed.shape == (1, 193, 16)
    assert torch.equal(pos_embed[:, 0], weights['pos_embed'][:, 0])
    pretrained_vit(result.path, img_size=(256, 192))


def test_split_vitpose_plus_leaves_its_experts_over(run):
    weights = random_weights(vitpose_shapes('backbone.'))
    for block in range(2):
        for expert in range(3):
            name = f'backbone.blocks.{block}.mlp.experts.{expert}'
            weights[f'{name}.weight'] = torch.zeros(4, 64)
            weights[f'{name}.bias'] = torch.zeros(4)
    result = run('vitpose', weights, '--input-size', *SIZE)
    assert result.code == 0 and 'left over: 12: experts (12)' in result.out

    for block in range(2):
        name = f'backbone.blocks.{block}.mlp.fc2'
        weights[f'{name}.weight'] = weights[f'{name}.weight'][:12]
        weights[f'{name}.bias'] = weights[f'{name}.bias'][:12]
    result.path.unlink()
    result = run('vitpose', weights, '--input-size', *SIZE)
    assert_failed(result, '4 of another shape', 'ViTPose+', 'model_split.py')


def test_encoder_that_does_not_match_fails_in_one_line_and_writes_nothing(run):
    weights = random_weights(vitpose_shapes('backbone.'))
    norm = 'backbone.last_norm.weight'
    assert_failed(run('vitpose', without(weights, norm)), '1 missing', norm)
    norm = 'backbone.blocks.1.norm1.weight'
    result = run('vitpose', weights | {norm: torch.zeros(8)})
    assert_failed(result, f'{norm} (8,), not (16,)')
    assert_failed(
        run('vitpose', weights | {'backbone.pos_embed': torch.zeros(1, 13, 8)}),
        'backbone.pos_embed must be (1, N, 16), got (1, 13, 8)',
    )
    for entries in (12, 1, 0):
        pos_embed = {'backbone.pos_embed': torch.zeros(1, entries, 16)}
        assert_failed(
            run('vitpose', weights | pos_embed),
            f'{entries - 1} entries is neither square nor 4:3',
        )
    assert_failed(
        run('vitpose', weights, '--input-size', 60, 48), 'multiple of the patch size 16'
    )
    scale = 'backbone.layers.0.ffn.gamma2.weight'
    weights = random_weights(mmpretrain_shapes()) | {scale: torch.ones(16)}
    assert_failed(run('vitpose', weights), f'does not have: {scale}')


def test_unknown_and_doubled_layouts_are_refused(run):
    assert_failed(
        run('vitpose', {'conv1.weight': torch.zeros(2)}),
        'unknown layout',
        'conv1.weight',
    )
    assert_failed(run('vitpose', {}), 'the keys are none')
    two = random_weights(vitpose_shapes('teacher.') | vitpose_shapes('student.'))
    assert_failed(run('vitpose', two), 'several encoders: teacher., student.')
    # Not the encoder: its name merely ends alike.
    decoder = {'decoder_blocks.0.attn.qkv.weight': torch.zeros(2)}
    assert_failed(run('vitpose', decoder), 'unknown layout')


class Settings(dict):
    """Stands for yacs's CfgNode: pickled by name, with items and attributes."""


def test_settings_of_other_packages_are_passed_over_and_run_nothing(run, tmp_path):
    settings = Settings(lr=1e-5, nested=Settings(depth=2))
    settings.frozen = True
    weights = random_weights(vitpose_shapes())
    made = tmp_path / 'made_by_the_pickle'
    code = RunsCode(shutil.copyfile, __file__, str(made))
    extra = dict(hyper_parameters={'cfg': settings, 'code': code, 'path': made})
    result = run('vitpose', weights, '--input-size', *SIZE, **extra)
    assert result.code == 0, result.error
    assert f'not loaded: objects of {Settings.__module__}.Settings\n' in result.out
    assert 'not loaded: objects of shutil.copyfile\n' in result.out
    assert not made.exists()
    stored = load_checkpoint_safely(result.path)
    assert stored['meta'] == dict(source='source.pth', layout='ViTPose')
    # The stand-ins are gone again.
    with pytest.raises(CheckpointError, match='cannot be opened safely'):
        load_checkpoint_safely(tmp_path / 'source.pth')


def test_file_that_reaches_for_the_system_is_refused(run):
    code = RunsCode(os.getenv, 'HOME')
    result = run('vitpose', random_weights(vitpose_shapes()), code=code)
    assert_failed(result, 'cannot be opened safely', 'os.getenv', 'the weights alone')
    assert 'model_converters' not in result.error and 'trust' not in result.error


def test_failed_writing_leaves_nothing(run, monkeypatch):
    def full(*_, **__):
        raise OSError('No space left on device')

    monkeypatch.setattr(os, 'replace', full)
    result = run('vitpose', random_weights(vitpose_shapes()), '--input-size', *SIZE)
    assert_failed(result, 'No space left on device')


def test_state_dict_of_other_things_is_refused(run):
    assert_failed(run('vitpose', {'blocks': Settings()}), 'more than tensors')
