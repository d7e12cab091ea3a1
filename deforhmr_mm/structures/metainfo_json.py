"""Metadata of a sample as one line of JSON, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ['decode_metainfo', 'encode_metainfo']

PLAIN = (str, bool, int, float, type(None))


def encode_metainfo(metainfo: Mapping[str, Any]) -> bytes:
    """Write metadata as one line of JSON without its end.

    Arrays become ``{"array": [...], "dtype": "float32"}`` and tuples
    ``{"tuple": [...]}``, so that `decode_metainfo` gives the same types and bits again.

    Args:
        metainfo: Text, numbers, truth values, None, arrays of numbers, and lists and
            tuples of plain values.

    Returns:
        UTF-8 text without a line break.

    Raises:
        TypeError: If a value is of another type; it names the key.

    Example:
        >>> import numpy as np
        >>> encode_metainfo({'ori_shape': (480, 640), 'scale': np.float32([0.5, 1])})
        b'{"ori_shape":{"tuple":[480,640]},"scale":{"array":[0.5,1.0],"dtype":"float32"}}'
    """
    values = {key: _encode(key, value) for key, value in metainfo.items()}
    # Sorted, since mmengine keeps the keys in a set: a file's bytes are to be the same
    # from every process.
    return json.dumps(values, separators=(',', ':'), sort_keys=True).encode()


def decode_metainfo(line: bytes) -> dict[str, Any]:
    """Read what `encode_metainfo` wrote."""
    values = json.loads(line)
    for key, value in values.items():
        if type(value) is dict:
            values[key] = (
                tuple(value['tuple'])
                if 'tuple' in value
                else np.array(value['array'], dtype=value['dtype'])
            )
    return values


def _encode(key: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in 'fiub':
        return {'array': value.tolist(), 'dtype': value.dtype.name}
    if isinstance(value, list | tuple):
        items = [x.item() if isinstance(x, np.generic) else x for x in value]
        if all(isinstance(item, PLAIN) for item in items):
            return {'tuple': items} if isinstance(value, tuple) else items
    raise TypeError(
        f'The metadata {key!r} must be text, a number, an array of numbers or a list '
        f'or tuple of plain values to be stored, but is {type(value).__name__}: '
        f'{value!r:.80}.'
    )
