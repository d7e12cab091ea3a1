"""What is true of the sample pictures: the labels of the renderer that made them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import roma
import torch
from torch import nn

from deforhmr_mm.apis.inference import BBOX_PADDING
from deforhmr_mm.datasets.readers import read_spin_npz
from deforhmr_mm.datasets.readers.boxes import fit_wide_people
from deforhmr_mm.evaluation import mpjpe
from deforhmr_mm.structures import get_keypoint_set

SAMPLES = Path(__file__).resolve().parent / 'samples'
JOINTS = get_keypoint_set('smpl24')


def joint_error(person: dict, true_joints: np.ndarray) -> float:
    """Return the MPJPE of one person in mm over SMPL's joints, pelvis at the origin."""
    pred = np.array([person['joints_3d'][name] for name in JOINTS.names])
    pelvis = JOINTS.index('pelvis')
    return 1000 * float(mpjpe(pred, true_joints, pred[pelvis], true_joints[pelvis]))


class Samples(NamedTuple):
    """What is known of the sample pictures, by file name.

    bboxes: (N, 4) left, top, right, bottom in pixels. pose: (N, 24, 3) axis-angle in
    the camera frame, root first. betas: (N, 10). body_fingerprint: of their body.
    """

    bboxes: dict[str, np.ndarray]
    pose: dict[str, np.ndarray]
    betas: dict[str, np.ndarray]
    body_fingerprint: str


def load_samples(path: Path) -> Samples:
    """Read annotations in the layout of SPIN's npz files.

    The boxes leave out the margin that inference adds: crops become those of a test, of
    people who are wider than tall, too.
    """
    with np.load(path) as data:
        columns = {key: data[key] for key in data.files}
    names = np.array([Path(name).name for name in columns['imgname']])
    people = read_spin_npz(path, scale_unit='200px')
    size = fit_wide_people(people.center, people.scale, people.keypoints, BBOX_PADDING)
    half = size / BBOX_PADDING / 2
    columns['bbox'] = np.concatenate([people.center - half, people.center + half], -1)
    columns['pose'] = columns['pose'].reshape(-1, len(JOINTS), 3)
    by_name = [
        {name: columns[key][names == name] for name in names.tolist()}
        for key in ('bbox', 'pose', 'shape')
    ]
    return Samples(*by_name, str(columns['body_fingerprint']))


def pose_samples(samples: Samples, body: nn.Module) -> dict[str, np.ndarray]:
    """Return the true joints (N, 24, 3) in metres by file name.

    There are none for another body than that of the truth: its joints lie elsewhere.
    """
    if body.fingerprint != samples.body_fingerprint:
        return {}
    joints = {}
    for name, pose in samples.pose.items():
        rotmats = roma.rotvec_to_rotmat(torch.from_numpy(pose).float())
        betas = torch.from_numpy(samples.betas[name]).float()
        device = next(body.buffers()).device
        with torch.no_grad():
            posed = body(
                *(x.to(device) for x in (rotmats[:, :1], rotmats[:, 1:], betas))
            )
        joints[name] = posed.joints[:, : len(JOINTS)].cpu().numpy()
    return joints
