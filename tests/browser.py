"""A headless Chromium, spoken to through DevTools' pipes: no port, no network."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
FLAGS = (
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--use-angle=swiftshader',
    '--enable-unsafe-swiftshader',
    '--hide-scrollbars',
    '--no-first-run',
    '--disable-background-networking',
    '--host-resolver-rules=MAP * ~NOTFOUND',
    '--remote-debugging-pipe',
)


def find_browser():
    """Path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """Opens pages one after the other; `close` ends the process."""

    def __init__(self, profile, timeout=120):
        self.timeout = timeout
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        # DevTools reads descriptor 3 and writes 4: the shell puts the pipes there.
        script = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(
            [
                'bash',
                '-c',
                script,
                find_browser(),
                *FLAGS,
                f'--user-data-dir={profile}',
            ],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b''
        self._count = 0
        self.events = []

    def close(self):
        """End the browser."""
        self.process.terminate()
        self.process.wait(30)
        os.close(self._out)
        os.close(self._in)

    def send(self, method, session=None, **params):
        """Call a DevTools method and return its result."""
        self._count += 1
        message = {'id': self._count, 'method': method, 'params': params}
        if session:
            message['sessionId'] = session
        data = json.dumps(message).encode() + b'\0'
        while data:
            data = data[os.write(self._out, data) :]
        while True:
            answer = self._read()
            if answer.get('id') == self._count:
                assert 'error' not in answer, f'{method}: {answer["error"]}'
                return answer['result']
            self.events.append(answer)

    def _read(self):
        end = time.monotonic() + self.timeout
        while b'\0' not in self._buffer:
            left = max(0, end - time.monotonic())
            ready, _, _ = select.select([self._in], [], [], left)
            assert ready, f'the browser did not answer within {self.timeout} s'
            data = os.read(self._in, 1 << 20)
            assert data, 'the browser ended'
            self._buffer += data
        message, self._buffer = self._buffer.split(b'\0', 1)
        return json.loads(message)

    def open(self, path, size=(1280, 800), scheme='light', fragment=''):
        """Open a file and wait until its viewer shows the first frame."""
        return Page(self, Path(path).resolve().as_uri() + fragment, size, scheme)


class Page:
    """One page: what it computes, shows, complains of and asks the network for."""

    def __init__(self, browser, url, size, scheme):
        self.browser = browser
        self.url = url
        browser.events.clear()
        target = browser.send('Target.createTarget', url='about:blank')['targetId']
        self._target = target
        self._session = browser.send(
            'Target.attachToTarget', targetId=target, flatten=True
        )['sessionId']
        for domain in ('Runtime', 'Log', 'Network', 'Page'):
            self.send(f'{domain}.enable')
        media = [
            {'name': 'prefers-color-scheme', 'value': scheme},
            {'name': 'prefers-reduced-motion', 'value': 'reduce'},
        ]
        self.send('Emulation.setEmulatedMedia', features=media)
        self.resize(*size)
        self.send('Page.navigate', url=url)
        end = time.monotonic() + browser.timeout
        while not self.evaluate("document.readyState === 'complete'"):
            assert time.monotonic() < end, f'{url} did not load'
            time.sleep(0.05)
        self.evaluate('window.viewer && viewer.ready.then(() => true)')

    def send(self, method, **params):
        """Call a DevTools method for this page."""
        return self.browser.send(method, session=self._session, **params)

    def resize(self, width, height):
        """Set the window's size in CSS pixels."""
        self.send(
            'Emulation.setDeviceMetricsOverride',
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def evaluate(self, expression):
        """Value of a JavaScript expression; a promise is waited for."""
        answer = self.send(
            'Runtime.evaluate',
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        assert 'exceptionDetails' not in answer, answer['exceptionDetails']
        return answer['result'].get('value')

    def mouse(self, kind, x, y, **params):
        """Send a mouse event at a place in the page."""
        self.send('Input.dispatchMouseEvent', type=kind, x=x, y=y, **params)

    def key(self, key, code, number, text=''):
        """Press and release a key."""
        common = {'key': key, 'code': code, 'windowsVirtualKeyCode': number}
        self.send('Input.dispatchKeyEvent', type='keyDown', text=text, **common)
        self.send('Input.dispatchKeyEvent', type='keyUp', **common)

    def screenshot(self):
        """PNG file of what the window shows."""
        return base64.b64decode(self.send('Page.captureScreenshot')['data'])

    def events(self, method):
        """Parameters of the events of one kind so far."""
        self.evaluate('0')
        return [
            event['params']
            for event in self.browser.events
            if event.get('method') == method and event.get('sessionId') == self._session
        ]

    def complaints(self):
        """Exceptions, console errors and warnings, and what the browser logs as such.

        Not its remarks on how slow it is to read pixels back: tests have to.
        """
        found = [e['exceptionDetails'] for e in self.events('Runtime.exceptionThrown')]
        found += [
            event
            for event in self.events('Runtime.consoleAPICalled')
            if event['type'] in ('error', 'warning', 'assert')
        ]
        entries = [event['entry'] for event in self.events('Log.entryAdded')]
        bad = [e for e in entries if e['level'] in ('error', 'warning')]
        return found + [e for e in bad if e['source'] != 'rendering']

    def requests(self):
        """Addresses outside of the page that were asked for."""
        urls = [e['request']['url'] for e in self.events('Network.requestWillBeSent')]
        inside = (self.url.split('#')[0], 'about:', 'data:', 'blob:')
        return [url for url in urls if not url.startswith(inside)]

    def close(self):
        """Close the page."""
        self.browser.send('Target.closeTarget', targetId=self._target)
