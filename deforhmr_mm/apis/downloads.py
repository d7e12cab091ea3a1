"""Pictures and videos that a caller names by an http(s) address."""

from __future__ import annotations

import mimetypes
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

__all__ = ['DownloadError', 'download', 'is_url', 'media_type', 'name_in_url']

TIMEOUT_S = 30.0
MAX_BYTES = 2 * 1024**3
CHUNK = 1 << 20
# Some servers turn away the name that Python gives itself.
USER_AGENT = 'Mozilla/5.0 (compatible; deforhmr_mm)'


class DownloadError(OSError):
    """An address does not give a file; the message names it and says why."""


def is_url(text: object) -> bool:
    """Say whether something is an http(s) address.

    Example:
        >>> is_url('HTTPS://host/cat.jpg'), is_url('C:/cat.jpg')
        (True, False)
    """
    return isinstance(text, str) and text.lower().startswith(('http://', 'https://'))


def name_in_url(url: str) -> str:
    """Return the file name that an address ends with, made safe for this machine.

    Example:
        >>> name_in_url('https://host/a/my%20cat.JPG?size=3#top')
        'my cat.JPG'
        >>> name_in_url('https://host/')
        'download'
    """
    name = unquote(urlsplit(url).path.rstrip('/').rpartition('/')[2])
    name = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]', '_', name).lstrip('. ')
    path = Path(name)
    return f'{path.stem[:100]}{path.suffix[:10]}' if name else 'download'


def media_type(url: str, timeout: float = TIMEOUT_S) -> str | None:
    """Ask a server what an address gives, without fetching it.

    Args:
        url: The address.
        timeout: Seconds without an answer after which it is given up.

    Returns:
        Such as 'image/jpeg' or 'video/mp4'; None if there is no answer to that.
    """
    try:
        with _open(url, timeout, 'HEAD') as response:
            return response.headers.get_content_type()
    except DownloadError:
        return None


@contextmanager
def download(
    url: str, timeout: float = TIMEOUT_S, max_bytes: int = MAX_BYTES
) -> Iterator[Path]:
    """Fetch one file for as long as a ``with`` block lasts.

    Nothing but this address, and what its server redirects it to, is fetched. Whether
    the file is a picture or a video shows when it is read.

    Args:
        url: An http(s) address.
        timeout: Seconds without a byte after which it is given up.
        max_bytes: Larger files are refused; 2 GiB by default.

    Yields:
        A file in a temporary folder, named as the address ends, with the suffix of the
        server's media type where the address has none.

    Raises:
        DownloadError: If there is no network, no such file, no answer in time, too
            large a file, or its end is missing.
    """
    with tempfile.TemporaryDirectory(prefix='deforhmr_mm_') as folder:
        with _open(url, timeout) as response:
            path = Path(folder) / name_in_url(url)
            if not path.suffix:
                kind = response.headers.get_content_type()
                path = path.with_suffix(mimetypes.guess_extension(kind) or '')
            _save(response, path, url, max_bytes)
        yield path


def _save(response: Any, path: Path, url: str, max_bytes: int) -> None:
    promised = int(response.headers.get('Content-Length') or 0)
    count = 0
    with path.open('wb') as file:
        while count <= max_bytes and promised <= max_bytes:
            with _clear_errors(url):
                data = response.read(CHUNK)
            if not data:
                break
            file.write(data)
            count += len(data)
        else:
            raise DownloadError(
                f'{url} is larger than the {max_bytes / 1e6:g} MB that are fetched: '
                'download it and give the file'
            )
    if count < promised:
        raise DownloadError(
            f'{url} was cut off: {count} of {promised} bytes came; try it again'
        )


def _open(url: str, timeout: float, method: str = 'GET') -> Any:
    if not is_url(url):
        raise DownloadError(f'only http:// and https:// can be fetched, got {url}')
    with _clear_errors(url):
        headers = {'User-Agent': USER_AGENT}
        return urlopen(Request(url, headers=headers, method=method), timeout=timeout)


@contextmanager
def _clear_errors(url: str) -> Iterator[None]:
    """Turn what urllib raises into one line that names the address."""
    try:
        yield
    except HTTPError as error:
        error.close()
        reason = f'the server answered {error.code} {error.reason}'
        raise DownloadError(f'{url} cannot be fetched: {reason}') from error
    except TimeoutError as error:
        raise DownloadError(f'{url} cannot be fetched: no answer in time') from error
    except URLError as error:
        reason = error.reason
        if isinstance(reason, TimeoutError):
            reason = 'no answer in time'
        raise DownloadError(f'{url} cannot be fetched: {reason}') from error
    # An address with spaces, a port that is no number, an answer that is not HTTP.
    except (HTTPException, OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise DownloadError(f'{url} cannot be fetched: {reason}') from error
