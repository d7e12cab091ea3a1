"""Which files a call writes, and where."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from mmengine.logging import print_log

# What is looked at goes to `vis_out_dir`, what is worked with to `pred_out_dir`.
PICTURES_AND_PAGES = ('overlay', 'views', 'html')
NUMBERS_AND_MESHES = ('json', 'npz', 'glb', 'obj', 'ply', 'bvh')
FORMATS = PICTURES_AND_PAGES + NUMBERS_AND_MESHES
# Which of them there are of each kind of input; of a camera there is none.
MADE_OF = {
    'image': set(FORMATS) - {'bvh'},
    'video': set(FORMATS) - {'obj', 'ply'},
}
DEFAULT_FORMATS = ('overlay', 'json', 'npz', 'glb')


@dataclass(frozen=True)
class OutputOptions:
    """Which files a call writes, and where.

    Attributes:
        vis_out_dir: Folder of `PICTURES_AND_PAGES`, or None for none of them.
        pred_out_dir: Folder of `NUMBERS_AND_MESHES`, or None for none of them.
        formats: Those of `FORMATS` that are written.
        are_default: Whether nobody has asked for these very formats.
        bvh_scale: Units of a BVH file a metre, see `encode_bvh`.
    """

    vis_out_dir: Path | None = None
    pred_out_dir: Path | None = None
    formats: tuple[str, ...] = DEFAULT_FORMATS
    are_default: bool = False
    bvh_scale: float = 1.0

    @classmethod
    def of(
        cls,
        out_dir: str | PathLike | None = None,
        vis_out_dir: str | PathLike | None = None,
        pred_out_dir: str | PathLike | None = None,
        formats: str | Sequence[str] | None = None,
        bvh_scale: float = 1.0,
    ) -> OutputOptions:
        """Build the options from the arguments of a call.

        Args:
            out_dir: Folder of everything that has no folder of its own.
            vis_out_dir: Folder of pictures and pages.
            pred_out_dir: Folder of parameters and meshes.
            formats: Some of `FORMATS`; None for `DEFAULT_FORMATS`.
            bvh_scale: Units of a BVH file a metre: 1 for metres, Blender's unit; 100
                for centimetres, which MotionBuilder and Maya expect.

        Raises:
            ValueError: If a format is not known, or `bvh_scale` is no positive number
                or of no effect.
        """
        are_default = formats is None
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
        if not (math.isfinite(bvh_scale) and bvh_scale > 0):
            raise ValueError(
                f'bvh_scale: units a metre must be a positive number, got {bvh_scale}'
            )
        if bvh_scale != 1 and 'bvh' not in chosen:
            raise ValueError(
                f'bvh_scale={bvh_scale} has no effect without bvh among the formats: '
                'leave it out, or add bvh'
            )
        return cls(*folders, chosen, are_default, bvh_scale)

    def folder(self, name: str) -> Path | None:
        """Return where files of this format go, or None if there are to be none."""
        if name not in self.formats:
            return None
        return self.vis_out_dir if name in PICTURES_AND_PAGES else self.pred_out_dir

    def without(self, names: Collection[str]) -> OutputOptions:
        """Return options that leave some formats out."""
        rest = tuple(name for name in self.formats if name not in names)
        return replace(self, formats=rest)

    def warn_of_unused(self, kinds: Collection[str]) -> None:
        """Say in the log which formats no input will give files of.

        Args:
            kinds: Of the inputs: 'image', 'video', 'webcam'.
        """
        made = set().union(*(MADE_OF.get(kind, set()) for kind in kinds))
        unused = [f for f in self.formats if self.wants(f) and f not in made]
        if unused:
            print_log(
                f'not written of {" and ".join(sorted(kinds)) or "nothing"}: '
                f'{", ".join(unused)}',
                'current',
                logging.WARNING,
            )

    def wants(self, *names: str) -> bool:
        """Whether files of any of these formats are written."""
        return any(self.folder(name) is not None for name in names)
