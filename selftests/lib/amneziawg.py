#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""amneziawg to|from LISTEN PEER H S KEY...: translates between WireGuard's and AmneziaWG's messages, for one client.

  to      LISTEN receives WireGuard, PEER gets AmneziaWG    from    LISTEN receives AmneziaWG, PEER gets WireGuard

LISTEN, PEER: 192.0.2.1:51820. H: the four types, separated by commas, each a number or a range such as 3184-4442. S: the bytes in front of
the four kinds of messages. KEY: public keys of both ends. Before an initiation, PEER gets some junk, as AmneziaWG sends it by Jc. mac1 of a handshake message covers the type, so the message gets a new mac1 by the same key. Messages with mac2 are dropped, because
the cookie is not known here."""
import os
import random
import select
import socket
import struct
import sys

sys.dont_write_bytecode = True
import wgpackets                                                           # noqa: E402

JUNK_PACKETS = 4


def form(h, s):
    """Returns the range of types and the bytes in front, of each kind."""
    ranges = [[int(end) for end in text.split('-')] for text in h.split(',')]
    return [(range(ends[0], ends[-1] + 1), int(junk)) for ends, junk in zip(ranges, s.split(','))]


WIREGUARD = form('1,2,3,4', '0,0,0,0')


def end(text):
    address, _, port = text.rpartition(':')
    return address, int(port)


def kind_of(data, kinds):
    for kind, (words, junk) in enumerate(kinds):
        length = wgpackets.LENGTHS.get(kind + 1)
        if struct.unpack_from('<I', data.ljust(junk + 4, b'\0'), junk)[0] in words and length in (None, len(data) - junk):
            return kind
    return None


def translated(data, before, after, keys):
    """Returns the translated message, or None if it is no message of that form, or no key fits."""
    kind = kind_of(data, before)
    if kind is None:
        return None
    old = data[before[kind][1]:]
    words, junk = after[kind]
    new = struct.pack('<I', random.choice(words)) + old[4:]
    if kind + 1 in (wgpackets.INITIATION, wgpackets.RESPONSE):
        key = next((k for k in keys if wgpackets.mac1_fits(old, k)), None)
        if key is None or any(old[-16:]):
            return None
        new = new[:-32] + wgpackets.mac1(new[:-32], key) + new[-16:]
    return os.urandom(junk) + new


def main():
    direction, listen, peer, h, s, *keys = sys.argv[1:]
    amneziawg = form(h, s)
    near, far = (WIREGUARD, amneziawg) if direction == 'to' else (amneziawg, WIREGUARD)
    keys = [wgpackets.mac1_key(key) for key in keys]
    here, there = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    here.bind(end(listen))
    there.connect(end(peer))
    print('listening', flush=True)
    client = None
    while True:
        for ready in select.select([here, there], [], [])[0]:
            try:
                data, sender = ready.recvfrom(65535)
            except ConnectionRefusedError:                                 # an ICMP error
                continue
            if ready is here:
                if sender != client:
                    print('client', sender[0], flush=True)
                client, data = sender, translated(data, near, far, keys)
                for _ in range(JUNK_PACKETS if direction == 'to' and data and kind_of(data, far) == 0 else 0):
                    there.send(os.urandom(random.randint(8, 1000)))
                if data:
                    there.send(data)
            elif client:
                data = translated(data, far, near, keys)
                if data:
                    here.sendto(data, client)


main()
