#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""initiations DEVICE MAC FIRST-SOURCE SOURCES DESTINATION PORT PUBLIC-KEY RATE SECONDS: initiations with a right mac1, no two the same,
from so many sources in turn, RATE a second in all. Their sender's index is 0xfefefefe. Prints how many, and how long that took."""
import ipaddress
import os
import random
import struct
import sys
import time

import wgpackets
from frame_out import FrameOut

device, mac, first, sources, destination, port, key, rate, seconds = sys.argv[1:10]
mac1_key = wgpackets.mac1_key(key)
source, to = ipaddress.ip_address(first), ipaddress.ip_address(destination)
seed = os.urandom(100)
EACH = 0.005  # seconds between two rounds


def ones(data):
    s = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s


def frame(n):
    address = (source + n % int(sources)).packed
    message = b'\1\0\0\0\xfe\xfe\xfe\xfe' + n.to_bytes(8, 'big') + seed
    message += wgpackets.mac1(message, mac1_key) + bytes(16)
    udp = struct.pack('!HHHH', 1024 + n % int(sources) % 60000, int(port), 8 + len(message), 0) + message
    check = ~ones(address + to.packed + struct.pack('!II', len(udp), 17) + udp) & 0xffff or 0xffff
    udp = udp[:6] + check.to_bytes(2, 'big') + udp[8:]
    ether = bytes.fromhex(mac.replace(':', '')) + b'\2\0\0\0\0\1'
    if to.version == 6:
        return ether + b'\x86\xdd' + struct.pack('!IHBB', 6 << 28, len(udp), 17, 64) + address + to.packed + udp
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0) + address + to.packed
    return ether + b'\x08\0' + head[:10] + (~ones(head) & 0xffff).to_bytes(2, 'big') + head[12:] + udp


start = random.getrandbits(40) * int(sources)
frames = [frame(start + n) for n in range(round(float(rate) * float(seconds)))]
out = FrameOut(device)
print('sends', flush=True)
begun = time.monotonic()
sent = 0
while sent < len(frames):
    due = min(len(frames), int((time.monotonic() - begun) * float(rate)) + 1)
    while sent < due:
        out.send(frames[sent])
        sent += 1
    time.sleep(EACH)
print('sent', sent, 'seconds', round(time.monotonic() - begun, 3))
