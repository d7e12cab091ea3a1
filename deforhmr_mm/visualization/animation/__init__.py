"""People's movement as files for Blender, Unity, MotionBuilder and viewers."""

from .animated_glb import encode_animated_glb
from .bvh import encode_bvh
from .rig import BodyRig, rig_from_body

__all__ = ['BodyRig', 'encode_animated_glb', 'encode_bvh', 'rig_from_body']
