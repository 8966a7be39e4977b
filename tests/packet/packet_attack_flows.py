# SPDX-License-Identifier: GPL-2.0-or-later
# Attacks on masquerading services, in each pair of families: other clients' flows, missing flows, and ICMP errors about
# them.
from scapy_few import (ICMP, IP, ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6ND_Redirect, ICMPv6PacketTooBig, ICMPv6ParamProblem, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrRouting, PadN, Raw, TCP)

from packet_attack_scene import BOTH, BOTH6, DOWN, FLOWS, OVERLAY, STATE, UP, attack, error_sent, framed, honest, ignored
from packet_masquerade import error, make_fragment, quoted
from packet_network import CASES, PORT, mac, udp

FIRST, SECOND = PORT + 1, PORT + 2          # ports of the attacked clients


def is6(address):
    return ':' in address


def victims():
    """Two clients of each service, whose flows the attacks are about"""
    for s in FLOWS:
        for port in (FIRST, SECOND):
            honest(f'{s.label}: client {port} comes', s, sport=port)
            honest(f'{s.label}: client {port} is answered', s, True, dport=port)


def newcomers():
    """Senders that must not get a flow."""
    for s in FLOWS:
        six = is6(s.local)
        ours = ('2001:db8:2::1', '2001:db8:1::1', f'{OVERLAY}:c::1', '2001:db8:2::20') if six else ('192.168.1.1', '203.0.113.1', '198.51.100.1', '192.168.1.30')
        for src, what in zip(ours, ('the address that masquerade shows', 'the address that listens', 'another link\'s', 'a backend')):
            attack(f'{s.label}: a newcomer as {what}', s.original(src=src, sport=FIRST), 'passed', s.name, 'source')
        attack(f'{s.label}: hairpin loop: from the listener\'s address and port', s.original(src=s.local, sport=s.port), 'passed', s.name, 'source')
        attack(f'{s.label}: hairpin loop: from the address and port that the backend answers to', s.original(
            src='2001:db8:2::1' if six else '192.168.1.1', sport=PORT), 'passed', s.name, 'source')
        for src, what in ((('::1', 'loopback'), ('ff0e::1', 'a group'), ('fe80::5', 'a link-local'), ('::ffff:192.0.2.9', 'IPv4-mapped'), ('::', 'nobody')) if six else
                          (('127.0.0.1', 'loopback'), ('224.1.1.1', 'a group'), ('255.255.255.255', 'all'), ('0.0.0.0', 'nobody'), ('240.9.9.9', 'class E'))):
            attack(f'{s.label}: a newcomer as {what}', s.original(src=src), 'passed', s.name, 'martian')
        for name, more in (('UDP of 7 bytes', {'length': 7}), ('UDP longer than IP', {'length': 41}), ('IP longer than the frame', {
                'ip': {'plen': 200} if six else {'len': 200}})):
            attack(f'{s.label}: a newcomer with {name}', s.original(sport=50001, **more), 'passed', s.name, 'malformed')
        error_sent(f'{s.label}: a newcomer at his last hop', s.original(sport=50002, ttl=1, src='2001:db8:9:%x::2' % (len(CASES) + 16) if six else
                                                                '192.0.2.%d' % (16 + len(CASES) % 200)), s.name)
        for link, what in (('x0', 'the other WAN'), ('l0', 'the LAN'), ('nd', 'a site\'s nic')):
            ignored(f'{s.label}: a newcomer by {what}', s.original(sport=50003, link=link))
        ignored(f'{s.label}: a newcomer in a frame for all', s.original(sport=50004, dmac='ff:ff:ff:ff:ff:ff'))
        ignored(f'{s.label}: a newcomer for the port behind the service\'s', s.original(dport=s.port + 7))
        if six:
            ignored(f'{s.label}: a newcomer by way of a routing header', s.original(chain=[IPv6ExtHdrRouting(type=0, segleft=1, addresses=[s.local], nh=17)],
                                                                                   ip={'nh': 43}))
            ignored(f'{s.label}: a newcomer behind nine headers', s.original(chain=[IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)], nh=60)] * 8 + [
                IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)], nh=17)], ip={'nh': 60}))
        else:
            ignored(f'{s.label}: a newcomer by way of a source route', s.original(ip={'options': [Raw(b'\x83\7\4\x0a\0\0\1\0')]}))


def others_flows():
    """Packets that want to be in another's flow"""
    for turn, s in enumerate(FLOWS):
        six = is6(s.ours)
        neighbour = '2001:db8:2::30' if s.backend != '2001:db8:2::30' else '2001:db8:2::10'
        if not six:
            neighbour = '192.168.1.40'
        other = neighbour
        ignored(f'{s.label}: an answer from the backend\'s neighbour', s.reply(src=other, dport=FIRST))
        ignored(f'{s.label}: an answer from another port of the backend', s.reply(sport=s.backend_port + 30, dport=FIRST))
        attack(f'{s.label}: an answer by another LAN, in the backend\'s name', s.reply(link='m0', dport=FIRST), 'passed', s.name, 'wrong_link', 'reply')
        attack(f'{s.label}: an answer by the other WAN, in the backend\'s name', s.reply(link='x0', dport=FIRST), 'passed', s.name, 'wrong_link', 'reply')
        attack(f'{s.label}: an answer by a site\'s nic, in the backend\'s name', s.reply(link='nd', dport=FIRST), 'passed', s.name, 'wrong_link', 'reply')
        for dport, what in ((FIRST + 777, 'that nobody has'), (0, '0'), (19999, 'below the pool'), (61000, 'above the pool'), (s.port, 'that listens')):
            attack(f'{s.label}: an answer to a port {what}', s.reply(dport=dport), 'passed', s.name, 'no_flow', 'reply')
        theirs = '2001:db8:3::1' if six else '192.168.3.1'
        attack(f'{s.label}: an answer to another address of ours', s.reply(dst=theirs, dport=FIRST), 'passed', s.name, 'no_flow', 'reply')
        ignored(f'{s.label}: from the WAN straight to a port of the pool', s.reply(src=s.client if is6(s.client) == six else ('2001:db8:9::9' if six else '192.0.2.9'),
                                                                                 sport=PORT + turn, dport=FIRST, link='w0'))
        ignored(f'{s.label}: from the WAN straight to a port of the pool, as the service', s.reply(
            src='2001:db8:1::1' if six else '203.0.113.1', sport=s.port, dport=FIRST, link='w0'))
        attack(f'{s.label}: an answer at its last hop, of nobody\'s flow', s.reply(dport=FIRST + 778, ttl=1), 'passed', s.name, 'no_flow', 'reply')
        ignored(f'{s.label}: an answer in a frame for another host', s.reply(dmac=mac('l0', 0x77), dport=FIRST))
        ignored(f'{s.label}: TCP in the flow', framed_of(s, bytes((IPv6 if six else IP)(src=s.backend, dst=s.ours) / TCP(sport=s.backend_port, dport=FIRST))))


def framed_of(s, ip):
    class Framed:
        link = s.out

        @staticmethod
        def frame():
            return framed(s.out, ip)

        @staticmethod
        def ip_bytes():
            return ip
    return Framed


def errors_about_flows():
    """Errors that quote an existing flow in the reverse direction, or none."""
    for turn, s in enumerate(FLOWS):
        six = is6(s.local)
        frm = '2001:db8:77::1' if six else '192.0.2.33'

        def one(tries, verdict='passed', reason='no_flow', src=frm, dst=s.local, sport=s.port, dport=SECOND, icmp=None, client=s.client, quote=None, link=s.link, ttl=60 + turn,
                s=s, six=six):
            icmp = icmp or (ICMPv6DestUnreach(code=4) if six else ICMP(type=3, code=3))
            quote = quote if quote is not None else quoted(dst, client, sport, dport, 0, 'full')
            attack(f'{s.label}: {tries}', error(link, None, src, dst, icmp, ttl, quote, 0), verdict, None if verdict == 'ignored' else s.name,
                   None if verdict == 'ignored' else reason, link=link)

        one('unreachable, about an answer to nobody', dport=SECOND + 700)
        one('unreachable, about an answer to another host', client='2001:db8:9::99' if six else '192.0.2.99')
        one('unreachable, about a flow, as a LAN host', reason='source', src='2001:db8:2::77' if six else '192.168.1.77')
        one('unreachable, about a flow, as the listener', reason='source', src=s.local)
        one('unreachable, about a flow, as loopback', reason='martian', src='::1' if six else '127.0.0.1')
        one('unreachable, about a flow, at its last hop', reason='hop_limit', ttl=1)
        one('unreachable, about a flow, by the other WAN', 'ignored', link='x0')
        one('unreachable, about another port of ours', 'ignored', sport=s.port + 7)
        one('redirect, about a flow', 'ignored', icmp=ICMPv6ND_Redirect(tgt='fe80::1', dst=s.client) if six else ICMP(type=5, code=1, gw='192.0.2.66'))
        one('echo, that quotes a flow', 'ignored', icmp=ICMPv6EchoRequest() if six else ICMP(type=8))
        whole = quoted(s.local, s.client, s.port, SECOND, 0, 'full')
        head = 40 if six else 20
        one('unreachable, whose quote ends in the ports', 'ignored', quote=whole[:head + 3])
        one('unreachable, whose quote ends behind the ports', 'ignored', quote=whole[:head + 4])
        one('unreachable, whose quote is an IP header', 'ignored', quote=whole[:head])
        one('unreachable, without a quote', 'ignored', quote=b'')
        one('unreachable, about a packet that somebody else sent', 'ignored', quote=quoted('2001:db8:1::77' if six else '203.0.113.77', s.client, s.port, SECOND, 0, 'full'))
        one('unreachable, about an error about a flow', 'ignored', quote=error(s.link, None, s.local, s.client, ICMPv6DestUnreach() if six else ICMP(type=3), 60,
                                                                             whole, 0)[14:])
        one('unreachable, about TCP of a flow\'s ports', 'ignored', quote=bytes((IPv6 if six else IP)(src=s.local, dst=s.client) / TCP(sport=s.port, dport=SECOND)))
        if six:
            one('unreachable, about a later fragment', 'ignored', quote=bytes(IPv6(src=s.local, dst=s.client, nh=44) / IPv6ExtHdrFragment(nh=17, offset=9, id=5) / Raw(whole[40:])))
        else:
            one('unreachable, about a later fragment', 'ignored', quote=bytes(IP(src=s.local, dst=s.client, proto=17, frag=9) / Raw(whole[20:])))
    for s, name in ((BOTH, 'both'), (BOTH6, 'both IPv6')):
        for mtu in (0, 68, 1279):
            six = is6(s.local)
            icmp = ICMPv6PacketTooBig(mtu=mtu) if six else ICMP(type=3, code=4, nexthopmtu=mtu)
            frm = '2001:db8:77::1' if six else '192.0.2.33'
            comes = error(s.link, None, frm, s.local, icmp, 60, quoted(s.local, s.client, s.port, SECOND, 0, 'full'), 0)
            out = error(s.out, None, s.ours, s.backend, icmp, 59, quoted(s.backend, s.ours, s.backend_port, SECOND, 0, 'full'), 0, s.hop)
            attack(f'{name}: too big for {mtu} bytes, about a flow: the backend is asked to believe it', comes, 'sent', s.name, out=out, bytes=len(comes) - 14,
                   whole=len(comes), may=('flows',), any_ident=not six)


def fragments_of_flows():
    data = bytes(i & 255 for i in range(300))
    for ident, s in enumerate(FLOWS, 0x7501):
        before = (s.client, s.local, FIRST, s.port)
        body = udp(*before, data)

        def one(tries, start, end, verdict='ignored', reason=None, more=None, body=body, s=s, before=before, ident=ident, src=None):
            more = end < len(body) if more is None else more
            ip = make_fragment(src or before[0], before[1], 64, ident, start, more, body[start:end], 0)
            attack(f'{s.label}: {tries}', framed('w0', ip), verdict, None if verdict == 'ignored' else s.name, reason)

        one('a later fragment without a first', 104, 208)
        one('a first fragment of four bytes, the ports alone', 0, 4, 'dropped', 'tiny_fragment', True)
        one('a first fragment of 9 bytes, more to come', 0, 9, 'passed', 'malformed', True)
        one('a first fragment of a newcomer as the masquerade\'s address', 0, 104, 'passed', 'source', src='2001:db8:2::1' if is6(s.local) else '192.168.1.1')
    for s, ident in ((BOTH, 0x7601), (BOTH6, 0x7602)):
        before, after = (s.client, s.local, FIRST, s.port), (s.ours, s.backend, FIRST, s.backend_port)
        came, left = udp(*before, data), udp(*after, data)
        out = framed(s.out, make_fragment(*after[:2], 63, ident, 0, 1, left[:104], 0), dst=mac(s.out, s.hop), src=mac(s.out))
        comes = framed('w0', make_fragment(*before[:2], 64, ident, 0, 1, came[:104], 0))
        attack(f'{s.label}: a first fragment in a flow', comes, 'sent', s.name, out=out, bytes=len(comes) - 14, whole=len(comes), may=STATE, hostile=False)
        for begin in (8, 96):
            attack(f'{s.label}: a later fragment that begins at {begin} of its 104', framed('w0', make_fragment(*before[:2], 64, ident, begin, 1, came[begin:begin + 48], 0)), 'dropped',
                   s.name, 'overlapping_fragment')
        theirs, left = udp(s.client, s.local, SECOND, s.port, data), udp(s.ours, s.backend, SECOND, s.backend_port, data)
        out = framed(s.out, make_fragment(*after[:2], 63, ident, 0, 1, left[:104], 0), dst=mac(s.out, s.hop), src=mac(s.out))
        comes = framed('w0', make_fragment(*before[:2], 64, ident, 0, 1, theirs[:104], 0))
        attack(f'{s.label}: the same fragment once more, of the other flow', comes, 'sent', s.name, out=out, bytes=len(comes) - 14, whole=len(comes), may=STATE, hostile=False)
        attack(f'{s.label}: its later one behind 65,535', framed('w0', make_fragment(*before[:2], 64, ident, 65528, 0, bytes(16), 0)), 'passed', s.name, 'malformed')
    for s in (UP,):
        body = udp(s.client, s.local, FIRST, s.port, data, 'zero')
        attack(f'{s.label}: a first fragment without checksum, which IPv6 cannot have', framed('w0', make_fragment(s.client, s.local, 64, 0x7701, 0, 1, body[:104], 0)), 'dropped', s.name,
               'fragment_checksum')


def untranslatable_errors():
    """Errors without a counterpart in the other family end here, about any flow."""
    for s, kinds in ((UP, [ICMP(type=3, code=14), ICMP(type=12, code=0, ptr=6), ICMP(type=12, code=1), ICMP(type=12, code=0, ptr=255)]),
                     (DOWN, [ICMPv6DestUnreach(code=7), ICMPv6ParamProblem(code=0, ptr=44)])):
        frm = '2001:db8:77::1' if is6(s.local) else '192.0.2.33'
        for icmp in kinds:
            comes = error(s.link, None, frm, s.local, icmp, 60, quoted(s.local, s.client, s.port, SECOND, 0, 'full'), 0)
            attack(f'{s.label}: {icmp.name} {icmp.type}/{icmp.code} at {getattr(icmp, "ptr", 0)}, about a flow', comes, 'dropped', s.name, 'untranslatable')


def afterwards():
    for s in FLOWS:
        for port in (FIRST, SECOND):
            honest(f'{s.label}: client {port} goes on', s, sport=port)
            honest(f'{s.label}: and has its answer', s, True, dport=port)


GROUPS = (victims, newcomers, others_flows, errors_about_flows, fragments_of_flows, untranslatable_errors, afterwards)
