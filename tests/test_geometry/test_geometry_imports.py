import subprocess
import sys

BLOCKED_IMPORT = """
import sys
for name in ('mmengine', 'mmcv', 'mmpose', 'smplx', 'trimesh', 'cv2'):
    sys.modules[name] = None  # importing it raises ImportError
import deforhmr_mm.geometry
"""


def test_geometry_needs_torch_numpy_and_roma_only():
    result = subprocess.run(
        [sys.executable, '-c', BLOCKED_IMPORT], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
