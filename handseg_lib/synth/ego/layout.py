"""Arrangements of a first-person view, and the scene each of them makes.

A layout holds everything in room coordinates: x to the wearer's right, y down, z away from the wearer, the work
surface at y = 0 with its near edge at z = 0, metres. `build_scene` moves it all into the head camera's frame. Whoever
makes videos changes camera, hands and objects with `dataclasses.replace` and builds each frame; room, person and
seed stay, and with them textures, clothes and their folds, and the number and order of the mesh's faces.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import Label
from handseg_lib.synth.hand import HandPose, hand_model
from handseg_lib.synth.loft import loft, superellipse
from handseg_lib.synth.mesh import Mesh, rotate
from handseg_lib.synth.people.appearance import Look
from handseg_lib.synth.people.arms import STEPS, Arm, arm_frames, arm_line, arm_radius
from handseg_lib.synth.people.person import Person, Surface, circle, cloth_texture, piece
from handseg_lib.synth.render import Camera
from handseg_lib.synth.scene import PlacedHand, PlacedObject, Scene, dressed, kept_faces, moved, placed_meshes
from handseg_lib.synth.sensors import SR300
from handseg_lib.synth.sensors.rgb_camera import RgbCamera
from handseg_lib.synth.shading import Backdrop, Lights, Material

if TYPE_CHECKING:
    from handseg_lib.synth.objects import RigidObject

SIDES = ("left", "right")
STATES = ("portable", "stationary", "none", "self", "absent")
"""What a hand touches: EgoHOS's five classes (Section 7.1), in the paper's order."""
FIRST = {("left",): Label.OBJECT_LEFT, ("right",): Label.OBJECT_RIGHT, SIDES: Label.OBJECT_BOTH, (): Label.BACKGROUND}
SECOND = {("left",): Label.OBJECT2_LEFT, ("right",): Label.OBJECT2_RIGHT, SIDES: Label.OBJECT2_BOTH}


@dataclass(frozen=True)
class EgoHand:
    """One arm of the wearer.

    Attributes:
        pose: joint angles of the fingers.
        wrist: (4, 4) hand frame to room.
        elbow, shoulder: (3,) room coordinates.
        state: one of `STATES`.
    """

    pose: HandPose
    wrist: NDArray[np.float64]
    elbow: NDArray[np.float64]
    shoulder: NDArray[np.float64]
    state: str = "none"

    @property
    def arm(self) -> Arm:
        """Shoulder, elbow and wrist."""
        return Arm(self.shoulder, self.elbow, self.wrist[:3, 3])


@dataclass(frozen=True)
class EgoObject:
    """One thing in the room that has a role or a name.

    Attributes:
        thing: its shape, materials and grips.
        pose: (4, 4) object frame to room.
        touched_by: hands that touch it (first order).
        reached_by: hands that touch something that touches it or acts on it (second order).
        fixed: part of the room (a drawer front, a tap, a keyboard): touching it is stationary contact.
        passing: there only while the hands do what they do (a jet of water): no part of a clean background.
    """

    thing: "RigidObject"
    pose: NDArray[np.float64]
    touched_by: tuple[str, ...] = ()
    reached_by: tuple[str, ...] = ()
    fixed: bool = False
    passing: bool = False

    @property
    def label(self) -> Label:
        """What its pixels are called: touch counts before what is reached by way of another object."""
        touched, reached = (tuple(s for s in SIDES if s in names) for names in (self.touched_by, self.reached_by))
        return FIRST[touched] if touched or not reached else SECOND[reached]


@dataclass(frozen=True)
class Room:
    """What does not move, in room coordinates.

    Attributes:
        mesh: walls, furniture and scenery; its materials are indices into `materials`.
        materials: looks of the mesh.
        lights, backdrop: how it is lit, and what lies beyond.
        area: (x0, x1, z0, z1) of the work surface.
        taken: rectangles like `area` of the surface that furniture (a hob, a sink) takes.
        fixtures: things that hands may touch but not carry away.
        eyes: lowest and highest height of the wearer's eyes above the work surface, metres.
    """

    mesh: Mesh
    materials: tuple[Material, ...]
    lights: Lights
    backdrop: Backdrop
    area: tuple[float, float, float, float]
    taken: tuple[tuple[float, float, float, float], ...] = ()
    fixtures: tuple[EgoObject, ...] = ()
    eyes: tuple[float, float] = (0.5, 0.7)


@dataclass(frozen=True)
class EgoLayout:
    """One frame of a first-person view.

    Attributes:
        domain: name of the visual domain.
        person: the wearer.
        room: what does not move.
        camera: (4, 4) head camera to room.
        intrinsics: its pixels.
        hands: side -> arm, for each in the layout (in view or not).
        objects: what stands or lies around and what is held, fixtures included.
        rgb: how the camera renders colours, its noise and blur.
        seed: decides the folds of sleeves and the look of clothes.
        activity: what the wearer does, in words ("cutting a carrot").
    """

    domain: str
    person: Person
    room: Room
    camera: NDArray[np.float64]
    intrinsics: Intrinsics
    hands: Mapping[str, EgoHand] = field(default_factory=dict)
    objects: tuple[EgoObject, ...] = ()
    rgb: RgbCamera = field(default_factory=RgbCamera)
    seed: int = 0
    activity: str = ""

    def __post_init__(self) -> None:
        for side, hand in self.hands.items():
            if side not in SIDES or hand.state not in STATES:
                raise ValueError(
                    f"EgoLayout.hands holds side {side!r} with state {hand.state!r}, "
                    f"expected sides {', '.join(SIDES)} and states {', '.join(STATES)}"
                )

    @property
    def states(self) -> dict[str, str]:
        """Side -> state; a hand that is not there is absent."""
        return {side: self.hands[side].state if side in self.hands else "absent" for side in SIDES}

    @property
    def empty(self) -> "EgoLayout":
        """The same view without the wearer's arms and what they touch and can carry: a clean background."""
        stays = tuple(
            replace(o, touched_by=(), reached_by=()) for o in self.objects if o.fixed or not (o.touched_by or o.passing)
        )
        return replace(self, hands={}, objects=stays, activity="")


@dataclass(frozen=True)
class EgoScene(Scene):
    """A first-person scene that remembers its layout."""

    layout: EgoLayout | None = None

    @cached_property
    def clean(self) -> "EgoScene":
        """What this camera would see without the wearer's hands and arms and without what they touch and can carry."""
        return clean_background(self)


def clean_background(scene: Scene) -> EgoScene:
    """The same view without hands, arms and held objects, exact in every pixel: shadows are gone as well.

    Fixtures stay, and so does what is reached only by way of another object.

    Raises:
        ValueError: if the scene was not built from a layout.
    """
    layout = getattr(scene, "layout", None)
    if layout is None:
        raise ValueError(f"scene {scene.name!r} has no layout; clean backgrounds exist for scenes of build_scene")
    return build_scene(layout.empty)


def build_scene(layout: EgoLayout) -> EgoScene:
    """The scene of a layout, in the head camera's coordinates."""
    to_camera = np.linalg.inv(layout.camera)
    placed = tuple(
        PlacedObject(o.thing, to_camera @ o.pose, o.label, tuple(s for s in SIDES if s in o.touched_by))
        for o in layout.objects
    )
    meshes, extra = placed_meshes(placed)
    scenery = layout.room.mesh.with_material(layout.room.mesh.material + np.int32(len(Surface) + len(extra)))
    hands = {side: _placed_hand(layout, side, to_camera) for side in layout.hands}
    shown = [under_sleeve(hand.mesh, layout.person) for hand in hands.values()]
    arms = [mesh.transformed(to_camera) for mesh in arm_meshes(layout)]
    model = hand_model(layout.person.hand)
    joints = {side: moved(model.joints(hand.pose, hand.wrist, side), to_camera) for side, hand in layout.hands.items()}
    camera = Camera(layout.intrinsics, np.eye(4))
    return EgoScene(
        name="ego_hand_object",
        subject=layout.person.subject if layout.hands else -1,
        mesh=Mesh.merge([*shown, *arms, *meshes, scenery.transformed(to_camera)]),
        look=Look(layout.person, layout.seed, (*extra, *layout.room.materials)),
        lights=moved_lights(layout.room.lights, to_camera),
        backdrop=moved_backdrop(layout.room.backdrop, to_camera),
        depth_camera=camera,
        color_camera=camera,
        color_sensor=layout.rgb,
        sensor=SR300(),
        joints=joints,
        gloved=False,
        objects=placed,
        hands=hands,
        states=layout.states,
        domain=layout.domain,
        sensors=("none", "sr300"),
        layout=layout,
    )


def arm_meshes(layout: EgoLayout) -> list[Mesh]:
    """Upper arms and sleeves in room coordinates; the same folds whatever the arm does."""
    meshes = []
    for side, hand in layout.hands.items():
        rng = np.random.default_rng([829, layout.seed, SIDES.index(side)])
        meshes += layout.person.limb(hand.arm, side, rng)
        if layout.person.outfit.sleeve < 1:
            meshes.append(elbow_skin(layout.person, hand.arm, side))
    return meshes


def elbow_skin(person: Person, arm: Arm, side: str) -> Mesh:
    """Skin over a bare elbow: it covers the rim of the upper arm and dives into the forearm."""
    s = np.linspace(0, 2, STEPS)
    near = (s > 0.86) & (s < 1.18)
    line, frames = arm_line(arm), arm_frames(arm, arm_line(arm))
    radius = arm_radius(person.hand.arm_girth) * np.interp(s, [0.86, 0.95, 1.0, 1.18], [0.97, 1.02, 1.0, 0.62])
    outline = superellipse(circle(28), *[radius[near]] * 3, np.full(near.sum(), 2.0))
    shape = (int(near.sum()), 28)
    label = Label.LEFT_ARM if side == "left" else Label.RIGHT_ARM
    vertices = loft(line[near], frames[near], outline)
    return piece(vertices, shape, Surface.SKIN, label, cloth_texture(shape, (0.0125, 0.009), 5.0))


def under_sleeve(hand: Mesh, person: Person) -> Mesh:
    """The hand without the forearm that its sleeve hides, which else shows where cloth folds into the arm."""
    covered = person.outfit.sleeve - 1  # 0 at the elbow, 1 at the wrist
    if covered <= 0:
        return hand
    bare = -person.hand.forearm * (1 - covered) - 0.03
    return kept_faces(hand, np.flatnonzero(hand.rest[:, 1][hand.faces].max(axis=1) > bare))


def _placed_hand(layout: EgoLayout, side: str, to_camera: NDArray[np.float64]) -> PlacedHand:
    hand, model = layout.hands[side], hand_model(layout.person.hand)
    mesh = dressed(model.posed(hand.pose, hand.wrist, side, hand.elbow), side).transformed(to_camera)
    elbow = to_camera[:3, :3] @ hand.elbow + to_camera[:3, 3]
    return PlacedHand(model, hand.pose, to_camera @ hand.wrist, elbow, mesh)


def moved_lights(lights: Lights, matrix: NDArray[np.float64]) -> Lights:
    """Lights moved by a 4x4 rigid transform."""
    key, up = rotate(matrix[:3, :3], np.stack([lights.key, lights.up]).astype(np.float32))
    return replace(lights, key=key, up=up, lamps=tuple(lamp.moved(matrix) for lamp in lights.lamps))


def moved_backdrop(backdrop: Backdrop, matrix: NDArray[np.float64]) -> Backdrop:
    """The far wall moved by a 4x4 rigid transform."""
    normal = rotate(matrix[:3, :3], np.asarray(backdrop.normal, np.float32)[None])[0]
    distance = backdrop.distance + float((normal * matrix[:3, 3].astype(np.float32)).sum())
    return replace(backdrop, normal=normal, distance=distance)
