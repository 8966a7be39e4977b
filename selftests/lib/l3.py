#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# l3: plays the hosts on both sides of a firewall, and compares every packet that leaves it, byte for byte, with scapy's packet,
# built from the packet tests' own descriptions, tests/packet/packet_*.py.
#
#   l3 WAN LAN FIFO      each is one of
#
#   tun:DEVICE                        a TUN device to create in this network namespace
#   nic:DEVICE:NAMESPACE:PEER[:ID]... a device here, the other end of its cable, and the VLAN on it (two IDs: the outer one first,
#                                     with a service tag)
#
# Prints `ready` when the TUN devices exist. Each line from FIFO is a round, which ends with the number of right packets.
import ctypes
import fcntl
import os
import select
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tests', 'packet'))
sys.dont_write_bytecode = True
from scapy_few import IP, Raw                                              # noqa: E402
from packet_fragmentation import fragment_ip                                                 # noqa: E402
from packet_fragments import make_fragment                                         # noqa: E402
from packet_icmp import Error                                              # noqa: E402
from packet_network import Packet, fold, words                             # noqa: E402

IFF_TUN, IFF_NO_PI, IFF_VNET_HDR, TUNSETIFF, TUNSETOFFLOAD = 1, 0x1000, 0x4000, 0x400454ca, 0x400454d0
NEEDS_CSUM, GSO_UDP, GSO_UDP_L4 = 1, 3, 5
CLONE_NEWNET, SOL_PACKET, PACKET_AUXDATA, VLAN_VALID = 0x40000000, 263, 8, 16
IP_TYPES = {4: b'\x08\0', 6: b'\x86\xdd'}
LOCAL = {4: '10.64.0.2', 6: '2001:db8:64::2'}
BACKEND = {4: '192.168.1.10', 6: '2001:db8:2::10'}
CLIENT = {4: '198.51.100.%d', 6: '2001:db8:99:%x::7'}
PORT, INNER, SPORT = 51820, 4500, 40000
MTU = {'wan': 1450, 'lan': 1400}
right, wrong = 0, []
clients = iter(range(1, 1 << 16))


class Tun:
    l3 = True

    def __init__(self, name):
        self.fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TUN | IFF_NO_PI | IFF_VNET_HDR))
        fcntl.ioctl(self.fd, TUNSETOFFLOAD, 0)

    def fileno(self):
        return self.fd

    def send(self, packet, vnet=b'\0' * 10):
        os.write(self.fd, vnet + packet)

    def receive(self):
        """IP packets that left by it, complete ones"""
        data = os.read(self.fd, 1 << 17)
        return data[10:] if not data[0] & NEEDS_CSUM and not data[1] else b'unfinished ' + data


class Nic:
    l3 = False

    def __init__(self, own, namespace, peer, *ids):
        libc, here = ctypes.CDLL(None, use_errno=True), os.open('/proc/self/ns/net', os.O_RDONLY)
        there = os.open('/run/netns/' + namespace, os.O_RDONLY)
        self.own = self.open(own).getsockname()[4]
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')
        self.sock = self.open(peer)
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.mac = self.sock.getsockname()[4]
        libc.setns(here, CLONE_NEWNET)
        self.ids = [(0x88a8 if len(ids) == 2 and not i else 0x8100, int(n)) for i, n in enumerate(ids)]

    @staticmethod
    def open(device):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.bind((device, 3))
        sock.setblocking(False)
        return sock

    def fileno(self):
        return self.sock.fileno()

    def tags(self, priority):
        return b''.join(struct.pack('!HH', kind, priority << 13 | n) for kind, n in self.ids)

    def send(self, packet, vnet=None):
        self.sock.send(self.own + self.mac + self.tags(5) + IP_TYPES[packet[0] >> 4] + packet)

    def receive(self):
        """As Tun's; of a frame from another MAC, to another one, or with other tags everything. A priority is not handed on."""
        frame, said, _, (_, _, kind, *_) = self.sock.recvmsg(1 << 17, 64)
        if kind == socket.PACKET_OUTGOING or frame[0] & 1:
            return b''
        for _, _, of_frame in said:             # removed by the kernel
            status, tag, tag_kind = struct.unpack('=I12xHH', of_frame)
            if status & VLAN_VALID:
                frame = frame[:12] + struct.pack('!HH', tag_kind, tag) + frame[12:]
        head = self.mac + self.own + self.tags(0)
        known = frame.startswith(head) and frame[len(head):len(head) + 2] in IP_TYPES.values()
        return frame[len(head) + 2:] if known else b'another frame: ' + frame


def ends(word):
    kind, *rest = word.split(':')
    return Tun(*rest) if kind == 'tun' else Nic(*rest)


def meant(packet):
    """Not what the kernels say of their own: neighbours, groups, routers"""
    return packet and not (packet[:1] == b'\x60' and (packet[6] in (0, 58) and packet[40] > 127 or packet[6] == 0))


def collect(n):
    """Returns the packets that arrive on either side until n packets have come, and a little longer."""
    got, until = {'wan': [], 'lan': []}, time.monotonic() + 5
    while select.select(list(sides.values()), [], [], max(0, until - time.monotonic()))[0]:
        for name, side in sides.items():
            while True:
                try:
                    packet = side.receive()
                except BlockingIOError:
                    break
                if meant(packet):
                    got[name].append(packet)
        if sum(map(len, got.values())) >= n:
            until = min(until, time.monotonic() + 0.01)
    return got


def check(name, come_in, packet, wan=(), lan=(), vnet=b'\0' * 10):
    """packet comes in by a side; what must leave by each. An answer of ours chooses its identification freely."""
    global right
    sides[come_in].send(packet, vnet)
    got, want = collect(len(wan) + len(lan)), {'wan': list(wan), 'lan': list(lan)}
    for side, expected in want.items():
        for n, w in enumerate(expected):
            if callable(w) and n < len(got[side]):
                expected[n] = w(got[side][n])
    if got == want:
        right += 1
        return
    wrong.append(name)
    print(f'FAIL {name}')
    for side in ('wan', 'lan'):
        for what, there in (('got', got), ('expected', want)):
            for p in there[side]:
                print(f'    {side}: {what:8} {f"{len(p)} bytes: {p[:120].hex()}" if isinstance(p, bytes) else "an answer"}')


def original(family, n, **more):
    return Packet('w0', CLIENT[family] % next(clients), LOCAL[family], SPORT, PORT, n, **more)


def reply(family, n, **more):
    return Packet('l0', BACKEND[family], CLIENT[family] % next(clients), INNER, SPORT, n, **more)


def original_out(p):
    return p.but(dst=BACKEND[4 if '.' in p.src else 6], dport=INNER, ttl=p.ttl - 1)


def reply_out(p):
    return p.but(src=LOCAL[4 if '.' in p.src else 6], sport=PORT, ttl=p.ttl - 1)


def answer(p, mtu, src=None, partial=False):
    """An error of ours about p; of IPv4 a function of what came, which chose its identification, and completed a partial checksum"""
    six = ':' in p.src
    kind = ((2, 0) if mtu else (3, 0)) if six else ((3, 4) if mtu else (11, 0))
    e = Error('w0', src or p.dst, p, kind, ttl=64, rest=struct.pack('!I', mtu), keep=1232 if six else 548)

    def after(got):
        quoted = p.ip_bytes()
        quoted = quoted[:26] + got[54:56] + quoted[28:] if partial else quoted
        ident, = struct.unpack('!H', got[4:6])
        return e.but(ip={'tos': p.ip.get('tos', 0) & 0x1e | 0xc0, 'id': ident}, quote=p.but(ip_bytes=lambda: quoted)).ip_bytes()
    return e.ip_bytes() if six else after


DF = {'flags': 'DF'}


def forwarding():
    for family in (4, 6):
        for n in (0, 1, 32, 147, 148, 1300):
            p, q = original(family, n), reply(family, n)
            check(f'IPv{family}, {n} bytes', 'wan', p.ip_bytes(), lan=[original_out(p).ip_bytes()])
            check(f'IPv{family}, {n} bytes, reply', 'lan', q.ip_bytes(), wan=[reply_out(q).ip_bytes()])
    for n, options in ((100, b'\1\1\1\1'), (100, b'\7\7\4\0\0\0\0\1')):
        p, q = (make(4, n, ip={'options': [Raw(options)]}) for make in (original, reply))
        check('options', 'wan', p.ip_bytes(), lan=[original_out(p).ip_bytes()])
        check('options, reply', 'lan', q.ip_bytes(), wan=[reply_out(q).ip_bytes()])


def errors():
    """Sends the answer: over a device without an Ethernet header, or to the MAC."""
    for family in (4, 6):
        for n in (0, 1, 509, 519, 520, 521, 1183, 1184, 1185, 1300):
            p = original(family, n, ttl=1)
            check(f'IPv{family}, TTL used up, {n} bytes', 'wan', p.ip_bytes(), wan=[answer(p, 0)])
        for n in (1353 if family == 6 else 1373, 1390):
            p = original(family, n, ip=DF if family == 4 else {})
            check(f'IPv{family}, too long, {n} bytes', 'wan', p.ip_bytes(), wan=[answer(p, MTU['lan'])])
    p = original(4, 1400, ip={'tos': 0xb9, 'id': 9, 'options': [Raw(b'\1\1\1\1')], **DF})
    check('too long, with options', 'wan', p.ip_bytes(), wan=[answer(p, MTU['lan'])])
    for family in (4, 6):
        p = original(family, 3000)
        first = make_fragment(p, 77, 0, 1392, **({'flags': 'DF+MF'} if family == 4 else {}))
        quoted = p.but(ip_bytes=lambda first=first: first)
        check(f'IPv{family}, a first fragment that is too long', 'wan', first, wan=[answer(quoted, MTU['lan'])])
    e = Error('w0', '203.0.113.9', reply_out(reply(4, 64)), (3, 3), ttl=50)
    inner = e.quote.but(src=BACKEND[4], sport=INNER)
    check('an error of a client\'s side', 'wan', e.ip_bytes(), lan=[e.but(ttl=49, dst=BACKEND[4], quote=inner).ip_bytes()])


def fragmented():
    for n, ip in ((1373, {}), (1390, {'id': 0}), (3000, {'id': 7}), (1390, {'options': [Raw(b'\7\7\4\0\0\0\0\1')]})):
        p, q = original(4, n, ip=ip), reply(4, n + 100, ip=ip)
        later = b'\1' * 8 if 'options' in ip else None
        check(f'fragmented, {n} bytes', 'wan', p.ip_bytes(), lan=fragment_ip(original_out(p).ip_bytes(), MTU['lan'], later))
        check(f'fragmented, {n + 100} bytes, reply', 'lan', q.ip_bytes(), wan=fragment_ip(reply_out(q).ip_bytes(), MTU['wan'], later))


def udp_partial(packet):
    """The same with its pseudo header's sum alone, and what says so"""
    pseudo = packet[12:20] + struct.pack('!HH', 17, len(packet) - 20)
    return packet[:26] + struct.pack('!H', fold(words(pseudo))) + packet[28:]


def vnet(flags=NEEDS_CSUM, gso=0, size=0):
    return struct.pack('=BBHHHH', flags, gso, 28 if gso else 0, size, 20, 6)


def unfinished():
    """As virtual machines send: checksums to be completed, several packets in one, datagrams to be fragmented by the device"""
    for side, make, out, far in (('wan', original, original_out, 'lan'), ('lan', reply, reply_out, 'wan')):
        if not sides[side].l3:
            continue
        p = make(4, 500)
        check(f'{side}: partial checksum', side, udp_partial(p.ip_bytes()), **{far: [out(p).ip_bytes()]}, vnet=vnet())
        p = make(4, MTU[far] - 27)
        error = answer(p, MTU[far], LOCAL[4], True)
        check(f'{side}: partial checksum, too long', side, udp_partial(p.ip_bytes()), **{side: [error]}, vnet=vnet())
        p = make(4, 3000, ip={'id': 5})
        segments(side, p, out(p), far)
        if sides[far].l3:                               # otherwise the kernel sends an error: it cannot tell that it fits
            datagram(side, p, out(p), far)


def segments(side, p, q, far):
    """UDP_SEGMENT, which TUN knows from 6.2 on"""
    try:
        made = [q.but(data=q.data[i:i + 1000], ip={'id': 5 + i // 1000}).ip_bytes() for i in range(0, 3000, 1000)]
        check(f'{side}: segments', side, udp_partial(p.ip_bytes()), **{far: made}, vnet=vnet(gso=GSO_UDP_L4, size=1000))
        for ip in ({'id': 5}, {'id': 5, **DF}):
            big = p.but(ip=ip, src=p.src if side == 'lan' else CLIENT[4] % next(clients))
            error = answer(big, MTU[far], LOCAL[4], True)
            if side == 'wan' or not ip.get('flags'):    # otherwise the kernel answers
                check(f'{side}: segments that are too long, {ip}', side, udp_partial(big.ip_bytes()), **{side: [error]},
                      vnet=vnet(gso=GSO_UDP_L4, size=MTU[far] - 27))
    except OSError as e:
        print(f'segments: not on this kernel: {e}')


def datagram(side, p, q, far):
    """Makes UFO packets, which the device fragments: the fragments fit, because only the first has a UDP header."""
    size = (MTU[far] - 20) // 8 * 8
    try:
        check(f'{side}: a datagram for the device to fragment', side, udp_partial(p.ip_bytes()), **{far: fragment_ip(q.ip_bytes(), size + 20)},
              vnet=vnet(gso=GSO_UDP, size=size))
    except OSError as e:
        print(f'UFO: not on this kernel: {e}')


def play():
    global right
    right = 0
    wrong.clear()
    for group in (forwarding, errors, fragmented, unfinished):
        group()
    print(f'{right} packets right, {len(wrong)} wrong', flush=True)


sides = {'wan': ends(sys.argv[1]), 'lan': ends(sys.argv[2])}
print('ready', flush=True)
with open(sys.argv[3], encoding='ascii') as rounds:
    for _ in rounds:
        play()
