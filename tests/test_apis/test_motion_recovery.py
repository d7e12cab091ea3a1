"""A frame of a video gives the parameters that the same picture gives."""

import itertools

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
from deforhmr_mm.tracking import Tracklet, shared_betas

BOX = np.array([20.0, 10, 90, 110], np.float32)
NAMES = ('global_orient', 'body_pose', 'betas', 'transl')


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)


def batch(model, crops):
    return model.data_preprocessor(pseudo_collate(list(crops)), False)


@pytest.mark.parametrize('flip_test', [False, True])
def test_a_frame_is_recovered_as_a_picture(tiny_model, image, flip_test):
    options = {'model.test_cfg': dict(flip_test=flip_test, bbox_padding=1.4)}
    model = init_model(*tiny_model, cfg_options=options)
    pipeline = build_test_pipeline(model.cfg)
    camera = resolve_camera(None, image.shape[:2])
    crops = crop_people(pipeline, image, BOX[None], camera=camera, bbox_padding=1.4)
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
    crops = crop_people(pipeline, image, BOX[None], camera=camera, bbox_padding=1.4)
    (other,) = predict_parameters(model, crops, camera)
    for name in NAMES:
        assert np.abs(other[name] - expected[name]).max() > 1e-3, name


def test_everybody_in_every_frame_has_a_row(tiny_model, monkeypatch):
    """Crops of several frames and people go through the network together."""
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (6, 120, 160, 3), dtype=np.uint8))
    model = init_model(*tiny_model)
    pipeline = build_test_pipeline(model.cfg)
    camera = resolve_camera(None, (120, 160), 300.0, (70, 65))

    def tracklet(person_id, frames, scores):
        boxes = BOX + rng.uniform(-15, 15, (len(frames), 4)).astype(np.float32)
        observed = rng.uniform(size=len(frames)) > 0.5
        scores = np.array(scores, np.float32)
        return Tracklet(person_id, np.array(frames), boxes, scores, observed)

    # Who comes later, or is not numbered by place, gets nobody else's rows; and in
    # frame 0 there is nobody.
    tracklets = [
        tracklet(7, [2, 3, 4, 5], [0.9, 0.3, 0.3, 0.2]),
        tracklet(3, [1, 2, 3, 4], [0.2, 0.3, 0.3, 0.9]),
    ]
    sizes = []

    def counted(model, crops, camera):
        sizes.append(len(crops))
        return predict_parameters(model, crops, camera)

    monkeypatch.setattr(f'{recover_motion.__module__}.predict_parameters', counted)
    motion = recover_motion(
        model, pipeline, images, tracklets, camera, 25.0, 6, (120, 160), batch_size=3
    )
    assert sizes == [3, 3, 2]
    assert (motion.fps, motion.num_frames, motion.image_size) == (25, 6, (120, 160))
    assert (motion.focal_length, motion.principal_point) == (300, (70, 65))
    for person, given in zip(motion.people, tracklets, strict=True):
        assert person.person_id == given.person_id
        np.testing.assert_array_equal(person.frames, given.frames)
        np.testing.assert_array_equal(person.bboxes, given.bboxes)
        np.testing.assert_array_equal(person.bbox_scores, given.scores)
        np.testing.assert_array_equal(person.observed, given.observed)
        expected = []
        for frame, box in zip(given.frames, given.bboxes, strict=True):
            crops = crop_people(pipeline, images[frame], box[None], camera=camera)
            expected += predict_parameters(model, crops, camera)
        values = {name: np.stack([row[name] for row in expected]) for name in NAMES}
        for name in ('global_orient', 'body_pose', 'transl'):
            np.testing.assert_allclose(
                getattr(person, name), values[name], rtol=1e-4, atol=1e-5, err_msg=name
            )
            # No frame's are those of another.
            for first, second in itertools.combinations(values[name], 2):
                assert np.abs(first - second).max() > 1e-3, name
        # One shape, and the surer frames count for more.
        shape = shared_betas(values['betas'], given.scores)
        np.testing.assert_allclose(person.betas, shape, atol=1e-5)
        assert np.abs(shape - shared_betas(values['betas'])).max() > 1e-3


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
