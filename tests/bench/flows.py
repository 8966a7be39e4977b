# SPDX-License-Identifier: GPL-2.0-or-later
"""Masquerading in the bench: services for each pair of families, the kernel's rules of the same meaning, and a relay with
a socket for each client. Also a program that looks up one of as many flows in an LRU_HASH (`lru lookup`).

    client 100.64.0.1, 2001:db8:64::1 -- wan0 firewall lan0 -- wg-end        shown as 192.168.1.1, 2001:db8:1::1

The data path makes one client's flow, from its packet and an answer. flows.c copies this flow into the tables 1,000,
20,000 or a million times, each time with a pool address of its own. So packets differ in four bytes of an address:
sixteen services with pools of their own would have the same keys except for these bytes. For an existing flow the data
path does not use the pool."""
import copy
import time

import topology as net

PORTS = {"44": 51844, "66": 51866, "46": 51846, "64": 51864, "new": 51899}      # a service for each pair of families, and one for newcomers
BACKEND_PORTS = {"44": 51820, "66": 51821, "46": 51820, "64": 51821, "new": 51820}     # 44 and 64, 46 and 66 have the same pool
CLIENT_PORT, SOCKET_PORT, LISTEN_PORT = 40000, 40001, 51820       # SOCKET_PORT and LISTEN_PORT belong to the user-space relay
MANY = {4: "100.80.0.1", 6: "2001:db8:65::1"}           # the first of 1,000 or a million clients,
MANY_OURS = {4: "10.0.0.1", 6: "2001:db8:aa::1"}        # and its address as the backend sees it
SOME, MILLION = 20000, 1000000
ROOM = 1048576                                          # for so many flows
COMPARED = (("original", 1), ("original", 1000), ("reply", 1))
NEWCOMERS = 100000
BARE = "bare redirect flows"

SERVICE = """  - name: m%s
    listen: { interface: wan0, ports: [ %d ] }
    backend: { %s, port: %d }
    nat: masquerade
    flows: { max: %d%s }
"""
BACKENDS = {4: "ipv4: " + net.BACKEND[4], 6: 'ipv6: "%s"' % net.BACKEND[6]}
# 516,096 ports of ours, so that newcomers seldom try more than one
POOL = ", ports: 1024-65535, source: [ %s ]" % ", ".join("192.168.1.%d" % n for n in range(101, 109))


def yaml(*services):
    text = "interfaces:\n  - { name: wan0, role: wan }\n  - { name: lan0, role: lan }\nservices:\n"
    for name, flows, more in services:
        text += SERVICE % (name, PORTS[name], BACKENDS[6 if name.endswith("6") else 4], BACKEND_PORTS[name], flows, more)
    return text


CONFIGS = {
    "masquerade": yaml(("44", 262144, ""), ("66", 262144, ""), ("46", 262144, ""), ("64", 262144, "")),
    "newcomers": yaml(("new", 262144, POOL)),
    "some44": yaml(("44", 262144, "")),
    "many44": yaml(("44", ROOM, "")),
    "many46": yaml(("46", ROOM, "")),
}

NFT = """table ip wgxdp_bench {
	counter original { }
	counter reply { }
	chain translate {
		type nat hook prerouting priority dstnat;
		iifname "wan0" ip daddr %s udp dport %d dnat to %s:%d
	}
	chain leave {
		type nat hook postrouting priority srcnat;
		oifname "lan0" ct status dnat masquerade
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		iifname "wan0" ct status & (snat | dnat) == snat | dnat counter name original accept
		iifname "wan0" ct state new ct status dnat accept
		iifname "lan0" ct state established,related counter name reply accept
	}
}
""" % (net.PUBLIC[4], PORTS["44"], net.BACKEND[4], BACKEND_PORTS["44"])


def rows(make, size):
    """The bare redirect of each variant beside them. Last what takes longest to set up: the next round begins with it."""
    made = []
    for name, state, family, direction, clients in (
            [(BARE, "masquerade", family, d, 1) for d in ("original", "reply") for family in (4, 6)] +
            [("wgxdp masquerade " + pair, "masquerade", int(pair[d == "reply"]), d, 1)
             for pair in ("44", "46", "64") for d in ("original", "reply")] +
            [(BARE, "masquerade", 4, "original", 1000)] +
            [("wgxdp masquerade " + pair, "masquerade", 4, "original", 1000) for pair in ("44", "46")] +
            [(BARE, "some44", 4, "original", SOME), ("wgxdp masquerade 44", "some44", 4, "original", SOME)] +
            [("wgxdp masquerade 44", "newcomers", 4, "newcomer", NEWCOMERS)] +
            [("nft masquerade", "nft-masquerade", 4, d, n) for d, n in COMPARED] +
            [("relay sockets", "sockets", 4, d, n) for d, n in COMPARED] +
            [("lru lookup", "lru", 4, "original", MILLION)] +
            [("wgxdp masquerade 46", "many46", 4, "original", MILLION)] +
            [(BARE, "many44", 4, d, MILLION) for d in ("original", "reply")] +
            [("wgxdp masquerade 44", "many44", 4, d, MILLION) for d in ("original", "reply")]):
        made.append(make(name, state, family, direction, size, clients))
    return made


STATES = tuple(CONFIGS) + ("nft-masquerade", "sockets", "lru")


def pair_of(row):
    return row.name.split()[-1] if row.name.startswith("wgxdp") else "44"


def service(row):
    return "mnew" if row.state == "newcomers" else "m" + pair_of(row)


def tuples(row):
    """A flow of this row's service, of the only client, or of the first of many; the families of both ends"""
    pair = pair_of(row)
    out, back = int(pair[0]), int(pair[1])
    written = row.clients > 1 and row.state not in ("newcomers", "nft-masquerade", "sockets")
    sockets = row.state == "sockets"
    return {"client": MANY[out] if written else net.FIRST_CLIENT[out], "client-port": CLIENT_PORT,
            "local": net.PUBLIC[out], "local-port": LISTEN_PORT if sockets else PORTS["new" if row.state == "newcomers" else pair],
            "ours": MANY_OURS[back] if written else net.LAN[back], "ours-port": SOCKET_PORT if sockets else CLIENT_PORT,
            "backend": net.BACKEND[back], "backend-port": BACKEND_PORTS[pair]}, out, back


def expectation(row):
    """As rounds.expectation()"""
    t, out, back = tuples(row)
    reply = row.direction == "reply"
    dmac, smac = net.frame_macs(0, reply)
    if reply:
        ends = {"src": t["backend"], "sport": t["backend-port"], "dst": t["ours"], "dport": t["ours-port"],
                "expect": t["local"], "expect-port": t["local-port"]}
    else:
        ends = {"src": t["client"], "sport": t["client-port"], "dst": t["local"], "dport": t["local-port"],
                "expect": t["backend"], "expect-port": t["backend-port"]}
    words = {"family": back if reply else out, "arrives": out if reply else back, "reply": int(reply), "slot": int(reply),
             "dmac": dmac, "smac": smac, "size": row.size, "clients": row.clients,
             "expect-ttl": 64 if row.state == "sockets" else 63, **ends}
    if row.direction == "newcomer":     # the answer arrives
        words.update({"arrives": out, "expect": t["local"], "expect-port": t["local-port"], "expect-source": 1, "expect-ttl": 62})
    return words


def quiet():
    """Until the machine has done what it does behind a command's back, such as to free a million flows"""
    def busy():
        with open("/proc/stat", encoding="ascii") as f:
            ticks = [int(n) for n in f.readline().split()[1:9]]
        return sum(ticks) - ticks[3] - ticks[4]

    for _ in range(50):
        before = busy()
        time.sleep(0.2)
        if busy() - before <= 4:
            return


def answered(row, meter, count):
    """So many clients' packets through the firewall, and answers to them"""
    return meter.ask("newcomers", netns=net.netns(net.END), dev="end0", count=count, **expectation(row))


def prepare(row, firewall, meter):
    """Prepares what a path needs before it is measured: flows (each found once), conntrack's entries, sockets."""
    original = copy.copy(row)
    original.direction, original.family = "original", int(pair_of(row)[0])
    if row.state in ("nft-masquerade", "sockets"):
        meter.carry(original, max(row.clients, 2))
    elif row.state == "newcomers":
        firewall.forget_flows()
    elif row.state == "lru":
        meter.ask("lru", netns=net.netns(net.FIREWALL), dev="wan0", to="lan0", entries=2 * ROOM, clients=row.clients, **tuples(row)[0])
    elif row.name.startswith("wgxdp"):
        first = copy.copy(original)
        first.direction, first.clients = "newcomer", 1
        for what, do in (((pair_of(row), 1), lambda: one(first, meter)),
                         ((pair_of(row), row.clients), lambda: many(original, firewall, meter))):
            if what not in firewall.flows:
                firewall.flows.add(what)
                do()


def one(row, meter):
    """The first packet of a way may meet what is not there yet"""
    for _ in range(5):
        got = answered(row, meter, 1)
        if got["sunk"]:
            return
    raise RuntimeError("%s: nobody is answered" % row.label())


def many(original, firewall, meter):
    meter.ask("flows", pins=firewall.pin(""), clients=original.clients, **tuples(original)[0])
    meter.carry(original, original.clients)
