"""The wire: plain data comes back as it was sent, and no bytes whatever raise anything but `WireError`."""

import json
import math
import random
import socket
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grading.border import wire
from grading.checks import compare
from grading.border.subject import read_reply
from grading.border.wire import WireError

KINDS = ["?", "i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"]
ARRAYS = st.sampled_from(KINDS).flatmap(
    lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-2**70, 2**70) | st.floats() | st.text(max_size=20) | ARRAYS,
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple), max_leaves=12)
# Headers that look like this protocol's and are nonsense more often than not.
NUMBERS = st.integers() | st.integers(-3, 70) | st.booleans() | st.floats()
SHAPES = st.lists(NUMBERS, max_size=4)
NONSENSE = st.recursive(
    st.none() | NUMBERS | st.text(max_size=5)
    | st.fixed_dictionaries({"dtype": st.sampled_from([*wire.DTYPES, "|O8", "<U4", "<M8[s]"]), "shape": SHAPES, "at": NUMBERS})
    | st.fixed_dictionaries({"unsupported": st.text(max_size=5) | st.none()}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["list", "tuple", "dtype", "shape", "at", "unsupported", "value", "error", "warnings", "after"]),
        inner | st.lists(inner, max_size=3), max_size=4), max_leaves=10)


def round_trip(value):
    """`value` after a journey through a real socket."""
    ours, theirs = wire.socketpair()
    with ours, theirs:
        blobs = bytearray()
        tree = wire.encode(value, blobs)
        wire.send(ours, {"value": tree}, bytes(blobs))
        header, block = wire.receive(theirs)
    return wire.decode(header["value"], block)


def receive_bytes(data, **options):
    """What `receive` makes of raw bytes and a closed connection."""
    ours, theirs = wire.socketpair()
    with ours, theirs:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        return wire.receive(theirs, **options)


def frame(header, block=b""):
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return wire.LENGTHS.pack(len(head), len(block)) + head + block


def same(got, sent):
    """Equal in value, kind, dtype and shape; NaN equals NaN."""
    if isinstance(sent, np.ndarray):
        return isinstance(got, np.ndarray) and (got.dtype, got.shape) == (sent.dtype, sent.shape) \
            and got.tobytes() == sent.tobytes()
    if isinstance(sent, (list, tuple)):
        return type(got) is type(sent) and len(got) == len(sent) and all(map(same, got, sent))
    return type(got) is type(sent) and (got == sent or got != got and sent != sent)


# --- round trips ------------------------------------------------------------------------------------------------

@given(PLAIN)
def test_plain_data_comes_back_as_it_was_sent(value):
    assert same(round_trip(value), value)


@pytest.mark.parametrize("value", [
    math.inf, -math.inf, math.nan, -0.0, 5e-324, 2**1023, "", "ü€", [], (), [[], ((),)], np.array(3.5), np.zeros((0, 3)),
    np.array([math.nan, -math.inf, 1e308]), (np.eye(2), [np.arange(3), "a"], None)], ids=repr)
def test_the_odd_ones_come_back_too(value):
    assert same(round_trip(value), value)


def test_the_sign_of_zero_survives():
    assert math.copysign(1, round_trip(-0.0)) == -1 and np.signbit(round_trip(np.array([-0.0])))[0]


@pytest.mark.parametrize(("sent", "wanted"), [
    (np.float64(0.1), np.array(0.1)), (np.int32(7), np.array(7, np.int32)), (np.bool_(True), np.array(True)),
    (np.arange(6.0).reshape(2, 3).T, np.array([[0.0, 3], [1, 4], [2, 5]])), (np.arange(8)[::-2], np.array([7, 5, 3, 1])),
    (np.array([1.5, 2.5], ">f8"), np.array([1.5, 2.5])), (np.array([1.5], ">f4"), np.array([1.5], "<f4")), (np.longdouble(0.5), np.array(0.5)),
    (np.asfortranarray(np.eye(3)[:, :2]), np.eye(3)[:, :2]), (range(3), np.arange(3)), (np.str_("sinking"), "sinking"),
], ids=lambda value: repr(value)[:40])
def test_what_numpy_reads_as_numbers_is_sent_as_an_array(sent, wanted):
    got = round_trip(sent)
    assert type(got) is type(wanted) and np.array_equal(got, wanted) and getattr(got, "dtype", None) == getattr(wanted, "dtype", None)


@pytest.mark.parametrize("value", [
    object(), {"a": 1}, {1, 2}, 1j, np.array([1j]), np.array(["a"]), np.array([None]), len, np.datetime64("2020-01-01"),
    b"bytes", 10**400], ids=lambda value: type(value).__name__)
def test_what_is_no_plain_data_is_named_and_not_sent(value):
    assert isinstance(round_trip([value])[0], wire.Unsupported)


def test_lists_without_end_and_long_texts_are_cut():
    endless = []
    endless.append(endless)
    assert "unsupported" in json.dumps(wire.encode(endless, bytearray()))
    assert len(round_trip("x" * 50_000)) == wire.MAX_TEXT


def test_an_object_that_fights_back_is_named_only():
    class Hostile:
        def __array__(self, *args, **kwargs):
            raise RuntimeError("no")

        def __len__(self):
            raise RuntimeError("no")

    assert round_trip((Hostile(),))[0].kind == "Hostile"


def test_decoded_arrays_are_writable_and_their_own():
    first, second = round_trip([np.zeros(3), np.zeros(3)])
    first += 1
    assert second.tolist() == [0, 0, 0]


# --- nonsense ---------------------------------------------------------------------------------------------------

@given(NONSENSE, st.binary(max_size=64))
def test_decoding_nonsense_gives_plain_data_or_a_wire_error(described, block):
    try:
        value = wire.decode(described, block)
    except WireError:
        return
    compare.difference(value, np.zeros(2), 1e-9)        # and nothing of it upsets the comparison
    compare.difference(value, [np.zeros(2)], 1e-9)


@given(NONSENSE, st.binary(max_size=64))
def test_a_report_of_nonsense_is_a_reply_or_a_wire_error(report, block):
    try:
        read_reply(report, block)
    except WireError:
        pass


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_a_wire_error(data):
    try:
        receive_bytes(data)
    except WireError:
        pass


def mutated(data, rng):
    """`data` with a few bytes changed, cut out, doubled or put in."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(4):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at:at + rng.randint(1, 8)]
            case 2:
                data[at:at] = data[at:at + rng.randint(1, 30)]
            case _:
                data[at:at] = rng.randbytes(rng.randint(1, 8))
        data = data or bytearray(1)
    return bytes(data)


def test_two_thousand_damaged_frames_raise_nothing_but_wire_errors():
    blobs, rng = bytearray(), random.Random(20240229)
    value = wire.encode([np.arange(6.0).reshape(2, 3), (True, [1, "a", None]), np.array([True]), -math.inf], blobs)
    head = json.dumps({"warnings": ["overflow"], "after": [wire.encode(np.zeros(3), blobs)], "value": value}).encode()
    read_reply(*receive_bytes(frame(head, bytes(blobs))))
    outcomes = {"read": 0, "refused": 0}
    for number in range(2000):
        damaged = [frame(mutated(head, rng), bytes(blobs)), frame(head, mutated(blobs, rng)),
                   mutated(frame(head, bytes(blobs)), rng)][number % 3]
        try:
            read_reply(*receive_bytes(damaged))
            outcomes["read"] += 1
        except WireError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 100, outcomes


# --- caps -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("head", "block"), [(2**32 - 1, 0), (0, 2**32 - 1), (wire.MAX_HEAD + 1, 0), (10, wire.MAX_BYTES)])
def test_a_frame_over_its_cap_is_refused_before_it_is_read(head, block):
    with pytest.raises(WireError, match="over the limit"):
        receive_bytes(wire.LENGTHS.pack(head, block))       # none of the announced bytes exist


def test_the_caller_sets_the_cap():
    data = frame({}, bytes(1000))
    assert receive_bytes(data)[1] == bytes(1000)
    with pytest.raises(WireError, match="over the limit of 500"):
        receive_bytes(data, max_bytes=500)


def array(shape, at=0, dtype="<f8"):
    return {"dtype": dtype, "shape": shape, "at": at}


@pytest.mark.parametrize("described", [
    array([2]), array([1], at=1), array([1], at=-8), array([1], at=True), array([2**31, 2**31, 4]), array([10**30]),
    array([-1, -1]), array([1.0]), array([True]), array([1], dtype="|O8"), array([1], dtype="<f16"), array([1] * 33),
    array([2**62, 0]), {"list": [array([1]), array([1])]}, {"list": None}, {}, [1], {"dtype": "<f8"}],
    ids=lambda described: json.dumps(described)[:50])
def test_arrays_that_cannot_be_are_refused(described):
    with pytest.raises(WireError):
        wire.decode(described, bytes(8))


def test_many_arrays_cannot_share_the_same_bytes():
    assert wire.decode(array([1]), bytes(8)).shape == (1,)
    with pytest.raises(WireError, match="larger than the bytes"):
        wire.decode({"list": [array([1])] * 2}, bytes(8))


def test_deep_nesting_is_refused_by_depth_not_by_a_crash():
    described = 0
    for _ in range(wire.MAX_DEPTH + 2):
        described = {"list": [described]}
    with pytest.raises(WireError, match="nested too deeply"):
        wire.decode(described, b"")
    with pytest.raises(WireError, match="not JSON"):
        receive_bytes(frame(b'{"a":' + b"[" * 200_000))


def test_a_bool_array_holds_nothing_but_bools():
    got = wire.decode(array([4], dtype="|b1"), b"\x00\x01\x02\xff")
    assert got.dtype == bool and got.view(np.uint8).tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("half", [b"\\ud83d", b"\\uD83D", b"\\uDc00"])
def test_half_a_surrogate_pair_becomes_text_that_can_be_written(half):
    header, _ = receive_bytes(frame(b'{"said": "' + half + b'"}'))
    header["said"].encode("utf-8")


# --- numbers, each at its border ----------------------------------------------------------------------------------

def nested(deep):
    """So many lists in each other as the wire describes them, and as they are."""
    described, value = 0, 0
    for _ in range(deep):
        described, value = {"list": [described]}, [value]
    return described, value


def test_lists_are_sent_40_deep_and_read_41_deep():
    assert wire.encode(nested(40)[1], bytearray()) == nested(40)[0]
    assert "unsupported" in json.dumps(wire.encode(nested(41)[1], bytearray()))
    assert wire.decode(nested(41)[0], b"") == nested(41)[1]
    with pytest.raises(WireError, match="nested too deeply"):
        wire.decode(nested(42)[0], b"")
    assert wire.decode({"tuple": [nested(40)[0]]}, b"") == (nested(40)[1],)
    with pytest.raises(WireError, match="nested too deeply"):
        wire.decode({"tuple": [nested(41)[0]]}, b"")


def test_tuples_in_each_other_are_counted_as_lists_are():
    described = 0
    for deep in range(1, 100):
        described = {"tuple": [described]}
        if deep <= 41:
            wire.decode(described, b"")
        else:
            with pytest.raises(WireError, match="nested too deeply"):
                wire.decode(described, b"")


def test_what_takes_no_bytes_lies_anywhere():
    for at in (-1, 0, 5):
        assert wire.decode(array([0], at=at), b"").shape == (0,)


class Pieces:
    """The end of a connection that gives so many bytes at most at a time."""

    def __init__(self, *sizes):
        self.sizes, self.asked = list(sizes), []

    def settimeout(self, seconds):
        pass

    def recv(self, size):
        self.asked.append(size)
        return bytes(min(size, self.sizes.pop(0)))


def test_no_more_is_asked_for_than_is_missing_and_a_mebibyte_at_most():
    for size, sizes, asked in ((4, [1, 2, 9], [4, 3, 1]), (2**21 + 5, [2**22] * 3, [2**20, 2**20, 5]), (0, [], [])):
        end = Pieces(*sizes)
        assert wire._exactly(end, size, None) == bytes(size) and end.asked == asked


@pytest.mark.parametrize("size", [9_999, 10_000, 10_001, 50_000])
def test_a_text_has_10000_characters_at_most_wherever_it_comes_from(size):
    for text in ("x" * size, np.array("x" * size), np.str_("x" * size)):
        assert wire.encode(text, bytearray()) == "x" * min(size, 10_000)
    assert wire.decode("x" * size, b"") == "x" * min(size, 10_000)


def test_what_is_no_plain_data_is_named_in_100_characters():
    for size in (99, 100, 101, 200):
        assert wire.decode({"unsupported": "k" * size}, b"").kind == "k" * min(size, 100)
        for more in ({"__array__": 7}, {}):     # NumPy fails, and NumPy makes an array of objects
            assert wire.encode(type("k" * size, (), more)(), bytearray()) == {"unsupported": "k" * min(size, 100)}
    fields = np.zeros(1, [("a" * 60, int)])
    assert wire.encode(fields, bytearray()) == {"unsupported": f"array of dtype {str(fields.dtype)[:50]}"}


@pytest.mark.parametrize("sign", [1, -1])
def test_an_int_is_smaller_than_2_to_the_1024(sign):
    assert wire.encode(sign * (2**1024 - 1), bytearray()) == wire.decode(sign * (2**1024 - 1), b"") == sign * (2**1024 - 1)
    for number in (2**1024, 2**1024 + 1):
        assert wire.encode(sign * number, bytearray()) == {"unsupported": "int too large for a float"}
        assert isinstance(wire.decode(sign * number, b""), wire.Unsupported)


def test_an_array_without_entries_has_65536_rows_at_most():
    for shape in ([65536, 0], [0, 256, 256], [0]):
        assert wire.decode(array(shape), b"").shape == tuple(shape)
    for shape in ([65537, 0], [0, 257, 256], [0, 65537]):
        with pytest.raises(WireError, match="cannot be"):
            wire.decode(array(shape), b"")


def test_an_array_has_32_dimensions_at_most_and_no_length_below_zero():
    assert wire.decode(array([1] * 32), bytes(8)).ndim == 32
    for shape in ([1] * 33, [-1], [-1, 0]):
        with pytest.raises(WireError, match="cannot be"):
            wire.decode(array(shape), bytes(8))


@pytest.mark.parametrize("dtype", wire.DTYPES)
def test_an_array_takes_the_bytes_of_its_kind_and_lies_within_what_was_sent(dtype):
    size = np.dtype(dtype).itemsize
    assert wire.decode(array([3], dtype=dtype), bytes(3 * size)).tolist() == [0, 0, 0]
    assert wire.decode(array([2], at=size, dtype=dtype), bytes(3 * size)).dtype == np.dtype(dtype)
    for shape, at in (([3], 1), ([3], size), ([4], 0), ([1], 3 * size), ([1], -1)):
        with pytest.raises(WireError, match="outside the bytes"):
            wire.decode(array(shape, at, dtype), bytes(3 * size))


def test_arrays_may_take_all_that_was_sent_and_no_byte_more():
    both = {"list": [array([1]), array([1], at=8)]}
    assert wire.decode(both, bytes(16)) == [0, 0]
    budget = wire.Budget(bytes(16))
    wire.decode(both, bytes(16), budget=budget)
    with pytest.raises(WireError, match="larger than the bytes"):
        wire.decode(array([1], dtype="|i1"), bytes(16), budget=budget)


@pytest.mark.parametrize(("head", "block", "over"), [(8 * 2**20, 0, False), (8 * 2**20 + 1, 0, True), (2, 64 * 2**20 - 2, False),
                                                     (2, 64 * 2**20 - 1, True), (0, 64 * 2**20, False), (0, 64 * 2**20 + 1, True)])
def test_a_frame_has_64_mib_and_its_head_8(head, block, over):
    with pytest.raises(WireError, match=f"over the limit of {64 * 2**20} bytes" if over else "the kernel ended"):
        receive_bytes(wire.LENGTHS.pack(head, block))


def test_frames_are_read_one_after_the_other():
    ours, theirs = wire.socketpair()
    with ours, theirs:
        for number in range(3):
            wire.send(ours, {"number": number}, bytes(number))
        assert [wire.receive(theirs) for _ in range(3)] == [({"number": number}, bytes(number)) for number in range(3)]


# --- ends and deadlines -----------------------------------------------------------------------------------------

def test_a_connection_that_ends_is_closed_at_every_byte():
    data = frame({"id": 1}, b"12345")
    for size in range(len(data)):
        with pytest.raises(wire.Closed):
            receive_bytes(data[:size])
    assert receive_bytes(data) == ({"id": 1}, b"12345")


def test_a_deadline_ends_the_wait_for_a_frame_that_does_not_come():
    ours, theirs = wire.socketpair()
    with ours, theirs:
        theirs.sendall(wire.LENGTHS.pack(10, 0) + b"{")
        with pytest.raises(wire.Timeout):
            wire.receive(ours, time.monotonic() + 0.05)


def test_a_deadline_ends_sending_to_somebody_who_does_not_read():
    ours, theirs = wire.socketpair()
    with ours, theirs, pytest.raises(wire.Timeout):
        wire.send(ours, {}, bytes(8 * 2**20), time.monotonic() + 0.05)


def test_sending_to_somebody_who_is_gone_says_so():
    ours, theirs = wire.socketpair()
    theirs.close()
    with ours, pytest.raises(wire.Closed, match="closed its end: Broken pipe"):
        wire.send(ours, {}, bytes(1000))


def test_a_connection_that_breaks_says_so():
    ours, theirs = wire.socketpair()
    ours.sendall(b"never read")
    theirs.close()
    with ours, pytest.raises(wire.Closed, match="the connection broke: Connection reset"):
        wire.receive(ours)


def test_at_the_deadline_itself_it_is_too_late(monkeypatch):
    monkeypatch.setattr(wire.time, "monotonic", lambda: 7.0)
    ours, theirs = wire.socketpair()
    with ours, theirs:
        for deadline in (7.0, 6.0):
            for act in (lambda: wire.send(ours, {}, deadline=deadline), lambda: wire.receive(ours, deadline)):
                with pytest.raises(wire.Timeout, match="no answer in time"):
                    act()
        wire.send(theirs, {}, deadline=8.0)
        assert ours.gettimeout() is None and theirs.gettimeout() == 1.0 and wire.receive(ours, 7.5) == ({}, b"") and ours.gettimeout() == 0.5


def test_a_header_that_takes_all_memory_is_refused(monkeypatch):
    def loads(text):
        raise MemoryError
    monkeypatch.setattr(wire.json, "loads", loads)
    with pytest.raises(WireError, match="more memory than there is"):
        receive_bytes(frame({}))


@pytest.mark.parametrize("head", [b'{"said": "\xed\xa0\xbd"}', b'{"said": "\xff"}', b'{\x00"\x00a\x00"\x00:\x001\x00}\x00', b"\xef\xbb\xbf{}"])
def test_a_header_that_is_not_utf_8_is_refused(head):
    with pytest.raises(WireError):
        receive_bytes(frame(head))


@pytest.mark.parametrize("shape", [[2**26, 0], [0, 2**26], [2**9, 2**9, 0]])
def test_an_array_without_entries_has_few_rows(shape):
    with pytest.raises(WireError):
        wire.decode({"dtype": "<f8", "shape": shape, "at": 0}, b"")
    assert wire.decode({"dtype": "<f8", "shape": [0, 3, 4], "at": 0}, b"").shape == (0, 3, 4)


def test_a_number_beyond_all_floats_is_none():
    assert repr(wire.decode(10**400, b"")) == "<an object of type int too large for a float>" and wire.decode(10**30, b"") == 10**30


def test_a_text_that_came_back_is_not_kept_for_ever():
    """Python 3.12 never lets go of what is interned: a hand-in has hundreds of megabytes of texts, and a watcher runs for weeks."""
    one, same = ["".join(["re", "lu"]) for _ in range(2)]
    assert one is not same
    report = {"value": {"list": [one, {"tuple": [same]}]}, "warnings": [], "after": []}
    first, (second,) = read_reply(report, b"").value
    assert first is one and second is same
    first, (second,) = wire.decode(report["value"], b"", words=sys.intern)
    assert first is second is sys.intern("relu")
