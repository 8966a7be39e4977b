# SPDX-License-Identifier: GPL-2.0-or-later
# Attacks on the blind relay, in each pair of outer families: by strangers, by a site that is somebody else's friend, with messages, indices
# and addresses of others. The sites, and their messages, are packet_sites.py's.
from scapy_few import (Dot1Q, Ether, ICMP, IP, ICMPv6DestUnreach, ICMPv6ND_Redirect, ICMPv6PacketTooBig, IPv6,
                       IPv6ExtHdrRouting, Raw, TCP)

import packet_sites as sites
from packet_attack_scene import STATE_BLIND, attack, error_sent, framed, ignored
from packet_masquerade import error, make_fragment, quoted
from packet_network import mac, udp
from packet_sites import CONFIG, LISTENS, LONELY, NOBODY, OURS, RELAY, comes, cookie, data, indices, initiation, leaves, response, site_lines

LIMIT = ('blind_state',)            # packets of unknown senders count against a limit
WRONG = ('failed',)
turn = 0                            # number of the attack, so that packets without marks of their own differ
__all__ = ['CONFIG', 'site_lines', 'GROUPS']


def forwarded(what, site, to, payload, hostile=False, may=STATE_BLIND, **more):
    p = comes(site, payload, **more)
    attack(f'{site.name} to {to.name}: {what}', p, 'sent', 'blind', out=leaves(p, to).frame(), hostile=hostile, may=may,
           any_ident=to.family == 4 and site.family == 6 and len(payload) + 28 <= 1260)


def drops(what, site, reason, payload, may=(), made_over=False, **more):
    attack(f'{site.name}: {what}', comes(site, payload, **more), 'dropped', 'blind', reason=reason, may=may, made_over=made_over)


def up(what, site, payload, may=(), **more):
    ignored(f'{site.name}: {what}', comes(site, payload, **more), may=may)


def shake(s, d):
    i, r = indices(2)
    forwarded('initiation', s, d, initiation(d, i))
    forwarded('response', d, s, response(s, r, i))
    forwarded('data', s, d, data(r))
    return i, r


def messages(s, d, other):
    """By a site, and a stranger: types, lengths, indices"""
    i, r = shake(s, d)
    nobody = NOBODY[s.family]
    for index, what in ((0, '0'), (0xffffffff, 'all ones'), (r ^ 0x80000000, 'a session\'s but for a bit'), (int.from_bytes(r.to_bytes(4, 'little'), 'big'), 'a session\'s, turned round')):
        up(f'data, index {what}', s, data(index, 48))
        up(f'data, index {what}', nobody, data(index, 48), LIMIT)
    for n in (16, 20, 31):
        drops(f'data of {n} bytes', s, 'guard_shape', data(r, 1456)[:n])
    for n in (60, 68, 148):
        drops(f'a cookie of {n} bytes', s, 'guard_shape', (cookie(r) + bytes(100))[:n])
    for kind in (1, 2):
        up(f'data\'s bytes as type {kind}', s, bytes([kind]) + data(r, 64)[1:])
        up(f'data\'s bytes as type {kind}', nobody, bytes([kind]) + data(r, 64)[1:])
    up('type 4 in network order', s, b'\0\0\0\4' + data(r)[4:])
    drops('an initiation with mac1 of nobody', s, 'guard_mac1', initiation(d, i)[:116] + bytes(32), WRONG)
    drops('an initiation with mac1 of nobody', nobody, 'guard_mac1', initiation(d, i)[:116] + bytes(32), WRONG)
    drops('a response to a response, with mac1 of nobody', s, 'blind_stranger', response(d, 3, r)[:60] + bytes(32))
    forwarded('data goes on', s, d, data(r, 64))
    forwarded('data goes on', d, s, data(i, 64))


def strangers(s, d, other):
    """Messages that use what the attacker has read on the path of two sites."""
    i, r = shake(s, d)
    nobody, far = NOBODY[s.family], NOBODY[d.family]
    fresh = indices(1)[0]
    drops('data of a session', nobody, 'blind_stranger', data(r, 80), STATE_BLIND)
    drops('data of a session, from the site\'s port', nobody, 'blind_stranger', data(r, 96), STATE_BLIND, sport=s.port)
    drops('data of a session, from the site\'s address', s, 'blind_stranger', data(r, 112), STATE_BLIND, sport=1)
    drops('data of the way back', far, 'blind_stranger', data(i, 80), STATE_BLIND)
    drops('the initiation once more', nobody, 'guard_mac1', initiation(d, i), WRONG)
    drops('an initiation from the site\'s address, another port', s, 'guard_mac1', initiation(d, fresh), WRONG, sport=s.port + 2)
    drops('an initiation from the site\'s port, another address', nobody, 'guard_mac1', initiation(d, fresh), WRONG, sport=s.port)
    drops('a response to the session', far, 'guard_mac1', response(s, fresh, i), WRONG)
    drops('a response to the session, from the site\'s address and another port', d, 'guard_mac1', response(s, fresh, i), WRONG, sport=d.port + 2)
    up('a cookie for the session', nobody, cookie(r), LIMIT)
    up('a cookie for the session, from the site\'s address and another port', d, cookie(i), LIMIT, sport=d.port + 2)
    up('an initiation for the relay, with a session\'s index', nobody, initiation(RELAY, i), LIMIT)
    up('a response for the relay, with a session\'s index', nobody, response(RELAY, i, r), LIMIT)
    forwarded('data goes on', s, d, data(r, 64))
    forwarded('data goes on', d, s, data(i, 64))


def other_sites(s, d, other):
    """By a site, against two others"""
    i, r = shake(s, d)
    up('data of the others\' session', other, data(r, 80))
    up('data of the others\' way back', other, data(i, 80))
    up('a cookie for the others\' session', other, cookie(i), LIMIT)
    drops('a response to the others\' handshake', other, 'guard_mac1', response(s, indices(1)[0], i), WRONG)
    drops('an initiation with an index of the others', other, 'blind_refused', initiation(d, i), LIMIT, made_over=True)
    if other is not sites.B:
        drops('an initiation for a site to which it may not talk', other, 'guard_mac1', initiation(LONELY, indices(1)[0]), WRONG)
    drops('an initiation for itself', other, 'guard_mac1', initiation(other, indices(1)[0]), WRONG)
    forwarded('data goes on', s, d, data(r, 64))
    forwarded('data goes on', d, s, data(i, 64))


def from_nowhere(s, d, other):
    """A site's session, from addresses that cannot be right on a WAN."""
    i, r = shake(s, d)
    for src, what in ((('::1', 'loopback'), ('::', 'nobody'), ('ff0e::1', 'a group'), ('fe80::7', 'a link-local'), ('::ffff:192.0.2.10', 'IPv4-mapped'), (OURS[6], 'the relay'),
                       ('2001:db8:2::10', 'a LAN host')) if s.family == 6 else
                      (('127.0.0.9', 'loopback'), ('0.0.0.0', 'nobody'), ('239.1.1.1', 'a group'), ('255.255.255.255', 'all'), ('240.0.0.9', 'class E'), (OURS[4], 'the relay'),
                       ('192.168.1.10', 'a LAN host'))):
        drops(f'data of a session as {what}', s, 'blind_stranger', data(r, 128), STATE_BLIND, src=src)
        drops(f'data of a session as {what}, from the port that listens', s, 'blind_stranger', data(r, 144), STATE_BLIND, src=src, sport=LISTENS)
    for link in ('x0', 'l0'):
        up(f'data of a session, by {link}', s, data(r, 144), link=link)
    for name, dst in (('all', 'ff:ff:ff:ff:ff:ff'), ('a group', '01:00:5e:00:00:01'), ('another link of ours', mac('l0'))):
        up(f'data of a session, in a frame for {name}', s, data(r, 160), dmac=dst)
    p = comes(s, data(r, 160))
    ip = IPv6(p.ip_bytes()) if s.family == 6 else IP(p.ip_bytes())
    attack(f'{s.name}: data of a session, on a VLAN', bytes(Ether(dst=mac('w0'), src=mac('w0', 0xee)) / Dot1Q(vlan=7) / ip), 'ignored')
    error_sent(f'{s.name}: data of a session, at its last hop', comes(s, data(r, 64), ttl=1), 'blind')
    forwarded('data goes on', s, d, data(r, 64))


def headers(s, d, other):
    """Headers and options around a message."""
    i, r = shake(s, d)
    payload = data(r, 64)
    if s.family == 6:
        for kind in (0, 2, 4):
            up(f'data behind routing header {kind}', s, payload, chain=[IPv6ExtHdrRouting(type=kind, segleft=1, addresses=['2001:db8:9::30'], nh=17)], ip={'nh': 43})
        for nh, what in ((51, 'AH'), (50, 'ESP'), (59, 'no next header'), (136, 'UDP-Lite'), (41, 'IPv6')):
            attack(f'{s.name}: data behind {what}', framed('w0', bytes(IPv6(src=s.address, dst=OURS[6], nh=nh) / Raw(
                bytes([17, 0]) + bytes(6) + udp(s.address, OURS[6], s.port, LISTENS, payload)))), 'ignored')
        attack(f'{s.name}: data in a jumbogram', framed('w0', bytes(IPv6(src=s.address, dst=OURS[6], nh=0, plen=0) / Raw(
            b'\x11\0\xc2\4\0\1\x38\x80' + udp(s.address, OURS[6], s.port, LISTENS, payload)))), 'ignored')
        attack(f'{s.name}: data behind options beyond the end', framed('w0', bytes(IPv6(src=s.address, dst=OURS[6], nh=60, hlim=60 + turn) / Raw(b'\x11\xff' + bytes(30)))), 'ignored')
    else:
        for name, b in (('a source route', b'\x83\7\4\x0a\0\0\1\0'), ('a strict source route', b'\x89\7\4\x0a\0\0\1\0'), ('an option of length 0', b'\x94\0\0\0'),
                        ('an option beyond the header', b'\x94\x09\0\0')):
            up(f'data behind {name}', s, payload, ip={'options': [Raw(b)]})
        for proto in (6, 136, 47, 50):
            attack(f'{s.name}: data as protocol {proto}', framed('w0', bytes(IP(src=s.address, dst=OURS[4], proto=proto) / Raw(
                udp(s.address, OURS[4], s.port, LISTENS, payload)))), 'ignored')
    for length in (8, 23):
        drops(f'data, of which UDP says {length} bytes', s, 'guard_shape', payload, length=length)
    for length in (0, 73, 65535):
        up(f'data, of which UDP says {length} bytes', s, payload, length=length)
    for n in (0, 20, 65535) if s.family == 4 else (0, 8, 65535):
        up(f'data, of which IP says {n} bytes', s, payload, ip={'len' if s.family == 4 else 'plen': n})
    frame = comes(s, payload, ttl=60 + turn).frame()
    head = 14 + (40 if s.family == 6 else 20)
    for at in (head + 2, head + 7, head + 8 + 7, head + 8 + 63):
        attack(f'{s.name}: data cut behind {at - 14} bytes', frame[:at], 'ignored')
    forwarded('data goes on', s, d, data(r, 64))


def fragments(s, d, other):
    """Fragments are never between sites, whatever they hold"""
    i, r = shake(s, d)
    payload = data(r, 256)
    datagram = udp(s.address, OURS[s.family], s.port, LISTENS, payload)
    for begin, end, more, what in ((0, 64, 1, 'a first fragment'), (0, 8, 1, 'a first fragment, the UDP header alone'), (0, 16, 1, 'a first fragment up to the index'), (8, 72, 1, 'a fragment over it'),
                                   (64, 264, 0, 'a later fragment'), (65528, 65544, 0, 'a fragment beyond 65,535'), (0, len(datagram) & ~7, 1, 'all of it, with more to come')):
        body = datagram[begin:end] if begin < 1000 else bytes(16)
        attack(f'{s.name}: {what}', framed('w0', make_fragment(s.address, OURS[s.family], 64, 0x5a01 + 16 * turn, begin, more, body, 0)), 'ignored')
    first = initiation(d, indices(1)[0])
    datagram = udp(s.address, OURS[s.family], s.port, LISTENS, first)
    attack(f'{s.name}: an initiation\'s first fragment', framed('w0', make_fragment(s.address, OURS[s.family], 64, 0x5a02 + 16 * turn, 0, 1, datagram[:80], 0)), 'ignored')
    attack(f'{s.name}: and its later one', framed('w0', make_fragment(s.address, OURS[s.family], 64, 0x5a02 + 16 * turn, 80, 0, datagram[80:], 0)), 'ignored')


def errors(s, d, other):
    """About what the relay sent: none is translated, none believed"""
    i, r = shake(s, d)
    six = d.family == 6
    frm, ours = ('2001:db8:77::1' if six else '192.0.2.33'), OURS[d.family]
    whole = quoted(ours, d.address, LISTENS, d.port, 0, 'full')
    head = 40 if six else 20
    for what, icmp, quote in (('port unreachable', ICMPv6DestUnreach(code=4) if six else ICMP(type=3, code=3), whole),
                              ('too big for 0 bytes', ICMPv6PacketTooBig(mtu=0) if six else ICMP(type=3, code=4, nexthopmtu=0), whole),
                              ('too big for 68 bytes', ICMPv6PacketTooBig(mtu=68) if six else ICMP(type=3, code=4, nexthopmtu=68), whole),
                              ('a redirect', ICMPv6ND_Redirect() if six else ICMP(type=5, code=1, gw='192.0.2.66'), whole),
                              ('unreachable, cut in the ports', ICMPv6DestUnreach() if six else ICMP(type=3), whole[:head + 3]),
                              ('unreachable, about TCP', ICMPv6DestUnreach() if six else ICMP(type=3), bytes((IPv6 if six else IP)(src=ours, dst=d.address) / TCP(sport=LISTENS))),
                              ('unreachable, about nothing', ICMPv6DestUnreach() if six else ICMP(type=3), b'')):
        attack(f'{d.name}: {what}, about the relay\'s', error('w0', None, frm, ours, icmp, 50 + turn, quote, 0), 'ignored')
    forwarded('data goes on', s, d, data(r, 64))


GROUPS_OF_WAYS = (messages, strangers, other_sites, from_nowhere, headers, fragments, errors)
GROUPS = []
for way, who in sites.WAYS.items():
    for make in GROUPS_OF_WAYS:
        def named(who=who, make=make, way=way):
            global turn
            turn = list(sites.WAYS).index(way)
            make(*who)
        named.__name__ = f'blind_{make.__name__}_{way}'
        GROUPS.append(named)
