import random

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import DataLoader, Dataset, Subset

from deforhmr_mm.datasets import sample_seed
from deforhmr_mm.datasets.sample_seed import SamplePlace, seeded_loader


class Draws(Dataset):
    """Each sample is its index and one draw of each generator."""

    metainfo = {'name': 'draws'}

    def __len__(self):
        return 7

    def __getitem__(self, index):
        draws = random.random(), np.random.random(), torch.rand(()).item()
        return index, *draws


class Table(Dataset):
    """Whole batches only."""

    draws_nothing = True

    def __len__(self):
        return 7

    def __getitems__(self, indices):
        return 'rows', *indices


def loader(
    num_workers=0,
    batch_size=2,
    sampler=DefaultSampler,
    sampler_seed=5,
    dataset=None,
    **options,
):
    dataset = Draws() if dataset is None else dataset
    plain = DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler(dataset, shuffle=True, seed=sampler_seed),
        num_workers=num_workers,
        collate_fn=list,
    )
    return seeded_loader(plain, seed=11, **options)


def rows(batches):
    return [row for batch in batches for row in batch]


def places(batches):
    return [tuple(place) for batch in batches for place in batch]


def test_draws_depend_on_the_place_alone():
    one = rows(loader())
    random.seed(99), np.random.seed(99), torch.manual_seed(99)
    assert rows(loader()) == one
    assert rows(loader(batch_size=3)) == one
    assert rows(loader(num_workers=2)) == one
    numbers = {number for row in one for number in row[1:]}
    assert len(numbers) == 3 * 7


@pytest.mark.parametrize('num_workers', [0, 2])
def test_whole_batches_are_read_where_nothing_is_drawn(num_workers):
    indices = [[row[0] for row in batch] for batch in loader()]
    batches = list(loader(num_workers, dataset=Table()))
    assert batches == [['rows', *batch] for batch in indices]


def test_samples_are_seeded_in_data_sets_that_give_whole_batches():
    part = Subset(Draws(), range(7))
    assert hasattr(part, '__getitems__')
    assert rows(loader(dataset=part)) == rows(loader())


def test_epochs_and_seeds_differ():
    first = loader()
    before = dict((row[0], row[1:]) for row in rows(first))
    first.batch_sampler.go_to(1, 0)
    after = dict((row[0], row[1:]) for row in rows(first))
    assert before.keys() == after.keys()
    assert all(before[index] != after[index] for index in before)
    first.batch_sampler.go_to(0, 0)
    first.dataset.seed = 12
    assert all(row[1:] != before[row[0]] for row in rows(first))


def test_the_process_generators_stay():
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    expected = random.random(), np.random.random(), torch.rand(()).item()
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    _ = loader().dataset[SamplePlace(0, 0, 0)]
    assert (random.random(), np.random.random(), torch.rand(()).item()) == expected


def test_two_processes_share_the_places_of_one(monkeypatch):
    whole = places(loader(batch_size=4).batch_sampler)
    shared = []
    for rank in (0, 1):
        info = lambda rank=rank: (rank, 2)  # noqa: E731
        monkeypatch.setattr(sample_seed, 'get_dist_info', info)
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', info)
        shared.append(places(loader(batch_size=2).batch_sampler))
    # 7 samples are dealt to two processes as 8, the last of them the first again.
    for step in range(2):
        one = whole[4 * step : 4 * step + 4]
        two = [part[2 * step + slot] for slot in (0, 1) for part in shared]
        assert two[: len(one)] == one
    assert shared[1][-1] == (whole[0][0], 0, 7)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_an_epoch_from_its_middle(num_workers):
    whole = list(loader())
    part = loader(num_workers)
    part.batch_sampler.go_to(0, 3)
    assert list(part) == whole[3:]
    assert len(part) == 4
    part.batch_sampler.go_to(0, 4)
    assert list(part) == []


def test_skipped_samples_are_not_read(monkeypatch):
    read = []
    monkeypatch.setattr(Draws, '__getitem__', lambda self, index: read.append(index))
    part = loader()
    part.batch_sampler.go_to(0, 3)
    list(part)
    assert len(read) == 1


@pytest.mark.parametrize('sampler', [DefaultSampler, InfiniteSampler])
@pytest.mark.parametrize('mmengine', ['installed', 'stock'])
def test_endless_batches_go_on_from_any_of_them(sampler, mmengine, monkeypatch):
    if mmengine == 'stock':
        # Its sampler is that of the fork, without this method.
        monkeypatch.delattr(InfiniteSampler, 'skip', raising=False)

    def first(count, start):
        batches = loader(sampler=sampler, endless=True)
        batches.batch_sampler.go_to(0, start)
        iterator = iter(batches)
        return [next(iterator) for _ in range(count)]

    whole = first(12, 0)
    # A sample is never the same again.
    assert len({row for row in rows(whole)}) == len(rows(whole))
    for start in (1, 3, 4, 5, 9):
        assert first(12 - start, start) == whole[start:]


def test_what_was_drawn_before_does_not_matter():
    """The loop of stock mmengine fetches batches ahead before it is resumed."""
    ahead = loader(sampler=InfiniteSampler, endless=True)
    fetching = iter(ahead.batch_sampler.batch_sampler)
    next(fetching)
    ahead.batch_sampler.batch_sampler.sampler.seed = 6
    drawn = iter(ahead)
    whole = iter(loader(sampler=InfiniteSampler, sampler_seed=6, endless=True))
    assert [next(drawn) for _ in range(9)] == [next(whole) for _ in range(9)]


def test_endless_epochs_are_those_of_the_epoch_loop():
    endless = iter(loader(endless=True))
    by_epoch = loader()
    for epoch in (0, 1, 2):
        by_epoch.batch_sampler.go_to(epoch, 0)
        for batch in by_epoch:
            assert next(endless) == batch


def test_the_data_set_shows_through():
    dataset = loader().dataset
    assert dataset.metainfo == {'name': 'draws'} and len(dataset) == 7
    with pytest.raises(AttributeError, match='missing'):
        _ = dataset.missing


def test_loaders_without_batches_are_refused():
    with pytest.raises(ValueError, match='batch_size is None'):
        seeded_loader(DataLoader(Draws(), batch_size=None), 0)
    with pytest.raises(ValueError, match='of 7 samples in all.*batch_size=8'):
        seeded_loader(DataLoader(Draws(), batch_size=8, drop_last=True), 0)
