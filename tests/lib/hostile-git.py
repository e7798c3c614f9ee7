#!/usr/bin/env python3
"""A git server that means harm, over HTTP and over git://, on 127.0.0.1.

    hostile-git.py REPOSITORY MODE-FILE LOG

It serves REPOSITORY as `ok` would (with git upload-pack), except for what the mode says, which is read from MODE-FILE for each request. It writes
"HTTP-PORT GIT-PORT" to standard output once both listen, and the mode and outcome of each connection to LOG. A mode is a row of MODES below:
what is told of the refs, and what comes as the pack.
"""
import hashlib
import os
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
import zlib

REPOSITORY, MODE_FILE, LOG = sys.argv[1:4]
CAPABILITIES = b"multi_ack side-band-64k ofs-delta shallow no-progress agent=hostile/1"
FLUSH = b"0000"
COMMIT, TREE, BLOB, OFS_DELTA, REF_DELTA = 1, 2, 3, 6, 7


def git(*words, **more):
    return subprocess.run(["git", "-C", REPOSITORY, *words], check=True, stdout=subprocess.PIPE, **more).stdout


def pkt(data):
    return b"%04x" % (len(data) + 4) + data


# ---- objects and packs

def name(kind, data):
    return hashlib.sha1(b"%s %d\0" % (kind, len(data)) + data).digest()


def entry(kind, size, packed, between=b""):
    """One object of a pack: its header, the base of a delta, and its zlib stream."""
    head = [kind << 4 | size & 15]
    size >>= 4
    while size:
        head[-1] |= 0x80
        head.append(size & 0x7F)
        size >>= 7
    return bytes(head) + between + packed


def blob(data):
    return entry(BLOB, len(data), zlib.compress(data))


def pack(entries, count=None):
    body = b"PACK" + struct.pack(">II", 2, len(entries) if count is None else count) + b"".join(entries)
    return body + hashlib.sha1(body).digest()


def commit_of(tree):
    text = b"tree %s\nauthor x <x@example.org> 0 +0000\ncommitter x <x@example.org> 0 +0000\n\nx\n" % tree.hex().encode()
    return text, name(b"commit", text).hex().encode()


def history(items, more=()):
    """A commit whose tree has these (mode, name, object id); its id, and a pack of it with more entries."""
    tree = b"".join(b"%s %s\0" % (mode, file) + oid for mode, file, oid in items)
    text, oid = commit_of(name(b"tree", tree))
    return oid, pack([entry(COMMIT, len(text), zlib.compress(text)), entry(TREE, len(tree), zlib.compress(tree)), *more])


def zeros(size):
    """A zlib stream of that many zeros, and their object id, without ever holding them."""
    packer, digest, chunk = zlib.compressobj(9), hashlib.sha1(b"blob %d\0" % size), bytes(1 << 20)
    stream = b""
    for _ in range(size >> 20):
        digest.update(chunk)
        stream += packer.compress(chunk)
    return stream + packer.flush(), digest.digest()


def number(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def exploding_delta(base_size, copies):
    """A delta that copies all of its base so many times."""
    step = b"\xff" + struct.pack("<I", 0) + struct.pack("<I", base_size)[:3]
    return number(base_size) + number(base_size * copies) + step * copies


# ---- what a mode does with refs

MAIN = git("rev-parse", "refs/heads/main").strip()
UNKNOWN = b"1" * 40


def advertisement(refs):
    """The list of refs as packets; the first has the capabilities."""
    first = True
    for oid, ref in refs:
        yield pkt(oid + b" " + ref + (b"\0" + CAPABILITIES if first else b"") + b"\n")
        first = False
    yield FLUSH


def main_at(oid):
    return lambda: advertisement([(oid, b"HEAD"), (oid, b"refs/heads/main")])


def many_refs(count):
    def refs():
        yield MAIN, b"HEAD"
        i = 0
        while count is None or i < count:
            yield UNKNOWN, b"refs/heads/a%09d" % i
            i += 1
        yield UNKNOWN, b"refs/heads/main"

    return lambda: chunked(advertisement(refs()))


def chunked(pieces):
    held = []
    for piece in pieces:
        held.append(piece)
        if len(held) == 4096:
            yield b"".join(held)
            held = []
    yield b"".join(held)


ESCAPES = [b"refs/heads/../../escape", b"../escape", b"/tmp/escape", b"refs/heads/main.lock", b"HEAD/../escape"]
ODD = [b"refs/heads/a\x01b", b"refs/heads/\xff\xfe", b"refs/heads/" + b"n" * 60000, b"refs/heads/a b", b"refs/heads/x^{}"]


def refs_named(names):
    caps = CAPABILITIES + b" symref=HEAD:refs/heads/../../escape symref=refs/heads/main:/etc/passwd"
    yield pkt(MAIN + b" HEAD\0" + caps + b"\n")
    for ref in names + [b"refs/heads/main"]:
        yield pkt(MAIN + b" " + ref + b"\n")
    yield FLUSH


def raw(data):
    return lambda: [data]


def drip(data, seconds=0.2):
    while True:
        for at in range(len(data)):
            time.sleep(seconds)
            yield data[at:at + 1]


# ---- the same in version 2 of the protocol: what the server can do, and what it says when it is asked for refs

V2 = pkt(b"version 2\n") + pkt(b"agent=hostile/1\n") + pkt(b"ls-refs\n") + pkt(b"fetch=shallow\n") + pkt(b"object-format=sha1\n") + FLUSH


def listed(*refs):
    return b"".join(pkt(oid + b" " + ref + b"\n") for oid, ref in refs) + FLUSH


def v2_endless():
    i = 0
    while True:
        yield b"".join(pkt(UNKNOWN + b" refs/heads/main%09d\n" % j) for j in range(i, i + 4096))
        i += 4096


def silence():
    time.sleep(600)
    yield b""


# ---- what a mode sends as the pack

def band(data, number=1):
    for at in range(0, len(data), 65000):
        yield pkt(bytes([number]) + data[at:at + 65000])
    yield FLUSH


def endless(piece):
    while True:
        yield piece


def good_pack():
    return git("pack-objects", "--all", "--stdout", "-q", input=b"")


def damaged_pack():
    data = bytearray(good_pack())
    data[len(data) // 2] ^= 0x55
    return bytes(data)


def random_pack():
    yield from band(b"PACK" + struct.pack(">II", 2, 1000) + os.urandom(100000))


def words_without_end():
    return endless(pkt(b"\x02" + b"still counting \x1b[31m" * 60 + b"\r"))


def pack_without_end():
    """Blob after blob, none of them twice."""
    yield pkt(b"\x01PACK" + struct.pack(">II", 2, 1 << 22))
    i = 0
    while True:
        data = b"".join(entry(BLOB, 60000, zlib.compress(struct.pack(">I", j) * 15000, 0)) for j in range(i, i + 16))
        i += 16
        yield from list(band(data))[:-1]


def made(build):
    """A pack that is made at the first use, with the id that main then has."""
    held = {}

    def get():
        if not held:
            held["oid"], held["pack"] = build()
        return held

    return lambda: main_at(get()["oid"])(), lambda: band(get()["pack"])


def zero_bomb():
    stream, oid = zeros(1 << 28)
    return history([(b"100644", b"head.note", oid)], [entry(BLOB, 1 << 28, stream)])


def delta_bomb(copies):
    """A delta of a few KB that unfolds to as many MB."""
    base = bytes(1 << 20)
    delta = exploding_delta(len(base), copies)

    def build():
        between = name(b"blob", base)
        return history([(b"100644", b"head.note", between)], [blob(base), entry(REF_DELTA, len(delta), zlib.compress(delta), between)])

    return build


def delta_chain():
    """Each delta has the one before it as its base."""
    text = bytes(4096)
    entries, deltas = [blob(text)], 20000
    for i in range(deltas):
        copy = b"\xb0" + struct.pack("<H", len(text))
        fresh = struct.pack(">I", i)
        delta = number(len(text)) + number(len(text) + 4) + copy + b"\x04" + fresh
        text = text + fresh if len(text) < 8000 else text
        if len(text) >= 8000:
            break
        entries.append(entry(OFS_DELTA, len(delta), zlib.compress(delta), offset(len(entries[-1]))))
    return history([(b"100644", b"head.note", name(b"blob", text))], entries)


def offset(back):
    out = [back & 0x7F]
    back >>= 7
    while back:
        back -= 1
        out.insert(0, back & 0x7F | 0x80)
        back >>= 7
    return bytes(out)


def odd_tree():
    """Names that must not leave the repository, and files that are none."""
    oid = name(b"blob", b"/etc/passwd")
    items = [(b"40000", b"..", oid), (b"100644", b"../../escape", oid), (b"100644", b".git", oid), (b"120000", b"head.note", oid),
             (b"160000", b"checkpoint", oid), (b"100644", b"head.note", oid), (b"100644", b"", oid)]
    return history(items, [blob(b"/etc/passwd")])


def said_size(size):
    return lambda: history([(b"100644", b"head.note", name(b"blob", b"x"))], [entry(BLOB, size, zlib.compress(b"x"))])


V2_MODES = {
    "v2-capabilities-endless": (lambda: endless(pkt(b"fetch=shallow\n") * 1000), None),
    "v2-capabilities-none": (raw(FLUSH), None),
    "v2-capabilities-short": (raw(b""), None),
    "v2-sha256": (raw(pkt(b"ls-refs\n") + pkt(b"object-format=sha256\n") + FLUSH), None),
    "v2-endless": (None, v2_endless),
    "v2-zeros": (None, lambda: endless(bytes(65536))),
    "v2-error": (None, raw(pkt(b"ERR go away \x1b[31mnow\x07\n"))),
    "v2-text": (None, raw(b"this is no git server\n" * 100)),
    "v2-length": (None, raw(b"fffe" + b"x" * 100)),
    "v2-short": (None, raw(listed((MAIN, b"refs/heads/main"))[:-4])),
    "v2-more": (None, raw(listed((MAIN, b"refs/heads/main")) * 2)),
    "v2-delimiter": (None, raw(b"0001" + listed((MAIN, b"refs/heads/main")))),
    "v2-id": (None, raw(listed((b"x" * 40, b"refs/heads/main")))),
    "v2-id-short": (None, raw(listed((b"1" * 39, b"refs/heads/main")))),
    "v2-nul": (None, raw(listed((MAIN, b"refs/heads/main\0shallow symref=HEAD:/etc/passwd")))),
    "v2-none": (None, raw(FLUSH)),
    "v2-longer": (None, raw(listed((UNKNOWN, b"refs/heads/mainly"), (UNKNOWN, b"refs/heads/main/x")))),
    "v2-moved": (None, raw(listed((UNKNOWN, b"refs/heads/main")))),
    "v2-odd": (None, lambda: [listed(*((MAIN, ref) for ref in [*ESCAPES, *ODD, b"refs/heads/main symref-target:../../escape"]))]),
    "v2-drip": (None, lambda: drip(b"0038" + b"1" * 52)),
    "v2-silent": (None, silence),
}

OK = None, None
MODES = {
    "ok": OK,
    "refs-million": (many_refs(1000000), None),
    "refs-endless": (many_refs(None), None),
    "refs-odd": (lambda: refs_named(ODD), None),
    "refs-escape": (lambda: refs_named(ESCAPES), None),
    "refs-text": (raw(b"this is no git server\n" * 100), None),
    "refs-length": (raw(b"fffe" + b"x" * 100), None),
    "refs-length-none": (raw(b"zzzz" + b"x" * 100), None),
    "refs-length-short": (raw(b"0001" * 100), None),
    "refs-zeros": (lambda: endless(bytes(65536)), None),
    "refs-error": (raw(pkt(b"ERR go away \x1b[31mnow\x07\n")), None),
    "refs-drip": (lambda: drip(b"fff0" + b"1" * 65516), None),
    "refs-silent": (silence, None),
    "refs-moved": (main_at(UNKNOWN), None),
    "pack-damaged": (main_at(UNKNOWN), lambda: band(damaged_pack())),
    "pack-short": (main_at(UNKNOWN), lambda: band(good_pack()[:200])),
    "pack-none": (main_at(UNKNOWN), lambda: [FLUSH]),
    "pack-random": (main_at(UNKNOWN), random_pack),
    "pack-wrong": (main_at(UNKNOWN), lambda: band(good_pack())),
    "pack-count": (main_at(UNKNOWN), lambda: band(pack([blob(b"x")], 0xFFFFFFFF))),
    "pack-endless": (main_at(UNKNOWN), pack_without_end),
    "pack-silent": (main_at(UNKNOWN), silence),
    "pack-drip": (main_at(UNKNOWN), lambda: drip(b"".join(band(good_pack())), 0.05)),
    "words-endless": (main_at(UNKNOWN), words_without_end),
    "words-error": (main_at(UNKNOWN), lambda: band(b"no pack \x1b[31mtoday\x07\n", 3)),
    "zero-bomb": made(zero_bomb),
    "delta-bomb": made(delta_bomb(600)),
    "delta-bomb-huge": made(delta_bomb(60000)),
    "delta-chain": made(delta_chain),
    "size-huge": made(said_size(1 << 60)),
    "size-wrong": made(said_size(100)),
    "tree-odd": made(odd_tree),
    **{mode: OK for mode in V2_MODES},
}

# ---- the two ways to speak it


def real(arguments, data):
    return subprocess.run(["git", "upload-pack", *arguments, REPOSITORY], input=data, stdout=subprocess.PIPE, check=False).stdout


def answer(mode, wants):
    """What follows the client's wants: where a shallow history ends, then, once it is done asking, the pack."""
    packs = MODES[mode][1]
    want = wants[wants.index(b"want ") + 5:][:40] if b"want " in wants else UNKNOWN
    if b"deepen" in wants:
        yield pkt(b"shallow " + want) + FLUSH
    if b"done" in wants:
        yield pkt(b"NAK\n")
        yield from packs()


def current_mode():
    with open(MODE_FILE, encoding="ascii") as file:
        return file.read().strip()


def log(*words):
    with open(LOG, "a", encoding="utf-8") as file:
        print(*words, file=file)


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        mode = current_mode()
        sent = 0
        try:
            for piece in self.speak(mode):
                self.request.sendall(piece)
                sent += len(piece)
            log(mode, "all", sent)
        except OSError:
            log(mode, "cut", sent)


class Http(Handler):
    def read_request(self):
        file = self.request.makefile("rb")
        line = file.readline().split()
        headers = {}
        for header in iter(file.readline, b"\r\n"):
            if not header:
                break
            key, _, value = header.partition(b":")
            headers[key.strip().lower()] = value.strip()
        return line, headers, self.read_body(file, headers)

    @staticmethod
    def read_body(file, headers):
        if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            body = b""
            while size := int(file.readline(), 16):
                body += file.read(size)
                file.readline()
            return body
        return file.read(int(headers.get(b"content-length", b"0")))

    def speak(self, mode):
        line, headers, body = self.read_request()
        if len(line) < 2:
            return
        refs, packs = MODES[mode]
        in_v2 = headers.get(b"git-protocol") == b"version=2" and mode in V2_MODES
        what = b"advertisement" if line[0] == b"GET" else b"result"
        if mode == "refs-zeros":
            yield b"HTTP/1.1 200 OK\r\nX: "
            yield from refs()
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-%s\r\nConnection: close\r\n\r\n" % what
        if in_v2:
            able, told = V2_MODES[mode]
            if line[0] == b"POST":
                yield from told()
            elif able:
                yield pkt(b"version 2\n")
                yield from able()
            else:
                yield V2
        elif line[0] == b"GET":
            yield pkt(b"# service=git-upload-pack\n") + FLUSH
            yield from refs() if refs else [real(["--stateless-rpc", "--advertise-refs"], b"")]
        elif packs:
            yield from answer(mode, body)
        else:
            yield real(["--stateless-rpc"], body)


class Git(Handler):
    def packet(self):
        length = int(self.receive(4), 16)
        return self.receive(length - 4) if length > 4 else b""

    def receive(self, size):
        data = b""
        while len(data) < size:
            got = self.request.recv(size - len(data))
            if not got:
                raise OSError("the client is gone")
            data += got
        return data

    def speak(self, mode):
        self.packet()
        refs, packs = MODES[mode]
        yield from refs() if refs else main_at(MAIN)()
        wants = b""
        while b"done" not in wants:
            wants += self.packet()
        yield from answer(mode, wants) if packs else [pkt(b"NAK\n"), *band(good_pack())]


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


if __name__ == "__main__":
    http, plain = Server(("127.0.0.1", 0), Http), Server(("127.0.0.1", 0), Git)
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    print(f"{http.server_address[1]} {plain.server_address[1]}", flush=True)
    http.serve_forever()
