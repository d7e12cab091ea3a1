"""Which files a call writes, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

# What is looked at goes to `vis_out_dir`, what is worked with to `pred_out_dir`.
PICTURES_AND_PAGES = ('overlay', 'views', 'html')
NUMBERS_AND_MESHES = ('json', 'npz', 'glb', 'obj', 'ply', 'bvh')
FORMATS = PICTURES_AND_PAGES + NUMBERS_AND_MESHES
OF_PICTURES_ONLY = ('obj', 'ply')
OF_VIDEOS_ONLY = ('bvh',)
DEFAULT_FORMATS = ('overlay', 'json', 'npz', 'glb')


@dataclass(frozen=True)
class OutputOptions:
    """Which files a call writes, and where.

    Attributes:
        vis_out_dir: Folder of `PICTURES_AND_PAGES`, or None for none of them.
        pred_out_dir: Folder of `NUMBERS_AND_MESHES`, or None for none of them.
        formats: Those of `FORMATS` that are written.
    """

    vis_out_dir: Path | None = None
    pred_out_dir: Path | None = None
    formats: tuple[str, ...] = DEFAULT_FORMATS

    @classmethod
    def of(
        cls,
        out_dir: str | PathLike | None = None,
        vis_out_dir: str | PathLike | None = None,
        pred_out_dir: str | PathLike | None = None,
        formats: str | Sequence[str] | None = None,
    ) -> OutputOptions:
        """Build the options from the arguments of a call.

        Args:
            out_dir: Folder of everything that has no folder of its own.
            vis_out_dir: Folder of pictures and pages.
            pred_out_dir: Folder of parameters and meshes.
            formats: Some of `FORMATS`; None for `DEFAULT_FORMATS`.

        Raises:
            ValueError: If a format is not known.
        """
        if formats is None:
            formats = DEFAULT_FORMATS
        chosen = (formats,) if isinstance(formats, str) else tuple(formats)
        for name in chosen:
            if name not in FORMATS:
                raise ValueError(f'formats: {name!r} is none of {", ".join(FORMATS)}')
        folders = (
            None if folder is None else Path(folder)
            for folder in (vis_out_dir or out_dir, pred_out_dir or out_dir)
        )
        return cls(*folders, chosen)

    def folder(self, name: str) -> Path | None:
        """Return where files of this format go, or None if there are to be none."""
        if name not in self.formats:
            return None
        return self.vis_out_dir if name in PICTURES_AND_PAGES else self.pred_out_dir

    def wants(self, *names: str) -> bool:
        """Whether files of any of these formats are written."""
        return any(self.folder(name) is not None for name in names)
