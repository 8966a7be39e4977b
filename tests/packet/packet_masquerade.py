# SPDX-License-Identifier: GPL-2.0-or-later
# The packets that tests/packet/packet_flows.py sends through the data path, and what must become of each: masquerading services, for each pair of
# families one, in the network of packet_network.py.
import os

from scapy_few import (ICMP, IP, ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       Ether, PadN, Raw, defragment6)

from packet_network import CASES, INTERFACES, PORT, Case, Service, add, mac, udp

CONFIG = INTERFACES + '''\
services:
  - name: both
    listen: { addresses: [ 203.0.113.1, "2001:db8:1::1" ], ports: [ 51820 ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: 51821 }
    nat: masquerade
  - name: up
    listen: { addresses: [ 203.0.113.1 ], ports: [ 52000 ] }
    backend: { ipv6: "2001:db8:2::20", port: 51820 }
    nat: masquerade
  - name: down
    listen: { addresses: [ "2001:db8:1::1" ], ports: [ 53000 ] }
    backend: { ipv4: 192.168.1.30, port: 51820 }
    nat: masquerade
  - name: wide
    listen: { addresses: [ 203.0.113.1 ], ports: [ 52001 ] }
    backend: { ipv6: "2001:db8:3::10", port: 51820 }
    nat: masquerade
  - name: narrow
    listen: { addresses: [ "2001:db8:1::1" ], ports: [ 53001 ] }
    backend: { ipv4: 192.168.2.10, port: 51820 }
    nat: masquerade
'''


class Masquerade(Service):
    """A service whose clients are shown to the backend as an address of ours; ports stay where they are free"""
    def __init__(self, name, link, local, port, backend, backend_port, out, hop, ours, back=('w0', 254)):
        super().__init__(name, link, local, port, backend, backend_port, out, hop, back)
        self.ours = ours

    def reply(self, n=32, **more):
        return super().reply(n, **{'dst': self.ours, **more})

    def original_out(self, p):
        return super().original_out(p).but(src=self.ours)

    def reply_out(self, p, back=None):
        return super().reply_out(p, back).but(dst=self.client)


def other_family(p, src, dst, sport, dport, **more):
    """The same datagram in a packet of the other family, as RFC 7915 has it"""
    up = ':' in src
    ip = {'tc': p.ip.get('tos', 0)} if up else {'tos': p.ip.get('tc', 0)}
    if not up and 28 + len(p.data) + len(p.tail) > 1260:
        ip['flags'] = 'DF'
    if not up:
        ip['id'] = 0
    check = 'full' if up and p.check == 'zero' else p.check
    return p.but(src=src, dst=dst, sport=sport, dport=dport, ip=ip, chain=[], check=check, ttl=p.ttl - 1, pad=p.pad, **more)


class Nat64(Masquerade):
    """One whose backend is of the other family"""
    def original_out(self, p):
        return other_family(p, self.ours, self.backend, p.sport, self.backend_port, dmac=mac(self.out, self.hop), smac=mac(self.out))

    def reply_out(self, p, back=None):
        link, host = back or self.back
        return other_family(p, self.local, self.client, self.port, p.dport, dmac=mac(link, host), smac=mac(link))

    def sends(self, name, n=32, back=None, case=None, reply=False, **more):
        to_ipv4 = (':' in self.local) ^ reply
        case = dict(case or {})
        case.setdefault('any_ident', to_ipv4 and n + 28 <= 1260)
        super().sends(name, n, back, case, reply, **more)


BOTH = Masquerade('both', 'w0', '203.0.113.1', 51820, '192.168.1.10', 51821, 'l0', 10, '192.168.1.1')
BOTH6 = Masquerade('both', 'w0', '2001:db8:1::1', 51820, '2001:db8:2::10', 51821, 'l0', 10, '2001:db8:2::1')
UP = Nat64('up', 'w0', '203.0.113.1', 52000, '2001:db8:2::20', 51820, 'l0', 20, '2001:db8:2::1')
DOWN = Nat64('down', 'w0', '2001:db8:1::1', 53000, '192.168.1.30', 51820, 'l0', 30, '192.168.1.1')

# their next hops have 9000 and 1300 bytes
WIDE = Nat64('wide', 'w0', '203.0.113.1', 52001, '2001:db8:3::10', 51820, 'j0', 10, '2001:db8:3::1')
NARROW = Nat64('narrow', 'w0', '2001:db8:1::1', 53001, '192.168.2.10', 51820, 'm0', 10, '192.168.2.1')


def known():
    """A client and its answers, from the first on"""
    for s in (BOTH, BOTH6, UP, DOWN):
        s.sends('a newcomer')
        s.sends('its answer', reply=True)
        for n in (0, 1, 31, 32, 148, 1452):
            s.sends(f'{n} bytes', n)
            s.sends(f'{n} bytes, reply', n, reply=True)
        for ttl in (2, 255):
            s.sends(f'TTL {ttl}', ttl=ttl)
            s.sends(f'TTL {ttl}, reply', ttl=ttl, reply=True)
        for check in ('zero', 1, 0xfffe):
            s.sends(f'checksum {check}', check=check)
            s.sends(f'checksum {check}, reply', check=check, reply=True)


# --- ICMP errors

# RFC 7915's translation of each error: (name, IPv4's, IPv6's); the first is translated up, the second down
ERRORS = [
    ('port unreachable', ICMP(type=3, code=3), ICMPv6DestUnreach(code=4)),
    ('prohibited', ICMP(type=3, code=10), ICMPv6DestUnreach(code=1)),
    ('time exceeded', ICMP(type=11, code=0), ICMPv6TimeExceeded(code=0)),
    ('reassembly time exceeded', ICMP(type=11, code=1), ICMPv6TimeExceeded(code=1)),
    ('too big', ICMP(type=3, code=4, nexthopmtu=1400), ICMPv6PacketTooBig(mtu=1420)),
    ('too big for the least', ICMP(type=3, code=4, nexthopmtu=1260), ICMPv6PacketTooBig(mtu=1280)),
    ('a field of the header', ICMP(type=12, code=0, ptr=8), ICMPv6ParamProblem(code=0, ptr=7)),
    ('protocol', ICMP(type=3, code=2), ICMPv6ParamProblem(code=1, ptr=6)),
]
ONLY_UP = [
    ('net unreachable', ICMP(type=3, code=0), ICMPv6DestUnreach(code=0)),
    ('host unknown', ICMP(type=3, code=7), ICMPv6DestUnreach(code=0)),
    ('administratively', ICMP(type=3, code=13), ICMPv6DestUnreach(code=1)),
    ('too big, less than IPv6 may say', ICMP(type=3, code=4, nexthopmtu=600), ICMPv6PacketTooBig(mtu=1280)),
    ('too big without MTU', ICMP(type=3, code=4, nexthopmtu=0), ICMPv6PacketTooBig(mtu=1280)),
    ('the identification', ICMP(type=12, code=0, ptr=4), None), ('beyond', ICMP(type=12, code=0, ptr=20), None),
    ('precedence', ICMP(type=3, code=14), None), ('type of service', ICMP(type=3, code=12), ICMPv6DestUnreach(code=0)),
]
ONLY_DOWN = [
    ('no route', ICMP(type=3, code=1), ICMPv6DestUnreach(code=0)), ('beyond scope', ICMP(type=3, code=1), ICMPv6DestUnreach(code=2)),
    ('address unreachable', ICMP(type=3, code=1), ICMPv6DestUnreach(code=3)), ('source policy', None, ICMPv6DestUnreach(code=5)),
    ('an option', None, ICMPv6ParamProblem(code=2, ptr=40)), ('the flow label', None, ICMPv6ParamProblem(code=0, ptr=2)),
    ('the payload length', ICMP(type=12, code=0, ptr=2), ICMPv6ParamProblem(code=0, ptr=4)),
    ('the source', ICMP(type=12, code=0, ptr=12), ICMPv6ParamProblem(code=0, ptr=8)),
    ('a jumbo MTU', ICMP(type=3, code=4, nexthopmtu=1480), ICMPv6PacketTooBig(mtu=100000)),
]


def quoted(src, dst, sport, dport, inner, check, ident=None):
    """ident: of a first fragment"""
    body = udp(src, dst, sport, dport, bytes(range(24)), check)
    if ident is not None and ':' in src:
        return bytes(IPv6(src=src, dst=dst, hlim=7, nh=44, tc=inner) / IPv6ExtHdrFragment(nh=17, m=1, id=ident) / Raw(body))
    if ident is not None:
        return bytes(IP(src=src, dst=dst, ttl=7, proto=17, tos=inner, id=ident & 0xffff, flags='MF') / Raw(body))
    if ':' in src:
        return bytes(IPv6(src=src, dst=dst, hlim=7, nh=17, tc=inner) / Raw(body))
    return bytes(IP(src=src, dst=dst, ttl=7, proto=17, tos=inner, id=0, flags='DF') / Raw(body))


def error(link, host, src, dst, icmp, ttl, quote, tos, far=None):
    ip = IPv6(src=src, dst=dst, hlim=ttl, tc=tos) if ':' in src else IP(src=src, dst=dst, ttl=ttl, id=0, tos=tos)
    macs = {'dst': mac(link), 'src': mac(link, 0xee)} if far is None else {'dst': mac(link, far), 'src': mac(link)}
    return bytes(Ether(**macs) / ip / icmp.copy() / Raw(quote))


def tell(s, name, icmp4, icmp6, reply, check='full', tos=4, inner=8, ident=None):
    """reply: the backend's side complains about what the client sent, else the client's about an answer"""
    comes_ipv6, leaves_ipv6 = ':' in (s.ours if reply else s.local), ':' in (s.local if reply else s.ours)
    coming, leaving = (icmp6 if v6 else icmp4 for v6 in (comes_ipv6, leaves_ipv6))
    if coming is None:
        return
    if ident is not None and not comes_ipv6:
        return
    if reply:
        frm, (link, far) = s.backend, s.back
        comes = error(s.out, None, frm, s.ours, coming, 60, quoted(s.ours, s.backend, PORT, s.backend_port, inner, check, ident), tos)
        out = leaving and error(link, None, s.local, s.client, leaving, 59, quoted(s.client, s.local, PORT, s.port, inner, check, ident), tos, far)
        where, direction = s.out, 'reply'
    else:
        frm = '2001:db8:77::1' if comes_ipv6 else '192.0.2.33'
        comes = error(s.link, None, frm, s.local, coming, 60, quoted(s.local, s.client, s.port, PORT, inner, check, ident), tos)
        out = leaving and error(s.out, None, s.ours, s.backend, leaving, 59,
                                quoted(s.backend, s.ours, s.backend_port, PORT, inner, check, ident), tos, s.hop)
        where, direction = s.link, 'original'
    verdict, more = ('sent', {}) if leaving else ('dropped', {'reason': 'untranslatable'})
    CASES.append(Case(f'{s.label}: {name}{", reply" if reply else ""}', where, comes, verdict, s.name, direction, out=out,
                      bytes=len(comes) - 14, whole=len(comes), truncate=verdict == 'sent', any_ident=bool(out) and out[12:14] == b'\x08\0',
                      **more))


def errors():
    for s in (BOTH, BOTH6, UP, DOWN):
        for name, icmp4, icmp6 in ERRORS:
            for reply in (False, True):
                tell(s, name, icmp4, icmp6, reply)
        tell(s, 'no checksum', *ERRORS[0][1:], True, 'zero')
        for reply in (False, True):         # each fragment has a header of 8 bytes more in IPv6
            tell(s, 'too big, about a first fragment', ICMP(type=3, code=4, nexthopmtu=1372), ICMPv6PacketTooBig(mtu=1400), reply,
                 ident=0x12345678)
            tell(s, 'hop limit, about a first fragment', ICMP(type=11), ICMPv6TimeExceeded(), reply, ident=0xffff)
        for reply in (False, True):
            for name, icmp4, icmp6 in ONLY_UP if ':' not in (s.ours if reply else s.local) else ONLY_DOWN:
                if (':' in s.ours) != (':' in s.local):
                    tell(s, name, icmp4, icmp6, reply)


def next_hops():
    """The MTU of a translated error is the least of the reported one and those of both next hops (RFC 7915, sections 4.2 and 5.2)"""
    def too_big(s, reply, mtu, told, ident=None):
        ipv6, ipv4 = ICMPv6PacketTooBig(mtu=mtu), ICMP(type=3, code=4, nexthopmtu=told)
        if ':' not in (s.ours if reply else s.local):
            ipv6, ipv4 = ICMPv6PacketTooBig(mtu=told), ICMP(type=3, code=4, nexthopmtu=mtu)
        tell(s, f'too big for {mtu} bytes', ipv4, ipv6, reply, ident=ident)

    for s in (WIDE, NARROW):
        s.sends('a newcomer')
        s.sends('its answer', reply=True)
    for s, reply, told in ((UP, True, 1500 - 20), (UP, False, 1500), (DOWN, True, 1500), (DOWN, False, 1500 - 20),
                           (WIDE, True, 1500), (WIDE, False, 1500 + 20), (NARROW, True, 1300 + 20), (NARROW, False, 1300)):
        for mtu in (9000, 65535):
            too_big(s, reply, mtu, told)
    for s, reply, told in ((UP, True, 1500 - 28), (WIDE, True, 1500), (DOWN, False, 1500 - 28), (NARROW, False, 1300)):
        too_big(s, reply, 9000, told, ident=0x12345678)
    too_big(UP, True, 1499, 1479)
    too_big(WIDE, True, 1519, 1499)
    too_big(WIDE, False, 1499, 1519)
    too_big(NARROW, False, 1319, 1299)


# --- fragments, options, long packets, unknown packets

def make_fragment(src, dst, ttl, ident, offset, more, body, tos):
    if ':' in src:
        return bytes(IPv6(src=src, dst=dst, hlim=ttl, nh=44, tc=tos) /
                     IPv6ExtHdrFragment(nh=17, offset=offset // 8, m=more, id=ident) / Raw(body))
    return bytes(IP(src=src, dst=dst, ttl=ttl, proto=17, id=ident & 0xffff, flags='MF' if more else 0, frag=offset // 8, tos=tos) /
                 Raw(body))


def frame(link, host, ip):
    macs = {'dst': mac(link), 'src': mac(link, 0xee)} if host is None else {'dst': mac(link, host), 'src': mac(link)}
    return bytes(Ether(type=0x86dd if ip[0] >> 4 == 6 else 0x800, **macs) / Raw(ip))


IDENT = 0x12345600          # the first fragmented datagram's


def fragments():
    data = bytes(i & 255 for i in range(300))
    for ident, s in enumerate((BOTH, BOTH6, UP, DOWN), IDENT):
        for reply in (False, True):
            link, host = (s.back if reply else (s.out, s.hop))
            before = (s.backend, s.ours, s.backend_port, PORT) if reply else (s.client, s.local, PORT, s.port)
            after = (s.local, s.client, s.port, PORT) if reply else (s.ours, s.backend, PORT, s.backend_port)
            came, left = udp(*before, data), udp(*after, data)
            for begin, end in ((0, 104), (104, 208), (208, len(came))):
                more = end < len(came)
                comes = make_fragment(*before[:2], 64, ident, begin, more, came[begin:end], 0x1c)
                # an IPv4 identification has 16 bits
                name = ident if ':' in before[0] else ident & 0xffff
                out = make_fragment(*after[:2], 63, name, begin, more, left[begin:end], 0x1c)
                CASES.append(Case(f'{s.label}: bytes {begin} to {end} of a datagram{", reply" if reply else ""}', s.out if reply else s.link,
                                  frame(s.out if reply else s.link, None, comes), 'sent', s.name, 'reply' if reply else 'original',
                                  out=frame(link, host, out), bytes=len(comes), whole=14 + len(comes)))
    for s, reply in ((UP, False), (DOWN, True)):
        before = (s.backend, s.ours, s.backend_port, PORT) if reply else (s.client, s.local, PORT, s.port)
        comes = make_fragment(*before[:2], 64, IDENT + 7, 0, 1, udp(*before, data, 'zero')[:104], 0)
        CASES.append(Case(f'{s.label}: the first fragment of a datagram without checksum', s.out if reply else s.link,
                          frame(s.out if reply else s.link, None, comes), 'dropped', s.name, 'reply' if reply else 'original',
                          'fragment_checksum', truncate=False))


def headers():
    for s in (BOTH, UP):
        s.sends('option', ip={'options': [Raw(b'\1' * 8)]})
    DOWN.sends('option, reply', ip={'options': [Raw(b'\1' * 8)]}, reply=True)
    for s, reply in ((BOTH6, False), (DOWN, False), (UP, True)):
        chain = IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)], nh=17)
        s.sends(f'destination options{", reply" if reply else ""}', chain=[chain], ip={'nh': 60}, reply=reply)
    for s in (BOTH, BOTH6, UP, DOWN):
        for tos in (1, 0x88, 0xff):
            for reply in (False, True):
                word = 'tc' if ':' in (s.ours if reply else s.local) else 'tos'
                s.sends(f'{word} {tos}{", reply" if reply else ""}', ip={word: tos}, reply=reply)
        for n in (1231, 1232, 1233):
            s.sends(f'{n} bytes', n)
            s.sends(f'{n} bytes, reply', n, reply=True)


def answered():
    """A packet that is too long, or whose TTL has expired, is answered from the address that it was sent to."""
    for s in (BOTH, BOTH6, UP, DOWN):
        for reply in (False, True):
            p = s.reply(ttl=1) if reply else s.original(ttl=1)
            add(f'{s.label}: TTL 1{", reply" if reply else ""}', p, 'passed', s.name, 'reply' if reply else 'original', reason='hop_limit',
                packet=p, whole=14 + len(p.ip_bytes()), truncate=False)
    for s, reply in ((UP, False), (DOWN, True)):
        p = (s.reply if reply else s.original)(1460, ip={'flags': 'DF'})
        add(f'{s.label}: too long for IPv6', p, 'passed', s.name, 'reply' if reply else 'original', reason='too_big',
            packet=p, mtu=1480, whole=14 + len(p.ip_bytes()), truncate=False, shortened=True)


def add_fragmented(s, reply, name, comes, parts, truncate=False):
    """Returns IP packets: an arriving one, and those that leave, the last one by the program's verdict."""
    link, host = s.back if reply else (s.out, s.hop)
    frames = [frame(link, host, part) for part in parts]
    where = s.out if reply else s.link
    CASES.append(Case(f'{s.label}: fragmented as IPv6, {name}{", reply" if reply else ""}', where, frame(where, None, comes), 'sent', s.name,
                      'reply' if reply else 'original', out=frames[-1], bytes=len(comes), whole=14 + len(comes), truncate=truncate,
                      fragments=[(link, f) for f in frames[:-1]], left='too_big', shortened=True))


STEP = 1448                 # the largest multiple of eight that fits behind IPv6's headers into 1,500 bytes


def fragmented():
    """IPv4 without DF that is too long as IPv6: RFC 7915 4.1, RFC 8200 4.5; fragments are fragmented once more"""
    for s, reply in ((UP, False), (DOWN, True)):
        before = (s.backend, s.ours, s.backend_port, PORT) if reply else (s.client, s.local, PORT, s.port)
        after = (s.local, s.client, s.port, PORT) if reply else (s.ours, s.backend, PORT, s.backend_port)
        for n in (1453, 1454, 1459, 1460, 1464, 1472, 2000, 2888, 2889, 3300):
            for ident, check in ((0x1234, 'full'), (0, 'zero')):
                data = bytes(i * 7 & 255 for i in range(n))
                comes = bytes(IP(src=before[0], dst=before[1], ttl=64, proto=17, id=ident, tos=0xbb) / Raw(udp(*before, data, check)))
                left = udp(*after, data)
                parts = [make_fragment(*after[:2], 63, ident, a, a + STEP < len(left), left[a:a + STEP], 0xbb) for a in range(0, len(left), STEP)]
                assert bytes(defragment6([IPv6(p) for p in parts]).payload) == left, 'the fragments do not make the datagram'
                add_fragmented(s, reply, f'{n} bytes, checksum {check}', comes, parts, n == 2000)
        came, left = (udp(*of, bytes(2 * 1480 + 100)) for of in (before, after))
        for begin, end in ((0, 1480), (1480, 2960)):
            comes = make_fragment(*before[:2], 64, IDENT + 8 & 0xffff, begin, 1, came[begin:end], 0)
            parts = [make_fragment(*after[:2], 63, IDENT + 8 & 0xffff, a, 1, left[a:b], 0) for a, b in ((begin, begin + STEP), (begin + STEP, end))]
            add_fragmented(s, reply, f'a fragment from {begin} on', comes, parts)


def nobodys():
    for s in (BOTH, BOTH6, UP, DOWN):
        for port in (1, 40001, 65535):
            s.passes(f'an answer to port {port}', 'no_flow', dport=port, reply=True)
        s.passes('an answer on a WAN', 'wrong_link', link='w0', reply=True)
        s.ignores('another port of the backend', sport=1234, reply=True)
        s.passes('from a LAN host', 'source', src='2001:db8:2::77' if ':' in s.local else '192.168.1.77')


GROUPS = (known, errors, next_hops, fragments, headers, answered, fragmented, nobodys)


def build():
    del CASES[:]
    for make in GROUPS:
        make()
    return list(CASES)
