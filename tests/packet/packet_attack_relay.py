# SPDX-License-Identifier: GPL-2.0-or-later
# Attacks on the relay by sites c, d (each behind a gateway on a NIC of its own) and e (on a NIC): forged sources,
# forbidden destinations, and packets that the policy refuses. The policy sends no errors (`reject: drop`), so refused
# packets end here, on every plane.
import struct

from scapy_few import (ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6ND_RS,
                       ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded, ICMPv6Unknown, IP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, Raw, SCTP, TCP, UDP)

from packet_attack_scene import OVERLAY, STATE, attack, framed
from packet_network import mac

NIC = {'c': 'nc', 'd': 'nd', 'e': 'ne'}
HOP = {'c': 2, 'd': 2, 'e': 1}
WAYS = (('c', 'd'), ('e', 'c'))
MEMBER = {'c': 'peer c', 'd': 'peer d', 'e': 'peer e'}


def host(site, n=1):
    return f'{OVERLAY}:{site}::{n:x}'


def udp(src, dst, dport=58000, sport=40000, n=32, **more):
    return IPv6(src=src, dst=dst, **more) / UDP(sport=sport, dport=dport) / Raw(bytes(i & 255 for i in range(n)))


def tries(what, site, ip, verdict='dropped', reason='refused', link=None, dst=None, service='', **more):
    """From this site's nic"""
    link = link or NIC[site]
    frame = framed(link, bytes(ip), **({'dst': dst} if dst else {}))
    attack(f'{site}: {what}', frame, verdict, None if verdict == 'ignored' else service or MEMBER[site], reason, link=link, state='relay',
           bytes=len(bytes(ip)), whole=len(frame), **more)


def passes(what, site, to, ip, hostile=False):
    """Between sites, as any router would; honest unless it says else"""
    b = bytearray(bytes(ip))
    frame = framed(NIC[site], bytes(b))
    b[7] -= 1
    out = framed(NIC[to], bytes(b), dst=mac(NIC[to], HOP[to]), src=mac(NIC[to]))
    attack(f'{site}: {what}', frame, 'sent', MEMBER[site], link=NIC[site], out=out, bytes=len(b), whole=len(frame), may=STATE, hostile=hostile, state='relay')


def quote(src, about, what=None, keep=1232):
    return IPv6(src=src, dst=IPv6(bytes(about)).src) / (what or ICMPv6DestUnreach(code=4)) / Raw(bytes(about)[:keep])


def sessions_between_sites():
    """Established flows that an attacker may hijack."""
    for site, to in WAYS:
        passes(f'UDP to {to}', site, to, udp(host(site), host(to)))
        passes(f'its answer to {site}', to, site, udp(host(to), host(site), 40000, 58000))
        passes(f'echo to {to}', site, to, IPv6(src=host(site), dst=host(to)) / ICMPv6EchoRequest(id=7))
        passes(f'its answer to {site}', to, site, IPv6(src=host(to), dst=host(site)) / ICMPv6EchoReply(id=7))


def names_of_others():
    """A source that is not behind this NIC: up, unchanged, where the kernel's own rules decide."""
    for site, to in WAYS:
        for src, what in ((host('e' if site != 'e' else 'd'), 'a host of another site'), (host(to), 'the very host it is for'), (f'{OVERLAY}:7777::1', 'a host of no site'),
                          (f'{OVERLAY}:e::ffff', 'the relay in the overlay') if site != 'e' else (f'{OVERLAY}:c::', 'another site\'s anycast'),
                          ('fd98:d::1', 'the relay on a link'), ('2001:db8:9::9', 'a host on the internet'), ('::1', 'loopback'), ('::', 'nobody'), ('fe80::1', 'a link-local'),
                          ('ff05::1', 'a group'), ('::ffff:192.168.1.10', 'IPv4-mapped'), ('fd99::d' if site != 'd' else 'fd99::c', 'another peer\'s own address')):
            tries(f'UDP to {to} as {what}', site, udp(src, host(to)), 'passed', 'source')
        tries(f'an answer to {to}, as its peer', site, udp(host('d' if to != 'd' else 'e'), host(to), 40000, 58000), 'passed', 'source')
    for site in 'cde':
        for what, link, who in (('by the WAN', 'w0', 'peer nobody'), ('by the LAN', 'l0', 'peer nobody')):
            tries(f'its host to another site, {what}', site, udp(host(site), host('c' if site != 'c' else 'd')), 'passed', 'source', link=link, service=who)
    for src, what in (('2001:db8:9::9', 'a host on the internet'), (host('d'), 'a host of site d'), ('2001:db8:1::1', 'the relay itself')):
        tries(f'an overlay\'s destination, by the WAN, from {what}', 'c', udp(src, host('c', 3)), 'passed', 'source', link='w0', service='peer nobody')
    tries('site c\'s host to site e, by site d\'s nic', 'd', udp(host('c'), host('e')), 'passed', 'source')


def to_the_relay():
    """For this host: nothing of ours, the kernel's rules have it"""
    for site in 'cde':
        for dst, what in ((f'{OVERLAY}:e::ffff', 'in the overlay'), ('fd98:d::1', 'on a link'), ('2001:db8:1::1', 'on the WAN')):
            tries(f'UDP in the policy\'s ports to the relay {what}', site, udp(host(site), dst), 'ignored')
    tries('everything that is 0', 'c', bytes(60), 'ignored')


def beyond_the_policy():
    for site, to in WAYS:
        src, dst = host(site, 5), host(to, 5)
        for dport in (0, 1, 22, 53, 51820, 57998, 60002, 65535):
            tries(f'UDP to {to}, port {dport}', site, udp(src, dst, dport))
        tries(f'looks like an answer: from a policy\'s port to port 22 of {to}', site, udp(src, dst, 22, 58000))
        tries(f'looks like an answer: of the session, but from another port to {to}', site, udp(host(site), host(to), 40000, 58001))
        tries(f'looks like an answer: to another host of {to}', site, udp(host(site), host(to, 9), 40000, 58000))
        for what, payload in (('SYN', TCP(dport=58000, flags='S')), ('ACK of nothing', TCP(dport=58000, sport=58000, flags='A')), ('SCTP', SCTP(dport=58000, sport=1))):
            tries(f'{what} to {to}', site, IPv6(src=src, dst=dst) / payload)
        for what, flags in (('SYN and FIN', 'SF'), ('no flags', ''), ('all flags', 'FSRPAUEC'), ('RST', 'R'), ('SYN and ACK', 'SA')):
            tries(f'TCP with {what} to {to}', site, IPv6(src=src, dst=dst) / TCP(dport=58000, flags=flags), reason='invalid')
        tries(f'TCP that says its header has 16 bytes, to {to}', site, IPv6(src=src, dst=dst) / TCP(dport=58000, flags='S', dataofs=4), reason='invalid')
        for nh, what in ((136, 'UDP-Lite'), (33, 'DCCP'), (132, 'SCTP, cut short'), (47, 'GRE'), (50, 'ESP'), (51, 'AH'), (89, 'OSPF'), (112, 'VRRP'), (253, 'an experiment')):
            tries(f'{what} to {to}', site, IPv6(src=src, dst=dst, nh=nh) / Raw(struct.pack('!HH', 58000, 58000) + bytes(4)))
        inner = bytes(udp(host(to), host('e' if to != 'e' else 'd')))
        tries(f'a site\'s packet in a packet to {to}', site, IPv6(src=src, dst=dst, nh=41) / Raw(inner))
        tries(f'IPv4 in a packet to {to}', site, IPv6(src=src, dst=dst, nh=4) / Raw(bytes(IP(dst='192.168.1.10') / UDP(dport=51820))))
        passes(f'a site\'s packet in a datagram to {to}: what the receiver makes of it is his', site, to, IPv6(src=src, dst=dst) / UDP(dport=58000, sport=9) / Raw(inner), True)


def icmpv6():
    for site, to in WAYS:
        src, dst = host(site, 6), host(to, 6)
        for what in (ICMPv6ND_Redirect(tgt=src, dst=dst), ):
            tries(f'redirect to {to}', site, IPv6(src=src, dst=dst, hlim=255) / what, reason='invalid')
        for what, name in ((ICMPv6ND_RS(), 'router solicitation'), (ICMPv6Unknown(type=130, msgbody=bytes(20)), 'MLD query'), (ICMPv6Unknown(type=143, msgbody=bytes(4)), 'MLD report'),
                           (ICMPv6Unknown(type=139, msgbody=bytes(12)), 'node information query'), (ICMPv6Unknown(type=151, msgbody=bytes(4)), 'router discovery of groups')):
            tries(f'{name} to {to}', site, IPv6(src=src, dst=dst) / what)
        for kind in (0, 5, 99, 127, 138, 140, 142, 144, 148, 155, 160, 200, 255):
            tries(f'ICMPv6 of type {kind} to {to}', site, IPv6(src=src, dst=dst) / ICMPv6Unknown(type=kind, msgbody=bytes(48)), reason='invalid')
        tries(f'an echo\'s answer that nobody asked for, to {to}', site, IPv6(src=src, dst=dst) / ICMPv6EchoReply(id=99), reason='invalid')
        tries(f'an echo\'s answer with another id, to {to}', site, IPv6(src=host(site), dst=host(to)) / ICMPv6EchoReply(id=8), reason='invalid')
        for what, name in ((ICMPv6ND_NS(tgt=dst), 'neighbour solicitation'), (ICMPv6ND_NA(tgt=dst), 'neighbour advertisement'), (ICMPv6ND_RA(), 'router advertisement')):
            passes(f'{name} to {to}: with a hop limit of 254 no host takes it', site, to, IPv6(src=src, dst=dst, hlim=255) / what, True)


def errors_about_others():
    """An error passes if it is for the sender of the quoted packet, and that packet was allowed."""
    for site, to in WAYS:
        mine, theirs = host(site), host(to)
        real = udp(theirs, mine, 40000, 58000)      # the answer of `to`
        for what, packet in (('ports the other way round', udp(theirs, mine, 58000, 40000)), ('another port', udp(theirs, mine, 40001, 58000)),
                             ('what another of its hosts has sent', udp(host(to, 9), mine, 40000, 58000)), ('TCP', IPv6(src=theirs, dst=mine) / TCP(dport=58000)),
                             ('an error', quote(theirs, udp(mine, theirs))), ('ESP', IPv6(src=theirs, dst=mine, nh=50) / Raw(bytes(8))),
                             ('IPv4', Raw(b'\x45' + bytes(27) + bytes(32)))):
            b = bytes(packet)
            tries(f'unreachable to {to}, about {what}', site, IPv6(src=mine, dst=theirs) / ICMPv6DestUnreach() / Raw(b), reason='invalid')
        for keep in (0, 7, 39, 40, 43):
            tries(f'unreachable to {to}, with {keep} bytes of what it is about', site, quote(mine, real, keep=keep), reason='invalid')
        for what, name in ((ICMPv6PacketTooBig(mtu=0), 'too big for 0 bytes'), (ICMPv6TimeExceeded(), 'time exceeded'), (ICMPv6ParamProblem(code=1), 'a problem with a header')):
            tries(f'{name}, to {to}, about what never was', site, quote(mine, udp(theirs, mine, 58000, 777), what), reason='invalid')
        tries(f'unreachable to another host of {to} than it is about', site, IPv6(src=mine, dst=host(to, 9)) / ICMPv6DestUnreach() / Raw(bytes(real)), reason='invalid')
        tries(f'unreachable to {to}, about a later fragment', site, IPv6(src=mine, dst=theirs) / ICMPv6DestUnreach() / Raw(bytes(
            IPv6(src=theirs, dst=mine, nh=44) / IPv6ExtHdrFragment(nh=17, offset=4, id=3) / Raw(bytes(24)))), reason='invalid')
        for mtu in (0, 1279, 65536):
            passes(f'too big for {mtu} bytes, to {to}, about what it sent: its host is asked to believe it', site, to, quote(mine, real, ICMPv6PacketTooBig(mtu=mtu)), True)


def headers():
    pad = [PadN(optdata=bytes(4))]
    for site, to in WAYS:
        src, dst = host(site, 8), host(to, 8)
        for kind in (0, 2, 3, 4):
            tries(f'routing header {kind} to {to} and on', site, IPv6(src=src, dst=dst) / IPv6ExtHdrRouting(type=kind, segleft=1, addresses=[host('e')]) / UDP(dport=58000),
                  reason='invalid')
        tries(f'port 22 of {to} behind hop-by-hop options', site, IPv6(src=src, dst=dst) / IPv6ExtHdrHopByHop(options=pad) / UDP(dport=22))
        tries(f'port 22 of {to} behind a routing header that is used up', site, IPv6(src=src, dst=dst) / IPv6ExtHdrRouting(segleft=0, addresses=[dst]) / UDP(dport=22))
        tries(f'port 22 of {to} in an atomic fragment', site, IPv6(src=src, dst=dst) / IPv6ExtHdrFragment(id=1) / UDP(dport=22))
        tries(f'no next header to {to}, UDP behind it', site, IPv6(src=src, dst=dst, nh=59) / UDP(dport=58000), reason='invalid')
        tries(f'options that name no next header to {to}, UDP behind it', site, IPv6(src=src, dst=dst) / IPv6ExtHdrDestOpt(options=pad, nh=59) / Raw(bytes(UDP(dport=58000))),
              reason='invalid')
        tries(f'options beyond the end, to {to}', site, IPv6(src=src, dst=dst, nh=60) / Raw(b'\x11\x20' + bytes(14)), reason='invalid')
        tries(f'twelve option headers to {to}', site, IPv6(src=src, dst=dst, nh=60) / Raw((b'\x3c\0\1\4' + bytes(4)) * 11 + b'\x11\0\1\4' + bytes(4) + bytes(UDP(dport=58000))),
              reason='invalid')
        tries(f'a jumbogram to {to}', site, IPv6(src=src, dst=dst, nh=0, plen=0) / Raw(b'\x11\0\xc2\4\0\1\x38\x80' + bytes(UDP(dport=58000))), reason='invalid')
        tries(f'IPv6 that says 65,535 bytes, to {to}', site, IPv6(src=src, dst=dst, plen=65535) / UDP(dport=58000) / Raw(bytes(24)), reason='packet_too_big', left='too_big')
        for plen, what in ((0, '0'), (7, '7')):
            tries(f'IPv6 that says {what} bytes, to {to}', site, IPv6(src=src, dst=dst, plen=plen) / UDP(dport=58000) / Raw(bytes(24)), reason='invalid')
        for length in (0, 7, 33, 65535):
            tries(f'UDP that says {length} bytes, to {to}', site, IPv6(src=src, dst=dst) / UDP(dport=58000, len=length) / Raw(bytes(24)), reason='invalid')
        whole = bytes(udp(src, dst))
        for n in (40, 44, 47, 60):
            tries(f'cut behind {n} bytes, to {to}', site, whole[:n], reason='invalid')
        for hlim in (0, 1):
            error_sent_by_relay(f'at a hop limit of {hlim}, to {to}', site, udp(src, dst, hlim=hlim))
        error_sent_by_relay(f'port 22 at its last hop, to {to}: what is refused is not told apart', site, udp(src, dst, 22, hlim=1))
        for what, address in (('all', 'ff:ff:ff:ff:ff:ff'), ('a group', '33:33:00:00:00:01'), ('another host', mac(NIC[site], 0x77)), ('another nic of ours', mac(NIC[to]))):
            tries(f'to {to} in a frame for {what}', site, udp(src, dst), 'ignored', dst=address)


def error_sent_by_relay(what, site, ip):
    link = NIC[site]
    own = {'nc': 'fd98:c::1', 'nd': 'fd98:d::1', 'ne': f'{OVERLAY}:e::ffff'}[link]
    b = bytes(ip)

    class Quoted:
        src, dst, ip, dmac, smac = IPv6(b).src, IPv6(b).dst, {}, mac(link), mac(link, 0xee)

        @staticmethod
        def ip_bytes():
            return b
    tries(what, site, ip, 'passed', 'hop_limit', packet=Quoted, answer_from=own, may=('icmp_limits',), planes=('xdp', 'tc', 'host-xdp'))


def nowhere():
    for site in 'cde':
        for dst, what in ((f'{OVERLAY}:7777::1', 'a site that is none'), (f'{OVERLAY}:f::1', 'a site that is not up'), (f'{OVERLAY}::', 'the overlay\'s first address'),
                          (f'{OVERLAY}:ffff:ffff:ffff:ffff:ffff', 'its last')):
            tries(f'UDP to {what}', site, udp(host(site), dst), reason='unrouted')
        tries('UDP to its own site', site, udp(host(site), host(site, 2)), reason='same_site')
        tries('echo to its own site, by way of the relay', site, IPv6(src=host(site), dst=host(site, 3)) / ICMPv6EchoRequest(), reason='same_site')
        tries('UDP to all nodes', site, udp(host(site), 'ff02::1'), 'ignored')
        tries('UDP to a group of the organisation', site, udp(host(site), 'ff08::1'), 'ignored')
    for what, packet in (('UDP in the policy\'s ports', udp(host('c'), 'fd99::d')), ('UDP that looks like an answer', udp(host('c'), 'fd99::d', 40000, 58000)),
                         ('an echo', IPv6(src=host('c'), dst='fd99::d') / ICMPv6EchoRequest())):
        # the kernel's route there differs from the site's: a query for it must not be remembered for the whole site
        tries(f'{what} to the edge of d, which has not asked', 'c', packet, 'ignored', wait=1100)
        passes(f'UDP to d, after {what} to its edge', 'c', 'd', udp(host('c', 12), host('d', 12)))


def fragments_between_sites():
    for site, to in WAYS:
        src, dst = host(site, 11), host(to, 11)
        good, bad = bytes(udp(src, dst, n=120))[40:], bytes(udp(src, dst, 22, n=120))[40:]

        def make_fragment(data, at, more, ident, nh=17, src=src, dst=dst):
            return IPv6(src=src, dst=dst) / IPv6ExtHdrFragment(nh=nh, offset=at // 8, m=more, id=ident) / Raw(data)

        tries(f'a later fragment to {to}, without a first', site, make_fragment(good[64:], 64, 0, 1), reason='invalid', left='fragment')
        tries(f'a first fragment to port 22 of {to}', site, make_fragment(bad[:64], 0, 1, 2))
        tries(f'and its later one, to {to}', site, make_fragment(bad[64:], 64, 0, 2), reason='invalid', left='fragment')
        tries(f'a first fragment with half a UDP header, to {to}', site, make_fragment(good[:4], 0, 1, 3), reason='invalid')
        tries(f'a first fragment with no UDP header but options, to {to}', site, make_fragment(b'\x11\0\1\4' + bytes(4), 0, 1, 4, 60), reason='invalid')
        passes(f'a first fragment to {to}', site, to, make_fragment(good[:64], 0, 1, 5))
        tries(f'a later fragment over the first one\'s ports, to {to}', site, make_fragment(bad[:16], 8, 1, 5), reason='invalid')
        tries(f'a first fragment of the same name to port 22 of {to}', site, make_fragment(bad[:64], 0, 1, 5))
        passes(f'a first fragment of the same name, another policy\'s port of {to}', site, to, make_fragment(bytes(udp(src, dst, 58001, n=120))[40:104], 0, 1, 5))
        tries(f'a later fragment behind 65,535, to {to}', site, make_fragment(bytes(16), 65528, 0, 5), reason='invalid')
        tries(f'a later fragment of 9 bytes, more to come, to {to}', site, make_fragment(bytes(9), 64, 1, 5), reason='invalid')
        tries(f'a later fragment with the name of it, by another nic, to {to}', 'd' if site != 'd' else 'e', make_fragment(good[64:], 64, 0, 5), 'passed', 'source')
        passes(f'its later fragment to {to}', site, to, make_fragment(good[64:], 64, 0, 5))
        tries(f'a first fragment of an echo\'s answer that nobody asked for, to {to}', site, make_fragment(bytes([129, 0, 0, 0, 0, 9, 0, 1]) + bytes(56), 0, 1, 6, 58), reason='invalid')


def afterwards():
    sessions_between_sites()


GROUPS = (sessions_between_sites, names_of_others, to_the_relay, beyond_the_policy, icmpv6, errors_about_others, headers, nowhere, fragments_between_sites, afterwards)
