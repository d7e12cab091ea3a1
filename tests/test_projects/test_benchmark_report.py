"""The report's tables are those that the runs printed."""

import json
import re

import pytest
from benchmark.times import Times

from tests.tiny_training import ROOT

PROJECT = ROOT / 'projects' / 'open_body'
RESULTS = PROJECT / 'results'
README = (PROJECT / 'README.md').read_text(encoding='utf-8')
# How the report calls the splits.
SPLITS = {
    'test': 'test',
    'occluded': 'test_occluded',
    'truncated': 'test_truncated',
    'rare poses': 'test_rare_poses',
    'extreme views': 'test_extreme_views',
}


def section(title):
    """What the report says under a heading, up to the next one."""
    (text,) = re.findall(rf'^### {title}\n(.*?)(?=^##)', README, re.S | re.M)
    return text


def tables(text):
    """Tables of a text by their first cell, as rows of cells."""
    found = {}
    for block in re.findall(r'(?:^\|.*\|\n)+', text, re.M):
        head, _, *rows = (
            [cell.strip() for cell in line.strip('|').split('|')]
            for line in block.splitlines()
        )
        found[tuple(head)] = rows
    return found


def table_of(text, first, second):
    """The one table whose head begins with these cells."""
    (rows,) = (rows for head, rows in tables(text).items()
               if head[:2] == (first, second))  # fmt: skip
    return rows


@pytest.mark.parametrize(('title', 'run'), [('The smallest run', 'smallest')])
def test_times(title, run):
    file = RESULTS / run / 'times.json'
    machine = json.loads(file.read_text())['machines'][0]
    printed = table_of(Times(file, machine).table(), 'phase', 'steps')
    told = table_of(section(title), 'phase', 'wall time')
    assert told == [[phase, time] for phase, _, time, *_ in printed]


def test_errors_of_the_smallest_run():
    printed = (RESULTS / 'smallest' / 'tables.md').read_text(encoding='utf-8')
    told = table_of(section('The smallest run'), '', 'MPJPE')
    assert [name for name, *_ in told] == list(SPLITS)
    for name, *values in told:
        rows = table_of(
            printed.partition(f'### {SPLITS[name]}\n')[2].partition('###')[0],
            *('', 'seeds'),
        )
        (mean, head) = ({row[0]: row[2:4] for row in rows}[who]
                        for who in ('mean body', 'deforhmr'))  # fmt: skip
        assert values == [head[0], mean[0], head[1], mean[1]]


def test_tables_of_the_heads_are_those_printed():
    printed = ''.join(
        (RESULTS / 'heads' / file).read_text(encoding='utf-8')
        for file in ('tables.md', 'starts.md')
    )
    blocks = re.findall(r'(?:^\|.*\|\n)+', section('Heads on one encoder'), re.M)
    # Errors, three tables of queries x cross-attention, and what heads start from.
    assert len(blocks) == 5
    assert all(block in printed for block in blocks)
