"""What a file that OpenCV does not read may be, and what to do about it."""

from __future__ import annotations

import re

__all__ = ['explain_undecodable']

# Brands of ISO base media files (bytes 8 to 12): HEIC and HEIF pictures.
HEIF_BRANDS = frozenset(
    (b'heic', b'heix', b'heim', b'heis', b'hevc', b'hevx', b'mif1', b'msf1')
)
STARTS: tuple[tuple[bytes, str], ...] = (
    (
        rb'II\*\0|MM\0\*',
        'is a TIFF file of a kind that OpenCV does not read (floating-point or 32-bit '
        'samples, or a rare compression). Save it as PNG or as 8- or 16-bit TIFF',
    ),
    (
        rb'(?i)\s*<(!doctype html|html)',
        'is a web page, not a picture: its download failed. Download it again',
    ),
    (
        rb'version https://git-lfs',
        'is a Git LFS pointer, not the picture. Fetch it with `git lfs pull`',
    ),
    (
        rb'(?s)\x1aE\xdf\xa3|RIFF....AVI ',
        'is a video, not a picture',
    ),
    (
        rb'%PDF|\s*<(\?xml|svg)',
        'is a drawing (PDF, SVG or XML), not a picture of pixels. Export it as PNG',
    ),
)


def explain_undecodable(data: bytes) -> str:
    """Say what a file is, by its first bytes, and what helps.

    Args:
        data: The bytes of a file that could not be decoded.

    Returns:
        The end of the sentence "The picture NAME ...", without a full stop.

    Example:
        >>> explain_undecodable(b'version https://git-lfs.github.com/spec/v1')
        'is a Git LFS pointer, not the picture. Fetch it with `git lfs pull`'
    """
    if data[4:8] == b'ftyp':
        if data[8:12] in HEIF_BRANDS:
            return (
                'is a HEIC picture, which OpenCV does not read. Save it as JPEG or PNG '
                '(on a Mac: `sips -s format jpeg FILE --out FILE.jpg`; elsewhere: '
                '`heif-convert FILE FILE.jpg`)'
            )
        if data[8:12] not in (b'avif', b'avis'):
            return 'is a video, not a picture'
    for start, explanation in STARTS:
        if re.match(start, data):
            return explanation
    return 'cannot be decoded: it is damaged, or not a picture'
