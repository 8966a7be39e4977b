# SPDX-License-Identifier: GPL-2.0-or-later
"""The relay in the bench: sites behind the NICs of path 0 and behind two TUN devices, their configuration, and the
kernel's rules of the same meaning. An IPv6 overlay of a /48; site n has its nth /64.

    site ffff -- client0 -- wan0 firewall lan0 -- end0 -- sites 0 to fffe
    site fffe ------------- tun0          tun1 ---------- site fffd          (both held by the measuring process)
"""
import topology as net

OVERLAY = "fd12:3456:789a"
SITES = 0xffff                  # behind lan0 in the row with many: with the one behind wan0, all /64s of the overlay
SITES_OF_PEER = 4096
PORT = 58000
TUNS = {"tun0": 0xfffe, "tun1": 0xfffd}


def prefix(site):
    return "%s:%x::/64" % (OVERLAY, site)


def host(site):
    return "%s:%x::1" % (OVERLAY, site)


def yaml(peers):
    """peers: (name, device, sites) each"""
    text = "peers:\n"
    for name, device, sites in peers:
        text += "  - { name: %s, device: %s, prefixes: [ %s ] }\n" % (
            name, device, ", ".join('"%s"' % prefix(site) for site in sites))
    return text + 'policy: { overlay: "%s::/48" }\n' % OVERLAY


def many():
    return [("b%d" % at, "lan0", range(at, min(at + SITES_OF_PEER, SITES))) for at in range(0, SITES, SITES_OF_PEER)]


CONFIGS = {
    "route": yaml([("a", "wan0", [SITES]), ("b", "lan0", [0])]),
    "routes": yaml([("a", "wan0", [SITES])] + many()),
    "tunnel": yaml([(name, name, [site]) for name, site in TUNS.items()]),
}

NFT = """table inet wgxdp_bench {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state vmap { invalid : drop, established : accept, related : accept }
		iifname { wan0, tun0 } oifname { lan0, tun1 } ip6 daddr %s::/48 udp dport 58000-60000 counter accept
		iifname { wan0, tun0 } oifname { lan0, tun1 } ip6 daddr %s::/48 icmpv6 type { echo-request, echo-reply,
			destination-unreachable, packet-too-big, time-exceeded, parameter-problem } counter accept
		counter reject with icmpx admin-prohibited
	}
}
""" % (OVERLAY, OVERLAY)


def make():
    """The firewall's routes to the sites; tun0 and tun1 are there already."""
    text = "route add %s::/48 via 2001:db8:1::10 dev lan0\nroute add %s via 2001:db8:51::2 dev wan0\n" % (
        OVERLAY, prefix(SITES))
    for device, site in TUNS.items():
        text += "link set %s up\nroute add %s dev %s\n" % (device, prefix(site), device)
    net.run("ip", "-n", net.FIREWALL, "-batch", "-", text=text)


def expectation(row):
    """As rounds.expectation()"""
    to_tunnel = row.direction == "tunnel"
    src, dst = (TUNS["tun0"], TUNS["tun1"]) if to_tunnel else (SITES, 0)
    dmac, smac = net.frame_macs(0, False)
    # bytes 4 to 7 of the destination name the site; the path must not change the source
    return {"family": 6, "from": 0, "reply": 1, "vary": 4, "slot": 0, "dmac": dmac, "smac": smac,
            "src": host(src), "dst": host(dst), "sport": PORT + 1, "dport": PORT, "size": row.size, "clients": row.clients,
            "expect": host(src), "expect-port": PORT + 1, "expect-ttl": 63}


def answer(row):
    """Returns the destination's answer to such a packet."""
    there = expectation(row)
    dmac, smac = net.frame_macs(0, True)
    return dict(there, **{"from": 1, "slot": 1, "dmac": dmac, "smac": smac, "src": there["dst"], "dst": there["src"],
                          "sport": PORT, "dport": PORT + 1, "expect": there["dst"], "expect-port": PORT, "clients": 1})
