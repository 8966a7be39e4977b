#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# trace: generates packets, asks `wgxdp trace` for their fate, and sends them. The packets that leave and the counters
# must match the answer. Asking must change no map and no counter.
#
#   trace WGXDP MAPSUM KEY WRONG-KEY SEED ROUNDS      in the firewall's network namespace; see trace.sh
import ctypes
import fcntl
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from scapy_few import ICMP, IP, TCP, UDP, Ether, ICMPv6DestUnreach, ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment, Raw  # noqa: E402
from scapy_few import ICMPv6PacketTooBig, fragment                         # noqa: E402
import wgpackets                                                           # noqa: E402

WGXDP, MAPSUM, KEY, WRONG, SEED, ROUNDS = sys.argv[1:7]
BREAK = os.environ.get('BREAK', '')
CLONE_NEWNET, TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x40000000, 0x400454ca, 1, 0x1000
CLIENT = {4: '198.51.100.7', 6: '2001:db8:1::7'}
OURS = {4: '198.51.100.1', 6: '2001:db8:1::1'}
BACKEND = {4: '192.168.1.10', 6: '2001:db8:2::10'}
OVERLAY = 'fd12:3456:789a:'
dice = random.Random(int(SEED))


class Nic:
    kind = 1

    def __init__(self, name, namespace, peer):
        libc, here = ctypes.CDLL(None, use_errno=True), os.open('/proc/self/ns/net', os.O_RDONLY)
        self.own = self.open(name).getsockname()[4]
        if libc.setns(os.open('/run/netns/' + namespace, os.O_RDONLY), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')
        self.sock = self.open(peer)
        self.mac = self.sock.getsockname()[4]
        libc.setns(here, CLONE_NEWNET)

    @staticmethod
    def open(device):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.bind((device, 3))
        sock.setblocking(False)
        return sock

    def fileno(self):
        return self.sock.fileno()

    def send(self, frame):
        self.sock.send(frame)

    def receive(self):
        frame, (_, _, kind, *_) = self.sock.recvfrom(1 << 17)
        return b'' if kind == socket.PACKET_OUTGOING else frame


class Tun:
    kind, own, mac = 101, bytes(6), bytes(6)

    def __init__(self, name):
        self.fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TUN | IFF_NO_PI))

    def fileno(self):
        return self.fd

    def send(self, packet):
        os.write(self.fd, packet)

    def receive(self):
        packet = os.read(self.fd, 1 << 17)
        return bytes(12) + (b'\x86\xdd' if packet[0] >> 4 == 6 else b'\x08\x00') + packet


def pcapng(path, packets):
    """Interfaces by their names, one a packet's"""
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)
    names = list(sides)
    data = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
    for name in names:
        data += block(1, struct.pack('<HHI', sides[name].kind, 0, 0) + struct.pack('<HH', 2, len(name)) + name.encode()
                      + bytes(-len(name) % 4) + bytes(4))
    for side, packet in packets:
        data += block(6, struct.pack('<IIIII', names.index(side), 0, 0, len(packet), len(packet)) + packet)
    with open(path, 'wb') as f:
        f.write(data)


# --- packets

def handshake(kind, key):
    head = bytes((kind, 0, 0, 0)) + struct.pack('<I', dice.getrandbits(32)) + (b'\1\0\0\0' if kind == 2 else b'')
    return wgpackets.handshake(head, wgpackets.mac1_key(key))


def payload():
    kind = dice.choice(['data'] * 5 + ['initiation', 'response', 'wrong', 'cookie', 'junk', 'empty', 'long'])
    if kind == 'data':
        return b'\4\0\0\0' + dice.randbytes(dice.choice([28, 60, 92, 1020, 1308]))
    if kind in ('initiation', 'response'):
        return handshake(1 if kind == 'initiation' else 2, KEY)
    if kind == 'wrong':
        return handshake(1, WRONG)
    if kind == 'long':
        return b'\4\0\0\0' + dice.randbytes(1420)
    return {'cookie': b'\3\0\0\0' + dice.randbytes(60), 'junk': dice.randbytes(40), 'empty': b''}[kind]


def ip(family, src, dst, ttl, **more):
    return IP(src=src, dst=dst, ttl=ttl, **more) if family == 4 else IPv6(src=src, dst=dst, hlim=ttl)


def ttl():
    return dice.choice([64, 64, 64, 64, 128, 2, 1])


def datagram(family, src, dst, sport, dport, **more):
    if family == 4 and 'flags' not in more:
        more['flags'] = dice.choice(['', '', 'DF'])
    return ip(family, src, dst, ttl(), **(more if family == 4 else {})) / UDP(sport=sport, dport=dport) / Raw(payload())


def from_wan():
    family = dice.choice([4, 6])
    strange = {4: ['192.168.1.77', '198.51.100.66', '127.0.0.1', '203.0.113.9'],
               6: ['2001:db8:2::77', '2001:db8:1::66', '::1', '2001:db8:99::9']}[family]
    src = dice.choice([CLIENT[family]] * 5 + strange)
    dst = dice.choice([OURS[family]] * 8 + [BACKEND[family], CLIENT[family]])
    port = dice.choice([51820, 51820, 51821, 51821, 51822, 9])
    return 'wan', datagram(family, src, dst, dice.randrange(1024, 65535), port)


def from_lan():
    family = dice.choice([4, 6])
    src = dice.choice([BACKEND[family]] * 5 + [{4: '192.168.1.77', 6: '2001:db8:2::77'}[family]])
    dst = dice.choice([CLIENT[family]] * 5 + [OURS[family], {4: '203.0.113.9', 6: '2001:db8:99::9'}[family]])
    return 'lan', datagram(family, src, dst, dice.choice([51820, 51820, 51821, 51822]), dice.randrange(1024, 65535))


def error():
    """About a reply, from the client's side"""
    family = dice.choice([4, 6])
    about = ip(family, OURS[family], CLIENT[family], 60) / UDP(sport=51820, dport=dice.randrange(1024, 65535)) / Raw(bytes(32))
    if family == 4:
        kind = dice.choice([ICMP(type=3, code=3), ICMP(type=3, code=4, nexthopmtu=1300), ICMP(type=11)])
    else:
        kind = dice.choice([ICMPv6DestUnreach(code=4), ICMPv6PacketTooBig(mtu=1300)])
    return 'wan', ip(family, dice.choice([CLIENT[family], CLIENT[family], {4: '203.0.113.9', 6: '2001:db8:99::9'}[family]]),
                     OURS[family], ttl()) / kind / about


def other():
    family = dice.choice([4, 6])
    body = dice.choice([TCP(sport=4000, dport=51820), ICMP() if family == 4 else ICMPv6EchoRequest()])
    return dice.choice(['wan', 'lan']), ip(family, CLIENT[family], OURS[family], 64) / body


def fragments():
    """Both halves of one, or the later half alone, or in the wrong order"""
    whole = bytes(b'\4\0\0\0' + dice.randbytes(1404))
    sport, ident = dice.randrange(1024, 65535), dice.randrange(1, 65535)
    if dice.random() < 0.5:
        parts = fragment(IP(src=CLIENT[4], dst=OURS[4], id=ident) / UDP(sport=sport, dport=51822) / Raw(whole), fragsize=800)
    else:
        bytes_of = bytes(IPv6(src=CLIENT[6], dst=OURS[6]) / UDP(sport=sport, dport=51822) / Raw(whole))[40:]
        parts = [IPv6(src=CLIENT[6], dst=OURS[6]) / IPv6ExtHdrFragment(nh=17, offset=at // 8, m=not at, id=ident) / Raw(part)
                 for at, part in ((0, bytes_of[:800]), (800, bytes_of[800:]))]
    return [('wan', part) for part in dice.choice([parts, parts, parts[::-1], parts[1:]])]


def between_sites():
    come_in, src, dst = dice.choice([('tun', 'a', 'b'), ('tun', 'a', 'b'), ('lb', 'b', 'a'), ('lb', 'b', 'a'), ('tun', 'b', 'a'), ('tun', 'a', 'a'),
                                     ('lb', 'b', 'c')])
    packet = IPv6(src=f'{OVERLAY}{src}::10', dst=f'{OVERLAY}{dst}::10', hlim=ttl())
    body = dice.choice([UDP(sport=58001, dport=58002) / Raw(dice.randbytes(80)), UDP(sport=58001, dport=1234) / Raw(b'x' * 20),
                        ICMPv6EchoRequest(id=dice.getrandbits(16)), TCP(sport=4000, dport=80), UDP(sport=1, dport=59000) / Raw(bytes(1400))])
    return come_in, packet / body


def answers_to(row):
    """If that was a newcomer: to the port of ours that trace told"""
    if not row['flow'] or 'newcomer' not in row['flow'] or row['verdict'] != 'forwarded':
        return []
    ours, backend = (part.split(',')[0] for part in row['sent'].split(' > '))
    family = 6 if '[' in ours else 4
    return [('lan', ip(family, backend.rsplit(':', 1)[0].strip('[]'), ours.rsplit(':', 1)[0].strip('[]'), 64)
             / UDP(sport=int(backend.rsplit(':', 1)[1]), dport=int(ours.rsplit(':', 1)[1])) / Raw(b'\4\0\0\0' + dice.randbytes(60)))]


def framed(side, packet):
    packet = bytes(packet)
    if sides[side].kind != 1:
        return side, packet
    to = sides[side].own if dice.random() < 0.95 else b'\2\0\0\0\0\x99'
    return side, to + sides[side].mac + (b'\x86\xdd' if packet[0] >> 4 == 6 else b'\x08\x00') + packet


def packets():
    made = []
    for _ in range(20):
        kind = dice.choice([from_wan] * 8 + [from_lan] * 5 + [between_sites] * 4 + [error] * 2 + [fragments, other])
        one = kind()
        made += one if isinstance(one, list) else [one]
    return [framed(*one) for one in made]


# --- the fate of the packets

def run(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def shown():
    return json.loads(run(WGXDP, 'show', '--json'))


def counters(show):
    numbers = {}
    for kind, directions in (('service', ('original', 'reply')), ('peer', ('rx',))):
        for entry in show[kind + 's']:
            for direction in directions:
                for key in ('forwarded_xdp', 'forwarded_tc'):
                    numbers[kind, entry['name'], direction, key] = entry[direction][key]
    for drop in show['drops']:
        kind = 'peer' if 'peer' in drop else 'service'
        numbers[kind, drop[kind], drop['direction'], drop['verdict'], drop['reason']] = drop['packets']
    return numbers


def drain():
    for side in sides.values():
        try:
            while True:
                side.receive()
        except BlockingIOError:
            pass


def meant(frame):
    """Not what kernels say of their own: ARP, neighbours, groups"""
    return frame and frame[12:14] in (b'\x08\0', b'\x86\xdd') and not frame[0] & 1 and not (frame[12:14] == b'\x86\xdd' and frame[20] == 58 and frame[54] in range(130, 144))


def collect(n):
    got, until = [], time.monotonic() + (3 if n else 0.004)
    while select.select(list(sides.values()), [], [], max(0, until - time.monotonic()))[0]:
        for name, side in sides.items():
            try:
                frame = side.receive()
            except BlockingIOError:
                continue
            if meant(frame):
                got.append((name, frame))
        if len(got) >= n:
            until = min(until, time.monotonic() + 0.004)
    return got


def whose(row):
    kind = 'peer' if 'peer' in row else 'service'
    return kind, row[kind], row.get('direction', 'rx')


def expected(row):
    """Returns the two possible changes of the counters: by XDP, or by tc, which takes a packet every two seconds to
    keep a neighbour alive."""
    if not row.get('service') and 'peer' not in row:
        return [{}]
    if row['reason']:
        return [{whose(row) + (row['verdict'], row['reason']): 1}]
    ways = [{whose(row) + ('forwarded_tc',): 1}]
    return ways + [{whose(row) + ('forwarded_xdp',): 1}] if row['path'] == 'xdp' else ways


def leaves(row):
    """(device, frame) of the last that leaves, and how many do"""
    if row['verdict'] == 'passed' or not row.get('frame'):
        return None, 0
    return (row['out'], bytes.fromhex(row['frame'])), row.get('fragments', 1)


def same_frame(row, got, want):
    """An IPv4 error of ours chooses its identification, and so does what was IPv6"""
    if got[0] != want[0] or len(got[1]) != len(want[1]):
        return False
    a, b = bytearray(got[1]), bytearray(want[1])
    if sides[got[0]].kind != 1:
        a[:14] = b[:14]
    if a[12:14] == b'\x08\0' and (row['verdict'] == 'dropped' or '[' in row['name']):
        a[18:20] = b[18:20]
        a[24:26] = b[24:26]
    return a == b


def check(row, frame, side, before):
    sides[side].send(frame)
    want, n = leaves(row)
    got = [] if row['verdict'] == 'passed' else collect(n)
    after = counters(shown())
    gained = {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}
    wrong = []
    if gained not in expected(row):
        wrong.append(f'counters gained {gained}, expected {expected(row)}')
    if len(got) != n or (n and not any(same_frame(row, one, want) for one in got[-1:])):
        left = '; '.join(f'{name} {f[:128].hex()}' for name, f in got)
        wrong.append(f'left: {left}; expected {n}: {want and (want[0], want[1][:128].hex())}')
    time.sleep(0.002)
    drain()
    return wrong, after


def without_ages(show):
    for service in show['services']:
        for backend in service.get('backends', []):
            del backend['last_answer']          # seconds ago
    return show


def differences(a, b, where=''):
    if type(a) is not type(b) or not isinstance(a, (dict, list)) or len(a) != len(b):
        if a != b:
            yield where, a, b
        return
    for key in a.keys() | b.keys() if isinstance(a, dict) else range(len(a)):
        one, other = (side[key] if isinstance(side, list) else side.get(key) for side in (a, b))
        yield from differences(one, other, f'{where}.{key}')


def untouched(command, break_it):
    """Returns the output of trace. Nothing may have changed."""
    before = without_ages(shown()), run(MAPSUM, 'default')
    out = run(*command)
    if break_it:
        sides['wan'].send(framed('wan', IP(src=CLIENT[4], dst=OURS[4]) / UDP(sport=1, dport=51822) / Raw(bytes(16)))[1])
    after = without_ages(shown()), run(MAPSUM, 'default')
    if before != after:
        changed = set(before[1].decode().splitlines()) ^ set(after[1].decode().splitlines())
        changes = [f'{key}: {a}, {b}' for key, a, b in differences(before[0], after[0])]
        sys.exit(f'FAIL: {" ".join(command)} changed {changed or "no map"}; show says {changes or "the same"}')
    return out


def round_of(number, made):
    path = os.path.join(os.environ['work'], 'packets.pcapng')
    pcapng(path, made)
    drain()
    rows = json.loads(untouched([WGXDP, 'trace', path, '--json'], BREAK == '1'))['packets']
    before, many, bad = counters(shown()), len(made), 0
    for (side, frame), row in zip(made, rows, strict=True):
        key = row.get('reason') or (row['verdict'] if row.get('service') or 'peer' in row else 'nobody')
        seen[key] = seen.get(key, 0) + 1
        if BREAK == '2':
            row['frame'] = row.get('frame') and row['frame'][:-2] + '%02x' % (int(row['frame'][-2:], 16) ^ 1)
        wrong, before = check(row, frame, side, before)
        if wrong:
            bad += 1
            print(f'FAIL round {number}, {side}: {row["name"]}, {row["packet"]}: {row["says"]}; xdp {row["xdp"]}, tc {row.get("tc")}')
            for text in wrong:
                print('    ' + text)
        answers = [framed(*one) for one in answers_to(row)]
        if answers:                             # answers follow at once, because a newcomer waits for 15 seconds
            more, worse = round_of(number, answers)
            many, bad, before = many + more, bad + worse, counters(shown())
    return many, bad


seen, total, failed = {}, 0, 0
sides = {'wan': Nic('wan', 'client', 'uplink'), 'lan': Nic('lan', 'wg-end', 'eth'), 'lb': Nic('lb', 'site-b', 'eth'), 'tun': Tun('tun')}
print('ready', flush=True)
os.read(3, 1)
for n in range(int(ROUNDS)):
    many, bad = round_of(n, packets())
    total, failed = total + many, failed + bad
print(f'{total} packets, {failed} not as told; ' + ', '.join(f'{seen[key]} {key}' for key in sorted(seen)))
sys.exit(1 if failed else 0)
