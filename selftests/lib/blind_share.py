#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Simulates many sites of a blind relay without WireGuard. Their messages look like WireGuard's, with keys and contents that nothing checks.

device NAME SITES: answers the daemon as the relay's own device: the socket of a user-space WireGuard, whose peers are the sites 1 to SITES.
Each of them has had a handshake.

sites DEVICE RELAY-MAC SITES SECONDS ATTACK RATE: all sites, behind one nic. Site 1 sends RATE messages a second: `handshakes` are whole
handshakes with any other site, `wrong` are initiations with a wrong mac1. After a third of the time, 100 handshakes between pairs of the
other sites are tried in turn: an initiation, the response, and data to the responder's new index. Prints how many passed, and how many
messages site 1 has sent."""
import base64
import hashlib
import os
import random
import select
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
import wgpackets                                                           # noqa: E402
from blind_attack import ipv4, udp                                         # noqa: E402
from frame_out import FrameOut                                             # noqa: E402

PORT = 51820
RELAY = bytes((198, 51, 100, 1))
TRIES = 100


def public(number):
    return base64.b64encode(hashlib.sha256(b'site %d' % number).digest()).decode()


def address(number):
    return bytes((10, 9, number >> 8, number & 255))


def device(name, sites):
    path = f'/var/run/wireguard/{name}.sock'
    os.makedirs(os.path.dirname(path), exist_ok=True)
    own = [f'private_key={hashlib.sha256(b"relay").hexdigest()}', f'listen_port={PORT}']
    peers = []
    for n in range(1, sites + 1):
        peers += [f'public_key={base64.b64decode(public(n)).hex()}', f'endpoint={socket.inet_ntoa(address(n))}:{PORT}',
                  f'last_handshake_time_sec={int(time.time())}', 'last_handshake_time_nsec=0', 'rx_bytes=1', 'tx_bytes=1',
                  'persistent_keepalive_interval=25', f'allowed_ip=fd12:3456:789a::{n + 1:x}/128', 'protocol_version=1']
    answer = ('\n'.join(own + peers) + '\nerrno=0\n\n').encode()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print('listens', flush=True)
        while True:
            client, _ = listener.accept()
            with client:
                client.sendall(answer if client.recv(4096).startswith(b'get') else b'errno=0\n\n')


def attackers(sites):
    """Returns both sites of an attacker's handshake: site 1 and another; with BREAK=1 any two."""
    return random.sample(range(1, sites + 1), 2) if os.environ.get('BREAK') else (1, random.randint(2, sites))


class Sites:
    def __init__(self, nic, relay_mac, sites):
        self.out = FrameOut(nic)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.bind((nic, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)               # SO_RCVBUFFORCE
        self.socket.setblocking(False)
        self.head = bytes.fromhex(relay_mac.replace(':', '')) + self.out.mac + b'\x08\0'
        self.keys = {n: wgpackets.mac1_key(public(n)) for n in range(1, sites + 1)}
        self.sites, self.next = sites, 1000
        self.tries = {}                                                     # by the initiator's index: [initiator, responder, passed]
        self.data = {}                                                      # by the responder's index: the initiator's

    def index(self):
        self.next += 1
        return self.next * 2654435761 & 0xffffffff

    def say(self, site, message):
        self.out.send(self.head + ipv4(address(site), RELAY, udp(address(site), PORT, RELAY, PORT, message)))

    def begin(self, site, to, counts):
        """The initiation says in its noise who sends it, for the responder to know whose key mac1 of the response wants"""
        index = self.index()
        if counts:
            self.tries[index] = [site, to, False]
        self.say(site, wgpackets.handshake(struct.pack('<III', wgpackets.INITIATION, index, site), self.keys[to]))

    def wrong(self, site):
        self.say(site, struct.pack('<II', wgpackets.INITIATION, self.index()) + os.urandom(140))

    def listen(self):
        while True:
            try:
                frame = self.socket.recv(4096)
            except BlockingIOError:
                return
            if len(frame) > 50 and frame[23] == 17 and frame[26:30] == RELAY:
                self.receive(frame[32] << 8 | frame[33], frame[42:])

    def receive(self, site, message):
        if message[0] == wgpackets.INITIATION:
            theirs, initiator = wgpackets.index(message, 4), wgpackets.index(message, 8)
            ours = self.index()
            self.data[ours] = theirs
            self.say(site, wgpackets.handshake(struct.pack('<III', wgpackets.RESPONSE, ours, theirs), self.keys[initiator]))
        elif message[0] == wgpackets.RESPONSE:
            self.say(site, struct.pack('<IIQ', wgpackets.DATA, wgpackets.index(message, 4), 0) + os.urandom(16))
        elif message[0] == wgpackets.DATA:
            one = self.tries.get(self.data.get(wgpackets.index(message, 4)))
            if one and one[1] == site:
                one[2] = True

    def run(self, seconds, attack, rate):
        began = now = time.monotonic()
        sent = tried = 0
        while now - began < seconds + 1:
            due = min(int((now - began) * rate), int(seconds * rate))
            for _ in range(min(due - sent, 200)):
                if attack == 'wrong':
                    self.wrong(1)
                else:
                    self.begin(*attackers(self.sites), False)
                sent += 1
            if tried < TRIES and now - began >= seconds / 3 + tried * seconds * 2 / 3 / TRIES:
                tried += 1
                self.begin(*random.sample(range(2, self.sites + 1), 2), True)
            select.select([self.socket], [], [], 0.001)
            self.listen()
            now = time.monotonic()
        print('passed', sum(one[2] for one in self.tries.values()), 'of', tried, 'sent', sent)


if sys.argv[1] == 'device':
    device(sys.argv[2], int(sys.argv[3]))
else:
    nic, mac, number, seconds, attack, rate = sys.argv[2:]
    Sites(nic, mac, int(number)).run(float(seconds), attack, float(rate))
