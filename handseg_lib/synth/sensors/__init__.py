"""The depth sensors by name: what a camera of each kind makes of an exact view.

`sr300` and `kinect` are models of real cameras; `handnet` and `nyu` are the same cameras at the size and with the
calibration of two real data sets; `freiburg` is noise-free depth as the Rendered Hand Pose set stores it; `none` is
exact depth. What real depth looks like, and how close the SR300 model comes, is measured by `sensor_statistics`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handseg_lib.camera import FREIBURG, HANDNET, KINECT_DEPTH, NYU_DEPTH, SR300_DEPTH, Intrinsics
from handseg_lib.synth.sensors.kinect import Kinect, kinect
from handseg_lib.synth.sensors.sr300 import SR300, sr300
from handseg_lib.synth.sensors.structured_light import Field, check_view

__all__ = ["SENSORS", "SR300", "DepthSensor", "Exact", "Kinect", "exact", "kinect", "sr300"]


@dataclass(frozen=True)
class Exact:
    """Depth without any error.

    Attributes:
        unit: size of one depth step in metres; None leaves depth as it is.
        far: distance in metres beyond which nothing is reported.
    """

    unit: float | None = None
    far: float = 15.0


def exact(
    depth: Field,
    cos: Field,
    reflectance: Field,
    intrinsics: Intrinsics,
    rng: np.random.Generator,
    params: Exact = Exact(),
) -> Field:
    """The exact depth up to `params.far`, in whole steps if there are any; the other arguments do not matter.

    Raises:
        DataError: if the three maps and the intrinsics differ in size.
    """
    check_view("exact", intrinsics, depth=depth, cos=cos, reflectance=reflectance)
    near = np.where(depth <= params.far, depth, np.float32(0))
    if params.unit is None:
        return near
    return np.rint(near / np.float32(params.unit)) * np.float32(params.unit)


@dataclass(frozen=True)
class DepthSensor:
    """A depth camera: its pixels, and its errors.

    Attributes:
        name: its key in `SENSORS`.
        intrinsics: its pixels at full size; None where it has none of its own and a scene's camera is used.
        unit: metres of one step when its depth is stored as 16-bit whole numbers.
        parameters: of its model.
        measure: (depth, cosine, reflectance, intrinsics, rng, parameters) -> depth.
        standoff: metres that the camera stands farther back than a scene made for the SR300 expects, because it sees
            nothing near by.
    """

    name: str
    intrinsics: Intrinsics | None
    unit: float
    parameters: SR300 | Kinect | Exact
    measure: Callable[..., Field]
    standoff: float = 0.0

    @property
    def far(self) -> float:
        """Distance in metres beyond which it reports nothing."""
        return self.parameters.far

    def apply(
        self, depth: Field, cosine: Field, reflectance: Field, camera: Intrinsics, rng: np.random.Generator
    ) -> Field:
        """What the sensor reports of an exact view.

        Args:
            depth: (H, W) float32 metres along z, 0 where nothing was hit.
            cosine: (H, W) float32 cosine between surface normal and view ray.
            reflectance: (H, W) float32 infrared reflectance in [0, 1].
            camera: intrinsics of these images.
            rng: source of all randomness.

        Returns:
            (H, W) float32 metres, 0 = no reading.

        Raises:
            DataError: if the three maps and the intrinsics differ in size.
        """
        return self.measure(depth, cosine, reflectance, camera, rng, self.parameters)


SENSORS: dict[str, DepthSensor] = {
    sensor.name: sensor
    for sensor in (
        DepthSensor("sr300", SR300_DEPTH, 0.000125, SR300(), sr300),
        DepthSensor("handnet", HANDNET, 0.001, SR300(unit=0.001), sr300),  # its files hold millimetres
        DepthSensor("kinect", KINECT_DEPTH, 0.001, Kinect(), kinect, standoff=0.25),
        DepthSensor("nyu", NYU_DEPTH, 0.001, Kinect(), kinect, standoff=0.25),
        DepthSensor("freiburg", FREIBURG, 5 / 65535, Exact(unit=5 / 65535, far=5.0), exact),
        DepthSensor("none", None, 0.00025, Exact(), exact),
    )
}
"""Sensor name -> sensor."""
