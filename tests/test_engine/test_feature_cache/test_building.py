import random

import numpy as np
import pytest
import torch

from deforhmr_mm.engine.feature_cache import (
    SeededViews,
    encode_with,
    find_pipeline,
    find_source,
    seeded,
)


class Drawing:
    """A data set whose samples are what the global generators give."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return index, random.random(), np.random.random(), torch.rand(()).item()


def test_a_view_depends_on_seed_sample_and_view_alone():
    keys = [(view, index) for view in range(3) for index in range(4)]
    views = SeededViews(Drawing(), seed=5)
    first = {key: views[key] for key in keys}
    np.random.random(7)
    assert {key: views[key] for key in reversed(keys)} == first
    assert all(first[view, index][0] == index for view, index in keys)
    for draw in (1, 2, 3):
        assert len({values[draw] for values in first.values()}) == len(keys)
    other = SeededViews(Drawing(), seed=6)
    assert not {other[key][2] for key in keys} & {v[2] for v in first.values()}
    # Seeds of neighbours are not sums.
    assert views[1, 2][1:] != views[2, 1][1:]


def test_the_generators_go_on_as_before():
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = random.random(), np.random.random(), torch.rand(()).item()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    with pytest.raises(KeyError), seeded(1, 2):
        Drawing()[0]
        raise KeyError
    assert (random.random(), np.random.random(), torch.rand(()).item()) == expected


def test_encode_takes_one_map():
    def prepare(data):
        return {'inputs': data['inputs'] / 2}

    batch = {'inputs': torch.full((2, 3, 4, 4), 6.0)}
    assert encode_with(lambda x: x + 1, prepare)(batch).eq(4).all()
    assert encode_with(lambda x: (x,), prepare)(batch).eq(3).all()
    with pytest.raises(ValueError, match='gives 2 levels'):
        encode_with(lambda x: (x, x), prepare)(batch)


def test_under_autocast_features_are_bfloat16():
    torch.manual_seed(0)
    encoder = torch.nn.Conv2d(3, 4, 2)

    def prepare(data):
        return data

    batch = {'inputs': torch.rand(2, 3, 4, 4)}
    plain = encode_with(encoder, prepare)(batch)
    halved = encode_with(encoder, prepare, amp=True)(batch)
    assert (plain.dtype, halved.dtype) == (torch.float32, torch.bfloat16)
    torch.testing.assert_close(halved.float(), plain, atol=0.03, rtol=0.02)
    assert not plain.requires_grad and not halved.requires_grad


def test_pipelines_of_a_concatenation():
    one, two = [dict(type='A', size=(1, 2))], [dict(type='B')]
    part = dict(type='X', ann_file='a.npz', data_root='/here', pipeline=one)
    assert find_pipeline(part) == [dict(type='A', size=[1, 2])]
    both = dict(type='ConcatDataset', datasets=[part, dict(part, ann_file='b.npz')])
    assert find_pipeline(both) == [dict(type='A', size=[1, 2])]
    both['datasets'].append(dict(part, pipeline=two))
    assert find_pipeline(both) == [[dict(type='A', size=[1, 2])], [dict(type='B')]]
    source = find_source(both)
    assert source['datasets'][0] == dict(type='X', ann_file='a.npz')
