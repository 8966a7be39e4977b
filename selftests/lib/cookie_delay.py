#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""cookie_delay DEVICE MAC DESTINATION PORT PUBLIC-KEY RATE SECONDS: how long a daemon takes to answer challenges.

Sends RATE initiations a second with a right mac1, each from another address in 10.0.0.0/8, and waits for the cookie reply to each. Prints
"initiations N replies N median N p99 N longest N", in ms. The median and the 99th percentile count a missing reply as endless."""
import os
import select
import socket
import struct
import sys
import time

import wgpackets
from frame_out import udp_frame

device, mac, destination, port, key, rate, seconds = sys.argv[1:8]
mac1_key = wgpackets.mac1_key(key)
wall = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
wall.bind((device, 0))
wall.setblocking(False)
sent, took = {}, {}


def send(n):
    message = b'\1\0\0\0' + struct.pack('<I', n) + os.urandom(108)
    message += wgpackets.mac1(message, mac1_key) + bytes(16)
    source = bytes((10, n >> 16 & 255, n >> 8 & 255, n & 255))
    frame = udp_frame(bytes.fromhex(mac.replace(':', '')), b'\2\0\0\0\0\1', source, socket.inet_aton(destination), 40000, int(port), message)
    sent[n] = time.monotonic()
    wall.send(frame)


def receive(until):
    while (left := until - time.monotonic()) > 0:
        if not select.select([wall], [], [], left)[0]:
            return
        frame = wall.recv(2048)
        if len(frame) == 14 + 28 + 64 and frame[42:46] == b'\3\0\0\0':
            n, = struct.unpack('<I', frame[46:50])
            if n in sent and n not in took:
                took[n] = (time.monotonic() - sent[n]) * 1000


total, begun = int(float(rate) * float(seconds)), time.monotonic()
for n in range(total):
    send(n + 1)
    receive(begun + (n + 1) / float(rate))
receive(time.monotonic() + 3)
times = sorted(took.get(n + 1, 999999.0) for n in range(total))
print(f'initiations {total} replies {len(took)} median {times[total // 2]:.1f} p99 {times[total * 99 // 100]:.1f} longest {max(took.values(), default=0):.1f}')
