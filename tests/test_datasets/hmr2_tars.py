"""Small tars as those that HMR2.0 is trained on."""

import io
import pickle
import tarfile

import cv2
import numpy as np

from deforhmr_mm.datasets import HMR2TarDataset

# The nose among the 44 joints.
NOSE = 0


def picture(value):
    """A picture of one grey, 160 x 120 px; PNG, so that the grey comes back."""
    return cv2.imencode('.png', np.full((120, 160, 3), value, np.uint8))[1].tobytes()


def person(**changes):
    """A person with no joint of smpl45 but a nose, and with SMPL labels."""
    points = np.zeros((44, 3))
    points[-4:, 2] = 1
    points[NOSE] = [50, 20, 0.5]
    pose = np.zeros(72)
    pose[:3] = [0.1, 0.2, 0.3]
    return {
        'keypoints_2d': points,
        'keypoints_3d': np.zeros((44, 4)),
        'center': np.array([80.0, 60.0]),
        'scale': 0.5,
        'body_pose': pose,
        'betas': np.full(10, 0.5),
        'has_body_pose': 1.0,
        'has_betas': np.array(True),
        'extra_info': {'source': 'by hand', 'fitting_loss': None},
        **changes,
    }


def write_tar(path, members):
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, 'w') as tar:
        for name, content in members.items():
            data = content if isinstance(content, bytes) else pickle.dumps(content)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def single(**changes):
    return {'7.png': picture(7), '7.data.pyd': [person(**changes)]}


def build_dataset(folder, members, **kwargs):
    """Write ``few.tar`` with these members, and build a data set of it."""
    write_tar(folder / 'few.tar', members)
    return HMR2TarDataset('few.tar', data_root=str(folder), **kwargs)
