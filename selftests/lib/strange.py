#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""strange SOURCE DESTINATION PORT PUBLIC-KEY: sends what a stranger can send to a WireGuard server with this knowledge.

Prints how many of each kind, and how many of these a guard passes (`right`: initiations with a right mac1, which any stranger can make)."""
import os
import socket
import sys

import wgpackets

source, destination, port, key = sys.argv[1:5]
mac1_key = wgpackets.mac1_key(key)


def sender():
    s = socket.socket(socket.AF_INET6 if ':' in source else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, 0))
    s.connect((destination, int(port)))
    return s


def initiation(key=mac1_key):
    return wgpackets.handshake(b'\1\0\0\0', key)


def shapes():
    for kind, size in ((0, 148), (1, 147), (1, 149), (1, 32), (2, 91), (2, 93), (3, 63), (3, 65), (4, 31), (4, 16), (5, 148)):
        yield bytes([kind, 0, 0, 0]) + os.urandom(size - 4)
    for at in (1, 2, 3):
        head = bytearray(b'\1\0\0\0')
        head[at] = 1
        yield bytes(head) + os.urandom(144)
    yield b''
    yield b'\4\0\0'
    yield b'GET / HTTP/1.0\r\n\r\n'


def main():
    first, second = sender(), sender()
    right = [initiation() for _ in range(10)]
    kinds = {'shape': [(first, m) for m in shapes()],
             'mac1': [(first, initiation(os.urandom(32))) for _ in range(20)],
             'right': [(first, m) for m in right],
             'replay': [(second, m) for m in right],
             'stranger': [(first, b'\4\0\0\0' + os.urandom(4) + bytes(24)) for _ in range(20)] +
                         [(first, b'\3\0\0\0' + os.urandom(60)) for _ in range(5)]}
    for name, messages in kinds.items():
        for s, m in messages:
            s.send(m)
        print(name, len(messages))


main()
