"""Augmentation that depends on a sample's place in the training, and on nothing else.

Usually augmentations draw from generators that each worker process seeds once: what a
sample gets then depends on how many workers and processes there are, and on what they
did before. Here the generators are seeded anew for each sample, from the seed of the
training, the epoch and the sample's position in it. A resumed training repeats what the
interrupted one would have done, and two processes of b samples see what one of 2 b
does, as long as the sampler deals its samples out in turn (mmengine's do).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_dist_info
from torch.utils.data import BatchSampler, DataLoader, Dataset, Sampler

__all__ = ['PlacedBatchSampler', 'SamplePlace', 'SeededDataset', 'seeded_loader']


class SamplePlace(NamedTuple):
    """A sample, and where in the training it is drawn."""

    index: int
    epoch: int
    position: int  # Among the samples of all processes, from 0 in each epoch.


class PlacedBatchSampler(Sampler):
    """Batches of `SamplePlace`, from any batch of an epoch on.

    Args:
        batch_sampler: What draws the batches of indices.
        endless: Go on with the next epoch at the end of one, for ever.
    """

    def __init__(self, batch_sampler: BatchSampler, endless: bool = False) -> None:
        self.batch_sampler = batch_sampler
        self.endless = endless
        self.rank, self.world_size = get_dist_info()
        self._epoch = self._start = 0

    @property
    def sampler(self) -> Sampler:
        """The sampler that the batches are cut from."""
        return self.batch_sampler.sampler

    @property
    def batch_size(self) -> int:
        """Samples of a batch of this process."""
        return self.batch_sampler.batch_size

    def go_to(self, epoch: int, batch: int) -> None:
        """Let the next iteration begin with a batch of an epoch; nothing is read.

        An endless sampler counts batches on through the epochs.
        """
        self._epoch, self._start = epoch, batch

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[list[SamplePlace]]:
        """Draw the batches from where `go_to` said, and the next time from there."""
        epoch, start = self._epoch, self._start
        # An endless sampler has one epoch, whatever its length says.
        if self.endless and not _is_endless(self.sampler):
            passed, start = divmod(start, len(self))
            epoch += passed
        return self._batches(epoch, start)

    def _batches(self, first_epoch: int, start: int) -> Iterator[list[SamplePlace]]:
        if isinstance(self.sampler, InfiniteSampler):
            # Its one stream has been drawn from by whoever iterated before, such as the
            # loop of stock mmengine, which fetches batches ahead when it is built.
            self.sampler.indices = self.sampler._indices_of_rank()
        for epoch in count(first_epoch):
            if hasattr(self.sampler, 'set_epoch'):
                self.sampler.set_epoch(epoch)
            drawn = 0
            for number, batch in enumerate(self.batch_sampler):
                if number >= start:
                    yield [
                        SamplePlace(
                            index, epoch, (drawn + slot) * self.world_size + self.rank
                        )
                        for slot, index in enumerate(batch)
                    ]
                drawn += len(batch)
            if not self.endless:
                return
            start = 0


def _is_endless(sampler: Sampler) -> bool:
    """Whether a sampler draws on and on: mmengine's, or another that can skip."""
    return isinstance(sampler, InfiniteSampler) or hasattr(sampler, 'skip')


class SeededDataset(Dataset):
    """A data set whose random numbers are those of the sample's place.

    Whatever it draws from the generators of python, numpy and torch (on the CPU)
    depends on the seed and the place; afterwards the generators are as they were.
    Other attributes are those of the data set inside.

    A data set whose samples use no random numbers needs no seeds. One that says so with
    ``draws_nothing = True`` is asked for whole batches, by its ``__getitems__``.

    Args:
        dataset: The data set.
        seed: Seed of the training, the same in all processes.
    """

    def __init__(self, dataset: Dataset, seed: int) -> None:
        self.dataset = dataset
        self.seed = seed

    def __getitem__(self, place: SamplePlace) -> Any:
        """Return the sample of a place."""
        with _seeded(self.seed, place.epoch, place.position):
            return self.dataset[place.index]

    def __getitems__(self, places: Sequence[SamplePlace]) -> Sequence[Any]:
        """Return the samples of a batch of places."""
        # Having __getitems__ is not enough: torch's Subset has it over any data set.
        if getattr(self.dataset, 'draws_nothing', False):
            return self.dataset.__getitems__([place.index for place in places])
        return [self[place] for place in places]

    def __len__(self) -> int:
        """Samples of the data set."""
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the data set."""
        # Asked for while a copy in a worker process is still empty.
        if name.startswith('_') or name == 'dataset':
            raise AttributeError(name)
        return getattr(self.dataset, name)


@contextmanager
def _seeded(*words: int) -> Iterator[None]:
    """Seed the CPU generators from integers; put their states back in the end."""
    before = random.getstate(), np.random.get_state()
    # Not torch.manual_seed, which would seed the GPU's generators as well.
    generator = torch.default_generator
    torch_before = generator.get_state()
    seeds = np.random.SeedSequence([word % 2**64 for word in words])
    numbers = seeds.generate_state(6)
    random.seed(int(numbers[0]))
    generator.manual_seed(int(numbers[1]))
    np.random.seed(numbers[2:])
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        generator.set_state(torch_before)


def seeded_loader(loader: DataLoader, seed: int, endless: bool = False) -> DataLoader:
    """Return the loader again, with samples that know their place.

    Args:
        loader: The loader, of a data set with indices.
        seed: Seed of the augmentations, the same in all processes.
        endless: Whether its iterations run on through the epochs.

    Returns:
        A loader of the same data set and settings; its ``dataset`` is a
        `SeededDataset`, its ``batch_sampler`` a `PlacedBatchSampler`.

    Raises:
        ValueError: If the loader gives single samples in place of batches, or has too
            few samples for one batch.
    """
    if loader.batch_sampler is None:
        raise ValueError('train_dataloader must give batches, but batch_size is None.')
    if len(loader.batch_sampler) == 0:
        raise ValueError(
            f'train_dataloader has no batch: of {len(loader.dataset)} samples in all, '
            f'{len(loader.batch_sampler.sampler)} are of this process, less than its '
            f'batch_size={loader.batch_sampler.batch_size}, and drop_last is True.'
        )
    return DataLoader(
        SeededDataset(loader.dataset, seed),
        batch_sampler=PlacedBatchSampler(loader.batch_sampler, endless),
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        generator=loader.generator,
        prefetch_factor=loader.prefetch_factor,
        persistent_workers=loader.persistent_workers,
        pin_memory_device=loader.pin_memory_device,
    )
