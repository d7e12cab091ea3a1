"""Data sets that hold others, and what is inside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.dataset import ConcatDataset as BaseConcatDataset
from torch.utils.data import Dataset

from deforhmr_mm.registry import DATASETS

__all__ = ['ConcatDataset', 'inner_datasets']

FINGERPRINT = 'body_fingerprint'


@DATASETS.register_module()
class ConcatDataset(BaseConcatDataset):
    """Several data sets as one, those that name no body beside those that name one.

    mmengine's class, which this is, demands that all of ``metainfo`` be equal. Here
    ``body_fingerprint`` may be missing or None in some of the sets, as in those of
    keypoints alone: the concatenation's is the one that the others name.

    Args:
        datasets: The sets, or their configs.
        lazy_init: Whether annotations are read later, by ``full_init``.
        ignore_keys: Keys of ``metainfo`` that may differ. With ``'body_fingerprint'``
            among them the labels may be of several bodies, and the concatenation names
            none of them.

    Raises:
        ValueError: If two sets name different bodies, or differ in another key.
    """

    def __init__(
        self,
        datasets: Sequence[BaseDataset | Mapping[str, Any]],
        lazy_init: bool = False,
        ignore_keys: str | Sequence[str] | None = None,
    ) -> None:
        keys = [ignore_keys] if isinstance(ignore_keys, str) else ignore_keys or ()
        self._mixes_bodies = FINGERPRINT in keys
        super().__init__(datasets, lazy_init, [*keys, FINGERPRINT])

    def full_init(self) -> None:
        """Read the annotations of every set, which tell whose labels they are."""
        if self._fully_initialized:
            return
        super().full_init()
        self._metainfo[FINGERPRINT] = self._common_fingerprint()

    def _common_fingerprint(self) -> str | None:
        named: dict[str, int] = {}
        for number, dataset in enumerate(self.datasets):
            fingerprint = dataset.metainfo.get(FINGERPRINT)
            if fingerprint is not None:
                named.setdefault(fingerprint, number)
        if len(named) > 1 and not self._mixes_bodies:
            bodies = ', '.join(f'{body} (set {n})' for body, n in named.items())
            raise ValueError(
                'ConcatDataset: pose and betas of one body mean nothing on another, '
                f'but the labels belong to the bodies {bodies}. If they are to stand '
                f'together all the same, set ignore_keys={FINGERPRINT!r}.'
            )
        return next(iter(named)) if len(named) == 1 else None


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
