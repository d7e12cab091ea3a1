"""What a JPEG file's segments tell without decoding it.

Source of the format: ITU-T T.81, annex B; of the orientation: CIPA DC-008 (Exif 2.3).
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

__all__ = ['JPEG_START', 'JPEGLayout', 'first_rows', 'read_jpeg_layout']

JPEG_START = b'\xff\xd8\xff'
END = 0xD9
START_OF_SCAN = 0xDA
RESTART_INTERVAL = 0xDD
APP1 = 0xE1
APP2 = 0xE2
# Frame headers are C0 ... CF but for tables (C4, CC) and an extension (C8).
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
HUFFMAN_SEQUENTIAL = (0xC0, 0xC1)
# Inside a scan, 0xff is followed by 0 (a stuffed byte), a restart marker or a fill
# byte; anything else is the next segment.
NEXT_SEGMENT = re.compile(rb'\xff[^\x00\xd0-\xd7\xff]')
END_MARKER = bytes((0xFF, END))
# Further pictures follow behind the end of the first.
MULTI_PICTURE_START = b'MPF\x00'
EXIF_START = b'Exif\x00\x00'
ORIENTATION_TAG = 0x0112
# The coded blocks of a row of blocks are at most 4 x 8 pixels high.
BLOCK_ROWS = 32


class JPEGLayout(NamedTuple):
    """Size of a JPEG picture, and what may be left out when it is decoded.

    Attributes:
        width: Columns as stored.
        height: Rows as stored; 0 where the file tells them only after its scan.
        height_at: Place of the two bytes with the height.
        end: Place of the end marker.
        is_upright: Whether the picture is stored as it is to be shown. False also where
            its Exif data cannot be read.
        has_one_scan: Whether one scan without restart markers goes through the rows
            from top to bottom.
    """

    width: int
    height: int
    height_at: int
    end: int
    is_upright: bool
    has_one_scan: bool


def read_jpeg_layout(data: bytes) -> JPEGLayout | None:
    """Follow the segments of a JPEG file to its end marker.

    Args:
        data: The bytes of the file; they begin with `JPEG_START`.

    Returns:
        The layout, or None if the file is cut off. Without a frame header its size is
        0 x 0.
    """
    position, scans = 2, 0
    width = height = height_at = 0
    components = b''
    is_upright, is_simple, is_sequential, is_alone = True, True, False, True
    while (found := NEXT_SEGMENT.search(data, position)) is not None:
        marker, position = data[found.start() + 1], found.end()
        if marker == END:
            has_one_scan = is_simple and scans == 1
            return JPEGLayout(
                width, height, height_at, found.start(), is_upright, has_one_scan
            )
        if len(data) < position + 2:
            return None
        length = int.from_bytes(data[position : position + 2], 'big')
        if marker in FRAMES and len(data) >= position + 7:
            # Length, one byte of precision, height, width.
            height_at = position + 3
            height, width = struct.unpack_from('>HH', data, height_at)
            components = data[position + 7 : position + 8]
            is_sequential = marker in HUFFMAN_SEQUENTIAL
            is_simple = is_simple and is_sequential
        elif marker == START_OF_SCAN:
            scans += 1
            # A sequential picture whose components are all in this scan has no other,
            # and within a scan no bytes look like an end marker: no need to search.
            is_last = is_sequential and components == data[position + 2 : position + 3]
            if is_last and is_alone and data.endswith(END_MARKER):
                end = len(data) - len(END_MARKER)
                return JPEGLayout(
                    width, height, height_at, end, is_upright, is_simple and scans == 1
                )
        elif marker == RESTART_INTERVAL:
            is_simple = False
        elif marker == APP1:
            content = data[position + 2 : position + length]
            is_upright &= _exif_is_upright(content)
        elif marker == APP2:
            is_alone &= not data.startswith(MULTI_PICTURE_START, position + 2)
        position += length
    return None


def _exif_is_upright(segment: bytes) -> bool:
    """Whether an APP1 segment has no orientation, or that of an upright picture."""
    if not segment.startswith(EXIF_START):
        return True
    tiff = segment[len(EXIF_START) :]
    order = {b'II': '<', b'MM': '>'}.get(tiff[:2])
    try:
        if order is None:
            return False
        (directory,) = struct.unpack_from(f'{order}I', tiff, 4)
        (count,) = struct.unpack_from(f'{order}H', tiff, directory)
        for entry in range(count):
            tag, _, _, value = struct.unpack_from(
                f'{order}HHIH', tiff, directory + 2 + 12 * entry
            )
            if tag == ORIENTATION_TAG:
                return value == 1
    except struct.error:
        return False
    return True


def first_rows(data: bytes, layout: JPEGLayout, rows: int) -> bytes | bytearray:
    """Return a file whose picture is the first rows of another's.

    The header is told the smaller height, and decoders stop there. The scan keeps its
    bytes, since where a row ends in it only decoding tells; its end marker goes, so
    that a decoder does not look for it behind them and warn of them. The last two rows
    can differ: where chroma is subsampled it is interpolated with the row below.

    Args:
        data: The bytes of the file.
        layout: Its layout.
        rows: Number of rows to keep, at least 1.

    Returns:
        The bytes to decode; `data` itself where no row of blocks can be left out.
    """
    if not layout.has_one_scan or rows > layout.height - BLOCK_ROWS:
        return data
    shortened = bytearray(memoryview(data)[: layout.end])
    struct.pack_into('>H', shortened, layout.height_at, rows)
    return shortened
