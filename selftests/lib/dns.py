#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
# dns: a name server for a few names, which it reads from a file at each question.
#
#   dns ADDRESS FILE [SECONDS]      lines of FILE: NAME TTL ADDRESS...; a missing name does not exist. An answer takes
#                                   SECONDS. An address may also be one of: servfail, refused, nxdomain, truncated (by
#                                   TCP too), silent, garbage, slow (1.5 s, before addresses), cname:NAME
import ipaddress
import socket
import struct
import sys
import threading

A, AAAA, CNAME = 1, 28, 5
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5
ANSWER, TRUNCATED = 0x8580, 0x200
LIES = {"servfail": SERVFAIL, "refused": REFUSED, "nxdomain": NXDOMAIN, "truncated": TRUNCATED, "silent": None, "garbage": None}


def records(path, name):
    with open(path) as file:
        for line in file:
            words = line.split()
            if words and words[0] == name:
                return int(words[1]), words[2:]
    return None


def name_at(packet, at):
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode().lower())
        at += 1 + packet[at]
    return ".".join(labels), at + 1


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def row(owner, kind, ttl, data):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def rows_of(path, name, kind):
    """Returns the addresses, behind CNAMEs. Follows CNAMEs up to a limit, because they may loop."""
    rows, owner = [], b"\xc0\x0c"
    for _ in range(8):
        ttl, words = records(path, name) or (0, [])
        addresses = [ipaddress.ip_address(w) for w in words if ":" in w[:5] or w[0].isdigit()]
        rows += [row(owner, kind, ttl, a.packed) for a in addresses if kind == (A if a.version == 4 else AAAA)]
        target = [w[6:] for w in words if w.startswith("cname:")]
        if not target:
            break
        rows.append(row(owner, CNAME, ttl, wire(target[0])))
        name, owner = target[0], wire(target[0])
    return rows


def answer(packet, path):
    name, end = name_at(packet, 12)
    kind, = struct.unpack_from("!H", packet, end)
    known = records(path, name)
    lie = next((w for w in known[1] if w in LIES), None) if known else "nxdomain"
    if lie == "silent":
        return None
    if lie == "garbage":
        return packet[:2] + b"\xff" * 40
    rows = [] if lie else rows_of(path, name, kind)
    head = packet[:2] + struct.pack("!HHHHH", ANSWER | (LIES[lie] if lie else 0), 1, len(rows), 0, 0)
    return head + packet[12:end + 4] + b"".join(rows)


def delay(packet, path, always):
    known = records(path, name_at(packet, 12)[0])
    return 1.5 if known and "slow" in known[1] else always


def reply(sock, packet, client):
    text = answer(packet, sys.argv[2])
    if text and len(text) > 512:  # the client must ask again by TCP
        end = name_at(packet, 12)[1] + 4
        text = text[:2] + struct.pack("!HHHHH", ANSWER | TRUNCATED, 1, 0, 0, 0) + packet[12:end]
    if text:
        sock.sendto(text, client)


def serve_tcp(listener):
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(2)
            try:
                size, = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
                text = answer(connection.recv(size, socket.MSG_WAITALL), sys.argv[2])
                if text:
                    connection.sendall(struct.pack("!H", len(text)) + text)
            except (OSError, struct.error, IndexError):
                pass


def main():
    family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((sys.argv[1], 53))
    listener = socket.create_server((sys.argv[1], 53), family=family)
    threading.Thread(target=serve_tcp, args=(listener,), daemon=True).start()
    print("listening", flush=True)
    while True:
        packet, client = sock.recvfrom(512)
        wait = delay(packet, sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 0)
        threading.Timer(wait, reply, (sock, packet, client)).start() if wait else reply(sock, packet, client)


main()
