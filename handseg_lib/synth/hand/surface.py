"""The implicit surface of a hand and forearm in the modelling pose: tubes, pads and webs, smoothly joined.

All sizes are millimetres of a hand 186 mm long and 81 mm broad, scaled to the shape at hand.
"""

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.shape import FINGER_SIZE, HandShape, turn, turn_between
from handseg_lib.synth.sdf import FAR, Distances, Ellipsoid, Points, Shape, Sheet, Sweep, near, smooth_min

# Half sizes along a finger at: behind the knuckle, knuckle, web, middle of the first segment, first joint, middle of
# the second segment, second joint, pulp. The last station is where the round tip begins.
FINGER_WIDTH = (9.8, 10.4, 10.2, 9.6, 10.1, 9.1, 9.1, 8.9)
FINGER_BACK = (7.0, 9.4, 8.8, 8.0, 8.9, 7.4, 7.3, 6.2)
FINGER_PALM = (8.0, 9.5, 10.0, 9.9, 8.4, 8.8, 7.4, 7.9)
THUMB_WIDTH = (12.0, 13.0, 12.2, 10.9, 11.4, 11.9, 10.9)
THUMB_BACK = (9.0, 9.8, 10.6, 8.6, 9.2, 7.6, 6.2)
THUMB_PALM = (11.0, 14.0, 11.2, 10.4, 9.2, 9.6, 9.0)


class HandSurface:
    """The signed distance field of one shape; `fingers` gives each finger's tube for skinning weights."""

    def __init__(self, shape: HandShape) -> None:
        self.shape = shape
        self._length, self._breadth = shape.length / 0.186, shape.breadth / 0.081
        self._mean = (self._length + self._breadth) / 2
        self.fingers = (self._thumb(), *(self._finger(f) for f in range(1, 5)))
        self.palm_parts = self._palm()
        self.webs = self._webs()

    @property
    def box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners of a box around the whole surface, metres."""
        boxes = [part.box for part in (*self.fingers, *(p for p, _ in self.palm_parts))]
        return np.min([b[0] for b in boxes], 0) - 0.006, np.max([b[1] for b in boxes], 0) + 0.006

    def distance(self, points: Points) -> Distances:
        """(N, 3) points in metres -> (N,) distances of the whole hand and forearm."""
        palm = np.full(len(points), FAR, points.dtype)
        for part, radius in self.palm_parts:
            palm = smooth_min(palm, near(part, points), radius * self._mean)
        for web in self.webs:
            palm = smooth_min(palm, near(web, points), 0.010 * self._mean)
        # Fingers meet one another with a tight fillet and the palm with a wide one, so that they never fuse.
        fingers = np.full(len(points), FAR, points.dtype)
        for tube in self.fingers[1:]:
            fingers = smooth_min(fingers, near(tube, points), 0.0045 * self._mean)
        whole = smooth_min(palm, fingers, 0.009 * self._mean)
        return smooth_min(whole, near(self.fingers[0], points), 0.016 * self._mean)

    def _finger(self, finger: int) -> Shape:
        s = self.shape
        a, b, c = s.segments[finger]
        thick = FINGER_SIZE[finger] * s.girth * self._mean * 1e-3
        joint = np.array([0, 0.3, 0, -0.2, 0.35, -0.25, 0.3, 0]) * (s.bone - 1)
        pad = np.array([0, 0, 0.5, 0.8, 0, 0.7, 0, 0.6]) * 4 * (s.flesh - 1)
        tip = 9.0 * thick
        stations = (-0.35 * a, 0.0, 0.42 * a, 0.66 * a, a, a + 0.5 * b, a + b, a + b + c - tip)
        return Sweep(
            s.rest_frames[1 + 3 * finger],
            stations,
            tuple((np.array(FINGER_WIDTH) + joint) * thick),
            tuple((np.array(FINGER_BACK) + joint) * thick),
            tuple((np.array(FINGER_PALM) + pad) * thick),
            (10 * thick, tip),
        )

    def _thumb(self) -> Shape:
        s = self.shape
        a, b, c = s.segments[0]
        thick = s.girth * self._mean * 1e-3
        joint = np.array([0, 0, 0.4, 0, 0.4, 0, 0]) * (s.bone - 1)
        pad = np.array([0.5, 1, 0, 0.5, 0, 0.6, 0.5]) * 4 * (s.flesh - 1)
        tip = 11.0 * thick
        stations = (0.0, 0.45 * a, a, a + 0.5 * b, a + b, a + b + 0.45 * c, a + b + c - tip)
        return Sweep(
            s.rest_frames[1],
            stations,
            tuple((np.array(THUMB_WIDTH) + joint) * thick),
            tuple((np.array(THUMB_BACK) + joint) * thick),
            tuple((np.array(THUMB_PALM) + pad) * thick),
            (9 * thick, tip),
        )

    def _place(self, x: float, y: float, z: float) -> NDArray[np.float64]:
        """Millimetres of the reference hand to metres of this one."""
        return np.array([x * self._breadth, y * self._length, z * self._breadth]) * 1e-3

    def _ellipsoid(self, centre: tuple, radii: tuple, spin: float = 0.0, flesh: float = 0.0) -> Shape:
        """Millimetres; `spin` turns it about z (degrees), `flesh` says how much the pad follows the shape's flesh."""
        frame = np.eye(4)
        frame[:3, :3], frame[:3, 3] = turn(2, np.radians(spin)), self._place(*centre)
        grow = self._mean * 1e-3 * (1 + flesh * (self.shape.flesh - 1))
        return Ellipsoid(frame, (radii[0] * grow, radii[1] * grow, radii[2] * grow))

    def _palm(self) -> list[tuple[Shape, float]]:
        """Parts of the palm and forearm, each with the radius (m) of its fillet with what came before."""
        parts: list[tuple[Shape, float]] = [(self._forearm(), 0.01)]
        for finger in range(1, 5):
            parts.append((self._metacarpal(finger), 0.016))
        parts.append((self._ellipsoid((24, 38, 10), (17, 27, 16), -30, 1), 0.018))  # thenar
        parts.append((self._ellipsoid((-22, 33, 7), (15, 32, 16), 6, 1), 0.018))  # hypothenar
        for finger, x in ((1, 18), (2, -3), (3, -22)):  # the pads between the knuckles, on the palm's side
            y = (self.shape.knuckles[finger, 1] + self.shape.knuckles[finger + 1, 1]) / 2 / self._length * 1e3
            parts.append((self._ellipsoid((x, y + 6, 6), (10, 11, 10), 0, 1), 0.014))
        parts.append((self._ellipsoid((27, 52, 0), (10, 24, 8.5), -24), 0.018))  # first interosseous muscle
        parts.append((self._ellipsoid((22.5, 7, 3), (7.5, 21, 11), -8), 0.018))  # from the thumb's base to the radius
        parts.append((self._ellipsoid((-17, -18, -8), (7, 11, 8.5)), 0.016))  # head of the ulna
        return parts

    def _metacarpal(self, finger: int) -> Shape:
        """From the wrist's bones to behind the knuckle: thick at the wrist, flat in the middle."""
        knuckle = self.shape.knuckles[finger]
        base = self._place(*((13, 18, 0), (4, 18, -1), (-7, 17, -1), (-15, 16, 1))[finger - 1])
        frame = np.eye(4)
        frame[:3, :3] = turn_between(np.array([0.0, 1, 0]), (knuckle - base) / np.linalg.norm(knuckle - base))
        frame[:3, 3] = base
        end = np.linalg.norm(knuckle - base)
        size = 1e-3 * self._mean * (1, 1.02, 0.97, 0.9)[finger - 1]
        return Sweep(
            frame,
            (0.0, 0.5 * end, 0.85 * end, end),
            tuple(np.array([10.5, 10.5, 11, 10.5]) * size),
            tuple(np.array([14, 11.0, 10.5, 10.6 + 0.5 * (self.shape.bone - 1)]) * size),
            tuple(np.array([15, 13, 13, 12.5]) * size * (0.7 + 0.3 * self.shape.flesh)),
            (10 * size, 9 * size),
        )

    def _forearm(self) -> Shape:
        """From the palm to the elbow: oval at the wrist, round and thick in the muscle's belly, narrower after it."""
        length, grow = self.shape.forearm, self.shape.arm_girth * (self._length + self._mean) / 2 * 1e-3
        frame = np.eye(4)
        frame[:3, :3] = turn(2, np.pi)  # along -y, sideways -x; the palm's side stays +z
        return Sweep(
            frame,
            (-0.020, 0.0, 0.10 * length, 0.25 * length, 0.5 * length, 0.75 * length, 0.92 * length, length),
            tuple(np.array([24.0, 28.0, 28.3, 30.0, 37.0, 43.0, 42.0, 38.0]) * grow),
            tuple(np.array([17.0, 19.3, 19.0, 21.5, 29.0, 36.0, 37.0, 36.0]) * grow),
            tuple(np.array([18.0, 20.5, 20.5, 23.5, 32.0, 38.0, 37.0, 35.0]) * grow),
            (0.02, 0.034 * self.shape.arm_girth),
        )

    def _webs(self) -> list[Shape]:
        """Skin stretched between neighbouring fingers, and between the thumb and the index finger."""
        frames, segments, webs = self.shape.rest_frames, self.shape.segments, []
        lift = np.array([0, 0, 0.0015 * self._mean])
        for finger in range(1, 4):
            a, b = frames[1 + 3 * finger], frames[4 + 3 * finger]
            far = [
                f[:3, 3] + k * f[:3, 1]
                for f, k in ((a, 0.36 * segments[finger][0]), (b, 0.42 * segments[finger + 1][0]))
            ]
            middle = (far[0] + far[1]) / 2
            webs.append(Sheet(np.stack([a[:3, 3], b[:3, 3], middle]) + lift, 0.0055 * self._mean))
        thumb, index = frames[1], frames[4]
        corners = [
            thumb[:3, 3] + 0.3 * segments[0][0] * thumb[:3, 1],
            thumb[:3, 3] + 0.80 * segments[0][0] * thumb[:3, 1],
            index[:3, 3] * (0.86, 0.86, 1) + (0.002, 0, 0.002),
        ]
        webs.append(Sheet(np.stack(corners), 0.0065 * self._mean))
        return webs
