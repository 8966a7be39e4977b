# SPDX-License-Identifier: GPL-2.0-or-later
# Attacks on services that keep nothing (dnat, none) and on their lists: who it says it is from, frames, VLANs, headers, lengths, fragments,
# ICMP errors.
import struct

from scapy_few import (Dot1AD, Dot1Q, Ether, ICMP, IP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN,
                       Raw, TCP)

from packet_attack_scene import OVERLAY, VLAN, attack, carried, error_sent, framed, honest, ignored
from packet_fragments import Datagram, make_fragment
from packet_icmp import about, error, error_out
from packet_lists import BANNED, MEMBERS, MEMBERS6
from packet_network import CLIENT4, CLIENT6, FIRST, HTTPS, JUMBO, NONE, NONE6, PORT, SIX, SMALL, WG, WG6, mac, udp

SHORT = ('xdp', 'host-xdp', 'host-tc')          # the kernel's test-run does not run tc without a whole IP header
DEST = IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)], nh=17)


def spoofed_sources():
    """A source that would make wgxdp, or a host that trusts it, take the packet for another host's."""
    for s in (WG, NONE, MEMBERS, FIRST, JUMBO):
        attack(f'{s.label}: land: from the very address and port it is sent to', s.original(src=s.local, sport=s.port), 'passed', s.name, 'source')
        attack(f'{s.label}: as the firewall\'s address in another LAN, from a port of masquerade', s.original(src='192.168.3.1', sport=20000), 'passed',
               s.name, 'source')
        attack(f'{s.label}: as a LAN\'s broadcast, so that the answer goes to all', s.original(src='192.168.1.255'), 'passed', s.name, 'source')
    for s in (SIX, WG6, NONE6, MEMBERS6):
        attack(f'{s.label}: as a host of a site behind the relay', s.original(src=f'{OVERLAY}:c::1'), 'passed', s.name, 'source')
        attack(f'{s.label}: as the relay in its overlay', s.original(src=f'{OVERLAY}:e::ffff'), 'passed', s.name, 'source')
        attack(f'{s.label}: as a peer\'s own address in the tunnel', s.original(src='fd98:d::2'), 'passed', s.name, 'source')
        attack(f'{s.label}: land: from the very address and port it is sent to', s.original(src=s.local, sport=s.port), 'passed', s.name, 'source')
        attack(f'{s.label}: from IPv4-mapped loopback', s.original(src='::ffff:127.0.0.1'), 'passed', s.name, 'martian')
        attack(f'{s.label}: from an IPv4-mapped LAN host', s.original(src='::ffff:192.168.1.10'), 'passed', s.name, 'martian')
        attack(f'{s.label}: from an IPv4-compatible LAN host', s.original(src='::192.168.1.10'), 'passed', s.name, 'martian')
    attack('wg: from the last address of class E', WG.original(src='255.255.255.254'), 'passed', 'wg', 'martian')
    attack('wg: from 0.0.0.1', WG.original(src='0.0.0.1'), 'passed', 'wg', 'martian')
    attack('wg: as its backend, with the port that answers come from', WG.original(src='192.168.1.10', sport=51820, dport=51820, data=b'\4\0\0\0' + bytes(28)),
           'passed', 'wg', 'source')
    attack('ports: as the backend of another service, on its port', HTTPS.original(src='192.168.1.40', sport=51822), 'passed', 'ports', 'source')
    ignored('wg: to 0.0.0.0', WG.original(dst='0.0.0.0'))
    ignored('wg: to a group that the firewall may have joined', WG.original(dst='224.0.0.1'))
    ignored('six: to the subnet\'s anycast address', SIX.original(dst='2001:db8:1::'))
    for port in (0, 65535):
        ignored(f'vlan: to port {port}', VLAN.original(dport=port))


def frames():
    """Frames that are for others, or for all"""
    for s in (HTTPS, SIX, MEMBERS, VLAN):
        for name, dst in (('all', 'ff:ff:ff:ff:ff:ff'), ('IPv6\'s all nodes', '33:33:00:00:00:01'), ('a virtual router that is not here', '00:00:5e:00:01:01'),
                          ('our MAC with the group bit', '03:00:00:00:%02x:01' % 1), ('the LAN\'s MAC of ours', mac('l0')), ('itself', mac('w0', 0xee))):
            ignored(f'{s.label}: one host\'s packet in a frame for {name}', s.original(dmac=dst))
    ignored('wg: a reply in a frame for all', WG.reply(dmac='ff:ff:ff:ff:ff:ff', dport=PORT + 1))
    for kind in (0x9000, 0x88e7, 0x6558, 1500, 0):
        attack(f'wg: IPv4 in a frame of type {kind:#x}', bytes(Ether(dst=mac('w0'), src=mac('w0', 0xee), type=kind)) + WG.original(40).ip_bytes(),
               'ignored')


def tagged():
    """VLAN 7 is an interface of its own; XDP alone sees tags. A tagged packet is for the VLAN of just these tags, and never for the port"""
    live = {'planes': ('xdp',)}
    p, q = VLAN.original(), WG.original()

    def frame(tags, packet):
        return bytes(Ether(dst=mac('w0'), src=mac('w0', 0xee)) / tags / IP(packet.ip_bytes()))

    for name, tags, packet in (
            ('the VLAN\'s packet, untagged, on the port', None, p), ('the port\'s packet on the VLAN', Dot1Q(vlan=7), q),
            ('the reserved VLAN 4095', Dot1Q(vlan=4095), q),
            ('VLAN 8, which is not here', Dot1Q(vlan=8), p), ('the VLAN\'s id in a service tag', Dot1AD(vlan=7), p),
            ('hopping: the VLAN within the native one', Dot1Q(vlan=1) / Dot1Q(vlan=7), p), ('hopping: the VLAN twice', Dot1Q(vlan=7) / Dot1Q(vlan=7), p),
            ('hopping: the VLAN in a service\'s', Dot1AD(vlan=7) / Dot1Q(vlan=7), p), ('another VLAN in the VLAN', Dot1Q(vlan=7) / Dot1Q(vlan=9), p),
            ('three tags', Dot1Q(vlan=7) / Dot1Q(vlan=7) / Dot1Q(vlan=7), p),
            ('three service tags', Dot1AD(vlan=7) / Dot1AD(vlan=7) / Dot1Q(vlan=7), q)):
        attack(f'{name}', frame(tags, packet) if tags else p.but(link='w0').frame(), 'ignored', **(live if tags else {}))
    for name, s, tags in (('a priority, and no VLAN', WG, Dot1Q(vlan=0, prio=7)), ('a priority within the VLAN', VLAN, Dot1Q(vlan=7) / Dot1Q(vlan=0, prio=7))):
        p = s.original()                            # also to the kernel, as without the attack
        attack(name, frame(tags, p), 'sent', s.name, out=s.original_out(p).frame(), bytes=60, **live)
    for name, tail in (('nothing behind the tag', b''), ('half a tag', b'\0'), ('a tag and no type', b'\0\7'), ('a type and no packet', b'\0\7\x08\0'),
                       ('five bytes of IP', b'\0\7\x08\0\x45\0\0\x1c\0')):
        attack(name, bytes(Ether(dst=mac('w0'), src=mac('w0', 0xee), type=0x8100)) + tail, 'ignored', **live)
    attack('ARP within the VLAN', frame(Dot1Q(vlan=7), p)[:16] + b'\x08\x06' + bytes(28), 'ignored', **live)


def lengths_that_lie():
    for s in (MEMBERS, JUMBO, VLAN, NONE):
        for n in (8, 39, 59):
            attack(f'{s.label}: IP says {n} bytes of 60', s.original(ip={'len': n}), *(('ignored',) if n == 8 else ('passed', s.name, 'malformed')))
        attack(f'{s.label}: IP says 65,535 bytes', s.original(ip={'len': 65535}), 'passed', s.name, 'malformed')
        attack(f'{s.label}: UDP says one byte more than IP has', s.original(33, length=42), 'passed', s.name, 'malformed')
        attack(f'{s.label}: UDP says 8 bytes fewer than its header', s.original(length=0), 'passed', s.name, 'malformed')
    for s in (WG6, SIX, NONE6, MEMBERS6):
        body = bytes([17, 0, 0xc2, 4]) + struct.pack('!I', 80000) + udp(s.client, s.local, PORT, s.port, bytes(32))
        attack(f'{s.label}: a jumbogram: length 0 in the header, 80,000 in an option', framed('w0', bytes(IPv6(
            src=s.client, dst=s.local, nh=0, plen=0) / Raw(body))), 'ignored')
        body = body[:4] + struct.pack('!I', 40) + body[8:]
        attack(f'{s.label}: a jumbo option that says what the header says', framed('w0', bytes(IPv6(src=s.client, dst=s.local, nh=0) / Raw(body))), 'sent',
               s.name, out=framed_out(s, body, 0), bytes=40 + len(body), whole=54 + len(body))
        attack(f'{s.label}: IPv6 says 65,535 bytes', s.original(ip={'plen': 65535}), 'passed', s.name, 'malformed')
        attack(f'{s.label}: IPv6 says as many bytes as UDP\'s header has, UDP more', s.original(33, ip={'plen': 8}), 'passed', s.name, 'malformed')
        attack(f'{s.label}: UDP says 65,535 bytes', s.original(length=65535, n=33), 'passed', s.name, 'malformed')
    for at, what in ((15, 'one byte of IP'), (23, 'IP up to TTL'), (30, 'IP up to the destination'), (35, 'one byte of UDP'), (38, 'UDP\'s ports')):
        attack(f'ports: cut behind {what}', HTTPS.original(40).frame()[:at], 'ignored', planes=None if at > 33 else SHORT)
    for at, what in ((53, 'IPv6 but for a byte'), (58, 'UDP\'s ports')):
        attack(f'six: cut behind {what}', SIX.original(40).frame()[:at], 'ignored', planes=None if at > 53 else SHORT)


def framed_out(s, body, nh):
    """A packet of s with this behind its IPv6 header, as it leaves"""
    q = s.original_out(s.original())
    body = bytearray(body)
    # the checksum of the original datagram, for another address and port
    body[8:] = udp(q.src, q.dst, q.sport, q.dport, bytes(body[16:]))
    return framed(s.out, bytes(IPv6(src=q.src, dst=q.dst, nh=nh, hlim=63) / Raw(bytes(body))), dst=mac(s.out, s.hop), src=mac(s.out))


def options():
    """IPv4 options, and header lengths, that lead astray"""
    for s in (MEMBERS, NONE, VLAN):
        for name, b in (('a source route behind 32 no-operations', b'\1' * 32 + b'\x83\7\4\x0a\0\0\1\0'), ('a source route used up', b'\x83\7\x08\x0a\0\0\1\0'),
                        ('a source route after a route record', b'\7\7\4\0\0\0\0\x89\7\4\x0a\0\0\1\0\0'), ('an option of length 255', b'\x94\xff\0\0'),
                        ('an option whose length is the last byte', b'\1\1\x94\x03')):
            ignored(f'{s.label}: {name}', s.original(ip={'options': [Raw(b)]}))
    for s in (WG, MEMBERS):
        for first, what in ((0x4f, 'of 60 bytes in a packet of 36'), (0x46, 'four bytes into the UDP header'), (0x65, 'of version 6')):
            frame = bytearray(s.original(8).frame())
            frame[14] = first
            attack(f'{s.label}: a header {what}', bytes(frame), 'ignored')


def chain(s, *headers, nh, inner=None, link='w0', **ip):
    """Extension headers as bytes, each naming the next itself"""
    body = b''.join(bytes(h) for h in headers) + (udp(s.client, s.local, PORT, s.port, bytes(range(32))) if inner is None else inner)
    return framed(link, bytes(IPv6(src=s.client, dst=s.local, nh=nh, **ip) / Raw(body)))


def option(kind, nh, data=bytes(4)):
    """An options header of 8 bytes with this option alone"""
    return bytes([nh, 0, kind, len(data)]) + data


def chains():
    """IPv6 extension headers"""
    for s in (SIX, NONE6, MEMBERS6):
        to = '2001:db8:2::99'
        for kind, what in ((0, 'routing header 0'), (2, 'a mobile\'s routing header'), (3, 'RPL\'s routing header'), (4, 'a segment list')):
            ignored(f'{s.label}: {what} to a host behind us', s.original(chain=[IPv6ExtHdrRouting(type=kind, segleft=1, addresses=[to], nh=17)], ip={'nh': 43}))
        ignored(f'{s.label}: 255 segments left of none', s.original(chain=[IPv6ExtHdrRouting(type=0, segleft=255, addresses=[], nh=17)], ip={'nh': 43}))
        for nh, what in ((51, 'AH'), (50, 'ESP'), (59, 'no next header'), (135, 'mobility'), (140, 'shim6'), (253, 'an experiment'), (41, 'another IPv6 packet'),
                         (4, 'an IPv4 packet'), (136, 'UDP-Lite')):
            attack(f'{s.label}: {what} in front of UDP', chain(s, bytes([17, 0]) + bytes(6), nh=nh), 'ignored')
        attack(f'{s.label}: no next header behind options, UDP behind that', chain(s, option(1, 59), nh=60), 'ignored')
        attack(f'{s.label}: an options header that goes beyond the packet', chain(s, b'\x11\xff' + bytes(6), nh=60), 'ignored')
        attack(f'{s.label}: an options header that ends in the UDP header\'s middle', chain(s, b'\x11\x01' + bytes(6), nh=60), 'ignored')
        attack(f'{s.label}: options that name themselves for ever', chain(s, *[option(1, 60)] * 24, nh=60), 'ignored')
        attack(f'{s.label}: nine hop-by-hop headers', chain(s, *[option(1, 0)] * 8, option(1, 17), nh=0), 'ignored')
    for s in (WG6, NONE6):
        carried(f'{s.label}: an atomic fragment in an atomic fragment, which no host takes', s,
                chain=[IPv6ExtHdrFragment(id=7, nh=44), IPv6ExtHdrFragment(id=8, nh=17)], ip={'nh': 44})
        attack(f'{s.label}: a first fragment that ends before UDP (RFC 7112)', framed('w0', bytes(IPv6(src=s.client, dst=s.local, nh=44) / IPv6ExtHdrFragment(
            nh=60, m=1, id=77) / Raw(option(1, 60) * 2))), 'ignored')


def datagram_fragments():
    """Fragments that a filter and a receiver understand differently."""
    for ident, s in enumerate((MEMBERS, VLAN, JUMBO, MEMBERS6, NONE6), 0x7101):
        d = Datagram(s, 'fragments', 148, ident=ident)
        p = d.p

        def one(tries, start, end, verdict, reason=None, of=d, **more):
            packet = make_fragment(of.p, more.pop('ident', of.ident), start, end, **more)
            service = None if verdict == 'ignored' else s.name
            out = framed(s.out, make_fragment(of.q, of.ident, start, end, **more), dst=mac(s.out, s.hop), src=mac(s.out)) if verdict == 'sent' else None
            attack(f'{s.label}: {tries}', framed(p.link, packet), verdict, service, reason, link=p.link, out=out, bytes=len(packet), whole=14 + len(packet),
                   hostile=verdict != 'sent', may=('frags',) if verdict == 'sent' else ())

        one('a later fragment that comes before there is a first', 80, None, 'ignored')
        one('a first fragment with four bytes of the UDP header', 0, 4, 'dropped', 'tiny_fragment')
        one('the first fragment of an honest datagram', 0, 80, 'sent')
        one('teardrop: a later fragment that begins in the first', 24, 48, 'dropped', 'overlapping_fragment')
        one('a later fragment over the UDP header\'s ports', 8, 16, 'dropped', 'overlapping_fragment')
        one('a first fragment of the same name that is shorter', 0, 40, 'sent')
        one('the honest datagram\'s first fragment', 0, 80, 'sent')
        one('ping of death: a last fragment that ends behind 65,535', 65528, None, 'passed', 'malformed', data=bytes(16))
        one('a later fragment of no bytes, more to come', 88, 88, 'passed', 'malformed', more=True)
        one('a later fragment that is no multiple of 8, more to come', 88, 97, 'passed', 'malformed', more=True)
        one('a later fragment with the name of another datagram', 80, None, 'ignored', ident=ident + 0x800)
        one('the honest datagram\'s last fragment', 80, None, 'sent')
    ip = bytes(IP(src=CLIENT4, dst=WG.local, proto=17, flags='MF', id=0x7201) / Raw(udp(CLIENT4, WG.local, PORT, 51820, bytes(160))[:80]))
    attack('wg: a first fragment in a frame for all', framed('w0', ip, dst='ff:ff:ff:ff:ff:ff'), 'ignored')
    attack('wg: and its later one for us', framed('w0', bytes(IP(src=CLIENT4, dst=WG.local, proto=17, frag=10, id=0x7201) / Raw(bytes(88)))), 'ignored')
    attack('wg: TCP behind a UDP first fragment\'s name', framed('w0', bytes(IP(src=CLIENT4, dst=WG.local, proto=6, frag=10, id=0x7101) / Raw(bytes(88)))), 'ignored',
           link='w0')


def forged_errors():
    """ICMP errors from a host that never got the quoted packet."""
    for s in (MEMBERS, VLAN, MEMBERS6, JUMBO):
        six = ':' in s.local
        for kind, what in ((((137, 0), 'redirect'), ((128, 0), 'echo that quotes'), ((134, 0), 'router advertisement'), ((127, 0), 'private error'), ((100, 0), 'experiment'))
                           if six else (((5, 0), 'redirect for the network'), ((5, 1), 'redirect for the host'), ((4, 0), 'source quench'), ((8, 0), 'echo that quotes'),
                                        ((9, 0), 'router advertisement'))):
            ignored(f'{s.label}: a {what} about an answer', error_on(s, kind))
        ignored(f'{s.label}: unreachable, about another service\'s port', error_on(s, bend={'sport': s.port + 1}))
        ignored(f'{s.label}: unreachable, about TCP', error_on(s, keep=0, tail=bytes((IPv6 if six else IP)(src=s.local, dst=s.client) / TCP(sport=s.port, dport=PORT))))
        ignored(f'{s.label}: unreachable, whose quote ends in the ports', error_on(s, keep=(40 if six else 20) + 3))
        ignored(f'{s.label}: unreachable, about an error', error_on(s, keep=0, tail=error_on(s).ip_bytes()))
        ignored(f'{s.label}: unreachable, sent to another than who it says has sent', error_on(s, dst='2001:db8:2::fe' if six else '192.168.1.1'))
        attack(f'{s.label}: unreachable, as the LAN\'s address of ours', error_on(s, src='2001:db8:2::1' if six else '192.168.1.1'), 'passed', s.name, 'source')
        attack(f'{s.label}: unreachable, as loopback', error_on(s, src='::1' if six else '127.0.0.9'), 'passed', s.name, 'martian')
        if s in (MEMBERS, MEMBERS6):
            attack(f'{s.label}: too big, about an answer to who is not let in', error_on(s, (2, 0) if six else (3, 4), bend={
                'dst': '2001:db8:9:66::3' if six else '192.0.2.140'}), 'dropped', s.name, 'denied')
    for s in (WG, SIX, NONE, JUMBO):
        six = ':' in s.local
        for mtu in (0, 68, 1279) + ((65536, 0xffffffff) if six else (65535,)):
            e = error_on(s, (2, 0) if six else (3, 4), rest=struct.pack('!I', mtu))
            attack(f'{s.label}: too big for {mtu} bytes: the backend is asked to believe it, as of any router', e, 'sent', s.name, out=error_out(s, False, e).frame())


def error_on(s, kind=None, **more):
    e = error(s, False, kind, **{'src': '2001:db8:77::1' if ':' in s.local else '198.41.0.4', **more})
    return e.but(link=s.link, dmac=mac(s.link), smac=mac(s.link, 0xee))


def lists():
    """Around `allow` and `deny`"""
    for s, src in ((MEMBERS, '192.0.2.77'), (MEMBERS6, '2001:db8:9:66::8'), (BANNED, '192.0.2.200')):
        six = ':' in src
        attack(f'{s.label}: one who is kept out, without checksum', s.original(src=src, check='zero'), 'dropped', s.name, 'denied')
        attack(f'{s.label}: one who is kept out, from port 0', s.original(src=src, sport=0), 'dropped', s.name, 'denied')
        attack(f'{s.label}: one who is kept out, behind options', s.original(src=src, **({'chain': [DEST], 'ip': {'nh': 60}} if six else {
            'ip': {'options': [Raw(b'\1' * 4)]}})), 'dropped', s.name, 'denied')
        attack(f'{s.label}: one who is kept out, at his last hop: no error for him', s.original(src=src, ttl=1, n=40), 'dropped', s.name, 'denied')
        ident = 0x7301
        whole = Datagram(s, 'x', 148, ident=ident, src=src)
        attack(f'{s.label}: a first fragment of one who is kept out', framed('w0', make_fragment(whole.p, ident, 0, 80)), 'dropped', s.name, 'denied')
        attack(f'{s.label}: and its later one', framed('w0', make_fragment(whole.p, ident, 80, None)), 'ignored')
    attack('members: IPv4-mapped, one who is let in', MEMBERS6.original(src='::ffff:192.0.2.9'), 'passed', 'members', 'martian')
    attack('members: 6to4, of one who is let in', MEMBERS6.original(src='2002:c000:209::1'), 'dropped', 'members', 'denied')
    attack('members: NAT64, of one who is let in', MEMBERS6.original(src='64:ff9b::c000:209'), 'dropped', 'members', 'denied')


def amplifiers():
    """An error goes to whomever a packet says it is from: one for each, none longer than 576 bytes (1280), ten a second (packets.py)"""
    for s, victim in ((VLAN, '198.18.7.99'), (MEMBERS, '192.0.2.5'), (JUMBO, '192.0.2.6'), (MEMBERS6, '2001:db8:9:1::1')):
        p = s.original(src=victim, ttl=1)
        error_sent(f'{s.label}: at its last hop, as a victim', p, s.name)
        p = s.original(src=victim, ttl=0, n=1)
        error_sent(f'{s.label}: beyond its last hop, as a victim', p, s.name)
    for name, src in (('all', '255.255.255.255'), ('a group', '224.0.0.9'), ('loopback', '127.0.0.2')):
        attack(f'wg: at its last hop, as {name}: no error', WG.original(src=src, ttl=1, n=44), 'passed', 'wg', 'martian')
    e = error_on(VLAN).but(ttl=1)
    attack('vlan: an error at its last hop: no error about it', e, 'passed', 'vlan', 'hop_limit')
    attack('members IPv6: an error at its last hop: no error about it', error_on(MEMBERS6).but(ttl=1), 'passed', 'members', 'hop_limit')


def from_within():
    """An attacker that has taken over a host in the LAN."""
    for s, port in ((WG, 51823), (VLAN, 51821), (MEMBERS, 57000), (SIX, 51820)):
        ignored(f'{s.label}: answers from another port of the backend', s.reply(sport=port))
    for s, src in ((WG, '192.168.1.77'), (VLAN, '192.168.1.30'), (SIX, '2001:db8:2::30'), (MEMBERS6, '2001:db8:2::20')):
        ignored(f'{s.label}: answers of a neighbour of the backend, from its port', s.reply(src=src))
    for s in (VLAN, MEMBERS, MEMBERS6, JUMBO):
        attack(f'{s.label}: an answer by another LAN in the backend\'s name', s.reply(link='m0'), 'passed', s.name, 'wrong_link', 'reply')
        attack(f'{s.label}: an answer by a site\'s nic in the backend\'s name', s.reply(link='nd'), 'passed', s.name, 'wrong_link', 'reply')
        attack(f'{s.label}: an answer by the WAN in the backend\'s name', s.reply(link='w0'), 'passed', s.name, 'wrong_link', 'reply')
    for s, dst in ((VLAN, '203.0.113.1'), (MEMBERS6, '2001:db8:1::1'), (MEMBERS, '192.168.2.1')):
        attack(f'{s.label}: the backend answers the firewall itself', s.reply(dst=dst), 'passed', s.name, 'local', 'reply')
    for s, dst in ((VLAN, '224.0.0.251'), (MEMBERS6, 'ff02::fb'), (MEMBERS, '255.255.255.255')):
        attack(f'{s.label}: the backend answers all', s.reply(dst=dst), 'passed', s.name, 'martian', 'reply')
    for s, dst in ((WG, '192.168.3.10'), (SIX, '2001:db8:2::30')):
        attack(f'{s.label}: the backend answers a host of ours', s.reply(dst=dst), 'passed', s.name, 'no_listener', 'reply')


def port_zero():
    for s in (WG, SIX, VLAN):
        carried(f'{s.label}: from port 0', s, sport=0)
        carried(f'{s.label}: an answer to port 0', s, True, dport=0)


def afterwards():
    for s in (WG, WG6, SIX, NONE, VLAN, MEMBERS, MEMBERS6, SMALL, HTTPS):
        honest(f'{s.label}: what is honest goes on', s)
        honest(f'{s.label}: and its answer', s, True)


GROUPS = (spoofed_sources, frames, tagged, lengths_that_lie, options, chains, datagram_fragments, forged_errors, lists, amplifiers, from_within, port_zero,
          afterwards)
