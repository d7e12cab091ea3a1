"""Packages that some steps import beyond those of ``make demo``."""

from collections.abc import Sequence
from importlib.util import find_spec

from .step import Group, State, Step

# mmpose's estimator imports mmdet and mmcv's compiled ops, Deformable-DETR's attention
# the latter.
NEEDED_BY = {'stage1': ('mmcv._ext', 'mmdet'), 'ms-deform': ('mmcv._ext',)}


def check_packages(groups: Sequence[Group]) -> None:
    """Look for what the steps that are not done will import, before the first of them.

    Raises:
        ValueError: If a package is missing.
    """
    for group in groups:
        for step in group.steps:
            missing = [name for name in _needed(step) if find_spec(name) is None]
            if missing and step.state is not State.DONE:
                raise ValueError(
                    f'the step {step.name} needs {" and ".join(missing)}, which '
                    '`make install-test` installs'
                )


def _needed(step: Step) -> tuple[str, ...]:
    for part in step.name.split('/'):
        if part in NEEDED_BY:
            return NEEDED_BY[part]
    return ()
