"""Reading pickles of plain values and numpy arrays without running what is in them.

A pickle is a program: it may name any function of any module and have it called with arguments of its choice. So this
reader knows nothing but the handful of names that numpy writes into a pickle, and gives each a stand-in of our own,
which only stores what it is given. Arrays are made from the stored bytes afterwards, when shape, type and size have
been checked; no code of numpy meets the file's values before that. Every other name is refused before anything is
called.

Pickles of Python 2 and 3, of numpy before and after 2.0, and of every protocol are read. What is not guarded against is
a file made to take up memory.
"""

import io
import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from handseg_lib.errors import DataError

_TYPE = re.compile(r"[<>=|]?[biufcSU?]\d{0,4}")  # numbers, truth values and texts; no objects, no structures
_ORDERS = ("<", ">", "=", "|")
_PLAIN = (str, bytes, int, float, bool, type(None))
_MOST_DIMENSIONS = 32


class _Refused(pickle.UnpicklingError):
    """The pickle asks for something that is no plain value and no array."""


class _Callable:
    """What a pickle gets for a name: it can be called, and nothing can be set on it."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., object]) -> None:
        self._make = make

    def __call__(self, *arguments: object) -> object:
        return self._make(*arguments)

    def __setstate__(self, state: object) -> None:
        raise _Refused("a change of what reads it")


class _DType:
    """Stands for `numpy.dtype`: its code and byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: object, align: object = False, copy: object = False) -> None:
        if isinstance(code, bytes):
            code = code.decode("latin-1")
        if not isinstance(code, str) or _TYPE.fullmatch(code) is None:
            raise _Refused(f"an array of type {code!r:.60}")
        self.code, self.order = code, "="

    def __setstate__(self, state: tuple) -> None:
        _, order, *structure = state
        order = order.decode("latin-1") if isinstance(order, bytes) else order
        if order not in _ORDERS or any(part is not None for part in structure[:3]):
            raise _Refused("an array of structured type")
        self.order = order

    def made(self) -> np.dtype:
        """The numpy type."""
        kind = np.dtype(self.code)
        return kind if self.order in "=|" else kind.newbyteorder(self.order)


class _Array:
    """Stands for an array: what is known of it when the file has been read."""

    __slots__ = ("state",)

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, fortran, data = state
        self.state = shape, kind, "F" if fortran else "C", data

    def made(self) -> np.ndarray:
        """The array, owning its memory, in this processor's byte order."""
        shape, kind, order, data = self.state
        if isinstance(data, str):  # a Python 2 string
            data = data.encode("latin-1")
        if not isinstance(kind, _DType) or not isinstance(data, bytes | bytearray):
            raise _Refused("an array of objects")
        kind = kind.made()
        shape = (shape,) if type(shape) is int else tuple(shape)
        if len(shape) > _MOST_DIMENSIONS or any(type(n) is not int or n < 0 for n in shape):
            raise _Refused(f"an array of shape {shape!r:.60}")
        if math.prod(shape) * kind.itemsize != len(data) or not kind.itemsize:
            raise _Refused(f"an array of shape {shape} and type {kind} in {len(data)} bytes")
        array = np.frombuffer(bytearray(data), kind).reshape(shape, order=order)
        return array.astype(kind.newbyteorder("="), copy=False)


class _Scalar(_Array):
    """Stands for a single number of a numpy type."""

    __slots__ = ()

    def __init__(self, kind: object, data: object) -> None:
        self.state = (), kind, "C", data

    def made(self) -> np.generic:
        return super().made()[()]


def _ndarray(*arguments: object) -> object:
    """Stands for the class `numpy.ndarray`, which numpy's pickles name but do not call."""
    raise _Refused("an array made by calling its class")


_NDARRAY = _Callable(_ndarray)


def _reconstruct(subtype: object, shape: object, code: object) -> _Array:
    """Stands for `numpy.core.multiarray._reconstruct`: an empty array, which the next opcode fills."""
    if subtype is not _NDARRAY:
        raise _Refused("an array of a class of its own")
    return _Array()


def _frombuffer(data: object, kind: object, shape: object, order: object) -> _Array:
    """Stands for `numpy.core.numeric._frombuffer`, by which protocol 5 makes an array."""
    if order not in ("C", "F"):
        raise _Refused(f"an array in the order {order!r:.60}")
    array = _Array()
    array.state = shape, kind, order, data
    return array


def _latin1(text: object, encoding: object) -> bytes:
    """Stands for `codecs.encode`, by which Python 3 writes bytes for Python 2."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise _Refused(f"a text in the encoding {encoding!r:.60}")
    return text.encode("latin-1")


def _empty(*arguments: object) -> bytes:
    """Stands for `bytes`, which Python 3 calls without arguments to write b"" for Python 2."""
    if arguments:
        raise _Refused("bytes made of something")
    return b""


_KNOWN: dict[tuple[str, str], _Callable] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Callable(_DType),
    ("__builtin__", "bytes"): _Callable(_empty),
    ("_codecs", "encode"): _Callable(_latin1),
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Callable(_reconstruct) for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _Callable(_Scalar) for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _Callable(_frombuffer) for core in ("core", "_core")},
}
"""Every name that a pickle may hold, and what it gets for it."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> _Callable:
        """The stand-in of a known name. Nothing is ever imported."""
        if (module, name) not in _KNOWN:
            raise _Refused(f"{module}.{name}")
        return _KNOWN[module, name]


def read_pickle(path: Path) -> Any:
    """The dicts, lists, tuples, plain values and numpy arrays that a pickle holds; texts of Python 2 become str.

    Raises:
        DataError: if the file is missing or damaged, or asks for anything but these; nothing in it has been run then.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); expected a pickle file. Check the data set's folder."
        ) from error
    try:
        return _made(_Unpickler(io.BytesIO(content), encoding="latin-1").load())
    except _Refused as error:
        raise DataError(
            f"{path}: asks for {error}; expected a pickle of plain values and numpy arrays only. Nothing in it was "
            "run. Do not open this file with pickle.load: fetch it from its authors again."
        ) from error
    except Exception as error:  # hostile and damaged files make pickle stumble in many ways
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: cannot be read ({type(error).__name__}: {reason}; {len(content)} bytes); expected a complete "
            "pickle. The file is damaged or was not copied completely: fetch it again."
        ) from error


def _made(value: Any) -> Any:
    """The value with arrays for their stand-ins."""
    if type(value) is dict:
        return {_made(key): _made(entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_made(entry) for entry in value)
    if type(value) in (_Array, _Scalar):
        return value.made()
    if type(value) in _PLAIN:
        return value
    raise _Refused(f"an object that is no value ({type(value).__name__.strip('_')})")
