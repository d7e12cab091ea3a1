"""Windows that pictures are shown in."""

import matplotlib.pyplot as plt

# Seconds that each frame of a camera stays at least; 0 would wait for the space bar.
LIVE_WAIT = 0.001
# matplotlib's backends that draw into files alone.
WITHOUT_WINDOWS = {'agg', 'cairo', 'pdf', 'pgf', 'ps', 'svg', 'template'}


def check_display() -> None:
    """Make sure that matplotlib can open a window.

    Raises:
        ValueError: If it cannot: waiting for a key would then never end.
    """
    backend = plt.get_backend()
    if backend.lower() in WITHOUT_WINDOWS:
        raise ValueError(
            'show needs a display, and matplotlib has none here (its backend is '
            f"'{backend}'): give out_dir in its place, or log in with ssh -X"
        )
