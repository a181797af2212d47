"""Frames of the synthetic world: one call renders what the sensors see and every truth behind it."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from handseg_lib.camera import Intrinsics
from handseg_lib.data.sample import Sample
from handseg_lib.errors import DataError
from handseg_lib.synth.contact import contact_pixels, hand_body, thing_body
from handseg_lib.synth.hand.cut import cut_at_wrist
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.render import Camera, Caster, Truth, cast, view_rays
from handseg_lib.synth.scene import Scene
from handseg_lib.synth.scenes import SCENES
from handseg_lib.synth.sensors import SENSORS, DepthSensor
from handseg_lib.synth.sensors.rgb_camera import rgb_camera
from handseg_lib.synth.shading import Backdrop, shade, to_srgb

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Frame:
    """One frame with all its truth. Images in the depth camera's view are (H, W, ...), and so are those in the
    colour camera's own view, whose names start with `color_`. Truth images are rendered when first asked for.

    Attributes:
        id: `scene/split/seed/index`.
        scene: the world of this frame: meshes, lights, cameras, 21 joints of each hand.
        depth: (H, W) float32 metres as the sensor reports it, 0 = no reading.
        truth: the depth camera's exact view of the meshes (labels, parts, normals, depth ...).
    """

    id: str
    scene: Scene
    depth: NDArray[np.float32]
    truth: Truth

    @property
    def intrinsics(self) -> Intrinsics:
        """The depth camera at this size."""
        return self.truth.camera.intrinsics

    @property
    def labels(self) -> NDArray[np.uint8]:
        """(H, W) uint8 values of `Label` in the depth camera's view."""
        return self.truth.labels

    @property
    def parts(self) -> NDArray[np.uint8]:
        """(H, W) uint8 ids of `PARTS` of what is visible of either hand, 0 where no hand is; `labels` says which."""
        return self.truth.parts

    @cached_property
    def amodal(self) -> dict[str, NDArray[np.uint8]]:
        """Side -> (H, W) uint8 part ids of the whole hand, cut off at the wrist and alone: also what is hidden."""
        hands = self.scene.hands.items()
        return {side: alone(cut_at_wrist(hand.mesh), self.truth.camera).parts for side, hand in hands}

    @cached_property
    def contact(self) -> NDArray[np.bool_]:
        """(H, W) pixels of hands and objects that lie within 2 mm of what they touch: a hand of an object or of the
        other hand, an object of a hand. Empty where nothing is touched."""
        return contact_in(self.scene, self.truth)

    @cached_property
    def color_contact(self) -> NDArray[np.bool_]:
        """(H, W) the same in the colour camera's view."""
        return contact_in(self.scene, self.color_truth)

    @cached_property
    def joint_pixels(self) -> dict[str, NDArray[np.float32]]:
        """Side -> (21, 2) float32 pixel coordinates (x, y) of the hand's joints, NaN for joints behind the camera."""
        pixels = {}
        for side, joints in self.scene.joints.items():
            points = self.truth.camera.to_camera(joints)
            behind = points[:, 2] < 0.01
            points[behind, 2] = np.nan
            pixels[side] = self.intrinsics.project(points).astype(np.float32)
        return pixels

    @cached_property
    def clean_depth(self) -> NDArray[np.float32]:
        """(H, W) float32 metres, exact, the far wall included."""
        return with_backdrop(self.truth, self.scene.backdrop)

    @cached_property
    def color_truth(self) -> Truth:
        """The colour camera's exact view, at the same size."""
        if self.scene.one_camera:
            return self.truth
        height, width = self.depth.shape
        return cast(self.scene.caster, self.scene.color_camera.resized(width, height))

    @cached_property
    def color_rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, the photograph in the colour camera's own view."""
        light = self._light()
        if self.scene.color_sensor is None:
            return to_srgb(light)
        return rgb_camera(light, np.random.default_rng([824, *self.id.encode()]), self.scene.color_sensor)

    def _light(self) -> NDArray[np.float32]:
        """(H, W, 3) linear RGB of the colour camera's view, of finer pixels averaged where the scene asks for it."""
        camera = self.color_truth.camera
        height, width = self.depth.shape
        fine = -(-self.scene.fine_width // width)
        if fine < 2:
            return photograph(self.scene, self.color_truth)
        finer = cast(self.scene.caster, camera.resized(width * fine, height * fine))
        rows = photograph(self.scene, finer).reshape(height, fine, width, fine, 3)
        total = sum(rows[:, i, :, j] for i in range(fine) for j in range(fine))
        return total * np.float32(1 / fine**2)

    @property
    def color_labels(self) -> NDArray[np.uint8]:
        """(H, W) uint8 values of `Label` in the colour camera's view."""
        return self.color_truth.labels

    @cached_property
    def color_depth(self) -> NDArray[np.float32]:
        """(H, W) float32 metres, exact, in the colour camera's view, the far wall included."""
        return with_backdrop(self.color_truth, self.scene.backdrop)

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, the photograph brought into the depth camera's view through the exact depth."""
        if self.scene.one_camera:
            return self.color_rgb
        return aligned(self.color_rgb, self.clean_depth, self.truth.camera, self.color_truth.camera)

    def sample(self, rgb: bool = True) -> Sample:
        """The frame as data sets yield it."""
        return Sample(self.id, self.labels, self.depth, self.rgb if rgb else None, self.intrinsics)


def generator(scene: str, split: str, seed: int, index: int) -> np.random.Generator:
    """The random numbers of one frame: its own stream, whoever renders it and in whatever order.

    Raises:
        DataError: for an unknown scene or split, or negative numbers.
    """
    if scene not in SCENES or split not in SPLITS:
        raise DataError(
            f"no synthetic frames of scene {scene!r}, split {split!r}; "
            f"scenes: {', '.join(SCENES)}; splits: {', '.join(SPLITS)}"
        )
    if seed < 0 or index < 0:
        raise DataError(f"seed and index of a synthetic frame must not be negative, found {seed} and {index}")
    return np.random.default_rng([*scene.encode(), SPLITS.index(split), seed, index])


def frame(
    scene: str = "exo_two_hands",
    seed: int = 0,
    index: int = 0,
    split: str = "train",
    size: tuple[int, int] | None = None,
    sensor: str | None = None,
) -> Frame:
    """Render one frame of a scene.

    Args:
        scene: a name of `SCENES`.
        seed, index, split: which frame; the same ones as `data.synthetic` uses.
        size: (height, width) in pixels; default: the sensor's, 480x640 for the SR300.
        sensor: a name of `SENSORS`, "none" for exact depth; default: the scene's own.

    Raises:
        DataError: for an unknown scene or split, or a sensor that does not exist or does not suit the scene.
    """
    if sensor is not None and sensor not in SENSORS:
        raise DataError(f"unknown sensor {sensor!r}, expected one of {', '.join(SENSORS)}")
    rng = generator(scene, split, seed, index)
    world = SCENES[scene](rng, split)
    return render(world, f"{scene}/{split}/{seed}/{index}", rng, size, sensor)


def render(
    scene: Scene,
    name: str,
    rng: np.random.Generator,
    size: tuple[int, int] | None = None,
    sensor: str | None = None,
) -> Frame:
    """What the sensors see of any scene.

    Args:
        scene: the world.
        name: the frame's id.
        rng: the noise of the depth sensor.
        size: (height, width) in pixels; default: the sensor's own.
        sensor: one of `scene.sensors`; default: the first of them.

    Raises:
        DataError: for a sensor that does not suit the scene.
    """
    sensor = scene.sensors[0] if sensor is None else sensor
    if sensor not in scene.sensors:
        raise DataError(
            f"scene {scene.name!r} has no use for sensor {sensor!r}, expected one of {', '.join(scene.sensors)}; "
            "without `sensor` the scene's own is used"
        )
    kind = SENSORS[sensor]
    camera = _camera_of(scene, kind)
    if size is None:
        size = (camera.intrinsics.height, camera.intrinsics.width)
    # What faces a camera further back is not quite what faces the scene's own.
    caster = scene.caster if kind.standoff else scene.depth_caster
    truth = cast(caster, camera.resized(size[1], size[0]))
    depth = with_backdrop(truth, scene.backdrop) if sensor == "none" else sense(scene, truth, rng, kind)
    return Frame(name, scene, depth, truth)


def _camera_of(scene: Scene, kind: DepthSensor) -> Camera:
    """The depth camera of a scene seen by a sensor: with the sensor's own pixels, and as far back as it needs to be."""
    camera = scene.depth_camera
    if kind.intrinsics is None or kind.name == "sr300":
        return camera
    back = np.eye(4)
    back[2, 3] = -kind.standoff
    return Camera(kind.intrinsics, camera.pose @ back)


def alone(mesh: Mesh, camera: Camera) -> Truth:
    """What a camera would see of one mesh if nothing else were there."""
    return cast(Caster(mesh), camera)


def contact_in(scene: Scene, truth: Truth) -> NDArray[np.bool_]:
    """(H, W) pixels of a view that show hands where they touch objects or each other, and objects where hands do."""
    hands = {side: hand_body(side, hand.mesh) for side, hand in scene.hands.items()}
    things = [thing_body(one.thing, one.pose, one.label) for one in scene.objects if one.held_by]
    pairs = [(hand, thing) for hand in hands.values() for thing in things]
    if len(hands) == 2:
        pairs.append((hands["left"], hands["right"]))
    return contact_pixels(truth, pairs)


def sense(scene: Scene, truth: Truth, rng: np.random.Generator, kind: DepthSensor) -> NDArray[np.float32]:
    """(H, W) float32 metres: what a depth sensor reports of an exact view."""
    depth, cosine, reflectance = truth.depth, truth.cosine, scene.look.infrared_image(truth)
    if scene.backdrop.distance < 1.3 * kind.far:  # a wall slanting away comes nearer than its distance
        wall, wall_cosine = backdrop_depth(scene.backdrop, truth.camera)
        seen = (depth == 0) & (wall < kind.far)
        depth = np.where(seen, wall, depth)
        cosine = np.where(seen, wall_cosine, cosine)
        reflectance = np.where(seen, np.float32(scene.backdrop.infrared), reflectance)
    if kind.name == "sr300":
        kind = replace(kind, parameters=scene.sensor)
    return kind.apply(depth, cosine, reflectance, truth.camera.intrinsics, rng)


def backdrop_depth(backdrop: Backdrop, camera: Camera) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(H, W) depth of the far wall in metres (infinite where it is not met), and the cosine at which it is met."""
    rotation, centre = camera.pose[:3, :3], camera.pose[:3, 3]
    normal = rotation.T @ backdrop.normal
    distance = backdrop.distance - float(backdrop.normal @ centre)
    return _wall(camera.intrinsics, tuple(normal.tolist()), distance)


@lru_cache(maxsize=4)
def _wall(camera: Intrinsics, normal: tuple[float, ...], distance: float) -> tuple[NDArray, NDArray]:
    """`backdrop_depth` of a plane in the camera's frame; kept, for a frame's images ask for it in turn; read-only."""
    rays = view_rays(camera).reshape(camera.height, camera.width, 3)
    x, y = rays[:1, :, 0] * np.float32(normal[0]), rays[:, :1, 1] * np.float32(normal[1])
    towards = x + (y + np.float32(normal[2]))
    depth = np.float32(distance) / np.maximum(towards, np.float32(1e-3))
    depth[towards <= 1e-3] = np.inf
    towards /= np.sqrt(rays[:1, :, 0] ** 2 + (rays[:, :1, 1] ** 2 + 1))
    cosine = np.clip(towards, 0, 1, out=towards)
    depth.flags.writeable = cosine.flags.writeable = False
    return depth, cosine


def with_backdrop(truth: Truth, backdrop: Backdrop) -> NDArray[np.float32]:
    """(H, W) exact depth in metres with the far wall where the mesh leaves it free, 0 where there is nothing."""
    wall, _ = backdrop_depth(backdrop, truth.camera)
    return np.where(truth.depth > 0, truth.depth, np.where((wall <= 0) | (wall > 15), np.float32(0), wall))


def photograph(scene: Scene, truth: Truth) -> NDArray[np.float32]:
    """(H, W, 3) linear RGB of a view: the shaded meshes before the lit wall."""
    _, cosine = backdrop_depth(scene.backdrop, truth.camera)
    lights = scene.lights
    colour = np.array(scene.backdrop.albedo, np.float32)
    towards = max(0.0, float(-(scene.backdrop.normal @ lights.key)))
    light = np.array(lights.key_colour, np.float32) * towards + np.array(lights.sky_colour, np.float32) * 0.65
    wall = colour * light * np.float32(lights.exposure)
    image = np.empty((*cosine.shape, 3), np.float32)
    flat = image.reshape(-1, 3)
    free = np.ones(len(flat), bool)
    free[truth.pixels] = False
    free = np.flatnonzero(free)
    falling = cosine.ravel().take(free) ** 2
    shaded = shade(truth, scene.caster, scene.look.finish(truth), lights)
    for channel in range(3):  # a column at a time: numpy is slow along short rows
        flat[free, channel] = falling * wall[channel]
        flat[truth.pixels, channel] = shaded[:, channel]
    return image


def aligned(
    rgb: NDArray[np.uint8], depth: NDArray[np.float32], depth_camera: Camera, color_camera: Camera
) -> NDArray[np.uint8]:
    """(H, W, 3) colours at the depth camera's pixels: each point is looked up where the colour camera sees it.

    Pixels without depth are black. What only the depth camera sees gets the colour of what hides it, as in the
    manufacturer's own alignment.
    """
    move = np.linalg.inv(color_camera.pose) @ depth_camera.pose
    matrix = move[:3]
    matrix = np.stack([*(color_camera.intrinsics.matrix @ matrix)[:2], matrix[2]]).astype(np.float32)
    rays = view_rays(depth_camera.intrinsics).reshape(*depth.shape, 3)
    across, down = rays[:1, :, 0], rays[:, :1, 1]
    u, v, z = (depth * (across * m[0] + (down * m[1] + m[2])) + m[3] for m in matrix)  # u and v times z
    nothing = depth <= 0
    z[nothing] = 1
    u /= z
    v /= z
    out = cv2.remap(rgb, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    out[nothing] = 0
    return out
