"""Pickles that run code."""


class RunsCode:
    """Pickles as a call, so that a plain unpickler makes that call."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call
