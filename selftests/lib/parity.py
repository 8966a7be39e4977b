#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# parity: sends the packets of relay-parity.sh through two relays of the same network, and compares the results.
#
#   parity SEED REFERENCE RELAY      namespaces of the relays; each has a namespace NAME-sites beside it, for the hosts at its NICs
#
# The packets follow from a seed: sequences of packets between sites, with replies, errors about them, and packets that the policy
# refuses. Each sequence has hosts of its own, so that no sequence affects another. parity sends each packet into both networks, then an
# echo request to the relay itself, and compares what came out of each before the echo reply. DIFFERENCES lists where wgxdp differs on
# purpose, and these results are checked too. The last line says how many sequences had equal results.
import ctypes
import errno
import fcntl
import os
import random
import select
import socket
import struct
import sys
import time

from scapy_few import (HBHOptUnknown, ICMP, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA,
                       ICMPv6ND_Redirect, ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded, ICMPv6Unknown, IP, IPv6,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, Raw, SCTP, TCP, UDP)

OVERLAY = 'fd12:3456:789a'
MTU = {'ta': 1420, 'tc': 1380, 'nn': 1500, 'nx': 1400, 'tw': 1500}
SITES = {'a': 'ta', 'b': 'ta', 'c': 'tc', 'n': 'nn', 'o': 'nx'}
PREFIX = {'a': 'a', 'b': 'b', 'c': 'c', 'n': 'd', 'o': 'e'}     # the first digit of each site's 256 subnets
OWN = {'ta': 'fd99::1', 'tc': 'fd99::2', 'nn': 'fd98:d::1', 'nx': f'{OVERLAY}:e00::ffff', 'tw': '2001:db8::1'}
EDGE = {'a': 'fd99::a', 'b': 'fd99::b', 'c': 'fd99::c'}         # the edge routers' own addresses in the tunnel
WAYS = [('a', 'c'), ('a', 'b'), ('c', 'a'), ('n', 'o'), ('o', 'n'), ('n', 'a'), ('a', 'n'), ('c', 'o'), ('o', 'c'), ('b', 'o')]
PORTS = range(58000, 60001)
TCP_PORTS = (5432, *range(9000, 9010))
NAMES = ('reference', 'wgxdp')
rng = random.Random(int(sys.argv[1]))


# --- two networks

class Port:
    """An end where packets go in and come out: a TUN device, or the end of a NIC's cable, whose MACs have a number."""
    def __init__(self, name, number=0):
        self.bare = not number
        if self.bare:
            self.fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.fd, 0x400454ca, struct.pack('16sH14x', name.encode(), 0x1001))     # TUNSETIFF: IFF_TUN | IFF_NO_PI
            return
        self.macs = bytes.fromhex(f'020000000{number}01' f'020000000{number}02')
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(3))
        self.socket.bind((name + 'p', 0))
        self.fd = self.socket.fileno()

    def put(self, packet):
        if self.bare:
            try:
                os.write(self.fd, packet)
            except OSError as e:
                if packet[0] >> 4 in (4, 6) or e.errno != errno.EINVAL:     # a TUN accepts only these
                    raise
        else:
            self.socket.send(self.macs + b'\x86\xdd' + packet)

    def take(self):
        """IP packets that came out, with another frame than expected all of it; without what the kernel says of its own"""
        while True:
            try:
                frame, kind = (os.read(self.fd, 70000), 0) if self.bare else (lambda f, a: (f, a[2]))(*self.socket.recvfrom(70000))
            except BlockingIOError:
                return
            if kind == socket.PACKET_OUTGOING:
                continue
            if not self.bare:
                known = frame[:14] == self.macs[6:] + self.macs[:6] + b'\x86\xdd'
                frame = frame[14:] if known or frame[:1] == b'\x33' else b'another frame: ' + frame
            if frame[0] >> 4 == 6 and (frame[24] == 0xff or frame[8:10] == b'\xfe\x80'):
                continue
            yield frame


class Network:
    """All ports of one relay: by namespace what makes them there, by name"""
    def __init__(self, places):
        self.ports = {}
        for namespace, makers in places.items():
            with open('/run/netns/' + namespace, 'rb') as f:
                if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0):
                    raise OSError(ctypes.get_errno(), 'setns')
            self.ports.update((name, make()) for name, make in makers.items())

    def drain(self):
        return [(name, packet) for name, port in self.ports.items() for packet in port.take()]


class Marker:
    """An echo request for the relay itself, and the answer to it"""
    turn = 0

    def __init__(self, link, src, own):
        Marker.turn += 1
        self.link, self.request = link, bytes(echo(src, own, number=Marker.turn & 0xffff, n=4))
        self.head = bytes(IPv6(src=own, dst=src))[8:40] + b'\x81'

    def is_answer(self, packet):
        return packet[8:41] == self.head and packet[44:46] == struct.pack('!H', Marker.turn & 0xffff)


def marker_on(link):
    src = {'ta': host('a', 0), 'tc': host('c', 0), 'nn': host('n', 0), 'nx': host('o', 0), 'tw': '2001:db8::2'}[link]
    return Marker(link, src, OWN[link])


def fates(networks, link, packet):
    """Returns the packets that come out of each network before the answer to the marker: (link, packet)."""
    marker, out = marker_on(link), []
    for network in networks:
        network.drain()
        network.ports[link].put(packet)
    time.sleep(0.001)
    for network in networks:
        network.ports[marker.link].put(marker.request)
        got, until = [], time.monotonic() + 10
        while not any(marker.is_answer(p) for _, p in got):
            if time.monotonic() > until:
                sys.exit('the relay does not answer')
            select.select([port.fd for port in network.ports.values()], [], [], 0.1)
            got += network.drain()
        out.append([(at, p) for at, p in got + network.drain() if not marker.is_answer(p)])
    return out


# --- comparable form of the packets that came out

def fold(n):
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return n


def words(b):
    return sum(n for n, in struct.iter_unpack('!H', b + b'\0' * (len(b) % 2)))


def is_error(packet):
    """One of the relay's own"""
    return packet[0] >> 4 == 6 and packet[6] == 58 and packet[40] < 128 and packet[8:24] in map(binary, OWN.values())


def binary(address):
    return socket.inet_pton(socket.AF_INET6, address)


def plain(packet, sent):
    """Without what the two may choose. The kernel refuses a packet when it has already taken one off its hop limit, and quotes
    it so; wgxdp quotes it as it came. IPv4's identification is chosen at random."""
    b = bytearray(packet)
    if packet[0] >> 4 == 4:
        b[4:6] = b[10:12] = b'\0\0'
    elif is_error(packet) and packet[40] == 1 and len(sent) > 7 and packet[55] == sent[7] - 1:
        b[55] = sent[7]
        check = 0xffff - struct.unpack('!H', packet[42:44])[0]
        b[42:44] = struct.pack('!H', 0xffff - fold(check + words(b[54:56]) + 0xffff - words(packet[54:56])))
    return bytes(b)


def together(rows):
    """Returns what a receiver would make of the fragments: whole datagrams. For errors about fragments, returns their
    type and MTU, and their destination and the quoted packet. Such an error may quote the reassembled datagram, or
    the first fragment."""
    out, datagrams = [], {}
    for link, packet in rows:
        if is_error(packet):
            quoted = packet[48:]
            upper = quoted[40 + 8 * (quoted[6] == 44):]
            kind = quoted[40] if quoted[6] == 44 else quoted[6]
            out.append((link, packet[8:42] + packet[44:48] + quoted[8:40] + bytes((kind,)) + upper[:8]))
            continue
        if packet[6] != 44:
            out.append((link, packet[:4] + packet[6:]))
            continue
        offset, = struct.unpack('!H', packet[42:44])
        known = datagrams.setdefault((link, packet[44:48]), {})
        known[offset & 0xfff8] = packet[48:]
        known['end'] = known.get('end') or (0 if offset & 1 else (offset & 0xfff8) + len(packet) - 48)
        data = b''
        while len(data) in known:
            data += known[len(data)]
        if data and len(data) == known['end']:
            out.append((link, packet[:4] + packet[40:41] + packet[7:40] + data))
    return sorted(out)


def summary(rows):
    """In words: which sites, or errors by type and code"""
    return ' '.join(f'{p[40]}/{p[41]}' if is_error(p) else link for link, p in rows)


# --- packets

turn = 0


def host(site, number=1):
    """An address in a site that is this sequence's, number 1 or 2; 0: the marker's"""
    lap, subnet = divmod(turn, 255)
    return f'{OVERLAY}:{PREFIX[site]}{subnet + 1 if number else 0:02x}::{2 * lap + number if number else 1:x}'


def udp(src, dst, dport=58000, sport=40000, n=32, **more):
    return IPv6(src=src, dst=dst, **more) / UDP(sport=sport, dport=dport) / Raw(bytes(rng.randbytes(n)))


def echo(src, dst, kind=ICMPv6EchoRequest, number=7, n=32, **more):
    return IPv6(src=src, dst=dst, **more) / kind(id=number, seq=1) / Raw(bytes(n))


def quote(src, about, what=None, dst=None, n=1232):
    return IPv6(src=src, dst=dst or IPv6(bytes(about)).src) / (what or ICMPv6DestUnreach(code=4)) / Raw(bytes(about)[:n])


def make_fragments(packet, step=None):
    """Fragments the part behind the IPv6 header, in order."""
    b, ident = bytes(packet), rng.getrandbits(32)
    step = step or rng.choice((8, 48, 256, 1232))
    base = IPv6(src=packet.src, dst=packet.dst, hlim=packet.hlim)
    return [base / IPv6ExtHdrFragment(nh=b[6], offset=at // 8, m=int(at + 40 + step < len(b)), id=ident) / Raw(b[40 + at:40 + at + step])
            for at in range(0, len(b) - 40, step)]


def behind(headers, packet):
    """The packet with these between its IPv6 header and the rest"""
    rest, whole = packet.payload, packet.copy()
    whole.remove_payload()
    del whole.nh, whole.plen
    return IPv6(bytes(whole / headers / rest)) if headers else packet


def edited(packet, *edits):
    """(offset, bytes): what no builder would write"""
    b = bytearray(bytes(packet))
    for offset, data in edits:
        b[offset:offset + len(data)] = data
    return bytes(b)


def wrong_sum(packet, offset):
    b = bytes(packet)
    return edited(b, (offset, struct.pack('!H', fold(struct.unpack('!H', b[offset:offset + 2])[0] + 1) or 1)))


def protocol(src, dst, kind, n=16, **more):
    """Another protocol, of n bytes that sum up as those of a datagram do: else the kernel's reject keeps silent, whatever it is"""
    data = rng.randbytes(n) + b'\0' * (n % 2)
    pseudo = binary(src) + binary(dst) + struct.pack('!IHH', len(data) + 2, 0, kind)
    return IPv6(src=src, dst=dst, nh=kind, **more) / Raw(data + struct.pack('!H', 0xffff - fold(words(pseudo + data))))


def pad():
    return PadN(optdata=bytes(rng.choice((0, 2, 4))))


def extension(dst):
    """Headers that a router passes by"""
    return rng.choice((
        lambda: IPv6ExtHdrDestOpt(options=[pad()]), lambda: IPv6ExtHdrHopByHop(options=[pad()]),
        lambda: IPv6ExtHdrRouting(segleft=0, addresses=[dst]), lambda: IPv6ExtHdrRouting(type=4, segleft=0, addresses=[dst, dst]),
        lambda: IPv6ExtHdrHopByHop(options=[pad()]) / IPv6ExtHdrDestOpt(options=[pad()]),
        lambda: IPv6ExtHdrDestOpt(options=[pad()]) / IPv6ExtHdrRouting(segleft=0, addresses=[dst]) / IPv6ExtHdrDestOpt(options=[pad()])))()


def not_a_port():
    return rng.choice((0, 22, 53, 443, 51820, 57999, 60001, 65535, rng.randrange(57999), rng.randrange(60001, 65536)))


def some_error():
    return rng.choice((ICMPv6DestUnreach(code=rng.randrange(8)), ICMPv6PacketTooBig(mtu=rng.choice((1280, 1400))),
                       ICMPv6TimeExceeded(code=rng.randrange(2)), ICMPv6ParamProblem(code=rng.randrange(3))))


def some_refused(src, dst, **more):
    """Returns a packet that the rules refuse with an error."""
    return rng.choice((
        lambda: udp(src, dst, not_a_port(), **more), lambda: IPv6(src=src, dst=dst, **more) / TCP(dport=rng.choice((22, 58000)), flags='S'),
        lambda: protocol(src, dst, rng.choice((50, 89, 103, 112, 253)), **more)))()


# --- sequences: each returns the packets and where they go in: (link, packet), or several of a site

def asked(site, to):
    """A request, and the reply"""
    src, dst, dport, sport = host(site), host(to), rng.choice(PORTS), rng.choice((0, 1, 53, 40000, 65535, rng.randrange(65536)))
    more = {'tc': rng.randrange(256), 'fl': rng.getrandbits(20), 'hlim': rng.choice((2, 3, 64, 255))}
    return [(site, udp(src, dst, dport, sport, rng.randrange(1200), **more)), (to, udp(dst, src, sport, dport, rng.randrange(1200))),
            (site, udp(src, dst, dport, sport, 0))]


def reply_alone(site, to):
    """A reply is refused before its request and passes after it. A reply to another port is still refused."""
    src, dst, dport, sport = host(site), host(to), rng.choice(PORTS), rng.randrange(1, 57000)
    return [(to, udp(dst, src, sport, dport)), (site, udp(src, dst, dport, sport)), (to, udp(dst, src, sport, dport)),
            (to, udp(dst, src, sport + 1, dport)), (to, udp(dst, src, sport, dport ^ 1 or 1)), (to, udp(host(to, 2), src, sport, dport)),
            (to, udp(dst, host(site, 2), sport, dport))]


def refused_port(site, to):
    src, dst, dport, sport = host(site), host(to), not_a_port(), rng.randrange(1, 57000)
    about = udp(src, dst, dport, sport)
    return [(site, about), (to, udp(dst, src, sport, dport)), (to, quote(dst, about))]


def pinged(site, to):
    src, dst, number, code = host(site), host(to), rng.getrandbits(16), rng.choice((0, 0, 0, 1))
    def answer(**more):
        return echo(**{'src': dst, 'dst': src, 'kind': ICMPv6EchoReply, 'number': number, **more})
    request = echo(src, dst, number=number, n=rng.randrange(1300))
    request.code = code
    first, right, other = answer(), answer(), answer()
    first.code = right.code = code
    other.code = code ^ 1
    return [(to, first), (site, request), (to, right), (to, answer(number=number ^ 1)), (to, other), (to, answer(src=host(to, 2))),
            (to, echo(dst, src, number=number))]


def right_errors(site, to):
    """Errors about what passed, and replies to it"""
    src, dst, dport, sport = host(site), host(to), rng.choice(PORTS), rng.randrange(65536)
    request, reply = udp(src, dst, dport, sport, rng.randrange(1300)), udp(dst, src, sport, dport)
    ping = echo(src, dst, number=sport)
    return [(site, request), (to, quote(dst, request, some_error())), (site, quote(src, reply, some_error())),
            (site, ping), (to, quote(dst, ping, some_error())), (site, quote(src, echo(dst, src, ICMPv6EchoReply, sport), some_error())),
            (to, quote(host(to, 2), request, some_error(), n=rng.choice((44, 48, 60, 1232)))),  # from a router on the path
            (to, quote(dst, request, ICMPv6Unknown(type=rng.choice((5, 100, 127)))))]


def wrong_errors(site, to):
    """About what never was, for another than it quotes, about an error, cut short, or what never passes"""
    src, dst, dport, sport = host(site), host(to), rng.choice(PORTS), rng.randrange(65536)
    request, ping = udp(src, dst, dport, sport), echo(src, dst, number=sport)
    tcp = IPv6(src=src, dst=dst) / TCP(dport=dport, flags='S')
    return [(to, quote(dst, request, some_error())), (to, quote(dst, ping, some_error())), (site, request), (site, tcp),
            (to, quote(dst, request, some_error(), dst=host(site, 2))), (to, quote(dst, quote(src, request), some_error())),
            (to, quote(dst, request, some_error(), n=rng.choice((0, 20, 39, 40, 43)))), (to, quote(dst, tcp, some_error())),
            (to, quote(dst, udp(src, dst, dport, sport ^ 1), some_error())), (to, quote(dst, IPv6(src=src, dst=dst, nh=59), some_error())),
            (to, quote(dst, echo(src, dst, ICMPv6EchoReply, sport), some_error())),
            (to, IPv6(src=dst, dst=src, hlim=rng.choice((64, 255))) / ICMPv6ND_Redirect(tgt=src, dst=src) / (
                b'\4\x0b\0\0\0\0\0\0' + bytes(request)))]


def errors_behind_headers(site, to):
    """Errors about packets with extension headers"""
    src, dst, dport = host(site), host(to), rng.choice(PORTS)
    request = behind(extension(dst), udp(src, dst, dport))
    return [(site, request), (to, quote(dst, request, some_error())), (to, behind(extension(src), quote(dst, request, some_error())))]


def discovers(site, to):
    """Neighbours and routers, which conntrack does not follow, by types that are in the list or not"""
    src, dst = host(site), host(to)
    listed = rng.choice((ICMPv6ND_NS(tgt=dst), ICMPv6ND_NA(tgt=dst), ICMPv6ND_RA()))
    return [(site, IPv6(src=src, dst=dst, hlim=rng.choice((64, 255))) / listed)] + [
        (site, IPv6(src=src, dst=dst, hlim=rng.choice((64, 255))) / ICMPv6Unknown(type=kind, msgbody=bytes(16)))
        for kind in rng.sample((130, 131, 132, 133, 143), 2)]


def other_types(site, to):
    """ICMPv6 that is no query of a known kind"""
    kinds = [kind for kind in range(128, 256) if kind not in (128, 137, 139) and not 130 <= kind <= 136 and kind != 143]
    return [(site, IPv6(src=host(site), dst=host(to)) / ICMPv6Unknown(type=kind, code=rng.randrange(3), msgbody=bytes(8)))
            for kind in rng.sample(kinds, 3) + [0, 1, 4, 100]] + [
        (site, IPv6(src=host(site), dst=host(to)) / ICMPv6Unknown(type=139, msgbody=bytes(16))),
        (site, IPv6(src=host(site), dst=host(to), nh=58) / Raw(bytes((128, 0, 0)))), (site, IPv6(src=host(site), dst=host(to), nh=58))]


def tcp(site, to):
    flags = ('S', 'SU', 'SP', 'SEC', 'A', 'AU', 'PA', '', 'SA', 'F', 'R', 'RA', 'FA', 'SF', 'SR', 'FPU', 'FSRPAU', 'U', 'P', 'SAU', 'FAU', 'AEC')
    steps = [(site, IPv6(src=host(site), dst=host(to)) / TCP(sport=1000 + i, dport=rng.choice((22, 58000)), flags=f) / Raw(bytes(rng.randrange(9))))
             for i, f in enumerate(rng.sample(flags, 5))]
    short = bytes(IPv6(src=host(site), dst=host(to)) / TCP(sport=999))
    return steps + [(site, edited(short, (52, bytes((rng.choice((0x40, 0x60, 0xf0)),))))),
                    (site, edited(short[:-8], (4, b'\0\x0c')))]


class Connection:
    """A TCP connection: each segment has the right numbers, as the window's checks of conntrack want"""
    def __init__(self, site, to, dport):
        self.ends = {site: (host(site), rng.randrange(1024, 65536)), to: (host(to), dport)}
        self.sites, self.next = (site, to), {site: rng.getrandbits(31), to: rng.getrandbits(31)}

    def segment(self, of, flags, n=0, **more):
        other = self.sites[self.sites[0] == of]
        (src, sport), (dst, dport) = self.ends[of], self.ends[other]
        seq, ack = self.next[of], self.next[other] if 'A' in flags else 0
        self.next[of] += n + ('S' in flags) + ('F' in flags)
        return of, IPv6(src=src, dst=dst, **more) / TCP(sport=sport, dport=dport, seq=seq, ack=ack, flags=flags, window=8192) / Raw(rng.randbytes(n))


def connected(site, to):
    """A connection to an allowed port: it begins, sends, is told errors, and ends"""
    c = Connection(site, to, rng.choice(TCP_PORTS))
    begin = [c.segment(site, 'S', hlim=rng.choice((2, 64))), c.segment(to, 'SA'), c.segment(site, 'A')]
    data = [c.segment(site, 'PA', rng.randrange(1, 900)), c.segment(to, 'A'), c.segment(to, 'PA', rng.randrange(1, 900)), c.segment(site, 'A')]
    told = [(to, quote(host(to), data[0][1], some_error())), (site, quote(host(site), data[2][1], some_error())),
            (to, quote(host(to, 2), begin[0][1], some_error()))]
    end = rng.choice((lambda: [c.segment(site, 'FA'), c.segment(to, 'FA'), c.segment(site, 'A')], lambda: [c.segment(site, 'RA')],
                      lambda: [c.segment(to, 'FA'), c.segment(site, 'FA'), c.segment(to, 'A')]))()
    return begin + data + told + end


def unconnected(site, to):
    """Answers before the question, a connection that is older than the relay's memory, and the wrong direction"""
    c, old = Connection(site, to, rng.choice(TCP_PORTS)), Connection(site, to, rng.choice(TCP_PORTS))
    early = [c.segment(to, flags) for flags in rng.sample(('SA', 'FA', 'R', 'RA'), 2)]
    c.next[to] -= sum('S' in p[TCP].flags or 'F' in p[TCP].flags for _, p in early)
    others = [(site, IPv6(src=host(site, 2), dst=host(to)) / TCP(sport=1000 + i, dport=rng.choice(TCP_PORTS), flags=f))
              for i, f in enumerate(('SA', 'FA', 'R', 'RA', '', 'F', 'SF', 'SR', 'FPU'))]
    return early + [(to, IPv6(src=host(to), dst=host(site)) / TCP(sport=rng.choice(TCP_PORTS), dport=40000, flags=f)) for f in 'SA'] + others + [
        c.segment(site, 'S'), c.segment(to, 'SA'), c.segment(site, 'A'),
        (to, IPv6(src=host(to), dst=host(site)) / TCP(sport=c.ends[to][1], dport=c.ends[site][1] ^ 1, flags='A')),
        old.segment(site, 'A'), old.segment(to, 'A'), old.segment(site, 'PA', 9)]


def other_protocols(site, to):
    src, dst = host(site), host(to)
    return [(site, protocol(src, dst, kind, rng.choice((0, 1, 16, 40))))
            for kind in rng.sample((2, 4, 8, 41, 46, 50, 55, 88, 89, 94, 103, 108, 112, 115, 134, 138, 143, 200, 253, 254, 255), 4)] + [
        (site, IPv6(src=src, dst=dst, nh=47) / Raw(bytes(4) + rng.randbytes(rng.randrange(20)))),
        (site, IPv6(src=src, dst=dst, nh=50) / Raw(rng.randbytes(20))),
        (site, IPv6(src=src, dst=dst, nh=51) / Raw(b'\x11\4' + bytes(22) + bytes(udp(src, dst))[40:])),
        (site, IPv6(src=src, dst=dst, nh=59) / Raw(bytes(rng.randrange(20))))]


def crossing(site, to):
    """Behind headers that a router passes by"""
    src, dst, dport = host(site), host(to), rng.choice(PORTS)
    return [(site, behind(extension(dst), udp(src, dst, dport))), (to, behind(extension(src), udp(dst, src, 40000, dport))),
            (site, behind(extension(dst), udp(src, dst, not_a_port()))), (site, behind(extension(dst), echo(src, dst))),
            (to, behind(extension(src), echo(dst, src, ICMPv6EchoReply))), (site, behind(extension(dst), IPv6(src=src, dst=dst) / TCP(flags='S')))]


def crooked(site, to):
    """Returns packets whose fields contradict each other."""
    src, dst = host(site), host(to)
    good = udp(src, dst, rng.choice(PORTS), n=24)
    option = behind(IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))]), good)
    return [(site, edited(good, (44, struct.pack('!H', n)))) for n in (0, 7, 33, 65535)] + [
        (site, bytes(good)[:-1]), (site, bytes(good)[:47]), (site, bytes(good)[:41]), (site, bytes(good)[:40]), (site, bytes(good)[:39]),
        (site, edited(good, (4, struct.pack('!H', rng.choice((0, 7, 33, 65535)))))), (site, edited(option, (41, b'\x40'))),
        (site, edited(option, (41, b'\xff'))), (site, edited(good, (0, bytes((rng.choice((0x40, 0x50, 0x70)),)))))]


def padded(site, to):
    """More bytes than the packet says it has"""
    src, dst = host(site), host(to)
    return [(site, bytes(udp(src, dst, rng.choice(PORTS), n=rng.randrange(60))) + bytes(rng.randrange(1, 20))),
            (site, bytes(udp(src, dst, not_a_port())) + bytes(5))]


def no_sum(site, to):
    """A UDP checksum of zero, which IPv6 forbids to hosts; conntrack takes it"""
    return [(site, edited(udp(host(site), host(to), rng.choice(PORTS)), (46, b'\0\0'))),
            (site, edited(udp(host(site), host(to), not_a_port()), (46, b'\0\0')))]


def last_hop(site, to):
    """Hop limit used up, whatever the rules say of it"""
    src, dst = host(site), host(to)
    hlim = rng.choice((0, 1, 1))
    return [(site, udp(src, dst, rng.choice(PORTS), n=rng.randrange(1300), hlim=hlim)), (site, some_refused(src, dst, hlim=hlim)),
            (site, echo(src, dst, hlim=hlim)), (site, udp(src, f'{OVERLAY}:7777::1', hlim=hlim)),
            (site, IPv6(src=src, dst=dst, hlim=hlim) / ICMPv6DestUnreach() / udp(dst, src)),
            (site, IPv6(src=src, dst=dst, hlim=hlim) / TCP(flags='FS')), (to, udp(dst, src, 40000, 58000, hlim=hlim))]


def too_big(site, to):
    """To a narrower way, or not"""
    src, dst, mtu = host(site), host(to), MTU[SITES[to]]
    most = MTU[SITES[site]]
    steps = [(site, udp(src, dst, rng.choice(PORTS), n=n - 48)) for n in (mtu - 1, mtu, mtu + 1, mtu + 8, most) if n <= most]
    if most > mtu:
        steps += [(site, udp(src, dst, not_a_port(), n=most - 48)), (site, echo(src, dst, n=most - 48)),
                  (site, quote(src, udp(dst, src, n=most), n=most - 48)), (site, IPv6(src=src, dst=dst) / TCP(flags='FS') / Raw(bytes(most - 60)))]
    return steps


def nowhere(site, to):
    """For no site, for one whose device is not there, for the rest of the world, and from there"""
    src, far = host(site), '2001:db8:77::1'
    dst = rng.choice((f'{OVERLAY}:7777::1', f'{OVERLAY}:f00::1'))
    return [(site, udp(src, dst, rng.choice(PORTS))), (site, some_refused(src, dst)), (site, echo(src, dst)),
            (site, echo(src, dst, ICMPv6EchoReply)), (site, IPv6(src=src, dst=dst) / TCP(flags='FS')), (site, udp(src, far)),
            (site, some_refused(src, far)), ('tw', udp(far, src)), ('tw', some_refused(far, src)), ('tw', echo(far, src)),
            ('tw', udp(host(to), src)), ('tw', udp(far, dst))]


def forged(site, to):
    """Packets with another site's source: wgxdp leaves them to the kernel, and so to the rules."""
    dst = host(to)
    others = [s for s in SITES if SITES[s] != SITES[site] and s != to]
    steps = []
    for src in (host(rng.choice(others), 2), f'{OVERLAY}:7777::1', '2001:db8::1234', 'fe80::1', '::1', 'ff02::1', '::', '::ffff:10.1.0.1', 'fd99::77'):
        steps += [(site, rng.choice((lambda: udp(src, dst, rng.choice(PORTS), 41000), lambda: some_refused(src, dst)))())]
    return steps


def to_the_relay(site, to):
    """For the relay itself"""
    own, src = OWN[SITES[site]], host(site)
    other = rng.choice([OWN[link] for link in MTU])
    return [(site, echo(src, own, number=0x7777)), (site, echo(src, other, number=0x7778)),
            (site, udp(src, own, rng.randrange(33434, 33475))), (site, udp(src, own, 9999)), (site, IPv6(src=src, dst=own) / TCP(dport=22)),
            (site, udp(src, other, rng.choice(PORTS))), (site, quote(src, udp(own, src)))]


def edge(site, to):
    """An edge router's own address, which is outside of the overlay: it may ask, and be answered"""
    if site not in EDGE:
        site, to = 'a', 'c'
    src, dst, dport, number = EDGE[site], host(to), rng.choice(PORTS), rng.getrandbits(16)
    request, ping = udp(src, dst, dport, number, n=rng.randrange(900)), echo(src, dst, number=number)
    return [(to, udp(dst, src, number, dport)), (site, request), (to, udp(dst, src, number, dport, n=rng.randrange(900))), (site, ping),
            (to, echo(dst, src, ICMPv6EchoReply, number)), (to, quote(dst, request, some_error())), (to, quote(dst, ping, some_error())),
            (to, udp(dst, src, dport, number ^ 1)), (to, echo(dst, src, number=number)), (site, some_refused(src, dst)),
            (to, udp(dst, src, number, dport, hlim=1)), (to, echo(dst, src, ICMPv6EchoReply, number ^ 1)),
            (to, udp(dst, src, number, dport, n=MTU[SITES[to]] - 48))]


def edge_tells(site, to):
    """A router's errors about what passed"""
    if to not in EDGE:
        site, to = 'o', 'c'
    request = udp(host(site), host(to), rng.choice(PORTS), n=100)
    return [(site, request), (to, quote(EDGE[to], request, some_error())), (to, quote(EDGE[to], udp(host(site), host(to), 22), some_error()))]


def in_ipv4(site, to):
    """IPv4 inside of a tunnel"""
    site = rng.choice('abc')
    return [(site, IP(src='10.1.0.9', dst='10.2.0.9', id=5) / UDP(sport=1, dport=rng.choice((443, 58000))) / Raw(bytes(20))),
            (site, IP(src='10.1.0.9', dst='10.2.0.9', id=6, ttl=1) / UDP() / Raw(bytes(20))),
            (site, IP(src='10.1.0.9', dst='10.2.0.9', id=7) / ICMP() / Raw(bytes(20)))]


def fragmented(site, to):
    """Datagrams in fragments, in their order, and what is answered to them"""
    src, dst, dport = host(site), host(to), rng.choice(PORTS)
    steps = [(site, p) for p in make_fragments(udp(src, dst, dport, n=rng.randrange(50, 300)), 48)]
    steps += [(to, p) for p in make_fragments(udp(dst, src, 40000, dport, n=rng.randrange(1300, 3000)), rng.choice((248, 1024, 1232)))]
    steps += [(site, p) for p in make_fragments(echo(src, dst, n=rng.randrange(1300, 3000)), 1232)]
    steps += [(to, p) for p in make_fragments(echo(dst, src, ICMPv6EchoReply, n=rng.randrange(100, 200)), 48)]
    return steps


def fragments_refused(site, to):
    src, dst = host(site), host(to)
    steps = [(site, p) for p in make_fragments(udp(src, dst, not_a_port(), n=rng.randrange(100, 300)), 48)]
    steps += [(site, p) for p in make_fragments(echo(src, dst, ICMPv6EchoReply, n=200), 64)]
    if MTU[SITES[site]] > MTU[SITES[to]]:
        step = (MTU[SITES[site]] - 48) // 8 * 8
        steps += [(site, p) for p in make_fragments(udp(src, dst, n=2 * step), step)]
    return steps + [(site, make_fragments(udp(src, dst, n=200), 48)[i]) for i in (1, 2, 3)]


def odd_fragments(site, to):
    """Fragments without an end, a single whole one, overlapping ones, and a first one without the whole header."""
    src, dst = host(site), host(to)
    header = IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(12))])
    on_top = make_fragments(udp(src, dst, n=100), 48)
    over = edited(on_top[1], (42, struct.pack('!H', 40 | 1)))
    return [(site, p) for p in (*make_fragments(udp(src, dst, n=100), 48)[:2], *make_fragments(udp(src, dst, rng.choice(PORTS)), 1024),
                                *make_fragments(udp(src, dst, not_a_port()), 1024), on_top[0], over, *on_top[2:],
                                *make_fragments(IPv6(src=src, dst=dst) / TCP(flags='S'), 8), *make_fragments(behind(header, udp(src, dst, n=99)), 16))]


SEQUENCES = [asked, reply_alone, refused_port, pinged, right_errors, wrong_errors, errors_behind_headers, discovers,
             other_types, tcp, connected, unconnected, other_protocols, crossing, crooked, padded, no_sum, last_hop, too_big, nowhere,
             forged, to_the_relay, edge, edge_tells, in_ipv4, fragmented, fragments_refused, odd_fragments]
ROUNDS = 20


# --- intended differences (docs/inside/relay.md): the reference's packets, and wgxdp's

def differences(site, to):
    """(what, steps, summary of the reference's end, of wgxdp's)"""
    src, dst, there = host(site), host(to), SITES[to]
    ok, syn = udp(src, dst), IPv6(src=src, dst=dst) / TCP(flags='S')
    yield 'a wrong UDP checksum', [(site, wrong_sum(ok, 46))], '', there
    yield 'a wrong UDP checksum, to be refused', [(site, wrong_sum(udp(src, dst, 443), 46))], '', '1/1'
    yield 'a wrong ICMPv6 checksum', [(site, wrong_sum(echo(src, dst), 42))], '', there
    yield 'a wrong TCP checksum', [(site, wrong_sum(syn, 56))], '', '1/1'
    yield 'a UDP length below what is there', [(site, edited(ok, (44, struct.pack('!H', 30))))], '', there
    yield 'a protocol that does not sum up', [(site, IPv6(src=src, dst=dst, nh=253) / Raw(bytes(16)))], '', '1/1'
    yield 'another protocol without any byte', [(site, IPv6(src=src, dst=dst, nh=50))], '', '1/1'
    yield 'a source route', [(site, behind(IPv6ExtHdrRouting(segleft=1, addresses=[dst]), ok))], there, ''
    nine = IPv6ExtHdrDestOpt()
    for _ in range(8):
        nine = nine / IPv6ExtHdrDestOpt()
    yield 'nine extension headers', [(site, behind(nine, ok))], there, ''
    yield 'an option that asks to be told', [(site, behind(IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=0x9e, optdata=b'')]), ok))], '4/2', there
    yield 'an option that asks to be dropped', [(site, behind(IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=0x5e, optdata=b'')]), ok))], '', there
    yield 'a redirect at its last hop', [(site, IPv6(src=src, dst=dst, hlim=1) / ICMPv6ND_Redirect(tgt=dst, dst=dst))], '3/0', ''
    yield 'back to its own site', [(site, udp(src, host(site, 2)))], SITES[site], '1/1'
    yield 'GRE as PPTP has it, but not of PPP', [(site, IPv6(src=src, dst=dst, nh=47) / Raw(b'\0\1' + bytes(18)))], '', '1/1'
    yield 'SCTP without a beginning', [(site, IPv6(src=src, dst=dst) / SCTP(dport=22))], '', '1/1'
    yield 'IPv4\'s ICMP', [(site, IPv6(src=src, dst=dst, nh=1) / ICMP())], '', '1/1'
    split = make_fragments(udp(src, dst, n=100), 48)
    yield 'fragments in another order', [(site, p) for p in split[::-1]], there, ''
    third = next(s for s in SITES if s not in (site, to))
    late = udp(src, dst, 58001)
    yield 'an error by a third site', [(site, late), (third, IPv6(src=host(third), dst=src) / ICMPv6DestUnreach() / late)], f'{there} {SITES[site]}', there


# --- comparing

def compare(networks, make, site, to):
    """Whether both did the same with all packets of a sequence; else what differed is said"""
    global turn
    turn += 1
    steps = [(SITES.get(where, where), bytes(packet)) for where, packet in make(site, to)]
    rows, same = ([], []), True
    began = time.monotonic()
    for link, packet in steps:
        got = [[(at, plain(p, packet)) for at, p in out] for out in fates(networks, link, packet)]
        for all_rows, new in zip(rows, got):
            all_rows += new
        if 'fragment' not in make.__name__ and got[0] != got[1]:
            same = False
            tell(make, site, to, (link, packet), got)
    if 'fragment' in make.__name__ and together(rows[0]) != together(rows[1]):
        same = False
        tell(make, site, to, steps[0], [together(r) for r in rows])
    if time.monotonic() - began > 20:
        sys.exit(f'{make.__name__} took too long: conntrack forgets')
    return same, len(steps)


def check_difference(networks, what, steps, *expected):
    rows = ([], [])
    for where, packet in steps:
        link, packet = SITES[where], bytes(packet)
        for all_rows, new in zip(rows, fates(networks, link, packet)):
            all_rows += new
    got = tuple(summary(together(r) if 'fragments' in what else r) for r in rows)
    if got != expected:
        print(f'FAIL {what}: {got} instead of {expected}')
    return got == expected


def tell(make, site, to, sent, got):
    print(f'FAIL {make.__name__}, {site} to {to}: {sent[0]}: {describe(sent[1])}')
    for what, out in zip(NAMES, got):
        print(*[f'  {what}: {at}: {describe(p)}' for at, p in out] or [f'  {what}: nothing'], sep='\n')


def describe(packet):
    kind = IP if packet[:1] and packet[0] >> 4 == 4 else IPv6
    try:
        text = kind(packet).summary()
    except Exception:       # pylint: disable=broad-except # scapy's own exceptions about invalid packets
        text = ''
    return f'{len(packet)} bytes: {packet[:110].hex()} {text}'


def main():
    global turn
    networks = [Network({name: {tun: lambda tun=tun: Port(tun) for tun in ('ta', 'tc', 'tw')},
                         name + '-sites': {'nn': lambda: Port('nn', 1), 'nx': lambda: Port('nx', 2)}}) for name in sys.argv[2:]]
    right = packets = 0
    count = ROUNDS * len(SEQUENCES)
    order = SEQUENCES * ROUNDS
    for i, make in enumerate(order):
        same, n = compare(networks, make, *WAYS[(i // len(SEQUENCES) + i) % len(WAYS)])
        right, packets = right + same, packets + n
    known = 0
    for way in WAYS:
        turn += 1
        outcome = [check_difference(networks, *difference) for difference in differences(*way)]
        known, right = known + sum(outcome), right - outcome.count(False)
    print(f'{known} more differ as they should')
    print(f'{packets} packets, in {count} sequences of seed {sys.argv[1]}')
    print(f'{right} of {count} sequences came to the same end')
    return right != count


if __name__ == '__main__':
    sys.exit(main())
