"""What a call of the inferencer asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .camera_info import CameraInfo, resolve_camera
from .output_options import OutputOptions

# What only makes sense if people are known from frame to frame.
_OF_TRACKS = ('glb', 'bvh', 'html')


@dataclass(frozen=True)
class CameraOptions:
    """What the caller says of the cameras of all pictures.

    Attributes:
        focal_length: Pixels, or where they are from; see `resolve_camera`.
        principal_point: (x, y) pixels, or None for the centre.
    """

    focal_length: float | str | None = 'auto'
    principal_point: Sequence[float] | None = None

    def resolve(self, path: str | None, size: tuple[int, int]) -> CameraInfo:
        """Return the camera of one picture.

        Args:
            path: Of the picture, if it has one.
            size: Height and width in pixels.
        """
        return resolve_camera(path, size, self.focal_length, self.principal_point)


@dataclass(frozen=True)
class RunOptions:
    """What a call of `MeshInferencer` asks for; see its documentation.

    Raises:
        ValueError: If they contradict one another.
    """

    batch_size: int = 16
    return_datasamples: bool = False
    return_vis: bool = False
    show: bool = False
    wait_time: float = 0
    draw_joints: bool = False
    draw_bbox: bool = False
    tracking: bool = True
    smooth: bool = True
    outputs: OutputOptions = field(default_factory=OutputOptions)

    def __post_init__(self) -> None:
        """Check what can be checked before anything is read."""
        if self.batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {self.batch_size}')

    @property
    def needs_overlay(self) -> bool:
        """Whether overlays are drawn."""
        return self.return_vis or self.show or self.outputs.wants('overlay')

    @property
    def marks(self) -> dict[str, bool | None]:
        """What `MeshVisualizer` draws beside meshes; None leaves it to itself."""
        return dict(
            draw_joints=self.draw_joints or None,
            draw_boxes=self.draw_bbox or None,
            draw_ids=self.draw_bbox or None,
        )

    def for_video(self) -> RunOptions:
        """Return the options that hold for a video.

        Where nobody is followed, formats that need to know who is who are left out of
        the default ones.

        Raises:
            ValueError: If such formats are asked for by name.
        """
        if self.tracking:
            return self
        wrong = [name for name in _OF_TRACKS if self.outputs.wants(name)]
        if wrong and not self.outputs.are_default:
            raise ValueError(
                f'formats: {", ".join(wrong)} of a video need tracking; leave them out '
                'or set tracking=True'
            )
        return replace(self, outputs=self.outputs.without(_OF_TRACKS))
