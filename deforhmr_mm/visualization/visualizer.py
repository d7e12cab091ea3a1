"""`MeshVisualizer`: people's meshes over their picture, and from other sides."""

from __future__ import annotations

import os
from collections.abc import Sequence

import cv2
import numpy as np
from mmengine.dist import master_only
from mmengine.visualization import Visualizer

from deforhmr_mm.registry import VISUALIZERS
from deforhmr_mm.structures import MeshDataSample
from deforhmr_mm.whole_files import write_bytes

from .figure_grid import figure_grid, shrink
from .marks import draw_box, draw_label, draw_skeleton
from .people import People, gather_people
from .renderer import MeshRenderer
from .side_view import BACKGROUND, draw_scene, turn_to_side, turn_to_top

VIEWS = {
    'image': 'picture',
    'overlay': 'overlay',
    'mesh': 'mesh',
    'side': 'from the side',
    'top': 'from above',
}
"""Views that `MeshVisualizer.draw_views` knows, and their titles."""
SCENE_VIEWS = {'side': turn_to_side, 'top': turn_to_top}
"""Those of them that are not the camera's, and how they turn its axes."""
# Width over height that the views from elsewhere have at least and at most.
_SCENE_ASPECT = (0.6, 1.6)


@VISUALIZERS.register_module()
class MeshVisualizer(Visualizer):
    """Draws the meshes of data samples over pictures and hands them to the backends.

    All people of a picture are one scene: the nearer hides the farther. A person's
    colour is that of its ``person_id`` (see `person_color`), so that a tracked person
    keeps it. Drawing needs neither a display nor OpenGL.

    Args:
        name: Name of the instance, mmengine's.
        faces: (F, 3) triangles of the body; may be set later as ``visualizer.faces``.
        alpha: Opacity of the meshes in [0, 1].
        draw_joints: Whether the 2D joints are drawn over the meshes.
        draw_boxes: Whether people's boxes are drawn.
        draw_ids: Whether people's ids are written beside them.
        renderer: Arguments of `MeshRenderer`.
        **kwargs: mmengine's: ``image``, ``vis_backends``, ``save_dir``.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        faces: np.ndarray | None = None,
        alpha: float = 0.85,
        draw_joints: bool = False,
        draw_boxes: bool = False,
        draw_ids: bool = False,
        renderer: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(name, **kwargs)
        if not 0 <= alpha <= 1:
            raise ValueError(f'alpha must be within [0, 1], got {alpha}')
        self.faces = faces
        self.alpha = alpha
        self.draw_joints = draw_joints
        self.draw_boxes = draw_boxes
        self.draw_ids = draw_ids
        self.renderer = MeshRenderer(**(renderer or {}))

    def draw_people(
        self,
        image: np.ndarray,
        data_samples: Sequence[MeshDataSample],
        draw_joints: bool | None = None,
        draw_boxes: bool | None = None,
        draw_ids: bool | None = None,
    ) -> np.ndarray:
        """Return the picture with all people of one image drawn over it.

        Args:
            image: (H, W, 3) uint8 RGB; not changed.
            data_samples: The image's people, with `pred_instances` in its full camera;
                may be empty.
            draw_joints: Overrides the visualizer's own setting, as do the next two.
            draw_boxes: See the class.
            draw_ids: See the class.

        Returns:
            (H, W, 3) uint8 RGB.

        Raises:
            ValueError: If the body's faces are not set, the people have different
                cameras or the predictions are not finite.
        """
        people = gather_people(data_samples)
        drawn = self._draw_meshes(image, people, self.alpha)
        joints = self.draw_joints if draw_joints is None else draw_joints
        boxes = self.draw_boxes if draw_boxes is None else draw_boxes
        ids = self.draw_ids if draw_ids is None else draw_ids
        for index, color in enumerate(people.colors):
            bbox, keypoints = people.bboxes[index], people.keypoints[index]
            if joints and keypoints is not None:
                draw_skeleton(drawn, keypoints, color)
            if boxes and bbox is not None:
                draw_box(drawn, bbox, color)
            if ids and bbox is not None and np.isfinite(bbox).all():
                draw_label(drawn, str(people.ids[index]), bbox[:2], color)
        return drawn

    def draw_view(
        self,
        view: str,
        image: np.ndarray,
        data_samples: Sequence[MeshDataSample],
        height: int | None = None,
        extent: tuple[float, float] | None = None,
        bounds: np.ndarray | None = None,
        **marks: bool | None,
    ) -> np.ndarray:
        """Return one view of a picture's people.

        Args:
            view: 'image', the picture; 'overlay', see `draw_people`; 'mesh', the same
                on a plain ground; 'side' and 'top', the scene of all people from the
                camera's right and from above, each where it stands.
            image: (H, W, 3) uint8 RGB; not changed.
            data_samples: See `draw_people`.
            height: Pixels of 'side' and 'top'; the picture's height by default.
            extent: Metres that these two show, see `fit_view`.
            bounds: (2, 3) metres that these two show, see `draw_scene`.
            marks: ``draw_joints``, ``draw_boxes`` and ``draw_ids`` of 'overlay', see
                `draw_people`.

        Returns:
            (H, W, 3) uint8 RGB; for 'side' and 'top' (height, w, 3), as wide as what
            they show.

        Raises:
            ValueError: For another view; see `draw_people`, too.
        """
        if view not in VIEWS:
            raise ValueError(f'views are {", ".join(VIEWS)}; got {view!r}')
        if view == 'image':
            return image.copy()
        if view == 'overlay':
            return self.draw_people(image, data_samples, **marks)
        people = gather_people(data_samples)
        if view == 'mesh':
            return self._draw_meshes(np.full_like(image, BACKGROUND), people, 1.0)
        self._check_faces(people)
        height = height or image.shape[0]
        shown = extent
        if shown is None:
            shown = view_extent(people.vertices if bounds is None else [bounds], view)
        aspect = np.clip(shown[0] / max(shown[1], 1e-3), *_SCENE_ASPECT)
        return draw_scene(
            (max(1, round(aspect * height)), height),
            self.renderer,
            people.vertices,
            self.faces,
            SCENE_VIEWS[view],
            people.colors,
            extent,
            bounds=bounds,
        )

    def draw_views(
        self,
        image: np.ndarray,
        data_samples: Sequence[MeshDataSample],
        views: Sequence[str] = ('overlay', 'mesh', 'side', 'top'),
        titles: bool = True,
        height: int | None = None,
        bounds: np.ndarray | None = None,
        **marks: bool | None,
    ) -> np.ndarray:
        """Return several views of a picture's people side by side.

        Args:
            image: (H, W, 3) uint8 RGB; not changed.
            data_samples: See `draw_people`.
            views: See `draw_view`.
            titles: Whether each view has its title.
            height: Pixels of the views; the picture's height by default.
            bounds: See `draw_view`.
            marks: See `draw_view`.

        Returns:
            (H', W', 3) uint8 RGB.
        """
        panels = [
            self.draw_view(view, image, data_samples, height, bounds=bounds, **marks)
            for view in views
        ]
        names = [VIEWS[view] for view in views] if titles else None
        return figure_grid([panels], names, height)

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: MeshDataSample | Sequence[MeshDataSample] | None = None,
        draw_gt: bool = False,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | os.PathLike | None = None,
        step: int = 0,
        max_size: int | None = None,
    ) -> np.ndarray:
        """Draw one picture's people; show it, write it or hand it to the backends.

        Args:
            name: Identifier of the picture.
            image: (H, W, 3) uint8 RGB.
            data_sample: One person or all people of the picture.
            draw_gt: Must be False: ground truth lives in the crop, not in the picture.
            draw_pred: Whether the predicted meshes are drawn.
            show: Open a window; the backends are then left out.
            wait_time: Seconds that the window stays, 0 for ever.
            out_file: Write the picture there, in place of the backends.
            step: Training step, for the backends.
            max_size: What is drawn is shrunk to this many pixels, longer side.

        Returns:
            (H, W, 3) uint8 RGB, the drawn picture.
        """
        if draw_gt:
            raise ValueError('MeshVisualizer draws predictions only: draw_gt=False')
        samples = [] if data_sample is None else data_sample
        if isinstance(samples, MeshDataSample):
            samples = [samples]
        drawn = self.draw_people(image, samples if draw_pred else [])
        if max_size is not None:
            drawn = shrink(drawn, max_size)
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        elif out_file is not None:
            write_bytes(out_file, encode_image(drawn, os.path.splitext(out_file)[1]))
        else:
            self.add_image(name, drawn, step)
        return drawn

    def _draw_meshes(
        self, image: np.ndarray, people: People, alpha: float
    ) -> np.ndarray:
        if not people.vertices:
            return image.copy()
        self._check_faces(people)
        rendered = self.renderer.render(
            people.vertices,
            self.faces,
            people.focal_length,
            people.principal_point,
            image.shape[:2],
            people.colors,
        )
        return rendered.overlay(image, alpha)

    def _check_faces(self, people: People) -> None:
        if people.vertices and self.faces is None:
            raise ValueError(
                'MeshVisualizer does not know the body: set visualizer.faces = '
                'model.body_model.faces'
            )


def view_extent(
    meshes: Sequence[np.ndarray], view: str = 'side'
) -> tuple[float, float]:
    """Return the width and height in metres that people take up in a view.

    Args:
        meshes: People's vertices, each (V, 3) metres, camera axes.
        view: 'side' or 'top'.

    Returns:
        Metres; (1, 1) for nobody.
    """
    if not len(meshes):
        return 1.0, 1.0
    width, height, _ = np.ptp(
        SCENE_VIEWS[view](np.concatenate(meshes)), axis=0
    ).tolist()
    return width, height


def encode_image(image: np.ndarray, suffix: str = '.png') -> bytes:
    """Return a (H, W, 3) uint8 RGB picture as the bytes of a file.

    Args:
        image: The picture.
        suffix: '.png' or another that OpenCV writes.
    """
    try:
        done, data = cv2.imencode(suffix, image[..., ::-1])
    except cv2.error as error:
        raise ValueError(f'pictures cannot be written as {suffix!r} files') from error
    if not done:
        raise ValueError(f'pictures cannot be written as {suffix!r} files')
    return data.tobytes()
