"""Models from configs and checkpoints, and people from pictures."""

import pickle

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from deforhmr_mm.apis import ConfigError, inference_topdown, init_model
from deforhmr_mm.engine.checkpoints import CheckpointError
from deforhmr_mm.geometry import crop_to_full_translation
from deforhmr_mm.models.estimators import BodyMismatchError


@pytest.fixture(scope='module')
def model(tiny_model):
    return init_model(tiny_model.config, tiny_model.weights)


@pytest.fixture(scope='module')
def image():
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    return cv2.resize(noise, (320, 240), interpolation=cv2.INTER_CUBIC)


BOXES = [[100, 60, 200, 160], [0, 20, 300, 100], [10, 5, 60, 230], [290, 200, 330, 260]]


def test_model_is_ready(model, tiny_model):
    assert not model.training
    assert model.cfg.model.type == 'MeshEstimator'
    assert model.checkpoint_info.name == 'tiny.pth'
    assert len(model.checkpoint_info.sha256) == 64
    stored = torch.load(tiny_model.weights, weights_only=True)['state_dict']
    for key, value in model.state_dict().items():
        assert torch.equal(value, stored[key])


def test_config_object_and_options(tiny_model):
    cfg = Config.fromfile(tiny_model.config)
    model = init_model(cfg, cfg_options={'model.head.num_layers': 2})
    assert len(model.head.decoder.layers) == 2
    assert cfg.model.head.num_layers == 1 and model.checkpoint_info is None


def test_saved_camera_projects_onto_the_keypoints(model, image):
    """For square, wide, tall and off-centre boxes, in a few lines of numpy."""
    for focal, point in ((None, None), (400.0, (150.0, 90.0))):
        people = inference_topdown(
            model, image, BOXES, focal_length=focal, principal_point=point
        )
        assert len(people) == 4
        for person in (sample.pred_instances for sample in people):
            joints = (person.joints + person.transl)[0].numpy()
            f = focal or np.hypot(320, 240)
            center = (159.5, 119.5) if point is None else point
            pixels = f * joints[:, :2] / joints[:, 2:] + center
            np.testing.assert_allclose(person.keypoints[0], pixels, atol=0.05)
            assert person.focal_length.item() == pytest.approx(f)


@pytest.mark.parametrize('padding', [1.2, 1.0])
def test_translation_is_that_of_the_padded_box(tiny_model, image, padding):
    options = {'model.test_cfg': dict(bbox_padding=padding)} if padding != 1.2 else {}
    model = init_model(tiny_model.config, tiny_model.weights, cfg_options=options)
    for sample, box in zip(inference_topdown(model, image, BOXES), BOXES, strict=True):
        person = sample.pred_instances
        np.testing.assert_array_equal(person.bboxes[0], box)
        left, top, right, bottom = box
        center = np.float32([(left + right) / 2, (top + bottom) / 2])
        height = padding * max((right - left) / 0.75, bottom - top)
        transl = crop_to_full_translation(
            person.camera,
            torch.tensor(center)[None],
            torch.tensor([height]),
            person.principal_point,
            person.focal_length,
        )
        torch.testing.assert_close(person.transl, transl)


def test_people_together_and_one_by_one(model, image):
    together = inference_topdown(model, image, BOXES)
    for sample, box in zip(together, BOXES, strict=True):
        (alone,) = inference_topdown(model, image, [box])
        for key in ('vertices', 'keypoints', 'transl', 'betas'):
            torch.testing.assert_close(
                sample.pred_instances[key],
                alone.pred_instances[key],
                rtol=1e-4,
                atol=1e-4,
            )


def test_path_array_and_box_formats_agree(model, image, tmp_path):
    path = tmp_path / 'picture.png'
    cv2.imwrite(str(path), image)
    (a,) = inference_topdown(model, path, [[10, 20, 60, 120]])
    (b,) = inference_topdown(model, image, [[10, 20, 50, 100]], bbox_format='xywh')
    torch.testing.assert_close(a.pred_instances.vertices, b.pred_instances.vertices)
    assert a.img_path == str(path)


def test_different_people_look_different(model, image):
    a, b = inference_topdown(model, image, BOXES[:2])
    assert (a.pred_instances.vertices - b.pred_instances.vertices).abs().max() > 1e-3


def test_without_boxes_the_picture_is_one_person(model, image):
    (person,) = inference_topdown(model, image)
    np.testing.assert_array_equal(person.pred_instances.bboxes[0], [0, 0, 320, 240])
    assert inference_topdown(model, image, np.zeros((0, 4))) == []


@pytest.mark.parametrize(
    ('box', 'message'),
    [
        ([10, 10, 10, 50], r'bboxes\[1\].*positive'),
        ([10, 10, 5, 50], r'bboxes\[1\].*positive'),
        ([10, 10, np.nan, 50], r'bboxes\[1\].*finite'),
        ([400, 10, 500, 50], r'bboxes\[1\].*outside'),
    ],
)
def test_bad_boxes_are_named(model, image, box, message):
    with pytest.raises(ValueError, match=message):
        inference_topdown(model, image, [BOXES[0], box])


@pytest.mark.parametrize(
    ('camera', 'message'),
    [
        (dict(focal_length=-1), 'focal_length'),
        (dict(focal_length=np.inf), 'focal_length'),
        (dict(principal_point=(1, np.nan)), 'principal_point'),
    ],
)
def test_bad_cameras_are_named(model, image, camera, message):
    with pytest.raises(ValueError, match=message):
        inference_topdown(model, image, BOXES, **camera)


def test_arrays_must_be_pictures(model):
    with pytest.raises(ValueError, match=r'float64 of shape \(4, 4\)'):
        inference_topdown(model, np.zeros((4, 4)))


def edited(tiny_model, tmp_path, old, new):
    path = tmp_path / 'edited.py'
    text = tiny_model.config.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ("'DeforHMRHead'", "'DeforHMRHed'"),
        ("'MeshEstimator'", "'MeshEstimater'"),
        ("'TopdownAffine'", "'TopdownAfine'"),
    ],
)
def test_misspelt_types_are_named_with_the_right_one(tiny_model, tmp_path, old, new):
    config = edited(tiny_model, tmp_path, old, new)
    message = rf'edited\.py: there is no type {new} in .*; did you mean {old}\?'
    with pytest.raises(ConfigError, match=message):
        inference_topdown(init_model(config), np.zeros((8, 8, 3), np.uint8))


def test_configs_that_do_not_work_are_named(tiny_model, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.py does not exist'):
        init_model(tmp_path / 'none.py')
    broken = edited(tiny_model, tmp_path, 'model = dict(', 'model = dict((')
    with pytest.raises(ConfigError, match=r'edited\.py cannot be read'):
        init_model(broken)
    with pytest.raises(ConfigError, match='tiny.py does not fit.*num_layer'):
        init_model(tiny_model.config, cfg_options={'model.head.num_layer': 2})
    with pytest.raises(ConfigError, match='has no `model`'):
        init_model(Config(dict(a=1)))


def test_a_device_that_is_not_there_is_named(tiny_model):
    with pytest.raises(ValueError, match='the device gpu7 cannot be used'):
        init_model(tiny_model.config, device='gpu7')


def test_checkpoint_of_another_model(tiny_model, tmp_path):
    options = {'model.head.embed_dims': 64}
    with pytest.raises(CheckpointError, match=r'tiny\.pth is of another model.*head\.'):
        init_model(tiny_model.config, tiny_model.weights, cfg_options=options)
    torch.save({'state_dict': {'a': torch.zeros(1)}}, tmp_path / 'other.pth')
    with pytest.raises(CheckpointError, match=r'other\.pth is of another .*missing'):
        init_model(tiny_model.config, tmp_path / 'other.pth')


def test_checkpoint_of_another_body(tiny_model, tmp_path):
    checkpoint = torch.load(tiny_model.weights, weights_only=True)
    checkpoint['state_dict']['body_fingerprint'] += 1
    torch.save(checkpoint, tmp_path / 'other.pth')
    with pytest.raises(BodyMismatchError, match=r'other\.pth: .*trained for the body'):
        init_model(tiny_model.config, tmp_path / 'other.pth')


def test_checkpoints_run_no_code(tiny_model, tmp_path, monkeypatch, running_pickle):
    monkeypatch.chdir(tmp_path)
    torch.save({'state_dict': {'a': running_pickle}}, 'evil.pth')
    with open('evil.pkl', 'wb') as file:
        pickle.dump({'state_dict': running_pickle}, file)
    for name in ('evil.pth', 'evil.pkl'):
        with pytest.raises(CheckpointError, match=name):
            init_model(tiny_model.config, name)
