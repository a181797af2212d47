"""Rooms of the first-person scenes: what stands still in each visual domain, textured and lit.

Coordinates as in `ego.layout`: the work surface is y = 0, its near edge z = 0, the wearer stands or sits at z < 0.
"""

from collections.abc import Callable

import numpy as np

from handseg_lib.synth.ego.layout import Room
from handseg_lib.synth.rooms.leisure import escape_room, game_table, wild
from handseg_lib.synth.rooms.working import kitchen, office, workbench

ROOMS: dict[str, Callable[[np.random.Generator], Room]] = {
    "kitchen": kitchen,
    "workbench": workbench,
    "office": office,
    "escape_room": escape_room,
    "game_table": game_table,
    "wild": wild,
}
"""Domain name -> function that furnishes and lights one of its rooms."""
