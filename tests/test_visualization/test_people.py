"""Colours, ids and cameras of the people of one picture."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from deforhmr_mm.structures import MeshDataSample
from deforhmr_mm.visualization import PALETTE, person_color
from deforhmr_mm.visualization.people import gather_people, person_ids


def sample(person_id=None, focal=100.0):
    meta = {} if person_id is None else dict(person_id=person_id)
    made = MeshDataSample(metainfo=meta)
    made.pred_instances = InstanceData(
        vertices=torch.tensor([[[1.0, 2, 3], [4, 5, 6]]]),
        transl=torch.tensor([[10.0, 20, 30]]),
        focal_length=torch.tensor([focal]),
        principal_point=torch.tensor([[31.5, 23.5]]),
        bboxes=torch.tensor([[1.0, 2, 3, 4]]),
    )
    return made


def test_colors_belong_to_ids():
    assert [person_color(i) for i in range(len(PALETTE))] == list(PALETTE)
    colors = np.array([person_color(i) for i in range(30)])
    assert ((colors >= 0) & (colors <= 1)).all()
    gaps = np.abs(colors[:, None] - colors[None]).max(-1)
    assert gaps[~np.eye(30, dtype=bool)].min() > 0.005


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ([7, 3], [7, 3]),
        ([np.int64(4), 0], [4, 0]),
        ([2, 2], [0, 1]),
        ([5, None], [0, 1]),
        ([-1, 4], [0, 1]),
        (['a', 'b'], [0, 1]),
        ([], []),
    ],
)
def test_ids_or_else_the_order(given, expected):
    assert person_ids([sample(number) for number in given]) == expected


def test_people_as_arrays():
    people = gather_people([sample(9), sample(4)])
    expected = np.array([[11, 22, 33], [14, 25, 36]])
    for vertices in people.vertices:
        np.testing.assert_array_equal(vertices, expected)
    assert people.focal_length == 100 and people.principal_point == (31.5, 23.5)
    assert people.ids == [9, 4] and people.colors[1] == PALETTE[4]
    assert people.keypoints == [None, None]
    np.testing.assert_array_equal(people.bboxes[0], [1, 2, 3, 4])


def test_nobody_and_several_cameras():
    assert gather_people([]).vertices == [] and gather_people([]).focal_length is None
    with pytest.raises(ValueError, match=r'share one camera.*\(50\.0, .*\(100\.0, '):
        gather_people([sample(), sample(focal=50.0)])
