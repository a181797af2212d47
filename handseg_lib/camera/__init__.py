"""Cameras: the pinhole model now; RealSense acquisition, recordings and the simulated camera build on it."""

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
