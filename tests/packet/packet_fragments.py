# SPDX-License-Identifier: GPL-2.0-or-later
# Fragments for tests/packet/packets.py: whole datagrams, as they come and as they must leave, with their checksums in full, split at
# the same places by hand. Each fragment is run twice, so that every first fragment is also an identical duplicate of itself.
import itertools

from scapy_few import IP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, Raw, Ether

from packet_network import (CASES, COLD, COLD6, DEAF, HTTPS, JUMBO, LINKS, NONE, NONE6, SIX, SMALL, WG, WG6, Case, udp)

HOP, DEST = IPv6ExtHdrHopByHop(options=[PadN(optdata=b'\0' * 4)]), IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)])
ROUTE = IPv6ExtHdrRouting(type=4, segleft=0, addresses=['2001:db8::77'])
NUMBERS = {'IPv6ExtHdrHopByHop': 0, 'IPv6ExtHdrRouting': 43, 'IPv6ExtHdrDestOpt': 60}
idents = itertools.count(100)


def body(p, behind=()):
    """Returns the part that is fragmented: the datagram and, in IPv6, headers behind the fragment header."""
    b = udp(p.src, p.dst, p.sport, p.dport, p.data, p.check, p.length)
    kinds = [NUMBERS[type(h).__name__] for h in behind] + [17]
    for h, kind in reversed(list(zip(behind, kinds[1:]))):
        h = h.copy()
        h.nh = kind
        b = bytes(h) + b
    return b


def make_fragment(p, ident, start, end=None, before=(), behind=(), more=None, data=None, **ip):
    """The IP packet that carries body(p)[start:end]"""
    whole = body(p, behind)
    data = whole[start:end] if data is None else data
    more = (end is not None and end < len(whole)) if more is None else more
    if ':' not in p.src:
        flags = 1 if more else 0
        return bytes(IP(**{'src': p.src, 'dst': p.dst, 'ttl': p.ttl, 'proto': 17, 'id': ident, 'flags': flags, 'frag': start // 8,
                           **p.ip, **ip}) / Raw(data))
    kinds = [NUMBERS[type(h).__name__] for h in before] + [44]
    out = IPv6(**{'src': p.src, 'dst': p.dst, 'hlim': p.ttl, 'nh': kinds[0], **p.ip, **ip})
    for h, kind in zip(before, kinds[1:]):
        h = h.copy()
        h.nh = kind
        out = out / h
    first = NUMBERS[type(behind[0]).__name__] if behind else 17
    return bytes(out / IPv6ExtHdrFragment(nh=first, offset=start // 8, m=more, id=ident) / Raw(data))


def framed(p, packet):
    return bytes(Ether(dst=p.dmac, src=p.smac, type=0x86dd if ':' in p.src else 0x800)) + packet


class Datagram:
    """One of service s, whose fragments are sent one by one: each method adds a case"""
    def __init__(self, s, name, n=148, reply=False, ident=None, case=None, **more):
        headers = {k: more.pop(k) for k in ('before', 'behind') if k in more}
        self.s, self.label, self.headers = s, f'{s.label}: {name}{", reply" if reply else ""}', headers
        self.direction, self.case = 'reply' if reply else 'original', case or {}
        self.p = s.reply(n, **more) if reply else s.original(n, **more)
        self.q = s.reply_out(self.p) if reply else s.original_out(self.p)
        if self.case.get('neighbour'):
            self.q = self.q.but(dmac=self.p.dmac, smac=self.p.smac)
        self.ident = next(idents) if ident is None else ident

    def add(self, what, verdict, start, end=None, reason=None, of=None, **more):
        """of: what differs from the datagram"""
        case = {**self.case, **{k: more.pop(k) for k in ('wait', 'service') if k in more}}
        service = case.pop('service', self.s.name)
        p, q, ident = self.p.but(**(of or {})), self.q, more.pop('ident', self.ident)
        packet = make_fragment(p, ident, start, end, **self.headers, **more)
        if verdict == 'ignored':
            CASES.append(Case(f'{self.label}, {what}', p.link, framed(p, packet), 'ignored', **case))
            return
        frame = framed(p, packet)
        if verdict == 'passed' and not start and self.s.answered(reason, self.direction == 'reply', {'ip': {'flags': 'DF'}}):
            case.update(packet=p.but(ip_bytes=lambda: packet), mtu=LINKS[self.s.out][2] if reason == 'too_big' else 0, whole=len(frame),
                        shortened=len(packet) > (1232 if ':' in p.src else 548))
        out = framed(q, make_fragment(q, ident, start, end, **self.headers, **more)) if verdict == 'sent' else None
        if out:
            case['whole'] = len(frame)
        else:
            case = {k: v for k, v in case.items() if k not in ('left', 'left_generic', 'neighbour')}
        CASES.append(Case(f'{self.label}, {what}', p.link, frame, verdict, service, self.direction, reason, out,
                          bytes=len(packet), **case))

    def sends(self, *ends, **more):
        """All of it, split at these places"""
        for start, end in zip((0, *ends), (*ends, None)):
            self.add(f'from {start} to {end}', 'sent', start, end, **more)


def both():
    return ((False, ''), (True, ', reply'))


def whole_datagrams():
    for s in (WG, HTTPS, WG6, SIX, NONE, NONE6):
        for reply, _ in both():
            Datagram(s, 'two fragments', 148, reply).sends(80)
            Datagram(s, 'three fragments', 600, reply).sends(200, 400)
            Datagram(s, 'the header alone, and one byte at the end', 9, reply).sends(8, 16)
            Datagram(s, 'checksum 0', 148, reply, check='zero').sends(80)
            Datagram(s, 'checksum wrong', 148, reply, check=0x1234).sends(80)
            most = 1480 if ':' not in s.local else 1448
            Datagram(s, 'as long as goes', 4000, reply).sends(most, 2 * most)
        for tail in range(1, 9):
            Datagram(s, f'last fragment of {tail}', 40 + tail).sends(48)


def unusual_headers():
    for reply, _ in both():
        for options in (b'\1' * 4, b'\x94\4\0\0', b'\7\7\4\0\0\0\0\0', b'\1' * 40):
            Datagram(WG, f'{len(options)} bytes of options', 148, reply, ip={'options': [Raw(options)]}).sends(80)
        for s in (WG6, SIX):
            for name, before in (('hop-by-hop', [HOP]), ('hop-by-hop, destination, route', [HOP, DEST, ROUTE])):
                Datagram(s, f'behind {name}', 148, reply, before=before).sends(80, 120)
            Datagram(s, 'options in the fragment', 148, reply, behind=[DEST]).sends(80)
            Datagram(s, 'options on either side', 148, reply, before=[HOP], behind=[DEST, DEST]).sends(80)
    d = Datagram(WG, 'DF and the reserved bit', 148)
    d.add('first', 'sent', 0, 80, flags=7)
    d.add('last', 'sent', 80, flags=6)
    d = Datagram(WG, 'source route', 148, ip={'options': [Raw(b'\x83\7\4\x0a\0\0\1\0')]})
    d.add('first', 'ignored', 0, 80)
    d.add('last', 'ignored', 80)


def order():
    for s in (WG, SIX, NONE6):
        for reply, _ in both():
            d = Datagram(s, 'last first', 148, reply)
            d.add('last, too early', 'ignored', 80)
            d.add('first', 'sent', 0, 80)
            d.add('last', 'sent', 80)
            d.add('last, again', 'sent', 80)
            other = Datagram(s, 'another datagram between', 148, reply)
            d.add('first, again', 'sent', 0, 80)
            other.sends(80)
            d.add('last, at last', 'sent', 80)
    for s in (WG, SIX):
        d = Datagram(s, 'expired', 148)
        d.add('first', 'sent', 0, 80)
        d.add('last, in time', 'sent', 80, wait=1000)
        d.add('last, too late', 'ignored', 80, wait=1500)
        again = Datagram(s, 'the id of an expired one', 160, ident=d.ident, sport=77)
        again.sends(80)


def others():
    """Fragments of a datagram that was not remembered"""
    for s, link, elsewhere in ((WG, 'x0', '198.51.100.77'), (SIX, 'x0', '2001:db8:9::77')):
        d = Datagram(s, 'others', 148)
        d.add('first', 'sent', 0, 80)
        d.add('last on another link', 'ignored', 80, of={'link': link, 'dmac': CASES[-1].frame[:6].hex(':')})
        d.add('last of another id', 'ignored', 80, ident=d.ident + 30000)
        d.add('last of another source', 'ignored', 80, of={'src': elsewhere})
        d.add('last for another address', 'ignored', 80, of={'dst': elsewhere})
        if s is WG:
            d.add('last of another protocol', 'ignored', 80, proto=6)
            d.add('last of ICMP', 'ignored', 80, proto=1)
        d.add('last', 'sent', 80)
        d.add('last with its hops used up', 'passed', 80, reason='hop_limit', of={'ttl': 1})
        d = Datagram(s, 'of nobody', 148, dport=9)
        d.add('first', 'ignored', 0, 80)
        d.add('last', 'ignored', 80)
        d = Datagram(s, 'first with its hops used up', 148)
        d.add('first', 'passed', 0, 80, reason='hop_limit', of={'ttl': 1})
        d.add('last', 'ignored', 80)
        d = Datagram(s, 'for another host', 148)
        d.add('first', 'ignored', 0, 80, of={'dmac': '02:00:00:00:01:77'})
        d.add('last', 'ignored', 80)
        d = Datagram(s, 'reply from a wrong link', 148, True)
        d.add('first', 'passed', 0, 80, reason='wrong_link', of={'link': 'w0', 'dmac': '02:00:00:00:01:01'})
        d.add('last', 'ignored', 80)
    for s, forged in ((WG, '192.168.1.77'), (SIX, '2001:db8:2::77')):
        d = Datagram(s, 'from a forged source', 148, src=forged)
        d.add('first', 'passed', 0, 80, reason='source')
        d.add('last', 'ignored', 80)
    for ttl in (0, 1):
        Datagram(NONE, 'first with its hops used up, which the kernel answers', 148).add('first', 'passed', 0, 80, reason='hop_limit', of={'ttl': ttl})
    d = Datagram(SIX, 'longer than the MTU', 4000, src='2001:db8:9:77::9')
    d.add('first', 'passed', 0, 1456, reason='too_big')
    d.add('later', 'ignored', 1456, 2912)
    d.add('first, shorter', 'sent', 0, 1448)
    d.add('later, longer', 'passed', 1448, 2904, reason='too_big')
    one = SMALL, 1280, 2560
    d = Datagram(one[0], 'as long as the smaller MTU', 2600)
    d.add('first', 'sent', 0, one[1])
    d.add('later, too long', 'passed', one[1], one[1] + 1288, reason='too_big', flags='DF+MF')
    d.add('later', 'sent', one[1], one[2])
    d = Datagram(SMALL, 'longer than the smaller MTU', 2600)
    d.add('first', 'passed', 0, 1288, reason='too_big', flags='DF+MF')
    d.add('later', 'ignored', 1288, 2600)
    for s in (COLD, COLD6):
        Datagram(s, 'unresolved neighbour', 148, case={'left': 'no_neighbour', 'neighbour': True}).sends(80)
    Datagram(DEAF, 'a link that XDP cannot send to', 148, case={'left': 'no_transmit', 'left_generic': None}).sends(80)
    Datagram(JUMBO, 'large fragments', 9000, case={'planes': ('xdp', 'host-xdp', 'host-tc'), 'truncate': False, 'linear': 3000,
                                                 'frags': True}).sends(4000, 8000)


def hostile():
    for s in (WG, HTTPS, SIX, WG6, NONE):
        for reply, _ in both():
            for n in (4, 7):
                d = Datagram(s, f'tiny, {n} bytes', 148, reply)
                d.add('first', 'dropped', 0, n, reason='tiny_fragment')
                d.add('later', 'ignored', 8)
            d = Datagram(s, 'tiny, 3 bytes', 148, reply)
            d.add('first', 'ignored', 0, 3)
            d = Datagram(s, 'overlapping', 148, reply)
            d.add('first', 'sent', 0, 80)
            for start in (8, 72):
                d.add(f'from {start}', 'dropped', start, 120, reason='overlapping_fragment')
                d.add(f'last from {start}', 'dropped', start, reason='overlapping_fragment')
            d.add('last', 'sent', 80)
            duplicates(s, reply)
    d = Datagram(SIX, 'tiny behind options', 148, behind=[DEST])
    d.add('first', 'dropped', 0, 12, reason='tiny_fragment')
    d.add('first without ports', 'ignored', 0, 8)
    for s in (WG, SIX):
        d = Datagram(s, 'sizes', 148)
        d.add('first of 81', 'passed', 0, 81, reason='malformed')
        d.add('last', 'ignored', 80)
        d.add('first', 'sent', 0, 80)
        d.add('later of 9 with more to come', 'passed', 80, 89, reason='malformed')
        d.add('later of nothing', 'passed', 80, 80, reason='malformed')
        d.add('beyond 65,535', 'passed', 65528, reason='malformed', data=b'12345678')
        d.add('up to 65,535', 'sent', 65528, data=b'1234567')
        d.add('last', 'sent', 80)


def others_of_name(d, s, reply):
    """Datagrams with the addresses and the id of d: with other ports, of another length, and for another service"""
    yield 'another port', Datagram(s, 'duplicates', 148, reply, ident=d.ident, **{'dport' if reply else 'sport': 9})
    yield 'another datagram\'s length', Datagram(s, 'duplicates', 600, reply, ident=d.ident)
    if s is WG and not reply:
        yield 'for another service', Datagram(HTTPS, 'duplicates', 148, ident=d.ident)


def duplicates(s, reply):
    """If first fragments contradict each other, the newest one counts."""
    d = Datagram(s, 'duplicates', 148, reply)
    d.add('first', 'sent', 0, 80)
    for label, other in others_of_name(d, s, reply):
        other.add(f'{label}, first', 'sent', 0, 80)
        other.add(f'{label}, last', 'sent', 80)
    d.add('another length', 'sent', 0, 88)
    d.add('its later one', 'sent', 88, 120)
    d.add('a later one of the former', 'dropped', 80, 120, reason='overlapping_fragment')
    d.add('a shorter one', 'sent', 0, 72)
    d.add('its later one too', 'sent', 72, 120)
    d.add('the same again', 'sent', 0, 80)
    d.add('last', 'sent', 80)
    d.add('last in the place of the other', 'dropped', 8, reason='overlapping_fragment')


GROUPS = (whole_datagrams, unusual_headers, order, others, hostile)
