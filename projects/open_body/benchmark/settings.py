"""What a work folder is made with and from: ``settings.json``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deforhmr_mm.whole_files import write_json

FILE = 'settings.json'
SOURCES = 'made_from'


def check_settings(work: Path, settings: Mapping[str, Any]) -> None:
    """Remember what a work folder is made with, or compare with what it was made with.

    Raises:
        ValueError: It was made with other settings.
    """
    path = work / FILE
    wanted = json.loads(json.dumps(settings))
    if not path.is_file():
        work.mkdir(parents=True, exist_ok=True)
        write_json(path, wanted)
        return
    _refuse_others(path, _by_name(json.loads(path.read_text())), wanted)


def _by_name(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings of older folders have the encoder's path, as it was typed."""
    encoder = settings.get('encoder')
    return {**settings, 'encoder': Path(encoder).name} if encoder else settings


def check_sources(work: Path, sources: Mapping[str, str]) -> None:
    """Likewise what it is made from, which is known only when that is there.

    Folders that do not know yet what they are made from, or not all of it, learn it.

    Args:
        work: The folder, of which the settings have been checked.
        sources: What is there of data and encoder by now: name -> fingerprint.

    Raises:
        ValueError: It was made from others.
    """
    path = work / FILE
    settings = json.loads(path.read_text())
    found = settings.get(SOURCES, {})
    known = {name: found.get(name, value) for name, value in sources.items()}
    _refuse_others(path, known, sources)
    if {**found, **sources} != found:
        write_json(path, {**settings, SOURCES: {**found, **sources}})


def _refuse_others(path: Path, found: Mapping, wanted: Mapping) -> None:
    different = [key for key in wanted if found.get(key) != wanted[key]]
    if different:
        said = '; '.join(
            f'{key}: expected {found.get(key)!r}, got {wanted[key]!r}'
            for key in different
        )
        raise ValueError(
            f'{path}: the folder was made with other settings: {said}; choose another '
            '--work-dir, or delete the folder'
        )
