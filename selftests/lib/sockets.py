#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""sockets: a small service manager that passes listening sockets, and a client that asks in a loop.

  sockets manage [--again] PIDFILE SOCKET... -- COMMAND...   listens and runs COMMAND, which gets the sockets. SIGUSR1 ends COMMAND and
                            runs it again with the same sockets; --again: with new ones. SOCKET: ADDRESS:PORT, udp:PORT or /PATH.
                            PIDFILE gets the process of COMMAND
  sockets ask STOPFILE ADDRESS:PORT      asks for /metrics until STOPFILE exists, and prints how many connections were refused and answered
"""
import os
import signal
import socket
import sys

FIRST = 3


def opened(name):
    if name.startswith("/"):
        if os.path.exists(name):
            os.unlink(name)
        s = socket.socket(socket.AF_UNIX)
        s.bind(name)
    elif name.startswith("udp:"):
        s = socket.socket(type=socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", int(name[4:])))
        return s
    else:
        address, port = name.rsplit(":", 1)
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address.strip("[]"), int(port)))
    s.listen(128)
    return s


def run(command, sockets):
    """Starts the command with the sockets as its descriptors from 3 on."""
    pid = os.fork()
    if pid:
        return pid
    high = [os.dup2(s.fileno(), 100 + n) for n, s in enumerate(sockets)]
    for n, fd in enumerate(high):
        os.dup2(fd, FIRST + n)          # dup2() lets the command have it
        os.close(fd)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)))
    os.execvp(command[0], command)


def manage(words):
    again = words[0] == "--again"
    pidfile, *words = words[again:]
    names, command = words[:words.index("--")], words[words.index("--") + 1:]
    signals = {signal.SIGUSR1, signal.SIGTERM}
    sockets = [opened(name) for name in names]
    while True:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        pid = run(command, sockets)
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        with open(pidfile, "w", encoding="ascii") as f:
            f.write("%d\n" % pid)
        asked = signal.sigwait(signals)
        os.kill(pid, signal.SIGTERM)
        if again:
            for s in sockets:
                s.close()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if asked == signal.SIGTERM or status:
            sys.exit(status)
        if again:
            sockets = [opened(name) for name in names]


def answered(address, port):
    """Returns whether an answer came. The daemon may end before it answers."""
    with socket.create_connection((address, int(port)), timeout=20) as s:
        try:
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return s.recv(12) == b"HTTP/1.1 200"
        except ConnectionError:
            return False


def ask(stop, where):
    counts = {"asked": 0, "refused": 0, "answered": 0}
    while not os.path.exists(stop):
        counts["asked"] += 1
        try:
            counts["answered"] += answered(*where.rsplit(":", 1))
        except ConnectionRefusedError:
            counts["refused"] += 1
    print(" ".join("%s %d" % pair for pair in counts.items()))


if __name__ == "__main__":
    {"manage": manage, "ask": lambda words: ask(*words)}[sys.argv[1]](sys.argv[2:])
