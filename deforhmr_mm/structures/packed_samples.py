"""The samples of a batch with their labels in one matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from .mesh_data_sample import MeshDataSample
from .metainfo_json import decode_metainfo

__all__ = ['LabelColumns', 'PackedSamples']

# Name and shape of each label of one person, in the order of the matrix's columns.
LabelColumns = Sequence[tuple[str, Sequence[int]]]


class PackedSamples:
    """B samples that travel as one matrix of labels and B lines of metadata.

    A `MeshDataSample` holds a dozen small tensors. To make, pickle or move a hundred of
    them takes as long as a training step of a head; one matrix costs nothing. The
    samples are made when somebody looks at them, once.

    It is no `Sequence`, since mmengine's ``cast_data`` would take those apart.

    Args:
        labels: (B, D) float32, the labels of a person in each row.
        columns: Name and shape (1, ...) of each label; together they have D numbers.
        metainfo: B lines of JSON (`encode_metainfo`).

    Example:
        >>> packed = PackedSamples(
        ...     torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
        ...     [('betas', (1, 2))],
        ...     [b'{"img_id":5}', b'{"img_id":6}'],
        ... )
        >>> [(s.img_id, s.gt_instances.betas.tolist()) for s in packed]
        [(5, [[1.0, 2.0]]), (6, [[3.0, 4.0]])]
    """

    def __init__(
        self, labels: Tensor, columns: LabelColumns, metainfo: Sequence[bytes]
    ) -> None:
        self.labels = labels
        self.columns = columns
        self.metainfo = metainfo
        self._samples: list[MeshDataSample] | None = None

    def __len__(self) -> int:
        """Return the number of samples, B."""
        return len(self.metainfo)

    def __iter__(self) -> Iterator[MeshDataSample]:
        """Go over the samples."""
        return iter(self.unpack())

    def __getitem__(self, index: int | slice) -> MeshDataSample | list[MeshDataSample]:
        """Return one sample or several."""
        return self.unpack()[index]

    def __reduce__(self) -> tuple:
        """Pickle without the samples."""
        return PackedSamples, (self.labels, self.columns, self.metainfo)

    def to(
        self, device: torch.device | str, non_blocking: bool = False
    ) -> PackedSamples:
        """Return the samples with their labels on `device`."""
        labels = self.labels.to(device, non_blocking=non_blocking)
        return PackedSamples(labels, self.columns, self.metainfo)

    def pin_memory(self) -> PackedSamples:
        """Return the samples with their labels in pinned memory; for `DataLoader`."""
        return PackedSamples(self.labels.pin_memory(), self.columns, self.metainfo)

    def unpack(self) -> list[MeshDataSample]:
        """Return the samples; their labels share the matrix's memory."""
        if self._samples is None:
            self._samples = self._unpack()
        return self._samples

    def _unpack(self) -> list[MeshDataSample]:
        sizes = [torch.Size(shape).numel() for _, shape in self.columns]
        parts = self.labels.split(sizes, dim=1) if sizes else ()
        columns = {
            name: part.reshape(-1, *shape[1:]).split(1)
            for (name, shape), part in zip(self.columns, parts, strict=True)
        }
        samples = []
        for row, line in enumerate(self.metainfo):
            # By set_field: mmengine's constructors copy deeply and are far slower.
            sample = MeshDataSample()
            for key, value in decode_metainfo(line).items():
                sample.set_field(value, key, field_type='metainfo')
            if columns:
                labels = InstanceData()
                for name, column in columns.items():
                    labels.set_field(column[row], name)
                sample.gt_instances = labels
            samples.append(sample)
        return samples
