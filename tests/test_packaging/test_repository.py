"""What must never come into the repository."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ('.ci', 'configs', 'deforhmr_mm', 'demo', 'docs', 'projects', 'requirements')
FOLDERS += ('tests', 'tools')
TEXT = {'', '.cfg', '.in', '.ipynb', '.json', '.md', '.py', '.sh', '.toml', '.txt'}
TEXT |= {'.yaml', '.yml'}
# Somebody's home or the checkout's own place; /dev, /proc and the like are the same
# everywhere.
MACHINE_PATH = re.compile(r'(?<![\w./~$}-])/(root|work|home/\w+|Users/\w+)/\w')
# Every clone and wheel carries it: at most 25 MB.
SHIPPED_MODEL = 'demo/checkpoints/deforhmr_vit-tiny_openbody-v1-256x192.pth'


def files():
    """Every file of the project, whether git is there or not."""
    yield from (path for path in sorted(ROOT.iterdir()) if path.is_file())
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob('*')):
            if path.is_file() and not {'__pycache__', '.mim'} & set(path.parts):
                yield path


def text_files():
    return (path for path in files() if path.suffix in TEXT)


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def test_no_file_names_a_place_on_one_machine():
    places = [re.escape(str(place)) for place in (ROOT, Path.home()) if place.parts[1:]]
    own = re.compile('|'.join(rf'{place}/\w' for place in places))
    found = []
    for path in text_files():
        for number, line in enumerate(path.read_text('utf-8').splitlines(), 1):
            if MACHINE_PATH.search(line) or own.search(line):
                found.append(f'{name_of(path)}:{number}: {line.strip()[:80]}')
    assert not found, '\n'.join(found)


def test_files_are_small():
    large = {name_of(p): p.stat().st_size for p in files() if p.stat().st_size > 2**20}
    for name, size in large.items():
        if name == SHIPPED_MODEL:
            limit = 25 * 10**6
        else:
            limit = (15 if name.endswith('.pth') else 4) * 2**20
        assert size <= limit, f'{name} has {size / 10**6:.1f} MB'


def test_python_files_hold_one_idea():
    long = {
        name_of(path): len(path.read_text('utf-8').splitlines())
        for path in files()
        if path.suffix == '.py'
    }
    assert not {name: lines for name, lines in long.items() if lines > 400}


def test_every_pin_is_the_same_everywhere():
    """Pre-commit and `make lint` run one ruff; constraints pin every requirement."""
    constraints = (ROOT / 'requirements' / 'constraints.txt').read_text()
    pinned = {
        line.split('==')[0].lower().replace('_', '-')
        for line in constraints.splitlines()
        if '==' in line
    }
    ruff = re.search(r'^ruff==(\S+)', constraints, re.M).group(1)
    assert f'rev: v{ruff}' in (ROOT / '.pre-commit-config.yaml').read_text()
    for path in (ROOT / 'requirements').glob('*.txt'):
        for line in path.read_text().splitlines():
            if line and line[0] not in '#-' and path.name != 'constraints.txt':
                name = re.match(r'[\w-]+', line).group().lower().replace('_', '-')
                assert '==' in line or name in pinned, f'{path.name}: {line}'


@pytest.mark.parametrize('python', ['3.10', '3.11', '3.12'])
def test_constraints_pin_each_package_once_for_a_python(python):
    from packaging.requirements import Requirement

    lines = (ROOT / 'requirements' / 'constraints.txt').read_text().splitlines()
    parsed = [Requirement(line) for line in lines if line and line[0] != '#']
    environment = {'python_version': python}
    names = [r.name for r in parsed if not r.marker or r.marker.evaluate(environment)]
    assert len(names) == len(set(names))
    assert set(names) == {r.name for r in parsed}


def test_the_model_index_names_files_that_are_there():
    import modelindex

    models = modelindex.load(str(ROOT / 'model-index.yml')).models
    assert models
    for model in models:
        assert (ROOT / model.config).is_file()
        assert model.weights.startswith('https://') or (ROOT / model.weights).is_file()
        assert model.results, f'{model.name} has no figures'


def test_the_shipped_model_has_the_same_figures_everywhere():
    import modelindex

    models = modelindex.load(str(ROOT / 'model-index.yml')).models
    (model,) = (model for model in models if model.weights == SHIPPED_MODEL)
    metrics = model.results[0].metrics
    figures = [metrics[key] for key in ('MPJPE', 'PA-MPJPE', 'PVE', 'PVE-area')]
    readme = ' | '.join(f'{figure:.1f}' for figure in figures)
    assert f'| this model | {readme} |' in (ROOT / 'README.md').read_text()
    card = (ROOT / SHIPPED_MODEL).with_suffix('.md').read_text()
    (row,) = re.findall(r'^\| test \| 1,000 \|(.*)', card, re.MULTILINE)
    assert [float(figure) for figure in re.findall(r'([\d.]+) \(', row)] == figures
