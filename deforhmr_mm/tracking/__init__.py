"""People's identities and the smoothness of their movement through a video."""

from .box_tracker import PersonTracker
from .one_euro import OneEuroFilter, OneEuroState, RotationOneEuroFilter
from .smoothing import (
    OnlineSmoother,
    SmoothedPerson,
    SmoothingSettings,
    shared_betas,
    smooth_motion,
)
from .tracklets import Tracklet, track_boxes

__all__ = [
    'OneEuroFilter',
    'OneEuroState',
    'OnlineSmoother',
    'PersonTracker',
    'RotationOneEuroFilter',
    'SmoothedPerson',
    'SmoothingSettings',
    'Tracklet',
    'shared_betas',
    'smooth_motion',
    'track_boxes',
]
