"""DeforHMR, human mesh recovery with deformable cross-attention, for OpenMMLab.

Importing the package loads nothing heavy: `deforhmr_mm.geometry` works where mmengine
is not installed.
"""

__version__ = '0.1.0'

__all__ = ['__version__']
