"""Cameras: the pinhole model now; RealSense acquisition, recordings and the simulated camera build on it."""

from handseg_lib.camera.intrinsics import SR300_COLOR, SR300_DEPTH, Intrinsics

__all__ = ["SR300_COLOR", "SR300_DEPTH", "Intrinsics"]
