"""People of COCO-style JSON files, with SMPL pseudo-labels joined to them."""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import MMLogger

from deforhmr_mm.geometry.boxes import bbox_to_center_scale, bbox_xywh_to_xyxy
from deforhmr_mm.structures import get_keypoint_set

from ..labels import AnnotationError, LabelRecord
from .coco_rows import keypoints_of, numbers_of, person_categories
from .npz import open_npz
from .spin import read_spin_npz

__all__ = ['read_coco_json']

# What every entry of these lists must have.
REQUIRED_KEYS = {
    'images': ('id', 'file_name'),
    'annotations': ('id', 'image_id', 'category_id', 'bbox'),
    'categories': ('id', 'name'),
}


def read_coco_json(
    path: str | Path,
    smpl_file: str | Path | None = None,
    min_num_keypoints: int = 1,
    hidden_conf: float = 1.0,
    bbox_padding: float = 1.25,
) -> LabelRecord:
    """Read the people of a COCO-style JSON file.

    Each annotation of the category ``person`` is one person, in the file's order.
    Crowds (``iscrowd``), boxes without an area and people with fewer labelled keypoints
    than `min_num_keypoints` are left out, and the log says how many.

    Args:
        path: The JSON file, with ``images``, ``annotations`` and ``categories``.
        smpl_file: An ``.npz`` of the SPIN family that has ``annot_id`` (N,) beside the
            keys of `read_spin_npz`, as CLIFF's pseudo-labels of COCO. People whose
            annotation has that id take pose, betas, 3D joints, translation, camera and
            gender from it; keypoints and box stay those of the JSON.
        min_num_keypoints: Smallest number of keypoints with a visibility above 0. COCO
            has many people with none, who teach nothing without SMPL labels.
        hidden_conf: Confidence of keypoints that are labelled but hidden (COCO's
            visibility 1). Visible ones (2) have confidence 1, unlabelled ones (0) 0.
        bbox_padding: Enlargement of the box once it has the crop's aspect.

    Returns:
        The labels; ``person_ids`` are the ids of the annotations.

    Raises:
        ImportError: If xtcocotools is missing.
        FileNotFoundError: If there is no such file.
        AnnotationError: If a file lacks a key or holds a wrong value, no person is
            left, or no person has an SMPL label in `smpl_file`.
    """
    path = str(path)
    coco = _open_coco(path)
    annotations = _select_people(coco, path, min_num_keypoints)
    count = len(annotations)
    coco_points = np.stack([keypoints_of(one, path) for one in annotations])
    visibility = coco_points[..., 2]
    coco_points[..., 2] = np.where(visibility == 1, hidden_conf, visibility > 0)
    source, target = get_keypoint_set('coco17'), get_keypoint_set('smpl45')
    source_index, target_index = source.map_to(target)
    keypoints = np.zeros((count, len(target), 3), dtype=np.float32)
    keypoints[:, target_index] = coco_points[:, source_index]
    # The place of an unlabelled joint, COCO's (0, 0), means nothing.
    keypoints[keypoints[..., 2] == 0] = 0

    boxes = bbox_xywh_to_xyxy([one['bbox'] for one in annotations])
    center, scale = bbox_to_center_scale(boxes, bbox_padding)
    ids = np.array([one['id'] for one in annotations], dtype=np.int64)
    return LabelRecord(
        path=path,
        image_names=tuple(
            coco.imgs[one['image_id']]['file_name'] for one in annotations
        ),
        center=center.astype(np.float32),
        scale=scale.astype(np.float32),
        keypoints=keypoints,
        person_ids=ids,
        family='coco',
        **_smpl_labels(path, ids, smpl_file),
    )


def _open_coco(path: str) -> Any:
    """Open the file with xtcocotools, which itself checks nothing."""
    try:
        from xtcocotools.coco import COCO
    except (ImportError, ValueError) as error:
        # ValueError: compiled for another numpy.
        raise ImportError(
            f'{path} is read with xtcocotools, which does not import ({error}); '
            'install it with: pip install xtcocotools (`make install-test` compiles '
            'it for the numpy that is there)'
        ) from error
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'The annotation file {path} does not exist. Set data_root and ann_file '
            'in the config, or with --cfg-options, to where it lies.'
        )
    try:
        content = json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise AnnotationError(f'{path} is not a readable JSON file: {error}') from error
    for key, required in REQUIRED_KEYS.items():
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            found = sorted(content) if isinstance(content, dict) else type(content)
            raise AnnotationError(
                f'{path}: there is no list {key!r}; a COCO-style file has images, '
                f'annotations and categories, this one has {found}.'
            )
        for row, entry in enumerate(content[key]):
            missing = [name for name in required if name not in entry]
            if missing:
                raise AnnotationError(f'{path}: {key}[{row}] has no {missing[0]!r}.')
            if not isinstance(entry['id'], int):
                raise AnnotationError(
                    f"{path}: 'id' of {key}[{row}] must be an integer, but is "
                    f'{entry["id"]!r}.'
                )
    _refuse_repeats(path, 'annotation', [one['id'] for one in content['annotations']])
    with contextlib.redirect_stdout(io.StringIO()):  # It prints its progress.
        return COCO(path, ann_data=content)


def _refuse_repeats(path: str, what: str, ids: list[int]) -> None:
    repeated = [value for value, count in Counter(ids).items() if count > 1]
    if repeated:
        raise AnnotationError(
            f'{path}: {len(repeated)} {what} ids occur more than once, among them '
            f'{", ".join(str(value) for value in sorted(repeated)[:5])}.'
        )


def _select_people(
    coco: Any, path: str, min_num_keypoints: int
) -> list[dict[str, Any]]:
    """Return the annotations that become samples, in the file's order."""
    category_ids = person_categories(coco.dataset['categories'], path)
    kept = []
    left_out: Counter[str] = Counter()
    for annotation in coco.dataset['annotations']:
        if annotation['category_id'] not in category_ids:
            continue
        if annotation['image_id'] not in coco.imgs:
            raise AnnotationError(
                f'{path}: annotation {annotation["id"]} is of image '
                f'{annotation["image_id"]}, which is not in images.'
            )
        if annotation.get('iscrowd'):
            left_out['crowds'] += 1
        elif not _has_area(path, annotation):
            left_out['boxes without an area'] += 1
        elif (keypoints_of(annotation, path)[:, 2] > 0).sum() < min_num_keypoints:
            left_out[f'people with fewer than {min_num_keypoints} keypoints'] += 1
        else:
            kept.append(annotation)
    reasons = ', '.join(f'{count} {what}' for what, count in left_out.items())
    summary = f'{path}: {len(kept)} people; left out: {reasons or "none"}.'
    if not kept:
        raise AnnotationError(f'{summary} No sample is left.')
    MMLogger.get_current_instance().info(summary)
    return kept


def _has_area(path: str, annotation: dict[str, Any]) -> bool:
    box = numbers_of(annotation, 'bbox', 4, path)
    return bool((box[2:] > 0).all())


def _smpl_labels(
    path: str, ids: np.ndarray, smpl_file: str | Path | None
) -> dict[str, Any]:
    """Columns of the SMPL labels for the annotations `ids`, unknown where none is."""
    count = len(ids)
    joints = len(get_keypoint_set('smpl45'))
    columns = {
        'joints_3d': np.zeros((count, joints, 4), dtype=np.float32),
        'pose': np.zeros((count, 24, 3), dtype=np.float32),
        'betas': np.zeros((count, 10), dtype=np.float32),
        'has_pose': np.zeros(count, dtype=np.float32),
        'has_betas': np.zeros(count, dtype=np.float32),
        'transl': np.full((count, 3), np.nan, dtype=np.float32),
        'pelvis': np.full((count, 3), np.nan, dtype=np.float32),
        'focal_length': np.full(count, np.nan, dtype=np.float32),
        'principal_point': np.full((count, 2), np.nan, dtype=np.float32),
    }
    genders = ['neutral'] * count
    if smpl_file is None:
        return {**columns, 'genders': tuple(genders)}
    smpl = read_spin_npz(smpl_file)
    rows = {value: row for row, value in enumerate(_read_annot_ids(smpl_file))}
    matches = [(row, rows[value]) for row, value in enumerate(ids) if value in rows]
    summary = (
        f'{path}: {len(matches)} of {count} people have SMPL labels in {smpl_file}, '
        f'which has {len(rows)}'
    )
    if not matches:
        raise AnnotationError(
            f"{summary}. Its 'annot_id' must be the annotation ids of the JSON file; "
            f'the first are {list(rows)[:3]} there and {ids[:3].tolist()} here.'
        )
    MMLogger.get_current_instance().info(f'{summary}.')
    here, there = (list(index) for index in zip(*matches, strict=True))
    for name, column in columns.items():
        labels = getattr(smpl, name)
        if labels is not None:
            column[here] = labels[there]
    for row, smpl_row in matches:
        genders[row] = smpl.genders[smpl_row]
    return {
        **columns,
        'genders': tuple(genders),
        'body_type': smpl.body_type,
        'body_fingerprint': smpl.body_fingerprint,
    }


def _read_annot_ids(smpl_file: str | Path) -> list[int]:
    with open_npz(smpl_file) as columns:
        ids = columns.integers('annot_id').tolist()
    _refuse_repeats(str(smpl_file), 'annot_id', ids)
    return ids
