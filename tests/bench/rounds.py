# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench's rows and their measurement. States of the firewall: wgxdp in each mode, with its daemon, as a relay, the
kernel, nft, user-space relays. One sample of a row, and the counters that prove which path carried its packets."""
import contextlib
import json
import os
import subprocess
import time

import blind
import flows
import guard
import sites
import topology as net

PORT, NONE_PORT, CLIENT_PORT, RELAY_PORT = 51820, 51821, 40000, 40001
SMALL, LARGE = 144, 1452        # UDP payload: a short WireGuard data message, and the longest of a tunnel of MTU 1420
LOST = 0.001                    # if more is lost, or carried by another path, the row is an error;
LOST_BY_USERS = 0.02            # a relay that must wait for its CPU loses some (its ns include their cost)
QUIET = 0.2                     # load of the other CPUs up to which a sample counts
INSTANCE = "bench"
WITHOUT = ", no express"        # ends the titles of rows with `--express off`
BOTH_WAYS = {                   # rows that are also measured so: their names and numbers of clients
    "wgxdp dnat ipv4": (1, 1000), "wgxdp dnat ipv6": (1, 1000), "wgxdp masquerade 44": (1, 1000, 20000, 1000000),
    "wgxdp masquerade 46": (1,), "wgxdp masquerade 64": (1,), "wgxdp blind 44": (1, 1000, 65536), "wgxdp blind 66": (1,),
    "wgxdp blind 44, 100,000 sites": (1000000,), "wgxdp route nic": (1, sites.SITES)}

CONFIG = """interfaces:
  - { name: wan0, role: wan }
  - { name: lan0, role: lan }
services:
  - name: dnat
    listen: { interface: wan0, ports: [ %d ] }
    backend: { ipv4: %s, ipv6: "%s", port: %d }
    nat: dnat
    ipv6: dnat
  - name: none
    backend: { ipv4: %s, ipv6: "%s", port: %d }
    nat: none
""" % (PORT, net.BACKEND[4], net.BACKEND[6], PORT, net.BACKEND[4], net.BACKEND[6], NONE_PORT)

# A limit that no single CPU reaches
RATES = {"rates": CONFIG + "rates: [ { service: dnat, from: 100 Gbit/s, to: 100 Gbit/s } ]\n"}

NFT = """table ip wgxdp_bench {
	counter original { }
	counter reply { }
	chain translate {
		type nat hook prerouting priority dstnat;
		iifname "wan0" ip daddr %s udp dport %d dnat to %s:%d
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		iifname "wan0" ct status dnat counter name original accept
		iifname "lan0" ct state established,related counter name reply accept
	}
}
""" % (net.PUBLIC[4], PORT, net.BACKEND[4], PORT)

WGXDP_STATES = ("native", "generic", "tc", "daemon", "rates") + tuple(sites.CONFIGS) + tuple(flows.CONFIGS) + tuple(guard.CONFIGS) + tuple(blind.CONFIGS)
DAEMON_STATES = ("daemon", "many44", "many46")
NFT_STATES = {"nft": NFT, "policy": sites.NFT, "nft-masquerade": flows.NFT, blind.NFT_STATE: blind.NFT}


def config_of(state):
    return {**RATES, **sites.CONFIGS, **flows.CONFIGS, **guard.CONFIGS, **blind.CONFIGS}.get(state, CONFIG)


class Row:
    """One line of the table: a path, a direction, a family, a packet size and a number of clients. With express=False, wgxdp
    runs with `--express off`."""

    def __init__(self, name, state, family, direction, size, clients, express=True):
        self.name, self.state, self.family, self.direction = name, state, family, direction
        self.size, self.clients, self.express = size, clients, express
        self.count = 0
        self.ns, self.ratios, self.errors = [], [], []

    def variant(self):
        return self.direction, self.family, self.size, self.clients

    def title(self):
        return self.name + ("" if self.express else WITHOUT)

    def is_bare(self):
        return self.name in ("bare redirect", flows.BARE, blind.BARE)

    def bare(self):
        """The row that its ratio is taken against."""
        return flows.BARE if self.state in flows.STATES else blind.BARE if self.state in blind.STATES else "bare redirect"

    def label(self):
        what = "destination" if self.state in sites.CONFIGS else "client"
        return "%s, %s, ipv%d, %d bytes, %d %s%s" % (self.title(), self.direction, self.family, self.size, self.clients, what,
                                                     "s" if self.clients > 1 else "")


def all_rows():
    """In the order in which a round visits them; the bare redirect of a variant comes beside wgxdp's rows of it. (With
    wgxdp up on the other path, its tracepoints cost the bare redirect 0.8 %; without, drift would cost far more.)"""
    rows = []
    variants = [(d, SMALL, c) for d in ("original", "reply") for c in (1, 1000, 20000)]
    variants += [(d, LARGE, 1) for d in ("original", "reply")]
    for direction, size, clients in variants:
        for name, state, family in (("bare redirect", "native", 4), ("wgxdp dnat ipv4", "native", 4),
                                    ("bare redirect", "native", 6), ("wgxdp dnat ipv6", "native", 6),
                                    ("wgxdp none ipv6", "native", 6)):
            rows.append(Row(name, state, family, direction, size, clients))
    rows += guard.rows(Row, SMALL)
    rows += [Row("wgxdp dnat ipv%d rates" % family, "rates", family, "original", SMALL, 1) for family in (4, 6)]
    for clients in (20000, 1000000):
        for name, state, family in (("bare redirect", "daemon", 4), ("wgxdp dnat ipv4 daemon", "daemon", 4),
                                    ("bare redirect", "daemon", 6), ("wgxdp dnat ipv6 daemon", "daemon", 6)):
            if clients > 20000 or name != "bare redirect":
                rows.append(Row(name, state, family, "reply", SMALL, clients))
    for name, state in (("wgxdp dnat ipv4 generic", "generic"), ("wgxdp dnat ipv4 tc", "tc"),
                        ("kernel forward", "forward"), ("nft dnat", "nft")):
        rows += [Row(name, state, 4, d, s, c) for d, s, c in variants if s == SMALL]
    rows += [Row("kernel forward", "forward", 6, d, SMALL, 1) for d in ("original", "reply")]
    for name, state in (("relay recvmmsg", "relay"), ("socat", "socat")):
        rows += [Row(name, state, 4, d, SMALL, 1) for d in ("original", "reply")]
    return both_ways(rows + site_rows() + flows.rows(Row, SMALL) + blind.rows(Row, SMALL))


def both_ways(rows):
    """Adds the rows without the express path, each after its twin."""
    made = []
    for r in rows:
        made.append(r)
        if r.size == SMALL and r.clients in BOTH_WAYS.get(r.name, ()):
            made.append(Row(r.name, r.state, r.family, r.direction, r.size, r.clients, False))
    return made


def site_rows():
    """Rows of the relay: between NICs (site), and between TUN devices (tunnel)."""
    rows = []
    for state, n in (("route", 1), ("routes", sites.SITES)):
        rows += [Row("bare redirect", state, 6, "site", SMALL, n), Row("wgxdp route nic", state, 6, "site", SMALL, n)]
    return rows + [Row("wgxdp route tunnel", "tunnel", 6, "tunnel", SMALL, 1),
                   Row("kernel forward nft policy", "policy", 6, "tunnel", SMALL, 1),
                   Row("kernel forward nft policy", "policy", 6, "site", SMALL, 1)]


def expectation(row):
    """The request's words for what the sender sends and what the path must have made of it."""
    if not row.is_bare() and (row.state in sites.CONFIGS or row.state == "policy"):
        return sites.expectation(row)
    if not row.is_bare() and row.state in flows.STATES:
        return flows.expectation(row)
    if not row.is_bare() and row.state in blind.STATES:
        return blind.expectation(row)
    public, backend, port, ttl = net.PUBLIC[row.family], net.BACKEND[row.family], PORT, 63
    reply = row.direction == "reply"
    to, client, client_port = public, net.FIRST_CLIENT[row.family], CLIENT_PORT
    arrives = public if reply else backend
    if row.is_bare():
        arrives, ttl = (backend if reply else public), 64
    elif row.name == guard.LOOKUP:
        arrives, ttl = public, 64
    elif row.state == "forward":
        to, arrives = backend, backend
    elif row.name.startswith("wgxdp none"):
        to, arrives, port = backend, backend, NONE_PORT
    elif row.state in ("relay", "socat"):
        ttl = 64
        if reply:
            client, client_port = net.LAN[4], RELAY_PORT
    src, sport, dst, dport = (backend, port, client, client_port) if reply else (client, client_port, to, port)
    path = 1 if row.is_bare() else 0
    dmac, smac = net.frame_macs(path, reply)
    return {"family": row.family, "reply": int(reply), "slot": 2 * path + reply, "dmac": dmac, "smac": smac,
            "src": src, "dst": dst, "sport": sport, "dport": dport, "size": row.size, "clients": row.clients,
            "expect": arrives, "expect-port": port, "expect-ttl": ttl}


class Meter:
    """The measuring process (bench.c): a line out, a line of JSON back."""

    def __init__(self, program, cpu, *only):
        self.process = subprocess.Popen([program, str(cpu), *only], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, word, **args):
        line = " ".join([word] + ["%s=%s" % (k.replace("_", "-"), v) for k, v in args.items() if v is not None])
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        result = json.loads(answer) if answer else {"error": "the measuring process ended"}
        if "error" in result:
            raise RuntimeError("%s: %s" % (line, result["error"]))
        return result

    def prepare(self):
        for path in (0, 1):
            for ns, dev, slot in ((net.CLIENT, "client", 0), (net.END, "end", 1)):
                where = {"netns": net.netns(ns), "dev": dev + str(path)}
                self.ask("sink", **where)
                self.ask("port", slot=2 * path + slot, **where)
            for dev, to in (("wan", "lan"), ("lan", "wan")):
                self.ask("cross", netns=net.netns(net.FIREWALL), dev=dev + str(path), to=to + str(path), bare=path)
        for side, dev in enumerate(sites.TUNS):
            self.ask("tun", netns=net.netns(net.FIREWALL), dev=dev, side=side)
        sites.make()

    def carry(self, row, count, helper=None):
        """Sends this many of a row's packets; returns the answer's counts."""
        if row.direction == "newcomer":
            return flows.answered(row, self, count)
        return self.ask("tunnel" if row.direction == "tunnel" else "live", count=count, helper=helper, **expectation(row))

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


class Firewall:
    """The namespace under test and its state. The states are native, generic, tc, daemon (native with the daemon),
    route and routes (a relay with one and with many), tunnel, forward, nft, policy, relay, socat, and those of
    flows.py and guard.py."""

    def __init__(self, wgxdp, relay, cpu, config, instance=INSTANCE):
        self.wgxdp, self.relay, self.cpu, self.config = os.path.abspath(wgxdp), relay, cpu, config
        self.instance = instance
        self.state = self.helper = self.daemon = None
        self.express = True     # whether wgxdp runs with its express path
        self.flows = set()      # existing flows: pair of families, clients

    def command(self, *words):
        return net.run(*net.inside(net.FIREWALL), *words)

    def up(self, state):
        mode = state if state in ("generic", "tc") else "native" if state not in sites.CONFIGS else "auto"
        self.command(self.wgxdp, "--instance", self.instance, "up", "-c", self.config, "--mode", mode,
                     "--express", "on" if self.express else "off")

    def become(self, state, express=True):
        if state != self.state:
            self.leave()
            self.begin(state)
        if state in WGXDP_STATES and express != self.express:
            self.express = express
            self.up(state)

    def begin(self, state):
        self.express = True
        if state in DAEMON_STATES:
            self.start_daemon(state)
        elif state in WGXDP_STATES:
            self.write_config(state)
            self.up(state)
        elif state in NFT_STATES:
            net.run(*net.inside(net.FIREWALL), "nft", "-f", "-", text=NFT_STATES[state])
        elif state in ("relay", "sockets"):
            self.start([self.relay, "%s:%d" % (net.PUBLIC[4], PORT), "%s:%d" % (net.BACKEND[4], PORT),
                        "%s:%d" % (net.LAN[4], RELAY_PORT)])
        elif state == "socat":
            room = "rcvbuf=4194304"     # or as much as rmem_max allows: a packet of the bench occupies a page
            self.start(["socat", "UDP4-LISTEN:%d,bind=%s,%s" % (PORT, net.PUBLIC[4], room),
                        "UDP4:%s:%d,bind=%s:%d,%s" % (net.BACKEND[4], PORT, net.LAN[4], RELAY_PORT, room)])
        self.state = state

    def write_config(self, state):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(config_of(state))

    def down(self):
        self.command(self.wgxdp, "--instance", self.instance, "down")

    def start(self, words):
        """On the measured CPU, ahead of the sender: it takes what has arrived before more is sent, so nothing is lost."""
        words = net.inside(net.FIREWALL) + ["taskset", "-c", str(self.cpu), "chrt", "-f", "10"] + words
        self.helper = subprocess.Popen(words)
        for _ in range(200):
            if ":%d " % PORT in self.command("ss", "-Hlnu") or self.helper.poll() is not None:
                break
            time.sleep(0.01)
        if self.helper.poll() is not None:
            raise RuntimeError("%s: exit %d" % (" ".join(words), self.helper.returncode))

    def start_daemon(self, state):
        """On any other CPU: it sleeps except for a heartbeat a second."""
        self.write_config(state)
        self.daemon = subprocess.Popen(net.inside(net.FIREWALL) + [self.wgxdp, "--instance", self.instance, "daemon", "-c",
                                                                   self.config], stdout=subprocess.DEVNULL)
        for _ in range(200):
            try:
                if self.show()["services"]:
                    break
            except RuntimeError:
                time.sleep(0.05)
        time.sleep(0.2)         # work that it does once, after `up`

    def leave(self):
        state, self.state, self.flows = self.state, None, set()
        if self.helper:
            self.helper.terminate()
            self.helper.wait()
            self.helper = None
        if state in WGXDP_STATES:
            self.down()
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
            self.daemon = None
        if state in ("lru", guard.LOOKUP):
            net.run("ip", "-n", net.FIREWALL, "link", "set", "wan0", "xdp", "off")
        if state in ("many44", "many46"):
            flows.quiet()       # frees a million of them
        if state in NFT_STATES:
            self.command("nft", "delete", "table", *NFT_STATES[state].split()[1:3])

    def pin(self, name):
        return "/sys/fs/bpf/wgxdp/%s/%s" % (self.instance, name)

    def forget_flows(self):
        if self.show("flows")["flows"]:
            self.command(self.wgxdp, "--instance", self.instance, "flow", "del", "--all")

    # ---- counters that prove a path ----

    def show(self, *what):
        return json.loads(self.command(self.wgxdp, "--instance", self.instance, "show", *what, "--json"))

    def xdp_redirects(self, dev):
        for line in self.command("ethtool", "-S", dev).splitlines():
            if line.strip().startswith("rx_queue_0_xdp_redirect:"):
                return int(line.split(":")[1])
        raise RuntimeError("ethtool -S %s: no rx_queue_0_xdp_redirect" % dev)

    def nft_counter(self, name):
        for entry in json.loads(self.command("nft", "-j", "list", "counters", "table", "ip", "wgxdp_bench"))["nftables"]:
            if entry.get("counter", {}).get("name") == name:
                return entry["counter"]["packets"]
        raise RuntimeError("nft: no counter " + name)

    def snmp(self, *names):
        text = self.command("cat", "/proc/net/snmp", "/proc/net/snmp6").splitlines()
        values = {}
        for keys, numbers in zip(text, text[1:]):
            if keys.split(":")[0] == numbers.split(":")[0] and ":" in keys:
                kind = keys.split(":")[0]
                values.update(zip([kind + k for k in keys.split()[1:]], numbers.split()[1:]))
        values.update(line.split() for line in text if line.startswith("Ip6"))
        return [(n, int(values[n])) for n in names]

    def proof(self, row):
        """(what counts, how much): read before and after a sample."""
        if row.is_bare():
            dev = "lan1" if row.direction == "reply" else "wan1"
            return [("ethtool %s xdp_redirect" % dev, self.xdp_redirects(dev))]
        if row.name.startswith("wgxdp"):
            return self.wgxdp_proof(row)
        if row.state == "forward":
            return self.snmp("IpForwDatagrams" if row.family == 4 else "Ip6OutForwDatagrams")
        if row.state == "policy":
            return self.snmp("Ip6OutForwDatagrams")
        if row.state in ("lru", guard.LOOKUP):
            return [("ethtool wan0 xdp_redirect", self.xdp_redirects("wan0"))]
        if row.state in ("nft", "nft-masquerade", blind.NFT_STATE):
            return [("nft counter " + row.direction, self.nft_counter(row.direction))]
        return self.snmp("UdpInDatagrams", "UdpOutDatagrams")

    def site_proof(self, row):
        name = "tun0" if row.state == "tunnel" else "a"
        rx = [p for p in self.show("peers")["peers"] if p["name"] == name][0]["rx"]
        if row.state == "tunnel":
            return [("show: peer %s, forwarded by tc" % name, rx["forwarded_tc"])]
        return [("show: peer %s, forwarded by XDP" % name, rx["forwarded_xdp"]),
                ("ethtool wan0 xdp_redirect", self.xdp_redirects("wan0"))]

    def wgxdp_proof(self, row):
        if row.state in sites.CONFIGS:
            return self.site_proof(row)
        shown = self.show()
        modes = {i["name"]: i["mode"] for i in shown["interfaces"]}
        mode = row.state if row.state in ("generic", "tc") else "native"
        if any(modes.get(dev) != mode for dev in ("wan0", "lan0")):
            raise RuntimeError("wgxdp's interfaces are in mode %s, not %s" % (modes, mode))
        name = flows.service(row) if row.state in flows.STATES else "blind" if row.state in blind.CONFIGS else "none" if row.name.startswith("wgxdp none") else "dnat"
        service = [s for s in shown["services"] if s["name"] == name][0]
        if row.direction == "newcomer":
            return [("show: %s.%s" % (name, what), value) for what, value in (
                ("original.forwarded", service["original"]["forwarded"]), ("reply.forwarded", service["reply"]["forwarded"]),
                ("flows", service["flows"]))]
        counts = [("show: %s.%s.forwarded" % (name, row.direction), service[row.direction]["forwarded"])]
        dev = "wan0" if row.direction == "original" else "lan0"
        if mode == "native":
            counts.append(("ethtool %s xdp_redirect" % dev, self.xdp_redirects(dev)))
        return counts


def prime(row, firewall, meter):
    """Flows that a path must know first: conntrack's, and the client of a user-space relay."""
    if row.state in flows.STATES and not row.is_bare():
        flows.prepare(row, firewall, meter)
    if not row.is_bare():
        guard.prepare(row, firewall, meter, expectation(row))
        blind.prepare(row, firewall, meter)
    if row.state == "nft" or (row.state in ("relay", "socat") and row.direction == "reply"):
        first = Row(row.name, row.state, row.family, "original", row.size, row.clients)
        meter.carry(first, max(row.clients, 2))
    if row.state == "policy":   # an answer makes the connection established
        meter.carry(row, 2)
        meter.ask("tunnel" if row.direction == "tunnel" else "live", count=2, **sites.answer(row))


class Neighbours:
    """Watches the machine: other load slows every packet. Such samples are repeated, within the time limit of the whole
    run (seconds). The decision does not look at the result."""

    def __init__(self, cpu, patience):
        self.own, self.patience, self.loads = "cpu%d" % cpu, patience, []

    def ticks(self):
        busy = total = 0
        with open("/proc/stat", encoding="ascii") as f:
            for name, *values in (line.split() for line in f if line.startswith("cpu")):
                if name not in ("cpu", self.own):
                    values = [int(v) for v in values[:8]]
                    total += sum(values)
                    busy += sum(values) - values[3] - values[4]
        return busy, total

    def watch(self, measure):
        while True:
            (busy, total), began = self.ticks(), time.monotonic()
            result = measure()
            new_busy, new_total = self.ticks()
            load = (new_busy - busy) / max(new_total - total, 1)
            if load <= QUIET or self.patience <= 0:
                self.loads.append(load)
                return result
            self.patience -= time.monotonic() - began


def sample(row, firewall, meter, secs):
    """One visit; returns ns a packet, or None with the reason in row.errors."""
    firewall.become(row.state, row.express)
    prime(row, firewall, meter)
    helper = firewall.helper.pid if firewall.helper else None
    if row.direction == "newcomer":
        row.count = row.clients
    if not row.count:       # derives a packet count for so many seconds from a short trial
        ns = meter.carry(row, 20000, helper)["ns"]
        row.count = int(secs * 1e9 / (ns or 1000))
    before = firewall.proof(row)
    got = meter.carry(row, row.count, helper)
    bad = []
    if got["sent"] < row.count or got["sunk"] < got["sent"] * (1 - (LOST_BY_USERS if helper else LOST)) or got["other"]:
        bad.append("sent %(sent)d, sunk %(sunk)d, arrived but not as they should %(other)d" % got)
    for (what, old), (_, new) in zip(before, firewall.proof(row)):
        if abs(new - old - got["sunk"]) > got["sunk"] * LOST:
            bad.append("%s counted %d of %d that arrived" % (what, new - old, got["sunk"]))
    row.errors += bad
    return None if bad else got["ns"]


def one_round(rows, firewall, meter, neighbours, secs, backwards):
    """Every row once. The order turns from round to round, so that drift hits both sides of a ratio."""
    order = rows[::-1] if backwards else rows
    measured = {row: neighbours.watch(lambda row=row: sample(row, firewall, meter, secs)) for row in order}
    bare = {(row.name,) + row.variant(): ns for row, ns in measured.items() if row.is_bare()}
    for row, ns in measured.items():
        base = bare.get((row.bare(),) + row.variant())
        if ns:
            row.ns.append(ns)
        if ns and base:
            row.ratios.append(base / ns)
