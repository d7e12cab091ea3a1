"""What the command lines of inference share."""

import argparse
import json

import pytest

from deforhmr_mm.apis.command_line import add_box_arguments, given_boxes, run_command


def parse(*arguments):
    parser = argparse.ArgumentParser()
    add_box_arguments(parser).add_argument('--more')
    return parser.parse_args([*map(str, arguments)])


def test_boxes_are_given_in_one_way(tmp_path, capsys):
    assert given_boxes(parse()) is None
    args = parse('--bbox', 1, 2, 3, 4, '--bbox', 5, 6, 7, 8)
    assert given_boxes(args) == [[1, 2, 3, 4], [5, 6, 7, 8]]
    path = tmp_path / 'boxes.json'
    path.write_text(json.dumps({'a.jpg': [[1, 2, 3, 4, 0.5]]}))
    boxes = given_boxes(parse('--bbox-file', path))['a.jpg']
    assert boxes.bboxes.tolist() == [[1, 2, 3, 4]] and boxes.bbox_format == 'xywh'
    for other in (('--bbox', 1, 2, 3, 4), ('--more', 'x')):
        with pytest.raises(SystemExit):
            parse('--bbox-file', path, *other)
        assert 'not allowed with' in capsys.readouterr().err


@pytest.mark.parametrize('kind', [ValueError, FileNotFoundError, ImportError])
def test_errors_are_one_line(kind, capsys):
    def fail():
        raise kind('the file\nis  bad')

    assert run_command(fail) == 1
    assert capsys.readouterr().err == 'error: the file is bad\n'


def test_exit_codes():
    def interrupt():
        raise KeyboardInterrupt

    assert run_command(lambda: 3) == 3
    assert run_command(interrupt) == 130
    with pytest.raises(ZeroDivisionError):  # our own mistake: with a traceback
        run_command(lambda: 1 / 0)
