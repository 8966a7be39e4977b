# SPDX-License-Identifier: GPL-2.0-or-later
# The network of the packet tests, its services, and frames in it: what comes and what must leave, built with scapy from what
# the services mean, checksums in full, never by the code under test.
import socket
import struct

from scapy_few import IP, IPv6, Ether, Raw

# name: (number, role, mtu); a link's own MAC is 02:00:00:00:NUMBER:01
LINKS = {
    'w0': (1, 'wan', 1500), 'x0': (2, 'wan', 1500), 'l0': (3, 'lan', 1500), 'm0': (4, 'lan', 1300),
    'j0': (5, 'lan', 9000), 'd0': (6, 'lan', 1500),     # XDP cannot send to d0's other end
    'f0': (7, 'wan', 1500),                             # forwarding is off
    'y0': (8, 'wan', 1500),
}
ADDRESSES = {
    'w0': ['203.0.113.1/24', '2001:db8:1::1/64'], 'x0': ['198.51.100.1/24'], 'l0': ['192.168.1.1/24', '2001:db8:2::1/64'],
    'm0': ['192.168.2.1/24', '2001:db8:4::1/64'], 'j0': ['192.168.3.1/24', '2001:db8:3::1/64'], 'd0': ['192.168.5.1/24'],
    'f0': ['198.51.101.1/24'], 'y0': ['198.18.5.1/24', '198.18.5.2/24'],
}
# link: {address: last byte of its MAC}
NEIGHBOURS = {
    'w0': {'203.0.113.254': 254, '203.0.113.7': 7, '2001:db8:1::fe': 254, '2001:db8:1::7': 7}, 'x0': {'198.51.100.254': 254},
    'l0': {'192.168.1.10': 10, '192.168.1.30': 30, '192.168.1.40': 40, '192.168.1.41': 41, '2001:db8:2::10': 10, '2001:db8:2::20': 20,
           '2001:db8:2::30': 30},
    'm0': {'192.168.2.10': 10, '192.168.2.20': 20, '192.168.2.77': 77}, 'j0': {'192.168.3.10': 10, '2001:db8:3::10': 10}, 'd0': {'192.168.5.10': 10},
}
# (destination, further words of `ip route`)
ROUTES = [
    ('198.18.0.0/24', 'via 192.168.1.30'),
    ('192.0.2.64/26', 'via 203.0.113.254 mtu lock 1300'),
    ('192.0.2.128/26', 'via 203.0.113.254 mtu 1300'),          # not locked, so a router ignores it: ip_forward_use_pmtu
    ('100.70.0.0/24', 'via 203.0.113.254 mtu lock 108'), ('100.70.1.0/24', 'via 203.0.113.254 mtu lock 71'),
    ('192.168.9.0/24', 'blackhole'), ('100.65.0.0/16', 'unreachable'), ('100.66.0.0/16', 'prohibit'),
    ('100.67.0.0/16', 'blackhole'), ('2001:db8:9:65::/64', 'blackhole'),
    ('0.0.0.0/0', 'via 203.0.113.254'), ('::/0', 'via 2001:db8:1::fe'),
]
# rules: packets from this source use that gateway and link, in a table of its own
RULES = [('198.51.100.1', '198.51.100.254', 'x0'), ('198.18.5.2', '203.0.113.7', 'w0')]
INTERFACES = '''
interfaces:
  - { name: w0, role: wan }
  - { name: x0, role: wan }
  - { name: l0, role: lan }
  - { name: m0, role: lan }
  - { name: j0, role: lan }
  - { name: d0, role: lan }
  - { name: f0, role: wan }
  - { name: y0, role: wan }
'''
CONFIG = INTERFACES + '''\
services:
  - name: wg
    listen: { addresses: [ 203.0.113.1 ], ports: [ 51820 ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: 51820 }
  - name: ports
    listen: { addresses: [ 203.0.113.1, 198.51.100.1 ], ports: [ 443, 4500 ] }
    backend: { ipv4: 192.168.1.10, port: 51821 }
  - name: six
    listen: { addresses: [ "2001:db8:1::1" ], ports: [ 51820 ] }
    backend: { ipv6: "2001:db8:2::20", port: 51821 }
    ipv6: dnat
  - name: small
    listen: { addresses: [ 203.0.113.1 ], ports: [ 52000 ] }
    backend: { ipv4: 192.168.2.10, port: 51820 }
  - name: deaf
    listen: { addresses: [ 203.0.113.1 ], ports: [ 53000 ] }
    backend: { ipv4: 192.168.5.10, port: 51820 }
  - name: cold
    listen: { addresses: [ 203.0.113.1, "2001:db8:1::1" ], ports: [ 54000 ] }
    backend: { ipv4: 192.168.1.99, ipv6: "2001:db8:2::99", port: 51820 }
    ipv6: dnat
  - name: hole
    listen: { addresses: [ 203.0.113.1 ], ports: [ 55000 ] }
    backend: { ipv4: 192.168.9.9, port: 51820 }
  - name: jumbo
    listen: { addresses: [ 203.0.113.1 ], ports: [ 56000 ] }
    backend: { ipv4: 192.168.3.10, port: 51820 }
  - name: none
    backend: { ipv4: 198.18.0.30, ipv6: "2001:db8:2::30", port: 51820 }
    nat: none
  - name: df-report
    listen: { addresses: [ 203.0.113.1 ], ports: [ 59000 ] }
    backend: { ipv4: 192.168.2.20, port: 51820 }
    df: report
  - name: none-df-report
    backend: { ipv4: 198.18.0.31, port: 51820 }
    nat: none
    df: report
  - name: "off"
    listen: { addresses: [ 198.51.101.1 ], ports: [ 51820 ] }
    backend: { ipv4: 192.168.1.30, port: 51820 }
  - name: iface
    listen: { interface: y0, ports: [ 51820 ] }
    backend: { ipv4: 192.168.1.40, port: 51820 }
'''
CLIENT4, CLIENT6, PORT = '192.0.2.9', '2001:db8:9::9', 40000


def mac(link, host=1):
    return '02:00:00:00:%02x:%02x' % (LINKS[link][0], host)


# --- building packets: fields that are not named are those of a plain datagram

def fold(n):
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return n


def words(b):
    """The sum of the 16-bit words, folded: the number modulo 0xffff, because 0x10000 is 1 then"""
    n = int.from_bytes(b, 'big') << 8 * (len(b) % 2)
    return n % 0xffff or (n and 0xffff)


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ':' in text else socket.AF_INET, text)


def udp(src, dst, sport, dport, data, check='full', length=None):
    """A UDP header and its data; check: full, zero, partial, or what to add to the full one"""
    pseudo = address(src) + address(dst) + struct.pack('!HH', 17, 8 + len(data))
    header = struct.pack('!HHH', sport, dport, 8 + len(data) if length is None else length)
    full = (0xffff - fold(words(pseudo) + words(header + b'\0\0') + words(data))) or 0xffff
    value = {'full': full, 'zero': 0, 'partial': fold(words(pseudo))}.get(check)
    if value is None:
        value = fold(full + check)
    return header + struct.pack('!H', value) + data


class Packet:
    """A datagram in a frame: everything that a router may change is an attribute"""
    def __init__(self, link, src, dst, sport, dport, n=32, **more):
        self.link, self.src, self.dst, self.sport, self.dport = link, src, dst, sport, dport
        self.dmac, self.smac = mac(link), mac(link, 0xee)
        self.data = bytes((i * 7 + n) & 255 for i in range(n))
        self.ttl, self.check, self.length, self.tail, self.pad = 64, 'full', None, b'', b''
        self.ip, self.chain = {}, []
        self.__dict__.update(more)

    def but(self, **more):
        p = type(self).__new__(type(self))
        p.__dict__.update(self.__dict__)
        p.__dict__.update(more)
        return p

    def full_check_but(self):
        """Returns the difference between this packet's checksum and the full one."""
        value, = struct.unpack('!H', udp(self.src, self.dst, self.sport, self.dport, self.data, self.check)[6:8])
        full, = struct.unpack('!H', udp(self.src, self.dst, self.sport, self.dport, self.data)[6:8])
        return fold(value + 0xffff - full)

    def ip_bytes(self):
        rest = Raw(udp(self.src, self.dst, self.sport, self.dport, self.data, self.check, self.length) + self.tail)
        if ':' not in self.src:
            return bytes(IP(src=self.src, dst=self.dst, ttl=self.ttl, proto=17, **self.ip) / rest)
        packet = IPv6(**{'src': self.src, 'dst': self.dst, 'hlim': self.ttl, 'nh': 17, **self.ip})
        for header in self.chain:
            packet = packet / header.copy()
        return bytes(packet / rest)

    def frame(self):
        return bytes(Ether(dst=self.dmac, src=self.smac, type=0x86dd if ':' in self.src else 0x800)) + self.ip_bytes() + self.pad


class Case:
    """A frame and what must become of it. verdict: sent, passed, dropped, ignored; left: why XDP leaves it to tc, which sends it (by the
    kernel's neighbour output where neighbour: MACs come later)"""
    def __init__(self, name, link, frame, verdict, service=None, direction='original', reason=None, out=None, left=None,
                 neighbour=False, **more):
        self.name, self.link, self.frame, self.verdict, self.service = name, link, frame, verdict, service
        self.direction, self.reason, self.out, self.left, self.neighbour = direction, reason, out, left, neighbour
        self.gso, self.planes, self.modes, self.left_generic, self.truncate, self.frags = (0, 0), None, None, left, True, False
        self.segments, self.bytes, self.whole, self.linear, self.wait = 1, 0, 1 << 31, 0xffffffff, 0
        self.fragments, self.answer_from = [], None                # tc fragments it: (link, frame) of all but the last, which is out
        self.packet, self.mtu, self.shortened = None, 0, False   # tc answers with an error about this packet; its MTU, or 0
        self.room, self.alone = 0xffffffff, False               # alone: no tc plane, so XDP counts what it leaves
        self.truncated = False                                  # packets.py: run every truncation too, on this plane
        self.any_ident = False                                  # any IPv4 identification is right
        self.again = None                                       # another case, for the result of a second run
        self.made_over = False                                  # dropped after it got room for the other family's header
        self.state = 0                                          # large maps to compare too, by number (run_changes.h)
        self.__dict__.update(more)

    def out_as(self, got):
        if not self.any_ident:
            return self.out
        out = bytearray(self.out)
        out[18:20], out[24:26] = got[18:20], b'\0\0'
        out[24:26] = struct.pack('!H', 0xffff - fold(words(bytes(out[14:34]))))
        return bytes(out)


CASES = []


def add(name, p, verdict, service, direction='original', out=None, **more):
    length = len(p.ip_bytes())
    if out:
        more.setdefault('whole', 14 + length)
    CASES.append(Case(name, p.link, p.frame(), verdict, service, direction, out=out and out.frame(), bytes=length, **more))


def ignored(name, link, frame):
    CASES.append(Case(name, link, frame if isinstance(frame, bytes) else frame.frame(), 'ignored'))


# --- services

class Service:
    """service NAME: listen on LINK at local:port; backend:backend_port is behind OUT, next hop's MAC ends in HOP"""
    def __init__(self, name, link, local, port, backend, backend_port, out, hop, back=('w0', 254)):
        self.__dict__.update(locals())
        self.client, self.label = (CLIENT6, f'{name} IPv6') if ':' in local else (CLIENT4, name)

    def original(self, n=32, **more):
        link = more.pop('link', self.link)
        return Packet(link, more.pop('src', self.client), more.pop('dst', self.local), more.pop('sport', PORT),
                      more.pop('dport', self.port), n, **more)

    def reply(self, n=32, **more):
        link = more.pop('link', self.out)
        return Packet(link, more.pop('src', self.backend), more.pop('dst', self.client), more.pop('sport', self.backend_port),
                      more.pop('dport', PORT), n, **more)

    def original_out(self, p):
        return p.but(dst=self.backend, dport=self.backend_port, ttl=p.ttl - 1, dmac=mac(self.out, self.hop), smac=mac(self.out))

    def reply_out(self, p, back=None):
        link, host = back or self.back
        return p.but(src=self.local, sport=self.port, ttl=p.ttl - 1, dmac=mac(link, host), smac=mac(link))

    def sends(self, name, n=32, back=None, case=None, reply=False, **more):
        p = self.reply(n, **more) if reply else self.original(n, **more)
        out = self.reply_out(p, back) if reply else self.original_out(p)
        case = case or {}
        if p.check == 'partial':        # tc's test-run knows no partial checksums: a wrong one stays wrong by the same difference
            out = out.but(check=p.full_check_but())
        if case.get('neighbour'):
            out = out.but(dmac=p.dmac, smac=p.smac)
        add(f'{self.label}: {name}', p, 'sent', self.name, 'reply' if reply else 'original', out, **case)

    def answered(self, reason, reply, more):
        """Whether tc answers what XDP passes for this reason: as it is not for this host, but to an address of it"""
        return not reply and reason in ('hop_limit', 'too_big') and self.local != self.backend and (
            reason == 'hop_limit' or ':' in self.local or more.get('ip', {}).get('flags') == 'DF')

    def passes(self, name, reason, n=32, case=None, reply=False, **more):
        case = dict(case or {})
        if reason == 'too_big' and ':' not in self.local:
            more['ip'] = {'flags': 'DF', **more.get('ip', {})}      # otherwise it is fragmented: packet_fragmentation.py
        answered = self.answered(reason, reply, more)
        if answered:                    # each from another source, because of the rate limit
            more.setdefault('src', ('2001:db8:9:%x::9' if ':' in self.local else '192.0.2.%d') % (16 + len(CASES) % 200))
        p = self.reply(n, **more) if reply else self.original(n, **more)
        if answered:
            length = len(p.ip_bytes())
            case.update(packet=p, mtu=LINKS[self.out][2] if reason == 'too_big' else 0, whole=14 + length,
                        shortened=bool(p.pad) or length > (1232 if ':' in self.local else 548))
        add(f'{self.label}: {name}', p, 'passed', self.name, 'reply' if reply else 'original', reason=reason, **case)

    def ignores(self, name, n=32, reply=False, **more):
        ignored(f'{self.label}: {name}', *(lambda p: (p.link, p))(self.reply(n, **more) if reply else self.original(n, **more)))


WG = Service('wg', 'w0', '203.0.113.1', 51820, '192.168.1.10', 51820, 'l0', 10)
WG6 = Service('wg', 'w0', '2001:db8:2::10', 51820, '2001:db8:2::10', 51820, 'l0', 10)
HTTPS = Service('ports', 'w0', '203.0.113.1', 443, '192.168.1.10', 51821, 'l0', 10)
NATT = Service('ports', 'w0', '203.0.113.1', 4500, '192.168.1.10', 51821, 'l0', 10)
OTHER = Service('ports', 'x0', '198.51.100.1', 443, '192.168.1.10', 51821, 'l0', 10, ('x0', 254))
SIX = Service('six', 'w0', '2001:db8:1::1', 51820, '2001:db8:2::20', 51821, 'l0', 20)
SMALL = Service('small', 'w0', '203.0.113.1', 52000, '192.168.2.10', 51820, 'm0', 10)
DEAF = Service('deaf', 'w0', '203.0.113.1', 53000, '192.168.5.10', 51820, 'd0', 10)
COLD = Service('cold', 'w0', '203.0.113.1', 54000, '192.168.1.99', 51820, 'l0', 99)
COLD6 = Service('cold', 'w0', '2001:db8:1::1', 54000, '2001:db8:2::99', 51820, 'l0', 99)
HOLE = Service('hole', 'w0', '203.0.113.1', 55000, '192.168.9.9', 51820, 'l0', 9)
JUMBO = Service('jumbo', 'w0', '203.0.113.1', 56000, '192.168.3.10', 51820, 'j0', 10)
NONE = Service('none', 'w0', '198.18.0.30', 51820, '198.18.0.30', 51820, 'l0', 30)
NONE6 = Service('none', 'w0', '2001:db8:2::30', 51820, '2001:db8:2::30', 51820, 'l0', 30)
REPORT = Service('df-report', 'w0', '203.0.113.1', 59000, '192.168.2.20', 51820, 'm0', 20)
NONE_REPORT = Service('none-df-report', 'w0', '198.18.0.31', 51820, '198.18.0.31', 51820, 'l0', 30)
OFF = Service('off', 'f0', '198.51.101.1', 51820, '192.168.1.30', 51820, 'l0', 30)
FIRST = Service('iface', 'y0', '198.18.5.1', 51820, '192.168.1.40', 51820, 'l0', 40)
SECOND = Service('iface', 'y0', '198.18.5.2', 51820, '192.168.1.40', 51820, 'l0', 40, ('w0', 7))
