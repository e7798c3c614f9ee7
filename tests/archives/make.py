#!/usr/bin/env python3
"""Writes the archives that unpacking must refuse (and a few that it must take) into tests/fuzz/corpus/archive.

They are checked in; run this again to add one, what is there stays. Needs zstd(1). Every archive has a line in cases.txt beside this file.
"""
import gzip
import pathlib
import subprocess

OUT = pathlib.Path(__file__).resolve().parent.parent / "fuzz" / "corpus" / "archive"
BLOCK = 512
END = bytes(2 * BLOCK)


def number(value, width):
    """Octal, or base 256 where that does not fit (negative, huge)."""
    if 0 <= value < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, value)
    return bytes([0x80 if value >= 0 else 0xFF]) + (value % 256 ** (width - 1)).to_bytes(width - 1, "big")


def header(name, size=0, kind=b"0", link=b"", major=0):
    fields = [
        name[:100].ljust(100, b"\0"), number(0o644, 8), number(0, 8), number(0, 8), number(size, 12), number(0, 12),
        b" " * 8, kind, link.ljust(100, b"\0"), b"ustar\0" + b"00", bytes(64), number(major, 8), number(0, 8), bytes(155),
    ]
    block = bytearray(b"".join(fields).ljust(BLOCK, b"\0"))
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def gnu_sparse(name, size, at, data):
    """An old GNU sparse file of one piece of `data` at `at`."""
    block = bytearray(header(name, len(data), kind=b"S"))
    block[257:265] = b"ustar  \0"
    block[345:500] = bytes(155)
    block[386:410] = number(at, 12) + number(len(data), 12)
    block[483:495] = number(size, 12)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + pad(data)


def pad(data):
    return data + bytes(-len(data) % BLOCK)


def file(name, data=b"", **more):
    return header(name, more.pop("size", len(data)), **more) + pad(data)


def pax(records):
    """A pax header for the entry that follows."""
    text = b""
    for key, value in records:
        body = b" " + key + b"=" + value + b"\n"
        length = len(body)
        while len(b"%d" % length) + len(body) != length:
            length = len(b"%d" % length) + len(body)
        text += b"%d" % length + body
    return file(b"PaxHeader/x", text, kind=b"x")


def gnu_long(name, kind=b"L"):
    return file(b"././@LongLink", name + b"\0", kind=kind)


def zstd(data):
    return subprocess.run(["zstd", "-q", "-19", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def tar(*entries):
    return zstd(b"".join(entries) + END)


def prefixed(prefix, name):
    """The first part of the path in ustar's own field for it."""
    block = bytearray(header(name))
    block[345:345 + len(prefix)] = prefix
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def with_field(at, text):
    """A header whose field at this place was overwritten."""
    block = bytearray(header(b"a"))
    block[at:at + len(text)] = text
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def zstd_of_window(log):
    """A frame by hand that wants a window of 2^log bytes, with one raw block."""
    data = A + END
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(log - 10) << 3]) + (len(data) << 3 | 1).to_bytes(3, "little") + data


def zstd_of_zeros(size):
    """A frame by hand: blocks of 128 KiB, each of one byte repeated, in four bytes."""
    block = ((128 << 10) << 3 | 2).to_bytes(3, "little") + b"\0"
    last = (1 << 3 | 3).to_bytes(3, "little") + b"\0"
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(17 - 10) << 3]) + block * (size >> 17) + last


A, B = file(b"a", b"alpha\n"), file(b"b", b"beta\n")
ARCHIVES = {
    "good": tar(A, file(b"dir/x", b"x" * 2000), file(b"dir/y")),
    "good-empty": tar(),
    "good-pax-name": tar(pax([(b"path", b"p" * 200)]), file(b"short", b"1")),
    "good-gnu-name": tar(gnu_long(b"g" * 200), file(b"short", b"1")),
    "folder": tar(A, header(b"dir/", kind=b"5")),
    "symbolic-link": tar(A, header(b"b", kind=b"2", link=b"/etc/passwd")),
    "hard-link": tar(A, header(b"b", kind=b"1", link=b"a")),
    "hard-link-with-data": tar(A, file(b"b", b"data", kind=b"1", link=b"../outside")),
    "character-device": tar(A, header(b"b", kind=b"3", major=1)),
    "block-device": tar(A, header(b"b", kind=b"4", major=8)),
    "named-pipe": tar(A, header(b"b", kind=b"6")),
    "pax-link": tar(pax([(b"linkpath", b"../x")]), header(b"b", kind=b"2")),
    "gnu-long-link": tar(gnu_long(b"l" * 300, b"K"), header(b"b", kind=b"2")),
    "absolute": tar(file(b"/etc/cron.d/x", b"1")),
    "dot-dot": tar(file(b"a/../../x", b"1")),
    "dot-dot-first": tar(file(b"../x", b"1")),
    "dot-dot-in-pax": tar(pax([(b"path", b"a/../../x")]), file(b"fine", b"1")),
    "dot-part": tar(file(b"a/./x", b"1")),
    "empty-part": tar(file(b"a//x", b"1")),
    "empty-name": tar(file(b"", b"1")),
    "backslash": tar(file(b"a\\b", b"1")),
    "control-character": tar(file(b"a\x1b[31m", b"1")),
    "not-ascii": tar(file(b"\xc3\xa4", b"1")),
    "not-ascii-in-pax": tar(pax([(b"path", b"\xc3\xa4")]), file(b"fine", b"1")),
    "twice": tar(A, A),
    "not-sorted": tar(B, A),
    "case-of-files": tar(file(b"A", b"1"), file(b"a", b"2")),
    "case-of-folders": tar(file(b"Dir/x", b"1"), file(b"dir/y", b"2")),
    "file-and-folder": tar(A, file(b"a/b", b"1")),
    "file-and-folder-by-case": tar(file(b"A", b"1"), file(b"a/b", b"1")),
    "long-name-in-pax": tar(pax([(b"path", b"p" * 241)]), file(b"fine", b"1")),
    "long-name-by-gnu": tar(gnu_long(b"g" * 5000), file(b"fine", b"1")),
    "huge-name-in-pax": tar(pax([(b"path", b"p/" * 600000)]), file(b"fine", b"1")),
    "negative-size": tar(A, header(b"b", size=-512)),
    "huge-size": tar(A, header(b"b", size=1 << 40)),
    "huge-size-in-pax": tar(pax([(b"size", b"4611686018427387904")]), header(b"a")),
    "negative-size-in-pax": tar(pax([(b"size", b"-5")]), header(b"a")),
    "sum-of-sizes": tar(file(b"a", bytes(700000)), file(b"b", bytes(700000))),
    "sparse-by-gnu": tar(gnu_sparse(b"a", 1000, 900, b"1" * 100)),
    "sparse-in-pax": tar(pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"a"),
                              (b"GNU.sparse.realsize", b"1000")]), file(b"fine", pad(b"1\n900\n100\n") + b"1" * 100)),
    "too-many-files": tar(*[file(b"%04d" % i) for i in range(101)]),
    "cut-in-file": zstd(file(b"a", b"x" * 5000)[:2000]),
    "cut-in-zstd": tar(file(b"a", bytes(i * i * 31 // 7 % 256 for i in range(9000))))[:-200],
    "no-end": zstd(A + file(b"b", b"x" * BLOCK)),
    "second-tar": tar(A, END, B),
    "text-after-end": zstd(A + END + b"more"),
    "garbage-after-zstd": tar(A) + b"garbage",
    "second-zstd-frame": tar(A) + zstd(b"more"),
    "zeros-without-end": zstd(A + bytes(64 << 20)),
    "zeros-in-file": tar(file(b"a", bytes(64 << 20))),
    "not-compressed": A + END,
    "gzip": gzip.compress(A + END, mtime=0),
    "zstd-in-zstd": zstd(tar(A)),
    "no-tar": zstd(b"this is no tar\n" * 100),
    "nothing": b"",
    "good-mode": tar(with_field(100, b"0007777\0")),
    "good-attributes": tar(pax([(b"SCHILY.xattr.security.capability", b"x"), (b"SCHILY.acl.access", b"user::rwx"), (b"uid", b"0")]), A),
    "prefix-dot-dot": tar(prefixed(b"../..", b"x")),
    "prefix-absolute": tar(prefixed(b"/etc", b"x")),
    "slash-at-end": tar(file(b"a/", b"")),
    "nul-in-pax-name": tar(pax([(b"path", b"a\0/../../x")]), file(b"fine", b"1")),
    "name-twice-in-pax": tar(pax([(b"path", b"a"), (b"path", b"../x")]), file(b"fine", b"1")),
    "pax-without-end": tar(file(b"PaxHeader/x", b"99999999 path=x\n", kind=b"x"), A),
    "pax-nonsense": tar(file(b"PaxHeader/x", b"no record", kind=b"x"), A),
    "size-nonsense": tar(with_field(124, b"zz zz zz zz\0")),
    "size-hides-a-file": tar(pax([(b"size", b"6")]), header(b"a") + pad(b"alpha\n"), pax([(b"size", b"512")]), header(b"b", size=6) + A),
    "global-name": tar(file(b"PaxHeader/g", b"13 path=../x\n", kind=b"g"), A),
    "global-headers": tar(file(b"PaxHeader/g", b"11 uid=100\n", kind=b"g") * 1400, A),
    "long-names": tar(gnu_long(b"x" * 300) * 1000, A),
    "long-name-dot-dot": tar(gnu_long(b"a/" * 50 + b"../x"), file(b"fine", b"1")),
    "volume-label": tar(header(b"label", kind=b"V"), A),
    "next-volume": tar(header(b"a", kind=b"M"), A),
    "gnu-folder": tar(file(b"a", b"Yx\0\0", kind=b"D"), A),
    "unknown-kind": tar(header(b"a", kind=b"Z")),
    "socket-by-cpio": zstd(b"070701" + b"0" * 104 + b"a\0"),
    "zstd-window": zstd_of_window(31),
    "zstd-bomb": zstd_of_zeros(1 << 30),
    "zstd-empty-frames": tar(A) + zstd(b"") * 1000,
    "zstd-skippable": b"\x50\x2a\x4d\x18\x04\0\0\0more" + tar(A),
    "bad-checksum": tar(bytes([A[0] ^ 1]) + A[1:]),
}

if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name, data in ARCHIVES.items():
        if not (OUT / (name + ".iov")).exists():
            (OUT / (name + ".iov")).write_bytes(data)
