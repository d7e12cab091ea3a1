"""Files are fetched from the addresses that a caller names."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deforhmr_mm.apis.downloads import (
    DownloadError,
    download,
    is_url,
    media_type,
    name_in_url,
)

PICTURE = b'\xff\xd8 not really a picture \xff\xd9' * 1000


class Handler(BaseHTTPRequestHandler):
    """Answers as the first part of the path says; notes what was asked for."""

    def do_HEAD(self):
        self.answer(is_head=True)

    def do_GET(self):
        self.answer()

    def answer(self, is_head=False):
        self.server.asked.append((self.command, self.path))
        kind = self.path.strip('/').split('/')[0]
        if kind == 'missing':
            self.send_error(404)
            return
        if kind == 'slow':
            time.sleep(1)  # nobody waits for the answer
            return
        if kind == 'moved':
            self.send_response(302)
            self.send_header('Location', '/ok/other.png')
            self.end_headers()
            return
        self.send_response(200)
        self.send_header('Content-Type', 'image/jpeg')
        if kind != 'unsized':
            extra = 1 if kind == 'cut' else 0
            self.send_header('Content-Length', str(len(PICTURE) + extra))
        self.end_headers()
        if not is_head:
            self.wfile.write(PICTURE)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        server.asked = []
        server.url = f'http://127.0.0.1:{server.server_address[1]}'
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    ('path', 'name'),
    [
        ('/ok/cat.jpg', 'cat.jpg'),
        ('/ok/my%20cat.JPEG?size=big&x=/y', 'my cat.JPEG'),
        ('/ok/photo', 'photo.jpg'),
        ('/unsized/cat.jpg', 'cat.jpg'),
        ('/moved/cat.jpg', 'cat.jpg'),
        ('/ok/..%2F..%2Fevil.jpg', '_.._evil.jpg'),
    ],
)
def test_the_file_is_there_for_as_long_as_the_block(server, path, name):
    with download(server.url + path) as file:
        assert (file.name, file.read_bytes()) == (name, PICTURE)
        folder = file.parent
    assert not folder.exists()


def test_the_file_goes_after_an_exception_too(server):
    with pytest.raises(KeyError), download(f'{server.url}/ok/a.jpg') as file:
        raise KeyError
    assert not file.parent.exists()


@pytest.mark.parametrize(
    ('path', 'message'),
    [
        ('/missing/a.jpg', 'the server answered 404 Not Found'),
        ('/slow/a.jpg', 'no answer in time'),
        ('/cut/a.jpg', 'cut off: 26000 of 26001 bytes'),
        ('/ok/with space.jpg', 'cannot be fetched'),
    ],
)
def test_what_cannot_be_fetched_is_one_line(server, path, message):
    with pytest.raises(DownloadError, match=message) as error:
        with download(server.url + path, timeout=0.3):
            pass
    assert '\n' not in str(error.value) and str(error.value).startswith(server.url)


@pytest.mark.parametrize('path', ['/ok/a.jpg', '/unsized/a.jpg'])
def test_large_files_are_refused(server, path):
    with pytest.raises(DownloadError, match='larger than the 0.02 MB'):
        with download(server.url + path, max_bytes=20_000):
            pass


def test_no_network():
    with pytest.raises(DownloadError, match=r'http://127\.0\.0\.1:9/a\.jpg cannot'):
        with download('http://127.0.0.1:9/a.jpg', timeout=2):
            pass


@pytest.mark.parametrize('url', ['ftp://host/a.jpg', 'file:///etc/hosts', 'a.jpg'])
def test_other_protocols_are_not_fetched(url):
    with pytest.raises(DownloadError, match='only http'):
        with download(url):
            pass


def test_the_kind_of_file_is_asked_for_without_fetching_it(server):
    assert media_type(f'{server.url}/ok/photo') == 'image/jpeg'
    assert server.asked == [('HEAD', '/ok/photo')]
    assert media_type(f'{server.url}/missing/photo') is None
    assert media_type(f'{server.url}/slow/photo', timeout=0.2) is None


def test_names():
    assert is_url('Http://host') and not is_url('ftp://host') and not is_url(3)
    assert name_in_url('https://host') == 'download'
    assert name_in_url('https://host/.hidden.jpg') == 'hidden.jpg'
    assert name_in_url('https://host/' + 'a' * 300 + '.jpg') == 'a' * 100 + '.jpg'
