"""Saving what is left of a recording that was cut off, by a full disk or a broken copy.

A `.db3` is an SQLite database with one row a message, in the order in which the messages came. SQLite refuses a file
that is shorter than its header says; filled up with zeros it can be read until the first page that is missing.
"""

import shutil
import sqlite3
import struct
from pathlib import Path

from handseg_lib.camera.stream import recording_path
from handseg_lib.errors import RecordingError

SIGNATURE = b"SQLite format 3\0"
IMAGE = "sensor_msgs/msg/CompressedImage"


def mend(cut: Path | str, mended: Path | str) -> int:
    """Copy all that can be read of a cut-off `.db3` recording to a new one that plays; the old one stays as it is.

    Args:
        cut: a recording that was cut off.
        mended: the new `.db3` file; it must not exist.

    Returns:
        How many images were saved, depth and colour counted together.

    Raises:
        RecordingError: if the file is missing, no `.db3` recording, holds no complete image, or cannot be written.
    """
    cut, target = Path(cut), recording_path(mended)
    if not cut.is_file():
        raise RecordingError(f"{cut}: no such file; name the recording that was cut off")
    with cut.open("rb") as file:
        head = file.read(32)
    if len(head) < 32 or not head.startswith(SIGNATURE):
        raise RecordingError(f"{cut}: is no .db3 recording (it does not begin as an SQLite file); copy it again")
    page, pages = struct.unpack(">H", head[16:18])[0], struct.unpack(">I", head[28:32])[0]
    filled, written = target.with_suffix(".filled"), target.with_suffix(".mending")
    written.unlink(missing_ok=True)
    try:
        shutil.copyfile(cut, filled)
        with filled.open("r+b") as file:
            file.truncate(max(page * pages, cut.stat().st_size))
        images = _copied(filled, written)
        if not images:
            raise RecordingError(
                f"{cut}: holds no complete image ({cut.stat().st_size} bytes are left); record it anew"
            )
        written.replace(target)
    finally:
        filled.unlink(missing_ok=True)
        written.unlink(missing_ok=True)
    return images


def _copied(source: Path, target: Path) -> int:
    """Copy tables row by row until a page is missing; returns the number of images among the rows."""
    old, new = sqlite3.connect(source), sqlite3.connect(target)
    try:
        try:
            for (sql,) in old.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"):
                new.execute(sql)
            for table in ("topics", "messages"):
                for row in old.execute(f"SELECT * FROM {table} ORDER BY id"):
                    new.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        except sqlite3.DatabaseError:
            pass  # the first page that is missing: what comes after it is lost
        new.commit()
        return count_images(new)
    finally:
        old.close()
        new.close()


def count_images(database: sqlite3.Connection) -> int:
    """How many images an open recording holds, depth and colour counted together; 0 where it holds not even tables."""
    query = "SELECT count(*) FROM messages JOIN topics ON messages.topic_id = topics.id WHERE topics.type = ?"
    try:
        return database.execute(query, [IMAGE]).fetchone()[0]
    except sqlite3.DatabaseError:
        return 0
