"""Put configs, tools and demo into the package's .mim folder, where mim looks for them.

Everything else about the package is in setup.cfg. A wheel gets copies; an editable
installation gets links, so that an edited config is the one that is used.
"""

import os
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PACKAGE = 'deforhmr_mm'
SHIPPED = ('configs', 'demo', 'tools', 'model-index.yml')
SKIPPED = shutil.ignore_patterns('__pycache__', '*.pyc', '.*')


class BuildPy(build_py):
    """`build_py` that adds the .mim folder."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            self._link(ROOT / PACKAGE / '.mim')
        else:
            self._copy(Path(self.build_lib) / PACKAGE / '.mim')

    def get_outputs(self, include_bytecode: bool = True) -> list:
        outputs = list(super().get_outputs(include_bytecode))
        if not self.editable_mode:
            mim = Path(self.build_lib) / PACKAGE / '.mim'
            outputs += [str(path) for path in mim.rglob('*') if path.is_file()]
        return outputs

    @staticmethod
    def _copy(mim: Path) -> None:
        shutil.rmtree(mim, ignore_errors=True)
        mim.mkdir(parents=True)
        for name in SHIPPED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, mim / name, ignore=SKIPPED)
            elif source.exists():
                shutil.copy2(source, mim / name)

    @staticmethod
    def _link(mim: Path) -> None:
        mim.mkdir(exist_ok=True)
        for name in SHIPPED:
            link = mim / name
            if link.is_symlink():
                link.unlink()
            if (ROOT / name).exists():
                os.symlink(os.path.relpath(ROOT / name, mim), link)


setup(cmdclass={'build_py': BuildPy})
