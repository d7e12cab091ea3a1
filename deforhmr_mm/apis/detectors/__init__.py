"""Who finds people in a picture whose boxes nobody gives."""

from .base import Detections, PersonDetector, usable_boxes
from .building import build_detector, default_detector
from .mmdet_detector import MMDetDetector
from .opencv_people import OpenCVPeopleDetector
from .whole_image import WholeImage

__all__ = [
    'Detections',
    'MMDetDetector',
    'OpenCVPeopleDetector',
    'PersonDetector',
    'WholeImage',
    'build_detector',
    'default_detector',
    'usable_boxes',
]
