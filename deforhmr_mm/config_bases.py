"""Let configs that lie anywhere build on ours: ``_base_ = 'deforhmr_mm::PATH.py'``.

mmengine reads ``package::path`` from the package's ``.mim/configs``, where our wheel
has copies and an editable installation links, but only of packages in its own table.
"""

from mmengine.config.utils import MODULE2PACKAGE

__all__ = ['let_mmengine_find_our_configs']


def let_mmengine_find_our_configs() -> None:
    """Enter this package in mmengine's table."""
    # The table is to hold the name of a distribution, whose folder stock mmengine takes
    # for the package's: in an editable installation there is nothing. Of a name that no
    # distribution has, every mmengine asks Python where it is imported from, and takes
    # that file's folder: the package's, wherever it lies.
    MODULE2PACKAGE.setdefault('deforhmr_mm', __name__)
