"""Cameras: the pinhole model here; `realsense.open_camera` opens a RealSense, a recording or a simulated camera.

Only the pinhole model is re-exported: the synthetic world builds on it, and the simulated camera on that world.
"""

from handseg_lib.camera.intrinsics import (
    FREIBURG,
    HANDNET,
    KINECT_DEPTH,
    NYU_DEPTH,
    SR300_COLOR,
    SR300_DEPTH,
    Intrinsics,
)

__all__ = ["FREIBURG", "HANDNET", "KINECT_DEPTH", "NYU_DEPTH", "SR300_COLOR", "SR300_DEPTH", "Intrinsics"]
