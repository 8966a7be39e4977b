#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# gen_nft_parity: sends the packets of gen-nft-parity.sh through two routers of scenario S with different rules, and compares the results.
#
#   gen_nft_parity SEED relay|edge REFERENCE GENERATED      namespaces of the routers
#
# The packets follow from a seed, as in parity.py, whose sequences between sites are used here too. Raw sockets in the router receive the
# packets that its input chain accepts, and connections of the router itself begin there. Prints a line for each chain: how many packets
# there were, and how many of them the reference accepted, forwarded or answered, refused with an error, or dropped. The line ends with the
# number of sequences in which both did the same, and of all sequences.
import socket
import sys

from scapy_few import (ICMP, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6MLQuery, ICMPv6MLReport, ICMPv6MLReport2, ICMPv6ND_NA, ICMPv6ND_NS,
                       ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6Unknown, IP, IPv6, IPv6ExtHdrHopByHop, Raw, RouterAlert, TCP, UDP, fragment)

import parity
from parity import PORTS, echo, edited, make_fragments, not_a_port, protocol, quote, rng, some_error, udp, wrong_sum

TUNNEL = 'wgvpnr01'
ROUTERS = {     # devices, links of the sites and of the world, own addresses, pairs of links
    'relay': (('eth0', TUNNEL), {'a': TUNNEL, 'b': TUNNEL, 'c': TUNNEL, 'tw': 'eth0'},
              {'eth0': '2001:db8::1', TUNNEL: 'fd12:3456:7899::1'}, [('a', 'b'), ('b', 'c'), ('c', 'a')]),
    'edge': (('wan', 'lan', TUNNEL), {'a': 'lan', 'b': TUNNEL, 'c': TUNNEL, 'tw': 'wan'},
             {'wan': '2001:db8::1', 'lan': f'{parity.OVERLAY}:a::1', TUNNEL: 'fd12:3456:7899::a'},
             [('a', 'b'), ('b', 'a'), ('b', 'c'), ('a', 'c')]),
}
OWN4 = {'eth0': '192.0.2.1', 'wan': '192.0.2.1', 'lan': '10.1.0.1', TUNNEL: '10.2.0.1'}
MULTICAST = ('ff02::12', 'ff02::16', '224.0.0.18')     # VRRP, MLD


class Tun(parity.Port):
    """Without what the kernel says of its own: which groups it is in"""
    def take(self):
        return (p for p in super().take() if p[0] >> 4 == 6 or p[16] & 0xf0 != 0xe0)


class Sender:
    """The router itself: what is put here it sends"""
    def __init__(self):
        self.sockets = {4: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
                        6: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)}
        self.fd = self.sockets[6].fileno()

    def put(self, packet):
        kind, at, size = (4, 16, 4) if packet[0] >> 4 == 4 else (6, 24, 16)
        self.sockets[kind].sendto(packet, (socket.inet_ntop({4: socket.AF_INET, 6: socket.AF_INET6}[kind], packet[at:at + size]), 0))

    def take(self):
        return ()


class Listener:
    """Receives the packets of one protocol that the router accepts for itself."""
    def __init__(self, family, kind, links):
        self.kind = kind
        self.socket = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, kind)
        self.fd = self.socket.fileno()
        for link in links:
            index = socket.if_nametoindex(link)
            for group in MULTICAST:
                if ':' in group and family == socket.AF_INET6:
                    self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                                           socket.inet_pton(family, group) + index.to_bytes(4, sys.byteorder))
                elif '.' in group and family == socket.AF_INET:
                    self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                           socket.inet_aton(group) + bytes(4) + index.to_bytes(4, sys.byteorder))

    def take(self):
        while True:
            try:
                data, address = self.socket.recvfrom(70000)
            except BlockingIOError:
                return
            if self.kind == socket.IPPROTO_ICMPV6 and (data[0] == 128 and len(data) == 12 or address[0] == '::'):
                continue        # a marker, or a packet of the kernel itself
            yield data if '.' in address[0] else data + address[0].split('%')[0].encode()     # raw IPv6 sockets leave out the IPv6 header


def ports(links):
    """Plays the hosts around one router."""
    makers = {link: lambda link=link: Tun(link) for link in links}
    makers['self'] = Sender
    for name, family, kinds in (('4', socket.AF_INET, (1, 2, 6, 17, 47, 50, 112)), ('6', socket.AF_INET6, (6, 17, 47, 50, 58, 112))):
        makers.update((f'here {kind} by IPv{name}', lambda f=family, k=kind: Listener(f, k, links)) for kind in kinds)
    return makers


# --- the hosts; each sequence has its own

links, parity.SITES, parity.OWN, ways = ROUTERS[sys.argv[2]]
parity.NAMES = ('reference', 'generated')


def host(site, number=1):
    return f'{parity.OVERLAY}:{site}::{parity.turn:x}:{number}'


def peer(link, number=1):
    return host({'lan': 'a', TUNNEL: 'b'}[link], number) if link in ('lan', TUNNEL) else f'2001:db8:77:{parity.turn:x}::{number}'


def peer4(link, number=1):
    return {'lan': '10.1', TUNNEL: '10.2'}.get(link, '198.18') + f'.{parity.turn % 256}.{10 + number + 4 * (parity.turn // 256)}'


def marker_on(link):
    link = TUNNEL if link == 'self' else link
    src = {'lan': f'{parity.OVERLAY}:a::ffff', TUNNEL: f'{parity.OVERLAY}:b::ffff'}.get(link, '2001:db8::2')
    return parity.Marker(link, src, parity.OWN[link])


parity.host, parity.marker_on = host, marker_on


# --- packets for the router itself

def any_link():
    """Link, own and another's address by IPv6, and by IPv4"""
    link = rng.choice(links)
    return link, parity.OWN[link], peer(link), OWN4[link], peer4(link)


def udp4(src, dst, dport, sport=40000, n=32, **more):
    return IP(src=src, dst=dst, id=7, **more) / UDP(sport=sport, dport=dport) / Raw(bytes(rng.randbytes(n)))


def some_port():
    return rng.choice((22, 53, 67, 68, 69, 123, 545, 546, 547, 33433, 33434, 33435, 33473, 33474, 33475, 51819, 51820, 51821, 58000,
                       rng.randrange(65536)))


def datagrams(site, to):
    link, own, src, own4, src4 = any_link()
    sport = rng.randrange(1, 65536)
    return [(link, udp(src, own, port, sport)) for port in (51820, 33434 + rng.randrange(41), 546, some_port(), some_port())] + [
        (link, udp4(src4, own4, port, sport)) for port in (51820, 33434 + rng.randrange(41), 68, some_port(), some_port())]


def pinged(site, to):
    link, own, src, own4, src4 = any_link()
    other, other4 = parity.OWN[rng.choice(links)], OWN4[rng.choice(links)]
    return [(link, echo(src, own, number=9, n=rng.randrange(40, 900))), (link, echo(src, other)),
            (link, echo(src, own, ICMPv6EchoReply, 77)), (link, IP(src=src4, dst=own4, id=1) / ICMP(id=9) / Raw(bytes(20))),
            (link, IP(src=src4, dst=other4, id=1) / ICMP(id=9) / Raw(bytes(20)))]


def icmp4(site, to):
    link, _, _, own4, src4 = any_link()
    return [(link, IP(src=src4, dst=own4, id=1) / ICMP(type=kind, code=rng.choice((0, 0, 1))) / Raw(bytes(udp4(own4, src4, 99))))
            for kind in rng.sample((0, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 30, 40), 6)]


def icmp6(site, to):
    link, own, src, _, _ = any_link()
    kinds = list(range(0, 5)) + [100, 127] + list(range(128, 156)) + [200, 255]
    return [(link, IPv6(src=src, dst=own, hlim=rng.choice((64, 255))) /
             ICMPv6Unknown(type=kind, code=rng.choice((0, 0, 1)), msgbody=bytes(40))) for kind in rng.sample(kinds, 8)]


def neighbours(site, to):
    link, own, src, _, _ = any_link()
    return [(link, IPv6(src=rng.choice((src, 'fe80::77')), dst=rng.choice((own, 'ff02::1', 'ff02::2')), hlim=255) / what)
            for what in (ICMPv6ND_NS(tgt=own), ICMPv6ND_NA(tgt=src), ICMPv6ND_RA(), ICMPv6ND_RS(), ICMPv6ND_RS())] + [
        (links[1], IPv6(src='fe80::77', dst='ff02::2', hlim=255) / ICMPv6ND_RS())] * 2


def multicast(site, to):
    """Returns an MLD message: 130 is a query, 131 and 143 report a group, 132 leaves it."""
    alert = IPv6ExtHdrHopByHop(options=[RouterAlert()])
    return [(link, IPv6(src='fe80::77', dst=dst, hlim=1) / alert / what) for link in (rng.choice(links), links[1])
            for dst, what in (('ff02::1', ICMPv6MLQuery()), ('ff02::16', ICMPv6MLReport(mladdr='ff02::fb')),
                              ('ff02::16', ICMPv6MLReport2()), ('ff02::2', ICMPv6Unknown(type=132, msgbody=bytes(20))))]


def vrrp(site, to):
    link = 'lan' if 'lan' in links and rng.random() < .6 else rng.choice(links)
    src, src4 = peer(link), peer4(link)
    return [(link, protocol(src, parity.OWN[link], 112)), (link, protocol('fe80::77', 'ff02::12', 112, hlim=255)),
            (link, IP(src=src4, dst=OWN4[link], proto=112, id=1) / Raw(bytes(20))),
            (link, IP(src=src4, dst='224.0.0.18', proto=112, ttl=255, id=1) / Raw(bytes(20)))]


def other_protocols(site, to):
    link, own, src, own4, src4 = any_link()
    return [(link, IP(src=src4, dst=own4, proto=kind, id=1) / Raw(rng.randbytes(20)))
            for kind in rng.sample((2, 4, 41, 47, 50, 89, 103, 253), 3)] + [
        (link, protocol(src, own, kind)) for kind in rng.sample((47, 50, 89, 103, 253), 3)]


def tcp_here(site, to):
    link, own, src, own4, src4 = any_link()
    return [(link, head / TCP(sport=rng.randrange(1, 65536), dport=rng.choice((22, 80, 443, 51820)), flags=flags))
            for head in (IPv6(src=src, dst=own), IP(src=src4, dst=own4, id=1))
            for flags in ('S', rng.choice(('A', 'SA', 'F', 'R', 'SF', '', 'FPU')))]


def answered(site, to):
    """Answers to the router's own packets, and packets that look like answers."""
    link, own, dst, own4, dst4 = any_link()
    port, sport = some_port() or 1, rng.randrange(30000, 60000)
    other = rng.randrange(1024, 30000)
    return [(link, udp(dst, own, sport, port)), ('self', udp(own, dst, port, sport)), (link, udp(dst, own, sport, port)),
            (link, udp(dst, own, other, port)),
            ('self', udp4(own4, dst4, port, sport)), (link, udp4(dst4, own4, sport, port)), (link, udp4(peer4(link, 2), own4, sport, port)),
            ('self', echo(own, dst, number=5)), (link, echo(dst, own, ICMPv6EchoReply, 5)),
            ('self', IPv6(src=own, dst=dst) / TCP(sport=other, dport=22)),
            (link, IPv6(src=dst, dst=own) / TCP(sport=22, dport=other, flags='SA', ack=1)),
            (link, IPv6(src=dst, dst=own) / TCP(sport=23, dport=other, flags='SA', ack=1))]


def complained(site, to):
    """Errors about what the router sent, and about what it never did"""
    link, own, dst, own4, dst4 = any_link()
    port, sport = rng.randrange(1024, 30000), rng.randrange(30000, 60000)
    sent, sent4 = udp(own, dst, port, sport), udp4(own4, dst4, port, sport)
    redirect = ICMPv6Unknown(type=137, msgbody=bytes(36))
    return [('self', sent), (link, quote(dst, sent, some_error())), (link, quote(peer(link, 2), sent, some_error())),
            (link, quote(dst, udp(own, dst, port, sport ^ 1), some_error())), ('self', sent4),
            (link, IP(src=dst4, dst=own4, id=1) / ICMP(type=rng.choice((3, 11, 12)), code=1) / Raw(bytes(sent4))),
            (link, IP(src=dst4, dst=own4, id=1) / ICMP(type=12) / Raw(bytes(udp4(own4, dst4, port, sport ^ 1)))),
            (link, quote(dst, sent, redirect)), (link, quote(dst, sent, ICMPv6Unknown(type=rng.choice((5, 100)))))]


def itself(site, to):
    own, own4 = parity.OWN[rng.choice(links)], OWN4[rng.choice(links)]
    return [('self', udp(a, a, rng.randrange(1, 65536))) for a in (own, '::1')] + [
        ('self', udp4(a, a, rng.randrange(1, 65536))) for a in (own4, '127.0.0.1')] + [
        ('self', IPv6(src=own, dst=own) / TCP(dport=22))]


def broken(site, to):
    """Invalid to conntrack, or to the router when it has let it in"""
    link, own, src, own4, src4 = any_link()
    good, good4 = udp(src, own, 51820), udp4(src4, own4, 51820)
    return [(link, wrong_sum(good, 46)), (link, wrong_sum(good4, 26)), (link, edited(good, (44, b'\0\7'))), (link, bytes(good)[:45]),
            (link, wrong_sum(echo(src, own), 42)), (link, quote(src, udp(own, src, 99))),
            (link, IPv6(src=src, dst=own) / ICMPv6DestUnreach()), (link, IPv6(src=own, dst=own) / UDP(dport=51820)), (link, IPv6(src=src, dst=own, nh=59))]


def reassembled(site, to):
    """In fragments, which are put together before rules see them"""
    link, own, src, own4, src4 = any_link()
    return [(link, p) for port in (51820, some_port()) for p in make_fragments(udp(src, own, port, n=300), 128)] + [
        (link, p) for p in fragment(udp4(src4, own4, rng.choice((51820, 33440, 22)), n=300), 128)]


# --- through it

def strangers(site, to):
    """The world, and links that are none of a relay's"""
    far, src, dport = f'2001:db8:78:{parity.turn:x}::1', host(site), rng.choice(PORTS)
    return [('tw', udp(far, src, dport)), ('tw', udp(host(to), src, dport)), (site, udp(src, far, dport)),
            ('tw', udp(far, src, 40000, dport)), ('tw', echo(far, src)), (site, echo(src, far)),
            (site, udp('2001:db8::99', host(to), dport)), ('tw', udp(far, '2001:db8:79::1', dport))]


def own_prefix(site, to):
    """From the LAN into the tunnel, though it is the LAN's; and what the site has as others do"""
    src, dport = host('a'), rng.choice((22, 443, rng.choice(PORTS)))
    inside = f'{parity.OVERLAY}:a:dead::{parity.turn:x}'
    return [('a', udp(src, inside, dport)), ('a', echo(src, inside)), ('a', IPv6(src=src, dst=inside) / TCP(dport=22)),
            ('b', udp(host('b'), inside, dport)),
            ('b', udp(host('b'), src, not_a_port())), ('a', udp(src, host('b'), not_a_port())), ('b', udp(host('b'), src, 40000, 22)),
            ('a', udp(inside, host('c'), dport))]


def tcp_session(site, to):
    src, dst, sport, dport = host(site), host(to), rng.randrange(1024, 65536), rng.choice((22, 5432, 9004))
    there, back = IPv6(src=src, dst=dst), IPv6(src=dst, dst=src)
    return [(site, there / TCP(sport=sport ^ 2, dport=port, flags='S', seq=1)) for port in (5432, 8999, 9000, 9009)] + [
            (to, back / TCP(sport=sport ^ 3, dport=9001, flags='S', seq=1)),
            (site, there / TCP(sport=sport, dport=dport, flags='S', seq=1)), (to, back / TCP(sport=dport, dport=sport, flags='SA', seq=9, ack=2)),
            (site, there / TCP(sport=sport, dport=dport, flags='A', seq=2, ack=10)),
            (to, back / TCP(sport=dport, dport=sport, flags='PA', seq=10, ack=2) / Raw(b'hi')),
            (to, back / TCP(sport=dport, dport=sport ^ 1, flags='A', seq=10, ack=2)), (to, back / TCP(sport=dport, dport=sport, flags='SF', seq=10))]


def ipv4(site, to):
    link = rng.choice(links)
    return [(link, IP(src=peer4(link), dst=dst, id=3) / what) for dst in ('10.2.9.9', '198.18.9.9', '10.1.9.9')
            for what in (UDP(dport=rng.choice(PORTS)), ICMP())]


INPUT = [datagrams, pinged, icmp4, icmp6, neighbours, multicast, vrrp, other_protocols, tcp_here, answered, complained, itself, broken, reassembled]
FORWARD = [parity.asked, parity.reply_alone, parity.refused_port, parity.pinged, parity.right_errors,
           parity.wrong_errors, parity.errors_behind_headers, parity.discovers, parity.other_types, parity.tcp,
           parity.other_protocols, parity.crossing, parity.crooked, parity.no_sum, parity.last_hop, parity.nowhere,
           strangers, tcp_session, ipv4] + [own_prefix] * ('lan' in links)
ROUNDS = {'relay': 7, 'edge': 8}


def fate(rows):
    """Classifies a packet by what came out: 0 accepted, 1 forwarded or answered, 2 refused, 3 lost."""
    refused = any(parity.is_error(p) and p[40] == 1 or p[0] >> 4 == 4 and p[9] == 1 and p[20] == 3 for _, p in rows if len(p) > 40)
    return 0 if any(at.startswith('here') for at, _ in rows) else 2 if refused else 1 if rows else 3


def main():
    tally, all_fates = [], parity.fates

    def counted(networks, link, packet):
        out = all_fates(networks, link, packet)
        tally[fate(out[0])] += 1
        return out

    parity.fates = counted
    networks = [parity.Network({name: ports(links)}) for name in sys.argv[3:]]
    status = 0
    for chain, makers in (('input', INPUT), ('forward', FORWARD)):
        right, tally[:] = 0, [0] * 4
        order = makers * ROUNDS[sys.argv[2]]
        for i, make in enumerate(order):
            right += parity.compare(networks, make, *ways[(i // len(makers) + i) % len(ways)])[0]
        print(chain, sum(tally), *tally, f'{right} of {len(order)} sequences came to the same end')
        status |= right != len(order)
    return status


if __name__ == '__main__':
    sys.exit(main())
