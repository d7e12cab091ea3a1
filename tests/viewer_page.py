"""Reading the pages of the 3D viewer: their elements, data, pictures and points."""

import base64
import json
from html.parser import HTMLParser

import cv2
import numpy as np


class Parsed(HTMLParser):
    """Texts of a page's elements by tag, in order, and all addresses in it."""

    def __init__(self, page):
        super().__init__()
        self.texts, self.links, self.open = {}, [], []
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        self.texts.setdefault(tag, []).append('')
        self.links += [value for name, value in attrs if name in ('src', 'href')]
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]][-1] += data


def data_of(page):
    return json.loads(Parsed(page).texts['script'][0])


def picture_of(text):
    """(H, W, 3) uint8 BGR of one of the data's pictures."""
    data = np.frombuffer(base64.b64decode(text), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def points_of(packed):
    """(V, 3) metres, y up, of one of a person's poses."""
    steps = np.frombuffer(base64.b64decode(packed['data']), '<u2').reshape(-1, 3)
    return steps * np.array(packed['step']) + packed['low']
