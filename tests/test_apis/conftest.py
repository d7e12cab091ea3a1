"""What the log says."""

import logging

import pytest


@pytest.fixture
def warnings_logged(monkeypatch):
    """What the log gets at level WARNING."""
    from mmengine.logging import MMLogger

    seen = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: seen.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield seen
    logger.removeHandler(handler)
