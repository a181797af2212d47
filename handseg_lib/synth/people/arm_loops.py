"""Compiled geometry of one arm: its elbow, how its hand is turned, and the search over ways to swing the elbow.

Arms are (3, 3) float64: shoulder, elbow and wrist, metres. Vectors inside the loops are tuples of three numbers.
"""

import numpy as np

from handseg_lib.synth.compiled import compiled


@compiled
def dot(a, b):
    """Product of two vectors."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def cross(a, b):
    """Cross product of two vectors."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@compiled
def between(a, b):
    """The vector from a to b."""
    return b[0] - a[0], b[1] - a[1], b[2] - a[2]


@compiled
def unit(a):
    """A vector divided by its length."""
    length = np.sqrt(dot(a, a))
    return a[0] / length, a[1] / length, a[2] / length


@compiled
def across(a, axis):
    """The part of a vector at right angles to a unit vector."""
    along = dot(a, axis)
    return a[0] - axis[0] * along, a[1] - axis[1] * along, a[2] - axis[2] * along


@compiled
def clipped(value, low, high):
    """The value, or the limit that it is beyond."""
    return min(max(value, low), high)


@compiled
def solved(shoulder, target, bones, swivel, down):
    """`arms.solve_arm` as (3, 3); `bones` are upper arm, forearm, and the wrist's least and largest distance."""
    upper, fore, nearest, farthest = bones
    offset = between(shoulder, target)
    distance = np.sqrt(dot(offset, offset))
    axis = (0.0, 1.0, 0.0)
    if distance > 1e-9:
        axis = (offset[0] / distance, offset[1] / distance, offset[2] / distance)
    distance = clipped(distance, nearest, farthest)
    hang = across(down, axis)
    if np.sqrt(dot(hang, hang)) < 1e-3:  # the arm hangs or is raised straight: let the elbow point backwards
        hang = across((0.0, 0.0, 1.0), axis)
    hang = unit(hang)
    side = cross(axis, hang)
    along = (distance**2 + upper**2 - fore**2) / (2 * distance)
    height = np.sqrt(max(upper**2 - along**2, 0.0))
    cos, sin = np.cos(swivel), np.sin(swivel)
    arm = np.empty((3, 3))
    for i in range(3):
        arm[0, i] = shoulder[i]
        arm[1, i] = shoulder[i] + axis[i] * along + height * (cos * hang[i] + sin * side[i])
        arm[2, i] = shoulder[i] + axis[i] * distance
    return arm


@compiled
def hinge_of(arm):
    """`Arm.hinge` as a tuple."""
    upper = between(arm[0], arm[1])
    axis = cross(upper, between(arm[1], arm[2]))
    if np.sqrt(dot(axis, axis)) < 1e-4 * np.sqrt(dot(upper, upper)):
        x, y, z = abs(upper[0]), abs(upper[1]), abs(upper[2])
        if x <= y and x <= z:
            axis = cross(upper, (1.0, 0.0, 0.0))
        elif y <= z:
            axis = cross(upper, (0.0, 1.0, 0.0))
        else:
            axis = cross(upper, (0.0, 0.0, 1.0))
    return unit(axis)


@compiled
def neutral(arm, right):
    """`holding.neutral_frame`, whose columns are three tuples here."""
    along = unit(between(arm[1], arm[2]))
    x = cross(hinge_of(arm), along)
    if not right:
        x = (-x[0], -x[1], -x[2])
    return x, along, cross(x, along)


@compiled
def angles_at_wrist(arm, right, hand):
    """`holding.wrist_angles` for a hand whose (3, 3) or (4, 4) frame is given."""
    x, along, z = neutral(arm, right)
    a, b, c = hand[:, 0], hand[:, 1], hand[:, 2]
    return (
        np.arctan2(dot(x, c), dot(z, c)),
        np.arcsin(clipped(-dot(along, c), -1, 1)),
        np.arctan2(dot(along, a), dot(along, b)),
    )


@compiled
def strain_of(arm, right, hand, limits):
    """`holding.strain`; limits are those of turn, flexion and deviation."""
    turn, flexion, deviation = angles_at_wrist(arm, right, hand)
    return max(abs(turn) / limits[0], abs(flexion) / limits[1], abs(deviation) / limits[2])


@compiled
def least_strained(shoulder, hand, bones, right, swivels, limits):
    """The arm within its limits that strains a wrist least, and whether there is one and the hand is in its reach."""
    best, found = np.inf, np.empty((3, 3))
    target = hand[:3, 3]
    for swivel in swivels:
        arm = solved(shoulder, target, bones, -swivel if right else swivel, (0.0, 1.0, 0.0))
        miss = between(arm[2], target)
        if np.sqrt(dot(miss, miss)) > 1e-6:
            return False, found
        cost = strain_of(arm, right, hand, limits)
        if cost <= 1 and cost + 0.2 * abs(swivel - 0.4) < best:
            best, found = cost + 0.2 * abs(swivel - 0.4), arm
    return best < np.inf, found


@compiled
def turn_of_forearm(arm, right, hand):
    """Angle of the hand about the forearm: 0 with the thumb up, positive with the palm towards the floor."""
    along = unit(between(arm[1], arm[2]))
    sign = 1.0 if right else -1.0
    thumb = across((hand[0, 0] * sign, hand[1, 0] * sign, hand[2, 0] * sign), along)
    up = cross(hinge_of(arm), along)
    if up[1] > 0:
        up = (-up[0], -up[1], -up[2])
    return np.arctan2(sign * dot(thumb, cross(up, along)), dot(thumb, up))


@compiled
def work_strain(arm, right, hand, limits):
    """How far wrist and forearm are turned towards their limits: 0 at ease, from 1 on they cannot."""
    along = unit(between(arm[1], arm[2]))
    bend = np.arccos(clipped(dot(along, hand[:, 1]), -1, 1)) / limits[0]
    sideways = abs(dot(hand[:, 0], along)) / 0.66  # wrists bend much less sideways
    turn = turn_of_forearm(arm, right, hand) / limits[1]
    return 0.5 * bend**2 + 0.4 * turn**2 + (10.0 if max(bend, abs(turn), sideways) > 1 else 0.0)


@compiled
def strain_of_table(arm, steps, radii):
    """`ego.arms.table_strain`, at (N,) steps along the forearm where it has these radii."""
    deep = -1.0
    for k in range(len(steps)):
        if arm[1, 2] + (arm[2, 2] - arm[1, 2]) * steps[k] > -radii[k]:
            deep = max(deep, arm[1, 1] + (arm[2, 1] - arm[1, 1]) * steps[k] + radii[k])
    return 10.0 + 100 * deep if deep > 0.0 else 0.0


@compiled
def easiest(shoulder, hand, bones, right, swivels, limits, steps, radii):
    """The arm at work that strains wrist and table least, and its cost: infinite where the hand is out of reach."""
    best, found = np.inf, np.empty((3, 3))
    target = hand[:3, 3]
    for swivel in swivels:
        arm = solved(shoulder, target, bones, -swivel if right else swivel, (0.0, 1.0, 0.0))
        miss = between(arm[2], target)
        if np.sqrt(dot(miss, miss)) > 0.01:
            break
        cost = work_strain(arm, right, hand, limits) + 0.15 * abs(swivel - 0.45)
        cost += strain_of_table(arm, steps, radii)
        if cost < best:
            best, found = cost, arm
    return best, found
