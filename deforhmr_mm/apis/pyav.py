"""PyAV, imported when a video is met and not before."""

from __future__ import annotations

from types import ModuleType

__all__ = ['import_av']


def import_av() -> ModuleType:
    """Return PyAV.

    Raises:
        ImportError: If it is not installed; the message says how to install it.
    """
    try:
        import av
        import av.error
    except ImportError as error:
        raise ImportError(
            f'videos need PyAV, which cannot be imported ({error}): pip install av'
        ) from error
    return av
