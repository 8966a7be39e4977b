#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# traffic: frames that wgxdp must leave alone, the same at each run.
#
#   traffic make FILE              write them as a pcap (needs scapy)
#   traffic send FILE DEVICE       send them, in order
#   traffic catch DEVICE FILE      write what leaves by DEVICE, as whole frames, until SIGTERM
#   traffic capture DEVICE FILE    write what arrives by DEVICE for any MAC, from MACs of this test (02:00:00:00:00:…)
#   traffic bridged FILE           write frames of the services that pass on a bridge, from one of its ports to another
#   traffic turn FILE FILE         the same frames, from FIREWALL to CLIENT
#
# They come from CLIENT to FIREWALL, whose services are UDP 51820 on 198.51.100.1 and on [2001:db8:2::10], behind it.
import os
import random
import signal
import socket
import struct
import sys

sys.dont_write_bytecode = True
from frame_out import FrameOut                                             # noqa: E402

CLIENT, FIREWALL, OTHER = "02:00:00:00:00:07", "02:00:00:00:00:01", "02:00:00:00:00:99"
PORT = 51820
PACKET_AUXDATA, SOL_PACKET, PACKET_OUTGOING = 8, 263, 4


def frames():
    from scapy import all as s
    from scapy.contrib import igmp, igmpv3
    s.conf.verb = 0
    rnd = random.Random(51820)
    eth = s.Ether(src=CLIENT, dst=FIREWALL)
    v4 = s.IP(src="198.51.100.7", dst="198.51.100.1", id=1)
    v6 = s.IPv6(src="2001:db8:1::7", dst="2001:db8:2::10")
    ours4, ours6 = v4 / s.UDP(sport=4000, dport=PORT), v6 / s.UDP(sport=4000, dport=PORT)

    def junk(size):
        return rnd.randbytes(size)

    def both(payload):
        return [eth / v4 / payload, eth / v6 / payload]

    out = []

    # ARP and neighbour discovery, to this firewall, to other hosts, to all
    for dst in (FIREWALL, OTHER, "ff:ff:ff:ff:ff:ff"):
        for op, psrc, pdst in ((1, "198.51.100.7", "198.51.100.99"), (2, "198.51.100.7", "198.51.100.98"),
                               (1, "0.0.0.0", "198.51.100.97"), (2, "198.51.100.9", "198.51.100.9")):
            out.append(s.Ether(src=CLIENT, dst=dst) / s.ARP(op=op, hwsrc=CLIENT, psrc=psrc, pdst=pdst))
    ll = s.IPv6(src="fe80::7", dst="ff02::1", hlim=255)
    lladdr = s.ICMPv6NDOptSrcLLAddr(lladdr=CLIENT)
    for message in (s.ICMPv6ND_NS(tgt="fe80::98"), s.ICMPv6ND_NA(tgt="fe80::7"), s.ICMPv6ND_RS(),
                    s.ICMPv6ND_RA(routerlifetime=0), s.ICMPv6ND_Redirect(tgt="fe80::1", dst="2001:db8:9::1")):
        for dst in ("33:33:00:00:00:01", FIREWALL):
            out.append(s.Ether(src=CLIENT, dst=dst) / ll / message / lladdr)

    # ICMP and ICMPv6, also errors about packets of the services
    for size in (0, 56, 1400):
        out += [eth / v4 / s.ICMP(id=7) / junk(size), eth / v6 / s.ICMPv6EchoRequest(id=7) / junk(size)]
    for kind, code in ((3, 0), (3, 3), (3, 4), (3, 13), (11, 0), (11, 1), (12, 0), (5, 1)):
        out.append(eth / v4 / s.ICMP(type=kind, code=code) / bytes(ours4 / junk(8)))
    for error in (s.ICMPv6DestUnreach(code=4), s.ICMPv6PacketTooBig(mtu=1280), s.ICMPv6TimeExceeded(),
                  s.ICMPv6ParamProblem()):
        out.append(eth / v6 / error / bytes(ours6 / junk(8)))

    # IGMP and MLD
    for message in (igmp.IGMP(type=0x11), igmp.IGMP(type=0x16, gaddr="239.1.2.3"), igmp.IGMP(type=0x17, gaddr="239.1.2.3")):
        out.append(s.Ether(src=CLIENT, dst="01:00:5e:00:00:01") /
                   s.IP(src="198.51.100.7", dst="224.0.0.1", ttl=1, options=[s.IPOption_Router_Alert()]) / message)
    alert = s.IPv6ExtHdrHopByHop(options=[s.RouterAlert()])
    for message in (s.ICMPv6MLQuery(), s.ICMPv6MLReport(mladdr="ff02::1:2"), s.ICMPv6MLReport2()):
        out.append(s.Ether(src=CLIENT, dst="33:33:00:00:00:16") / ll / alert / message)

    # TCP with options, also on the port of the services
    options = [[], [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)],
               [("Timestamp", (5, 9)), ("NOP", None), ("NOP", None), ("SAck", (1, 2))], [("MSS", 536), ("EOL", None)]]
    for flags in ("S", "SA", "A", "PA", "FA", "R", "UA", "SEC"):
        for opts in options:
            segment = s.TCP(sport=4000, dport=rnd.choice((80, 443, PORT)), flags=flags, seq=rnd.getrandbits(32), options=opts)
            out += both(segment / junk(rnd.choice((0, 1, 100, 1300))))

    # UDP of other services: DNS, DHCP, NTP, QUIC, IKE, traceroute; the services' port on other addresses
    for dport in (53, 67, 123, 443, 500, 4500, 5353, 33434, PORT - 1, PORT + 1):
        out += both(s.UDP(sport=4000, dport=dport) / junk(rnd.randrange(1, 1200)))
    out += both(s.UDP(sport=4000, dport=53) / s.DNS(qd=s.DNSQR(qname="wg-end.example.net")))
    out += both(s.UDP(sport=53, dport=4000) / s.DNS(qr=1, qd=s.DNSQR(qname="example.net"), an=s.DNSRR(rrname="example.net", rdata="192.0.2.1")))
    out += both(s.UDP(sport=PORT, dport=4000) / junk(32))
    for dst in ("192.168.1.10", "192.168.1.77", "198.51.100.99", "198.51.100.255", "255.255.255.255", "224.0.0.251"):
        out.append(eth / s.IP(src="198.51.100.7", dst=dst) / s.UDP(sport=4000, dport=PORT) / junk(32))
    for dst in ("2001:db8:1::1", "2001:db8:2::77", "ff02::fb", "fd00::1"):
        out.append(eth / s.IPv6(src="2001:db8:1::7", dst=dst) / s.UDP(sport=4000, dport=PORT) / junk(32))

    # Tunnels and other protocols
    inner = s.IP(src="10.0.0.1", dst="10.0.0.2") / s.ICMP()
    for payload in (s.ESP(spi=1, seq=1, data=junk(64)), s.AH(spi=1, seq=1, icv=junk(12)) / s.TCP(), s.GRE() / inner,
                    s.GRE(key_present=1, key=7) / inner, s.GRE(proto=0x6558) / s.Ether() / inner, s.SCTP() / junk(16),
                    s.UDP(dport=1701) / junk(20), s.UDP(dport=4789) / s.VXLAN(vni=7) / s.Ether() / inner):
        out += both(payload)
    for proto in (4, 41, 46, 89, 103, 112, 136, 253):
        out += [eth / s.IP(src="198.51.100.7", dst="198.51.100.1", proto=proto) / junk(40),
                eth / s.IPv6(src="2001:db8:1::7", dst="2001:db8:2::10", nh=proto) / junk(40)]

    # VLAN tags and PPPoE around packets that would otherwise be the services'
    for ours in (ours4, ours6):
        for tag in (s.Dot1Q(vlan=7), s.Dot1AD(vlan=9) / s.Dot1Q(vlan=7), s.Dot1Q(vlan=7) / s.Dot1Q(vlan=8)):
            out.append(eth / tag / ours / junk(32))
        out.append(eth / s.PPPoE(sessionid=5) / s.PPP(proto=0x21 if ours is ours4 else 0x57) / ours / junk(32))
    for code in (0x09, 0x07, 0x19, 0x65, 0xa7):
        out.append(s.Ether(src=CLIENT, dst="ff:ff:ff:ff:ff:ff") / s.PPPoED(code=code) / s.PPPoED_Tags(tag_list=[]) / junk(12))
    out.append(eth / s.Dot1Q(vlan=7) / s.PPPoE(sessionid=5) / s.PPP(proto=0x21) / ours4)

    # A priority tag, without a VLAN, in front of what is not for the services
    out += [eth / s.Dot1Q(vlan=0, prio=5) / frame.payload for frame in both(s.TCP(dport=443) / junk(20))]

    # Other EtherTypes and LLC
    for kind in (0x0842, 0x8035, 0x8137, 0x8847, 0x8848, 0x888e, 0x88cc, 0x88e5, 0x88f7, 0x9000, 0xffff, 0x0600):
        out.append(s.Ether(src=CLIENT, dst=FIREWALL, type=kind) / junk(46))
    out.append(s.Dot3(src=CLIENT, dst="01:80:c2:00:00:00") / s.LLC() / s.STP())
    out.append(s.Dot3(src=CLIENT, dst=FIREWALL) / s.LLC() / s.SNAP(OUI=0xc, code=0x2000) / junk(40))

    # Frames of the services with another MAC, forbidden sources or an expired TTL, and other packets' fragments
    for dst in (OTHER, "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"):
        out += [s.Ether(src=CLIENT, dst=dst) / ours / junk(32) for ours in (ours4, ours6)]
    for src in ("127.0.0.1", "224.0.0.1", "0.0.0.0", "255.255.255.255", "192.168.1.10", "198.51.100.1"):
        out.append(eth / s.IP(src=src, dst="198.51.100.1") / s.UDP(sport=4000, dport=PORT) / junk(32))
    for src in ("::", "::1", "ff02::1", "::ffff:192.0.2.1", "fe80::7", "2001:db8:2::10", "2001:db8:1::1"):
        out.append(eth / s.IPv6(src=src, dst="2001:db8:2::10") / s.UDP(sport=4000, dport=PORT) / junk(32))
    for hops in (0, 1):         # IPv6 only: packets to the firewall's own address are answered (icmp-parity.sh)
        out += [eth / s.IPv6(src="2001:db8:1::7", dst="2001:db8:2::10", hlim=hops) / s.UDP(sport=4000, dport=PORT) / junk(32)]
    out += [eth / part for part in s.fragment(v4 / s.UDP(sport=4000, dport=9) / junk(3000), 1200)]
    out += [eth / part for part in s.fragment6(v6 / s.IPv6ExtHdrFragment(id=7) / s.UDP(sport=4000, dport=9) / junk(3000), 1280)]
    out += [eth / v6 / s.IPv6ExtHdrRouting(addresses=["2001:db8:2::77"]) / s.TCP(), eth / v6 / s.IPv6ExtHdrDestOpt() / s.TCP()]

    raw = [bytes(frame) for frame in out]

    # Truncated at every byte of their headers, and with wrong lengths
    for ours in (ours4, ours6):
        whole = bytes(eth / ours / junk(32))
        raw += [whole[:size] for size in range(14, 14 + len(ours))]
        raw += [whole[:14] + junk(size) for size in (0, 1, 20, 60)]
    for at, values in ((14, (0x05, 0x44, 0x40, 0x65)), (16, (0x06, 0xff)), (17, (0, 19, 27))):    # version, total length
        for value in values:
            whole = bytearray(bytes(eth / ours4 / junk(32)))
            whole[at] = value
            raw.append(bytes(whole))
    for length in (0, 7, 41, 4000):                                                     # UDP length
        for ours, at in ((ours4, 38), (ours6, 58)):
            whole = bytearray(bytes(eth / ours / junk(32)))
            whole[at:at + 2] = struct.pack("!H", length)
            raw.append(bytes(whole))

    # Jumbo frames, but none to the service: these are fragmented, or their sender gets an error
    for size in (1600, 3000, 4100, 8000, 8900):
        raw += [bytes(frame) for frame in both(s.UDP(sport=4000, dport=9) / junk(size)) + both(s.TCP(dport=80) / junk(size)) +
                both(s.UDP(sport=4000, dport=PORT + 1) / junk(size))]

    rnd.shuffle(raw)
    return raw


# Like traffic between hosts on a LAN: frames by the firewall's bridge for another MAC
def bridged():
    from scapy import all as s
    out = []
    for n in range(10):
        for dst in (FIREWALL, OTHER):
            eth = s.Ether(src=CLIENT, dst=dst)
            for size in (0, 32, 1392):
                body = s.UDP(sport=4000, dport=PORT) / bytes([n] * size)
                answer = s.UDP(sport=PORT, dport=4000) / bytes([n] * size)
                out += [eth / s.IP(src="192.168.1.7", dst="192.168.1.10", id=n, ttl=1 + n) / body,
                        eth / s.IP(src="192.168.1.7", dst="192.168.1.1", id=n) / body,
                        eth / s.IP(src="192.168.1.7", dst="198.51.100.1", id=n) / body,
                        eth / s.IP(src="192.168.1.10", dst="192.168.1.7", id=n) / answer,
                        eth / s.IP(src="192.168.1.10", dst="198.51.100.7", id=n) / answer,
                        eth / s.IP(src="192.168.1.10", dst="198.51.100.7", id=n, flags="MF") / answer,
                        eth / s.IP(src="192.168.1.10", dst="198.51.100.7", id=n, frag=99) / bytes(40),
                        eth / s.IPv6(src="2001:db8:2::7", dst="2001:db8:2::10", hlim=1 + n) / body,
                        eth / s.IPv6(src="2001:db8:2::7", dst="2001:db8:2::1") / body,
                        eth / s.IPv6(src="2001:db8:2::10", dst="2001:db8:1::7") / answer]
    return [bytes(frame) for frame in out]


def turned(raw):
    macs = {bytes.fromhex(a.replace(":", "")): bytes.fromhex(b.replace(":", "")) for a, b in ((CLIENT, FIREWALL), (FIREWALL, CLIENT))}
    return [macs.get(f[:6], f[:6]) + macs.get(f[6:12], f[6:12]) + f[12:] for f in raw]


def write(path, raw):
    with open(path, "wb") as pcap:
        pcap.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for n, frame in enumerate(raw):
            pcap.write(struct.pack("<IIII", 0, n, len(frame), len(frame)) + frame)


def read(path):
    with open(path, "rb") as pcap:
        pcap.read(24)
        while header := pcap.read(16):
            yield pcap.read(struct.unpack("<IIII", header)[2])


def packet_socket(device):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)    # SO_RCVBUFFORCE
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    sock.bind((device, 3))
    return sock


# The kernel keeps a frame's outer VLAN tag separately: put it back into the frame
def whole(data, control):
    for _, kind, aux in control:
        if kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", aux)
            if status & 0x10:
                data = data[:12] + struct.pack("!HH", tpid if status & 0x40 else 0x8100, tci) + data[12:]
    return data


def catch(device, path, leaving=True):
    sock, raw = packet_socket(device), []
    if not leaving:                                     # PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC
        sock.setsockopt(SOL_PACKET, 1, struct.pack("IHH8s", socket.if_nametoindex(device), 1, 0, b""))
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
    sock.settimeout(0.1)
    print("catching", flush=True)
    while True:
        try:
            data, control, _, address = sock.recvmsg(70000, 256)
        except TimeoutError:
            if ending:
                break
            continue
        if address[2] == PACKET_OUTGOING if leaving else address[2] != PACKET_OUTGOING and data[6:11] == b"\2\0\0\0\0":
            raw.append(whole(data, control))
    write(path, raw)
    print(len(raw))


def send(path, device):
    out = FrameOut(device)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # on another CPU the next frame may overtake this one
    print(sum(out.send(frame) > 0 for frame in read(path)))


def main():
    command, args = sys.argv[1], sys.argv[2:]
    if command in ("make", "bridged"):
        raw = frames() if command == "make" else bridged()
        write(args[0], raw)
        print(len(raw))
    elif command == "turn":
        write(args[1], turned(read(args[0])))
    elif command == "send":
        send(*args)
    elif command == "catch":
        catch(*args)
    elif command == "capture":
        catch(*args, leaving=False)
    else:
        sys.exit(f"{command}?")


main()
