"""Pickles that are read, and pickles that are refused without running anything in them."""

import contextlib
import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from handseg_lib.data import safe_pickle
from handseg_lib.data.safe_pickle import read_pickle
from handseg_lib.errors import DataError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def written(path: Path, value: object, protocol: int = 4) -> Path:
    path.write_bytes(value if isinstance(value, bytes) else pickle.dumps(value, protocol))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "anno.pickle"


def same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray):
        return (
            type(b) is np.ndarray
            and a.dtype.newbyteorder("=") == b.dtype.newbyteorder("=")
            and a.shape == b.shape
            and bool((a == b).all())
        )
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(b) is type(a) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_values_and_arrays_of_every_protocol(file, protocol):
    rng = np.random.default_rng(0)
    value = {
        0: {"K": rng.normal(size=(3, 3)), "xyz": rng.normal(size=(42, 3)).astype(np.float32), "left": True},
        1: [1, 2.5, None, "é", b"\0\xff", (3, [4.5]), 10**30],
        2: np.arange(6, dtype=">i4").reshape(2, 3),
        3: np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3)),
        4: (np.float32(1.5), np.int64(-3), np.bool_(True), np.array(7.0)),
        5: (np.zeros((0, 3)), np.array([True, False]), np.array(["a", "bcd"]), np.array([b"xy"])),
        np.int64(6): rng.normal(size=(4, 6))[::2, ::3],
    }
    read = read_pickle(written(file, value, protocol))
    assert same(value, pickle.loads(file.read_bytes()))  # what the reader is compared with
    assert same(value, read) and read[2].dtype.isnative


def test_arrays_are_their_own_and_may_be_written_to(file):
    read = read_pickle(written(file, np.zeros(3)))
    read[0] = 1
    assert read.tolist() == [1, 0, 0] and read.flags.writeable


def test_a_pickle_of_python_2(file):
    """`{1: {'K': array([[1., 2.]])}}` as Python 2 with numpy 1 wrote it: texts and bytes are of one type there."""
    data = struct.pack("<2d", 1, 2)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01bt R".replace(b" ", b"")
        + b"(K\x01K\x01K\x02\x86cnumpy\ndtype\n(U\x02f8K\x00K\x01tR"
        + b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + b"\x89U"
        + bytes([len(data)])
        + data
        + b"tb"
    )
    content = b"\x80\x02}K\x01}U\x01K" + array + b"ss."
    assert same(pickle.loads(content, encoding="latin-1"), {1: {"K": np.array([[1.0, 2.0]])}})
    assert same(read_pickle(written(file, content)), {1: {"K": np.array([[1.0, 2.0]])}})


def test_both_names_of_numpys_core(file):
    for old, new in ((b"numpy._core", b"numpy.core"), (b"numpy.core", b"numpy._core")):
        content = pickle.dumps(np.arange(3), 2).replace(old, new)  # in protocol 2 names have no length
        assert new in content or old not in content
        assert same(read_pickle(written(file, content)), np.arange(3))


class Evil:
    """Calls a function with arguments when it is unpickled."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple:
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("function", "name"), [(os.mkdir, r"posix\.mkdir|nt\.mkdir"), (eval, "eval"), (exec, "exec")])
def test_a_malicious_pickle_is_refused_and_not_run(file, tmp_path, protocol, function, name):
    trap = tmp_path / "run"
    argument = str(trap) if function is os.mkdir else f"__import__('os').mkdir({str(trap)!r})"
    content = pickle.dumps({0: {"K": np.eye(3), "xyz": Evil(function, argument)}}, protocol)
    with pytest.raises(DataError, match=rf"anno\.pickle: asks for \w*\.?({name}); .*Nothing in it was run"):
        read_pickle(written(file, content))
    assert not trap.exists()
    pickle.loads(content)
    assert trap.exists()  # it would have run


@pytest.mark.parametrize(
    "name",
    ["numpy.f2py", "numpy.load", "numpy.testing._private.utils runstring", "builtins getattr", "codecs decode",
     "numpy ndarray.tofile", "numpy.core.multiarray fromfile", "copyreg _reconstructor", "functools partial"],
)  # fmt: skip
def test_no_other_name_is_known_or_imported(file, name):
    module, _, function = name.rpartition(" ") if " " in name else name.rpartition(".")
    content = b"\x80\x04" + b"".join(b"\x8c" + bytes([len(t)]) + t.encode() for t in (module, function)) + b"\x93."
    with pytest.raises(DataError, match=f"asks for {module}.{function}"):
        read_pickle(written(file, content))


@pytest.mark.parametrize("opcode", [b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"c_codecs\nencode\n",
                                    b"cnumpy.core.multiarray\n_reconstruct\n"])  # fmt: skip
def test_nothing_can_be_set_on_what_reads(file, opcode):
    for state in (b"}U\x01xK\x01s", b"N}U\x0c__defaults__)s\x86"):  # __dict__, and slots by setattr
        with pytest.raises(DataError, match="asks for a change of what reads it"):
            read_pickle(written(file, b"\x80\x02" + opcode + state + b"b."))
    assert safe_pickle._latin1.__defaults__ is None


def test_numpys_own_types_are_not_touched(file):
    """A pickle may ask to turn the bytes of the one float64 type that the whole process shares."""
    content = b"\x80\x02cnumpy\ndtype\n(U\x02f8K\x00K\x00tR(K\x03U\x01>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb."
    with pytest.raises(DataError, match="an object that is no value"):
        read_pickle(written(file, content))
    assert np.dtype("f8").isnative and np.array([1.0]).tobytes() == struct.pack("=d", 1)


class Own(np.ndarray):
    """An array of another class."""


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (np.array([{}, None], object), "an array of type 'O8'"),
        (np.zeros(2, [("a", "f8")]), "an array of type 'V8'"),
        (np.array(["2020"], "M8[D]"), "an array of type 'M8'"),
        (np.zeros(2).view(Own), r"\w+\.Own"),
        ({1, 2}, r"an object that is no value \(set\)"),
        (bytearray(b"a"), "bytearray"),
        (Path("x"), "Path"),
        (os.path, None),
    ],
)
def test_what_is_no_plain_value_is_refused(file, value, found):
    if found is None:
        written(file, b"\x80\x02cos\npath\n.")
        found = r"os\.path"
    else:
        written(file, value)
    with pytest.raises(DataError, match=f"asks for .*{found}"):
        read_pickle(file)


@pytest.mark.parametrize("shape", [(10**9,), (-1,), (2, 2), (1.0,), (1,) * 40])
def test_shapes_that_do_not_fit_the_bytes(file, shape):
    state = (1, shape, np.dtype("f8"), False, b"\0" * 8)
    content = pickle.dumps(np.zeros(1), 2)
    forged = io.BytesIO()

    class Forger(pickle.Pickler):
        def reducer_override(self, value: object) -> object:
            return (*np.zeros(1).__reduce__()[:2], state) if isinstance(value, np.ndarray) else NotImplemented

    Forger(forged, 2).dump(np.zeros(1))
    assert forged.getvalue() != content
    with pytest.raises(DataError, match="an array of shape"):
        read_pickle(written(file, forged.getvalue()))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_truncated_anywhere(file, protocol):
    content = pickle.dumps({0: {"K": np.eye(3), "xyz": np.zeros((2, 3))}}, protocol)
    for end in range(0, len(content), 7):
        with pytest.raises(DataError, match=rf"anno\.pickle: .*{end} bytes.*fetch it again"):
            read_pickle(written(file, content[:end]))


def test_flipped_bits_give_values_or_a_data_error(file):
    content = pickle.dumps({0: {"K": np.eye(3), "uv": np.arange(6)}}, 2)
    rng = np.random.default_rng(1)
    for _ in range(1500):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        if b"r" in damaged or b"j" in damaged or b"\x8a" in damaged or b"\x8b" in damaged:
            continue  # a number of four bytes may ask for gigabytes: not guarded against
        with contextlib.suppress(DataError):
            read_pickle(written(file, bytes(damaged)))


def test_endless_structures_end(file):
    endless: list = []
    endless.append(endless)
    with pytest.raises(DataError, match="RecursionError"):
        read_pickle(written(file, endless))


def test_missing_empty_and_foreign_files(tmp_path):
    with pytest.raises(DataError, match=r"absent: cannot be read \(No such file or directory\)"):
        read_pickle(tmp_path / "absent")
    for content in (b"", b"\x89PNG\r\n\x1a\n", b"<html>", b"\0" * 100):
        with pytest.raises(DataError, match=r"x: cannot be read .*expected a complete pickle"):
            read_pickle(written(tmp_path / "x", content))
