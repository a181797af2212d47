"""Looks: materials by number, gloves pixel by pixel, and what objects add."""

from dataclasses import replace

import numpy as np
import pytest

from handseg_lib.camera import SR300_DEPTH
from handseg_lib.synth.hand import HandPose, hand_model
from handseg_lib.synth.hand.gloves import GLOVE_HEM, GLOVES
from handseg_lib.synth.mesh import Mesh
from handseg_lib.synth.people.appearance import Look, carried, rest_normals
from handseg_lib.synth.people.person import Person, Surface
from handseg_lib.synth.render import Camera, Caster, cast
from handseg_lib.synth.rooms.props import box
from handseg_lib.synth.scene import dressed
from handseg_lib.synth.shading import Material

RED, BLUE = Material((0.8, 0.1, 0.1), infrared=0.2), Material((0.1, 0.1, 0.8), infrared=0.7, gloss=0.3, glow=0.5)


@pytest.fixture(scope="module")
def person():
    return Person.of(4, 1)


def seen(mesh):
    return cast(Caster(mesh), Camera(SR300_DEPTH.resized(160, 120), np.eye(4)))


def two_boxes():
    places = np.array([[-0.1, 0, 0.5], [0.1, 0, 0.5]])
    return Mesh.merge([box((0.1, 0.1, 0.1), at, np.eye(3), len(Surface) + k) for k, at in enumerate(places)])


def gloved_hand(person, side="right"):
    wrist = np.eye(4)
    wrist[:3, :3], wrist[:3, 3] = np.diag([1.0, -1.0, -1.0]), (0, 0.08, 0.45)
    mesh = hand_model(person.hand).posed(HandPose.named("open"), wrist, side)
    return dressed(mesh, side, gloved=True)


def test_extra_materials_come_after_the_surfaces(person):
    look = Look(person, 5, (RED, BLUE))
    assert look.materials[len(Surface) :] == (RED, BLUE)
    plain = Look(person, 5)
    assert look.materials[: len(Surface)] == plain.materials
    np.testing.assert_array_equal(look.infrared[: len(Surface)], plain.infrared)
    np.testing.assert_allclose(look.infrared[len(Surface) :], [0.2, 0.7])


def test_objects_have_their_own_colour_gloss_glow_and_infrared(person):
    look, truth = Look(person, 5, (RED, BLUE)), seen(two_boxes())
    finish, infrared = look.finish(truth), look.infrared_image(truth)
    left = truth.pixels % 160 < 78
    np.testing.assert_allclose(finish.albedo[left], np.tile(RED.albedo, (left.sum(), 1)), atol=1e-6)
    np.testing.assert_allclose(finish.albedo[~left], np.tile(BLUE.albedo, ((~left).sum(), 1)), atol=1e-6)
    np.testing.assert_allclose(finish.gloss, np.where(left, 0, np.float32(0.3)))
    np.testing.assert_allclose(finish.glow, np.where(left, 0, np.float32(0.5)))
    assert set(np.round(np.unique(infrared), 3)) == {np.float32(0), np.float32(0.2), np.float32(0.7)}
    assert Look(person, 5, (RED, RED)).finish(truth).glow is None


def test_a_glove_ends_at_its_hem(person):
    look, truth = Look(person, 0), seen(gloved_hand(person))
    ids, along = look.surfaces(truth), truth.rest(np.arange(len(truth.pixels)))[:, 1]
    assert (ids[along > GLOVE_HEM] == Surface.GLOVE_RIGHT).all() and (ids[along < GLOVE_HEM] == Surface.HAND).all()
    assert (ids == Surface.GLOVE_RIGHT).sum() > 500 and (ids == Surface.HAND).sum() > 50


def test_gloves_have_one_colour_without_nails_or_creases(person):
    look, mesh = Look(person, 0), gloved_hand(person)
    truth = seen(mesh)
    finish, worn = look.finish(truth), look.surfaces(truth) == Surface.GLOVE_RIGHT
    assert np.ptp(finish.albedo[worn], axis=0).max() == 0
    assert any(np.allclose(finish.albedo[worn][0], glove) for glove in GLOVES)
    bare = seen(replace(mesh, material=np.full_like(mesh.material, Surface.HAND)))
    assert np.ptp(look.finish(bare).albedo, axis=0).max() > 0.1


def test_relief_tilts_normals_but_keeps_them_unit(person):
    look, truth = Look(person, 0), seen(gloved_hand(person))
    finish, worn = look.finish(truth), look.surfaces(truth) == Surface.GLOVE_RIGHT
    length = np.linalg.norm(finish.normals[worn], axis=1)
    np.testing.assert_allclose(length, 1, atol=1e-4)
    cosine = (finish.normals * truth.pixel_normals).sum(1)[worn]
    assert 0.98 < np.median(cosine) < 0.99999


def test_carried_rest_normals_are_the_normals(person):
    truth = seen(gloved_hand(person))
    which = np.arange(0, len(truth.pixels), 7)
    turned = carried(truth, which, rest_normals(truth, which))
    assert np.median((turned * truth.pixel_normals[which]).sum(1)) > 0.99


def test_gloves_of_a_session_differ_and_stay(person):
    one, two = Look(person, 0).materials, Look(person, 77).materials
    assert one[Surface.GLOVE_LEFT].albedo != one[Surface.GLOVE_RIGHT].albedo
    assert one[Surface.GLOVE_LEFT] == two[Surface.GLOVE_LEFT]
