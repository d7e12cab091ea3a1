"""The pipeline as groups of steps, one after another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from mmengine.config import Config

from . import products
from .commands import in_repository, launched, tool
from .config_options import (
    as_arguments,
    batch_options,
    data_options,
    length_options,
    own_epochs,
    validates_at_end,
)
from .places import Places
from .presets import (
    MAIN_VARIANT,
    STAGE1_CONFIG,
    VARIANT_CONFIGS,
    WHOLE_CONFIG,
    Preset,
)
from .step import Group, State, Step
from .times import rendering_workers

PHASES = (
    'data',
    'stage1',
    'features',
    'mean_body',
    'stage2',
    'test',
    'model',
    'tables',
)
# Phases of many small steps, of which `Machine.jobs` run at a time.
SIDE_BY_SIDE = ('mean_body', 'stage2', 'test')
PROJECT = 'projects/open_body'


@dataclass(frozen=True)
class Machine:
    """How the machine's cores are shared.

    Attributes:
        cores: That this process may use.
        processes: That train the encoder, and compute features, together.
        jobs: Heads that are trained, and tested, side by side.
        readers: Processes that read pictures beside each that computes features.
        workers: Processes that render; None: one for each core, if memory lasts.
    """

    cores: int
    processes: int = 1
    jobs: int = 1
    readers: int = 0
    workers: int | None = None

    @property
    def threads(self) -> int:
        """Threads of each of the processes that train together."""
        return max(1, self.cores // self.processes)


@lru_cache
def read_config(path: str) -> Config:
    """A config; what it imports is the tools' business.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'The config file {path} does not exist.')
    return Config.fromfile(path, import_custom_modules=False)


class Plan:
    """What is to be run for a preset.

    Args:
        preset: Sizes.
        places: Folders.
        machine: Its cores.
        encoder: Checkpoint of an encoder in place of stage 1.
        stage1_config: Config of stage 1; the benchmark's own if not given.
    """

    def __init__(
        self,
        preset: Preset,
        places: Places,
        machine: Machine,
        encoder: Path | None = None,
        stage1_config: str | None = None,
    ) -> None:
        self.preset = preset
        self.places = places
        self.machine = machine
        self.given_encoder = encoder
        self.stage1_config = stage1_config or in_repository(STAGE1_CONFIG)
        self.whole_config = in_repository(WHOLE_CONFIG)

    def groups(self, until: str = PHASES[-1]) -> list[Group]:
        """The groups in their order; of a phase that is not needed there is none.

        Args:
            until: The last phase.
        """
        steps_of = {
            'data': self._data,
            'stage1': self._stage1,
            'features': self._features,
            'mean_body': self._mean_bodies,
            'stage2': self._trainings,
            'test': self._tests,
            'model': self._model,
            'tables': self._tables,
        }
        groups = []
        for phase in PHASES[: PHASES.index(until) + 1]:
            steps = tuple(steps_of[phase]())
            jobs, threads = self._shares(phase, steps)
            groups.append(Group(phase, steps, jobs, threads))
        return [group for group in groups if group.steps]

    def sources(self) -> dict[str, str]:
        """What the results are made from, of what is there: name -> fingerprint."""
        sums = products.label_sums(self.places.data, self.preset.people)
        found = {f'labels of {split}': value for split, value in sums.items()}
        if self.encoder.is_file():
            found['encoder'] = products.encoder_sum(self.encoder)
        return found

    def _shares(self, phase: str, steps: Sequence[Step]) -> tuple[int, int]:
        """How many steps of a phase run side by side, and the threads of each."""
        machine = self.machine
        if phase not in SIDE_BY_SIDE:
            return 1, machine.threads
        # A head that is trained alone has the cores that its neighbours would have.
        todo = sum(step.state is not State.DONE for step in steps)
        beside = max(1, min(machine.jobs, todo))
        return machine.jobs, max(1, min(machine.jobs, machine.cores) // beside)

    @property
    def encoder(self) -> Path:
        """Checkpoint of the encoder that features are computed with."""
        if self.given_encoder is not None:
            return self.given_encoder
        return self.places.stage1 / f'epoch_{self._epochs(1)}.pth'

    def _config(self, variant: str) -> str:
        return in_repository(VARIANT_CONFIGS[variant])

    def _epochs(self, stage: int) -> int:
        path = self.stage1_config if stage == 1 else self._config(MAIN_VARIANT)
        wanted = (self.preset.stage1_epochs, self.preset.stage2_epochs)[stage - 1]
        return wanted or own_epochs(read_config(path), path)

    def _head(self, variant: str, seed: int) -> Path:
        """The last epoch's checkpoint: no variant gains by being chosen."""
        return self.places.head(variant, seed) / f'epoch_{self._epochs(2)}.pth'

    def _data(self) -> Iterator[Step]:
        people = self.preset.people
        root = self.places.data
        machine = self.machine
        workers = machine.workers or rendering_workers(machine.cores)
        sizes = [f'{split}={number}' for split, number in people.items()]
        command = tool(
            f'{PROJECT}/synthesize_v1.py',
            *('--out', root, '--workers', workers, '--people', *sizes),
        )
        product = root / products.MANIFEST_FILE
        yield Step(
            'data', command, product, lambda: products.has_people(root, people), root
        )

    def _stage1(self) -> Iterator[Step]:
        if self.given_encoder is not None:
            return
        path = self.stage1_config
        config = read_config(path)
        own = own_epochs(config, path)
        options = {
            **data_options(config, self.places.data),
            **length_options(config, own, self._epochs(1)),
            **batch_options(
                config, self.machine.processes, path, self.preset.stage1_batch
            ),
            **self.preset.stage1_options,
        }
        yield self._training(
            'stage1', path, self.encoder, self._epochs(1), options,
            self.machine.processes, ('--amp',) if self.preset.stage1_amp else (),
        )  # fmt: skip

    def _training(
        self, name: str, config: str, product: Path, epochs: int,
        options: Mapping[str, object], processes: int = 1, flags: tuple[str, ...] = (),
    ) -> Step:  # fmt: skip
        folder = product.parent
        command = launched(
            'tools/train.py', processes, config, '--work-dir', folder, '--resume',
            *flags, *as_arguments(options),
        )  # fmt: skip
        validates = validates_at_end(read_config(config), epochs)
        is_done = partial(products.is_trained, product, epochs, validates)
        return Step(name, command, product, is_done, folder)

    def _features(self) -> Iterator[Step]:
        config = read_config(self.whole_config)
        for split, people in self.preset.people.items():
            kind = split if split in ('train', 'val') else 'test'
            views = self.preset.views if kind == 'train' else 1
            options = self._data_of(config, kind, split)
            folder = self.places.cache(split)
            command = launched(
                'tools/cache_features.py',
                self.machine.processes,
                *(self.whole_config, self.encoder, '--out', folder),
                *('--split', kind, '--views', views),
                *('--num-workers', self.machine.readers, *as_arguments(options)),
            )
            yield Step(
                f'features/{split}', command, folder / 'manifest.json',
                partial(products.has_views, folder, views, self.encoder, people),
                folder,
            )  # fmt: skip

    def _data_of(self, config: Config, *kinds_and_split: str) -> dict[str, str]:
        """Options that let the named loaders read the data; test reads the split."""
        *kinds, split = kinds_and_split
        options = {
            key: value
            for key, value in data_options(config, self.places.data).items()
            if key.split('_')[0] in kinds
        }
        if 'test' in kinds and split != 'test':
            options['test_dataloader.dataset.ann_file'] = f'annotations/{split}.npz'
        return options

    def _mean_bodies(self) -> Iterator[Step]:
        config = read_config(self.whole_config)
        for split in self.preset.test_splits:
            out = self.places.mean_body(split)
            options = self._data_of(config, 'train', 'test', split)
            command = tool(
                'tools/analysis_tools/mean_body.py',
                *(self.whole_config, '--split', 'test', '--out', out),
                *as_arguments(options),
            )
            yield Step(f'mean_body/{split}', command, out, out.is_file)

    def _runs(self) -> Iterator[tuple[str, int]]:
        # Seed by seed, so that a run that is stopped has whole tables early.
        for seed in self.preset.seeds:
            for variant in self.preset.variants:
                yield variant, seed

    def _trainings(self) -> Iterator[Step]:
        for variant, seed in self._runs():
            path = self._config(variant)
            config = read_config(path)
            own = own_epochs(config, path)
            options = {
                'train_dataloader.dataset.cache_dir': self.places.cache('train'),
                'val_dataloader.dataset.cache_dir': self.places.cache('val'),
                **length_options(config, own, self._epochs(2)),
                'randomness.seed': seed,
                **self.preset.stage2_options,
            }
            yield self._training(
                f'stage2/{variant}/seed{seed}', path, self._head(variant, seed),
                self._epochs(2), options,
            )  # fmt: skip

    def _tests(self) -> Iterator[Step]:
        for variant, seed in self._runs():
            for split in self.preset.test_splits:
                out = self.places.metrics(variant, seed, split)
                cache = self.places.cache(split)
                command = tool(
                    'tools/test.py',
                    *(self._config(variant), self._head(variant, seed), '--out', out),
                    # Apart from the training's logs.
                    *('--work-dir', out.parent / 'logs' / split),
                    *as_arguments({'test_dataloader.dataset.cache_dir': cache}),
                )
                name = f'test/{variant}/seed{seed}/{split}'
                yield Step(name, command, out, out.is_file)

    def _model(self) -> Iterator[Step]:
        if MAIN_VARIANT not in self.preset.variants:
            return
        out = self.places.model
        head = self._head(MAIN_VARIANT, self.preset.seeds[0])
        command = tool(
            'tools/misc/merge_backbone.py', head, out, '--encoder', self.encoder
        )
        yield Step('model', command, out, partial(products.is_model_of, out, head))

    def _tables(self) -> Iterator[Step]:
        # Always anew: variants and seeds may have been added.
        places = self.places
        command = tool(
            'tools/analysis_tools/summarize_runs.py',
            *(places.stage2, '--mean-body', places.work / 'mean_body'),
            *('--splits', *self.preset.test_splits),
            *('--out', places.tables, '--curves', places.curves),
        )
        yield Step('tables', command, places.tables, None)
