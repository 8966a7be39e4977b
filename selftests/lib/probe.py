#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# probe: sends one UDP packet at a time, with all bytes known, and compares the answer byte for byte.
#
#   probe DEVICE MAC FROM... TO [SIZE...]         TO and FROM: ADDRESS PORT, as 192.0.2.1/51820 or 2001:db8::1/51820
#
# For each size of the IP packet, FROM address and TTL from 1 on, it sends a packet with DF. It prints the first ICMP error or UDP packet
# that the sender gets within a second, or that there is none. It leaves out the fields that the kernel chooses (identification, flow label).
import re
import select
import socket
import struct
import sys
import time

TTLS = range(1, 6)


def words(data):
    total = sum(n for n, in struct.iter_unpack("!H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def endpoint(text):
    address, port = text.split("/")
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address), int(port)


def packet(source, to, size, ttl, number):
    """An IP packet of size bytes"""
    (src, sport), (dst, dport) = source, to
    length = size - (20 if len(src) == 4 else 40)
    payload = (b"%d " % number * length)[:length - 8]
    pseudo = src + dst + struct.pack("!HH", 17, length)
    header = struct.pack("!HHH", sport, dport, length)
    datagram = header + struct.pack("!H", (0xffff - words(pseudo + header + b"\0\0" + payload)) or 0xffff) + payload
    if len(src) == 16:
        return struct.pack("!IHBB", 6 << 28, length, 17, ttl) + src + dst + datagram
    head = struct.pack("!BBHHHBBH", 0x45, 0, size, number, 0x4000, ttl, 17, 0) + src + dst
    return head[:10] + struct.pack("!H", 0xffff - words(head)) + head[12:] + datagram


def packet_to(data, source):
    """Returns protocol and packet, if the packet is for that sender."""
    if data[0] >> 4 == 4:
        if data[16:20] != source or data[9] not in (1, 17):
            return None
        return data[9], data[:4] + b"\0\0" + data[6:10] + b"\0\0" + data[12:struct.unpack("!H", data[2:4])[0]]
    if data[24:40] != source or data[6] not in (58, 17) or (data[6] == 58 and data[40] > 127):
        return None
    return data[6], bytes((data[0], data[1] & 0xf0, 0, 0)) + data[4:40 + struct.unpack("!H", data[4:6])[0]]


def answer(device, source):
    until = time.monotonic() + 1
    while select.select([device], [], [], max(0, until - time.monotonic()))[0]:
        frame, (_, _, kind, *_) = device.recvfrom(65536)
        found = None if kind == socket.PACKET_OUTGOING else packet_to(frame[14:], source)
        if found:
            return "%s %s" % ("UDP" if found[0] == 17 else "ICMP type %d code %d" % tuple(icmp(found[1])), found[1].hex())
    return "nothing"


def icmp(data):
    return data[20:22] if data[0] >> 4 == 4 else data[40:42]


def main():
    name, mac, *rest = sys.argv[1:]
    *sources, to = [endpoint(word) for word in rest if "/" in word]
    sizes = [int(word) for word in rest if re.fullmatch("[0-9]+", word)] or [60]
    device = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    device.bind((name, 3))
    own = device.getsockname()[4]
    number = 0
    for size in sizes:
        for ttl in TTLS:
            source = sources[number % len(sources)]
            number += 1
            kind = b"\x08\0" if len(source[0]) == 4 else b"\x86\xdd"
            device.send(bytes.fromhex(mac.replace(":", "")) + own + kind + packet(source, to, size, ttl, number))
            print(f"{size} bytes, TTL {ttl}: {answer(device, source[0])}", flush=True)


main()
