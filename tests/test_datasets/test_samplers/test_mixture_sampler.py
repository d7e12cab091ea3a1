"""Proportions, ranks, epochs and seeds of mixed data sets."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset, ConcatDataset
from torch.utils.data import DataLoader

from deforhmr_mm.datasets import MixtureSampler
from deforhmr_mm.datasets.samplers import mixture_sampler
from deforhmr_mm.datasets.samplers.mixture_sampler import largest_remainder
from deforhmr_mm.registry import DATA_SAMPLERS

SIZES = (5, 40, 200)
CONFIGS = Path(__file__).resolve().parents[3] / 'configs' / 'deforhmr'


class Numbered(BaseDataset):
    """Samples (number of the part, number in the part)."""

    def __init__(self, part, size):
        self.part, self.size = part, size
        # mmengine cannot serialize a data set without samples.
        super().__init__(
            pipeline=[lambda results: results['pair']], serialize_data=size > 0
        )

    def load_data_list(self):
        return [{'pair': (self.part, number)} for number in range(self.size)]


@pytest.fixture
def dataset():
    return ConcatDataset([Numbered(k, size) for k, size in enumerate(SIZES)])


@pytest.fixture
def make(dataset, monkeypatch):
    """Make the sampler of one rank."""

    def call(weights, rank=0, world_size=1, **kwargs):
        monkeypatch.setattr(
            mixture_sampler, 'get_dist_info', lambda: (rank, world_size)
        )
        return MixtureSampler(dataset, weights, **{'seed': 7, **kwargs})

    return call


def load(dataset, sampler, workers=0):
    loader = DataLoader(
        dataset, batch_size=8, sampler=sampler, num_workers=workers, collate_fn=list
    )
    return [pair for batch in loader for pair in batch]


@pytest.mark.parametrize(
    ('total', 'weights', 'expected'),
    [
        (10, [0.7, 0.2, 0.1], [7, 2, 1]),
        (7, [1, 1, 1], [3, 2, 2]),
        (5, [0.5, 0.26, 0.24], [3, 1, 1]),
        (100, [1, 0, 2], [33, 0, 67]),
        (2, [1, 1, 1, 1, 100], [0, 0, 0, 0, 2]),
        (3, [0.1, 0.1, 0.1], [1, 1, 1]),
        (1000, [0.1, 0.2, 0.7], [100, 200, 700]),
        (0, [1, 2], [0, 0]),
    ],
)
def test_largest_remainder(total, weights, expected):
    assert largest_remainder(total, weights) == expected


@pytest.mark.parametrize('workers', [0, 2])
def test_two_ranks_draw_the_promised_proportions(dataset, make, workers):
    weights = [0.1, 0.4, 0.5]
    samplers = [make(weights, rank, 2) for rank in range(2)]
    # 245 samples are rounded up to 246 for two ranks: 24.6, 98.4 and 123.
    assert [len(sampler) for sampler in samplers] == [123, 123]
    ranks = [load(dataset, sampler, workers) for sampler in samplers]
    assert [len(pairs) for pairs in ranks] == [123, 123]
    drawn = Counter(ranks[0] + ranks[1])
    parts = Counter()
    for (part, _), count in drawn.items():
        parts[part] += count
    assert parts == {0: 25, 1: 98, 2: 123}
    # 25 draws of 5 samples, 98 of 40 (2.45 each), 123 of 200.
    times = [Counter(drawn[k, i] for i in range(SIZES[k])) for k in range(3)]
    assert times == [{5: 5}, {2: 22, 3: 18}, {0: 77, 1: 123}]
    # Both ranks have of every part, about as much.
    for pairs in ranks:
        shares = Counter(part for part, _ in pairs)
        assert abs(shares[1] - 49) < 20 and abs(shares[2] - 61.5) < 20


def test_ranks_take_turns_in_one_order(make):
    one = list(make([1, 1, 1], num_samples=30))
    two = [list(make([1, 1, 1], rank, 2, num_samples=30)) for rank in range(2)]
    assert one[::2] == two[0] and one[1::2] == two[1]


def test_workers_change_nothing(dataset, make):
    sampler = make([3, 1, 1])
    assert load(dataset, sampler, 2) == load(dataset, sampler, 0)


def test_epochs_differ_in_order_and_in_what_comes_once_more(make):
    sampler = make([0, 0, 1], num_samples=60)
    epochs = []
    for epoch in (0, 1, 0):
        sampler.set_epoch(epoch)
        epochs.append(list(sampler))
    assert epochs[0] == epochs[2]
    assert set(epochs[0]) != set(epochs[1])
    assert all(len(set(epoch)) == 60 for epoch in epochs)
    assert min(epochs[0] + epochs[1]) >= 45


def test_the_seed_decides(make):
    orders = [list(make([1, 2, 3], seed=seed)) for seed in (3, 3, 4)]
    assert orders[0] == orders[1] != orders[2]
    state = torch.get_rng_state()
    list(make([1, 2, 3]))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_seed_is_drawn_where_none_is_given(make, monkeypatch):
    monkeypatch.setattr(mixture_sampler, 'sync_random_seed', lambda: 11)
    assert list(make([1, 2, 3], seed=None)) == list(make([1, 2, 3], seed=11))


def test_proportional_is_each_sample_once(make):
    assert sorted(make('proportional')) == list(range(245))


def test_round_up(make):
    lengths = [
        [len(make([1, 1, 1], r, 4, num_samples=10, round_up=up)) for r in range(4)]
        for up in (True, False)
    ]
    assert lengths == [[3, 3, 3, 3], [3, 3, 2, 2]]
    for up, total in ((True, 12), (False, 10)):
        ranks = [make([1, 1, 1], r, 4, num_samples=10, round_up=up) for r in range(4)]
        assert sum(len(list(sampler)) for sampler in ranks) == total


def test_config(dataset):
    cfg = dict(type='MixtureSampler', weights=[1, 0, 0], num_samples=10)
    sampler = DATA_SAMPLERS.build(cfg, default_args=dict(dataset=dataset, seed=0))
    assert Counter(sampler) == {index: 2 for index in range(5)}


def test_the_papers_config_has_a_share_for_each_source():
    config = Config.fromfile(CONFIGS / 'deforhmr_vit-h_2xb100-100e_mixed-256x192.py')
    loader = config.train_dataloader
    assert loader.sampler.type == 'MixtureSampler'
    names = [dataset.dataset_name for dataset in loader.dataset.datasets]
    shares = dict(zip(names, loader.sampler.weights, strict=True))
    assert shares == dict(
        zip(
            ('3dpw', 'mpi_inf_3dhp', 'coco', 'mpii', 'h36m'),
            (0.1, 0.1, 0.3, 0.2, 0.3),
            strict=True,
        )
    )


@pytest.mark.parametrize(
    ('weights', 'message'),
    [
        ([1, 1], r'each of the 3 data sets, but has 2: \[1, 1\]'),
        ([1, -1, 1], r'not negative, but are \[1, -1, 1\]'),
        ([1, float('nan'), 1], 'finite'),
        ([0, 0, 0], 'at least one weight must be positive'),
        ('equal', "numbers or 'proportional', but is 'equal'"),
    ],
)
def test_bad_weights(make, weights, message):
    with pytest.raises(ValueError, match=message):
        make(weights)


def test_other_bad_arguments(make):
    with pytest.raises(ValueError, match='num_samples must be at least 1, but is 0'):
        make([1, 1, 1], num_samples=0)
    with pytest.raises(
        TypeError, match='must be a ConcatDataset.*is a Numbered.* knows of no parts'
    ):
        MixtureSampler(Numbered(0, 3))
    parts = ConcatDataset([Numbered(0, 3), Numbered(1, 0)])
    with pytest.raises(ValueError, match='data set 1 has the weight 2, but no samples'):
        MixtureSampler(parts, [1, 2], seed=0)
    assert sorted(MixtureSampler(parts, [1, 0], seed=0)) == [0, 1, 2]
