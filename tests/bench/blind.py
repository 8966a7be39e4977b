# SPDX-License-Identifier: GPL-2.0-or-later
"""The blind relay in the bench: data between two sites, of one session and of 65,536, and of 1,000 sites to one, within a family and
across. Sites and sessions are written into the maps, as the daemon and handshakes would. Beside it stateless rules of nft's that do the same
within IPv4: a session's data, by source, port and receiver index, gets both ends of its way from maps."""
import ipaddress

import topology as net

PORT, CLIENT_PORT, SITE_PORT = 51820, 40000, 51821
SITES, SESSIONS = 1000, 65536
MANY_SITES, MILLION = 100000, 1000000
BARE = "bare redirect blind"
LEAST_OVER_ROUTED = 10
INDEX_FROM_SOURCE = 20          # bytes from IPv4's source address to the receiver index of a data message

CONFIG = """interfaces:
  - { name: wan0, role: wan }
  - { name: lan0, role: lan }
blind:
  listen: { interface: wan0, port: %d }
  device: wg-none
  sites: [ %s ]
"""
STATE, LARGE, NFT_STATE = "blind", "blind-large", "nft-maps"
STATES = STATE, LARGE, NFT_STATE
CONFIGS = {state: CONFIG % (PORT, ", ".join("s%d" % n for n in range(sites))) for state, sites in ((STATE, SITES), (LARGE, MANY_SITES))}
LEAST_OF_FEW = 0.5

FIRST_INDEX = 0x626e6368        # in the bench's packets
SESSION = "ip saddr . udp sport . @th,96,32"
NFT = """table ip wgxdp_bench {
	counter original { }
	map addresses { typeof %s : ip daddr; flags timeout; timeout 1h; size %d; }
	map ports { typeof %s : udp dport; flags timeout; timeout 1h; size %d; }
	chain arrive {
		type filter hook prerouting priority raw - 10;
		iifname "wan0" ip daddr %s udp dport %d @th,64,32 0x04000000 jump translate
	}
	chain translate {
		ip daddr set %s map @addresses udp dport set %s map @ports notrack meta mark set 1
	}
	chain leave {
		type filter hook postrouting priority srcnat;
		meta mark 1 ip saddr set %s udp sport set %d counter name original
	}
}
""" % (SESSION, 2 * SESSIONS, SESSION, 2 * SESSIONS, net.PUBLIC[4], PORT, SESSION, SESSION, net.LAN[4], PORT)


def rows(make, size):
    """The bare redirect of each variant beside them"""
    made = []
    for clients, pairs in ((1, ("44", "66", "46", "64")), (SITES, ("44",)), (SESSIONS, ("44",))):
        for family in sorted({int(pair[0]) for pair in pairs}):
            made.append(make(BARE, STATE, family, "original", size, clients))
        made += [make("wgxdp blind " + pair, STATE, int(pair[0]), "original", size, clients) for pair in pairs]
    made.append(make(BARE, STATE, 4, "original", size, MILLION))
    made += [make("wgxdp blind 44, 100,000 sites", LARGE, 4, "original", size, clients) for clients in (1, MILLION)]
    return made + [make("nft maps", NFT_STATE, 4, "original", size, clients) for clients in (1, SITES, SESSIONS)]


def tuples(row):
    out, back = (4, 4) if row.state in (NFT_STATE, LARGE) else (int(f) for f in row.name.split()[-1])
    return {"client": net.FIRST_CLIENT[out], "client-port": CLIENT_PORT, "local": net.PUBLIC[out], "ours": net.LAN[back],
            "backend": net.BACKEND[back], "backend-port": SITE_PORT}, out, back


def expectation(row):
    """As rounds.expectation()"""
    t, out, back = tuples(row)
    dmac, smac = net.frame_macs(0, False)
    words = {"family": out, "arrives": back, "reply": 0, "slot": 0, "dmac": dmac, "smac": smac, "size": row.size, "clients": row.clients,
             "src": t["client"], "sport": t["client-port"], "dst": t["local"], "dport": PORT, "expect": t["backend"],
             "expect-port": t["backend-port"], "expect-ttl": 63}
    if row.clients in (SESSIONS, MILLION):
        words["vary"] = INDEX_FROM_SOURCE
    return words


def nft_sessions(clients):
    """Returns the contents of the maps, for nft."""
    first, by_index, text = ipaddress.ip_address(net.FIRST_CLIENT[4]), clients == SESSIONS, ""
    keys = ["%s . %d . 0x%x" % (first + (0 if by_index else n), CLIENT_PORT, FIRST_INDEX + (n if by_index else 0)) for n in range(clients)]
    for name, value in (("addresses", net.BACKEND[4]), ("ports", SITE_PORT)):
        text += "flush map ip wgxdp_bench %s\n" % name
        text += "add element ip wgxdp_bench %s { %s }\n" % (name, ", ".join("%s : %s" % (key, value) for key in keys))
    return text


def prepare(row, firewall, meter):
    what = row.name, row.clients
    if row.state not in STATES or what in firewall.flows:
        return
    firewall.flows.clear()          # then the maps are another variant's
    firewall.flows.add(what)
    if row.state == NFT_STATE:
        net.run(*net.inside(net.FIREWALL), "nft", "-f", "-", text=nft_sessions(row.clients))
    else:
        meter.ask("sessions", pins=firewall.pin(""), clients=row.clients, by_index=int(row.clients in (SESSIONS, MILLION)),
                  **tuples(row)[0])


def limits(rows, limit, size, routed):
    def ratio(name, family, clients):
        return rows.get((name, "original", family, size, clients), {}).get("ratio_to_bare")

    for name, family, clients, least in (("wgxdp blind 44", "ipv4", 1, 0.85), ("wgxdp blind 66", "ipv6", 1, 0.85),
                                         ("wgxdp blind 44", "ipv4", SITES, 0.75), ("wgxdp blind 44", "ipv4", SESSIONS, 0.75),
                                         ("wgxdp blind 46", "ipv4", 1, 0.78), ("wgxdp blind 64", "ipv6", 1, 0.78)):
        limit("%s, %d sessions: ratio to bare redirect" % (name, clients), ratio(name, family, clients), lambda v, least=least: v >= least,
              ">= %.2f" % least)
    few, million = (rows.get(("wgxdp blind 44, 100,000 sites", "original", "ipv4", size, n), {}).get("ns") for n in (1, MILLION))
    limit("wgxdp blind: packets a CPU second with a million sessions over those with one", few / million if few and million else None,
          lambda v: v >= LEAST_OF_FEW, ">= %.1f" % LEAST_OF_FEW)
    ns = rows.get(("wgxdp blind 44", "original", "ipv4", size, 1), {}).get("ns")
    limit("wgxdp blind 44: packets a CPU second over those of wireguard-go that decrypts and encrypts", routed["ns"] / ns if routed and ns else None,
          lambda v: v >= LEAST_OVER_ROUTED, ">= %d" % LEAST_OVER_ROUTED)
