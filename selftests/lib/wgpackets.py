# SPDX-License-Identifier: GPL-2.0-or-later
"""WireGuard's messages, from captures or made up, and mac1, for the selftests."""
import base64
import hashlib
import os
import struct

INITIATION, RESPONSE, COOKIE, DATA = 1, 2, 3, 4
LENGTHS = {INITIATION: 148, RESPONSE: 92, COOKIE: 64}


def mac1_key(public):
    return hashlib.blake2s(b'mac1----' + base64.b64decode(public)).digest()


def mac1(message, key):
    return hashlib.blake2s(message, key=key, digest_size=16).digest()


def handshake(head, key):
    """Returns an initiation or a response with this head, random bytes behind it, and a right mac1."""
    message = head + os.urandom(LENGTHS[head[0]] - 32 - len(head))
    return message + mac1(message, key) + bytes(16)


def mac1_fits(message, key):
    return message[-32:-16] == mac1(message[:-32], key)


def index(message, at):
    return struct.unpack_from('<I', message, at)[0]


def datagrams(path):
    """Returns (source, source port, destination, destination port, payload) of each UDP datagram over IPv4 in a pcap
    file of Ethernet frames."""
    with open(path, 'rb') as f:
        data = f.read()
    order = '<' if data[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack_from(order + 'I', data, at + 8)[0]
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if frame[12:14] != b'\x08\0' or frame[23] != 17:
            continue
        udp = 14 + 4 * (frame[14] & 15)
        sport, dport, length = struct.unpack_from('!HHH', frame, udp)
        yield '.'.join(map(str, frame[26:30])), sport, '.'.join(map(str, frame[30:34])), dport, frame[udp + 8:udp + length]
