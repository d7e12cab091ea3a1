"""What is inside the data sets that hold others."""

from collections.abc import Iterator

from torch.utils.data import Dataset

__all__ = ['inner_datasets']


def inner_datasets(dataset: Dataset) -> Iterator[Dataset]:
    """Go over the data sets that read people, inside concatenations and repetitions.

    Args:
        dataset: A data set, or one that holds others as ``datasets`` or ``dataset``.
    """
    held = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if held == [None]:
        yield dataset
        return
    for inner in held:
        yield from inner_datasets(inner)
