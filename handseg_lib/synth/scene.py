"""What every kind of scene is made of: placed hands and objects, cameras, light, and what of it can be seen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import SR300_COLOR, SR300_DEPTH, Intrinsics
from handseg_lib.data.labels import Label
from handseg_lib.synth import compiled
from handseg_lib.synth.hand import HandModel, HandPose
from handseg_lib.synth.hand.gloves import GLOVE_HEM, in_glove
from handseg_lib.synth.lamps import Lamp
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.appearance import Look
from handseg_lib.synth.people.body import rotation
from handseg_lib.synth.people.person import Surface
from handseg_lib.synth.render import Camera, Caster
from handseg_lib.synth.sensors import SENSORS, SR300
from handseg_lib.synth.sensors.rgb_camera import RgbCamera
from handseg_lib.synth.shading import Backdrop, Lights, Material

if TYPE_CHECKING:
    from handseg_lib.synth.objects import RigidObject

HAND_OF = {"left": (Label.LEFT_HAND, Surface.GLOVE_LEFT), "right": (Label.RIGHT_HAND, Surface.GLOVE_RIGHT)}
BASELINE = (0.0256, 0.0004, 0.0038)
"""Where the SR300's colour camera sits in the depth camera's frame, metres (nominal; each unit differs a little)."""

EXO_SENSORS = ("sr300", "none", "handnet", "kinect", "nyu", "freiburg")
"""Sensors for scenes before a depth camera, the usual one first."""


@dataclass(frozen=True)
class PlacedObject:
    """An object somewhere in the scene.

    Attributes:
        thing: its shape, materials and grips.
        pose: (4, 4) float64 object frame to scene.
        label: what its pixels are called.
        held_by: the sides of the hands that hold or touch it.
    """

    thing: "RigidObject"
    pose: NDArray[np.float64]
    label: Label
    held_by: tuple[str, ...] = ()

    def mesh(self, first_material: int = 0) -> Mesh:
        """The object's surface in scene coordinates; its material k is called `first_material` + k."""
        mesh = self.thing.mesh
        labelled = replace(mesh, labels=np.full(len(mesh.faces), self.label, np.uint8))
        return labelled.with_material(mesh.material + np.int32(first_material)).transformed(self.pose)


@dataclass(frozen=True)
class PlacedHand:
    """One hand with its forearm in the scene.

    Attributes:
        model: whose hand.
        pose: joint angles.
        wrist: (4, 4) float64 hand frame to scene.
        elbow: (3,) scene coordinates, metres.
        mesh: hand and forearm in scene coordinates, alone: what the scene's mesh holds of it before anything is culled.
    """

    model: HandModel
    pose: HandPose
    wrist: NDArray[np.float64]
    elbow: NDArray[np.float64]
    mesh: Mesh


@dataclass(frozen=True)
class Scene:
    """One frame's world, in the depth camera's coordinates (x right, y down, z forward, metres).

    Attributes:
        name: which kind of scene.
        subject: 0..13, or -1 where nobody is in view.
        mesh: everything but the far wall.
        look: colours, infrared reflectances and skin of everything in the mesh.
        lights, backdrop: how it is lit, and the far wall.
        depth_camera, color_camera: at their full size; the depth camera's pose is the identity. Where both are the
            same camera the scene is meant for colour alone.
        sensor: parameters of the depth sensor, where the scene has one.
        joints: (21, 3) hand joints for each hand that exists.
        gloved: whether the hands wear gloves.
        objects: placed objects that have a name or a role; scenery may be in the mesh alone.
        hands: side -> the hand, for each that exists.
        states: side -> "portable", "stationary", "none", "self" or "absent": what each hand touches.
        domain: visual domain of an egocentric scene.
        sensors: names of the depth sensors that make sense here, the usual one first; "none" is exact depth.
        color_sensor: flaws of the colour camera, None for a perfect picture.
        session: which session of the subject, -1 where there is none.
        fine_width: pixels that a colour picture is rendered across at least, then averaged down to the size wanted.
    """

    name: str
    subject: int
    mesh: Mesh
    look: Look
    lights: Lights
    backdrop: Backdrop
    depth_camera: Camera
    color_camera: Camera
    sensor: SR300
    joints: dict[str, NDArray[np.float32]]
    gloved: bool
    objects: tuple[PlacedObject, ...] = ()
    hands: Mapping[str, PlacedHand] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    domain: str = ""
    sensors: tuple[str, ...] = EXO_SENSORS
    color_sensor: RgbCamera | None = None
    session: int = -1
    fine_width: int = 0

    @property
    def one_camera(self) -> bool:
        """Whether colour and depth are seen from one place, through one lens."""
        depth, color = self.depth_camera, self.color_camera
        return depth.intrinsics == color.intrinsics and np.array_equal(depth.pose, color.pose)

    @cached_property
    def caster(self) -> Caster:
        """The mesh, ready for the rays of any camera and light."""
        return Caster(self.mesh)

    @cached_property
    def depth_caster(self) -> Caster:
        """What of the mesh the depth camera can see, ready for its rays alone: half the faces.

        A scene with one camera is seen through its whole mesh: the picture needs the inside of a sleeve.
        """
        return self.caster if self.one_camera else Caster(facing(self.mesh, _widest_view(self.depth_camera.intrinsics)))

    def without(self, labels: Collection[int]) -> "Scene":
        """The same world with what has these labels taken away, shadows included: what is behind a hand."""
        stays = np.flatnonzero(~np.isin(self.mesh.labels, list(labels)))
        objects = tuple(o for o in self.objects if o.label not in labels)
        gone = [side for side, (label, _) in HAND_OF.items() if label in labels]
        hands = {side: hand for side, hand in self.hands.items() if side not in gone}
        joints = {side: points for side, points in self.joints.items() if side not in gone}
        return replace(self, mesh=kept_faces(self.mesh, stays), objects=objects, hands=hands, joints=joints)


def dressed(hand: Mesh, side: str, gloved: bool = False) -> Mesh:
    """A posed hand with the labels and materials that the renderer refines pixel by pixel.

    A face that straddles the wrist counts as hand: the renderer then decides where the hand ends. The same goes for
    the hem of a glove, which makes the hand a little thicker.
    """
    if gloved:
        hand = in_glove(hand)
    label, glove = HAND_OF[side]
    along = np.ascontiguousarray(hand.rest[:, 1])
    a, b, c = (along.take(hand.faces[:, i]) for i in range(3))
    reach = np.maximum(np.maximum(a, b), c)
    labels = np.where(reach > 0, np.uint8(label), hand.labels)
    surface = np.where((reach > GLOVE_HEM) & gloved, np.int32(glove), np.int32(Surface.HAND))
    return replace(hand, labels=labels, material=surface)


def placed_meshes(objects: Sequence[PlacedObject]) -> tuple[list[Mesh], tuple[Material, ...]]:
    """Meshes of objects in scene coordinates, and their materials in the order in which `Look` takes them."""
    meshes: list[Mesh] = []
    extra: tuple[Material, ...] = ()
    for one in objects:
        meshes.append(one.mesh(len(Surface) + len(extra)))
        extra += tuple(one.thing.materials)
    return meshes, extra


def in_view(mesh: Mesh, view: Intrinsics = SR300_DEPTH) -> Mesh:
    """The mesh without faces outside a pyramid around the view, wide enough for the second camera and for shadows.

    The pyramid is that of a camera with its centre near the middle of the image; `view` says how wide it sees.
    """
    x, y, z = mesh.vertices.T
    width, height = (0.62 * size / f * z + 0.06 for size, f in ((view.width, view.fx), (view.height, view.fy)))
    where = (z < 0.05) + 2 * (x > width) + 4 * (x < -width) + 8 * (y > height) + 16 * (y < -height)
    where = where.astype(np.uint8)
    a, b, c = (where.take(mesh.faces[:, i]) for i in range(3))
    return kept_faces(mesh, np.flatnonzero((a & b & c) == 0))


def facing(mesh: Mesh, reach: tuple[float, float] | None = None) -> Mesh:
    """The mesh without faces turned away from the depth camera: on a solid they are never seen first.

    `reach`: largest |x| / z and |y| / z of any ray; faces wholly beyond one of them go, too.
    """
    stays = compiled.triple_products(mesh.vertices, mesh.faces) <= 0
    if reach is not None:
        x, y, z = mesh.vertices.T
        width, height = (np.float32(1.01 * edge) * z for edge in reach)
        beyond = (x > width) + 2 * (x < -width) + 4 * (y > height) + np.uint8(8) * (y < -height)
        a, b, c = (beyond.astype(np.uint8).take(mesh.faces[:, i]) for i in range(3))
        stays &= (a & b & c) == 0
    return kept_faces(mesh, np.flatnonzero(stays))


@lru_cache(maxsize=4)
def _widest_view(own: Intrinsics) -> tuple[float, float]:
    """Largest |x| / z and |y| / z that the depth camera, or any sensor in its place, sees."""
    views = [own, *(s.intrinsics for s in SENSORS.values() if s.intrinsics is not None and not s.standoff)]
    return (
        max(max(view.cx + 0.5, view.width - view.cx) / view.fx for view in views),
        max(max(view.cy + 0.5, view.height - view.cy) / view.fy for view in views),
    )


def kept_faces(mesh: Mesh, faces: NDArray[np.int64]) -> Mesh:
    """The mesh with some of its faces, given by their numbers, and the vertices these need."""
    corners = mesh.faces.take(faces, 0)
    used = np.zeros(len(mesh.vertices), bool)
    used[corners.ravel()] = True
    number, stays = np.cumsum(used, dtype=np.int32) - 1, np.flatnonzero(used)
    per_face = {name: getattr(mesh, name).take(faces) for name in ("labels", "parts", "material")}
    per_vertex = {name: getattr(mesh, name).take(stays, 0) for name in ("vertices", "rest", "rest_normals")}
    frames = np.broadcast_to(mesh.frames[:1], (len(stays), 3, 3)) if mesh.rigid else mesh.frames.take(stays, 0)
    return Mesh(faces=number.take(corners), frames=frames, **per_face, **per_vertex)


def sample_color_camera(rng: np.random.Generator) -> Camera:
    """The colour camera beside the depth camera: 26 mm away and turned by a fraction of a degree."""
    turn = (
        rotation("x", rng.normal(0, 0.003)) @ rotation("y", rng.normal(0, 0.003)) @ rotation("z", rng.normal(0, 0.002))
    )
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn, np.array(BASELINE) + rng.normal(0, 0.0002, 3)
    return Camera(SR300_COLOR, pose)


def sample_lights(rng: np.random.Generator, up: NDArray[np.float32]) -> Lights:
    """A room: one lamp or window above or beside the camera, warm to cool, and a sky."""
    key = rng.normal(0, (0.6, 0.3, 0.25)) + np.array([0, 0, -0.5]) + 0.8 * up
    key = (key / np.linalg.norm(key)).astype(np.float32)
    warmth, share = rng.uniform(-0.12, 0.12), rng.uniform(0.35, 0.75)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    return Lights(
        key,
        tuple(float(v) for v in 1.5 * share * tint),
        tuple(float(v) for v in 1.1 * (1 - share) * (2 - tint)),
        up,
        exposure=float(rng.uniform(0.8, 1.25)),
    )


def room_lights(rng: np.random.Generator, to_camera: NDArray[np.float64]) -> Lights:
    """A ceiling lamp or a window of some size, before and above the person, and what the room sends back.

    The lamp is placed in the person frame (see `body`), and returned in the depth camera's coordinates.
    """
    towards = np.array([rng.normal(0, 0.8), -1.1 - 0.3 * rng.random(), -0.9 - 0.6 * rng.random()])
    far = rng.uniform(1.5, 2.2)
    centre = towards / np.linalg.norm(towards) * far + np.array([0, -0.3, 0])
    across = np.cross(towards, [0, 0, 1.0])
    across /= np.linalg.norm(across)
    upright = np.cross(across, towards / np.linalg.norm(towards))
    half = np.stack([across * rng.uniform(0.15, 0.45), upright * rng.uniform(0.15, 0.4)])
    warmth, share = rng.uniform(-0.10, 0.10), rng.uniform(0.45, 0.7)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    strength = 1.5 * share * far**2
    lamp = Lamp(centre.astype(np.float32), half.astype(np.float32), tuple((strength * tint).tolist()), 0.3)
    key = (to_camera[:3, :3] @ (centre / np.linalg.norm(centre))).astype(np.float32)
    up = (to_camera[:3, :3] @ np.array([0, -1.0, 0])).astype(np.float32)
    return Lights(
        key,
        tuple((1.5 * share * tint).tolist()),
        tuple((1.15 * (1 - share) * (2 - tint)).tolist()),
        up,
        exposure=float(rng.uniform(0.9, 1.15)),
        lamps=(lamp.moved(to_camera),),
        occlusion=0.12,
    )


def sample_backdrop(rng: np.random.Generator, to_camera: NDArray[np.float64]) -> Backdrop:
    """A wall 1.4 to 3 m from the camera, upright in the room."""
    normal = to_camera[:3, :3] @ rotation("y", rng.normal(0, 0.25)) @ np.array([0, 0, 1.0])
    colour = tuple(float(v) for v in np.clip(rng.uniform(0.25, 0.75) * rng.normal(1, 0.08, 3), 0.05, 0.9))
    return Backdrop(normal.astype(np.float32), float(rng.uniform(1.4, 3.0)), colour, float(rng.uniform(0.3, 0.8)))


def moved(points: NDArray, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, 3) points moved by a 4x4 rigid transform."""
    return (points @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
