"""A frame of a video gives the parameters that the same picture gives."""

import numpy as np
import pytest
from mmengine.dataset import pseudo_collate

from deforhmr_mm.apis import init_model
from deforhmr_mm.apis.camera_info import resolve_camera
from deforhmr_mm.apis.inference import (
    build_test_pipeline,
    crop_people,
    predict_people,
)
from deforhmr_mm.apis.motion_recovery import predict_parameters, recover_motion
from deforhmr_mm.tracking import Tracklet

BOX = np.array([20.0, 10, 90, 110], np.float32)
NAMES = ('global_orient', 'body_pose', 'betas', 'transl')


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)


def batch(model, crops):
    return model.data_preprocessor(pseudo_collate(list(crops)), False)


@pytest.mark.parametrize('flip_test', [False, True])
def test_a_frame_is_recovered_as_a_picture(tiny_model, image, flip_test):
    options = {'model.test_cfg': dict(flip_test=flip_test)}
    model = init_model(*tiny_model, cfg_options=options)
    pipeline = build_test_pipeline(model.cfg)
    camera = resolve_camera(None, image.shape[:2])
    crops = crop_people(pipeline, image, BOX[None], camera=camera)
    (picture,) = predict_people(model, crops)
    expected = {name: picture.pred_instances[name][0].numpy() for name in NAMES}
    expected['global_orient'] = expected['global_orient'][0]

    tracklet = Tracklet(
        0, np.arange(1), BOX[None], np.ones(1, np.float32), np.ones(1, bool)
    )
    motion = recover_motion(
        model, pipeline, [image], [tracklet], camera, 25.0, 1, image.shape[:2]
    )
    (person,) = motion.people
    for name in NAMES:
        found = getattr(person, name)
        found = found if name == 'betas' else found[0]
        np.testing.assert_allclose(found, expected[name], atol=1e-5, err_msg=name)

    # The mirror image does count.
    model.flip_test = not flip_test
    crops = crop_people(pipeline, image, BOX[None], camera=camera)
    (other,) = predict_parameters(model, crops, camera)
    for name in NAMES:
        assert np.abs(other[name] - expected[name]).max() > 1e-3, name


def test_nobody_is_behind_the_camera(tiny_model, image, monkeypatch):
    """Whatever a head says whose scale nothing keeps positive."""
    model = init_model(*tiny_model)
    camera = resolve_camera(None, image.shape[:2])
    pipeline = build_test_pipeline(model.cfg)
    crops = crop_people(pipeline, image, BOX[None], camera=camera)
    params = dict(model.predict_params(**batch(model, crops)))
    params['camera'] = -params['camera']
    monkeypatch.setattr(model, 'predict_params', lambda **data: params)
    (found,) = predict_parameters(model, crops, camera)
    assert 0 < found['transl'][2] < np.inf
