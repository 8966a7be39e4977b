#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# strangers WHAT DEVICE MAC < FLOWS: sends frames about each of these flows (`wgxdp show flows --json`) by DEVICE to the firewall's MAC.
# Prints how many. WHAT is one of:
#
#   wan, lan   a third party on that side, which knows everything except one value: a port, an address, or the right side for
#              the packet; also sends ICMP errors that quote such packets
#   answers    the backend's right answers, from the lan
#   errors     a right ICMP error about each answer, from the wan
import ipaddress
import json
import sys

import scapy_few as s

s.conf.verb = 0
WRONG = 1717                # an unused port
OTHER = {4: {'wan': '198.51.100.99', 'lan': '192.168.1.99'}, 6: {'wan': '2001:db8:1::99', 'lan': '2001:db8:2::99'}}


class Tuple:
    """Addresses and ports of one direction"""

    def __init__(self, src, sport, dst, dport):
        self.src, self.sport, self.dst, self.dport = src, sport, dst, dport

    def but(self, **what):
        return Tuple(**{**self.__dict__, **what})

    def family(self):
        return ipaddress.ip_address(self.src).version

    def ip(self, **more):
        return (s.IP if self.family() == 4 else s.IPv6)(src=self.src, dst=self.dst, **more)

    def packet(self):
        return self.ip() / s.UDP(sport=self.sport, dport=self.dport) / (b'\1\0\0\0' + bytes(144))


def endpoint(text):
    address, port = text.rsplit(':', 1)
    return address.strip('[]'), int(port)


def mistakes(t, side):
    """t with one thing wrong, or several"""
    other = OTHER[t.family()][side]
    return [t.but(sport=WRONG), t.but(dport=WRONG), t.but(src=other), t.but(dst=other), t.but(src=other, dport=WRONG),
            t.but(sport=t.dport, dport=t.sport), t.but(sport=0), t.but(dport=0)]


def errors(quoted, source):
    """Returns ICMP errors about a packet, from a router on its path to its sender."""
    inner = bytes(quoted.packet())[:128]
    back = Tuple(source, 0, quoted.src, 0)
    if quoted.family() == 4:
        kinds = [s.ICMP(type=3, code=c, nexthopmtu=1280 if c == 4 else 0) for c in (0, 1, 3, 4, 10, 13)] + [
            s.ICMP(type=11), s.ICMP(type=12), s.ICMP(type=4), s.ICMP(type=5, code=1, gw=source)]
        return [back.ip() / k / inner for k in kinds]
    kinds = [s.ICMPv6DestUnreach(code=c) for c in (0, 1, 3, 4)] + [s.ICMPv6PacketTooBig(mtu=1280), s.ICMPv6TimeExceeded(), s.ICMPv6ParamProblem()]
    return [back.ip() / k / inner for k in kinds]


def strangers(flow, side):
    client, public, ours, backend = (endpoint(flow[k]) for k in ('client', 'public', 'ours', 'backend'))
    reply_in, reply_out = Tuple(*backend, *ours), Tuple(*public, *client)
    original_out = Tuple(*ours, *backend)
    found = []
    if side == 'wan':
        # a host that pretends to be the backend, and a client that sends to a wrong address or port
        for t in (reply_in, *mistakes(reply_in, side), Tuple(*client, public[0], ours[1]), Tuple(*client, public[0], WRONG)):
            found.append(t.packet())
        for quoted in mistakes(reply_out, side):
            found += errors(quoted, OTHER[quoted.family()][side])
        # like a host that has seen the packets of the other side
        for quoted in (reply_in, original_out, *mistakes(original_out, side)):
            found += errors(quoted, OTHER[quoted.family()][side])
    else:
        found += [t.packet() for t in mistakes(reply_in, side)]
        for quoted in mistakes(original_out, side):
            found += errors(quoted, OTHER[quoted.family()][side])
        for quoted in (reply_out, *mistakes(reply_out, side)):
            found += errors(quoted, OTHER[quoted.family()][side])
    return found


def main():
    what, device, mac = sys.argv[1:4]
    flows = json.load(sys.stdin)['flows']
    frames = []
    for f in flows:
        client, public, ours, backend = (endpoint(f[k]) for k in ('client', 'public', 'ours', 'backend'))
        if what == 'answers':
            frames += [Tuple(*backend, *ours).packet()]
        elif what == 'errors':
            quoted = Tuple(*public, *client)
            frames += [errors(quoted, OTHER[quoted.family()]['wan'])[0]]
        else:
            frames += strangers(f, what)
    s.sendp([s.Ether(dst=mac) / f for f in frames], iface=device)
    print('sent', len(frames))


main()
