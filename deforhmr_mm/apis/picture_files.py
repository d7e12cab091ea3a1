"""The files of one picture's people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from deforhmr_mm.visualization import (
    MeshVisualizer,
    encode_image,
    encode_meshes,
    encode_still_page,
    gather_people,
)
from deforhmr_mm.whole_files import write_bytes

from .output_options import OutputOptions
from .pictures import Picture
from .results import describe_model, encode_json, encode_npz, person_result

MESH_FORMATS = ('glb', 'obj', 'ply')
PICTURE_VIEWS = ('image', 'overlay', 'mesh', 'side')


def write_picture_files(
    picture: Picture,
    visualizer: MeshVisualizer,
    model: nn.Module,
    options: OutputOptions,
    marks: Mapping[str, bool | None] | None = None,
) -> list[str]:
    """Write all files of a picture; everything is encoded before the first is written.

    Meshes of nobody are not written: their formats have no empty form.

    Args:
        picture: A picture with its samples, without error; drawn, if its overlay is to
            be written.
        visualizer: Draws the other views.
        model: What recovered the people.
        options: Which files.
        marks: What views show beside meshes, see `MeshVisualizer.draw_people`.

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
            files[folder / f'{stem}_overlay.png'] = encode_image(picture.overlay)
        elif name == 'views':
            views = visualizer.draw_views(
                picture.rgb, samples, PICTURE_VIEWS, **(marks or {})
            )
            files[folder / f'{stem}_views.png'] = encode_image(views)
        elif name == 'html':
            files[folder / f'{stem}.html'] = still_page(picture, model)
        elif name == 'json':
            people = [person_result(sample) for sample in samples]
            files[folder / f'{stem}.json'] = encode_json(people, image, about)
        elif name == 'npz':
            files[folder / f'{stem}.npz'] = encode_npz(samples, image, about)
        elif name in MESH_FORMATS and samples:
            people = gather_people(samples)
            files[folder / f'{stem}.{name}'] = encode_meshes(
                people.vertices,
                faces,
                name,
                names=[f'person_{i}' for i in people.ids],
                colors=people.colors,
            )
    for path, data in files.items():
        write_bytes(path, data)
    return [str(path) for path in files]


def still_page(picture: Picture, model: nn.Module) -> bytes:
    """Return the page that shows a picture's people in 3D."""
    people = gather_people(picture.samples)
    return encode_still_page(
        title=Path(picture.item.name).name,
        image=picture.rgb,
        meshes=people.vertices,
        faces=model.body_model.faces,
        focal_length=picture.camera.focal_length,
        principal_point=picture.camera.principal_point,
        person_ids=people.ids,
        colors=people.colors,
        note=page_note(model),
    )


def page_note(model: nn.Module) -> str:
    """Return the line that says what a page was made by."""
    about = describe_model(model)
    weights = about['checkpoint'] or 'random weights'
    return f'{weights} · body: {about["body_name"]}'
