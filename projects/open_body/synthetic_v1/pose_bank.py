"""The base poses of train, val and test: those of the first data set, and more."""

from synthetic.base_poses import BASE_POSES

from .poses_daily import DAILY
from .poses_seated import SEATED
from .poses_sport import SPORT

TRAIN_POSES = {**BASE_POSES, **DAILY, **SPORT, **SEATED}
# How often each group is drawn; the poses of a group share its part evenly.
TRAIN_SHARES = {'up': 0.68, 'seat': 0.21, 'floor': 0.06, 'hands_down': 0.05}
