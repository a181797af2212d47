"""HandSeg's recording sessions (Section 4): one person in gloves, light and camera the same from frame to frame."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.synth.hand import HandModel, hand_model
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.appearance import Look
from handseg_lib.synth.people.body import BodyPose, Spine, rotation
from handseg_lib.synth.people.person import SESSIONS, SUBJECTS, Person, Surface
from handseg_lib.synth.people.posture import SIDES, Posture, place_arm
from handseg_lib.synth.render import Camera
from handseg_lib.synth.rooms import props
from handseg_lib.synth.scene import Scene, in_view, moved, room_lights, sample_backdrop, sample_color_camera
from handseg_lib.synth.scenes.exo_two_hands import person_meshes, placed_hands, placed_joints
from handseg_lib.synth.sensors import SR300
from handseg_lib.synth.sensors.rgb_camera import RgbCamera
from handseg_lib.synth.shading import Backdrop, Lights

ROLES = {("raised", "raised"): 0.62, ("raised", "rest"): 0.17, ("rest", "raised"): 0.17, ("rest", "rest"): 0.04}
"""What the left and the right arm do, and how often."""


@dataclass(frozen=True)
class GloveSession:
    """What does not change while one person is recorded.

    Attributes:
        person: subject, clothes and gloves of the session.
        camera: (4, 4) depth camera to person frame.
        look: all colours.
        lights, backdrop: in the depth camera's coordinates.
        color_camera, color_sensor: as mounted and set.
        furniture: a chair, or nothing, in the depth camera's coordinates.
    """

    person: Person
    camera: NDArray[np.float64]
    look: Look
    lights: Lights
    backdrop: Backdrop
    color_camera: Camera
    color_sensor: RgbCamera
    furniture: tuple[Mesh, ...]

    def scene(self, index: int) -> Scene:
        """Frame `index` of the recording: the person moves arms, hands and, a little, the trunk.

        Raises:
            ValueError: for a negative index.
        """
        if index < 0:
            raise ValueError(f"frames of a session are counted from 0, found {index}")
        person = self.person
        rng = np.random.default_rng([831, person.subject, person.session, index])
        posture = self._posture(rng)
        to_camera = np.linalg.inv(self.camera)
        body = [m.transformed(to_camera) for m in person_meshes(person, posture, rng)]
        hands = placed_hands(person, posture, to_camera, gloved=True)
        joints = placed_joints(person, posture, to_camera)
        return self.staged([*body, *(hand.mesh for hand in hands.values())], hands=hands, joints=joints,
                           subject=person.subject, states=dict.fromkeys(hands, "none"))  # fmt: skip

    def staged(self, meshes: list[Mesh], furnished: bool = True, **facts: object) -> Scene:
        """The session's room with some meshes in it, given in the depth camera's coordinates; `facts` as in `Scene`."""
        given: dict = {"name": "exo_gloves", "subject": -1, "joints": {}, **facts}
        return Scene(
            mesh=in_view(Mesh.merge([*meshes, *(self.furniture if furnished else ())])),
            look=self.look,
            lights=self.lights,
            backdrop=self.backdrop,
            depth_camera=Camera(SR300_DEPTH, np.eye(4)),
            color_camera=self.color_camera,
            sensor=SR300(),
            gloved=True,
            color_sensor=self.color_sensor,
            session=self.person.session,
            **given,
        )

    def _posture(self, rng: np.random.Generator) -> Posture:
        """Arms and trunk of one frame; drawn again while a hand that was meant to be shown is not in view."""
        for _ in range(6):
            lean, tilt, twist = rng.normal((0.05, 0, 0), (0.05, 0.04, 0.07))
            pitch, yaw, roll = rng.normal((0.08, 0, 0), (0.12, 0.15, 0.06))
            body = BodyPose(lean, tilt, twist, (pitch, yaw, roll), seated=True, knees=0.25)
            posture = Posture(body, self.camera, Spine(self.person.shape, body))
            roles = dict(zip(SIDES, list(ROLES)[rng.choice(len(ROLES), p=list(ROLES.values()))], strict=True))
            model = hand_model(self.person.hand)
            placed = {
                side: place_arm(rng, posture, self.person, model, side, roles[side], SR300_DEPTH)
                for side in map(str, rng.permutation(SIDES))
            }
            shown = [side for side in SIDES if roles[side] == "raised"]
            if all(placed[side] and self._in_view(model, posture, side) for side in shown):
                break
        return posture

    def _in_view(self, model: HandModel, posture: Posture, side: str) -> bool:
        """Whether the middle of the hand is well inside the image."""
        joints = model.joints(posture.hands[side], posture.wrists[side], side)
        points = moved(joints, np.linalg.inv(self.camera))
        x, y = SR300_DEPTH.project(points.mean(axis=0))
        return 40 < x < SR300_DEPTH.width - 40 and 40 < y < SR300_DEPTH.height - 40


@lru_cache(maxsize=4)
def glove_session(subject: int, session: int) -> GloveSession:
    """One of the sessions in which a subject was recorded in gloves.

    Args:
        subject: 0..13.
        session: 0..7; camera, light, clothes and the gloves' colours are the session's.

    Raises:
        ValueError: for a subject or session that does not exist.
    """
    subjects = [s for some in SUBJECTS.values() for s in some]
    if subject not in subjects or session not in range(SESSIONS):
        raise ValueError(
            f"no glove session of subject {subject}, session {session}; there are subjects {min(subjects)} to "
            f"{max(subjects)} with sessions 0 to {SESSIONS - 1} each"
        )
    person = Person.of(subject, session)
    rng = np.random.default_rng([830, subject, session])
    camera = _sample_camera(rng, person)
    to_camera = np.linalg.inv(camera)
    furniture = props.chair(rng, Surface.CHAIR) if rng.random() < 0.7 else []
    return GloveSession(
        person,
        camera,
        Look(person, int(rng.integers(1 << 30))),
        room_lights(rng, to_camera),
        sample_backdrop(rng, to_camera),
        sample_color_camera(rng),
        RgbCamera(shot_noise=0.008, read_noise=0.002, defocus_px=0.5, vignette=0.06),
        tuple(mesh.transformed(to_camera) for mesh in furniture),
    )


def exo_gloves(rng: np.random.Generator, split: str = "train") -> Scene:
    """A frame of one of the glove sessions of the split's subjects.

    Raises:
        ValueError: for an unknown split.
    """
    if split not in SUBJECTS:
        raise ValueError(f"unknown split {split!r}, expected one of {', '.join(SUBJECTS)}")
    subject, session = int(rng.choice(SUBJECTS[split])), int(rng.integers(SESSIONS))
    return glove_session(subject, session).scene(int(rng.integers(1 << 30)))


def _sample_camera(rng: np.random.Generator, person: Person) -> NDArray[np.float64]:
    """(4, 4) pose in the person frame of a camera on a stand, level with the chest or a little above."""
    turn = (
        rotation("y", rng.normal(0, 0.18)) @ rotation("x", rng.normal(-0.05, 0.10)) @ rotation("z", rng.normal(0, 0.02))
    )
    target = np.array([rng.normal(0, 0.05), -rng.uniform(0.28, 0.44) * person.shape.scale, -0.08])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn, target - turn[:, 2] * rng.uniform(0.72, 0.98)
    return pose
