"""A hand cut off at the wrist: what amodal masks show of it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from handseg_lib.data.labels import PARTS, Label
from handseg_lib.synth.mesh import Mesh

INSIDE = 1e-4
HANDS = (Label.LEFT_HAND, Label.RIGHT_HAND)


def cut_at_wrist(mesh: Mesh) -> Mesh:
    """The hand's faces, those that straddle the wrist cut along it exactly; no forearm, and palm where it was cut off.

    Args:
        mesh: a posed hand with its forearm; faces on both sides of the wrist (rest coordinate y = 0) may have any
            label of that hand or arm.
    """
    above = mesh.rest[:, 1][mesh.faces] > 0
    whole = np.flatnonzero(above.all(axis=1) & np.isin(mesh.labels, HANDS))
    hand = mesh.labels[whole][0] if len(whole) else np.uint8(0)
    pieces, parts, edges, loop = [mesh.faces[whole]], [mesh.parts[whole]], [], []
    for face in np.flatnonzero(above.any(axis=1) & ~above.all(axis=1)):
        corners, up = mesh.faces[face], above[face]
        alone = int(np.argmax(up) if up.sum() == 1 else np.argmin(up))  # the corner on its own side of the wrist
        a, b, c = (int(corners[(alone + k) % 3]) for k in range(3))
        ab = len(mesh.vertices) + len(edges)
        ac = ab + 1
        edges += [(a, b), (a, c)]
        pieces.append(np.array([[a, ab, ac]] if up.sum() == 1 else [[ab, b, c], [ab, c, ac]], np.int32))
        parts.append(np.full(len(pieces[-1]), mesh.parts[face]))
        loop.append((ac, ab) if up.sum() == 1 else (ab, ac))  # the stump's edge, seen from the forearm
    ends, share = np.array(edges, np.int64).reshape(-1, 2), np.array([_crossing(mesh, a, b) for a, b in edges])
    grown = {name: _with(getattr(mesh, name), ends, share) for name in ("vertices", "rest", "rest_normals", "frames")}
    whole_hand = replace(
        mesh,
        faces=np.concatenate(pieces).astype(np.int32),
        labels=np.full(sum(map(len, pieces)), hand),
        parts=np.concatenate(parts).astype(np.uint8),
        material=np.zeros(sum(map(len, pieces)), np.int32),
        **grown,
    )
    return Mesh.merge([whole_hand, _stump(whole_hand, np.array(loop))]) if loop else whole_hand


def _stump(hand: Mesh, loop: NDArray[np.int64]) -> Mesh:
    """The flat face that closes a cut hand: a fan over the cut's edges, palm throughout."""
    rim = hand.vertices[loop.ravel()]
    middle = rim.mean(axis=0, dtype=np.float64).astype(np.float32)
    count = len(rim)
    faces = np.concatenate([np.arange(count).reshape(-1, 2), np.full((count // 2, 1), count)], axis=1)
    fan = Mesh.of(np.concatenate([rim, middle[None]]), faces, int(hand.labels[0]))
    inside = np.array([0, INSIDE, 0], np.float32)  # on the hand's side of the wrist, where pixels count as hand
    parts = np.full(len(faces), len(PARTS) - 1, np.uint8)
    return replace(fan, parts=parts, rest=np.broadcast_to(inside, fan.rest.shape).copy())


def _crossing(mesh: Mesh, a: int, b: int) -> np.float32:
    """How far along the edge from vertex a to vertex b the wrist lies, in [0, 1]."""
    first, second = mesh.rest[a, 1], mesh.rest[b, 1]
    return np.float32(first / (first - second))


def _with(values: NDArray, edges: NDArray[np.int64], share: NDArray[np.float32]) -> NDArray:
    """Vertex data with that of new vertices on edges appended."""
    t = share.astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    return np.concatenate([values, values[edges[:, 0]] * (1 - t) + values[edges[:, 1]] * t])
