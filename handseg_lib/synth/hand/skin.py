"""Skin: colour, infrared reflectance and fine relief of a hand, looked up by modelling-pose coordinates."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.mesh import smooth_step
from handseg_lib.synth.hand.shape import HandShape
from handseg_lib.synth.hand.skin_paint import PIXEL, Chart, paint_back, paint_knuckles, paint_palm, paint_pulp, place_of
from handseg_lib.synth.mesh import rotate
from handseg_lib.synth.sdf import dot

TONES = np.array([[0.68, 0.47, 0.38], [0.58, 0.37, 0.27], [0.45, 0.26, 0.17], [0.30, 0.155, 0.09],
                  [0.16, 0.078, 0.045], [0.075, 0.038, 0.026]])  # fmt: skip
"""Linear RGB reflectance of the back of the hand, from very light to very dark skin."""
PALM = np.array([0.66, 0.41, 0.335])
"""What palms of all tones tend to: they hold little pigment."""
NAIL, NAIL_EDGE = np.array([0.70, 0.46, 0.40]), np.array([0.80, 0.69, 0.60])
FOREARM_FROM, FOREARM_TO = -0.075, -0.022
"""The stretch of y (metres) whose texture, free of creases, is reflected to and fro along the forearm."""


@dataclass(frozen=True)
class SkinSample:
    """What skin is like at N points.

    Attributes:
        albedo: (N, 3) float32 linear RGB reflectance in [0, 1] (not sRGB).
        infrared: (N,) float32 reflectance near 850 nm, where skin of every tone is about as bright.
        normals: (N, 3) float32 unit normals in the modelling pose with creases, tendons and nails pressed in; carry
            them to the posed hand with `Mesh.frames`.
    """

    albedo: NDArray[np.float32]
    infrared: NDArray[np.float32]
    normals: NDArray[np.float32]


class Skin:
    """The skin of one person: call it with points of the modelling pose. Make it with `skin_of`."""

    def __init__(self, shape: HandShape, seed: int) -> None:
        self.shape = shape
        rng = np.random.default_rng((0x5C1, seed))
        self.depth, self.tone = _complexion(rng)
        self.infrared = float(np.clip(rng.normal(0.56, 0.03), 0.48, 0.64))
        freckled = float(rng.random() < 0.4) * (1 - self.depth)
        self._thumb = shape.rest_frames[1].astype(np.float32)
        places = [place_of(shape, f, shape.rest_frames[1 + 3 * f]) for f in range(1, 5)]
        thumb = place_of(shape, 0)
        k = shape.length / 0.186
        hand = ((-0.075 * k, FOREARM_FROM), (0.075 * k, 0.205 * k))
        small = ((-0.020 * k, 0.0), (0.020 * k, 0.135 * k))
        self._textures, self._low = [], []
        for low, high in (hand, small):
            for palmar in (False, True):
                chart = Chart(low, high)
                if low == hand[0]:
                    (paint_palm if palmar else paint_back)(chart, shape, places, rng)
                elif palmar:
                    paint_pulp(chart, thumb, rng)
                else:
                    paint_knuckles(chart, thumb, rng)
                self._textures.append(self._texture(chart, palmar, freckled, rng))
                self._low.append(np.array(low, np.float32))

    def _texture(self, chart: Chart, palmar: bool, freckled: float, rng: np.random.Generator) -> NDArray[np.float32]:
        """(H, W, 6): albedo, infrared, and the relief's slope along the chart's two axes."""
        layer = chart.layers
        ground = np.broadcast_to(self.tone, (len(chart.y), 1, 3))
        if palmar:  # the palm's paler skin ends at the wrist; the forearm's inner side is but a little paler
            paler = 0.12 + (0.30 + 0.1 * self.depth) * smooth_step(-0.022, 0.012, chart.y)
            ground = ground + paler[:, None, None] * (PALM - ground)
        blotch = chart.noise(rng, 0.012) * 0.035 + chart.noise(rng, 0.004) * 0.03 + chart.noise(rng, 0.0015) * 0.025
        red = np.clip(layer["red"] * (1 - 0.5 * self.depth) + chart.noise(rng, 0.007) * 0.10, -0.3, 1.2)
        dark = layer["dark"] * (1 + (0.8 * self.depth if not palmar else 0.4 * self.depth))
        if not palmar:
            spots = np.maximum(chart.noise(rng, 0.0022) - 1.9, 0) * np.maximum(chart.noise(rng, 0.02) + 0.5, 0)
            dark = dark + freckled * np.clip(spots, 0, 1) * 0.6
        shade = (1 + blotch)[..., None] * (1 - np.clip(dark, 0, 0.75)[..., None] * (0.75, 0.88, 0.92))
        albedo = ground * shade * (1 - red[..., None] * np.array([0.02, 0.20, 0.17]))
        albedo *= 1 - layer["vein"][..., None] * (1 - self.depth) * np.array([0.16, 0.06, 0.02])
        nail = ground + 0.5 * (NAIL - ground)
        nail = nail + np.clip(layer["white"], 0, 1)[..., None] * 0.75 * (NAIL_EDGE - nail)
        plate = layer["nail"][..., None]
        albedo = albedo * (1 - plate) + nail * plate * (1 - 0.4 * np.clip(layer["dark"], 0, 1)[..., None])
        infrared = self.infrared * (1 + 0.4 * blotch) * (1 - 0.12 * np.clip(dark, 0, 1) - 0.10 * layer["vein"])
        grain = chart.noise(rng, 0.0011) * 0.000022 * (1 - layer["nail"])
        slope = np.gradient(layer["height"] + grain, PIXEL)
        return np.concatenate(
            [np.clip(albedo, 0.01, 0.95), infrared[..., None], slope[1][..., None], slope[0][..., None]], -1
        ).astype(np.float32)

    def __call__(self, rest: NDArray[np.float32], rest_normals: NDArray[np.float32]) -> SkinSample:
        """Skin at (N, 3) modelling-pose points in metres with their (N, 3) unit normals; either side's hand.

        Raises:
            ValueError: if the two are not (N, 3) alike.
        """
        if rest.ndim != 2 or rest.shape[1] != 3 or rest.shape != rest_normals.shape:
            raise ValueError(f"points and normals must both be (N, 3), found {rest.shape} and {rest_normals.shape}")
        rest, normals = rest.astype(np.float32), rest_normals.astype(np.float32)
        flat = np.stack([rest[:, 0], _along_forearm(rest[:, 1])], 1)
        found = self._two_sided(0, flat, normals[:, 2])
        slope = np.zeros_like(rest)
        slope[:, :2] = found[:, 4:] * np.abs(normals[:, 2:])
        share, local = self._on_thumb(rest)
        on = np.flatnonzero(share > 0)
        if len(on):
            r = self._thumb[:3, :3]
            facing = dot(normals[on], r[:, 2])
            thumb = self._two_sided(2, local[on], facing)
            w = share[on, None]
            found[on] = found[on] * (1 - w) + thumb * w
            tilt = (thumb[:, 4:5] * r[:, 0] + thumb[:, 5:6] * r[:, 1]) * np.abs(facing[:, None])
            slope[on] = slope[on] * (1 - w) + tilt * w
        slope -= (slope * normals).sum(1, keepdims=True) * normals
        bumped = normals - slope
        bumped /= np.sqrt((bumped * bumped).sum(1, keepdims=True))
        return SkinSample(found[:, :3], found[:, 3], bumped)

    def _on_thumb(self, rest: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(N,) share of the thumb's own charts, and (N, 2) coordinates on them."""
        offset = rest - self._thumb[:3, 3]
        u, s, v = rotate(self._thumb[:3, :3].T, offset).T
        length, reach = self.shape.segments[0][0], 0.019 * self.shape.length / 0.186
        near = smooth_step(reach * reach, 0.55 * reach * reach, u * u + v * v)
        return near * smooth_step(0.55 * length, 0.95 * length, s), np.stack([u, s], 1)

    def _two_sided(self, first: int, at: NDArray[np.float32], facing: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 6) texture values: the palm's chart where the surface faces that way, blended at the sides."""
        palm = smooth_step(np.float32(-0.35), np.float32(0.45), facing)
        out = np.zeros((len(at), 6), np.float32)
        for k, share in ((first, 1 - palm), (first + 1, palm)):
            some = np.flatnonzero(share > 0)
            out[some] += share[some, None] * bilinear(self._textures[k], (at[some] - self._low[k]) / np.float32(PIXEL))
        return out


def bilinear(texture: NDArray[np.float32], at: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, C) values of an (H, W, C) texture at (N, 2) pixel coordinates (x, y); outside, the nearest edge's."""
    height, width, channels = texture.shape
    x = np.clip(at[:, 0], 0, width - 1.001)
    y = np.clip(at[:, 1], 0, height - 1.001)
    i, j = x.astype(np.int32), y.astype(np.int32)
    fx, fy = (x - i)[:, None], (y - j)[:, None]
    flat, corner = texture.reshape(-1, channels), j * width + i
    top = flat.take(corner, 0)
    top += (flat.take(corner + 1, 0) - top) * fx
    bottom = flat.take(corner + width, 0)
    bottom += (flat.take(corner + width + 1, 0) - bottom) * fx
    bottom -= top
    bottom *= fy
    top += bottom
    return top


def skin_tone(depth: float, warmth: float) -> NDArray[np.float64]:
    """Linear RGB reflectance of the back of a hand.

    Args:
        depth: 0 (very light) to 1 (very dark), over the whole human range.
        warmth: standard normal; above 0 more yellow, below 0 more pink.
    """
    place = depth * (len(TONES) - 1)
    tone = np.array([np.interp(place, np.arange(len(TONES)), TONES[:, c]) for c in range(3)])
    return tone * (1 + 0.04 * np.clip(warmth, -2, 2) * np.array([0.2, 0.6, -1.0]))


def _complexion(rng: np.random.Generator) -> tuple[float, NDArray[np.float64]]:
    """How dark a person's skin is, 0 to 1, and its linear RGB reflectance: the first numbers drawn for a skin."""
    depth = float(rng.random())
    return depth, skin_tone(depth, float(rng.normal()))


def skin_tone_of(seed: int) -> NDArray[np.float64]:
    """`Skin.tone` of the person with this seed, without painting the skin."""
    return _complexion(np.random.default_rng((0x5C1, seed)))[1]


def _along_forearm(y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Coordinates beyond the charts reflected to and fro into their crease-free stretch below the wrist."""
    span = np.float32(FOREARM_TO - FOREARM_FROM)
    beyond = (np.float32(FOREARM_TO) - y) / (2 * span)
    folded = np.abs(beyond - np.floor(beyond + np.float32(0.5))) * 2 * span
    return np.where(y < FOREARM_TO, np.float32(FOREARM_TO) - folded, y)


@lru_cache(maxsize=16)
def skin_of(shape: HandShape, seed: int) -> Skin:
    """The skin of the person with this hand and seed; painted once (a fraction of a second), kept in this process."""
    return Skin(shape, seed)
