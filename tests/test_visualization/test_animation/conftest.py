"""Bodies to animate, and people who move."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import SMPL_PARENTS, Motion, PersonMotion


@pytest.fixture(scope='session')
def open_body() -> SMPL:
    return SMPL()


@pytest.fixture(scope='session')
def blend_body(tmp_path_factory) -> SMPL:
    """A small body whose pose blend shapes move vertices by centimetres."""
    rng = np.random.default_rng(0)
    count, joints = 60, 24
    regressor = np.zeros((joints, count))
    for joint in range(joints):
        regressor[joint, rng.choice(count, 5, replace=False)] = 0.2
    weights = rng.random((count, joints)) ** 8
    weights[weights < np.sort(weights, axis=1)[:, -4:-3]] = 0
    path = tmp_path_factory.mktemp('bodies') / 'blend.npz'
    np.savez(
        path,
        v_template=rng.normal(size=(count, 3)),
        f=rng.permutation(count).reshape(-1, 3),
        J_regressor=regressor,
        weights=weights / weights.sum(1, keepdims=True),
        shapedirs=rng.normal(size=(count, 3, 10)) / 50,
        posedirs=rng.normal(size=(count, 3, 207)) / 300,
        kintree_table=np.stack([SMPL_PARENTS, np.arange(joints)]),
    )
    return SMPL(path, landmark_ids={})


@pytest.fixture(scope='session')
def make_person():
    """Makes somebody who takes random poses, or with `smooth` moves between few."""

    def make(person_id, frames, seed=0, spread=0.6, smooth=False):
        rng = np.random.default_rng(seed)
        frames = np.asarray(frames, np.int64)
        count = len(frames)
        vectors = spread * rng.normal(size=(count, 24, 3))
        if smooth:
            ends = spread * rng.normal(size=(2, 24, 3))
            share = (0.5 + 0.5 * np.sin(0.3 * frames))[:, None, None]
            vectors = ends[0] * share + ends[1] * (1 - share)
        # Anyhow, also upside down.
        vectors[:, 0] = rng.normal(size=(count, 3)) * 2
        poses = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix()
        poses = poses.reshape(count, 24, 3, 3).astype(np.float32)
        return PersonMotion(
            person_id=person_id,
            frames=frames,
            global_orient=poses[:, 0],
            body_pose=poses[:, 1:],
            betas=rng.normal(size=10).astype(np.float32),
            transl=(rng.normal(size=(count, 3)) + (0, 0, 6)).astype(np.float32),
            bboxes=np.zeros((count, 4), np.float32),
            bbox_scores=np.ones(count, np.float32),
            observed=np.ones(count, bool),
        )

    return make


@pytest.fixture(scope='session')
def make_motion():
    """Makes a motion in a wide picture whose camera is off its centre."""

    def make(*people, num_frames=12, fps=25.0):
        return Motion(
            fps=fps,
            num_frames=num_frames,
            image_size=(360, 640),
            focal_length=500.0,
            principal_point=(330.0, 170.0),
            people=people,
        )

    return make


@pytest.fixture(scope='session')
def pose_body():
    """Poses a person with the body's own module: vertices and joints, y up."""

    def pose(body, person):
        with torch.no_grad():
            output = body.double()(
                torch.from_numpy(person.global_orient)[:, None],
                torch.from_numpy(person.body_pose),
                torch.from_numpy(person.betas).expand(len(person), -1),
                torch.from_numpy(person.transl),
            )
        body.float()
        return [part.numpy() * (1, -1, -1) for part in output]

    return pose
