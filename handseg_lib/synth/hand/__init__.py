"""Hands that can be posed: the public face of the hand model.

>>> model = hand_model(HandShape())
>>> mesh = model.posed(HandPose.named("open"), wrist=np.eye(4), side="left", elbow=(0.0, -0.26, 0.0))

The hand frame is described in `hand.shape`. A left hand is the mirror image in x of a right one: `wrist` places the
mirrored frame, so in a left hand's frame the thumb is towards -x; y still runs to the fingers and z out of the palm.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handseg_lib.data.labels import Label
from handseg_lib.synth.hand.mesh import FOREARM, HandMesh, hand_mesh, smooth_step
from handseg_lib.synth.hand.poses import POSES, HandPose, bone_frames, joint_positions
from handseg_lib.synth.hand.shape import BONES, FINGERS, JOINTS, HandShape, turn_between
from handseg_lib.synth.hand.skinning import skin as skinned  # `skin` is the name of a module here
from handseg_lib.synth.mesh import Mesh, check_rigid

__all__ = ["BONES", "FINGERS", "JOINTS", "POSES", "HandModel", "HandPose", "HandShape", "hand_model", "wrist_labels"]

WRIST_LIMIT = np.radians(95.0)
STRETCH = (0.7, 1.4)
LABELS = {"right": (Label.RIGHT_HAND, Label.RIGHT_ARM), "left": (Label.LEFT_HAND, Label.LEFT_ARM)}


class HandModel:
    """One person's hand. Make it with `hand_model`, which keeps the meshes it has built."""

    def __init__(self, shape: HandShape) -> None:
        self.shape = shape
        self.mesh: HandMesh = hand_mesh(shape)
        self.rest_inverse = np.linalg.inv(shape.rest_frames)

    def joints(self, pose: HandPose, wrist: ArrayLike | None = None, side: str = "right") -> NDArray[np.float32]:
        """(21, 3) joints in metres, order `JOINTS`: in the hand frame, or placed by `wrist` as in `posed`."""
        points = joint_positions(self.shape, pose)
        if check_side(side) == "left":
            points = points * (-1, 1, 1)
        if wrist is not None:
            t = check_rigid(wrist).astype(np.float64)
            points = (points[:, None] * t[:3, :3]).sum(-1) + t[:3, 3]
        return points.astype(np.float32)

    def posed(
        self, pose: HandPose, wrist: ArrayLike | None = None, side: str = "right", elbow: ArrayLike | None = None
    ) -> Mesh:
        """The hand and its forearm as a mesh.

        Args:
            pose: joint angles.
            wrist: (4, 4) rigid transform of the hand frame; default: the identity.
            side: "right" or "left".
            elbow: (3,) where the elbow is, in the coordinates `wrist` maps to, metres; default: straight behind the
                hand. The forearm turns about the wrist towards it and stretches to end there.

        Returns:
            A closed mesh with smooth normals; `labels` per face are hand or arm by the face's middle, and exact per
            pixel with `wrist_labels`; `rest` holds modelling-pose coordinates of the right hand for both sides.

        Raises:
            ValueError: for an unknown side, a transform that is not rigid, an elbow that a wrist cannot reach.
        """
        place = np.eye(4, dtype=np.float32) if wrist is None else check_rigid(wrist)
        mirrored = check_side(side) == "left"
        frames = bone_frames(self.shape, pose)
        rest = self.mesh.vertices
        if elbow is not None:
            towards = self._elbow_in_hand(np.asarray(elbow, np.float64), place.astype(np.float64), mirrored)
            frames[FOREARM, :3, :3] = turn_between(np.array([0.0, -1.0, 0.0]), towards / np.linalg.norm(towards))
            rest = self._stretched(float(np.linalg.norm(towards)) / self.shape.forearm)
        vertices, rotations = skinned(rest, self.mesh.bones, self.mesh.weights, frames @ self.rest_inverse)
        hand, arm = LABELS["right"]
        mesh = Mesh(
            vertices=vertices,
            faces=self.mesh.faces,
            labels=np.where(self.mesh.parts > 0, hand, arm).astype(np.uint8),
            parts=self.mesh.parts,
            rest=self.mesh.vertices,
            rest_normals=self.mesh.normals,
            frames=rotations,
            material=np.zeros(len(self.mesh.faces), np.int32),
        )
        return (mesh.mirrored() if mirrored else mesh).transformed(place)

    def _elbow_in_hand(self, elbow: NDArray, place: NDArray, mirrored: bool) -> NDArray[np.float64]:
        """The elbow in the right hand's frame, refused where a wrist cannot bend or the arm would be torn."""
        if elbow.shape != (3,) or not np.isfinite(elbow).all():
            raise ValueError(f"elbow must be three finite coordinates in metres, found {elbow.tolist()}")
        local = place[:3, :3].T @ (elbow - place[:3, 3])
        if mirrored:
            local = local * (-1, 1, 1)
        distance = float(np.linalg.norm(local))
        if not STRETCH[0] <= distance / self.shape.forearm <= STRETCH[1]:
            raise ValueError(
                f"the elbow is {distance:.3f} m from the wrist, this forearm is {self.shape.forearm:.3f} m long; "
                f"put it {STRETCH[0]:g} to {STRETCH[1]:g} times that far"
            )
        bend = np.arccos(np.clip(-local[1] / distance, -1, 1))
        if bend > WRIST_LIMIT:
            raise ValueError(
                f"the wrist would bend by {np.degrees(bend):.0f} degrees, a wrist reaches about "
                f"{np.degrees(WRIST_LIMIT):.0f}; turn the hand or move the elbow"
            )
        return local

    def _stretched(self, factor: float) -> NDArray[np.float32]:
        """Rest vertices with the forearm's length times `factor`, the wrist itself left alone."""
        vertices = self.mesh.vertices.copy()
        y = vertices[:, 1]
        # Growing smoothly from the wrist on: at the elbow the whole extra length is reached.
        share = smooth_step(np.float32(0.0), np.float32(-self.shape.forearm), y)
        vertices[:, 1] = y - share * np.float32((factor - 1) * self.shape.forearm)
        return vertices


@lru_cache(maxsize=64)
def hand_model(shape: HandShape) -> HandModel:
    """The posable hand of a shape; built once (about a second) and kept in this process and in the store."""
    return HandModel(shape)


def check_side(side: str) -> str:
    """The side itself, refused unless it is "left" or "right"."""
    if side not in LABELS:
        raise ValueError(f"side must be 'left' or 'right', found {side!r}")
    return side


def wrist_labels(labels: NDArray[np.uint8], rest_y: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Labels with hand and arm told apart exactly: hand where the rest-pose coordinate y is positive.

    Args:
        labels: values of `Label`, any shape, as the faces give them.
        rest_y: the same shape, y of `Mesh.rest` interpolated at each pixel, metres.
    """
    out = labels.copy()
    for hand, arm in LABELS.values():
        skin_of_side = (labels == hand) | (labels == arm)
        out[skin_of_side] = np.where(rest_y[skin_of_side] > 0, hand, arm)
    return out
