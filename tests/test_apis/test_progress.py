"""Progress bars and what is printed beside them."""

import io

import pytest
from rich.console import Console

from deforhmr_mm.apis import progress


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal shows of stderr, while stdout goes to a file."""
    shown = io.StringIO()
    monkeypatch.setattr(
        progress, 'Console', lambda stderr: Console(file=shown, force_terminal=True)
    )
    return shown


def test_rows_go_where_stdout_goes(terminal, capsys):
    for value in progress.tracked([1, 2], 'counting', True):
        print('row', value)
    assert capsys.readouterr().out == 'row 1\nrow 2\n'
    assert 'row' not in terminal.getvalue() and 'counting' in terminal.getvalue()


def test_without_a_bar(terminal):
    assert list(progress.tracked(iter('ab'), 'x', False)) == ['a', 'b']
    assert terminal.getvalue() == ''
