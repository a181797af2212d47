"""Frames that HandSeg's network was not trained for, as in its Figure 7: two people, a held cup, a hand on the body.

What they show is as exact as in the other scenes. They belong to no set that anything is trained on.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.synth.grasp.holding import reach
from handseg_lib.synth.hand import hand_model
from handseg_lib.synth.hand.poses import HandPose
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.appearance import Look
from handseg_lib.synth.people.person import Person
from handseg_lib.synth.people.posture import Posture, Spine, place_arm, sample_body, sample_camera
from handseg_lib.synth.render import Camera
from handseg_lib.synth.scene import Scene, in_view, sample_backdrop, sample_color_camera, sample_lights
from handseg_lib.synth.scenes.exo_hand_object import exo_hand_object
from handseg_lib.synth.scenes.exo_two_hands import person_meshes, placed_hands, placed_joints, sample_person
from handseg_lib.synth.sensors import SR300
from handseg_lib.synth.world import Frame, render

TRIES = 60

APART = 0.30
"""Metres that each of two people stands to the side of the other's middle."""

CLOTH = 0.022
"""Metres from the trunk to the joints of a hand that lies on it: half the hand and the shirt."""


def two_people(rng: np.random.Generator, split: str = "test") -> Scene:
    """Two people side by side, each with at least one hand raised.

    There are two left and two right hands: `hands` and `joints`, which know one of each side, are empty. Both people
    have the first one's clothes and skin, which a depth camera hardly sees.
    """
    people: list[Person] = []
    meshes: list[Mesh] = []
    for side in (-1, 1):
        person = sample_person(rng, split)
        while any(other.subject == person.subject for other in people):
            person = sample_person(rng, split)
        posture = _raised(rng, person)
        to_camera = np.linalg.inv(posture.camera)
        aside = np.eye(4)
        aside[:3, 3] = (side * APART, 0.0, rng.uniform(0.0, 0.12))
        to_camera = aside @ to_camera
        hands = placed_hands(person, posture, to_camera, gloved=False)
        meshes += [m.transformed(to_camera) for m in person_meshes(person, posture, rng)]
        meshes += [hand.mesh for hand in hands.values()]
        people.append(person)
    return _scene(rng, "hard_two_people", people[0], meshes, to_camera)


def held_cup(rng: np.random.Generator, split: str = "test") -> Scene:
    """A person holds a mug or a cup."""
    return replace(exo_hand_object(rng, split, kinds=("mug", "cup")), name="hard_held_cup")


def hand_on_body(rng: np.random.Generator, split: str = "test") -> Scene:
    """One hand lies flat on chest or belly.

    Raises:
        RuntimeError: if no arm of this person gets there in many attempts.
    """
    person = sample_person(rng, split)
    for _ in range(TRIES):
        side = str(rng.choice(["left", "right"]))
        posture = _upright(rng, person)
        if not _lay(rng, person, posture, side):
            continue
        to_camera = np.linalg.inv(posture.camera)
        hands = placed_hands(person, posture, to_camera, gloved=False)
        middle = hands[side].mesh.vertices.mean(axis=0)
        if abs(middle[0]) > 0.3 * middle[2] or abs(middle[1]) > 0.25 * middle[2]:
            continue  # not in the middle of the picture
        meshes = [m.transformed(to_camera) for m in person_meshes(person, posture, rng)]
        scene = _scene(rng, "hard_hand_on_body", person, [*meshes, *(h.mesh for h in hands.values())], to_camera)
        joints = placed_joints(person, posture, to_camera)
        return replace(scene, hands=hands, joints=joints, states=dict.fromkeys(hands, "none") | {side: "self"})
    raise RuntimeError(
        f"no hand of subject {person.subject} was laid on the body in {TRIES} attempts; try another seed"
    )


HARD: dict[str, Callable[[np.random.Generator, str], Scene]] = {
    "two people": two_people,
    "a held cup": held_cup,
    "a hand on the body": hand_on_body,
}
"""The three kinds of Figure 7, in its order."""


def hard_frame(kind: str, seed: int = 0, size: tuple[int, int] | None = None, split: str = "test") -> Frame:
    """Render one difficult frame.

    Args:
        kind: a name of `HARD`.
        seed: which frame of this kind.
        size: (height, width) in pixels; default: the sensor's, 480x640.
        split: whose subjects appear.
    """
    rng = np.random.default_rng([*kind.encode(), seed])
    scene = HARD[kind](rng, split)
    return render(scene, f"{scene.name}/{split}/0/{seed}", rng, size)


def _upright(rng: np.random.Generator, person: Person) -> Posture:
    """Somebody upright before the camera, without arms yet."""
    body = sample_body(rng, "upright")
    spine = Spine(person.shape, body)
    return Posture(body, sample_camera(rng, "upright", spine, person.shape.scale), spine)


def _raised(rng: np.random.Generator, person: Person) -> Posture:
    """Somebody who raises one hand or both."""
    other = str(rng.choice(["raised", "rest"]))
    for _ in range(TRIES):
        posture, model = _upright(rng, person), hand_model(person.hand)
        first, second = (str(side) for side in rng.permutation(["left", "right"]))
        if place_arm(rng, posture, person, model, first, "raised", SR300_DEPTH):
            place_arm(rng, posture, person, model, second, other, SR300_DEPTH)
            return posture
    return posture


def _lay(rng: np.random.Generator, person: Person, posture: Posture, side: str) -> bool:
    """Lay a flat hand on the front of the trunk and let the other arm rest; whether that is possible."""
    wrist = _flat(rng, person, posture, side)
    arm = None if wrist is None else reach(person, posture, side, wrist)
    if arm is None:
        return False
    posture.arms[side], lift = arm
    posture.body = replace(posture.body, **{f"raise_{side}": lift})
    posture.wrists[side], posture.hands[side] = wrist, HandPose()
    other = "right" if side == "left" else "left"
    place_arm(rng, posture, person, hand_model(person.hand), other, "rest", SR300_DEPTH)
    return True


def _flat(rng: np.random.Generator, person: Person, posture: Posture, side: str) -> NDArray[np.float64] | None:
    """(4, 4) frame of a hand on the trunk: palm to the body, fingers across it and a little up; None if it misses."""
    sign, scale = (1.0 if side == "left" else -1.0), person.shape.scale
    at, turned = posture.spine.at(np.array([rng.uniform(0.16, 0.40) * scale]))
    across = np.radians(rng.uniform(5, 50))  # of the fingers above the horizontal
    fingers = np.array([-sign * np.cos(across), -np.sin(across), 0.0])
    palm = np.array([0.0, 0.0, 1.0])  # into the body: the spine's frame is x, down, back
    local = np.stack([np.cross(fingers, palm), fingers, palm], axis=1)
    frame = np.eye(4)
    frame[:3, :3] = turned[0].astype(np.float64) @ local
    joints = hand_model(person.hand).joints(HandPose(), side=side).astype(np.float64) @ frame[:3, :3].T
    start = sign * rng.uniform(0.06, 0.13) * scale
    for depth in np.arange(-0.32, 0.0, 0.004):  # from before the body towards it, until a joint touches
        place = at[0] + turned[0] @ np.array([start, 0.0, depth])
        if person.trunk.inside(*posture.spine.nearest(joints + place), CLOTH).any():
            return frame
        frame[:3, 3] = place
    return None


def _scene(
    rng: np.random.Generator, name: str, person: Person, meshes: list[Mesh], to_camera: NDArray[np.float64]
) -> Scene:
    """These meshes, in the depth camera's coordinates, before a far wall and under some lamps."""
    return Scene(
        name=name,
        subject=person.subject,
        mesh=in_view(Mesh.merge(meshes)),
        look=Look(person, int(rng.integers(1 << 30))),
        lights=sample_lights(rng, (to_camera[:3, :3] @ np.array([0, -1.0, 0])).astype(np.float32)),
        backdrop=sample_backdrop(rng, to_camera),
        depth_camera=Camera(SR300_DEPTH, np.eye(4)),
        color_camera=sample_color_camera(rng),
        sensor=SR300(),
        joints={},
        gloved=False,
    )
