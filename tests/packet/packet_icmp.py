# SPDX-License-Identifier: GPL-2.0-or-later
# ICMP and ICMPv6 errors for tests/packet/packets.py: about replies of ours, from the clients' side, and about originals, from the
# backend's; what they quote is built with scapy like any other packet, before and after.
import struct

from scapy_few import Ether, IP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN, Raw

from packet_network import (CLIENT4, COLD, COLD6, DEAF, HTTPS, NATT, NONE, NONE6, OTHER, SIX, SMALL, WG, WG6, Packet, add,
                            address, fold, ignored, mac, udp, words)

KINDS4 = [(3, code) for code in range(16)] + [(11, 0), (11, 1), (12, 0), (12, 1), (12, 2)]
KINDS6 = [(1, code) for code in range(9)] + [(2, 0), (3, 0), (3, 1), (4, 0), (4, 1), (4, 2)]
BOTH = (WG, SMALL, SIX, WG6, NONE, NONE6)
ROUTER = {'w0': ('198.41.0.4', '2001:db8:77::1'), 'x0': ('198.41.0.4', '2001:db8:77::1'), 'l0': ('192.168.1.30', '2001:db8:2::77'),
          'm0': ('192.168.2.77', None), 'd0': ('192.168.5.10', None)}
NO_OPTION = b'\1' * 4


class Error:
    """An error from src about quote (a Packet), of which keep bytes are quoted, then tail; wrong is added to its checksum"""
    def __init__(self, link, src, quote, kind, **more):
        self.link, self.src, self.dst, self.quote, self.kind = link, src, quote.src, quote, kind
        self.dmac, self.smac = mac(link), mac(link, 0xee)
        self.ttl, self.rest, self.keep, self.tail, self.wrong, self.pad = 61, b'\0\0\5\x14', None, b'', 0, b''
        self.ip, self.chain, self.quoted_wrong = {}, [], 0
        self.__dict__.update(more)

    but = Packet.but                                   # a copy

    def quoted(self):
        b = bytearray(self.quote.ip_bytes())
        if self.quoted_wrong:                           # that of the IPv4 header
            b[10:12] = struct.pack('!H', fold(struct.unpack('!H', b[10:12])[0] + self.quoted_wrong))
        return bytes(b[:self.keep]) + self.tail

    def message(self):
        head, quoted = struct.pack('!BB', *self.kind), self.quoted()
        pseudo = b''
        if ':' in self.src:
            pseudo = address(self.src) + address(self.dst) + struct.pack('!II', 8 + len(quoted), 58)
        check = 0xffff - fold(words(pseudo) + words(head + b'\0\0' + self.rest + quoted))
        return head + struct.pack('!H', fold(check + self.wrong)) + self.rest + quoted

    def ip_bytes(self):
        if ':' not in self.src:
            return bytes(IP(src=self.src, dst=self.dst, ttl=self.ttl, **{'proto': 1, **self.ip}) / Raw(self.message()))
        packet = IPv6(**{'src': self.src, 'dst': self.dst, 'hlim': self.ttl, 'nh': 58, **self.ip})
        for header in self.chain:
            packet = packet / header.copy()
        return bytes(packet / Raw(self.message()))

    def frame(self):
        return bytes(Ether(dst=self.dmac, src=self.smac, type=0x86dd if ':' in self.src else 0x800)) + self.ip_bytes() + self.pad


def about(s, reply, n=64, **quote):
    """The packet of service s that is complained about, as it left us: an original or a reply"""
    if reply:
        return s.original_out(s.original(n, **quote)).but(ttl=quote.get('ttl', 58))
    return s.reply_out(s.reply(n, **quote)).but(ttl=quote.get('ttl', 58))


def error(s, reply, kind=None, n=64, quote=None, **more):
    """The error as it arrives. An error about an original comes like a reply."""
    six = ':' in s.local
    link = more.pop('link', s.out if reply else s.link)
    src = more.pop('src', None) or ROUTER[link][six]
    quoted = about(s, reply, n, **(quote or {})).but(**more.pop('bend', {}))
    return Error(link, src, quoted, kind or ((1, 4) if six else (3, 3)), **more)


def error_out(s, reply, e, back=None):
    """As it must leave"""
    if not reply:
        return e.but(ttl=e.ttl - 1, dst=s.backend, quote=e.quote.but(src=s.backend, sport=s.backend_port),
                     dmac=mac(s.out, s.hop), smac=mac(s.out))
    link, host = back or s.back
    return e.but(ttl=e.ttl - 1, src=e.src if s.local == s.backend else s.local, dmac=mac(link, host), smac=mac(link),
                 quote=e.quote.but(dst=s.local, dport=s.port))


def side(reply):
    return 'reply' if reply else 'original'


def sends(s, name, reply, back=None, case=None, **more):
    e = error(s, reply, **more)
    out = error_out(s, reply, e, back)
    case = case or {}
    if case.get('neighbour'):
        out = out.but(dmac=e.dmac, smac=e.smac)
    add(f'{s.label}: ICMP {name}, {side(reply)}', e, 'sent', s.name, side(reply), out, **case)


def passes(s, name, reason, reply, case=None, **more):
    add(f'{s.label}: ICMP {name}, {side(reply)}', error(s, reply, **more), 'passed', s.name, side(reply), reason=reason,
        **(case or {}))


def ignores(s, name, reply, **more):
    e = error(s, reply, **more)
    ignored(f'{s.label}: ICMP {name}, {side(reply)}', e.link, e)


def kinds():
    for s in BOTH:
        for kind in KINDS6 if ':' in s.local else KINDS4:
            for reply in (False, True):
                sends(s, 'type %d code %d' % kind, reply, kind=kind, case={'truncate': kind[1] == 0})
    for s in BOTH:
        for kind in ((0, 0), (5, 0), (100, 0), (127, 0), (128, 0), (129, 0), (133, 0), (134, 0), (135, 0), (136, 0), (137, 0),
                     (143, 0)) if ':' in s.local else ((0, 0), (1, 0), (2, 0), (4, 0), (5, 1), (8, 0), (9, 0), (10, 0), (13, 0),
                                                       (30, 0), (40, 0)):
            for reply in (False, True):
                ignores(s, 'that is no error, type %d' % kind[0], reply, kind=kind)


def quotes():
    for s in BOTH:
        six = ':' in s.local
        least = 48 if six else 28
        for reply in (False, True):
            for keep in (least, least + 1, least + 2, least + 20, least + 63, None):
                sends(s, f'quote of {keep} bytes', reply, keep=keep)
            for keep in (0, 1, 8, 19, 20, least - 1):
                ignores(s, f'quote of {keep} bytes', reply, keep=keep)
            for n in (0, 1, 148, 400 if s is SMALL else 1180):
                sends(s, f'about {n} bytes', reply, n=n)
            for check in ('zero', 1, 0x8000):
                sends(s, f'quoted checksum {check}', reply, quote={'check': check})
            for port in (1, 65535):
                sends(s, f'quoted client port {port}', reply, quote={'sport' if reply else 'dport': port})
            for wrong in (1, 0x7fff, 0xfffe):
                sends(s, f'checksum wrong by {wrong}', reply, wrong=wrong)
            sends(s, 'with an extension behind the quote', reply, keep=128, n=200, tail=b'\x20\0\x12\x34\0\x08\1\1\0\1\2\3')
            sends(s, 'about a TTL used up', reply, quote={'ttl': 0} if not six else {'ttl': 1}, kind=(3, 0) if six else (11, 0))
            ignores(s, 'for another than who sent what it quotes', reply,
                    dst='2001:db8:2::fe' if six else '192.0.2.201')
            ignores(s, 'about another port', reply, bend={'dport' if reply else 'sport': 7})
    for s in (WG, SMALL, NONE):
        for reply in (False, True):
            for wrong in (1, 0x101, 0xfffe):
                sends(s, f'quoted header checksum wrong by {wrong}', reply, quoted_wrong=wrong)
            for name, b in (('no operation', NO_OPTION), ('record route', b'\7\7\4\0\0\0\0\0'), ('40 bytes', b'\1' * 40),
                            ('source route', b'\x83\7\4\x0a\0\0\1\0')):
                sends(s, f'quoted option {name}', reply, quote={'ip': {'options': [Raw(b)]}})
                sends(s, f'quoted option {name}, cut', reply, quote={'ip': {'options': [Raw(b)]}}, keep=28 + len(b))
                ignores(s, f'quoted option {name}, cut before ports end', reply, quote={'ip': {'options': [Raw(b)]}}, keep=27 + len(b))
            sends(s, 'about a first fragment', reply, quote={'ip': {'flags': 'MF', 'id': 9}})
            ignores(s, 'about a later fragment', reply, quote={'ip': {'frag': 9}})
            for proto in (1, 6, 136):
                ignores(s, f'about protocol {proto}', reply, tail=with_byte(s, reply, 9, proto), keep=0)
            for first in (0x44, 0x40, 0x55, 0x65, 0x35):
                ignores(s, f'quote that begins with {first:#x}', reply, tail=with_byte(s, reply, 0, first), keep=0)
    for s in (SIX, WG6, NONE6):
        for reply in (False, True):
            first = {'chain': [IPv6ExtHdrFragment(id=7, m=1, nh=17)], 'ip': {'nh': 44}}
            sends(s, 'about a first fragment', reply, quote=first)
            sends(s, 'about a first fragment, cut', reply, quote=first, keep=56)
            ignores(s, 'about a first fragment, cut before ports end', reply, quote=first, keep=55)
            for header, number in ((IPv6ExtHdrFragment(offset=9, nh=17), 44), (IPv6ExtHdrFragment(id=7, m=1, nh=6), 44),
                                   (IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)], nh=17), 60)):
                ignores(s, f'quoted extension header {number}', reply, quote={'chain': [header], 'ip': {'nh': number}})
            for proto in (1, 6, 58, 59, 136):
                ignores(s, f'about protocol {proto}', reply, tail=with_byte(s, reply, 6, proto), keep=0)
            for first in (0x40, 0x50, 0x70):
                ignores(s, f'quote that begins with {first:#x}', reply, tail=with_byte(s, reply, 0, first), keep=0)


def with_byte(s, reply, at, byte):
    b = bytearray(about(s, reply).ip_bytes())
    b[at] = byte
    return bytes(b)


def all_ones():
    """A quoted checksum that comes out as 0 must be written as 0xffff"""
    for s in (WG, SIX, SMALL):
        for reply in (False, True):
            for leaving in (False, True):
                e = error(s, reply, n=2)
                q = (error_out(s, reply, e) if leaving else e).quote
                data = udp(q.src, q.dst, q.sport, q.dport, b'\0\0')[6:8]
                sends(s, f'quoted checksum 0xffff {"leaving" if leaving else "coming"}', reply, n=2, quote={'data': data})


def outer():
    for s in BOTH:
        six = ':' in s.local
        for reply in (False, True):
            for ttl in (2, 64, 255):
                sends(s, f'TTL {ttl}', reply, ttl=ttl)
            for ttl in (0, 1):
                passes(s, f'TTL {ttl}', 'hop_limit', reply, ttl=ttl)
            sends(s, 'with padding', reply, pad=b'\x55' * 9)
            sends(s, 'of a class', reply, ip={'tc' if six else 'tos': 0xc0})
            sends(s, 'from whom it was sent to', reply, src=s.backend if reply else s.client)
            for name, dmac in (('another host', mac(s.link, 0x77)), ('all', 'ff:ff:ff:ff:ff:ff')):
                ignores(s, f'in a frame for {name}', reply, dmac=dmac)
            length = len(error(s, reply).ip_bytes()) - (40 if six else 0)
            word = 'plen' if six else 'len'
            passes(s, 'longer than its frame', 'malformed', reply, ip={word: length + 1})
            ignores(s, 'whose length ends before the quoted ports', reply, n=0, ip={word: length - 65})
            for src in ('fe80::1', 'ff02::1', '::1', '::ffff:1.2.3.4') if six else ('127.0.0.1', '0.0.0.0', '224.0.0.1', '240.0.0.1'):
                passes(s, f'from {src}', 'martian', reply, src=src)
        for src in ('2001:db8:2::77', '2001:db8:2::1') if six else ('192.168.1.77', '192.168.1.1', '203.0.113.1'):
            passes(s, f'from the WAN as {src}', 'source', False, src=src)
        passes(s, 'from the backend, but on the WAN', 'wrong_link', True, link='w0')
        passes(s, 'from the backend, but on another LAN', 'wrong_link', True, link='j0', src='2001:db8:3::9' if six else '192.168.3.9')
        ignores(s, 'from a client, but from the LAN', False, link='l0')
        if s.local != s.backend:                        # otherwise it listens on every WAN
            ignores(s, 'from a client, but on the other WAN', False, link='x0')
        if not six:
            for name, b in (('no operation', NO_OPTION), ('router alert', b'\x94\4\0\0'), ('record route', b'\7\7\4\0\0\0\0\0')):
                for reply in (False, True):
                    sends(s, f'option {name}', reply, ip={'options': [Raw(b)]})
            for reply in (False, True):
                ignores(s, 'with a source route', reply, ip={'options': [Raw(b'\x83\7\4\x0a\0\0\1\0')]})
                passes(s, 'first fragment', 'fragment', reply, ip={'flags': 'MF'})
                ignores(s, 'later fragment', reply, ip={'frag': 3})
        else:
            ignores(s, 'behind an extension header', False, ip={'nh': 60},
                    chain=[IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)], nh=58)])


def ways():
    for dst, reason in (('198.51.100.1', 'local'), ('192.168.1.1', 'local'), ('100.65.0.9', 'no_route'), ('127.0.0.1', 'martian'),
                        ('192.168.2.77', 'no_listener'), ('198.18.0.9', 'no_listener')):
        passes(WG, f'to {dst}, which is no client', reason, True, quote={'src': dst})
    sends(WG, 'to a client on the link', True, quote={'src': '203.0.113.7'}, back=('w0', 7))
    sends(WG6, 'to a client on the link', True, quote={'src': '2001:db8:1::7'}, back=('w0', 7))
    for n in (1244, 1245):
        if n == 1244:
            sends(SMALL, 'as long as the smaller MTU', False, n=n)
        else:
            passes(SMALL, 'one byte longer than the smaller MTU', 'too_big', False, n=n, ip={'flags': 'DF'})
    cold = {'left': 'no_neighbour', 'neighbour': True}
    sends(COLD, 'unresolved neighbour', False, case=cold)
    sends(COLD6, 'unresolved neighbour', False, case=cold)
    sends(DEAF, 'a link that XDP cannot send to', False, case={'left': 'no_transmit', 'left_generic': None})
    sends(DEAF, 'from a link that XDP cannot send to', True)


def choices():
    """Errors follow the choice of the client that the quote names, and make none"""
    for port in (41001, 41002):
        HTTPS.sends('client of an error chooses', sport=port)
    sends(NATT, 'about another port than the chosen', False, quote={'dport': 41001})
    sends(OTHER, 'about the other WAN', False, quote={'dport': 41001})
    HTTPS.sends('an error made no choice', dport=41001, reply=True)
    sends(HTTPS, 'for a client by its choice', True, quote={'sport': 41001})
    NATT.sends('client of an error changes', sport=41001)
    sends(NATT, 'for a client by its new choice', True, quote={'sport': 41001})
    OTHER.sends('client of an error changes to the other WAN', sport=41001)
    sends(OTHER, 'over the other WAN', True, quote={'sport': 41001})
    sends(HTTPS, 'for the other client by its choice', True, quote={'sport': 41002})
    sends(HTTPS, 'for a client never seen', True, quote={'sport': 9})


def others():
    """Packets that look like an ICMP error of ours."""
    e = bytes(Ether(dst=mac('w0'), src=mac('w0', 0xee)))[:12]
    quote = WG.reply_out(WG.reply(40)).ip_bytes()
    ignored('ICMP quote of IPv6 in IPv4', 'w0', e + b'\x08\0' + bytes(IP(src=CLIENT4, dst=WG.local, proto=1) / Raw(
        b'\3\3\0\0\0\0\0\0' + about(SIX, False).ip_bytes())))
    ignored('ICMPv6 in IPv4', 'w0', e + b'\x08\0' + bytes(IP(src=CLIENT4, dst=WG.local, proto=58) / Raw(b'\1\4\0\0\0\0\0\0' + quote)))
    ignored('ICMP in IPv6', 'w0', e + b'\x86\xdd' + bytes(IPv6(src='2001:db8:77::1', dst=WG6.local, nh=1) / Raw(
        b'\3\3\0\0\0\0\0\0' + about(WG6, False).ip_bytes())))
    ignored('ICMPv6 quote of IPv4 in IPv6', 'w0', e + b'\x86\xdd' + bytes(IPv6(src='2001:db8:77::1', dst=WG6.local, nh=58) / Raw(
        b'\1\4\0\0\0\0\0\0' + quote)))
    for n in range(0, 9):
        ignored(f'ICMP of {n} bytes', 'w0', e + b'\x08\0' + bytes(IP(src=CLIENT4, dst=WG.local, proto=1) / Raw(b'\3\3\0\0\0\0\0\0\x45'[:n])))
    nested = error(WG, False)
    ignored('ICMP error about an ICMP error', 'w0', bytes(Error('w0', '198.41.0.4', nested.but(src=WG.local), (3, 3)).frame()))


def behind():
    """An error that follows a datagram with a partial checksum is sent by XDP all the same"""
    for s in (WG, SIX):
        for reply in (False, True):
            s.sends(f'partial checksum, an ICMP error behind it, {side(reply)}', check='partial', reply=reply,
                    case={'left': 'partial_checksum', 'truncate': False})
            sends(s, 'behind a partial checksum', not reply, case={'truncate': False})


# --- our own ICMP errors

def answer(c, number):
    """Returns tc's answer to the packet of a case. The identification of an IPv4 packet may be any number."""
    p, six = c.packet, ':' in c.packet.src
    keep = (1280 - 48 if six else 576 - 28)
    kind = ((2, 0) if c.mtu else (3, 0)) if six else ((3, 4) if c.mtu else (11, 0))
    e = Error(c.link, c.answer_from or p.dst, p, kind, dmac=p.smac, smac=p.dmac, ttl=64, rest=struct.pack('!I', c.mtu), keep=keep)
    return e.but(ip={} if six else {'tos': p.ip.get('tos', 0) & 0x1e | 0xc0, 'id': number}).frame()


def answers():
    for s, most in ((WG, 1472), (HTTPS, 1472), (SMALL, 1272), (SIX, 1452), (COLD, 1472), (COLD6, 1452), (DEAF, 1472)):
        six = ':' in s.local
        flags = {} if six else {'ip': {'flags': 'DF', 'id': 77, 'tos': 0xb9}}
        for n in (most + 1, most + 2, most + 3, most + 100):
            s.passes(f'ICMP of ours: too long by {n - most}', 'too_big', n, case={'truncate': n < most + 2}, **flags)
        for n in (0, 1, 2, 3, 4, 508, 519, 520, 521, 522, 523, 1183, 1184, 1185, 1186):
            s.passes(f'ICMP of ours: TTL used up, {n} bytes', 'hop_limit', n, ttl=1, case={'truncate': n < 3})
        s.passes('ICMP of ours: TTL used up and too long', 'hop_limit', most + 9, ttl=1, **flags)
        s.passes('ICMP of ours: checksum wrong', 'hop_limit', ttl=1, check=5)
        s.passes('ICMP of ours: no checksum', 'hop_limit', ttl=1, check='zero')
        s.passes('ICMP of ours: padded', 'hop_limit', 5, ttl=1, pad=b'\x55' * 13)
        if not six:
            for b in (NO_OPTION, b'\7\7\4\0\0\0\0\0'):
                s.passes(f'ICMP of ours: with options {len(b)}', 'hop_limit', ttl=1, ip={'options': [Raw(b)]})
    for size, segments in ((1473, 2), (1600, 2)):
        WG.passes(f'ICMP of ours: {segments} segments of {size}', 'too_big', size * segments, ip={'flags': 'DF'}, case={
            'gso': (segments, size), 'segments': segments, 'planes': ('tc', 'host-tc'), 'truncate': False})
    for reply in (False, True):
        passes(WG, 'of ours about an error: none', 'hop_limit', reply, ttl=1)
    WG.passes('ICMP of ours: for a martian, none', 'martian', ttl=1, src='127.0.0.1')
    WG.passes('ICMP of ours: for a LAN host by the WAN, none', 'source', ttl=1, src='192.168.1.77')


def looks_partial():
    """A complete checksum that equals the sum of the pseudo header, as a partial one does"""
    for s, n in ((WG, 1473), (SIX, 1453)):
        p = s.original(n)
        for x in range(65536):
            data = struct.pack('!H', x) + p.data[2:]
            if udp(p.src, p.dst, p.sport, p.dport, data)[6:8] == udp(p.src, p.dst, p.sport, p.dport, data, 'partial')[6:8]:
                break
        for name, y in (('looks partial', x), ('differs from a partial one by a bit', x ^ 1)):
            s.passes(f'ICMP of ours: the checksum {name}', 'too_big', n, src=p.src, data=struct.pack('!H', y) + p.data[2:],
                     case={'truncate': False}, **({} if ':' in s.local else {'ip': {'flags': 'DF', 'id': 77}}))


GROUPS = (kinds, quotes, all_ones, outer, ways, choices, others, behind, answers, looks_partial)
