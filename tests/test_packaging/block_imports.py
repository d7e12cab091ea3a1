"""Run Python with some modules hidden, as if they were not installed.

    python block_imports.py mmcv.ops,torchvision import deforhmr_mm.apis ...
    python block_imports.py mmcv.ops,torchvision run script.py arguments ...

The submodules of a hidden module are hidden too.
"""

import importlib
import runpy
import sys


class Hiding:
    """A finder of ``sys.meta_path`` that no longer finds some modules."""

    def __init__(self, finder, names):
        self.finder = finder
        self.names = tuple(names)

    def find_spec(self, fullname, path=None, target=None):
        for name in self.names:
            if fullname == name or fullname.startswith(f'{name}.'):
                return None
        return self.finder.find_spec(fullname, path, target)

    def __getattr__(self, attribute):
        return getattr(self.finder, attribute)


def main():
    names, action, *rest = sys.argv[1:]
    sys.meta_path[:] = [Hiding(finder, names.split(',')) for finder in sys.meta_path]
    sys.path[0] = '.'
    if action == 'import':
        for module in rest:
            importlib.import_module(module)
    else:
        sys.argv = rest
        runpy.run_path(rest[0], run_name='__main__')


if __name__ == '__main__':
    main()
