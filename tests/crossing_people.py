"""Two people who walk past each other, as a poor detector sees them."""

import numpy as np

IMAGE_SIZE = (720, 1280)


def true_boxes(
    fps,
    seconds=4.0,
    speed=240.0,
    heights=(400.0, 350.0),
    turn_back=False,
    closest=0.0,
):
    """Boxes (T, 2, 4) of two walkers; person 0 comes from the left.

    They meet in the middle of the picture at half time and walk on, or turn back where
    their centres are `closest` pixels from each other.
    Speeds in pixels a second: 240 is two thirds of their height, about 1.1 m, a second.
    """
    time = np.arange(round(seconds * fps)) / fps - seconds / 2
    way = -np.abs(time) if turn_back else time
    height = np.array(heights)
    size = np.stack([0.4 * height, height], axis=-1)
    way = way - closest / 2 / speed * turn_back
    x = 640 + speed * way[:, None] * np.array([1.0, -1.0])
    y = np.array([380.0, 400.0]) + 3 * np.sin(4 * np.pi * time)[:, None]
    center = np.stack([x, y], axis=-1)
    return np.concatenate([center - size / 2, center + size / 2], axis=-1)


def detect(truth, fps, seed, miss=0.12, jitter=0.05, trouble_seconds=0.5):
    """Give what a detector makes of true boxes (T, 2, 4).

    Boxes are missed at random, and their centres and sizes jitter by a part of the
    size. In the middle of the crossing the two are one blob or only one of them is
    seen, by chance for each frame.

    Returns:
        A list of (boxes (N, 4), scores (N,)), and a list of whose they are, (N,), -1
        for a blob. The order within a frame is by chance.
    """
    rng = np.random.default_rng(seed)
    frames, owners = [], []
    middle = abs(np.arange(len(truth)) - (len(truth) - 1) / 2) / fps
    # A walker's tendency lasts: the nearer one hides the other, blobs come in runs.
    front = rng.integers(2)
    for boxes, away in zip(truth, middle, strict=True):
        whose = [who for who in (0, 1) if rng.random() >= miss]
        seen = [_jittered(boxes[who], rng, jitter) for who in whose]
        if away < trouble_seconds / 2:
            if rng.random() < 0.5:
                both = np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])
                whose, seen = [-1], [_jittered(both, rng, jitter)]
            else:
                whose, seen = [front], [_jittered(boxes[front], rng, jitter)]
        order = rng.permutation(len(whose))
        scores = rng.uniform(0.6, 0.99, len(whose))
        frames.append((np.array(seen).reshape(-1, 4)[order], scores))
        owners.append(np.array(whose, dtype=int)[order])
    return frames, owners


def _jittered(box, rng, jitter):
    size = box[2:] - box[:2]
    center = (box[:2] + box[2:]) / 2 + rng.normal(0, jitter, 2) * size
    size = size * np.exp(rng.normal(0, jitter, 2))
    return np.concatenate([center - size / 2, center + size / 2])
