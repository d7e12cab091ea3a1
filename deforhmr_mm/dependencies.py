"""Are the packages that deforhmr_mm stands on there, and recent enough?

Standard library only. It is asked once, by ``deforhmr_mm.registry``, so that a machine
with a missing or an old package says so in one line, in place of failing somewhere deep
inside mmengine or mmpose.

The packages of OpenMMLab exist twice: the stock ones (``mmengine``, ``mmcv``) and
maintained forks of the same import names (``onedl-mmengine``, ``onedl-mmcv``). Either
will do, so what is asked is the imported module's ``__version__`` and not the metadata
of a distribution of a certain name.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ['REQUIREMENTS', 'Requirement', 'check_dependencies']


@dataclass(frozen=True)
class Requirement:
    """One package that must be importable.

    Attributes:
        module: The import name.
        minimum: The oldest version that will do.
        mend: What ``pip install`` is given to mend it.
        distribution: The distribution whose metadata holds the version, or None where
            more than one distribution provides the module: then ``module.__version__``
            is read.
    """

    module: str
    minimum: str
    mend: str
    distribution: str | None = None


REQUIREMENTS = (
    Requirement('numpy', '1.24', "'numpy>=1.24'", 'numpy'),
    Requirement('torch', '2.6', "'torch>=2.6'", 'torch'),
    Requirement('cv2', '4.5', 'opencv-python-headless'),
    Requirement('scipy', '1.10', "'scipy>=1.10'", 'scipy'),
    Requirement('roma', '1.4', "'roma>=1.4'", 'roma'),
    Requirement('smplx', '0.1.28', "'smplx>=0.1.28'", 'smplx'),
    Requirement('mmengine', '0.10.0', 'onedl-mmengine==0.10.12'),
    Requirement('mmcv', '2.0.1', '--no-deps onedl-mmcv==2.3.6'),
    Requirement('json_tricks', '3.15', 'json_tricks', 'json_tricks'),
    Requirement('munkres', '1.1', 'munkres', 'munkres'),
    Requirement('mmpose', '1.3.0', '--no-deps mmpose==1.3.2', 'mmpose'),
)


def check_dependencies(requirements: Sequence[Requirement] = REQUIREMENTS) -> None:
    """Check every requirement; return nothing when all is well.

    Args:
        requirements: What to check, in this order.

    Raises:
        ImportError: One line for the first package that is missing, too old or broken:
            its name, what is needed, what was found and the command that mends it.
    """
    for requirement in requirements:
        found = _installed_version(requirement)
        if found is None:
            raise ImportError(_message(requirement, 'it is not installed'))
        if _numbers(found) < _numbers(requirement.minimum):
            raise ImportError(_message(requirement, f'found {found}'))


def _installed_version(requirement: Requirement) -> str | None:
    """The version of a package, or None if it cannot be found."""
    if importlib.util.find_spec(requirement.module) is None:
        return None
    if requirement.distribution is not None:
        try:
            return importlib.metadata.version(requirement.distribution)
        except importlib.metadata.PackageNotFoundError:
            pass  # importable without metadata (a source tree): ask the module itself
    try:
        module = importlib.import_module(requirement.module)
    except ImportError as error:
        found = f'importing it fails ({str(error).splitlines()[0]})'
        raise ImportError(_message(requirement, found)) from error
    return str(getattr(module, '__version__', '0'))


def _numbers(version: str) -> tuple[int, ...]:
    """The release part of a version: ``'2.13.0+cpu'`` gives ``(2, 13)``.

    Trailing zeros are dropped, so that 2.0 and 2.0.0 are equal.
    """
    match = re.match(r'\d+(\.\d+)*', version)
    numbers = [int(part) for part in match.group().split('.')] if match else [0]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _message(requirement: Requirement, found: str) -> str:
    need = f'{requirement.module} >= {requirement.minimum}'
    mend = requirement.mend
    if requirement.distribution is None:
        # A stock package is upgraded: its fork beside it would share its files.
        for stock in (requirement.module, f'{requirement.module}-lite'):
            if _has_distribution(stock):
                mend = f"'{stock}>={requirement.minimum}'"
    return (
        f'deforhmr_mm needs {need}, but {found}; '
        f'mend it with: pip install --upgrade {mend}'
    )


def _has_distribution(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
