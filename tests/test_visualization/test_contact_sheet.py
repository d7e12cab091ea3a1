"""Pictures in their places on a sheet."""

import numpy as np

from deforhmr_mm.visualization.contact_sheet import (
    GAP,
    LINE,
    SheetRow,
    contact_sheet,
    text_tile,
)


def tile(value, width=40, height=30):
    return np.full((height, width, 3), value, np.uint8)


def test_pictures_lie_where_they_should():
    first = SheetRow([[tile(100), tile(101)], [tile(102)]], ['left', 'right'])
    second = SheetRow([[tile(103, width=60, height=50)]], ['below'])
    sheet = contact_sheet([first, second], 'title')
    top = LINE + GAP + LINE
    assert (sheet[top : top + 30, :40] == 100).all()
    assert (sheet[top : top + 30, 40 + GAP : 80 + GAP] == 101).all()
    assert (sheet[top : top + 30, 80 + 4 * GAP : 120 + 4 * GAP] == 102).all()
    top += 30 + GAP + LINE
    assert (sheet[top : top + 50, :60] == 103).all()
    assert sheet.shape == (top + 50 + GAP, 120 + 4 * GAP, 3)


def test_long_texts_are_shrunk_into_their_tile():
    ground = text_tile((200, LINE), '')
    for text in ('name/1', 'a very long name ' * 10):
        ink = (text_tile((200, LINE), text, centered=False) != ground).any(-1)
        columns = np.flatnonzero(ink.any(0))
        assert GAP - 2 <= columns[0] <= GAP + 4
        assert columns[-1] < 200 - 2


def test_lines_of_a_text_lie_below_each_other():
    ink = text_tile((200, 3 * LINE), 'one\n\ntwo') != text_tile((200, 3 * LINE), '')
    rows = ink.any((1, 2))
    assert rows[:LINE].any() and rows[2 * LINE :].any()
    assert not rows[LINE + 4 : 2 * LINE - 2].any()
