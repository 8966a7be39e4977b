#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
# secrets_seen: look for secrets in the arguments and environments of all processes, until SIGTERM.
#
#   secrets_seen FILE      FILE has a secret a line. Prints "ran NAME" for each name of a process, and "seen NAME arguments"
#                          or "seen NAME environment" for a process that has a secret there.
import os
import signal
import sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
secrets = open(sys.argv[1], "rb").read().split()
said = set()


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # the process has ended
        return b""


def tell(text):
    if text not in said:
        said.add(text)
        print(text, flush=True)


tell("looks")
while True:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        name = read(f"/proc/{pid}/comm").decode().strip()
        for file, meaning in ("cmdline", "arguments"), ("environ", "environment"):
            text = read(f"/proc/{pid}/{file}")
            if any(secret in text for secret in secrets):
                tell(f"seen {name} {meaning}")
        if name:
            tell(f"ran {name}")
