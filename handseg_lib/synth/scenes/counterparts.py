"""Scenes with the habits of three published depth sets: one hand only, one person only, a person and nothing else.

What a set's people do is that of `exo_two_hands`; who they are, which hands show and what stands around follows Table 1
of HandSeg and what is known of the files (REFERENCE 1.2 to 1.4). The sensor is chosen where a frame is rendered.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import HANDNET, NYU_DEPTH, SR300_DEPTH, Intrinsics
from handseg_lib.synth.hand import HandModel, hand_model
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.appearance import Look
from handseg_lib.synth.people.body import Spine
from handseg_lib.synth.people.person import SESSIONS, SUBJECTS, Person, Surface
from handseg_lib.synth.people.posture import Posture, place_arm, sample_body, sample_camera
from handseg_lib.synth.render import Camera
from handseg_lib.synth.scene import (
    Scene,
    in_view,
    kept_faces,
    moved,
    sample_backdrop,
    sample_color_camera,
    sample_lights,
)
from handseg_lib.synth.scenes.exo_two_hands import (
    exo_two_hands,
    person_meshes,
    placed_hands,
    placed_joints,
    sample_person,
    surroundings,
)
from handseg_lib.synth.sensors import SENSORS, SR300

ONE = 3
"""The only subject of `exo_one_person`."""

TRIES, RESTS = 40, 6
"""How often a posture is drawn at most, and in each of them how often the resting arm."""
View = tuple[Intrinsics, float]
"""The pixels of a camera, and how far it stands behind the scene's own, in metres."""

BEYOND = 50.0
"""Metres to a wall that no sensor sees."""


def exo_left_hand(rng: np.random.Generator, split: str = "train") -> Scene:
    """A person shows the bare left hand; the right one is out of view. HandNet's setting.

    Raises:
        ValueError: for an unknown split.
    """
    views = (SR300_DEPTH, 0.0), (HANDNET, 0.0)
    return _left_hand("exo_left_hand", rng, sample_person(rng, split), views)


def exo_one_person(rng: np.random.Generator, split: str = "train") -> Scene:
    """The same of one person alone, the same in every split, in all their clothes: NYU's setting.

    Raises:
        ValueError: for an unknown split.
    """
    if split not in SUBJECTS:
        raise ValueError(f"unknown split {split!r}, expected one of {', '.join(SUBJECTS)}")
    views = (SR300_DEPTH, 0.0), (NYU_DEPTH, SENSORS["nyu"].standoff)
    return _left_hand("exo_one_person", rng, Person.of(ONE, int(rng.integers(SESSIONS))), views)


def exo_person_alone(rng: np.random.Generator, split: str = "train") -> Scene:
    """`exo_two_hands` without furniture and without a wall: the Rendered Hand Pose set models people only.

    Raises:
        ValueError: for an unknown split.
    """
    scene = exo_two_hands(rng, split)
    person = np.flatnonzero(scene.mesh.material < Surface.CHAIR)
    backdrop = replace(scene.backdrop, distance=BEYOND)
    return replace(scene, name="exo_person_alone", mesh=kept_faces(scene.mesh, person), backdrop=backdrop)


def _left_hand(name: str, rng: np.random.Generator, person: Person, views: tuple[View, ...]) -> Scene:
    """This person, the left hand raised into view of these cameras, the right one elsewhere."""
    posture = _posture(rng, person, hand_model(person.hand), views)
    to_camera = np.linalg.inv(posture.camera)
    hands = placed_hands(person, posture, to_camera, gloved=False)
    meshes = [m.transformed(to_camera) for m in (*person_meshes(person, posture, rng), *surroundings(posture, rng))]
    return Scene(
        name=name,
        subject=person.subject,
        mesh=in_view(Mesh.merge([*meshes, *(hand.mesh for hand in hands.values())])),
        look=Look(person, int(rng.integers(1 << 30))),
        lights=sample_lights(rng, (to_camera[:3, :3] @ np.array([0, -1.0, 0])).astype(np.float32)),
        backdrop=sample_backdrop(rng, to_camera),
        depth_camera=Camera(SR300_DEPTH, np.eye(4)),
        color_camera=sample_color_camera(rng),
        sensor=SR300(),
        joints=placed_joints(person, posture, to_camera),
        gloved=False,
        hands=hands,
        states=dict.fromkeys(hands, "none"),
    )


def _posture(rng: np.random.Generator, person: Person, model: HandModel, views: tuple[View, ...]) -> Posture:
    """Trunk, camera and arms; drawn again until the left hand is in view of all cameras and the right one of none.

    Where that never comes about the last draw stands, as in a recording that nobody sifted.
    """
    for _ in range(TRIES):
        body = sample_body(rng, "upright")
        spine = Spine(person.shape, body)
        posture = Posture(body, sample_camera(rng, "upright", spine, person.shape.scale), spine)
        if not place_arm(rng, posture, person, model, "left", "raised", SR300_DEPTH):
            continue
        for _ in range(RESTS):
            for what in (posture.arms, posture.wrists, posture.hands):
                what.pop("right", None)
            place_arm(rng, posture, person, model, "right", "rest", SR300_DEPTH)
            if _clear(posture, model, views):
                return posture
    return posture


def _clear(posture: Posture, model: HandModel, views: tuple[View, ...]) -> bool:
    """Whether every camera sees the middle of the left hand, and no joint of the right one."""
    to_camera = np.linalg.inv(posture.camera)
    left, right = (
        moved(model.joints(posture.hands[side], posture.wrists[side], side), to_camera) for side in ("left", "right")
    )
    middle = left.mean(axis=0, keepdims=True)
    return all(_inside(middle, view, -0.06).all() and not _inside(right, view, 0.04).any() for view in views)


def _inside(points: NDArray[np.float32], view: View, room: float) -> NDArray[np.bool_]:
    """(N,) whether points in the depth camera's coordinates are in the image, widened by this share of its width."""
    pixels, standoff = view
    x, y, z = (points + np.array([0, 0, standoff])).T
    margin = room * pixels.width
    u, v = pixels.fx * x / z + pixels.cx, pixels.fy * y / z + pixels.cy
    return (
        (z > 0.05)
        & (abs(u - pixels.width / 2) < pixels.width / 2 + margin)
        & (abs(v - pixels.height / 2) < pixels.height / 2 + margin)
    )
