"""three.js for pages, as the installed trimesh carries it: nothing of it is ours."""

from __future__ import annotations

import re
from functools import lru_cache

import trimesh
from trimesh import resources, util

# What the viewer's scripts use of three.js.
_NEEDED = (
    'BufferAttribute',
    'BufferGeometry',
    'Color',
    'LineSegments',
    'Mesh',
    'PerspectiveCamera',
    'Scene',
    'ShaderMaterial',
    'Vector3',
    'WebGLRenderer',
)
# From the licence notice, in either of the forms that three.js has had, to the end of
# the module that makes the global THREE.
_CORE = re.compile(
    r'(?P<notice>/\*\*\s*\*\s*@license.*?\*/|// threejs\.org/license)\s*'
    r'.*?Object\.defineProperty\(\w+,"__esModule",\{value:!0\}\)\}\)+;',
    re.DOTALL,
)


@lru_cache(maxsize=1)
def three_js() -> str:
    """Return three.js as a script that makes a global THREE, its licence notice first.

    trimesh keeps it in the page that it writes for a scene. The controls and loaders
    beside it and trimesh's own viewer are left out.

    Raises:
        RuntimeError: If the installed trimesh does not carry three.js, or in a form
            that this function does not know.
    """
    try:
        archive = resources.get_bytes('templates/viewer.zip')
        files = util.decompress(archive, file_type='zip')
        template = files['viewer.html.template'].read().decode()
    except (KeyError, OSError, ValueError) as error:
        raise RuntimeError(_complaint('has no viewer template to take it from')) from (
            error
        )
    return find_three_js(template)


def find_three_js(template: str) -> str:
    """Return the part of a page that is three.js; see `three_js`.

    Args:
        template: Text of a page with three.js in it.

    Raises:
        RuntimeError: If there is none, or classes that the viewer needs are missing.
    """
    found = _CORE.search(template)
    if found is None:
        raise RuntimeError(_complaint('carries none in a known form'))
    script = found.group()
    missing = [name for name in _NEEDED if f'.{name}=' not in script]
    if missing:
        raise RuntimeError(_complaint(f'carries one without {", ".join(missing)}'))
    if '</script' in script.lower():
        raise RuntimeError(_complaint('carries one that cannot stand inside a page'))
    return script


def _complaint(what: str) -> str:
    return (
        f'the HTML viewer needs three.js, and the installed trimesh '
        f'{trimesh.__version__} {what}; trimesh 4.0.0 and 5.2.0 are known to fit'
    )
