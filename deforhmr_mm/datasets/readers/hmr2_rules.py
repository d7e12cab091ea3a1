"""Which people and labels of HMR2.0's tars are good enough to train on.

The tars hold fits as they came out. These are the rules by which HMR2.0's loader cleans
them before a training, but for its pose prior.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..labels import AnnotationError

__all__ = ['HMR2Cleaner', 'HMR2Rules']


@dataclass(frozen=True)
class HMR2Rules:
    """Limits of `HMR2Cleaner`; None turns a rule off, the defaults are HMR2.0's.

    Args:
        min_keypoint_conf: 2D joints of a lower confidence lose it.
        max_beta: Who has a beta of a larger magnitude loses betas and pose.
        min_keypoints: Who has fewer 2D joints is left out. They are counted among the
            file's 44, where some are twice, once the first rule was applied.
        max_fitting_loss: Who has this reprojection loss of the fit, or a larger one, is
            left out; who has none is kept.

    Raises:
        ValueError: If a limit is negative.
    """

    min_keypoint_conf: float | None = 0.3
    max_beta: float | None = 3.0
    # HMR2.0 has a 4 here, and keeps who has more.
    min_keypoints: int | None = 5
    max_fitting_loss: float | None = 31000.0

    def __post_init__(self) -> None:
        """Check the limits."""
        for name, limit in asdict(self).items():
            if limit is not None and not limit >= 0:
                raise ValueError(
                    f'{name} must be at least 0, or None to turn it off, but is '
                    f'{limit}.'
                )


class HMR2Cleaner:
    """Apply the rules to one person after another, and count whom they take.

    Args:
        rules: The limits.

    Attributes:
        left_out: Numbers of people who are left out, by the reason.
        dropped: Numbers of people who are kept without some labels, by which.
    """

    def __init__(self, rules: HMR2Rules) -> None:
        self.rules = rules
        self.left_out: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    def __call__(
        self, columns: Mapping[str, np.ndarray], person: Mapping[str, Any], name: str
    ) -> dict[str, np.ndarray] | None:
        """Return the columns that are left, None if the person is left out.

        Args:
            columns: ``keypoints`` (44, 3), ``pose`` (24, 3), ``betas`` (10,),
                ``has_pose`` and ``has_betas``, and any other.
            person: As it is in the file, for ``extra_info``.
            name: Of the person, for messages.

        Raises:
            AnnotationError: If the loss of the fit cannot be read.
        """
        reason = None
        cleaned, dropped = self._drop_labels(columns)
        least, most = self.rules.min_keypoints, self.rules.max_fitting_loss
        if least is not None and (cleaned['keypoints'][:, 2] > 0).sum() < least:
            reason = f'people with fewer than {least} keypoints'
        elif most is not None and not _fitting_loss(person, name) < most:
            reason = f'people with a fitting loss of {most:g} or more'
        if reason is not None:
            self.left_out[reason] += 1
            return None
        self.dropped.update(dropped)
        return cleaned

    def _drop_labels(
        self, columns: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], list[str]]:
        """Return the columns without what the rules drop, and what that was."""
        cleaned, dropped = dict(columns), []
        least, most = self.rules.min_keypoint_conf, self.rules.max_beta
        if least is not None:
            conf = columns['keypoints'][:, 2:]
            cleaned['keypoints'] = np.where(conf < least, 0, columns['keypoints'])
            if ((conf > 0) & (conf < least)).any():
                dropped.append(f'keypoints of confidence below {least:g}')
        if most is not None and (np.abs(columns['betas']) > most).any():
            for key in ('pose', 'betas', 'has_pose', 'has_betas'):
                cleaned[key] = np.zeros_like(columns[key])
            dropped.append(f'betas beyond {most:g}, and the pose with them')
        return cleaned, dropped


def _fitting_loss(person: Mapping[str, Any], name: str) -> float:
    """Return the reprojection loss of a person's fit, minus infinity if it has none."""
    values: Any = person
    for key in ('extra_info', 'fitting_loss'):
        values = values.get(key)
        if isinstance(values, np.ndarray) and values.size == 1:
            values = values.item()  # numpy saves a dictionary as an array of one.
        if values is None:
            return -np.inf
        if not isinstance(values, dict):
            raise AnnotationError(
                f'{name}: {key!r} must be a dictionary, but is of type '
                f'{type(values).__name__}; max_fitting_loss=None does without it.'
            )
    loss = values.get('reprojection_loss')
    if loss is None:
        return -np.inf
    if np.size(loss) != 1 or np.asarray(loss).dtype.kind not in 'iuf':
        raise AnnotationError(
            f"{name}: 'reprojection_loss' of the fit must be one number, but is "
            f'{loss!r}; max_fitting_loss=None does without it.'
        )
    return float(np.asarray(loss).item())
