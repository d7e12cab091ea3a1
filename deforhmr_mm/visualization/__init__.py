"""Pictures and mesh files of recovered people; needs neither OpenGL nor a display."""

from .attention_figure import attention_legend, draw_attention
from .exporters import camera_to_y_up, encode_meshes, export_meshes
from .figure_grid import figure_grid, shrink
from .html_viewer import encode_still_page, encode_video_page
from .marks import draw_skeleton
from .people import gather_people, person_color
from .renderer import MeshRenderer, RenderedMeshes
from .shading import PALETTE, Shading
from .visualizer import MeshVisualizer, encode_image, view_extent

__all__ = [
    'PALETTE',
    'MeshRenderer',
    'MeshVisualizer',
    'RenderedMeshes',
    'Shading',
    'attention_legend',
    'camera_to_y_up',
    'draw_attention',
    'draw_skeleton',
    'encode_image',
    'encode_meshes',
    'encode_still_page',
    'encode_video_page',
    'export_meshes',
    'figure_grid',
    'gather_people',
    'person_color',
    'shrink',
    'view_extent',
]
