"""Say how varied data set v1 is: headings, joint angles, sizes, what is hidden.

Example:
    python projects/open_body/describe_v1.py data/open_body_v1
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

sys.path.insert(0, str(Path(__file__).resolve().parent))

from synthetic.poses import SMPL_JOINTS  # noqa: E402
from synthetic_v1.labels import Labels  # noqa: E402
from synthetic_v1.recipe import RECIPES  # noqa: E402

BINS = 12


def joint_spread(pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far joints turn from their mean rotation.

    Args:
        pose: (N, 72) axis-angle of 24 joints.

    Returns:
        Mean and 95 % quantile (24,) of the angle in degrees between a joint's
        rotations and their chordal mean.
    """
    means, high = [], []
    for joint in range(pose.shape[1] // 3):
        rotations = Rotation.from_rotvec(pose[:, 3 * joint : 3 * joint + 3])
        away = np.degrees((rotations.mean().inv() * rotations).magnitude())
        means.append(away.mean())
        high.append(np.quantile(away, 0.95))
    return np.array(means), np.array(high)


def yaw_imbalance(yaw: np.ndarray) -> float:
    """Largest excess of a twelfth of all headings over its even part, 0..11."""
    counts, _ = np.histogram(yaw, bins=BINS, range=(-np.pi, np.pi))
    return float(counts.max() / counts.mean() - 1)


def row(name: str, data: dict[str, np.ndarray]) -> list[str]:
    """A split's row of the table."""
    height = 200 * data['scale'] / 1.2
    inside = data['coco'][..., 2] > 0
    seen = (data['coco'][..., 2] > 1).sum() / inside.sum()
    low, middle, high = np.quantile(height, [0.05, 0.5, 0.95])
    return [
        name,
        f'{len(height):,}',
        f'{len(np.unique(data["imgname"])):,}',
        f'{low:.0f} / {middle:.0f} / {high:.0f}',
        f'{100 * inside.mean():.0f} %',
        f'{100 * seen:.0f} %',
        f'{joint_spread(data["pose"])[0][1:].mean():.1f}',
        f'{100 * yaw_imbalance(data["yaw"]):.0f} %',
    ]


def main(argv: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('data', type=Path, help='folder of the data set')
    args = parser.parse_args(argv)
    keys = set(Labels._fields) | {'imgname'}
    found = {}
    for split in RECIPES:
        path = args.data / 'annotations' / f'{split}.npz'
        if path.exists():
            with np.load(path) as file:
                found[split] = {key: file[key] for key in keys}
    if not found:
        parser.error(f'{args.data}: no annotations of {", ".join(RECIPES)}')
    head = ['split', 'people', 'pictures', 'box, px (5/50/95 %)', 'joints inside']
    head += ['of these seen', 'joint spread, degrees', 'yaw excess']
    print('| ' + ' | '.join(head) + ' |\n|' + '---|' * len(head))
    for split, data in found.items():
        print('| ' + ' | '.join(row(split, data)) + ' |')
    first = next(iter(found))
    means, high = joint_spread(found[first]['pose'])
    print(f'\nJoint angles of {first} from their mean, degrees: mean (95 % quantile)')
    for name, mean, most in zip(SMPL_JOINTS, means, high, strict=True):
        print(f'{name:>15}  {mean:5.1f} ({most:.0f})')


if __name__ == '__main__':
    main()
