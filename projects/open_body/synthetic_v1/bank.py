"""The bank of tiles, and surfaces that take their colours from it."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from .tiles import KINDS, TILE

BANK_SEED = 71
LEVELS = 5  # each of half the side of the one before
WIDTH = 256  # OpenCV's resampling takes points as a picture of this width


@cache
def bank() -> dict[str, tuple[tuple[np.ndarray, ...], ...]]:
    """kind -> tiles -> levels, (side + 1, side + 1, 3) float32 with the edge repeated.

    The same in every process and for every seed of a data set.
    """
    found = {}
    for number, (kind, (draw, count)) in enumerate(KINDS.items()):
        rng = np.random.default_rng([BANK_SEED, number])
        found[kind] = tuple(_levels(draw(rng)) for _ in range(count))
    return found


def _levels(tile: np.ndarray) -> tuple[np.ndarray, ...]:
    levels = []
    for _ in range(LEVELS):
        levels.append(np.pad(tile, ((0, 1), (0, 1), (0, 0)), mode='wrap'))
        half = tile.shape[0] // 2
        tile = cv2.resize(tile, (half, half), interpolation=cv2.INTER_AREA)
    return tuple(levels)


def sample_plane(tile: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values (N, C) of a repeating tile at places (N, 2), one tile a unit."""
    count = len(places)
    if not count:
        return np.zeros((0, tile.shape[-1]), dtype=np.float32)
    width = min(count, WIDTH)
    padded = np.zeros((-(-count // width) * width, 2), dtype=np.float32)
    padded[:count] = places - np.floor(places)
    padded *= np.float32(tile.shape[0] - 1)
    x, y = (padded[:, i].reshape(-1, width) for i in (0, 1))
    values = cv2.remap(tile, x, y, cv2.INTER_LINEAR)
    return values.reshape(-1, tile.shape[-1])[:count]


@dataclass(frozen=True)
class Cloth:
    """A colour as a function of two lengths: a tile of the bank in three colours.

    Attributes:
        levels: The tile, or None for a plain colour.
        colours: (3, 3) sRGB.
        size: Metres that a tile spans.
        turn: (2, 2) rotation of the tile.
        shift: (2,) of the tile, in tiles.
        relief: How strongly the tile's brightness shows, 1 as drawn.
    """

    levels: tuple[np.ndarray, ...] | None
    colours: np.ndarray
    size: float
    turn: np.ndarray
    shift: np.ndarray
    relief: float = 1.0

    def __call__(self, places: np.ndarray, footprint: float | np.ndarray) -> np.ndarray:
        """Colours (N, 3) sRGB.

        Args:
            places: (N, 2) metres on the surface.
            footprint: Metres that a pixel spans there, one number or (N,).
        """
        if self.levels is None:
            return np.tile(self.colours[0], (len(places), 1))
        places = places @ (self.turn / self.size) + self.shift
        places = places.astype(np.float32)
        wanted = np.log2(np.maximum(footprint, 1e-6) * TILE / self.size)
        wanted = np.clip(np.rint(wanted), 0, LEVELS - 1).astype(np.int64)
        if wanted.ndim == 0:
            values = sample_plane(self.levels[int(wanted)], places)
        else:
            values = np.empty((len(places), 3), dtype=np.float32)
            for level in np.unique(wanted):
                chosen = wanted == level
                values[chosen] = sample_plane(self.levels[level], places[chosen])
        base, second, third = self.colours.astype(np.float32)
        colour = base + values[:, :1] * (second - base)
        colour += values[:, 1:2] * (third - colour)
        return colour * (1 + self.relief * (values[:, 2:] - 1))


def make_cloth(
    rng: np.random.Generator,
    kind: str | None,
    colours: np.ndarray,
    size: float,
    turned: bool = False,
    relief: float = 1.0,
) -> Cloth:
    """A surface with a random tile of a kind; None is a plain colour."""
    tiles = bank()[kind] if kind else (None,)
    angle = rng.uniform(0, 2 * np.pi) if turned else 0.0
    cos, sin = np.cos(angle), np.sin(angle)
    return Cloth(
        levels=tiles[rng.integers(len(tiles))],
        colours=np.asarray(colours, dtype=np.float64),
        size=float(size),
        turn=np.array([[cos, -sin], [sin, cos]]),
        shift=rng.uniform(0, 1, 2),
        relief=relief,
    )
