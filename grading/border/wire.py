"""Plain data over a stream socket, between the grader and a student's kernel.

A frame is two big-endian 32-bit lengths, a JSON header and a block of raw array bytes. Arrays are described in the
header by dtype, shape and offset; pickle is never used. Both ends run this file: inside the sandbox it is the only
thing of the course, so it imports nothing but the standard library and NumPy.

Whatever arrives from a kernel is untrusted. `receive` refuses a frame over its cap before it reads it, and `decode`
turns any malformed header into `WireError`.
"""

import json
import math
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np

LENGTHS = struct.Struct(">II")
MAX_BYTES = 64 * 2**20          # of one frame, header and arrays together
MAX_HEAD = 8 * 2**20            # of its JSON: decoded, it grows about thirtyfold
MAX_DEPTH = 40                  # of nested lists in one value
MAX_TEXT = 10_000               # characters of a str that is a value
LARGEST = 2**1024               # of the ints, in size: larger ones are no floats
MAX_ROWS = 2**16                # of an array without entries: it takes no bytes, but a list of its rows does
DTYPES = {"|b1": 1, "|i1": 1, "|u1": 1, "<i2": 2, "<u2": 2, "<i4": 4, "<u4": 4, "<i8": 8, "<u8": 8,
          "<f2": 2, "<f4": 4, "<f8": 8}


class WireError(Exception):
    """What arrived is not a frame or not a value of this protocol."""


class Closed(WireError):
    """The other end is gone."""


class Timeout(WireError):
    """The deadline passed before a whole frame had arrived."""


class Unsupported:
    """Stands for a returned object that is not plain data; `kind` is the name of its type."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<an object of type {self.kind}>"


# --- values -----------------------------------------------------------------------------------------------------

def encode(value: object, blobs: bytearray, depth: int = 0) -> Any:
    """Describe `value` as JSON; the bytes of its arrays are appended to `blobs`.

    None, bool, int, float, str, list, tuple and numeric arrays are plain data. NumPy scalars become 0-d arrays and
    anything that NumPy reads as a numeric array is sent as one. Everything else is named, not sent.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, np.generic):
        return _encode_number(value)
    if isinstance(value, str):
        return str(value)[:MAX_TEXT]
    if isinstance(value, (list, tuple)):
        if depth >= MAX_DEPTH:
            return {"unsupported": "list nested too deeply"}
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [encode(item, blobs, depth + 1) for item in value]}
    return _encode_array(value, blobs)


def _encode_number(value: int | float) -> int | float | dict[str, str]:
    if isinstance(value, int):
        return int(value) if abs(value) < LARGEST else {"unsupported": "int too large for a float"}
    return float(value)


def _encode_array(value: object, blobs: bytearray) -> str | dict[str, object]:
    try:
        array = value if type(value) is np.ndarray else np.asarray(value)
        dtype = array.dtype.str
        if dtype not in DTYPES:         # most are as they are sent
            if array.dtype.kind == "f" and array.dtype.itemsize > 8:
                array = array.astype(np.float64)
            if array.dtype.kind in "biuf":
                array = array.astype(array.dtype.newbyteorder("<"), copy=False)
            dtype = array.dtype.str
    except Exception:
        return {"unsupported": type(value).__name__[:100]}
    if array.dtype.kind == "U" and array.ndim == 0:
        return str(array)[:MAX_TEXT]
    if dtype not in DTYPES:
        return {"unsupported": f"array of dtype {str(array.dtype)[:50]}" if isinstance(value, np.ndarray)
                else type(value).__name__[:100]}
    described = {"dtype": dtype, "shape": list(array.shape), "at": len(blobs)}
    blobs += array.tobytes()
    return described


class Budget:
    """What the values of one frame may still take, so that a thousand arrays cannot share the same bytes."""

    def __init__(self, block: bytes) -> None:
        self.left = len(block)

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise WireError("the arrays are larger than the bytes that were sent")


def decode(described: object, block: bytes, depth: int = 0, budget: Budget | None = None, words: Callable[[str], str] = str) -> Any:
    """Rebuild the value that `described` names; array bytes come out of `block`. Raises `WireError` on any nonsense.

    Arrays are returned as fresh, writable float, int or bool arrays; an object that was not plain data comes back as
    `Unsupported`. Values of one frame that are decoded one by one share a `Budget`. `words` is asked for each text: what is to be
    called has `sys.intern`, for some ask `is "relu"`; what came back does not, for Python 3.12 would keep it for ever.
    """
    budget = budget or Budget(block)
    if isinstance(described, int) and not isinstance(described, bool) and abs(described) >= LARGEST:
        return Unsupported("int too large for a float")
    if described is None or isinstance(described, (bool, int, float)):
        return described
    if isinstance(described, str):
        return words(described[:MAX_TEXT])
    if depth > MAX_DEPTH or not isinstance(described, dict):
        raise WireError("a value is nested too deeply or has no known form")
    if type(dtype := described.get("dtype")) is str and type(shape := described.get("shape")) is list \
            and type(at := described.get("at")) is int:         # most are arrays, and a pattern for them would take its time
        return _decode_array(dtype, shape, at, block, budget)
    match described:
        case {"list": list(items)}:
            return [decode(item, block, depth + 1, budget, words) for item in items]
        case {"tuple": list(items)}:
            return tuple(decode(item, block, depth + 1, budget, words) for item in items)
        case {"unsupported": str(kind)}:
            return Unsupported(kind[:100])
    raise WireError("a value has no known form")


def _decode_array(dtype: str, shape: list[Any], at: int, block: bytes, budget: Budget) -> np.ndarray[Any, Any]:
    if dtype not in DTYPES or len(shape) > 32 or not all(type(n) is int and n >= 0 for n in shape) \
            or 0 in shape and math.prod(n for n in shape if n) > MAX_ROWS:
        raise WireError("an array has a dtype or shape that cannot be")
    count = math.prod(shape)
    size = count * DTYPES[dtype]
    if size == 0:
        return np.empty(shape, dtype)
    if at < 0 or at + size > len(block):
        raise WireError("an array lies outside the bytes that were sent")
    budget.spend(size)
    if dtype == "|b1":                      # a byte of a bool array must be 0 or 1, whatever was sent
        return np.asarray(np.frombuffer(block, np.uint8, count, at).reshape(shape) != 0)
    return np.ndarray(shape, dtype, block, at).copy()


# --- frames -----------------------------------------------------------------------------------------------------

def send(sock: socket.socket, header: dict[str, Any], block: bytes = b"", deadline: float | None = None) -> None:
    """Send one frame. `deadline` is a `time.monotonic()` instant; `Timeout` if the peer does not read by then."""
    head = json.dumps(header).encode()
    sock.settimeout(_left(deadline))
    try:
        sock.sendall(LENGTHS.pack(len(head), len(block)) + head + block)
    except TimeoutError:
        raise Timeout("the kernel did not read its message in time") from None
    except OSError as error:
        raise Closed(f"the kernel closed its end: {error.strerror}") from None


def receive(sock: socket.socket, deadline: float | None = None, max_bytes: int = MAX_BYTES) -> tuple[dict[str, Any], bytes]:
    """Return the next frame as (header, block). Raises `Closed`, `Timeout` or `WireError`; never another error."""
    head_size, block_size = LENGTHS.unpack(_exactly(sock, LENGTHS.size, deadline))
    if head_size > MAX_HEAD or head_size + block_size > max_bytes:
        raise WireError(f"a message is over the limit of {max_bytes} bytes")
    head, block = _exactly(sock, head_size, deadline), _exactly(sock, block_size, deadline)
    try:
        header = json.loads(head.decode("utf-8"))       # given bytes, it would take half of a surrogate pair as well
        if b"\\ud" in head.lower():         # which can also be written like this, and not to a file again
            header = json.loads(json.dumps(header, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise WireError("a message is not JSON in UTF-8") from None
    except MemoryError:
        raise WireError("a message needs more memory than there is") from None
    if not isinstance(header, dict):
        raise WireError("a message is not an object")
    return header, block


def _exactly(sock: socket.socket, size: int, deadline: float | None) -> bytes:
    data = bytearray()
    while len(data) < size:
        sock.settimeout(_left(deadline))
        try:
            piece = sock.recv(min(size - len(data), 2**20))
        except TimeoutError:
            raise Timeout("no answer in time") from None
        except OSError as error:
            raise Closed(f"the connection broke: {error.strerror}") from None
        if not piece:
            raise Closed("the kernel ended")
        data += piece
    return bytes(data)


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise Timeout("no answer in time")
    return left


def socketpair() -> tuple[socket.socket, socket.socket]:
    """A connected pair of unix stream sockets: the grader's end and the kernel's."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
