#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
# dns: a name server of a few names, which are read from a file at each question.
#
#   dns ADDRESS FILE [SECONDS]      lines of FILE: NAME TTL ADDRESS...; a name that is not there does not exist. An answer takes
#                                   so many seconds
import ipaddress
import socket
import struct
import sys
import time

A, AAAA = 1, 28
NXDOMAIN = 3


def records(path, name):
    with open(path) as file:
        for line in file:
            words = line.split()
            if words and words[0] == name:
                return int(words[1]), [ipaddress.ip_address(word) for word in words[2:]]
    return None


def name_at(packet, at):
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode().lower())
        at += 1 + packet[at]
    return ".".join(labels), at + 1


def answer(packet, path):
    name, end = name_at(packet, 12)
    kind, = struct.unpack_from("!H", packet, end)
    known = records(path, name)
    ttl, addresses = known or (0, [])
    found = [a for a in addresses if kind == (A if a.version == 4 else AAAA)]
    head = packet[:2] + struct.pack("!HHHHH", 0x8580 | (0 if known else NXDOMAIN), 1, len(found), 0, 0)
    rows = b"".join(struct.pack("!HHHIH", 0xc00c, kind, 1, ttl, len(a.packed)) + a.packed for a in found)
    return head + packet[12:end + 4] + rows


def main():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((sys.argv[1], 53))
    print("listening", flush=True)
    while True:
        packet, client = sock.recvfrom(512)
        time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 0)
        sock.sendto(answer(packet, sys.argv[2]), client)


main()
