"""The pinhole camera model shared by the synthetic world, the data sets and the RealSense code."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera in pixels: x right, y down, z forward, pixel centres at whole numbers."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.fx <= 0 or self.fy <= 0 or self.width <= 0 or self.height <= 0:
            raise ValueError(f"Intrinsics need positive focal lengths and sizes, got {self}")

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The 3x3 camera matrix K."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])

    def resized(self, width: int, height: int) -> Self:
        """The same view sampled on another pixel grid; image borders (not pixel centres) stay aligned."""
        sx, sy = width / self.width, height / self.height
        return type(self)(
            self.fx * sx, self.fy * sy, (self.cx + 0.5) * sx - 0.5, (self.cy + 0.5) * sy - 0.5, width, height
        )

    def rays(self) -> NDArray[np.float32]:
        """(H, W, 3) ray directions with z = 1, so that depth times ray is the point in metres."""
        x = (np.arange(self.width, dtype=np.float32) - np.float32(self.cx)) / np.float32(self.fx)
        y = (np.arange(self.height, dtype=np.float32) - np.float32(self.cy)) / np.float32(self.fy)
        rays = np.empty((self.height, self.width, 3), np.float32)
        rays[..., 0], rays[..., 1], rays[..., 2] = x[None, :], y[:, None], 1
        return rays

    def deproject(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """(H, W) depth in metres -> (H, W, 3) points in the camera frame; no reading (0) maps to the origin."""
        if depth.shape != (self.height, self.width):
            raise ValueError(f"depth is {depth.shape}, these intrinsics are for {(self.height, self.width)}")
        return depth[..., None].astype(np.float32) * self.rays()

    def project(self, points: NDArray[np.floating]) -> NDArray[np.floating]:
        """(..., 3) points in the camera frame -> (..., 2) pixel coordinates (x, y)."""
        return points[..., :2] / points[..., 2:] * (self.fx, self.fy) + (self.cx, self.cy)


SR300_DEPTH = Intrinsics(476.007, 476.007, 313.683, 242.755, 640, 480)
"""Depth camera of the SR300 family at 640x480, as calibrated on an SR305 (REFERENCE 1.1)."""

SR300_COLOR = Intrinsics(616.0, 616.0, 320.0, 240.0, 640, 480)
"""Colour camera of the SR300 at 640x480; nominal values, each unit differs by a few pixels."""

KINECT_DEPTH = Intrinsics(580.0, 580.0, 319.5, 239.5, 640, 480)
"""Depth camera of the Kinect v1 at 640x480; nominal values."""

NYU_DEPTH = Intrinsics(588.04, 587.08, 320.0, 240.0, 640, 480)
"""The Kinect v1 of the NYU hand sets at 640x480, as users of the pose set take it (REFERENCE 1.2)."""

HANDNET = Intrinsics(240.3077, 240.0749, 178.2926, 117.9581, 320, 240)
"""The 320x240 camera of HandNet, from the set's own Parameters.mat (REFERENCE 1.3)."""

FREIBURG = Intrinsics(283.1, 283.1, 160.0, 160.0, 320, 320)
"""A 320x320 camera like those of the Freiburg (RHD) set, whose files give each frame its own; a nominal one."""
