"""Things that lie about in a first-person scene, clear of hands, of what they hold and of each other."""

import numpy as np
from numpy.typing import NDArray

from handseg_lib.synth.ego.places import footprint, upright
from handseg_lib.synth.ego.work import Work
from handseg_lib.synth.objects import sample_object


def scatter(work: Work, count: int) -> None:
    """Stand things around, clear of hands, of what they hold and of each other."""
    kinds = [k for k in work.domain.around if k in work.kinds]
    if not kinds:
        return
    solid = occupied(work)
    discs: list[tuple[float, float, float]] = [
        (float(o.pose[0, 3]), float(o.pose[2, 3]), footprint(o.thing)) for o in work.objects if o.pose[1, 3] > -0.05
    ]
    x0, x1, z0, z1 = work.room.area
    for _ in range(count):
        thing = sample_object(str(work.rng.choice(kinds)), work.rng)
        size = footprint(thing)
        for _ in range(6):
            x, z = work.rng.uniform(x0, x1), z0 + (z1 - z0) * work.rng.beta(2.0, 1.3)
            on_furniture = any(a - size < x < b + size and c - size < z < d + size for a, b, c, d in work.room.taken)
            inside = x0 - 0.05 < x - size and x + size < x1 + 0.05 and z - size > z0 - 0.03 and z + size < z1 + 0.06
            if on_furniture or not inside or any(np.hypot(x - a, z - b) < size + r for a, b, r in discs):
                continue
            pose = upright(np.array([x, 0.0, z]), work.rng.uniform(0, 2 * np.pi))
            local = (solid - pose[:3, 3]) @ pose[:3, :3]
            near = np.abs(local).max(axis=1) < float(thing.extent.max()) + 0.02
            if near.any() and thing.distance(local[near].astype(np.float32)).min() < 0.008:
                continue
            discs.append((x, z, size))
            work.add(thing, pose)
            break


def occupied(work: Work) -> NDArray[np.float64]:
    """(N, 3) points of arms, hands and placed objects, thinned out."""
    clouds = [np.zeros((0, 3))]
    for side, hand in work.hands.items():
        clouds.append(work.stance.model.posed(hand.pose, hand.wrist, side, hand.elbow).vertices[::5])
        t = np.linspace(0, 1, 8)[:, None]
        clouds.append(hand.shoulder + (hand.elbow - hand.shoulder) * t)
    for o in work.objects:
        step = max(1, len(o.thing.mesh.vertices) // 400)
        clouds.append(o.thing.mesh.vertices[::step] @ o.pose[:3, :3].T + o.pose[:3, 3])
    return np.concatenate(clouds)
