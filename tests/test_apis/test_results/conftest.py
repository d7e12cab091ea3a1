"""A body, a model, a picture's people and a video's motion for results files."""

import numpy as np
import pytest
import roma
import torch

from deforhmr_mm.apis import inference_topdown, init_model
from deforhmr_mm.apis.results import (
    describe_model,
    encode_json,
    encode_npz,
    person_result,
)
from deforhmr_mm.structures import Motion, PersonMotion

BOXES = [[100, 60, 200, 160], [0, 20, 300, 100], [10, 5, 60, 230]]
IMAGE = {'path': 'some/photo.jpg', 'height': 240, 'width': 320}
VIDEO = {'path': 'clip.mp4', 'focal_length_source': 'exif'}


@pytest.fixture(scope='package')
def model(tiny_model):
    return init_model(tiny_model.config, tiny_model.weights)


@pytest.fixture(scope='package')
def body(model):
    return model.body_model


@pytest.fixture(scope='package')
def about(model):
    return describe_model(model)


@pytest.fixture(scope='package')
def samples(model):
    """Three people of one picture."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    return inference_topdown(model, noise, BOXES, focal_length=500.0)


@pytest.fixture
def picture_files(samples, about, tmp_path):
    """A picture's JSON and NPZ file of these people."""

    def write(people=samples):
        results = [person_result(sample) for sample in people]
        json_path, npz_path = tmp_path / 'photo.json', tmp_path / 'photo.npz'
        json_path.write_bytes(encode_json(results, IMAGE, about))
        npz_path.write_bytes(encode_npz(people, IMAGE, about))
        return json_path, npz_path

    return write


def make_person(person_id, frames, seed):
    count = len(frames)
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)

    def rotations(*shape):
        return roma.random_rotmat(shape, generator=generator).numpy()

    return PersonMotion(
        person_id=person_id,
        frames=np.array(frames, np.int64),
        global_orient=rotations(count),
        body_pose=rotations(count, 23),
        betas=rng.normal(size=10).astype(np.float32),
        transl=(rng.normal(size=(count, 3)) + (0, 0, 6)).astype(np.float32),
        bboxes=rng.uniform(0, 200, (count, 4)).astype(np.float32),
        bbox_scores=rng.uniform(0, 1, count).astype(np.float32),
        observed=rng.uniform(size=count) > 0.3,
    )


def make_motion(people=()):
    return Motion(
        fps=29.97,
        num_frames=7,
        image_size=(480, 640),
        focal_length=812.5,
        principal_point=(319.5, 230.25),
        people=tuple(people),
    )


@pytest.fixture
def motion():
    """Two people of different ids, one with a gap, and a frame without anybody."""
    return make_motion([make_person(4, [0, 1, 4, 5], 0), make_person(1, [4, 5], 1)])
