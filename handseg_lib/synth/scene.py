"""Scenes: everything one frame needs, fully determined by a random generator."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import SR300_COLOR, SR300_DEPTH
from handseg_lib.data.labels import Label
from handseg_lib.synth import props
from handseg_lib.synth.appearance import GLOVE_HEM, Look
from handseg_lib.synth.body import leg_lines, rotation
from handseg_lib.synth.hand import hand_model
from handseg_lib.synth.mesh import Mesh, rotate
from handseg_lib.synth.person import SESSIONS, SUBJECTS, Person, Surface
from handseg_lib.synth.posture import Posture, sample_posture
from handseg_lib.synth.render import Camera, Caster, cross, dot
from handseg_lib.synth.sensors import SR300
from handseg_lib.synth.shading import Backdrop, Lights

HAND_OF = {"left": (Label.LEFT_HAND, Surface.GLOVE_LEFT), "right": (Label.RIGHT_HAND, Surface.GLOVE_RIGHT)}
BASELINE = (0.0256, 0.0004, 0.0038)
"""Where the SR300's colour camera sits in the depth camera's frame, metres (nominal; each unit differs a little)."""


@dataclass(frozen=True)
class Scene:
    """One frame's world, in the depth camera's coordinates (x right, y down, z forward, metres).

    Attributes:
        name: which kind of scene.
        subject: 0..13, or -1 where nobody is in view.
        mesh: everything but the far wall.
        look: colours, infrared reflectances and skin of everything in the mesh.
        lights, backdrop: how it is lit, and the far wall.
        depth_camera, color_camera: 640x480; the depth camera's pose is the identity.
        sensor: parameters of the depth sensor.
        joints: (21, 3) hand joints for each hand that exists.
        gloved: whether the hands wear gloves.
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

    @cached_property
    def caster(self) -> Caster:
        """The mesh, ready for the rays of any camera and light."""
        return Caster(self.mesh)

    @cached_property
    def depth_caster(self) -> Caster:
        """What of the mesh the depth camera can see, ready for its rays alone: half the faces."""
        return Caster(facing(self.mesh))


def exo_two_hands(rng: np.random.Generator, split: str = "train") -> Scene:
    """HandSeg's setting (Table 1, Figures 1 and 2): a person before an SR300 shows one or two hands, bare or gloved.

    Args:
        rng: decides everything.
        split: whose subjects may appear: "train" (0-9), "val" (10, 11) or "test" (12, 13).

    Raises:
        ValueError: for an unknown split.
    """
    if split not in SUBJECTS:
        raise ValueError(f"unknown split {split!r}, expected one of {', '.join(SUBJECTS)}")
    subject = int(rng.choice(SUBJECTS[split]))
    person = Person.of(subject, int(rng.integers(SESSIONS)))
    gloved = bool(rng.random() < 0.5)
    model = hand_model(person.hand)
    posture = sample_posture(rng, person, model, SR300_DEPTH)
    present = rng.random() >= 0.02
    meshes = person_meshes(person, posture, gloved, rng) if present else []
    meshes += surroundings(posture, rng)
    to_camera = np.linalg.inv(posture.camera)
    mesh = Mesh.merge(meshes).transformed(to_camera) if meshes else Mesh.of(np.zeros((0, 3)), np.zeros((0, 3)))
    joints = {
        side: _moved(model.joints(posture.hands[side], posture.wrists[side], side), to_camera)
        for side in (posture.arms if present else ())
    }
    up = (to_camera[:3, :3] @ np.array([0, -1.0, 0])).astype(np.float32)
    return Scene(
        name="exo_two_hands",
        subject=subject if present else -1,
        mesh=in_view(mesh),
        look=Look(person, int(rng.integers(1 << 30))),
        lights=sample_lights(rng, up),
        backdrop=sample_backdrop(rng, to_camera),
        depth_camera=Camera(SR300_DEPTH, np.eye(4)),
        color_camera=sample_color_camera(rng),
        sensor=SR300(),
        joints=joints,
        gloved=gloved,
    )


def person_meshes(person: Person, posture: Posture, gloved: bool, rng: np.random.Generator) -> list[Mesh]:
    """Body, arms and hands in the person frame."""
    meshes = person.figure(posture.body, posture.spine, posture.arms, rng)
    if legs_in_view(person, posture):
        meshes += person.legs(posture.body, rng)
    model = hand_model(person.hand)
    for side, arm in posture.arms.items():
        hand = model.posed(posture.hands[side], posture.wrists[side], side, arm.elbow)
        label, glove = HAND_OF[side]
        # A face that straddles the wrist counts as hand: the renderer then decides pixel by pixel.
        reach = hand.rest[:, 1][hand.faces].max(axis=1)
        labels = np.where(reach > 0, label, hand.labels).astype(np.uint8)
        surface = np.where((reach > GLOVE_HEM) & gloved, glove, Surface.HAND)
        meshes.append(replace(hand, labels=labels).with_material(surface))
    return meshes


def legs_in_view(person: Person, posture: Posture) -> bool:
    """Whether the legs' centre lines come near the depth camera's view; mostly they do not."""
    points = np.concatenate([line for line, _ in leg_lines(person.shape, posture.body).values()])
    x, y, z = rotate(posture.camera[:3, :3].T, points - posture.camera[:3, 3].astype(np.float32)).T
    room = 0.17 * person.shape.girth  # the hips are the widest
    near = (np.abs(x) < 0.7 * z + room) & (np.abs(y) < 0.52 * z + room) & (z > -room)
    return bool(near.any())


def surroundings(posture: Posture, rng: np.random.Generator) -> list[Mesh]:
    """A chair, a table edge and things behind the person, each only sometimes there."""
    meshes: list[Mesh] = []
    if rng.random() < 0.4:
        meshes += props.chair(rng, Surface.CHAIR)
    # A table lies below both arms and the camera, and above the lap: seldom is there room for one.
    lowest = max(point[1] for arm in posture.arms.values() for point in (arm.elbow, arm.wrist)) + 0.08
    if rng.random() < 0.25 and -0.3 < lowest < -0.02 and posture.camera[1, 3] < lowest - 0.15:
        meshes += props.table(rng, lowest, Surface.TABLE)
    for _ in range(rng.poisson(0.5)):
        centre = np.array([rng.uniform(-0.8, 0.8), rng.uniform(-0.7, 0.3), rng.uniform(0.2, 0.9)])
        meshes.append(props.thing(rng, centre, Surface.THING))
    return meshes


def in_view(mesh: Mesh) -> Mesh:
    """The mesh without faces outside a pyramid around the view, wide enough for the second camera and for shadows."""
    x, y, z = mesh.vertices.T
    width, height = (0.62 * size / focal * z + 0.06 for size, focal in ((640, SR300_DEPTH.fx), (480, SR300_DEPTH.fy)))
    where = (z < 0.05) + 2 * (x > width) + 4 * (x < -width) + 8 * (y > height) + 16 * (y < -height)
    a, b, c = (where.astype(np.uint8)[mesh.faces[:, i]] for i in range(3))
    return _kept(mesh, np.flatnonzero((a & b & c) == 0))


def facing(mesh: Mesh) -> Mesh:
    """The mesh without faces turned away from the depth camera: on a solid they are never seen first."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    return _kept(mesh, np.flatnonzero(dot(a, cross(b, c)) <= 0))


def _kept(mesh: Mesh, faces: NDArray[np.int64]) -> Mesh:
    """The mesh with some of its faces and the vertices these need."""
    corners = mesh.faces[faces]
    used = np.zeros(len(mesh.vertices), bool)
    used[corners.ravel()] = True
    number = np.cumsum(used, dtype=np.int32) - 1
    per_face = {name: getattr(mesh, name)[faces] for name in ("labels", "parts", "material")}
    per_vertex = {name: getattr(mesh, name)[used] for name in ("vertices", "rest", "rest_normals", "frames")}
    return Mesh(faces=number[corners], **per_face, **per_vertex)


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


def sample_backdrop(rng: np.random.Generator, to_camera: NDArray[np.float64]) -> Backdrop:
    """A wall 1.4 to 3 m from the camera, upright in the room."""
    normal = to_camera[:3, :3] @ rotation("y", rng.normal(0, 0.25)) @ np.array([0, 0, 1.0])
    colour = tuple(float(v) for v in np.clip(rng.uniform(0.25, 0.75) * rng.normal(1, 0.08, 3), 0.05, 0.9))
    return Backdrop(normal.astype(np.float32), float(rng.uniform(1.4, 3.0)), colour, float(rng.uniform(0.3, 0.8)))


def _moved(points: NDArray, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    return (points @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)


SCENES = {"exo_two_hands": exo_two_hands}
"""Scene name -> function (rng, split) -> Scene."""
