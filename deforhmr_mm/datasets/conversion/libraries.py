"""Libraries that only some data sets' raw files need."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ['MissingLibraryError', 'require']


class MissingLibraryError(ValueError):
    """A library that reads a raw file is not installed."""


def require(name: str, what: str) -> ModuleType:
    """Import a library that the package itself does not need.

    Args:
        name: Its name, for Python and for pip.
        what: What it reads, for the message.

    Raises:
        MissingLibraryError: If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingLibraryError(
            f'{what} is read with {name}, which is not installed ({error}). Install '
            f'it: pip install {name}'
        ) from error
