#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""initiations DEVICE MAC FIRST-SOURCE SOURCES DESTINATION PORT PUBLIC-KEY RATE SECONDS: sends initiations with a right mac1.

No two are the same. They come from SOURCES addresses in turn, RATE a second in all. The sender's index is 0xfefefefe. Prints how many were sent,
and how long that took."""
import ipaddress
import os
import random
import sys
import time

import wgpackets
from frame_out import FrameOut, udp_frame

device, mac, first, sources, destination, port, key, rate, seconds = sys.argv[1:10]
mac1_key = wgpackets.mac1_key(key)
source, to = ipaddress.ip_address(first), ipaddress.ip_address(destination)
seed = os.urandom(100)
EACH = 0.005  # seconds between two rounds


def frame(n):
    address = (source + n % int(sources)).packed
    message = b'\1\0\0\0\xfe\xfe\xfe\xfe' + n.to_bytes(8, 'big') + seed
    message += wgpackets.mac1(message, mac1_key) + bytes(16)
    return udp_frame(bytes.fromhex(mac.replace(':', '')), b'\2\0\0\0\0\1', address, to.packed, 1024 + n % int(sources) % 60000, int(port), message)


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
