"""Hashes and encodings that DuckDB lacks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import zlib

from tdlocal.engine.functions.failing import fail

_MASK = (1 << 64) - 1
_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
)  # fmt: skip


def sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def keyed(name: str, data: bytes, key: bytes) -> bytes:
    return hmac.new(key, data, name).digest()


def crc32(data: bytes) -> int:
    return zlib.crc32(data)


def to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _decoded(text: str, function: object, kind: str) -> bytes:
    try:
        return function(text)  # type: ignore[operator, no-any-return]
    except (binascii.Error, ValueError) as error:
        fail("INVALID_FUNCTION_ARGUMENT", f"invalid {kind}: {error}")


def from_base64(text: str) -> bytes:
    padded = text + "=" * (-len(text) % 4)
    return _decoded(padded, lambda given: base64.b64decode(given, validate=True), "base64")


def from_hex(text: str) -> bytes:
    if len(text) % 2:
        fail("INVALID_FUNCTION_ARGUMENT", f"expected an even number of characters: {text}")
    return _decoded(text, bytes.fromhex, "hex") if " " not in text else _decoded("?", bytes.fromhex, "hex")


def from_base64url(text: str) -> bytes:
    return _decoded(text + "=" * (-len(text) % 4), base64.urlsafe_b64decode, "base64url")


def to_base32(data: bytes) -> str:
    return base64.b32encode(data).decode()


def from_base32(text: str) -> bytes:
    return _decoded(text, base64.b32decode, "base32")


def to_bytes(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big", signed=True)


def from_bytes(data: bytes) -> int:
    if len(data) not in (4, 8):
        fail("INVALID_FUNCTION_ARGUMENT", f"expected 8-byte input, but got instead: {len(data)}")
    return int.from_bytes(data, "big", signed=True)


def to_ieee64(value: float) -> bytes:
    return struct.pack(">d", value)


def to_ieee32(value: float) -> bytes:
    return struct.pack(">f", value)


def _unpacked(form: str, data: bytes) -> float:
    if len(data) != struct.calcsize(form):
        fail(
            "INVALID_FUNCTION_ARGUMENT",
            f"Input floating-point value must be exactly {struct.calcsize(form)} bytes long",
        )
    return float(struct.unpack(form, data)[0])


def from_ieee64(data: bytes) -> float:
    return _unpacked(">d", data)


def from_ieee32(data: bytes) -> float:
    return _unpacked(">f", data)


# -- XXH64


def _turn(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _round(state: int, word: int) -> int:
    return _turn((state + word * _P2) & _MASK, 31) * _P1 & _MASK


def xxh64(data: bytes, seed: int = 0) -> int:
    """XXH64 of *data*.

    >>> hex(xxh64(b"abc"))
    '0x44bc2cf5ad770999'
    """
    index, size = 0, len(data)
    if size >= 32:
        states = [(seed + _P1 + _P2) & _MASK, (seed + _P2) & _MASK, seed, (seed - _P1) & _MASK]
        while index + 32 <= size:
            for lane in range(4):
                word = int.from_bytes(data[index + lane * 8 : index + lane * 8 + 8], "little")
                states[lane] = _round(states[lane], word)
            index += 32
        total = sum(_turn(state, bits) for state, bits in zip(states, (1, 7, 12, 18), strict=True)) & _MASK
        for state in states:
            total = ((total ^ _round(0, state)) * _P1 + _P4) & _MASK
    else:
        total = (seed + _P5) & _MASK
    total = (total + size) & _MASK
    return _finish(data, index, total)


def _finish(data: bytes, index: int, total: int) -> int:
    size = len(data)
    while index + 8 <= size:
        total ^= _round(0, int.from_bytes(data[index : index + 8], "little"))
        total = (_turn(total, 27) * _P1 + _P4) & _MASK
        index += 8
    if index + 4 <= size:
        total ^= int.from_bytes(data[index : index + 4], "little") * _P1 & _MASK
        total = (_turn(total, 23) * _P2 + _P3) & _MASK
        index += 4
    for byte in data[index:]:
        total = _turn(total ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    total = (total ^ (total >> 33)) * _P2 & _MASK
    total = (total ^ (total >> 29)) * _P3 & _MASK
    return total ^ (total >> 32)


def xxhash64(data: bytes) -> bytes:
    return xxh64(data).to_bytes(8, "big")


def _sum(hashes: list[int | None]) -> bytes | None:
    if not hashes:
        return None
    total = sum(_P1 if value is None else value * _P1 for value in hashes)
    return (total & _MASK).to_bytes(8, "little")


def checksum_numbers(values: list[int | None] | None) -> bytes | None:
    """checksum() of integers: the same in any order of the rows."""
    if values is None:
        return None
    return _sum([None if v is None else xxh64(v.to_bytes(8, "little", signed=True)) for v in values])


def checksum_texts(values: list[str | None] | None) -> bytes | None:
    if values is None:
        return None
    return _sum([None if value is None else xxh64(value.encode()) for value in values])


def murmur3(data: bytes) -> bytes:
    """Murmur3, 128 bits for 64-bit machines, seed 0."""
    one = two = 0
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
    whole = len(data) // 16 * 16
    for index in range(0, whole, 16):
        k1 = int.from_bytes(data[index : index + 8], "little")
        k2 = int.from_bytes(data[index + 8 : index + 16], "little")
        one ^= _turn(k1 * c1 & _MASK, 31) * c2 & _MASK
        one = (_turn(one, 27) + two) * 5 + 0x52DCE729 & _MASK
        two ^= _turn(k2 * c2 & _MASK, 33) * c1 & _MASK
        two = (_turn(two, 31) + one) * 5 + 0x38495AB5 & _MASK
    rest = data[whole:]
    two ^= _turn(int.from_bytes(rest[8:], "little") * c2 & _MASK, 33) * c1 & _MASK
    one ^= _turn(int.from_bytes(rest[:8], "little") * c1 & _MASK, 31) * c2 & _MASK
    one, two = one ^ len(data), two ^ len(data)
    one = (one + two) & _MASK
    two = (two + one) & _MASK
    one, two = _mixed(one), _mixed(two)
    one = (one + two) & _MASK
    two = (two + one) & _MASK
    return one.to_bytes(8, "little") + two.to_bytes(8, "little")


def _mixed(value: int) -> int:
    value = (value ^ (value >> 33)) * 0xFF51AFD7ED558CCD & _MASK
    value = (value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ (value >> 33)
