"""HandSeg's setting (Table 1, Figures 1 and 2): a person before an SR300 shows one or two hands, bare or gloved."""

import numpy as np

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.synth.hand import hand_model
from handseg_lib.synth.mesh import Mesh, rotate
from handseg_lib.synth.people.appearance import Look
from handseg_lib.synth.people.body import leg_lines
from handseg_lib.synth.people.person import SESSIONS, SUBJECTS, Person, Surface
from handseg_lib.synth.people.posture import Posture, sample_posture
from handseg_lib.synth.render import Camera
from handseg_lib.synth.rooms import props
from handseg_lib.synth.scene import (
    PlacedHand,
    Scene,
    dressed,
    in_view,
    moved,
    sample_backdrop,
    sample_color_camera,
    sample_lights,
)
from handseg_lib.synth.sensors import SR300


def exo_two_hands(rng: np.random.Generator, split: str = "train") -> Scene:
    """A person, one or two hands in view, bare or gloved.

    Args:
        rng: decides everything.
        split: whose subjects may appear: "train" (0-9), "val" (10, 11) or "test" (12, 13).

    Raises:
        ValueError: for an unknown split.
    """
    person = sample_person(rng, split)
    gloved = bool(rng.random() < 0.5)
    posture = sample_posture(rng, person, hand_model(person.hand), SR300_DEPTH)
    present = rng.random() >= 0.02
    to_camera = np.linalg.inv(posture.camera)
    stiff = person_meshes(person, posture, rng) if present else []
    hands = placed_hands(person, posture, to_camera, gloved) if present else {}
    stiff += surroundings(posture, rng)
    meshes = [Mesh.merge(stiff).transformed(to_camera)] if stiff else []
    meshes += [hand.mesh for hand in hands.values()]
    up = (to_camera[:3, :3] @ np.array([0, -1.0, 0])).astype(np.float32)
    return Scene(
        name="exo_two_hands",
        subject=person.subject if present else -1,
        mesh=in_view(Mesh.merge(meshes)) if meshes else Mesh.of(np.zeros((0, 3)), np.zeros((0, 3))),
        look=Look(person, int(rng.integers(1 << 30))),
        lights=sample_lights(rng, up),
        backdrop=sample_backdrop(rng, to_camera),
        depth_camera=Camera(SR300_DEPTH, np.eye(4)),
        color_camera=sample_color_camera(rng),
        sensor=SR300(),
        joints=placed_joints(person, posture, to_camera) if present else {},
        gloved=gloved,
        hands=hands,
        states=dict.fromkeys(hands, "none"),
    )


def sample_person(rng: np.random.Generator, split: str) -> Person:
    """One of the split's subjects in one of their sessions.

    Raises:
        ValueError: for an unknown split.
    """
    if split not in SUBJECTS:
        raise ValueError(f"unknown split {split!r}, expected one of {', '.join(SUBJECTS)}")
    subject = int(rng.choice(SUBJECTS[split]))
    return Person.of(subject, int(rng.integers(SESSIONS)))


def person_meshes(person: Person, posture: Posture, rng: np.random.Generator) -> list[Mesh]:
    """Body and upper arms in the person frame; hands with their forearms come from `placed_hands`."""
    meshes = person.figure(posture.body, posture.spine, posture.arms, rng)
    if legs_in_view(person, posture):
        meshes += person.legs(posture.body, rng)
    return meshes


def placed_hands(person: Person, posture: Posture, to_camera: np.ndarray, gloved: bool) -> dict[str, PlacedHand]:
    """The posture's hands with their forearms, in the depth camera's coordinates."""
    model, hands = hand_model(person.hand), {}
    for side, arm in posture.arms.items():
        wrist = posture.wrists[side]
        elbow, wrist = to_camera[:3, :3] @ arm.elbow + to_camera[:3, 3], to_camera @ wrist
        mesh = dressed(model.posed(posture.hands[side], wrist, side, elbow), side, gloved)
        hands[side] = PlacedHand(model, posture.hands[side], wrist, elbow, mesh)
    return hands


def placed_joints(person: Person, posture: Posture, to_camera: np.ndarray) -> dict[str, np.ndarray]:
    """(21, 3) float32 joints of each of the posture's hands, in the depth camera's coordinates."""
    model = hand_model(person.hand)
    return {
        side: moved(model.joints(posture.hands[side], posture.wrists[side], side), to_camera) for side in posture.arms
    }


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
