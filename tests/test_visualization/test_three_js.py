"""three.js is taken out of trimesh's page, or it is said what is wrong with trimesh."""

import pytest
import trimesh

from deforhmr_mm.visualization.three_js import find_three_js, three_js

END = 'Object.defineProperty(t,"__esModule",{value:!0})}));'
NAMES = (
    'BufferAttribute BufferGeometry Color LineSegments Mesh PerspectiveCamera Scene '
    'ShaderMaterial Vector3 WebGLRenderer'
).split()
CORE = (
    '/**\n * @license\n * Copyright\n */\n!function(t){'
    + ''.join(f't.{name}={name};' for name in NAMES)
    + END
)


def test_the_installed_library_comes_with_its_licence_and_nothing_else():
    script = three_js()
    assert script.startswith(('/**\n * @license', '// threejs.org/license'))
    assert 'Authors' in script[:200] or 'threejs.org' in script[:200]
    assert script.endswith(');')
    assert 'GLTFLoader=' not in script
    assert '$B64GLTF' not in script


def test_only_the_core_is_taken():
    page = f'<html><script>{CORE}\n(function(){{THREE.Other=1}})();var camera;'
    assert find_three_js(page) == CORE


def test_the_older_notice_is_known():
    core = CORE.replace('/**\n * @license\n * Copyright\n */', '// threejs.org/license')
    assert find_three_js(f'<script>{core}</script>') == core


@pytest.mark.parametrize(
    'page, complaint',
    [
        ('<html></html>', 'known form'),
        (CORE.replace('t.Mesh=', 't.Mash='), 'without Mesh'),
        (CORE.replace('t.Color=', '"</script>";t.Color='), 'inside a page'),
    ],
    ids=['none', 'a class is missing', 'it would end the script'],
)
def test_errors_name_trimesh_and_its_version(page, complaint):
    with pytest.raises(RuntimeError, match=complaint) as caught:
        find_three_js(page)
    assert f'trimesh {trimesh.__version__}' in str(caught.value)
