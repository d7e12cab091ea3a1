"""Who may import whom."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = 'deforhmr_mm'

# Each part may import itself, what is listed for it and nothing else of ours.
FOUNDATIONS = {'', 'geometry', 'structures', 'registry', 'whole_files'}
BODY = FOUNDATIONS | {'body_models'}
WORKERS = BODY | {'models', 'datasets', 'evaluation'}
ALLOWED = {
    '': set(),
    'dependencies': set(),
    'whole_files': set(),
    'geometry': {''},
    'structures': {'', 'geometry'},
    'registry': {'', 'dependencies'},
    'body_models': FOUNDATIONS,
    'models': BODY,
    'datasets': BODY,
    'evaluation': BODY,
    'tracking': FOUNDATIONS,
    'visualization': WORKERS,
    'engine': WORKERS | {'visualization'},
    'apis': WORKERS | {'visualization', 'engine', 'tracking'},
}
# Inside models: what may not be imported from where.
ABOVE = {
    'layers': {'heads', 'estimators'},
    'backbones': {'heads', 'estimators'},
    'losses': {'heads', 'estimators'},
    'necks': {'heads', 'estimators'},
    'heads': {'estimators'},
    'estimators': set(),
}
GEOMETRY_NEEDS = {'torch', 'numpy', 'roma'}
# Imported by no module of ours when it is itself imported.
NEVER_AT_IMPORT = (
    'mmcv.ops',
    'xtcocotools',
    'torchvision',
    'mmdet',
    'mmpose.apis',
    'mmpose.datasets',
    'mmpose.models',
    'mmpose.visualization',
    'chumpy',
    'anny',
)


def modules():
    """Every module of the package with its dotted name."""
    for path in sorted((ROOT / PACKAGE).rglob('*.py')):
        if '.mim' in path.parts:
            continue
        parts = path.relative_to(ROOT).with_suffix('').parts
        yield '.'.join(parts[:-1] if parts[-1] == '__init__' else parts), path


def imports(name, path, at_import=False):
    """The dotted names that a module imports, inside its functions too or not."""
    package = name if path.name == '__init__.py' else name.rpartition('.')[0]
    stack = [ast.parse(path.read_text(encoding='utf-8'))]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ''
            if node.level:
                parents = package.split('.')[: len(package.split('.')) - node.level + 1]
                base = '.'.join([*parents, base] if base else parents)
            # `from a import b`: b may be a module of a's.
            yield from (f'{base}.{alias.name}' for alias in node.names)
        if at_import and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        stack.extend(ast.iter_child_nodes(node))


def part_of(dotted):
    """The part of the package that a dotted name lies in, '' for the package itself."""
    pieces = dotted.split('.')
    return pieces[1] if len(pieces) > 1 and pieces[1] in ALLOWED else ''


def of_ours(dotted):
    return dotted == PACKAGE or dotted.startswith(f'{PACKAGE}.')


MODULES = dict(modules())


def test_every_part_has_its_place():
    parts = {name.split('.')[1] for name in MODULES if '.' in name}
    assert parts <= set(ALLOWED)


@pytest.mark.parametrize('name', MODULES)
def test_parts_import_only_what_lies_below(name):
    part = part_of(name)
    for imported in filter(of_ours, imports(name, MODULES[name])):
        target = part_of(imported)
        assert target == part or target in ALLOWED[part], f'{name} imports {imported}'


@pytest.mark.parametrize('name', [n for n in MODULES if part_of(n) == 'models'])
def test_order_inside_models(name):
    pieces = name.split('.')
    here = pieces[2] if len(pieces) > 2 else None
    for imported in filter(of_ours, imports(name, MODULES[name])):
        there = [*imported.split('.'), '', ''][2]
        if part_of(imported) == 'models' and here is not None:
            assert there not in ABOVE[here], f'{name} imports {imported}'


@pytest.mark.parametrize('name', [n for n in MODULES if part_of(n) == 'geometry'])
def test_geometry_needs_little(name):
    for imported in imports(name, MODULES[name]):
        top = imported.split('.')[0]
        known = top == PACKAGE or top in GEOMETRY_NEEDS
        assert known or top in sys.stdlib_module_names, f'{name} imports {imported}'


@pytest.mark.parametrize('name', MODULES)
def test_what_a_plain_machine_lacks_is_not_imported(name):
    for imported in imports(name, MODULES[name], at_import=True):
        for never in NEVER_AT_IMPORT:
            banned = imported == never or imported.startswith(f'{never}.')
            assert not banned, f'{name} imports {imported}'


@pytest.mark.parametrize('name', MODULES)
def test_the_package_does_not_import_what_stands_on_it(name):
    tops = {imported.split('.')[0] for imported in imports(name, MODULES[name])}
    assert not tops & {'configs', 'demo', 'projects', 'tests', 'tools'}


@pytest.mark.parametrize(
    ('source', 'expected'),
    [
        ('from ..geometry import cameras', {'deforhmr_mm.geometry.cameras'}),
        ('from . import heads', {'deforhmr_mm.models.heads'}),
        ('import deforhmr_mm.apis as a', {'deforhmr_mm.apis'}),
        ('def f():\n    import mmcv.ops', {'mmcv.ops'}),
    ],
)
def test_imports_are_read_right(tmp_path, source, expected):
    path = tmp_path / 'module.py'
    path.write_text(source)
    assert set(imports('deforhmr_mm.models.module', path)) == expected
    inside = source.startswith('def')
    found = set(imports('deforhmr_mm.models.module', path, at_import=True))
    assert found == (set() if inside else expected)
