"""The truth of every kind of scene, computed a second way: painted triangles, planes, distances one by one."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest
from rasteriser import rasterise

from handseg_lib.data.labels import Label
from handseg_lib.synth.contact import CONTACT, contact_pixels, hand_body, thing_body
from handseg_lib.synth.scenes import SCENES
from handseg_lib.synth.world import frame

HAND = {"left": Label.LEFT_HAND, "right": Label.RIGHT_HAND}
ARM = {Label.LEFT_HAND: Label.LEFT_ARM, Label.RIGHT_HAND: Label.RIGHT_ARM}
KINDS = [kind for kind in SCENES if not kind.endswith(("_unseen", "_wild", "_unpaired"))]  # those change a setting only


@lru_cache(maxsize=64)
def shown(kind: str, index: int):
    return frame(kind, seed=31, index=index, split="val", size=(128, 128) if "amodal" in kind else (120, 160))


@lru_cache(maxsize=64)
def painted(kind: str, index: int):
    """The scene's mesh painted, and the labels and depth of what is in front."""
    one = shown(kind, index)
    mesh, camera = one.truth.mesh, one.truth.camera
    fragments = rasterise(camera.to_camera(mesh.vertices), mesh.faces, camera.intrinsics)
    nearest, depth = fragments.front(one.labels.size)
    labels = np.zeros(one.labels.size, np.uint8)
    seen = nearest >= 0
    labels[seen] = mesh.labels[fragments.face[nearest[seen]]]
    rest = along_hand(mesh, fragments)[nearest]
    for hand, arm in ARM.items():
        labels[(labels == hand) & (rest <= 0)] = arm
    return labels.reshape(one.labels.shape), np.where(seen, depth, 0).reshape(one.labels.shape)


@lru_cache(maxsize=64)
def painted_hand(kind: str, index: int, side: str):
    """One hand with its forearm, painted alone."""
    one = shown(kind, index)
    mesh = one.scene.hands[side].mesh
    return mesh, rasterise(one.truth.camera.to_camera(mesh.vertices), mesh.faces, one.intrinsics)


def along_hand(mesh, fragments) -> np.ndarray:
    """(N,) rest-pose coordinate along the hand at each fragment: positive on the hand's side of the wrist."""
    return (mesh.rest[:, 1].astype(float)[mesh.faces[fragments.face]] * fragments.weights).sum(axis=1)


def inner(image: np.ndarray) -> np.ndarray:
    """Pixels whose neighbours all have the same value: those away from every boundary."""
    image = image.astype(np.float32)
    kernel = np.ones((3, 3), np.uint8)
    return cv2.dilate(image, kernel) == cv2.erode(image, kernel)


every_frame = pytest.mark.parametrize(("kind", "index"), [(k, i) for k in KINDS for i in (1, 2)])


@every_frame
def test_painted_triangles_give_the_labels(kind, index):
    labels, _ = painted(kind, index)
    seen = shown(kind, index).labels
    away = inner(labels) & inner(seen)
    assert away.mean() > 0.5
    assert (labels == seen)[away].mean() > 0.9995  # two surfaces at the same depth may go either way
    assert (labels == seen).mean() > 0.985


@every_frame
def test_painted_triangles_give_the_depth(kind, index):
    _, depth = painted(kind, index)
    one = shown(kind, index)
    truth = one.truth.depth
    both = (depth > 0) & (truth > 0)
    assert ((depth > 0) == (truth > 0)).mean() > 0.99
    assert (np.abs(depth - truth)[both] < 2e-4 + 1e-4 * truth[both]).mean() > 0.985
    np.testing.assert_array_equal(one.clean_depth[truth > 0], truth[truth > 0])


@every_frame
def test_depth_is_where_the_ray_meets_the_plane_of_its_face(kind, index):
    truth = shown(kind, index).truth
    points = truth.camera.to_camera(truth.mesh.vertices).astype(np.float64)
    a, b, c = (points[truth.mesh.faces[truth.faces, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    rays = truth.camera.intrinsics.rays().reshape(-1, 3)[truth.pixels].astype(np.float64)
    towards, offset = (normal * rays).sum(axis=1), (normal * a).sum(axis=1)
    steep = np.abs(towards) > 0.02 * np.linalg.norm(normal, axis=1) * np.linalg.norm(rays, axis=1)
    assert steep.mean() > 0.9
    off = np.abs(truth.distance - offset / towards)[steep] / truth.distance[steep]
    assert (off < 2e-4).mean() > 0.999 and off.max() < 1e-3  # slivers of faces are known to fewer digits


@every_frame
def test_whole_hands_are_what_is_painted_of_the_hand_alone(kind, index):
    one = shown(kind, index)
    for side, whole in one.amodal.items():
        mesh, fragments = painted_hand(kind, index, side)
        nearest, _ = fragments.front(whole.size, along_hand(mesh, fragments) > 0)
        parts = np.zeros(whole.size, np.uint8)
        found = mesh.parts[fragments.face[nearest]]
        found[~fragments.front_side[nearest]] = 16  # the inside of the hand: here it was cut off
        parts[nearest >= 0] = np.where(found == 0, 16, found)[nearest >= 0]
        parts = parts.reshape(whole.shape)
        away = inner(parts) & inner(whole)
        assert (parts == whole)[away].mean() > 0.9995
        assert (parts == whole).mean() > 0.98


@every_frame
def test_whole_hands_contain_what_is_visible(kind, index):
    one = shown(kind, index)
    for side, whole in one.amodal.items():
        visible = one.labels == HAND[side]
        assert not (visible & (whole == 0) & inner(visible)).any()
        assert (visible & (whole == 0)).sum() <= 0.01 * visible.sum() + 1
        same = one.parts == whole
        assert same[visible].mean() > 0.98 if visible.any() else True


@every_frame
def test_joints_project_into_the_hand_and_lie_behind_its_skin(kind, index):
    one = shown(kind, index)
    assert set(one.joint_pixels) == set(one.scene.hands)
    height, width = one.labels.shape
    for side, whole in one.amodal.items():
        grown = cv2.dilate((whole > 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        x, y = np.rint(np.nan_to_num(one.joint_pixels[side], nan=-9)).astype(int).T
        framed = (x >= 1) & (x < width - 1) & (y >= 1) & (y < height - 1)
        assert grown[y[framed], x[framed]].all()
        _, fragments = painted_hand(kind, index, side)
        _, skin = fragments.front(whole.size)
        skin = cv2.erode(skin.reshape(whole.shape), np.ones((3, 3), np.uint8))  # the nearest of nine pixels
        behind = one.truth.camera.to_camera(one.scene.joints[side])[framed, 2] - skin[y[framed], x[framed]]
        assert (behind > -0.004).all()  # a fingertip's joint lies on the skin


@every_frame
def test_contact_is_where_surfaces_are_near_and_nowhere_else(kind, index):
    """Each contact pixel's point has a triangle of the other body within reach, and bodies moved apart have none."""
    one = shown(kind, index)
    bodies = {side: hand_body(side, hand.mesh) for side, hand in one.scene.hands.items()}
    things = [thing_body(o.thing, o.pose, o.label) for o in one.scene.objects if o.held_by]
    pairs = [(hand, thing) for hand in bodies.values() for thing in things]
    if len(bodies) == 2:
        pairs.append((bodies["left"], bodies["right"]))
    for first, second in pairs:
        mask = contact_pixels(one.truth, [(first, second)])
        touched = np.flatnonzero(mask.ravel()[one.truth.pixels])
        assert np.isin(one.truth.pixel_labels[touched], [*first.labels, *second.labels]).all()
        for at in touched[:: max(1, len(touched) // 8)]:
            other = second if one.truth.pixel_labels[at] in first.labels else first
            assert gap_to(one.truth.points[at].astype(float), other) < CONTACT + 6e-4
    clear = np.eye(4)
    clear[2, 3] = 5.0
    away = [
        (body, replace(hand_body(side, one.scene.hands[side].mesh.transformed(clear)), labels=()))
        for side, body in bodies.items()
    ]
    assert not contact_pixels(one.truth, away).any()


def gap_to(point: np.ndarray, body) -> float:
    """Distance from a point to the nearest of all triangles of a body; 0 inside a thing that knows its own distance."""
    if body.thing is not None:
        local = (point - body.pose[:3, 3]) @ body.pose[:3, :3]
        if body.thing.distance(local[None].astype(np.float32))[0] <= 0:
            return 0.0
    a, b, c = (body.vertices[body.faces[:, i]].astype(float) for i in range(3))
    u, v, w = b - a, c - a, point - a
    uu, uv, vv, wu, wv = ((p * q).sum(axis=1) for p, q in ((u, u), (u, v), (v, v), (w, u), (w, v)))
    det = np.maximum(uu * vv - uv * uv, 1e-30)
    s, t = (vv * wu - uv * wv) / det, (uu * wv - uv * wu) / det
    over = (s >= 0) & (t >= 0) & (s + t <= 1)
    best = np.linalg.norm(w - s[:, None] * u - t[:, None] * v, axis=1)[over].min(initial=np.inf)
    for p, q in ((a, b), (b, c), (c, a)):
        edge = q - p
        part = np.clip(((point - p) * edge).sum(axis=1) / np.maximum((edge * edge).sum(axis=1), 1e-30), 0, 1)
        best = min(best, np.linalg.norm(point - p - part[:, None] * edge, axis=1).min())
    return float(best)
