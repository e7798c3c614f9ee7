#!/usr/bin/env python3
"""A web server that means harm, on 127.0.0.1: it gives out the files of a folder, but head.note as the mode says.

    hostile-http.py FOLDER MODE-FILE LOG

It writes its port to standard output once it listens. The mode is read from MODE-FILE for each request; `ok` is an honest server. LOG gets a line for
each head.note: the mode and the bytes of its body that were sent before the client hung up.
"""
import gzip
import http.server
import os
import sys
import time
import zlib

FOLDER, MODE_FILE, LOG = sys.argv[1:4]
CHUNK = 64 * 1024


def whole(data):
    yield data


def bomb(_):
    """1 GiB of zeros in 1 MiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for _ in range(1 << 14):
        yield packer.compress(bytes(CHUNK))
    yield packer.flush()


def bomb_behind(data):
    """The file itself, then a second gzip member with the bomb."""
    yield gzip.compress(data)
    yield from bomb(data)


def nothing(_):
    """Blocks without a byte in them, for ever: nothing comes out, so that no limit on what comes out is met."""
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
    for _ in range(1 << 14):
        yield b"\0\0\0\xff\xff" * (CHUNK // 5)


def drip(data):
    """A byte a second."""
    for byte in gzip.compress(data):
        yield bytes([byte])
        time.sleep(1)


def cut(data):
    yield gzip.compress(data)[:-20]


def rubbish(_):
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + b"\xff" * 100


MODES = {"ok": whole, "bomb": bomb, "bomb-behind": bomb_behind, "nothing": nothing, "drip": drip, "cut": cut, "rubbish": rubbish}


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *words):
        super().__init__(*words, directory=FOLDER)

    def log_message(self, *_):
        pass

    def do_GET(self):
        with open(MODE_FILE) as file:
            mode = file.read().strip()
        if mode == "ok" or self.path != "/head.note":
            return super().do_GET()
        with open(os.path.join(FOLDER, "head.note"), "rb") as file:
            data = file.read()
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        sent = 0
        try:
            for part in MODES[mode](data):
                self.wfile.write(part)
                sent += len(part)
        except OSError:
            pass
        with open(LOG, "a") as log:
            print(mode, sent, file=log)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
