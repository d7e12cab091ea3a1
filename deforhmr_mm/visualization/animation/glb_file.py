"""Putting a GLB file together: arrays into one buffer, each only once."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pygltflib as gltf

_TYPES = {1: gltf.SCALAR, 3: gltf.VEC3, 4: gltf.VEC4, 16: gltf.MAT4}
_COMPONENTS = {
    'uint8': gltf.UNSIGNED_BYTE,
    'uint16': gltf.UNSIGNED_SHORT,
    'uint32': gltf.UNSIGNED_INT,
    'float32': gltf.FLOAT,
}
# What an array is for: (the buffer it is bound to, whether its range must be stated).
_USES = {
    'position': (gltf.ARRAY_BUFFER, True),
    'attribute': (gltf.ARRAY_BUFFER, False),
    'index': (gltf.ELEMENT_ARRAY_BUFFER, False),
    'time': (None, True),
    'track': (None, False),
    'bind': (None, False),
}


class GLBFile:
    """Collects the parts of a GLB file; pygltflib writes it.

    Arrays that are equal and serve the same use are stored once: the times of all
    tracks, the triangles and the skinning of all people.

    Args:
        generator: What writes the file.
        extras: What is said of the file as a whole.

    Attributes:
        content: pygltflib's description of the file, to which parts may be added.
    """

    def __init__(self, generator: str, extras: dict[str, Any]) -> None:
        self.content = gltf.GLTF2(
            asset=gltf.Asset(generator=generator, extras=extras),
            scene=0,
            scenes=[gltf.Scene()],
        )
        self._data = bytearray()
        self._known: dict[tuple, int] = {}

    def add(self, part: str, value: Any) -> int:
        """Append to one of the file's lists, such as `nodes`; returns its index."""
        parts = getattr(self.content, part)
        parts.append(value)
        return len(parts) - 1

    def add_root(self, node: int) -> None:
        """Put a node directly into the scene."""
        self.content.scenes[0].nodes.append(node)

    def array(self, values: np.ndarray, use: str) -> int:
        """Store an array and return the index of its accessor.

        Args:
            values: (N,) or (N, C) of a type that glTF knows: uint8, uint16, uint32 or
                float32.
            use: 'position', 'attribute', 'index', 'time', 'track' or 'bind' (inverse
                bind matrices).
        """
        values = np.ascontiguousarray(values)
        data = values.tobytes()
        digest = hashlib.blake2b(data, digest_size=16).digest()
        key = (use, values.dtype.name, values.shape, digest)
        if key in self._known:
            return self._known[key]
        target, with_range = _USES[use]
        view = gltf.BufferView(
            buffer=0, byteOffset=len(self._data), byteLength=len(data), target=target
        )
        # Every array starts at a multiple of four bytes.
        self._data += data + bytes(-len(data) % 4)
        rows = values.reshape(len(values), -1)
        accessor = gltf.Accessor(
            bufferView=self.add('bufferViews', view),
            componentType=_COMPONENTS[values.dtype.name],
            count=len(values),
            type=_TYPES[rows.shape[1]],
            min=rows.min(axis=0).tolist() if with_range else None,
            max=rows.max(axis=0).tolist() if with_range else None,
        )
        self._known[key] = self.add('accessors', accessor)
        return self._known[key]

    def animate(
        self,
        animation: gltf.Animation,
        node: int,
        path: str,
        times: np.ndarray,
        values: np.ndarray,
        interpolation: str = gltf.ANIM_LINEAR,
    ) -> None:
        """Add one track to an animation.

        Args:
            animation: The animation.
            node: The node that moves.
            path: 'translation', 'rotation', 'scale' or 'weights'.
            times: (T,) seconds.
            values: (T, C), or (T * K,) for the weights of K morph targets.
            interpolation: glTF's name of it.
        """
        sampler = gltf.AnimationSampler(
            input=self.array(times.astype(np.float32), 'time'),
            output=self.array(values.astype(np.float32), 'track'),
            interpolation=interpolation,
        )
        animation.samplers.append(sampler)
        target = gltf.AnimationChannelTarget(node=node, path=path)
        animation.channels.append(
            gltf.AnimationChannel(sampler=len(animation.samplers) - 1, target=target)
        )

    def to_bytes(self) -> bytes:
        """Return the file; there must be at least one array."""
        self.content.buffers = [gltf.Buffer(byteLength=len(self._data))]
        self.content.set_binary_blob(bytes(self._data))
        return b''.join(self.content.save_to_bytes())
