"""InterSegHands' setting (DenseAttentionSeg, Section 3): hands and the object they hold, nearest to the camera.

A person holds an object out before an SR300 that looks at it from the front, from above or from a side. Hands and
object lie within 16 cm of depth and nothing is nearer, so that a fixed range of depth cuts them out. Objects mostly
have colours unlike skin, as a threshold in colour space asks for; a few come near it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.data.labels import Label
from handseg_lib.synth.ego.places import rough_wrist
from handseg_lib.synth.grasp import Grasp, grasp, placed_by
from handseg_lib.synth.grasp.holding import Holding, hold_in_one, hold_in_two
from handseg_lib.synth.hand import HandModel, hand_model
from handseg_lib.synth.hand.skin import skin_tone_of
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.objects import object_names, sample_object
from handseg_lib.synth.objects.thing import Grip, RigidObject
from handseg_lib.synth.people.appearance import Look
from handseg_lib.synth.people.body import BodyPose, Spine, rotation
from handseg_lib.synth.people.person import Person, Surface
from handseg_lib.synth.people.posture import Posture, place_arm
from handseg_lib.synth.render import Camera, Caster, cast
from handseg_lib.synth.rooms import props
from handseg_lib.synth.scene import (
    PlacedHand,
    PlacedObject,
    Scene,
    in_view,
    placed_meshes,
    room_lights,
    sample_backdrop,
    sample_color_camera,
)
from handseg_lib.synth.scenes.exo_two_hands import person_meshes, placed_hands, placed_joints, sample_person
from handseg_lib.synth.sensors import SR300
from handseg_lib.synth.sensors.rgb_camera import RgbCamera

RANGE = 0.16
"""Metres of depth in which hands and object lie (DenseAttentionSeg, Section 3)."""
BEHIND = RANGE + 0.01
"""Everything else is at least this much farther away than the nearest point of hand and object."""
NEAR_SKIN = 0.06
"""Share of objects that are deliberately painted like skin."""
BOTH = 0.3
"""Share of frames in which both hands shall hold the object."""
HELD = {("left",): Label.OBJECT_LEFT, ("right",): Label.OBJECT_RIGHT, ("left", "right"): Label.OBJECT_BOTH}
DEEPEST, GAP, APART = 0.004, 0.004, 0.07
"""Metres: how deep a finger may be in the object, between the skins of two hands, and between their grips."""
BENT = ((0, 0), (0.05, 0), (0.1, 0), (0.06, 0.04), (0.1, 0.05), (0.12, 0.03))
STIFF = np.array([[x, y, z] for x in (-0.03, 0.0, 0.03) for y, z in BENT])
"""(18, 3) points of a palm and of fingers bent before it, in a hand's frame, metres."""
CLEARANCE = 0.03
"""Metres between such points of two hands, at least, where both are to hold one object."""
LIMP = ("cloth", "rope")
"""Kinds that hang down from the hand that holds them."""
HAND_SEEN, HANDS_SEEN, OBJECT_SEEN = 0.008, 0.02, 0.006
"""Shares of the image that each hand, all hands that hold, and the object cover at least."""
ATTEMPTS, TWO_ATTEMPTS, PLACES, VIEWS = 200, 24, (0, 8, 5), 60
"""Objects tried, those of them for two hands, places tried for no, one and two hands, and cameras tried for each."""
SPREAD, SPARSE, CELL, FILLED = 600, 7, 20, (1.7, 1.3)
"""Points spread over an object; one in so many serves for the first test of a view; pixels of a coarse cell's side;
how much larger objects and hands seem in such cells."""


def exo_hand_object(rng: np.random.Generator, split: str = "train", kinds: Sequence[str] | None = None) -> Scene:
    """One or two hands hold an object before the camera.

    Args:
        rng: decides everything.
        split: whose subjects appear: "train", "val" or "test".
        kinds: object kinds to choose from; default: the split's own, which are the same in all three.

    Raises:
        ValueError: for an unknown split or kind.
        RuntimeError: if none of the kinds can be held before a camera.
    """
    person = sample_person(rng, split)
    names = tuple(kinds) if kinds is not None else object_names(split)
    two = bool(rng.random() < BOTH)
    for attempt in range(ATTEMPTS):
        two = two and attempt < TWO_ATTEMPTS
        thing = sample_object(names[int(rng.integers(len(names)))], rng)
        scene = _staged(rng, person, painted(rng, thing, person), two)
        if scene is not None:
            return scene
    raise RuntimeError(f"no hold was found in {ATTEMPTS} attempts with objects {', '.join(names)}; try another seed")


def exo_hand_object_unseen(rng: np.random.Generator, split: str = "train") -> Scene:
    """The same with the kinds of objects that training never shows, for the figure on generalisation."""
    return replace(exo_hand_object(rng, split, object_names("held_out")), name="exo_hand_object_unseen")


def painted(rng: np.random.Generator, thing: RigidObject, person: Person) -> RigidObject:
    """The object in colours that a threshold tells from the person's skin; a few, on purpose, in colours near it."""
    tone = skin_tone_of(person.subject)
    if rng.random() < NEAR_SKIN:
        near = tuple(float(v) for v in np.clip(tone * rng.normal(1, 0.06, 3), 0.02, 0.9))
        return replace(thing, materials=tuple(replace(m, albedo=near, second=near) for m in thing.materials))
    changed = tuple(
        replace(m, albedo=m.albedo[::-1], second=m.second[::-1]) if like_skin(m.albedo, tone) else m
        for m in thing.materials
    )
    return replace(thing, materials=changed)


def like_skin(albedo: Sequence[float], tone: NDArray[np.float64]) -> bool:
    """Whether a colour has about the hue and saturation of a skin tone; its brightness does not matter."""
    a, b = (np.asarray(v, np.float64) / max(sum(v), 1e-6) for v in (albedo, tone.tolist()))
    return bool(np.abs(a - b).sum() < 0.14)


def _staged(rng: np.random.Generator, person: Person, thing: RigidObject, two: bool) -> Scene | None:
    """One grasp of the object, tried in a few places; None where body, arms, object and camera cannot agree."""
    model = hand_model(person.hand)
    grasps = sample_grasps(rng, model, thing, two)
    for _ in range(PLACES[len(grasps)]):
        posture = sample_posture(rng, person)
        if len(grasps) == 2:
            holding = hold_in_two(rng, person, posture, thing, grasps)
        else:
            upright = bool(rng.random() < 0.6) or thing.kind in LIMP
            holding = hold_in_one(rng, person, posture, thing, *grasps.values(), upright=upright)
        if holding is None or (thing.kind in LIMP and holding.pose[1, 1] < 0.75):
            continue
        holding.join(posture)
        cloud, owner = held_points(holding, model)
        camera = sample_view(rng, person, posture, holding, cloud, owner)
        if camera is None:
            continue
        posture.camera = camera
        if _other_arm(rng, person, model, posture, holding, cloud):
            scene = _assembled(rng, person, posture, holding, cloud)
            if scene is not None:
                return scene
    return None


def sample_posture(rng: np.random.Generator, person: Person) -> Posture:
    """Somebody who sits or stands upright and looks at their hands; the camera comes later and is far away."""
    lean, tilt, twist = rng.normal((0.08, 0, 0), (0.08, 0.06, 0.10))
    pitch, yaw, roll = rng.normal((0.22, 0, 0), (0.14, 0.2, 0.08))
    seated, knees = bool(rng.random() < 0.6), float(rng.uniform(0.1, 0.4))
    body = BodyPose(lean, tilt, twist, (pitch, yaw, roll), seated=seated, knees=knees)
    camera = np.eye(4)
    camera[2, 3] = -3.0
    return Posture(body, camera, Spine(person.shape, body))


def sample_grasps(rng: np.random.Generator, model: HandModel, thing: RigidObject, two: bool) -> dict[str, Grasp]:
    """A hand or two on the object by side; empty where the grasps are not good enough.

    Args:
        rng: decides everything.
        model: whose hands.
        thing: what is held.
        two: whether both hands shall hold it; an object without room for both is refused.
    """
    single = [grip for grip in thing.grips if grip.hands == 1]
    pairs = [(g, thing.grips[g.partner]) for i, g in enumerate(thing.grips) if g.hands == 2 and i < (g.partner or 0)]
    if two and (not pairs or rng.random() < 0.4):  # any two grips with room for both hands
        pairs += [(a, b) for a in single for b in single if np.linalg.norm(a.centre - b.centre) > APART]
    pairs = [pair for pair in pairs if room_for_both(*pair)]
    if two and not pairs:
        return {}
    if pairs and (two or not single):
        grips = dict(zip(("right", "left"), pairs[int(rng.integers(len(pairs)))], strict=True))
    else:
        grips = {str(rng.choice(["left", "right"])): single[int(rng.integers(len(single)))]}
    grasps = {}
    for side, grip in grips.items():
        grasps[side] = grasp(rng, model, thing, side, grip)
        if grasps[side].penetration > DEEPEST or not grasps[side].touching:
            return {}
    return grasps if len(grasps) < 2 or hands_apart(model, grasps) else {}


def room_for_both(right: Grip, left: Grip) -> bool:
    """Whether two hands that take two grips about keep off each other, told from stiff ones."""
    palms = []
    for side, grip in (("right", right), ("left", left)):
        wrist = rough_wrist(grip, side)
        palms.append(placed_by(wrist, side, STIFF))
    return bool(np.linalg.norm(palms[0][:, None] - palms[1], axis=-1).min() > CLEARANCE)


def hands_apart(model: HandModel, grasps: dict[str, Grasp]) -> bool:
    """Whether two hands on one object keep off each other: no vertex comes as near as the mesh is fine."""
    left, right = (model.posed(grasps[side].pose, grasps[side].wrist, side) for side in ("left", "right"))
    points = [mesh.vertices[mesh.rest[:, 1] > -0.03].astype(np.float64) for mesh in (left, right)]
    return bool(cKDTree(points[0]).query(points[1], distance_upper_bound=GAP)[0].min() > GAP)


def held_points(holding: Holding, model: HandModel) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(N, 3) points all over the object and the hands that hold it, in the person frame, and (N,) whose they are.

    Owners are 0 for the object and 1, 2 for the hands. Large faces of the object have points in their midst as well.
    """
    mesh = holding.thing.mesh
    vertices = np.concatenate([mesh.vertices, spread_over(mesh)]).astype(np.float64)
    clouds = [(vertices[:, None] * holding.pose[:3, :3]).sum(-1) + holding.pose[:3, 3]]
    for side, one in holding.grasps.items():
        hand = model.posed(one.pose, holding.wrist(side), side)
        clouds.append(hand.vertices[hand.rest[:, 1] > 0].astype(np.float64))
    return np.concatenate(clouds), np.repeat(np.arange(len(clouds)), [len(c) for c in clouds])


def spread_over(mesh: Mesh) -> NDArray[np.float64]:
    """(SPREAD, 3) points evenly over a mesh's surface, always the same."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(np.float64) for k in range(3))
    across = np.cross(b - a, c - a)
    area = np.sqrt(across[:, 0] ** 2 + across[:, 1] ** 2 + across[:, 2] ** 2).cumsum()
    draw = np.random.default_rng(0).random((3, SPREAD))
    face = np.minimum(np.searchsorted(area, draw[0] * area[-1]), len(area) - 1)
    u, v = np.where(draw[1] + draw[2] > 1, 1 - draw[1:], draw[1:])[..., None]
    return a[face] + u * (b - a)[face] + v * (c - a)[face]


def sample_view(
    rng: np.random.Generator,
    person: Person,
    posture: Posture,
    holding: Holding,
    cloud: NDArray[np.float64],
    owner: NDArray[np.int64],
) -> NDArray[np.float64] | None:
    """(4, 4) pose in the person frame of a camera to which hands and object are nearest, within `RANGE` of depth.

    Cheap tests come first: how deep they are in a direction, then what else is near, then what hides what.
    """
    middle = (cloud.min(axis=0) + cloud.max(axis=0)) / 2
    body, some = _body_points(person, posture), cloud[::SPARSE] - middle
    draws = rng.normal((0, 0.25, 0), (0.75, 0.40, 0.12), (VIEWS, 3))
    shares = rng.random((VIEWS, 3))
    for (azimuth, elevation, roll), share in zip(draws, shares, strict=True):
        turn = rotation("y", azimuth) @ rotation("x", -elevation) @ rotation("z", roll)
        ahead = turn[:, 2]
        along = (some * ahead).sum(1)
        if np.ptp(along) > RANGE - 0.008 or ahead[2] < 0.1:
            continue
        distance = max(0.30 + 0.18 * share[0], 0.24 - along.min())
        shift = 0.24 * (share[1:] - 0.5) * distance
        pose = np.eye(4)
        pose[:3, :3] = turn
        pose[:3, 3] = middle - ahead * distance + turn[:, :2] @ shift
        if _shows(pose, cloud, owner, body, holding):
            return pose
    return None


def _shows(pose: NDArray, cloud: NDArray, owner: NDArray, body: NDArray, holding: Holding) -> bool:
    """Whether most of hands and object is in the image, each in sight, and nothing else of the person is as near."""
    elbows = np.array([arm.elbow for arm in holding.arms.values()])
    others = ((body - pose[:3, 3]) @ pose[:3, 2]).min(), ((elbows - pose[:3, 3]) @ pose[:3, 2]).min()
    if not _before_others(pose, cloud[::SPARSE], *others)[0]:  # most fail here, on few points
        return False
    fits, pixels, depth = _before_others(pose, cloud, *others)
    inside = _inside(pixels)
    return fits and _in_sight(pixels[inside], depth[inside], owner[inside])


def _before_others(pose: NDArray, cloud: NDArray, body: float, elbow: float) -> tuple[bool, NDArray, NDArray]:
    """Whether points are before a body and elbows at these depths, within `RANGE` and mostly in the image; their
    pixels and depths."""
    offset = cloud - pose[:3, 3]
    seen = sum(offset[:, k, None] * pose[k, :3] for k in range(3))
    depth, pixels = seen[:, 2], SR300_DEPTH.project(seen)
    low = depth.min()
    fits = depth.max() - low <= RANGE - 0.004 and body >= low + BEHIND + 0.02 and elbow > low + 0.06
    return bool(fits and _inside(pixels).mean() >= 0.85), pixels, depth


def _inside(pixels: NDArray) -> NDArray[np.bool_]:
    """Which pixels lie in the depth camera's image."""
    return (pixels > 4).all(axis=1) & (pixels < (636, 476)).all(axis=1)


def _in_sight(pixels: NDArray, depth: NDArray, owner: NDArray) -> bool:
    """Whether each hand and the object have cells of a coarse image in which their points are the nearest."""
    cells = (pixels // CELL).astype(np.int64)
    cell = cells[:, 1] * (640 // CELL) + cells[:, 0]
    order = np.lexsort((depth, cell))
    first = np.flatnonzero(np.diff(cell[order], prepend=-1))
    share = np.bincount(owner[order[first]], minlength=owner.max() + 1) * CELL**2 / (640 * 480)
    hands = share[1:] / FILLED[1]
    return bool(share[0] / FILLED[0] > OBJECT_SEEN and hands.min() > HAND_SEEN and hands.sum() > HANDS_SEEN)


def _body_points(person: Person, posture: Posture) -> NDArray[np.float64]:
    """(N, 3) points about trunk, head and shoulders that the camera must not have before the hands."""
    points, frames = posture.spine.at(np.linspace(0.0, 0.62, 9) * person.shape.scale)
    around = np.array([[0, 0, -0.15], [0.16, 0, -0.10], [-0.16, 0, -0.10]]) * person.shape.girth
    trunk = points[:, None] + np.einsum("nij,kj->nki", frames, around)
    head = person.head_frame(posture.body, posture.spine)[:3] @ np.array([0, -0.06, -0.12, 1])
    arms = [arm.shoulder + (arm.elbow - arm.shoulder) * 0.3 for arm in posture.arms.values()]
    return np.concatenate([trunk.reshape(-1, 3), head[None], *[a[None] for a in arms]])


def _other_arm(
    rng: np.random.Generator, person: Person, model: HandModel, posture: Posture, holding: Holding, cloud: NDArray
) -> bool:
    """Let the arm that holds nothing rest, behind everything that is held; False where it cannot."""
    near = ((cloud - posture.camera[:3, 3]) @ posture.camera[:3, 2]).min()
    (side,) = {"left", "right"} - set(holding.arms) or (None,)
    for _ in range(3 if side else 0):
        place_arm(rng, posture, person, model, side, "rest", SR300_DEPTH)
        joints = model.joints(posture.hands[side], posture.wrists[side], side).astype(np.float64)
        points = np.concatenate([joints, [posture.arms[side].elbow]])
        if ((points - posture.camera[:3, 3]) @ posture.camera[:3, 2]).min() > near + BEHIND + 0.03:
            return True
        del posture.arms[side], posture.wrists[side], posture.hands[side]
    return side is None


def _assembled(
    rng: np.random.Generator, person: Person, posture: Posture, holding: Holding, cloud: NDArray
) -> Scene | None:
    """All meshes in the camera's coordinates; None where clothes or furniture come too near, or too little is seen."""
    to_camera = np.linalg.inv(posture.camera)
    sides = tuple(side for side in ("left", "right") if side in holding.arms)
    held = PlacedObject(holding.thing, to_camera @ holding.pose, HELD[sides], sides)
    objects, extra = placed_meshes([held])
    hands = placed_hands(person, posture, to_camera, gloved=False)
    if not visible([hands[side] for side in sides], objects):
        return None
    behind = person_meshes(person, posture, rng)
    if rng.random() < 0.4:
        behind += props.chair(rng, Surface.CHAIR)
    behind = [mesh.transformed(to_camera) for mesh in behind]
    near = ((cloud - posture.camera[:3, 3]) @ posture.camera[:3, 2]).min()
    mesh = in_view(Mesh.merge([*behind, *objects, *(hand.mesh for hand in hands.values())]))
    if _nearest_of_others(mesh) < near + BEHIND:
        return None
    return Scene(
        name="exo_hand_object",
        subject=person.subject,
        mesh=mesh,
        look=Look(person, int(rng.integers(1 << 30)), extra),
        lights=room_lights(rng, to_camera),
        backdrop=sample_backdrop(rng, to_camera),
        depth_camera=Camera(SR300_DEPTH, np.eye(4)),
        color_camera=sample_color_camera(rng),
        sensor=SR300(),
        joints=placed_joints(person, posture, to_camera),
        gloved=False,
        objects=(held,),
        hands=hands,
        states={side: "portable" if side in sides else "none" for side in hands},
        color_sensor=RgbCamera.sample(rng, "webcam"),
        session=person.session,
    )


def visible(hands: Sequence[PlacedHand], objects: Sequence[Mesh]) -> bool:
    """Whether object and hands each cover some of the image when nothing else is there."""
    meshes = [*objects, *(hand.mesh for hand in hands)]
    labels = cast(Caster(Mesh.merge(meshes)), Camera(SR300_DEPTH.resized(96, 72), np.eye(4))).labels
    share = np.bincount(labels.ravel(), minlength=len(Label)) / labels.size
    of_hands = [share[label] for label in (Label.LEFT_HAND, Label.RIGHT_HAND) if share[label] > 0]
    if len(of_hands) < len(hands) or min(of_hands) < HAND_SEEN or sum(of_hands) < HANDS_SEEN:
        return False
    return bool(share[Label.OBJECT_LEFT : Label.OBJECT_BOTH + 1].sum() > OBJECT_SEEN)


def _nearest_of_others(mesh: Mesh) -> float:
    """Depth in metres of what is nearest in the image of all that is no hand, arm or held object."""
    other = mesh.vertices[np.unique(mesh.faces[mesh.labels == Label.BACKGROUND])]
    if not len(other):
        return np.inf
    x, y = SR300_DEPTH.project(np.maximum(other, (-9, -9, 0.05))).T
    seen = (x > -20) & (x < 660) & (y > -20) & (y < 500) & (other[:, 2] > 0.05)
    return float(other[seen, 2].min(initial=np.inf))
