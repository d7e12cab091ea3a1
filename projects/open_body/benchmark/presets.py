"""How large a benchmark is: people, epochs, views, seeds, variants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from synthetic_v1.recipe import RECIPES, VERSION

CONFIGS = 'configs/open_body'
STAGE1_CONFIG = 'configs/vitpose/vitpose_vit-tiny_openbody-v1-256x192.py'
WHOLE_CONFIG = f'{CONFIGS}/deforhmr_vit-tiny_frozen_openbody-v1-256x192.py'
MAIN_VARIANT = 'deforhmr'
VARIANT_CONFIGS = {
    MAIN_VARIANT: f'{CONFIGS}/deforhmr_vit-tiny_cached_openbody-v1.py',
    'hmr2': f'{CONFIGS}/hmr2_vit-tiny_cached_openbody-v1.py',
    **{
        name: f'{CONFIGS}/deforhmr_vit-tiny_{name}_cached_openbody-v1.py'
        for name in (
            'single-query-regular',
            'regular',
            'single-query',
            'ms-deform',
            'no-position',
            'sine-position',
            'learned-position',
            'shared-readout',
        )
    },
}
SPLITS = tuple(RECIPES)


@dataclass(frozen=True)
class Preset:
    """A size of the benchmark.

    Attributes:
        name: What folders are called.
        people: Rows of each split.
        variants: Names of `VARIANT_CONFIGS` that are trained.
        seeds: Of the stage-2 trainings; each variant is trained with all of them.
        views: Augmented views of each training person in the cache. One view of
            60,000 people takes 4.1 GiB.
        stage1_epochs: Epochs of the encoder's training; None: the config's.
        stage1_batch: Its batch, of all processes; None: the config's. A smaller one
            takes more steps over few people.
        stage2_epochs: Epochs of a head's training; None: the config's.
        stage1_amp: Train the encoder in mixed precision.
        stage1_options: Other config values of stage 1, as for ``--cfg-options``.
        stage2_options: Likewise of stage 2.
    """

    name: str
    people: Mapping[str, int]
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    views: int = 1
    stage1_epochs: int | None = None
    stage1_batch: int | None = None
    stage2_epochs: int | None = None
    stage1_amp: bool = True
    stage1_options: Mapping[str, object] = field(default_factory=dict)
    stage2_options: Mapping[str, object] = field(default_factory=dict)

    @property
    def test_splits(self) -> tuple[str, ...]:
        """Splits that heads are scored on."""
        return tuple(split for split in self.people if split.startswith('test'))

    def settings(self) -> dict[str, object]:
        """What a work folder's results depend on; variants and seeds may be added."""
        return {
            'people': dict(self.people),
            'views': self.views,
            'stage1_epochs': self.stage1_epochs,
            'stage1_batch': self.stage1_batch,
            'stage2_epochs': self.stage2_epochs,
            'stage1_amp': self.stage1_amp,
            'stage1_options': dict(self.stage1_options),
            'stage2_options': dict(self.stage2_options),
        }


FULL = Preset(
    name=f'open_body_{VERSION}',
    people=MappingProxyType({split: r.people for split, r in RECIPES.items()}),
    variants=tuple(VARIANT_CONFIGS),
    seeds=(0, 1, 2),
    # 30 trainings: short ones, so that two cores do them in hours.
    stage2_epochs=2,
)
# Warm-up and averaging of weights for some hundred steps instead of thousands: with the
# configs' own averaging, most of what is saved would still be the random start.
SHORT = MappingProxyType(
    {'param_scheduler.0.end': 100, 'custom_hooks.0.momentum': 0.05}
)
# Two hours of two cores are its bound. A split is the beginning of the full one.
SMALLEST = Preset(
    name=f'open_body_{VERSION}_smallest',
    people=MappingProxyType(
        {
            'train': 10000,
            'val': 500,
            'test': 1000,
            'test_occluded': 250,
            'test_truncated': 250,
            'test_rare_poses': 250,
            'test_extreme_views': 250,
        }
    ),
    variants=(MAIN_VARIANT,),
    seeds=(0,),
    views=2,
    stage1_epochs=8,
    stage1_batch=32,
    stage2_epochs=6,
    stage1_options=SHORT,
    stage2_options=SHORT,
)
