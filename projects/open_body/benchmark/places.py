"""Where the benchmark's files lie."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Folders of one run of the benchmark.

    Attributes:
        data: The data set.
        features: Folder of the caches, of all presets.
        work: Everything else: checkpoints, metrics, logs, times, tables.
        name: Of the preset: caches of two of them lie side by side.
    """

    data: Path
    features: Path
    work: Path
    name: str

    def cache(self, split: str) -> Path:
        """Features of a split."""
        return self.features / f'{self.name.replace("open_body_", "openbody-")}_{split}'

    @property
    def stage1(self) -> Path:
        """Work dir of the encoder's training."""
        return self.work / 'stage1'

    @property
    def stage2(self) -> Path:
        """Folder of the heads' trainings."""
        return self.work / 'stage2'

    def head(self, variant: str, seed: int) -> Path:
        """Work dir of a head's training."""
        return self.stage2 / variant / f'seed{seed}'

    def metrics(self, variant: str, seed: int, split: str) -> Path:
        """What a head scores on a split."""
        return self.head(variant, seed) / 'metrics' / f'{split}.json'

    def mean_body(self, split: str) -> Path:
        """What the training set's mean body scores on a split."""
        return self.work / 'mean_body' / f'{split}.json'

    @property
    def model(self) -> Path:
        """The whole model, encoder and head."""
        return self.work / 'model.pth'

    @property
    def tables(self) -> Path:
        """The report's tables."""
        return self.work / 'tables.md'

    @property
    def curves(self) -> Path:
        """The report's validation curves."""
        return self.work / 'curves.png'

    @property
    def times(self) -> Path:
        """How long each step took, and where."""
        return self.work / 'times.json'

    def log(self, step: str) -> Path:
        """What a step's command printed."""
        return self.work / 'logs' / f'{step.replace("/", "_")}.log'
