"""Objects: every kind's mesh and distance against slow independent computations, its grips, its place on the plane."""

import numpy as np
import pytest
import trimesh

from handseg_lib.synth.objects import HELD_OUT, OBJECT_KINDS, TRAIN_KINDS, Grip, object_names, sample_object
from handseg_lib.synth.objects.kinds import VARIANTS, model_of

KINDS = tuple(OBJECT_KINDS)


def sample(kind: str, seed: int = 0):
    return sample_object(kind, np.random.default_rng([seed, *kind.encode()]))


def winding(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(N,) how often closed meshes wind around points (Van Oosterom and Strackee's solid angles)."""
    a, b, c = (triangles[None, :, k] - points[:, None] for k in range(3))
    la, lb, lc = (np.linalg.norm(v, axis=2) for v in (a, b, c))
    top = (a * np.cross(b, c)).sum(2)
    below = la * lb * lc + (a * b).sum(2) * lc + (b * c).sum(2) * la + (c * a).sum(2) * lb
    return np.arctan2(top, below).sum(1) / (2 * np.pi)


def nearest(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(N,) unsigned distance to the nearest triangle, one by one."""
    out = []
    for p in points:
        q = trimesh.triangles.closest_point(triangles, np.broadcast_to(p, (len(triangles), 3)))
        out.append(np.linalg.norm(q - p, axis=1).min())
    return np.array(out)


def test_there_are_enough_kinds_and_held_out_ones_stay_out():
    assert len(TRAIN_KINDS) >= 32 and len(HELD_OUT) >= 4 and {"cloth", "rope"} <= set(HELD_OUT)
    assert not set(HELD_OUT) & set(TRAIN_KINDS) and set(HELD_OUT) | set(TRAIN_KINDS) == set(KINDS)
    for split in ("train", "val", "test"):
        assert object_names(split) == TRAIN_KINDS
    assert object_names("held_out") == HELD_OUT


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_is_closed_and_faces_outwards(kind):
    mesh = sample(kind).mesh
    _, place = np.unique(np.round(mesh.vertices * 2e6).astype(np.int64), axis=0, return_inverse=True)
    faces = place.ravel()[mesh.faces]
    faces = faces[(faces != np.roll(faces, 1, axis=1)).all(1)]
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    forth, count = np.unique(directed, axis=0, return_counts=True)
    back, back_count = np.unique(directed[:, ::-1], axis=0, return_counts=True)
    np.testing.assert_array_equal(forth, back)  # every edge is used as often in one direction as in the other
    np.testing.assert_array_equal(count, back_count)
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    assert np.einsum("ij,ij", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) > 0
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    agree = np.einsum("ij,ij->i", normals, mesh.rest_normals[mesh.faces].mean(1))
    assert (agree > 0)[np.linalg.norm(normals, axis=1) > 1e-7].mean() > 0.97


@pytest.mark.parametrize("kind", KINDS)
def test_distance_agrees_with_the_mesh(kind):
    thing, rng = sample(kind), np.random.default_rng(1)
    triangles = thing.mesh.vertices[thing.mesh.faces].astype(np.float64)
    middles = triangles.mean(1)
    points = middles[rng.integers(len(middles), size=30)] + rng.normal(0, 0.008, (30, 3))
    inside = winding(points, triangles) > 0.5
    slow, fast = nearest(points, triangles), thing.distance(points)
    clear = slow > 0.002
    assert clear.any()
    np.testing.assert_array_equal((fast < 0)[clear], inside[clear])
    outside = ~inside
    np.testing.assert_allclose(fast[outside], slow[outside], atol=0.0022)
    # Inside a union the shapes' hidden walls are nearer than the outside: the distance is no less deep than they.
    assert (fast[inside] < -slow[inside] + 0.0022).all()


@pytest.mark.parametrize("kind", KINDS)
def test_stands_on_the_plane_with_a_believable_size(kind):
    thing = sample(kind, 3)
    vertices = thing.mesh.vertices
    assert abs(vertices[:, 1].max()) < 1e-6
    assert 0.02 < thing.extent.max() < 0.6
    assert len(thing.mesh.faces) < 26000
    assert thing.mesh.material.max() < len(thing.materials)
    assert set(np.unique(thing.mesh.material)) == set(range(len(thing.materials)))
    for material in thing.materials:
        assert min(material.albedo) >= 0 and max(material.albedo) <= 1 and 0 <= material.infrared <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_grips_lie_on_the_object_with_its_thickness(kind):
    thing = sample(kind)
    assert len(thing.grips) >= 3
    for grip in thing.grips:
        assert np.linalg.norm(grip.approach) == pytest.approx(1, abs=1e-5)
        assert abs(float(grip.axis @ grip.approach)) < 1e-5
        if grip.type in ("flat", "press"):
            assert grip.width == 0 and abs(thing.distance(grip.centre[None])[0]) < 0.013
            continue
        # Both ends of the width lie on the surface: just beyond them is air, and the ends themselves touch.
        ends = grip.centre + np.outer([-0.5, 0.5], grip.closing) * grip.width
        assert np.abs(thing.distance(ends)).max() < 0.0025
        beyond = grip.centre + np.outer([-0.5, 0.5], grip.closing) * (grip.width + 0.003)
        assert thing.distance(beyond).min() > -1e-4
        assert 0.001 < grip.width < 0.31


@pytest.mark.parametrize("kind", KINDS)
def test_two_hand_grips_know_each_other(kind):
    grips = sample(kind).grips
    for k, grip in enumerate(grips):
        assert (grip.hands == 2) == (grip.partner is not None)
        if grip.partner is not None:
            assert grip.partner != k and grips[grip.partner].partner == k


@pytest.mark.parametrize("kind", ("mug", "knife", "cloth"))
def test_the_same_numbers_give_the_same_object(kind):
    a, b, other = sample(kind), sample(kind), sample(kind, 1)
    np.testing.assert_array_equal(a.mesh.vertices, b.mesh.vertices)
    np.testing.assert_array_equal(a.mesh.rest, b.mesh.rest)
    assert a.materials == b.materials and a.scale == b.scale
    assert other.scale != a.scale and other.materials != a.materials


def test_all_variants_can_be_built():
    small = [kind for kind in KINDS if kind not in ("cloth", "fork", "cube", "remote")]
    rng = np.random.default_rng(0)
    for kind in rng.choice(small, 4, replace=False):
        assert len({model_of(str(kind), v).mesh.vertices.tobytes() for v in range(VARIANTS)}) == VARIANTS


def test_hollow_things_are_hollow():
    for kind in ("bowl", "pan"):
        thing = sample(kind)
        middle = np.array([[0, -0.6 * thing.extent[1], 0]])
        assert thing.distance(middle)[0] > 0.01
    roll = sample("tape")
    assert roll.distance(np.array([[0, -0.5 * roll.extent[1], 0]]))[0] > 0.01


def test_a_few_objects_are_near_skin_but_most_are_not():
    def near_skin(albedo):  # red over green over blue, as in every skin
        r, g, b = albedo
        return r > 0.12 and 1.15 * g < r < 4 * g and 1.1 * b < g

    rng = np.random.default_rng(4)
    things = [sample_object(str(rng.choice(TRAIN_KINDS)), rng) for _ in range(80)]
    share = np.mean([any(near_skin(m.albedo) for m in t.materials) for t in things])
    assert 0.03 < share < 0.5


def test_refuses_an_unknown_kind_split_and_shape():
    with pytest.raises(ValueError, match="unknown object kind 'spaceship', expected one of"):
        sample_object("spaceship", np.random.default_rng(0))
    with pytest.raises(ValueError, match="unknown split 'future'"):
        object_names("future")
    with pytest.raises(ValueError, match=r"\(N, 3\) points, found shape \(3,\)"):
        sample("mug").distance(np.zeros(3))


def test_refuses_a_grip_that_makes_no_sense():
    up, right = np.array([0, -1.0, 0]), np.array([1.0, 0, 0])
    with pytest.raises(ValueError, match="'claw', expected one of power"):
        Grip("claw", up, up, right)
    with pytest.raises(ValueError, match=r"axis has length 2.0000"):
        Grip("power", up, 2 * up, right)
    with pytest.raises(ValueError, match="right angles"):
        Grip("power", up, up, up)
