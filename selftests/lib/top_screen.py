#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# top_screen: `wgxdp top` on a terminal of its own, whose screen it reads (pyte).
#
#   top_screen COMMAND [ARGUMENT]...
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

import pyte


class Terminal:
    def __init__(self, command, columns, lines):
        starts, start = os.pipe()
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.close(start)
            os.read(starts, 1)                                             # waits until the writer closes it
            os.environ["TERM"] = "linux"  # the terminal that pyte emulates
            os.execvp(command[0], command)
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.resize(columns, lines)
        self.modes = termios.tcgetattr(self.fd)
        os.close(starts)
        os.close(start)

    def resize(self, columns, lines):
        self.screen.resize(lines, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    return
                self.raw += data
                self.stream.feed(data)

    def wait(self, what, pattern, seconds=20):
        end = time.monotonic() + seconds
        while not re.search(pattern, "\n".join(self.screen.display), re.M):
            if time.monotonic() > end:
                sys.exit(f"FAIL {what}: no {pattern!r} on the screen:\n" + "\n".join(self.screen.display))
            self.read(0.1)
        print("ok", what, flush=True)

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def ends(self, what, status=0):
        self.read(20)                                                      # reads the rest
        _, got = os.waitpid(self.pid, 0)
        if os.waitstatus_to_exitcode(got) != status:
            sys.exit(f"FAIL {what}: status {os.waitstatus_to_exitcode(got)}")
        if termios.tcgetattr(self.fd) != self.modes or self.raw.rfind(b"\x1b[?25h") < self.raw.rfind(b"\x1b[?25l"):
            sys.exit(f"FAIL {what}: the terminal is not as before: {termios.tcgetattr(self.fd)}, not {self.modes}: {self.raw[-200:]}")
        print("ok", what, flush=True)


def main():
    t = Terminal(sys.argv[1:] + ["-i", "1"], 100, 24)
    t.wait("the head", r"^wgxdp default +by rate, each 1\.0 s")
    t.wait("packets of busy, in bits", r"^  busy +[1-9][0-9.]* M ")
    t.wait("the keys", r"^q quit")
    t.press("uu")
    t.wait("in packets", r"^services +packets")
    t.wait("packets of busy", r"^  busy +([1-9]\d\d|[1-9][0-9.]+ k) ")
    t.press("s")
    t.wait("by dropped", r"by dropped")
    t.wait("the first is then another", r"^services.*\n  also")
    t.press("/idl\n")
    t.wait("the filter", r"only idl")
    t.wait("what it leaves", r"^services.*\n  idle")
    t.press("/\x1b")
    t.wait("no filter", r"^  busy")
    t.press("-")
    t.wait("another interval", r"each 0\.5 s")
    t.resize(40, 10)
    t.wait("40 by 10", r"\A.*\nservices {1,20}packets")
    t.read(1)
    if any(len(line.rstrip()) > 40 for line in t.screen.display) or len(t.screen.display) != 10:
        sys.exit("FAIL it does not fit")
    t.wait("the keys, there", r"^q s u / \+ - arrows")
    t.press("\x1b[B" * 2)
    t.wait("scrolled", r"\Awgxdp default *\n  ")
    t.resize(120, 30)
    t.wait("120 by 30", r"interval +arrows scroll")
    t.press("q")
    t.ends("q ends it, and the terminal is as before")
    for name in ("SIGINT", "SIGTERM"):
        t = Terminal(sys.argv[1:], 80, 24)
        t.wait("the head", r"^wgxdp default")
        os.kill(t.pid, getattr(signal, name))
        t.ends(f"{name} ends it, and the terminal is as before")


main()
