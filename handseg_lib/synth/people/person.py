"""One person: build, head, hands, skin and clothes of a subject, and the posed meshes of all of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from handseg_lib.data.labels import Label
from handseg_lib.synth.hand.shape import HandShape
from handseg_lib.synth.loft import Array, grid_faces, loft, offset_outwards, superellipse
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.arms import Arm, arm_frames, arm_line, arm_radius
from handseg_lib.synth.people.body import (
    HEAD,
    NECK,
    BodyPose,
    BodyShape,
    Spine,
    Trunk,
    leg_lines,
    leg_sections,
    rotation,
)
from handseg_lib.synth.people.clothes import Outfit, folds
from handseg_lib.synth.people.head import HeadShape, head_mesh
from handseg_lib.synth.people.shoulder import blend_into_arms, blend_into_trunk

SUBJECTS = {"train": range(0, 10), "val": range(10, 12), "test": range(12, 14)}
SESSIONS = 8
SPACING = 0.0115  # metres between vertices of cloth


class Surface(IntEnum):
    """Material ids of a scene's mesh, the same in every scene. FACE, HAND and the gloves are refined pixel by pixel."""

    SKIN = 0
    FACE = 1
    HAND = 2
    GLOVE_LEFT = 3
    GLOVE_RIGHT = 4
    HAIR = 5
    EYES = 6
    LIPS = 7
    SHIRT = 8
    TROUSERS = 9
    CHAIR = 10
    TABLE = 11
    THING = 12


@lru_cache(maxsize=8)
def circle(points: int) -> NDArray[np.float64]:
    """(points,) angles once around."""
    return np.arange(points) * (2 * np.pi / points)


def piece(vertices: Array, shape: tuple[int, int], surface: Surface, label: Label, texture: Array) -> Mesh:
    """A loft as a mesh whose rest coordinates are its place on the cloth: around, along, and a constant."""
    return Mesh.of(vertices, grid_faces(*shape), int(label), int(surface), rest=texture)


def cloth_texture(shape: tuple[int, int], spacing: tuple[float, float], offset: float) -> Array:
    """(S * T, 3) coordinates in metres on a piece of cloth; the seam is at the back."""
    s, t = np.meshgrid(np.arange(shape[0]) * spacing[0], np.arange(shape[1]) * spacing[1], indexing="ij")
    return np.stack([t.ravel(), s.ravel(), np.full(t.size, offset)], axis=1).astype(np.float32)


@dataclass(frozen=True)
class Person:
    """What stays the same about one subject in one session."""

    subject: int
    session: int
    shape: BodyShape
    head: HeadShape
    hand: HandShape
    outfit: Outfit

    @classmethod
    def of(cls, subject: int, session: int) -> "Person":
        """Subject 0..13 in one of their sessions; the build is the subject's, the clothes are the session's."""
        return _person(subject, session)

    @classmethod
    def _drawn(cls, subject: int, session: int) -> "Person":
        rng = np.random.default_rng([814, subject])
        female = subject % 2 == 1
        shape, head = BodyShape.sample(rng, female), HeadShape.sample(rng, female)
        hands = [HandShape.sample(rng) for _ in range(16)]
        hand = min(hands, key=lambda h: abs(h.length / shape.stature - 0.108))
        outfit = Outfit.sample(np.random.default_rng([815, subject, session]))
        return cls(subject, session, shape, head, hand, outfit)

    @cached_property
    def trunk(self) -> Trunk:
        """Cross-sections of the trunk."""
        return Trunk(self.shape)

    def figure(self, pose: BodyPose, spine: Spine, arms: Mapping[str, Arm], rng: np.random.Generator) -> list[Mesh]:
        """All but legs, hands and forearms, in the person frame: head, trunk, upper arms, clothes."""
        shirt = self._shirt(pose, spine, rng)
        limbs = {side: self._arm(arm, side, rng) for side, arm in arms.items()}
        limbs = {side: blend_into_trunk(limbs[side], shirt, arm) for side, arm in arms.items()}
        radius = arm_radius(self.hand.arm_girth) + np.float32(0.3 * self.outfit.sleeve_ease)
        shirt = blend_into_arms(shirt, [(arm_line(arm), radius) for arm in arms.values()])
        meshes = [*self._head(pose, spine), self._chest(spine), shirt]
        return meshes + [limb for pieces in limbs.values() for limb in pieces]

    def head_frame(self, pose: BodyPose, spine: Spine) -> NDArray[np.float64]:
        """(4, 4) pose of the head in the person frame."""
        point, frame = spine.at(np.array([HEAD * self.shape.scale]))
        pitch, yaw, roll = pose.head
        matrix = np.eye(4)
        matrix[:3, :3] = frame[0].astype(np.float64) @ rotation("y", yaw) @ rotation("z", roll) @ rotation("x", pitch)
        matrix[:3, 3] = point[0] + frame[0] @ np.array([0, 0, -0.012 * self.shape.scale], np.float32)
        return matrix

    def _head(self, pose: BodyPose, spine: Spine) -> list[Mesh]:
        points, faces, hair = head_mesh(self.head)
        head = Mesh.of(points * self.head.size * np.float32(self.shape.scale**0.5), faces, Label.BACKGROUND)
        head = replace(head, rest=points)
        frame = self.head_frame(pose, spine)
        # the neck bends from the collar into the head
        base, frames = spine.at(np.linspace(0.55, HEAD - 0.02, 9) * self.shape.scale)
        t = np.linspace(0, 1, 12)[:, None]
        end = frame[:3, 3] + frame[:3, :3] @ np.array([0, -0.03, 0.004])
        middle = frame[:3, 3] + frame[:3, :3] @ np.array([0, 0.045, 0.012])
        line = (1 - t) ** 2 * base[0] + 2 * t * (1 - t) * middle + t**2 * end
        radius = np.full(12, self.shape.neck) * np.interp(t[:, 0], [0, 0.35, 1], [1.12, 1.0, 0.96])
        outline = superellipse(circle(36), radius, radius * 0.92, radius * 1.08, np.full(12, 2.0))[::-1]
        vertices = loft(line[::-1].astype(np.float32), np.repeat(frames[-1:], 12, axis=0), outline)
        neck = piece(vertices, (12, 36), Surface.SKIN, Label.BACKGROUND, vertices)
        return [head.transformed(frame).with_material(np.where(hair, Surface.HAIR, Surface.FACE)), neck]

    def _chest(self, spine: Spine) -> Mesh:
        heights = np.linspace(0.60, 0.44, 18) * self.shape.scale
        outline = self.trunk.sections(heights, circle(64))
        vertices = loft(*spine.at(heights), outline)
        return piece(vertices, (18, 64), Surface.SKIN, Label.BACKGROUND, vertices)

    def _shirt(self, pose: BodyPose, spine: Spine, rng: np.random.Generator) -> Mesh:
        fit, scale = self.outfit, self.shape.scale
        top = (NECK + fit.collar) * scale
        count = int((top - fit.hem * scale) / SPACING)
        heights = np.linspace(top, fit.hem * scale, count)
        angles = circle(84)
        outline = self.trunk.sections(heights, angles)
        ease = np.interp(heights / scale, [0, 0.2, 0.42, 0.52, 0.6], [0.8, 1.0, 0.45, 0.15, 0.1]) * fit.ease
        if fit.hood:
            ease += 0.022 * np.exp(-(((heights - top) / 0.03) ** 2))
        spacing = ((top - fit.hem * scale) / count, 2.2 * np.pi * 0.145 * scale / 84)
        shape = (count, 84)
        strength = fit.folds * np.interp(heights / scale, [0, 0.15, 0.45, 0.56], [1.1, 1.2, 0.9, 0.25])
        bend = 1 + 0.8 * min(1.0, abs(pose.lean) + abs(pose.tilt) + abs(pose.twist))
        height = ease[:, None] + folds(rng, shape, spacing) * strength[:, None] * bend
        outline = offset_outwards(outline, np.maximum(height, 0.003).astype(np.float32))
        vertices = loft(*spine.at(heights), outline)
        vertices = self._lift_shoulders(vertices, outline, heights, pose)
        return piece(vertices, shape, Surface.SHIRT, Label.BACKGROUND, cloth_texture(shape, spacing, 0.0))

    def _lift_shoulders(self, vertices: Array, outline: Array, heights: Array, pose: BodyPose) -> Array:
        """Move the shirt's shoulders up with the shoulder joints."""
        gap = ((heights / self.shape.scale - 0.49) / 0.06)[:, None]
        for sign, lift in ((1, pose.raise_left), (-1, pose.raise_right)):
            side = np.clip(outline[..., 0] * sign / self.shape.shoulder, 0, 1)
            weight = np.exp(-(gap**2)) * side**2
            vertices[:, 1] -= (weight * lift).ravel().astype(np.float32)
        return vertices

    def legs(self, pose: BodyPose, rng: np.random.Generator) -> list[Mesh]:
        """Hips and legs in trousers, in the person frame."""
        scale, meshes = self.shape.scale, []
        heights = np.linspace(0.12, -0.11, 21) * scale
        outline = self.trunk.sections(heights, circle(72))
        cloth = folds(rng, (21, 72), (SPACING, 0.0135), patches=1) * 0.003
        # Under the shirt the trousers lie close, or they would show through its folds.
        covered = np.clip((heights - self.outfit.hem * scale) / 0.02, 0, 1)[:, None]
        outline = offset_outwards(outline, (0.002 + cloth * (1 - covered) - 0.012 * covered).astype(np.float32))
        centres = np.stack([0 * heights, -heights, 0 * heights], axis=1).astype(np.float32)
        vertices = loft(centres, np.repeat(np.eye(3, dtype=np.float32)[None], 21, axis=0), outline)
        texture = cloth_texture((21, 72), (SPACING, 0.0135), 1.0)
        meshes.append(piece(vertices, (21, 72), Surface.TROUSERS, Label.BACKGROUND, texture))
        for line, radius in leg_lines(self.shape, pose).values():
            frames, outline = leg_sections(line, radius, circle(36))
            cloth = folds(rng, (len(line), 36), (0.022, 0.014), patches=1) * 0.003
            vertices = loft(line, frames, offset_outwards(outline, (0.006 + cloth).astype(np.float32)))
            shape = (len(line), 36)
            meshes.append(
                piece(vertices, shape, Surface.TROUSERS, Label.BACKGROUND, cloth_texture(shape, (0.022, 0.014), 2.0))
            )
        return meshes

    def limb(self, arm: Arm, side: str, rng: np.random.Generator) -> list[Mesh]:
        """Upper arm and sleeve of one arm alone, for views in which the rest of the body is out of sight."""
        return self._arm(arm, side, rng)

    def _arm(self, arm: Arm, side: str, rng: np.random.Generator) -> list[Mesh]:
        """Upper arm and sleeve; the forearm comes with the hand."""
        label = Label.LEFT_ARM if side == "left" else Label.RIGHT_ARM
        line, radius = arm_line(arm), arm_radius(self.hand.arm_girth)
        frames = arm_frames(arm, line)
        cap = np.array([-0.98, -0.85, -0.6, -0.3])
        back = line[0] + (cap * radius[0])[:, None] * frames[0, :, 1]
        line = np.concatenate([back.astype(np.float32), line])
        radius = np.concatenate([radius[0] * np.sqrt(1 - cap**2), radius]).astype(np.float32)
        frames = np.concatenate([np.repeat(frames[:1], 4, axis=0), frames])
        s = np.concatenate([cap * 0.01, np.linspace(0, 2, len(line) - 4)])
        meshes = []
        bare = (s > self.outfit.sleeve - 0.12) & (s < 0.99)
        if bare.any():
            outline = superellipse(circle(28), *[radius[bare]] * 3, np.full(bare.sum(), 2.0))
            vertices = loft(line[bare], frames[bare], outline)
            meshes.append(piece(vertices, (int(bare.sum()), 28), Surface.SKIN, label, vertices))
        if self.outfit.sleeve > 0:
            covered = s <= self.outfit.sleeve
            meshes.append(self._sleeve(line[covered], frames[covered], radius[covered], s[covered], label, rng))
        return meshes

    def _sleeve(
        self, line: Array, frames: Array, radius: Array, s: NDArray, label: Label, rng: np.random.Generator
    ) -> Mesh:
        fit, (count, around) = self.outfit, (len(line), 40)
        ease = fit.sleeve_ease * np.clip(s / max(fit.sleeve, 0.3), 0.25, 1)
        spacing = (0.0135, 0.0085)
        height = (
            ease[:, None]
            + folds(rng, (count, around), spacing, patches=2) * fit.folds * 0.8 * np.clip(s, 0.2, 1)[:, None]
        )
        outline = superellipse(circle(around), radius, radius, radius, np.full(count, 2.0))
        outline = offset_outwards(
            outline, np.maximum(height, np.where(s > 0.8, 0.005, 0.002)[:, None]).astype(np.float32)
        )
        sag = line + (ease * 0.6)[:, None].astype(np.float32) * np.array([0, 1, 0], np.float32)  # cloth hangs
        vertices = loft(sag, frames, outline)
        return piece(vertices, (count, around), Surface.SHIRT, label, cloth_texture((count, around), spacing, 3.0))


@lru_cache(maxsize=256)
def _person(subject: int, session: int) -> Person:
    """`Person.of`, kept: nothing about a person changes from frame to frame."""
    return Person._drawn(subject, session)
