#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An attacker on blind relays (blind-attack.sh, blind-pair-attack.sh). It knows every public key, every index in use
and the address of every site.

known NOW SESSIONS NAMES RELAY-KEY [ADDRESS]...: prints this knowledge about one relay. SESSIONS and NAMES are bpftool's dumps of
these maps, NOW is in jiffies, and standard input has lines KEY ENDPOINT, like those of `wg show DEVICE endpoints`. Each ADDRESS is one of
a relay.

record DEVICE PORT: prints messages to this port as further knowledge, until SIGTERM: all initiations, and some others.

send DEVICE RELAY-MAC IPV4 IPV6 RELAY-IPV4 RELAY-IPV6 PORT KNOWN RATE [KEY...|relay]: sends RATE messages of all kinds a second to the relay.
The messages use KNOWN, which is read again when it changes. They come from the attacker's own addresses and any port, or as if from the
sites with these keys, or as if from the addresses of other relays. The attacker sends every message that it receives on to the relay and to
the sites. Ends on SIGTERM, and prints how many of each kind.

streams KNOWN PORT SOURCE,... ADDRESS...: connects to daemons of relays, and tells them that it has all sites, until SIGTERM. Prints how many
connections there were, and how many bytes came back.

repeat KNOWN RELAY-IPV4 PORT: for each site with IPv4, sends data of the site to the relay, so that the relay asks the site whether it has
moved, and then the latest recorded initiation. Sends on to the site and the relay what comes, for a second.

early KNOWN RELAY-IPV4 OTHER-IPV4 PORT SECONDS: for each site with IPv4, sends the first recorded initiation to OTHER-IPV4, where the relay on
standby has its own address. Prints `sent`. Then sends data of the sites, and these initiations, to the relay again and again, and sends on to the
sites and the relay what comes, for so long.

compare KEYS KNOWN...: prints what became of the indices from each file to the next. `kept` counts unchanged ones.
`changed` counts confirmed, live ones that belong to another site now or are gone. `planted` counts indices of the last file with the
attacker's number. KEYS has groups of sites: KEY,KEY,... KEY,KEY,... Indices between two of one group do not count."""
import base64
import ipaddress
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time

import wgpackets
from frame_out import FrameOut

PLANTED = 0xa77a0000  # the attacker's indices begin like this
CONFIRMED = 1
FRAMES = 3000
TURNS = 100  # a second
RECORDED = 100  # messages of each kind, and ten times as many initiations
STREAM_VERSION = 3  # BLIND_STREAM_VERSION in user/daemon/blind_link.h


# ---- the attacker's knowledge

def known(now, sessions, names, relay_key, *addresses):
    numbers = site_numbers(names)
    print('now', now)
    print('relay', relay_key)
    for line in sys.stdin:
        key, endpoint = line.split()
        address, _, port = endpoint.rpartition(':')
        print('site', numbers[key], key, address.strip('[]'), port)
    for bucket in load(sessions):
        for way in bucket['value']['way']:
            key, value = way['key'], way['value']
            if key:
                print('index', key >> 32 & 0x1ffff, value >> 2 & 0x1ffff, key & 0xffffffff, value >> 20, value & 3)
    for address in addresses:
        print('address', address)


def site_numbers(path):
    """Returns the relay's numbers of the sites, by key."""
    return {base64.b64encode(bytes(name['value']['key'])).decode(): name['key'] for name in load(path) if any(name['value']['key'])}


def record(device, port):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((device, 3))
    seen = {}
    while True:
        frame = s.recv(2048)
        ip = 34 if frame[12:14] == b'\x08\0' else 54
        message = frame[ip + 8:]
        if frame[23 if ip == 34 else 20] != 17 or int.from_bytes(frame[ip + 2:ip + 4], 'big') != int(port) or message[1:4] != bytes(3):
            continue
        seen.setdefault(message[0], {})[message] = True
        if len(seen[message[0]]) > RECORDED * (10 if message[0] == wgpackets.INITIATION else 1):
            del seen[message[0]][message]
        else:
            source = frame[26:30] if ip == 34 else frame[22:38]
            print('recorded', message.hex(), ipaddress.ip_address(source), flush=True)


def load(path):
    with open(path, encoding='ascii') as f:
        return [entry['formatted'] for entry in json.load(f)]


class Known:
    def __init__(self, path):
        self.sites, self.between, self.own, self.indices, self.addresses, self.recorded = {}, [], [], {}, [], []
        self.initiations = {}  # those for the relay, by site's address
        with open(path, encoding='ascii') as f:
            for line in f:
                self.take(*line.split())
        for (user, index), (origin, until, _) in self.indices.items():
            if self.lives(until):
                (self.between if user else self.own).append((user, origin, index))

    def take(self, word, *args):
        if word == 'now':
            self.now = int(args[0])
        elif word == 'relay':
            self.relay = wgpackets.mac1_key(args[0])
        elif word == 'address':
            self.addresses.append(args[0])
        elif word == 'recorded':
            self.recorded.append(bytes.fromhex(args[0]))
            if wgpackets.mac1_fits(self.recorded[-1], self.relay) and args[0].startswith('01'):
                self.initiations.setdefault(args[1], []).append(self.recorded[-1])
        elif word == 'site':
            self.sites[int(args[0])] = wgpackets.mac1_key(args[1]), args[2], int(args[3])
        else:
            user, origin, index, until, flags = map(int, args)
            self.indices[user, index] = origin, until, flags

    def lives(self, until):
        return until > self.now

    def numbers(self, keys):
        """Returns the numbers of the sites with these keys."""
        wanted = [wgpackets.mac1_key(key) for key in keys]
        return {number for number, site in self.sites.items() if site[0] in wanted}


def compare(keys, *paths):
    kept = changed = planted = 0
    files = [Known(path) for path in paths]
    without = [files[0].numbers(group.split(',')) for group in keys.split()]
    for before, after in zip(files, files[1:]):
        for key, (origin, until, flags) in before.indices.items():
            if not flags & CONFIRMED or not after.lives(until) or any({key[0], origin} <= group for group in without):
                continue
            is_now = after.indices.get(key)
            if is_now and is_now[0] == origin and is_now[2] & CONFIRMED:
                kept += 1
                continue
            changed += 1
            print(f'index {key[1]:08x} of site {key[0]}, which site {origin} gave out, is now {is_now}', file=sys.stderr)
    for (_, index), (_, until, _) in files[-1].indices.items():
        planted += files[-1].lives(until) and index & 0xffff0000 == PLANTED
    print('kept', kept, 'changed', changed, 'planted', planted)


# ---- packets

def checksum(data):
    return 0xffff - int.from_bytes(data + bytes(len(data) & 1), 'big') % 0xffff


def udp(source, sport, destination, dport, payload):
    head = struct.pack('!HHH', sport, dport, 8 + len(payload))
    pseudo = source + destination + struct.pack('!HH', 17, 8 + len(payload))
    return head + struct.pack('!H', checksum(pseudo + head + b'\0\0' + payload)) + payload


def ipv4(source, destination, datagram, ttl=64, number=0, fragment=0x4000, options=b''):
    size = 20 + len(options)
    head = struct.pack('!BBHHHBBH', 0x40 + size // 4, 0, size + len(datagram), number, fragment, ttl, 17, 0) + source + destination + options
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + datagram


def ipv6(source, destination, datagram, ttl=64, header=17):
    return struct.pack('!IHBB', 6 << 28, len(datagram), header, ttl) + source + destination + datagram


class Attacker:
    def __init__(self, device, mac, own4, own6, relay4, relay6, port):
        self.own = own4, own6
        self.relay = {4: ipaddress.ip_address(relay4).packed, 6: ipaddress.ip_address(relay6).packed}
        self.port = int(port)
        self.out = FrameOut(device)
        self.macs = bytes.fromhex(mac.replace(':', '')) + self.out.mac
        self.sockets = [(self.listener(device, 0x0800), 14 + 20), (self.listener(device, 0x86dd), 14 + 40)]
        self.back = {4: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 6: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)}
        self.counts = {}

    @staticmethod
    def listener(device, protocol):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
        s.bind((device, protocol))
        s.setblocking(False)
        return s

    # ---- the attacker's addresses and messages

    def source(self):
        """Returns the number of the site that the attacker pretends to be, or 0, with address and port."""
        if not self.spoofs:
            return 0, random.choice(self.own), random.randrange(1024, 65536)
        if self.spoofs == ['relay']:
            return 0, random.choice(self.known.addresses), random.choice((self.port, random.randrange(1024, 65536)))
        site = random.choice(list(self.known.numbers(self.spoofs)))
        return site, *self.known.sites[site][1:]

    def index(self, which):
        of = {'known': self.known.between, 'own': self.known.own}.get(which)
        return random.choice(of) if of else (0, 0, PLANTED | random.randrange(65536))

    def of_sender(self, which, site):
        """An index that the site may send with, half of the time"""
        mine = [entry for entry in self.known.between if entry[0] == site]
        return random.choice(mine) if which == 'known' and mine and random.random() < 0.5 else self.index(which)

    def addressee(self, site):
        """mac1's key of anyone else"""
        return random.choice([self.known.relay] + [entry[0] for number, entry in self.known.sites.items() if number != site])

    def initiation(self, site, which, key=None):
        return wgpackets.handshake(struct.pack('<II', 1, self.index(which)[2]), key or self.addressee(site))

    def response(self, site, which, sender):
        _, origin, receiver = self.of_sender(which, site)
        fits = self.known.sites.get(origin, (self.known.relay,))[0]
        key = random.choice([fits, fits, self.addressee(site)])
        return wgpackets.handshake(struct.pack('<III', 2, self.index(sender)[2], receiver), key)

    def cookie(self, site, which):
        return struct.pack('<II', 3, self.of_sender(which, site)[2]) + os.urandom(56)

    def data(self, site, which):
        size = random.choice((16, 16, 112, 1040))
        return struct.pack('<IIQ', 4, self.of_sender(which, site)[2], random.randrange(1 << random.choice((8, 63)))) + os.urandom(size)

    def odd(self, site):
        """Returns a message that is almost one of WireGuard's."""
        message = random.choice((self.initiation(site, 'known'), self.response(site, 'known', 'random'), self.cookie(site, 'known'),
                                 self.data(site, 'known'), b'GET / HTTP/1.0\r\n\r\n', b'\4\0\0', b''))
        how = random.randrange(4)
        if how == 0:
            return message[:random.randrange(len(message) + 1)]
        if how == 1:
            return message + bytes(random.randrange(1, 16))
        return message[:how] + b'\1' + message[how + 1:]  # a reserved byte

    def packet(self, address, sport, payload):
        source = ipaddress.ip_address(address)
        to = self.relay[source.version]
        datagram = udp(source.packed, sport, to, self.port, payload)
        return self.frame(source.version, (ipv4 if source.version == 4 else ipv6)(source.packed, to, datagram))

    def frame(self, version, packet):
        return self.macs + (b'\x08\0' if version == 4 else b'\x86\xdd') + packet

    def malformed(self):
        """Returns IP or UDP variants around a valid message. As fragments, it sends either all of them or not the first
        one, because any kernel answers a lone first fragment with an error."""
        site, address, sport = self.source()
        source = ipaddress.ip_address(address)
        to = self.relay[source.version]
        message = random.choice((self.data(site, 'known'), self.initiation(site, 'known'), self.data(site, 'own')))
        good = udp(source.packed, sport, to, self.port, message)
        datagram = random.choice((good, good, good[:4] + b'\xff\xff' + good[6:], good[:4] + b'\0\7' + good[6:], good[:6] + b'\0\0' + good[8:],
                                  good[:6] + b'\1\1' + good[8:], good[:random.randrange(8)]))
        if source.version == 6:
            piece = struct.pack('!BBHI', 17, 0, 8, random.randrange(2**32)) + datagram
            return [self.frame(6, random.choice((ipv6(source.packed, to, datagram, random.choice((1, 64))),
                                                 ipv6(source.packed, to, piece, 64, 44))))]
        how = random.randrange(4)
        if how == 0:
            return [self.frame(4, ipv4(source.packed, to, datagram, 1))]
        if how == 1:
            return [self.frame(4, ipv4(source.packed, to, datagram, options=b'\1\1\1\0'))]
        if how == 2:
            return [self.frame(4, ipv4(source.packed, to, datagram, fragment=3))]
        number = random.randrange(65536)
        return [self.frame(4, ipv4(source.packed, to, good[:24], number=number, fragment=0x2000)),
                self.frame(4, ipv4(source.packed, to, good[24:], number=number, fragment=3))]

    # ---- the attack

    def kinds(self):
        for which in ('random', 'known', 'own'):
            yield f'initiation-{which}', lambda site, which=which: self.initiation(site, which)
            for sender in ('random', 'known', 'own'):
                yield f'response-{which}', lambda site, which=which, sender=sender: self.response(site, which, sender)
            yield f'cookie-{which}', lambda site, which=which: self.cookie(site, which)
            for _ in range(4):
                yield f'data-{which}', lambda site, which=which: self.data(site, which)
        for _ in range(3):
            yield 'initiation-random', lambda site: self.initiation(site, 'random')
        yield 'initiation-wrong', lambda site: self.initiation(site, 'known', os.urandom(32))
        yield 'odd', self.odd
        initiations = [message for message in self.known.recorded if message[0] == wgpackets.INITIATION]
        for which, messages, times in (('initiation', initiations, 4), ('any', self.known.recorded, 2)):
            for _ in range(times if messages else 0):
                yield f'recorded-{which}', lambda site, messages=messages: random.choice(messages)

    def make(self, path):
        """FRAMES messages or more, as frames, each with its kind"""
        self.known = Known(path)
        kinds = list(self.kinds())
        frames = []
        while len(frames) < FRAMES:
            for kind, make in kinds:
                site, address, sport = self.source()
                frames.append((kind, [self.packet(address, sport, make(site))]))
            frames.append(('malformed', self.malformed()))
        random.shuffle(frames)
        return frames

    def send_on(self):
        """Reads the messages from the relay."""
        for s, at in self.sockets:
            while True:
                try:
                    frame, where = s.recvfrom(2048)
                except BlockingIOError:
                    break
                # a bridge floods frames for a relay that has just died
                if where[2] != socket.PACKET_HOST or frame[at - 20 + 9 if at == 34 else 14 + 6] != 17:
                    continue
                self.count('received')
                family = 4 if at == 34 else 6
                places = [(str(ipaddress.ip_address(self.relay[family])), self.port)]
                places += [entry[1:] for entry in self.known.sites.values() if (':' in entry[1]) == (family == 6)]
                for place in places:
                    self.back[family].sendto(frame[at + 8:], place)

    def count(self, kind):
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def send(self, path, rate, *spoofs):
        self.spoofs = list(spoofs)
        changed, frames, at = 0, [], 0
        begun, turns = time.monotonic(), 0
        while not self.ends:
            if os.stat(path).st_mtime_ns != changed:
                changed = os.stat(path).st_mtime_ns
                frames = self.make(path)
            self.send_on()
            for _ in range((turns + 1) * rate // TURNS - turns * rate // TURNS):
                kind, together = frames[at % FRAMES]
                at += 1
                for frame in together:
                    self.out.send(frame)
                self.count(kind)
            turns += 1
            late = begun + turns / TURNS - time.monotonic()
            if late > 0:
                time.sleep(late)
            else:
                begun -= late  # skip missed messages

    ends = False

    def end(self, *_):
        self.ends = True


class ForOneSite:
    """A socket of the attacker that pretends to be a site with IPv4"""

    def __init__(self, number, place, indices, initiations, relay):
        self.number, self.place, self.index, self.initiations, self.relay = number, place, indices[0], initiations, relay
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.came = 0

    def send_data(self):
        self.socket.sendto(struct.pack('<IIQ', wgpackets.DATA, self.index, 2**40) + os.urandom(16), self.relay)

    def send_on(self, seconds):
        """Sends on what comes to the site and to the relay, for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0]:
                message, source = self.socket.recvfrom(2048)
                self.came += 1
                self.socket.sendto(message, self.place if source == self.relay else self.relay)


def sites_of(path, relay):
    """Returns the sites with IPv4 that have sent initiations."""
    now = Known(path)
    for number, (_, address, port) in now.sites.items():
        indices = [index for user, _, index in now.between if user == number]
        if ':' not in address and address in now.initiations and indices:
            yield ForOneSite(number, (address, port), indices, now.initiations[address], relay)


def repeat(path, relay, port):
    relay = relay, int(port)
    for site in sites_of(path, relay):
        site.send_data()
        time.sleep(0.02)  # the site answers the relay meanwhile
        site.socket.sendto(site.initiations[-1], relay)
        site.send_on(1)
        print('site', site.number, 'repeated 1 came', site.came)


def early(path, relay, other, port, seconds):
    sites = list(sites_of(path, (relay, int(port))))
    for site in sites:
        site.socket.sendto(site.initiations[0], (other, int(port)))
        print('site', site.number, 'early', len(site.initiations))
    print('sent', flush=True)
    until = time.monotonic() + int(seconds)
    while time.monotonic() < until:
        for site in sites:
            site.send_data()
            site.socket.sendto(site.initiations[0], site.relay)  # the daemon looks at WireGuard
            site.send_on(0.002)
    print('came', sum(site.came for site in sites))


# ---- the streams between the relays' daemons

class Streams:
    ends = False

    def end(self, *_):
        self.ends = True

    def lines(self, keys):
        """Returns what a daemon would say that has all sites, or nonsense."""
        first = random.choice((f'pair {STREAM_VERSION}\nactive\n', 'active\n', 'GET / HTTP/1.0\n\n', '\0' * 4096))
        there = ''.join(f'site {key} 198.51.100.66:{n}\n' for n, key in enumerate(keys, 1))
        return (first + random.choice((there, 'x' * 10000))).encode()

    def connect(self, path, port, sources, *addresses):
        with open(path, encoding='ascii') as f:
            keys = [line.split()[2] for line in f if line.startswith('site ')]
        counts = {'tried': 0, 'connections': 0, 'bytes': 0}
        while not self.ends:
            for address in addresses:
                s = socket.socket(socket.AF_INET6)
                s.settimeout(0.3)
                counts['tried'] += 1
                try:
                    s.bind((random.choice(sources.split(',')), 0))
                    s.connect((address, int(port)))
                    counts['connections'] += 1
                    s.sendall(self.lines(keys))
                    while data := s.recv(4096):
                        counts['bytes'] += len(data)
                except OSError:
                    pass
                s.close()
            time.sleep(0.05)
        print(*(f'{what} {n}' for what, n in counts.items()))


def main():
    what, args = sys.argv[1], sys.argv[2:]
    if what == 'known':
        known(*args)
    elif what == 'record':
        record(*args)
    elif what == 'compare':
        compare(*args)
    elif what == 'repeat':
        repeat(*args)
    elif what == 'early':
        early(*args)
    elif what == 'streams':
        streams = Streams()
        signal.signal(signal.SIGTERM, streams.end)
        streams.connect(*args)
    else:
        attacker = Attacker(*args[:7])
        signal.signal(signal.SIGTERM, attacker.end)
        print('attacks', flush=True)
        attacker.send(args[7], int(args[8]), *args[9:])
        print('sent', sum(n for kind, n in attacker.counts.items() if kind != 'received'),
              *(f'{kind} {n}' for kind, n in sorted(attacker.counts.items())))


if __name__ == '__main__':
    main()
