"""Rigs pose as the bodies that they were taken from."""

import numpy as np
import pytest

from deforhmr_mm.visualization.animation import rig_from_body
from deforhmr_mm.visualization.animation.rig import pose_features


def test_a_rig_poses_as_its_body_does(make_person, blend_body, pose_body):
    """Linear blend skinning by the rig's parts, with the root's place put back."""
    person = make_person(1, range(3))
    rig = rig_from_body(blend_body, person.betas)
    pose = np.concatenate((person.global_orient[:, None], person.body_pose), axis=1)
    offsets = np.tensordot(pose_features(pose), rig.posedirs, axes=1)
    points = rig.vertices + offsets
    transforms = rig.skinning_transforms(pose)
    blended = np.einsum('vj,tjrc->tvrc', rig.blend_weights, transforms)
    posed = (blended[..., :3] @ points[..., None])[..., 0] + blended[..., 3]
    posed = (posed + person.transl[:, None]) * (1, -1, -1)
    np.testing.assert_allclose(posed, pose_body(blend_body, person)[0], atol=1e-6)


def test_the_open_body_has_no_pose_blend_shapes(open_body):
    rig = rig_from_body(open_body, np.zeros(10))
    assert rig.posedirs is None
    assert rig.joint_names[0] == 'pelvis' and rig.joint_names[23] == 'right_hand'
    np.testing.assert_allclose(rig.blend_weights.sum(axis=1), 1, rtol=1e-12)
    with pytest.raises(ValueError, match=r'\(10,\) for the body open_body, got \(3,\)'):
        rig_from_body(open_body, np.zeros(3))
