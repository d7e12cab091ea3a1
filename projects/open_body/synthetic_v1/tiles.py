"""Drawing of tiles: what cloth, walls, grounds and plants look like close by.

A tile is (TILE, TILE, 3) float32: the shares of a second and a third colour, 0..1, and
a brightness around 1. Whoever uses a tile chooses the three colours. Tiles repeat
seamlessly, or nearly so.
"""

from collections.abc import Callable

import cv2
import numpy as np

TILE = 256
Tile = np.ndarray
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)  # fmt: skip
LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789&!'


def fractal(
    rng: np.random.Generator, slope: float, stretch: tuple[float, float] = (1, 1)
) -> np.ndarray:
    """Noise (TILE, TILE) of zero mean and unit variance with spectrum 1 / f^slope.

    Args:
        rng: Source of randomness.
        slope: 0 is white, 2 smooth.
        stretch: How much longer the noise is down and across.
    """
    rows = np.fft.fftfreq(TILE)[:, None] * TILE * stretch[0]
    columns = np.fft.rfftfreq(TILE)[None] * TILE * stretch[1]
    radius = np.hypot(rows, columns)
    radius[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal((TILE, TILE))) / radius**slope
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(TILE, TILE))
    return (field / field.std()).astype(np.float32)


def _tile(second=0.0, third=0.0, shade=1.0) -> Tile:
    parts = [np.broadcast_to(np.float32(p), (TILE, TILE)) for p in (second, third)]
    shade = np.broadcast_to(np.asarray(shade, dtype=np.float32), (TILE, TILE))
    parts = [np.clip(p, 0, 1) for p in parts]
    return np.stack([*parts, np.clip(shade, 0.1, 2)], axis=-1).astype(np.float32)


def _soft(field: np.ndarray, sharp: float) -> np.ndarray:
    """0..1: where a field is positive, with edges of a given sharpness."""
    return 1 / (1 + np.exp(-np.clip(field * sharp, -30, 30)))


def plaster(rng: np.random.Generator) -> Tile:
    """Stone, earth, concrete, paint: noise of all sizes."""
    field = fractal(rng, rng.uniform(0.6, 1.8))
    spots = _soft(fractal(rng, 1.4) - rng.uniform(0.3, 2), rng.uniform(1, 6))
    shade = 1 + rng.uniform(0.02, 0.13) * field
    amount = rng.uniform(0.1, 0.7)
    return _tile(amount * _soft(fractal(rng, 1.6), 1), amount * spots, shade)


def blotches(rng: np.random.Generator) -> Tile:
    """Camouflage, patches of snow, marble."""
    slope, sharp = rng.uniform(1.2, 2.2), rng.uniform(3, 30)
    first, second = fractal(rng, slope), fractal(rng, slope)
    if rng.random() < 0.3:
        first = 0.25 - np.abs(first)
    shade = 1 + 0.06 * fractal(rng, 0.8)
    return _tile(_soft(first, sharp), _soft(second - 0.5, sharp), shade)


def grass(rng: np.random.Generator) -> Tile:
    """Grass, straw, carpet, gravel."""
    stretch = (rng.uniform(0.2, 1), rng.uniform(1, 2))
    fine = fractal(rng, rng.uniform(0.2, 0.8), stretch)
    coarse = fractal(rng, 1.5)
    shade = 1 + rng.uniform(0.1, 0.35) * fine + 0.1 * coarse
    return _tile(_soft(coarse + 0.4 * fine, 2), _soft(fine - 1.6, 3), shade)


def wood(rng: np.random.Generator) -> Tile:
    """Planks with grain."""
    grain = fractal(rng, rng.uniform(0.9, 1.4), (1, rng.uniform(8, 20)))
    shade = 1 + rng.uniform(0.05, 0.18) * grain
    planks = int(rng.choice([1, 2, 4, 8]))
    tone = np.repeat(rng.normal(0, 0.12, planks), TILE // planks)[:, None]
    line = (np.arange(TILE) % (TILE // planks) < 2)[:, None] * (planks > 1)
    shade = (shade + tone) * (1 - 0.6 * line)
    tile = _tile(_soft(grain - 0.5, 2), 0.0, shade)
    return tile if rng.random() < 0.5 else tile.transpose(1, 0, 2).copy()


def bricks(rng: np.random.Generator) -> Tile:
    """Bricks, tiles, paving: cells of varied tone with joints."""
    rows, columns = int(rng.choice([2, 4, 8, 16])), int(rng.choice([1, 2, 4, 8]))
    height, width = TILE // rows, TILE // columns
    y, x = np.mgrid[:TILE, :TILE]
    row = y // height
    x = (x + (row % 2) * (width // 2) * (rng.random() < 0.65)) % TILE
    column = x // width
    tones = rng.normal(0, rng.uniform(0.02, 0.2), (rows, columns))
    other = rng.random((rows, columns)) < rng.choice([0, 0.15, 0.5])
    if rng.random() < 0.25:
        other = (np.add.outer(np.arange(rows), np.arange(columns)) % 2).astype(bool)
    gap = int(rng.integers(1, 6))
    joint = ((y % height) < gap) | ((x % width) < gap)
    joint &= bool(rng.random() < 0.85)
    shade = 1 + tones[row, column] + rng.uniform(0.02, 0.14) * fractal(rng, 0.9)
    return _tile(other[row, column] * ~joint, joint, shade)


def stripes(rng: np.random.Generator) -> Tile:
    """Stripes of one or two colours, straight or in steps."""
    count = int(rng.choice([2, 4, 6, 10, 16, 24]))
    phase = np.arange(TILE) * count / TILE % 1
    share = rng.uniform(0.15, 0.6)
    second = (phase < share)[:, None]
    thin = rng.uniform(0, 0.12) * (rng.random() < 0.5)
    third = (np.abs(phase - (1 + share) / 2) < thin)[:, None]
    weave = 1 + 0.05 * fractal(rng, 0.3)
    if rng.random() < 0.25:  # zigzag
        shift = np.abs(np.arange(TILE) % 64 - 32)
        rows = (np.arange(TILE)[:, None] + shift) % TILE
        return _tile(second[rows, 0], third[rows, 0], weave)
    tile = _tile(second, third, weave)
    return tile if rng.random() < 0.65 else tile.transpose(1, 0, 2).copy()


def plaid(rng: np.random.Generator) -> Tile:
    """Checks and tartan."""
    count = int(rng.choice([3, 5, 8, 16]))
    phase = np.arange(TILE) * count / TILE % 1
    band = (phase < rng.uniform(0.3, 0.6)).astype(np.float32)
    thin = (np.abs(phase - 0.8) < rng.uniform(0, 0.06)).astype(np.float32)
    second = 0.5 * band[:, None] + 0.5 * band[None]
    third = np.maximum(thin[:, None], thin[None]) * 0.8
    return _tile(second, third, 1 + 0.05 * fractal(rng, 0.2))


def scattered(rng: np.random.Generator) -> Tile:
    """Dots, petals, leaves, pebbles: small shapes strewn over the tile."""
    picture = np.zeros((TILE, TILE, 3), dtype=np.float32)
    picture[..., 2] = 1
    count, size = int(rng.integers(30, 350)), rng.uniform(3, 16)
    depth, flat = rng.uniform(0.0, 0.35), rng.uniform(0.3, 1)
    for _ in range(count):
        colour = (float(rng.random() < 0.7), float(rng.random() < 0.35))
        colour = (*colour, float(1 + rng.normal(0, depth)))
        radius = size * rng.uniform(0.5, 1.5)
        axes = (max(int(radius), 1), max(int(radius * flat), 1))
        x, y, turn = rng.integers(TILE), rng.integers(TILE), rng.uniform(0, 360)
        for dx in (-TILE, 0, TILE):
            for dy in (-TILE, 0, TILE):
                centre = (int(x + dx), int(y + dy))
                if -40 < centre[0] < TILE + 40 and -40 < centre[1] < TILE + 40:
                    cv2.ellipse(picture, centre, axes, turn, 0, 360, colour, -1)
    picture[..., 2] *= 1 + 0.05 * fractal(rng, 0.8)
    return _tile(*np.moveaxis(picture, -1, 0))


def foliage(rng: np.random.Generator) -> Tile:
    """Leaves in layers, bright in front and dark behind."""
    picture = np.zeros((TILE, TILE, 3), dtype=np.float32)
    picture[..., 2] = 0.35
    size = rng.uniform(3, 11)
    for layer in range(700):
        level = layer / 700
        colour = (rng.random(), float(rng.random() < 0.06))
        colour = (*colour, 0.3 + 0.9 * level * rng.uniform(0.6, 1.1))
        centre = tuple(int(v) for v in rng.integers(-4, TILE + 4, 2))
        axes = (int(size * rng.uniform(0.5, 1.4)) + 1, int(size * 0.4) + 1)
        cv2.ellipse(picture, centre, axes, rng.uniform(0, 360), 0, 360, colour, -1)
    picture[..., 2] *= 1 + 0.3 * np.clip(fractal(rng, 1.8), -1.5, 1.5)
    return _tile(*np.moveaxis(picture, -1, 0))


def windows(rng: np.random.Generator) -> Tile:
    """The front of a building: rows of windows, some lit, with frames and sills."""
    picture = np.zeros((TILE, TILE, 3), dtype=np.float32)
    picture[..., 2] = 1 + 0.08 * fractal(rng, 1.0)
    rows, columns = int(rng.choice([2, 3, 4])), int(rng.choice([2, 3, 4, 5]))
    height, width = TILE / rows, TILE / columns
    w, h = width * rng.uniform(0.35, 0.8), height * rng.uniform(0.4, 0.8)
    bars = int(rng.integers(0, 3))
    for i in range(rows):
        for j in range(columns):
            x, y = int(width * (j + 0.5) - w / 2), int(height * (i + 0.5) - h / 2)
            ends = (x, y), (int(x + w), int(y + h))
            cv2.rectangle(picture, *ends, (0.0, 1.0, rng.uniform(0.3, 1.0)), -1)
            glare = (x, y), (int(x + w * rng.random()), int(y + h * rng.random()))
            cv2.rectangle(picture, *glare, (0.0, 0.9, rng.uniform(0.5, 1.5)), -1)
            cv2.rectangle(picture, *ends, (1.0, 0.0, 1.0), int(rng.integers(1, 5)))
            for bar in range(bars):
                at = int(x + w * (bar + 1) / (bars + 1))
                cv2.line(picture, (at, y), (at, int(y + h)), (1.0, 0.0, 0.9), 2)
    return _tile(*np.moveaxis(picture, -1, 0))


def shelves(rng: np.random.Generator) -> Tile:
    """Shelves full of books, boxes, goods."""
    picture = np.zeros((TILE, TILE, 3), dtype=np.float32)
    picture[..., 2] = 0.4
    rows = int(rng.choice([2, 3, 4, 5]))
    height = TILE // rows
    mean = rng.uniform(5, 30)
    for i in range(rows):
        x = 0
        while x < TILE:
            w = int(mean * rng.uniform(0.4, 1.8)) + 2
            top = int(height * (i + 1) - 5 - height * rng.uniform(0.4, 0.9))
            bottom = height * (i + 1) - 5
            colour = (rng.random(), rng.random() ** 2, rng.uniform(0.35, 1.35))
            cv2.rectangle(picture, (x, top), (x + w - 2, bottom), colour, -1)
            middle = (x + 1, (top + bottom) // 2), (x + w - 3, (top + bottom) // 2 + 5)
            cv2.rectangle(picture, *middle, (0.0, 0.0, rng.uniform(0.5, 1.5)), -1)
            x += w
        picture[height * (i + 1) - 5 : height * (i + 1), :, 2] = 0.9
    return _tile(*np.moveaxis(picture, -1, 0))


def letters(rng: np.random.Generator) -> Tile:
    """Posters, adverts, printed cloth: words of many sizes."""
    picture = np.zeros((TILE, TILE, 3), dtype=np.float32)
    picture[..., 2] = 1
    for _ in range(int(rng.integers(2, 5))):
        x, y = (int(v) for v in rng.integers(-40, TILE, 2))
        end = (x + int(rng.integers(30, 200)), y + int(rng.integers(20, 120)))
        colour = (rng.random(), rng.random(), rng.uniform(0.7, 1.2))
        cv2.rectangle(picture, (x, y), end, colour, -1)
    for _ in range(int(rng.integers(3, 14))):
        put_word(rng, picture, rng.integers(-30, TILE, 2), rng.uniform(0.5, 3.5))
    return _tile(*np.moveaxis(picture, -1, 0))


def put_word(
    rng: np.random.Generator, picture: np.ndarray, at: np.ndarray, size: float
) -> None:
    """Write a random word into a tile's channels, in place."""
    mask = word_mask(rng, picture.shape[:2], at, size)[..., None]
    colour = [float(rng.random() < 0.5), float(rng.random() < 0.5), 1.0]
    picture += mask * (np.array(colour, dtype=np.float32) - picture)


def word_mask(
    rng: np.random.Generator,
    shape: tuple[int, int],
    at: np.ndarray,
    size: float,
    word: str | None = None,
) -> np.ndarray:
    """Where (h, w), 0..1, a word is written; a random one if none is given."""
    if word is None:
        word = ''.join(rng.choice(list(LETTERS), rng.integers(1, 9)))
    font = FONTS[rng.integers(len(FONTS))]
    thick = max(int(size * rng.uniform(1, 4)), 1)
    mask = np.zeros(shape, dtype=np.uint8)
    place = tuple(int(v) for v in at)
    cv2.putText(mask, word, place, font, float(size), 255, thick, cv2.LINE_AA)
    return mask.astype(np.float32) / 255


def clutter(rng: np.random.Generator) -> Tile:
    """Shapes upon shapes, as things lying about."""
    picture = np.zeros((TILE, TILE, 3), dtype=np.float32)
    picture[..., 2] = 1 + 0.1 * fractal(rng, 1.2)
    for _ in range(int(rng.integers(20, 120))):
        centre = rng.integers(0, TILE, 2)
        count = int(rng.integers(3, 9))
        angle = np.sort(rng.uniform(0, 2 * np.pi, count))
        reach = rng.uniform(4, 45) * rng.uniform(0.4, 1, count)
        points = centre + np.stack([np.cos(angle), np.sin(angle)], -1) * reach[:, None]
        colour = (rng.random(), rng.random(), rng.uniform(0.3, 1.4))
        cv2.fillPoly(picture, [points.astype(np.int32)], colour, cv2.LINE_AA)
    return _tile(*np.moveaxis(picture, -1, 0))


def stones(rng: np.random.Generator) -> Tile:
    """Cobbles, cracked earth, giraffe: cells around random points."""
    from scipy.spatial import cKDTree

    count = int(rng.integers(12, 200))
    points = rng.uniform(0, TILE, (count, 2))
    shifts = [(dx, dy) for dx in (-TILE, 0, TILE) for dy in (-TILE, 0, TILE)]
    everywhere = np.concatenate([points + shift for shift in shifts])
    grid = np.stack(np.mgrid[:TILE, :TILE], axis=-1).reshape(-1, 2)
    distance, index = cKDTree(everywhere).query(grid, k=2)
    gap = (distance[:, 1] - distance[:, 0]).reshape(TILE, TILE)
    tone = rng.normal(0, 0.15, count)[index[:, 0] % count].reshape(TILE, TILE)
    joint = gap < rng.uniform(1.5, 6)
    other = (rng.random(count) < 0.3)[index[:, 0] % count].reshape(TILE, TILE)
    return _tile(other & ~joint, joint, 1 + tone + 0.08 * fractal(rng, 0.9))


def knit(rng: np.random.Generator) -> Tile:
    """Woven and knitted cloth: a fine regular grain."""
    y, x = np.mgrid[:TILE, :TILE] * (2 * np.pi / TILE)
    down, across = rng.choice([8, 16, 32, 40], 2)
    wave = np.sin(down * y + rng.choice([0, 1]) * np.abs(np.sin(across / 2 * x)) * 4)
    grain = wave * (0.5 + 0.5 * np.sin(across * x))
    shade = 1 + rng.uniform(0.05, 0.25) * grain + 0.05 * fractal(rng, 0.5)
    return _tile(_soft(grain - 0.2, 3) * rng.choice([0, 0.5, 1]), 0.0, shade)


def spectators(rng: np.random.Generator) -> Tile:
    """Rows of far people, head and shoulders."""
    picture = np.zeros((TILE, TILE, 3), dtype=np.float32)
    picture[..., 2] = 0.3
    rows = int(rng.integers(4, 9))
    step = TILE / rows
    for i in range(rows):
        x = rng.uniform(0, step)
        while x < TILE:
            y, size = step * (i + 0.4) + rng.normal(0, 0.08 * step), 0.28 * step
            cloth = (rng.random(), 0.0, rng.uniform(0.3, 1.4))
            place = (int(x), int(y + 2.4 * size))
            axes = (int(1.6 * size), int(1.7 * size))
            cv2.ellipse(picture, place, axes, 0, 0, 360, cloth, -1, cv2.LINE_AA)
            skin = (0.0, 1.0, rng.uniform(0.4, 1.2))
            cv2.circle(picture, (int(x), int(y)), int(size), skin, -1, cv2.LINE_AA)
            x += step * rng.uniform(0.7, 1.3)
    return _tile(*np.moveaxis(picture, -1, 0))


KINDS: dict[str, tuple[Callable[[np.random.Generator], Tile], int]] = {
    'plaster': (plaster, 12),
    'blotches': (blotches, 10),
    'grass': (grass, 8),
    'wood': (wood, 8),
    'bricks': (bricks, 14),
    'stripes': (stripes, 10),
    'plaid': (plaid, 8),
    'scattered': (scattered, 14),
    'foliage': (foliage, 8),
    'windows': (windows, 10),
    'shelves': (shelves, 8),
    'letters': (letters, 10),
    'clutter': (clutter, 8),
    'stones': (stones, 6),
    'knit': (knit, 8),
    'spectators': (spectators, 4),
}
