"""What everything looks like: skin, hair, cloth and gloves to the eye, and to the depth sensor."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.hand.gloves import GLOVE_HEM, GLOVES, hem_shadow, knit_slope
from handseg_lib.synth.hand.skin import Skin, skin_of, skin_tone_of
from handseg_lib.synth.people.eyes import IRISES, eye_colours
from handseg_lib.synth.people.head import Region, regions
from handseg_lib.synth.people.person import Person, Surface
from handseg_lib.synth.render import Truth, dot
from handseg_lib.synth.shading import Finish, Material, coloured

OF_REGION = np.array([Surface.SKIN, Surface.HAIR, Surface.EYES, Surface.LIPS], np.int32)
assert list(Region) == [0, 1, 2, 3]


class Look:
    """The look of one person in one session, and of what is around them in one frame.

    `extra` materials belong to the objects of the frame: a mesh names them by ids from `len(Surface)` on.
    """

    def __init__(self, person: Person, frame_seed: int, extra: tuple[Material, ...] = ()) -> None:
        self.person, self.frame_seed, self.extra = person, frame_seed, tuple(extra)

    @cached_property
    def skin(self) -> Skin:
        """The person's skin, painted when colours are first asked for."""
        return skin_of(self.person.hand, self.person.subject)

    @cached_property
    def infrared(self) -> NDArray[np.float32]:
        """(M,) reflectance of each material at the depth sensor's wavelength, in [0, 1]."""
        rng = np.random.default_rng([816, self.person.subject])
        skin, hair, eyes = rng.normal(0.56, 0.03), rng.uniform(0.02, 0.2), rng.uniform(0.03, 0.15)
        rng = np.random.default_rng([818, self.person.subject, self.person.session])
        shirt, trousers, glove = rng.normal((0.6, 0.5, 0.58), (0.13, 0.17, 0.05))
        rng = np.random.default_rng([819, self.frame_seed])
        chair, table, thing = rng.normal((0.4, 0.5, 0.5), 0.17)
        table_of = {
            Surface.SKIN: skin, Surface.FACE: skin, Surface.HAND: skin, Surface.GLOVE_LEFT: glove,
            Surface.GLOVE_RIGHT: glove, Surface.HAIR: hair, Surface.EYES: eyes, Surface.LIPS: skin,
            Surface.SHIRT: shirt, Surface.TROUSERS: trousers, Surface.CHAIR: chair, Surface.TABLE: table,
            Surface.THING: thing,
        }  # fmt: skip
        all_of_them = [table_of[s] for s in Surface] + [material.infrared for material in self.extra]
        return np.clip(all_of_them, 0.02, 0.9).astype(np.float32)

    @cached_property
    def materials(self) -> tuple[Material, ...]:
        """One material per `Surface`, then the extra ones. Skin and hair are a subject's, clothes a session's."""
        rng = np.random.default_rng([820, self.person.subject])
        hair = tuple(float(v) for v in np.array([0.32, 0.20, 0.10]) * 0.05 ** rng.uniform(0.25, 1))
        session = np.random.default_rng([817, self.person.subject, self.person.session])
        around = np.random.default_rng([821, self.frame_seed])
        left, right = (GLOVES[i] for i in session.choice(len(GLOVES), 2, replace=False))
        tone = tuple(float(v) for v in skin_tone_of(self.person.subject))
        skin = Material(tone, "mottled", tuple(v * 0.85 for v in tone), 0.02, 0.04)
        look = {
            Surface.SKIN: skin,
            Surface.FACE: skin,
            Surface.HAND: skin,
            Surface.GLOVE_LEFT: Material(left, "weave", left),
            Surface.GLOVE_RIGHT: Material(right, "weave", right),
            Surface.HAIR: Material(hair, "mottled", tuple(v * 0.4 for v in hair), 0.006, 0.06),
            Surface.EYES: Material((0.5, 0.48, 0.46), gloss=0.4),
            Surface.LIPS: Material(tuple(float(v) for v in np.array(tone) * (0.85, 0.55, 0.55)), gloss=0.06),
            Surface.SHIRT: _cloth(session, bright=True),
            Surface.TROUSERS: _cloth(session, bright=False),
            Surface.CHAIR: _cloth(around, bright=False),
            Surface.TABLE: Material((0.4, 0.28, 0.17), "mottled", (0.3, 0.2, 0.11), 0.1),
            Surface.THING: _cloth(around, bright=True),
        }
        return tuple(look[surface] for surface in Surface) + self.extra

    def surfaces(self, truth: Truth) -> NDArray[np.int32]:
        """(N,) material of every hit pixel: the face's features and the gloves' hems are drawn pixel by pixel."""
        ids = truth.mesh.material.take(truth.faces)
        face = np.flatnonzero(ids == Surface.FACE)
        ids[face] = OF_REGION[regions(truth.rest(face), self.person.head)]
        glove = np.flatnonzero((ids == Surface.GLOVE_LEFT) | (ids == Surface.GLOVE_RIGHT))
        ids[glove[truth.some(np.ascontiguousarray(truth.mesh.rest[:, 1]), glove) < GLOVE_HEM]] = Surface.HAND
        return ids

    def infrared_image(self, truth: Truth) -> NDArray[np.float32]:
        """(H, W) reflectance at the depth sensor's wavelength, 0 where nothing was hit."""
        return truth.image(self.infrared.take(self.surfaces(truth)))

    def finish(self, truth: Truth) -> Finish:
        """Colour, normals and gloss of every hit pixel."""
        ids, normals = self.surfaces(truth), truth.pixel_normals.copy()
        albedo = coloured(truth, ids, self.materials)
        eyes = np.flatnonzero(ids == Surface.EYES)
        tone = self.materials[Surface.SKIN].albedo
        albedo[eyes] = eye_colours(truth.rest(eyes), self.person.head, IRISES[self.person.subject % len(IRISES)], tone)
        hand = np.flatnonzero(ids == Surface.HAND)
        sample = self.skin(truth.rest(hand), rest_normals(truth, hand))
        albedo[hand] = sample.albedo
        normals[hand] = carried(truth, hand, sample.normals)
        self._gloved(truth, ids, albedo, normals)
        gloss, glow = (np.array([getattr(m, of) for m in self.materials], np.float32) for of in ("gloss", "glow"))
        return Finish(albedo, normals, gloss.take(ids), glow.take(ids) if glow.any() else None)

    def _gloved(self, truth: Truth, ids: NDArray, albedo: NDArray, normals: NDArray) -> None:
        """The relief of gloves and the shadow of their hems, in place."""
        worn = truth.mesh.material.take(truth.faces)
        worn = (worn == Surface.GLOVE_LEFT) | (worn == Surface.GLOVE_RIGHT)
        if not worn.any():
            return
        skin = np.flatnonzero(worn & (ids == Surface.HAND))
        albedo[skin] *= hem_shadow(truth.rest(skin))[:, None]
        glove = np.flatnonzero(worn & (ids != Surface.HAND))
        bumped = normals[glove] - carried(truth, glove, knit_slope(truth.rest(glove), rest_normals(truth, glove)))
        normals[glove] = bumped / np.sqrt(dot(bumped, bumped))[:, None]


def rest_normals(truth: Truth, which: NDArray[np.int64]) -> NDArray[np.float32]:
    """(M, 3) rest-pose normals at some of the hit pixels, not quite of unit length."""
    return truth.some(truth.mesh.rest_normals, which)


def carried(truth: Truth, which: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(M, 3) rest-pose vectors at some of the hit pixels turned into scene coordinates, each by its nearest corner."""
    nearest = truth.weights.take(which, 0).argmax(axis=1)
    corner = truth.corners.ravel().take(3 * which + nearest)
    frames = np.ascontiguousarray(truth.mesh.frames.reshape(-1, 9).T)
    x, y, z = vectors.T
    out = np.empty((len(which), 3), np.float32)
    for i in range(3):
        a, b, c = (frames[3 * i + k].take(corner) for k in range(3))
        out[:, i] = a * x + b * y + c * z
    return out


def _cloth(rng: np.random.Generator, bright: bool) -> Material:
    """Cloth of any colour, plain woven, striped or checked."""
    value = rng.beta(1.2, 1.6) * 0.8 + 0.02 if bright else rng.beta(1, 4) * 0.4 + 0.01
    hue = np.clip(rng.normal(1, 0.45, 3), 0.1, None)
    first = np.clip(value * hue / hue.mean(), 0.01, 0.9)
    second = np.clip(first * rng.uniform(0.3, 1.8), 0.01, 0.9)
    kind = str(rng.choice(["weave", "stripes", "checks"], p=[0.75, 0.17, 0.08] if bright else [1, 0, 0]))
    if kind == "weave":
        second = first * 0.8
    return Material(tuple(map(float, first)), kind, tuple(map(float, second)), float(rng.uniform(0.015, 0.06)))
