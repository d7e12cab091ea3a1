"""Pictures and mesh files of recovered people; needs neither OpenGL nor a display."""

from .exporters import camera_to_y_up, encode_meshes, export_meshes, write_bytes
from .renderer import MeshRenderer, RenderedMeshes
from .shading import PALETTE, Shading
from .visualizer import MeshVisualizer, draw_skeleton, encode_image

__all__ = [
    'PALETTE',
    'MeshRenderer',
    'MeshVisualizer',
    'RenderedMeshes',
    'Shading',
    'camera_to_y_up',
    'draw_skeleton',
    'encode_image',
    'encode_meshes',
    'export_meshes',
    'write_bytes',
]
