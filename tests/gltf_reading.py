"""A second reading of animated GLB files, from the bytes and the specification alone.

glTF 2.0: sections 3.6 (accessors), 3.7.3 (skins), 3.7.2.2 (morph targets), 3.11
(animations) and 4 (the container).
"""

import json
import struct

import numpy as np

COMPONENTS = {5121: '<u1', 5123: '<u2', 5125: '<u4', 5126: '<f4'}
SIZES = {'SCALAR': (), 'VEC3': (3,), 'VEC4': (4,), 'MAT4': (4, 4)}
DEFAULTS = {'translation': (0, 0, 0), 'rotation': (0, 0, 0, 1), 'scale': (1, 1, 1)}


class GLB:
    """A file: its JSON, its arrays, and its meshes at a time."""

    def __init__(self, data: bytes):
        magic, version, length = struct.unpack_from('<4sII', data)
        assert (magic, version, length) == (b'glTF', 2, len(data))
        size, kind = struct.unpack_from('<I4s', data, 12)
        assert kind == b'JSON'
        self.json = json.loads(data[20 : 20 + size])
        _, kind = struct.unpack_from('<I4s', data, 20 + size)
        assert kind == b'BIN\0'
        self.buffer = data[28 + size :]
        self.nodes = self.json['nodes']
        self.ids = {node['name']: i for i, node in enumerate(self.nodes)}
        assert len(self.ids) == len(self.nodes)
        self.parents = {
            child: i
            for i, node in enumerate(self.nodes)
            for child in node.get('children', [])
        }
        (animation,) = self.json['animations']
        self.tracks = {}
        for channel in animation['channels']:
            sampler = animation['samplers'][channel['sampler']]
            target = (channel['target']['node'], channel['target']['path'])
            assert target not in self.tracks
            self.tracks[target] = tuple(
                self.array(sampler[key]) for key in ('input', 'output')
            )

    def array(self, index):
        accessor = self.json['accessors'][index]
        view = self.json['bufferViews'][accessor['bufferView']]
        shape = (accessor['count'], *SIZES[accessor['type']])
        start = view.get('byteOffset', 0) + accessor.get('byteOffset', 0)
        return np.frombuffer(
            self.buffer,
            COMPONENTS[accessor['componentType']],
            int(np.prod(shape)),
            start,
        ).reshape(shape)

    def value(self, node, path, time):
        """The last key up to a time: right at key times, and for STEP at all times."""
        default = self.nodes[node].get(path, DEFAULTS.get(path))
        if (node, path) not in self.tracks:
            return np.array(default, np.float64)
        times, values = self.tracks[node, path]
        assert (np.diff(times) > 0).all()
        row = max(np.searchsorted(times, np.float32(time), side='right') - 1, 0)
        return values.reshape(len(times), -1)[row].astype(np.float64)

    def matrix(self, node, time):
        """From the node's frame to the world's."""
        x, y, z, w = self.value(node, 'rotation', time)
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        local = np.eye(4)
        local[:3, :3] = rotation * self.value(node, 'scale', time)
        local[:3, 3] = self.value(node, 'translation', time)
        if node in self.parents:
            return self.matrix(self.parents[node], time) @ local
        return local

    def vertices(self, name, time, sets=None):
        """(V, 3) of a skinned mesh; `sets`: how many of the influences are read."""
        node = self.nodes[self.ids[name]]
        (primitive,) = self.json['meshes'][node['mesh']]['primitives']
        attributes = primitive['attributes']
        points = self.array(attributes['POSITION']).astype(np.float64)
        targets = primitive.get('targets', [])
        if targets:
            weights = self.value(self.ids[name], 'weights', time)
            assert len(weights) == len(targets)
            for weight, target in zip(weights, targets, strict=True):
                points = points + weight * self.array(target['POSITION'])
        skin = self.json['skins'][node['skin']]
        # Matrices are stored column by column.
        binds = self.array(skin['inverseBindMatrices']).swapaxes(1, 2)
        joints = np.stack(
            [
                self.matrix(joint, time) @ bind
                for joint, bind in zip(skin['joints'], binds, strict=True)
            ]
        )
        number = sum(key.startswith('JOINTS_') for key in attributes)
        chosen = range(number if sets is None else sets)
        ids = [self.array(attributes[f'JOINTS_{i}']) for i in chosen]
        weights = [self.array(attributes[f'WEIGHTS_{i}']) for i in chosen]
        ids, weights = (np.concatenate(part, axis=1) for part in (ids, weights))
        weights = weights / weights.sum(axis=1, keepdims=True, dtype=np.float64)
        blended = np.einsum('vk,vkrc->vrc', weights, joints[ids])
        homogeneous = np.concatenate((points, np.ones((len(points), 1))), axis=1)
        return np.einsum('vrc,vc->vr', blended, homogeneous)[:, :3]
