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

    def ends(self, what, status=0):
        self.read(20)                                                      # reads the rest
        _, got = os.waitpid(self.pid, 0)
        if os.waitstatus_to_exitcode(got) != status:
            sys.exit(f"FAIL {what}: status {os.waitstatus_to_exitcode(got)}")
        if termios.tcgetattr(self.fd) != self.modes:
            sys.exit(f"FAIL {what}: the terminal is not as before: {termios.tcgetattr(self.fd)}, not {self.modes}: {self.raw[-200:]}")
        print("ok", what, flush=True)


def main():
    command = sys.argv[1:] + ["-i", "0.5", "-u", "packets"]
    t = Terminal(command, 100, 24)
    t.wait("the head", r"\Aservices +packets +back +dropped +passed")
    t.wait("packets of busy", r"^  busy +([1-9]\d\d|[1-9][0-9.]+ k) ")
    t.resize(60, 5)
    t.read(1)
    t.wait("60 by 5: a table in place of the one before it", r"\Aservices +packets +back +dropped +passed *\n  busy .*\n  also ")
    if len(t.screen.display) != 5 or t.screen.display[4].strip():
        sys.exit("FAIL it does not fit:\n" + "\n".join(t.screen.display))
    for name in ("SIGINT", "SIGTERM"):
        os.kill(t.pid, getattr(signal, name))
        t.ends(f"{name} ends it, and the terminal is as before")
        t = Terminal(command, 80, 24)
        t.wait("the head", r"\Aservices")


main()
