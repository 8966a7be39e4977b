#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# A relay forwards exactly the packets between sites that its peers and policy allow, as scapy expects them. They are
# live, in a network namespace. No attack packet passes: spoofed sources, foreign destinations, extension headers,
# quoted packets. `wgxdp up` attaches to two TUN devices (sites a and b behind the first, c behind the second) and two
# NICs (site n behind a gateway, and site o on the link). scapy builds both the sent and the expected packets. The
# kernel's own rules forward nothing, so only wgxdp can forward.
#
#   packet_relay.py [-v]
#
# timeout: 300
#
# BREAK=1 lets port 22 pass: then refused packets and attacks must fail.
import ctypes
import fcntl
import functools
import json
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

from scapy.layers.inet import TCP, UDP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_Redirect,
                                 ICMPv6PacketTooBig, ICMPv6TimeExceeded, ICMPv6ParamProblem, ICMPv6Unknown, IPv6, IPv6ExtHdrDestOpt,
                                 IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN)
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP
from scapy.packet import Raw

here = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get('O', os.path.join(here, '..', '..', 'build')))
NS, OVERLAY = 'wgxdp-relay', 'fd12:3456:789a'
verbose = '-v' in sys.argv
MTU = {'ta': 1420, 'tc': 1380, 'nn': 1500, 'nx': 1400}
SITES = {'a': 'ta', 'b': 'ta', 'c': 'tc', 'n': 'nn', 'o': 'nx'}
PREFIX = {'a': 'a', 'b': 'b', 'c': 'c', 'n': 'd', 'o': 'e'}        # first digit of each site's 256 subnets
OWN = {'ta': 'fd99::1', 'tc': 'fd99::2', 'nn': 'fd98:d::1', 'nx': f'{OVERLAY}:e00::ffff'}
PORT = 22 if os.environ.get('BREAK') else 443
CONFIG = f'''
peers:
  - {{ name: a, device: ta, prefixes: [ "{OVERLAY}:a00::/56", "fd99::a" ] }}
  - {{ name: b, device: ta, prefixes: [ "{OVERLAY}:b00::/56", "fd99::b" ] }}
  - {{ name: c, device: tc, prefixes: [ "{OVERLAY}:c00::/56", "fd99::c" ] }}
  - {{ name: n, device: nn, prefixes: [ "{OVERLAY}:d00::/56" ] }}
  - {{ name: o, device: nx, prefixes: [ "{OVERLAY}:e00::/56" ] }}
  - {{ name: gone, device: wg-gone, prefixes: [ "{OVERLAY}:f00::/56" ] }}
policy: {{ overlay: "{OVERLAY}::/48", udp-ports: [ 58000-60000{", 22" if os.environ.get("BREAK") else ""} ] }}
'''
passed = failed = 0


def run(*words, **more):
    return subprocess.run(words, check=True, text=True, **more)


def mac(link, far=0):
    return '02:00:00:00:%02x:%02x' % (list(MTU).index(link), 2 if far else 1)


# --- the network

class Link:
    """An end where packets go in and come out."""
    def __init__(self, name):
        self.name, self.bare = name, name[0] == 't'
        if self.bare:
            self.fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.fd, 0x400454ca, struct.pack('16sH14x', name.encode(), 0x1001))      # TUNSETIFF: IFF_TUN | IFF_NO_PI
            return
        self.ethernet = bytes(Ether(src=mac(name, 1), dst=mac(name), type=0x86dd))
        run('ip', 'link', 'add', name, 'address', mac(name), 'type', 'veth', 'peer', 'name', name + 'p', 'address', mac(name, 1))
        run('sysctl', '-qw', f'net.ipv6.conf.{name}p.disable_ipv6=1')
        run('ip', 'link', 'set', name + 'p', 'xdpdrv', 'object', f'{BUILD}/selftests/peer.bpf.o', 'program', 'pass')
        run('ip', 'link', 'set', name + 'p', 'up')

    def open(self):
        run('ip', 'link', 'set', self.name, 'mtu', str(MTU[self.name]), 'up')
        run('ip', 'addr', 'add', OWN[self.name] + '/128' if self.name != 'nx' else OWN['nx'] + '/56', 'dev', self.name, 'nodad')
        if not self.bare:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(3))
            self.socket.bind((self.name + 'p', 0))
            self.fd = self.socket.fileno()

    def put(self, packet):
        if self.bare:
            os.write(self.fd, packet)
        else:
            self.socket.send(self.ethernet + packet)

    def take(self):
        """Packets between sites and their relay that came out, without the kernel's own"""
        while True:
            try:
                frame, kind = (os.read(self.fd, 70000), 0) if self.bare else (lambda f, a: (f, a[2]))(*self.socket.recvfrom(70000))
            except BlockingIOError:
                return
            if kind == 4 or (not self.bare and frame[12:14] != b'\x86\xdd'):            # sent by this process, or ARP and the like
                continue
            ip = frame if self.bare else frame[14:]
            if not self.bare and frame[:12] != bytes.fromhex((mac(self.name, 1) + mac(self.name)).replace(':', '')):
                ip = b'wrong MACs ' + frame
            if ip[24] == 0xfd and ip[8] == 0xfd:
                yield ip


def set_up():
    for setting in ('all.forwarding=1', 'default.accept_dad=0', 'default.autoconf=0'):
        run('sysctl', '-qw', 'net.ipv6.conf.' + setting)
    run('ip', 'link', 'set', 'lo', 'up')
    links = {name: Link(name) for name in MTU}
    for link in links.values():
        link.open()
    for site, link in SITES.items():
        prefix = f'{OVERLAY}:{PREFIX[site]}00::/56'
        if link[0] == 't':
            run('ip', 'route', 'add', prefix, 'dev', link)
            run('ip', 'route', 'add', f'fd99::{PREFIX[site]}', 'dev', link)
    run('ip', 'neigh', 'add', 'fe80::d', 'lladdr', mac('nn', 1), 'dev', 'nn', 'nud', 'permanent')
    run('ip', 'route', 'add', f'{OVERLAY}:d00::/56', 'via', 'fe80::d', 'dev', 'nn')
    for host in range(1, 4):
        run('ip', 'neigh', 'add', f'{OVERLAY}:e00::{host}', 'lladdr', mac('nx', 1), 'dev', 'nx', 'nud', 'permanent')
    run('nft', 'add table ip6 t; add chain ip6 t c { type filter hook forward priority filter; policy drop; }; '
               'add counter ip6 t up; add rule ip6 t c counter name up drop')
    return links


# --- packets

turn = 0


def host(site, number=1, fresh=False):
    """An address in a site; fresh: in the next of its subnets, for a /64 gets no more than twenty errors at once"""
    global turn
    turn += fresh
    return f'{OVERLAY}:{PREFIX[site]}{turn % 256 if fresh else 0:02x}::{number:x}'


def hop(packet):
    """As a router passes it on"""
    b = bytearray(bytes(packet))
    b[7] -= 1
    return bytes(b)


def error(link, packet, what):
    b = bytes(packet)
    return bytes(IPv6(src=OWN[link], dst=socket.inet_ntop(socket.AF_INET6, b[8:24]), hlim=64) / what / Raw(b[:1280 - 48]))


def udp(src, dst, dport=58000, sport=40000, n=32, **more):
    return IPv6(src=src, dst=dst, **more) / UDP(sport=sport, dport=dport) / Raw(bytes(i & 255 for i in range(n)))


def echo(src, dst, kind=ICMPv6EchoRequest, number=7, n=32, **more):
    return IPv6(src=src, dst=dst, **more) / kind(id=number, seq=1) / Raw(bytes(n))


def quote(src, about, what=None):
    return IPv6(src=src, dst=IPv6(bytes(about)).src) / (what or ICMPv6DestUnreach(code=4)) / Raw(bytes(about)[:1232])


def fragments(packet, step=48, ident=1):
    """The fragments of what is behind the IPv6 header"""
    b = bytes(packet)
    base, data, next_header = packet.copy(), b[40:], b[6]
    base = IPv6(src=packet.src, dst=packet.dst, hlim=packet.hlim)
    return [base / IPv6ExtHdrFragment(nh=next_header, offset=at // 8, m=int(at + step < len(data)), id=ident) / Raw(data[at:at + step])
            for at in range(0, len(data), step)]


# --- running

links = {}
checks = []                     # (name, link, packet, what comes out), once for both modes: scapy takes most of the time


def drain():
    return [(name, ip) for name, link in links.items() for ip in link.take()]


@functools.lru_cache(maxsize=None)
def marker(link, number):
    """A packet that leaves, and as it leaves"""
    site, to = {'ta': ('b', 'c'), 'tc': ('c', 'b'), 'nn': ('n', 'c'), 'nx': ('o', 'c')}[link]
    packet = bytes(udp(host(site, 0xfff0), host(to, 0xfff1), 59999, 1024 + number))
    return packet, hop(packet)


def fate(link, packet, markers):
    """Returns what comes out where. A marker follows each packet on the same link, and ends the wait."""
    drain()
    links[link].put(packet)
    out, began = [], time.monotonic()
    time.sleep(0.002)
    links[link].put(markers[0])
    while time.monotonic() < began + 10:
        select.select([each.fd for each in links.values()], [], [], 0.2)
        got = drain()
        out += got
        if any(ip == markers[1] for _, ip in got):
            return [(name, ip) for name, ip in out + drain() if ip != markers[1]]
    return out + [('nowhere', b'the marker')]


def check(name, link, packet, *want):
    checks.append((name, link, bytes(packet), list(want)))


def run_check(number, name, link, packet, want):
    global passed, failed
    got = fate(link, packet, marker(link, number % 64))
    good = got == want
    passed, failed = passed + good, failed + (not good)
    if not good or verbose:
        print(f'{"ok" if good else "FAIL"} {link}: {name}')
    if not good:
        for what, rows in (('got', got), ('expected', want)):
            print(*[f'  {what} on {at}: {ip.hex()}' for at, ip in rows] or [f'  {what} nothing'], sep='\n')


def sends(name, site, to, packet):
    packet = bytes(packet)
    check(name, SITES[site], packet, (SITES[to], hop(packet)))


def refuses(name, site, packet, what=None):
    packet = bytes(packet)
    check(name, SITES[site], packet, (SITES[site], error(SITES[site], packet, what or ICMPv6DestUnreach(code=1))))


def drops(name, link, packet):
    check(name, link, packet)


WAYS = [('a', 'c'), ('a', 'b'), ('c', 'a'), ('n', 'o'), ('o', 'n'), ('n', 'a'), ('a', 'n'), ('c', 'o'), ('o', 'c')]


def allowed():
    for site, to in WAYS:
        src, dst = host(site), host(to)
        for dport in (58000, 58001, 60000):
            sends(f'to {to}: UDP {dport}', site, to, udp(src, dst, dport))
        sends(f'to {to}: hop limit 2', site, to, udp(src, dst, hlim=2))
        sends(f'to {to}: class and flow', site, to, udp(src, dst, tc=0xb8, fl=0x12345))
        sends(f'to {to}: empty', site, to, udp(src, dst, n=0))
        sends(f'to {to}: as long as the MTU', site, to, udp(src, dst, n=min(MTU[SITES[to]], MTU[SITES[site]]) - 48))
        sends(f'from {to}: a reply', to, site, udp(dst, src, 40000, 58001))
        sends(f'to {to}: echo request', site, to, echo(src, dst))
        sends(f'from {to}: echo reply', to, site, echo(dst, src, ICMPv6EchoReply))
        for what in (ICMPv6DestUnreach(code=4), ICMPv6PacketTooBig(mtu=1280), ICMPv6TimeExceeded(), ICMPv6ParamProblem()):
            sends(f'from {to}: {what.name}', to, site, quote(dst, udp(src, dst), what))
        sends(f'from {to}: error about an echo', to, site, quote(dst, echo(src, dst)))
        sends(f'to {to}: error about a reply', site, to, quote(src, udp(dst, src, 40000, 58001)))
        for what in (ICMPv6ND_NS(tgt=dst), ICMPv6ND_NA(tgt=dst)):
            sends(f'to {to}: {what.name}', site, to, IPv6(src=src, dst=dst) / what)
        pad = [PadN(optdata=b'\0\0\0\0')]
        for chain in (IPv6ExtHdrDestOpt(options=pad), IPv6ExtHdrHopByHop(options=pad), IPv6ExtHdrRouting(segleft=0, addresses=[dst]),
                      IPv6ExtHdrHopByHop(options=pad) / IPv6ExtHdrDestOpt(options=pad)):
            p = IPv6(bytes(IPv6(src=src, dst=dst) / chain / UDP(sport=1, dport=58000) / Raw(b'abc')))
            sends(f'to {to}: behind {chain.summary()}', site, to, p)
        for i, p in enumerate(fragments(udp(src, dst, 58000, n=120), ident=1000 + WAYS.index((site, to)))):
            sends(f'to {to}: fragment {i}', site, to, p)
        for i, p in enumerate(fragments(echo(src, dst, n=120), ident=2000 + WAYS.index((site, to)))):
            sends(f'to {to}: fragment {i} of an echo', site, to, p)
        for n in (1, 9):
            p = udp(src, dst, n=n)
            check(f'to {to}: {n} bytes behind it', SITES[site], bytes(p) + bytes(n), (SITES[to], hop(p)))
    for site, to in (('a', 'c'), ('a', 'b'), ('c', 'n'), ('a', 'o')):
        src, dst = f'fd99::{PREFIX[site]}', host(to)
        sends(f'from the edge itself, to {to}', site, to, udp(src, dst))
        sends(f'echo from the edge itself, to {to}', site, to, echo(src, dst))
        sends(f'from {to}: a reply to the edge', to, site, udp(dst, src, 40000, 58000))
        sends(f'from {to}: an echo reply to the edge', to, site, echo(dst, src, ICMPv6EchoReply))
        sends(f'from {to}: an error to the edge', to, site, quote(dst, udp(src, dst)))


def refused():
    for site, to in WAYS:
        for name, payload in (('UDP', UDP(sport=40000, dport=PORT)), ('UDP below', UDP(dport=57999)), ('UDP above', UDP(dport=60001)),
                              ('SYN', TCP(flags='S')), ('ACK', TCP(flags='A')), ('GRE', None), ('AH', None),
                              ('MRD', ICMPv6Unknown(type=151, msgbody=bytes(4))), ('MRD', ICMPv6Unknown(type=152, msgbody=bytes(4)))):
            packet = IPv6(src=host(site, fresh=True), dst=host(to)) / (payload or Raw(bytes(24)))
            if not payload:
                packet.nh = {'GRE': 47, 'AH': 51}[name]
            refuses(f'to {to}: {name}', site, IPv6(bytes(packet)))
        refuses(f'to {to}: port 22 behind an option', site, IPv6(bytes(
            IPv6(src=host(site, fresh=True), dst=host(to)) / IPv6ExtHdrDestOpt() / UDP(dport=22) / Raw(bytes(9)))))
        for hlim in (0, 1):
            refuses(f'to {to}: hop limit {hlim}', site, udp(host(site, fresh=True), host(to), hlim=hlim), ICMPv6TimeExceeded(code=0))
        mtu = MTU[SITES[to]]
        if mtu < MTU[SITES[site]]:
            for n in (mtu - 47, mtu - 40):
                refuses(f'to {to}: {n} bytes', site, udp(host(site, fresh=True), host(to), n=n), ICMPv6PacketTooBig(mtu=mtu))
    for site in SITES:
        refuses('to nobody', site, udp(host(site, fresh=True), f'{OVERLAY}:7777::1'))
        refuses('to one who waits', site, udp(host(site, fresh=True), f'{OVERLAY}:f00::1'))
        refuses('to its own site', site, udp(host(site, fresh=True), host(site, 2)))


def attacks():
    """Nothing of these may come out anywhere"""
    for site, to in WAYS[:6]:
        link, src, dst = SITES[site], host(site, 9), host(to, 9)
        for other in ('a', 'b', 'c', 'n', 'o'):
            if SITES[other] != link and other != to:
                drops(f'to {to}: as {other}', link, udp(host(other, 9), dst))
        for forged in (host('c' if link == 'ta' else 'a', 9), f'{OVERLAY}:7777::1', f'{OVERLAY}:f00::1', '2001:db8::1', 'fd99::1'):
            drops(f'to {to}: as {forged}', link, udp(forged, dst))
            drops(f'to {to}: echo as {forged}', link, echo(forged, dst))
        drops(f'to {to}: echo reply to nobody', link, echo(src, dst, ICMPv6EchoReply, 99))
        drops(f'to {to}: error about what never was', link, quote(src, udp(dst, src, 58000, 1)))
        drops(f'to {to}: error about TCP', link, quote(src, IPv6(src=dst, dst=src) / TCP()))
        drops(f'to {to}: error for another than it quotes', link,
              IPv6(src=src, dst=dst) / ICMPv6DestUnreach() / Raw(bytes(udp(host(to, 8), src))))
        drops(f'to {to}: error that is cut short', link, IPv6(src=src, dst=dst) / ICMPv6DestUnreach() / Raw(bytes(30)))
        drops(f'to {to}: redirect', link, IPv6(src=src, dst=dst) / ICMPv6ND_Redirect())
        for kind in (138, 140, 141, 144, 200, 255):
            drops(f'to {to}: ICMPv6 type {kind}', link, IPv6(src=src, dst=dst) / ICMPv6Unknown(type=kind))
        for flags in ('', 'SA', 'F', 'R', 'FA', 'SF', 'SR', 'FSRPAU'):
            drops(f'to {to}: TCP {flags}', link, IPv6(src=src, dst=dst) / TCP(flags=flags, dport=58000))
        drops(f'to {to}: no next header', link, IPv6(src=src, dst=dst, nh=59) / Raw(bytes(8)))
        drops(f'to {to}: source route', link, IPv6(src=src, dst=dst) / IPv6ExtHdrRouting(type=0, segleft=1, addresses=[host('b', 3)])
              / UDP(dport=58000))
        for answer in (udp(src, 'fd99::b', 40000, 58000), udp(src, 'fd99::b'), echo(src, 'fd99::b'), echo(src, 'fd99::b', ICMPv6EchoReply),
                       quote(src, udp('fd99::b', dst))):
            drops(f'to an edge that has not asked: {answer.summary()}', link, answer)
        parts = fragments(udp(src, dst, 58000, n=100), ident=7777)
        drops(f'to {to}: a later fragment alone', link, parts[1])
        drops(f'to {to}: a first fragment without a whole header', link,
              IPv6(src=src, dst=dst) / IPv6ExtHdrFragment(nh=17, m=1, id=5) / Raw(bytes(parts[0])[48:52]))
        drops(f'to {to}: a fragment of a fragment', link, IPv6(src=src, dst=dst) / IPv6ExtHdrFragment(m=1, id=6)
              / IPv6ExtHdrFragment(m=1, id=6) / UDP(dport=58000) / Raw(bytes(40)))
        drops(f'to {to}: UDP longer than it is', link, IPv6(src=src, dst=dst) / UDP(dport=58000, len=99) / Raw(b'x'))
        drops(f'to {to}: UDP shorter than its header', link, IPv6(src=src, dst=dst) / UDP(dport=58000, len=7) / Raw(b'x'))
        drops(f'to {to}: cut short', link, bytes(udp(src, dst, n=64))[:-1])
        drops(f'to {to}: cut short, at its last hop', link, bytes(udp(src, dst, n=64, hlim=1))[:-1])
        drops(f'to {to}: longer than any MTU, and cut short', link, IPv6(src=src, dst=dst, plen=65535) / UDP(dport=58000) / Raw(b'x'))
        drops(f'to {to}: an extension header beyond the end', link, IPv6(src=src, dst=dst, nh=60) / Raw(b'\x11\x40' + bytes(20)))
        chain = IPv6(src=src, dst=dst)
        for _ in range(9):
            chain = chain / IPv6ExtHdrDestOpt()
        drops(f'to {to}: nine extension headers', link, chain / UDP(dport=58000))


def check_sums():
    """The packets received from peers were forwarded, dropped or passed. The kernel's rules stopped the passed ones."""
    shown = json.loads(run(f'{BUILD}/wgxdp', 'show', 'peers', '--json', stdout=subprocess.PIPE).stdout)
    rx = tx = 0
    good = True
    for p in shown['peers']:
        n = p['rx']
        good &= n['received'] == n['forwarded'] + n['dropped'] + n['passed']
        rx, tx = rx + n['forwarded'], tx + p['tx']['forwarded']
    good &= rx == tx > 0
    print(f'{"ok" if good else "FAIL"} sums: {rx} forwarded from peers, {tx} to peers')
    return good


def test(mode):
    with tempfile.NamedTemporaryFile('w', suffix='.yaml') as f:
        f.write(CONFIG)
        f.flush()
        run(f'{BUILD}/wgxdp', 'up', '-c', f.name, '--mode', mode, stderr=subprocess.PIPE)
    rows = json.loads(run(f'{BUILD}/wgxdp', 'show', '--json', stdout=subprocess.PIPE).stdout)['interfaces']
    print(mode, *[f"{r['name']}={r['mode']}" for r in rows if r['name'] in MTU])
    for number, row in enumerate(checks):
        run_check(number, *row)
    good = check_sums()
    run(f'{BUILD}/wgxdp', 'down')
    return good


def main():
    global links, failed
    if subprocess.run(['ip', 'netns', 'add', NS], check=False).returncode:
        return 1
    try:
        with open(f'/run/netns/{NS}', 'rb') as f:
            if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0):
                raise OSError(ctypes.get_errno(), 'setns')
        links = set_up()
        allowed()
        refused()
        attacks()
        for mode in ('auto', 'tc'):
            good = test(mode)
            failed += not good
    finally:
        subprocess.run(['ip', 'netns', 'del', NS], check=True)
    print(f'{passed} passed, {failed} failed')
    return bool(failed)


if __name__ == '__main__':
    sys.exit(main())
