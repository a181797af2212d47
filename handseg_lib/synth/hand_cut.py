"""A hand cut off at the wrist: what amodal masks show of it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from handseg_lib.data.labels import Label
from handseg_lib.synth.mesh import Mesh

HANDS = (Label.LEFT_HAND, Label.RIGHT_HAND)


def cut_at_wrist(mesh: Mesh) -> Mesh:
    """The hand's faces, those that straddle the wrist cut along it exactly; open at the wrist, no forearm.

    Args:
        mesh: a posed hand with its forearm; faces on both sides of the wrist (rest coordinate y = 0) may have any
            label of that hand or arm.
    """
    y = mesh.rest[:, 1][mesh.faces]
    above = y > 0
    whole = np.flatnonzero(above.all(axis=1) & np.isin(mesh.labels, HANDS))
    pieces = [mesh.faces[whole]]
    owner = [whole]
    cut = np.flatnonzero(above.any(axis=1) & ~above.all(axis=1))
    made, share = np.zeros((0, 2), np.int64), np.zeros(0, np.float32)  # new vertices: on these edges, so far along
    for face in cut:
        corners, up = mesh.faces[face], above[face]
        first = int(np.argmax(up) if up.sum() == 1 else np.argmin(up))  # the corner that is alone on its side
        a, b, c = (int(corners[(first + k) % 3]) for k in range(3))
        number = len(mesh.vertices) + len(made)
        made = np.concatenate([made, [[a, b], [a, c]]])
        share = np.concatenate([share, [_crossing(mesh, a, b), _crossing(mesh, a, c)]])
        ab, ac = number, number + 1
        new = [[a, ab, ac]] if up.sum() == 1 else [[ab, b, c], [ab, c, ac]]
        pieces.append(np.array(new, np.int32))
        owner.append(np.full(len(new), face))
    faces, of = np.concatenate(pieces).astype(np.int32), np.concatenate(owner)
    grown = {name: _with(getattr(mesh, name), made, share) for name in ("vertices", "rest", "rest_normals", "frames")}
    hand = mesh.labels[whole][0] if len(whole) else np.uint8(0)
    labels = np.full(len(faces), hand, np.uint8)
    return replace(mesh, faces=faces, labels=labels, parts=mesh.parts[of], material=mesh.material[of], **grown)


def _crossing(mesh: Mesh, a: int, b: int) -> np.float32:
    """How far along the edge from vertex a to vertex b the wrist lies, in [0, 1]."""
    first, second = mesh.rest[a, 1], mesh.rest[b, 1]
    return np.float32(first / (first - second))


def _with(values: NDArray, edges: NDArray[np.int64], share: NDArray[np.float32]) -> NDArray:
    """Vertex data with that of new vertices on edges appended."""
    t = share.reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
    return np.concatenate([values, values[edges[:, 0]] * (1 - t) + values[edges[:, 1]] * t])
