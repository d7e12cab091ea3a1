"""A person's movement says what is wrong with its arrays."""

from dataclasses import replace

import numpy as np
import pytest

from deforhmr_mm.structures import Motion, PersonMotion


def person(frames=(0, 1, 3)):
    length = len(frames)
    return PersonMotion(
        person_id=2,
        frames=np.array(frames),
        global_orient=np.zeros((length, 3, 3)),
        body_pose=np.zeros((length, 23, 3, 3)),
        betas=np.zeros(10),
        transl=np.zeros((length, 3)),
        bboxes=np.zeros((length, 4)),
        bbox_scores=np.ones(length),
        observed=np.ones(length, bool),
    )


def test_a_person_and_nobody():
    assert len(person()) == 3 and len(person(())) == 0
    motion = Motion(25.0, 4, (48, 64), 80.0, (31.5, 23.5), (person(), person(())))
    assert [len(one) for one in motion.people] == [3, 0]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(transl=np.zeros((2, 3))), r'person 2: transl .*\(3, 3\).*got \(2, 3\)'),
        (dict(betas=np.zeros((3, 10))), r'betas must be of one shape'),
        (dict(frames=np.array([0, 2, 1])), r'increasing'),
        (dict(frames=np.array([-1, 0, 1])), r'from 0'),
    ],
)
def test_what_is_wrong_with_a_person(change, message):
    with pytest.raises(ValueError, match=message):
        replace(person(), **change)


def test_what_is_wrong_with_a_video():
    with pytest.raises(ValueError, match='frame 3 of a video of 3 frames'):
        Motion(25.0, 3, (48, 64), 80.0, (31.5, 23.5), (person(),))
    with pytest.raises(ValueError, match='fps must be a positive number, got 0'):
        Motion(0, 3, (48, 64), 80.0, (31.5, 23.5))
