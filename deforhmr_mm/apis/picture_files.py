"""The files of one picture's people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import nn

from deforhmr_mm.visualization import (
    MeshVisualizer,
    encode_image,
    encode_meshes,
    person_color,
    write_bytes,
)
from deforhmr_mm.visualization.html_viewer import encode_still_page

from .output_options import OutputOptions
from .pictures import Picture
from .results import describe_model, encode_json, encode_npz, person_result

MESH_FORMATS = ('glb', 'obj', 'ply')


def write_picture_files(
    picture: Picture,
    overlay: np.ndarray | None,
    visualizer: MeshVisualizer,
    model: nn.Module,
    options: OutputOptions,
) -> list[str]:
    """Write all files of a picture; everything is encoded before the first is written.

    Meshes of nobody are not written: their formats have no empty form.

    Args:
        picture: A picture with its samples, without error.
        overlay: (H, W, 3) uint8 RGB, needed if options want it.
        visualizer: Draws the other views.
        model: What recovered the people.
        options: Which files.

    Returns:
        Paths, in the order of the formats.
    """
    height, width = picture.image.shape[:2]
    image = {'path': picture.item.name, 'height': height, 'width': width}
    about = describe_model(model)
    stem, samples = picture.item.stem, picture.samples
    faces = model.body_model.faces
    files: dict[Path, bytes] = {}
    for name in options.formats:
        folder = options.folder(name)
        if folder is None:
            continue
        if name == 'overlay':
            files[folder / f'{stem}_overlay.png'] = encode_image(overlay)
        elif name == 'views':
            views = visualizer.draw_views(picture.rgb, samples)
            files[folder / f'{stem}_views.png'] = encode_image(views)
        elif name == 'html':
            files[folder / f'{stem}.html'] = still_page(picture, model)
        elif name == 'json':
            people = [person_result(sample) for sample in samples]
            files[folder / f'{stem}.json'] = encode_json(people, image, about)
        elif name == 'npz':
            files[folder / f'{stem}.npz'] = encode_npz(samples, image, about)
        elif name in MESH_FORMATS and samples:
            ids = person_ids(samples)
            files[folder / f'{stem}.{name}'] = encode_meshes(
                placed_meshes(samples),
                faces,
                name,
                names=[f'person_{i}' for i in ids],
                colors=[person_color(i) for i in ids],
            )
    for path, data in files.items():
        write_bytes(path, data)
    return [str(path) for path in files]


def still_page(picture: Picture, model: nn.Module) -> bytes:
    """Return the page that shows a picture's people in 3D."""
    samples = picture.samples
    ids = person_ids(samples)
    camera = {}
    if samples:
        person = samples[0].pred_instances
        camera = dict(
            focal_length=float(person.focal_length[0]),
            principal_point=tuple(person.principal_point[0].tolist()),
        )
    return encode_still_page(
        title=Path(picture.item.name).name,
        image=picture.rgb,
        meshes=placed_meshes(samples),
        faces=model.body_model.faces,
        person_ids=ids,
        colors=[person_color(i) for i in ids],
        note=page_note(model),
        **camera,
    )


def page_note(model: nn.Module) -> str:
    """Return the line that says what a page was made by."""
    about = describe_model(model)
    weights = about['checkpoint'] or 'random weights'
    return f'{weights} · body: {about["body_name"]}'


def placed_meshes(samples) -> list[np.ndarray]:
    """Return people's vertices (V, 3) in the camera's frame, metres."""
    return [
        (sample.pred_instances.vertices + sample.pred_instances.transl)[0].numpy()
        for sample in samples
    ]


def person_ids(samples) -> list[int]:
    """Return people's numbers: those of a video's tracks, or their order."""
    return [sample.metainfo.get('person_id', i) for i, sample in enumerate(samples)]
