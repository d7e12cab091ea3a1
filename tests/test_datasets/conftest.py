"""Annotation files and pictures that the tests of this folder share."""

import cv2
import numpy as np
import pytest

N = 5


@pytest.fixture
def columns():
    """Columns of a SPIN-style file with 5 people in 3 pictures."""
    rng = np.random.default_rng(0)

    def points(count, size):
        values = rng.uniform(10, 150, (N, count, size))
        return np.concatenate([values, np.ones((N, count, 1))], axis=-1)

    return {
        'imgname': np.array(['a.png', 'b.png', 'b.png', 'sub/c.png', 'a.png']),
        'center': rng.uniform(60, 100, (N, 2)),
        'scale': rng.uniform(0.4, 0.8, N),
        'part': points(24, 2),
        'openpose': points(25, 2),
        'pose': rng.normal(0, 0.5, (N, 72)),
        'shape': rng.normal(0, 1, (N, 10)),
        'has_smpl': np.array([1, 1, 0, 1, 1]),
        'S': points(24, 3) / (100, 100, 100, 1),
        'gender': np.array(['m', 'f', 'f', '', 'm']),
    }


@pytest.fixture
def write(tmp_path):
    """Writer of an annotation file, with its pictures: write(columns) -> path."""

    def call(columns, name='people.npz'):
        path = tmp_path / name
        np.savez(path, **columns)
        for picture in ('a.png', 'b.png', 'sub/c.png'):
            (tmp_path / picture).parent.mkdir(exist_ok=True)
            ramp = np.arange(120 * 160 * 3, dtype=np.uint32).reshape(120, 160, 3)
            cv2.imwrite(str(tmp_path / picture), (ramp % 251).astype(np.uint8))
        return path

    return call
