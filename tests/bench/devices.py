# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench between real machines: a sender's host, and this host, which forwards from NIC A to NIC B.

    sender's host                          this host
    first device   198.18.0.2  --------->  A 198.18.0.1      [under test]
    second device  198.19.0.2  <---------  B 198.19.0.1

The addresses are those that RFC 2544 and RFC 5180 reserve for benchmarks. The sender raises the rate until packets are
lost, and a search between the last two rates follows. All changes are on a stack, so an end in any way undoes them."""
import contextlib
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time

import rounds
import sender
import topology as net

CLIENT = {4: "198.18.0.2", 6: "2001:2:0:1::2"}
AT_A = {4: "198.18.0.1", 6: "2001:2:0:1::1"}
AT_B = {4: "198.19.0.1", 6: "2001:2:0:2::1"}
SINK = {4: "198.19.0.2", 6: "2001:2:0:2::2"}
BITS = {4: 24, 6: 64}
PORTS = {"dnat": 51820, "none": 51821, "masquerade": 51822}
CLIENTS = 64            # source ports, so that NICs spread the packets over their queues
LEAST_RATE = 1000       # packets/s
STEPS = 5               # trials of the search after the first loss
SETTLED = 1.5           # seconds after which the statistics of a NIC are up to date
SLOW = 0.95             # a sender that reaches less of the asked rate is slow,
PATIENCE = 2            # and the limit if it is slow in so many trials on end
BARE, NFT = "bare redirect", "nft dnat"

SERVICE = """  - name: %s
    backend: { ipv4: %s, ipv6: "%s", port: %d }
    nat: %s
"""
LISTEN = '    listen: { addresses: [ %s, "%s" ], ports: [ %d ] }\n'

RULES = """table inet wgxdp_bench {
	counter original { }
	chain translate {
		type nat hook prerouting priority dstnat;
		iifname "%s" ip daddr %s udp dport %d dnat ip to %s:%d
		iifname "%s" ip6 daddr %s udp dport %d dnat ip6 to [%s]:%d
	}
	chain forward {
		type filter hook forward priority filter;
		iifname "%s" ct status dnat counter name original accept
	}
}
"""


def all_rows():
    names = [(BARE, "bare")] + [("wgxdp " + nat, nat) for nat in PORTS] + [(NFT, "nft")]
    return [rounds.Row(name, state, family, "original", rounds.SMALL, CLIENTS)
            for family in (4, 6) for name, state in names]


def label(row):
    return "%s, ipv%d" % (row.name, row.family)


class Far:
    """The program sender.py on the sender's host: a line of JSON out, a line back"""

    BEGIN = "import sys; exec(sys.stdin.read(int(sys.stdin.readline())))"

    def __init__(self, host):
        python = ["python3", "-c", self.BEGIN]
        if host.startswith("local:"):
            words = net.inside(host.partition(":")[2]) + python
        elif " " in host:
            words = shlex.split(host) + python
        else:
            words = ["ssh", "-oBatchMode=yes", host, shlex.join(python)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with open(sender.__file__, encoding="ascii") as f:
            text = f.read()
        self.write("%d\n%s" % (len(text), text))

    def write(self, text):
        try:
            self.process.stdin.write(text)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def ask(self, do, **more):
        self.write(json.dumps(dict(more, do=do)) + "\n")
        answer = self.process.stdout.readline()
        result = json.loads(answer) if answer else {"error": "no answer: check that you can log in without a password"}
        if "error" in result:
            raise RuntimeError("--sender: " + result["error"])
        return result

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


class Setup:
    """Both hosts while the bench runs. `undo` puts back every change."""

    def __init__(self, args, undo, build):
        self.a, self.b = args.devices.split(",")
        self.from_, self.to = args.sender_devices.split(",")
        self.wgxdp, self.config = os.path.join(build, "wgxdp"), os.path.join(build, "bench-devices.yaml")
        self.undo, self.modes = undo, {}
        self.far = Far(args.sender)
        undo.callback(self.far.end)
        self.there = self.far.ask("begin", dev=self.from_, sink=self.to, drop=list(SINK.values()))
        self.macs = {dev: sender.link(dev)["address"] for dev in (self.a, self.b) if not self.missing(dev)}

    @staticmethod
    def missing(dev):
        return subprocess.run(["ip", "link", "show", dev], capture_output=True, check=False).returncode

    def refusal(self):
        """Returns why the bench must not use the devices of this host, or None."""
        peers = sender.ssh_peers() | set(self.there["reached_at"])
        for dev in (self.a, self.b):
            reason = sender.unusable(dev, peers)
            if reason:
                return "--devices: " + reason
            for family in ("ipv4", "ipv6"):
                name = "net.%s.conf.%s.forwarding" % (family, dev.replace(".", "/"))
                if net.run("sysctl", "-n", name).strip() == "0":
                    return "%s is 0: this host must forward: sysctl -w %s=1" % (name, name)
        return None

    def change(self, words, back):
        net.run(*words)
        self.undo.callback(subprocess.run, back, stderr=subprocess.DEVNULL, check=False)

    def prepare(self):
        for family in (4, 6):
            for dev, own in ((self.a, AT_A), (self.b, AT_B)):
                prefix = "%s/%d" % (own[family], BITS[family])
                nodad = ["nodad"] if family == 6 else []
                self.change(["ip", "address", "add", prefix, "dev", dev] + nodad,
                            ["ip", "address", "del", prefix, "dev", dev])
            for dev, host, mac in ((self.a, CLIENT, "mac"), (self.b, SINK, "sink_mac")):
                self.change(["ip", "neighbour", "add", host[family], "lladdr", self.there[mac], "dev", dev],
                            ["ip", "neighbour", "del", host[family], "dev", dev])

    def stream(self, row):
        to = SINK if row.state == "none" else AT_A
        return {"dev": self.from_, "dmac": self.macs[self.a], "smac": self.there["mac"], "family": row.family,
                "src": CLIENT[row.family], "dst": to[row.family], "sport": sender.FIRST_PORT,
                "dport": PORTS.get(row.state, PORTS["dnat"]), "size": row.size, "clients": row.clients}

    # ---- the ways that are measured ----

    @contextlib.contextmanager
    def state(self, row, meter):
        """The forwarder as this row needs it"""
        if row.state == "bare":
            with contextlib.ExitStack() as off:
                for dev in {self.a, self.b}:
                    off.callback(subprocess.run, ["ip", "link", "set", "dev", dev, "xdpdrv", "off"], check=False)
                meter.ask("hop", dev=self.a, to=self.b, dmac=self.there["sink_mac"], smac=self.macs[self.b])
                yield lambda: None
        elif row.state == "nft":
            dnat = (self.a, AT_A[4], PORTS["dnat"], SINK[4], PORTS["dnat"],
                    self.a, AT_A[6], PORTS["dnat"], SINK[6], PORTS["dnat"], self.a)
            try:
                net.run("nft", "-f", "-", text=RULES % dnat)
                yield self.nft_count
            finally:
                subprocess.run(["nft", "delete", "table", "inet", "wgxdp_bench"], check=False)
        else:
            try:
                self.command("up", "-c", self.config)
                shown = json.loads(self.command("show", "interfaces", "--json"))["interfaces"]
                self.modes = {i["name"]: i["mode"] for i in shown}
                self.make_flows(row)
                yield lambda: self.forwarded(row)
            finally:
                self.command("down")

    def command(self, *words):
        return net.run(self.wgxdp, "--instance", rounds.INSTANCE, *words)

    def write_config(self):
        devices = [(self.a, "wan")] + [(self.b, "lan")] * (self.a != self.b)
        text = "interfaces: [ %s ]\nservices:\n" % ", ".join("{ name: %s, role: %s }" % pair for pair in devices)
        for nat, port in PORTS.items():
            text += SERVICE % (nat, SINK[4], SINK[6], port, nat)
            text += "    ipv6: dnat\n" if nat == "dnat" else ""
            text += LISTEN % (AT_A[4], AT_A[6], port) if nat != "none" else ""
        with open(self.config, "w", encoding="ascii") as f:
            f.write(text)

    def make_flows(self, row):
        """A flow of a masquerading service lives only if the backend answers."""
        if row.state != "masquerade":
            return
        got = self.far.ask("converse", stream=self.stream(row), sink=self.to)
        flows = json.loads(self.command("show", "flows", "--json"))["flows"]
        if len(flows) != row.clients:
            raise RuntimeError("%d of %d packets arrived at the sink and made %d flows" % (got["answered"], row.clients, len(flows)))

    def forwarded(self, row):
        services = json.loads(self.command("show", "services", "--json"))["services"]
        return next(s["original"]["forwarded"] for s in services if s["name"] == row.state)

    @staticmethod
    def nft_count():
        shown = json.loads(net.run("nft", "-j", "list", "counters", "table", "inet", "wgxdp_bench"))["nftables"]
        return next(e["counter"]["packets"] for e in shown if "counter" in e)


# ---- measuring ----

def busy():
    """Seconds that the CPUs of this host have worked"""
    with open("/proc/stat", encoding="ascii") as f:
        values = [int(v) for v in f.readline().split()[1:9]]
    return (sum(values) - values[3] - values[4]) / os.sysconf("SC_CLK_TCK")


def settle(far, dev, before, sent):
    """Returns the packets that arrived, when no more come."""
    arrived, since = -1, time.monotonic()
    while time.monotonic() - since < SETTLED:
        now = far.ask("count", dev=dev)["rx"] - before
        if now != arrived:
            arrived, since = now, time.monotonic()
        if now >= sent:
            break
        time.sleep(0.1)
    return min(arrived, sent)


def trial(setup, row, rate, secs):
    """Sends at this rate, and returns what came of it."""
    far, here = setup.far, {dev: sender.counters(dev) for dev in (setup.a, setup.b)}
    before, work = far.ask("count", dev=setup.to)["rx"], busy()
    got = far.ask("send", stream=setup.stream(row), rate=rate, secs=secs)
    work = busy() - work
    arrived = settle(far, setup.to, before, got["sent"])
    now = {dev: sender.counters(dev) for dev in (setup.a, setup.b)}
    return {"rate": rate, "sent": got["sent"], "received": arrived, "lost": got["sent"] - arrived,
            "pps": round(arrived / got["secs"]), "cpus": round(work / got["secs"], 3),
            "ns": round(work * 1e9 / arrived, 1) if arrived else None,
            "a_dropped": now[setup.a]["rx_dropped"] - here[setup.a]["rx_dropped"],
            "b_dropped": now[setup.b]["tx_dropped"] - here[setup.b]["tx_dropped"]}


def is_good(t):
    return t["received"] and t["lost"] <= t["sent"] * rounds.LOST


def search(try_rate, rate):
    """Returns the trial with the highest rate without loss, and what limits it; None: packets are lost at every
    rate."""
    def attempt(at):        # a second trial after a loss: the reason may be other work of a host
        t = try_rate(at)
        return t if is_good(t) else try_rate(at)

    good, bad, slow = None, None, 0
    while not bad:
        t = attempt(rate)
        if not is_good(t):
            bad = rate
            continue
        slow = slow + 1 if t["pps"] < rate * SLOW else 0
        good, rate = max(good or t, t, key=lambda t: t["pps"]), rate * 2
        if slow == PATIENCE:
            break
    while not good and bad > LEAST_RATE:        # the first rate was too high
        t = attempt(bad / 2)
        good, bad = (t, bad) if is_good(t) else (None, bad / 2)
    for _ in range(STEPS if good and bad else 0):
        t = attempt((good["rate"] + bad) / 2)
        if is_good(t):
            good = t
        else:
            bad = t["rate"]
    return good, "sender" if good and good["pps"] < good["rate"] * SLOW else "forwarder"


def measure_row(setup, row, meter, args):
    trials = []

    def try_rate(rate):
        trials.append(trial(setup, row, rate, args.secs))
        return trials[-1]
    with setup.state(row, meter) as count:
        before = count()
        best, limit = search(try_rate, args.rate)
        counted = None if before is None else count() - before
    arrived = sum(t["received"] for t in trials)
    if not best:
        row.errors.append("packets are lost at every rate: %d arrived" % arrived)
    elif counted is not None and counted < arrived * (1 - rounds.LOST):
        row.errors.append("its counter has %d of %d that arrived" % (counted, arrived))
    if row.errors:
        return None
    return {"name": row.name, "direction": row.direction, "size": row.size, "clients": row.clients,
            "family": "ipv%d" % row.family, "pps": best["pps"], "ns": best["ns"], "cpus": best["cpus"],
            "lost": best["lost"], "limit": limit, "ratio_to_bare": None, "trials": trials}


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        found = re.search(r"^model name\s*: (.*)", f.read(), re.M)
    return found[1] if found else platform.machine()


def measure(args, rows, build):
    """Returns the results. Raises RuntimeError if the devices cannot be used."""
    with contextlib.ExitStack() as undo:
        setup = Setup(args, undo, build)
        reason = setup.refusal()
        if reason:
            raise RuntimeError(reason)
        setup.prepare()
        setup.write_config()
        meter = rounds.Meter(os.path.join(build, "tests/bench/bench"), args.cpu, "hop")
        undo.callback(meter.end)
        result = {"machine": {"processor": processor(), "cpus": os.cpu_count(), "kernel": platform.release(),
                              "devices": [sender.describe(dev) for dev in (setup.a, setup.b)]},
                  "sender": {key: setup.there[key] for key in ("by", "kernel", "cpus", "device", "sink")},
                  "secs": args.secs, "rows": []}
        for row in rows:
            print("%s ..." % label(row), file=sys.stderr)
            try:
                measured = measure_row(setup, row, meter, args)
            except RuntimeError as e:
                row.errors.append(str(e))
                continue
            result["rows"] += [measured] if measured else []
        result["modes"] = setup.modes
    bare = {r["family"]: r["pps"] for r in result["rows"] if r["name"] == BARE}
    for r in result["rows"]:
        if r["family"] in bare:
            r["ratio_to_bare"] = round(r["pps"] / bare[r["family"]], 3)
    return result


# ---- the report ----

def named(device):
    queues = " + ".join("%d %s" % (n, name) for name, n in device["queues"].items()) or "unknown"
    return "%s (%s, %s, queues: %s)" % (device["name"], device["driver"], device["speed"], queues)


def print_table(result):
    machine, there = result["machine"], result["sender"]
    print("forwarder: %s, %d CPUs, Linux %s; %s" % (machine["processor"], machine["cpus"], machine["kernel"],
                                                    " to ".join(map(named, machine["devices"]))))
    print("sender: %d CPUs, Linux %s, by %s; %s, and back to %s" % (there["cpus"], there["kernel"], there["by"],
                                                                    named(there["device"]), named(there["sink"])))
    if result["modes"]:
        print("wgxdp: " + ", ".join("%s in mode %s" % pair for pair in result["modes"].items()))
    print("%-20s %-5s %5s %7s %11s %7s %6s %8s %6s %8s %8s %s" % (
        "path", "", "bytes", "clients", "packets/s", "ratio", "CPUs", "ns", "lost", "at A", "at B", "limit"))
    for r in result["rows"]:
        dropped = [sum(t[key] for t in r["trials"]) for key in ("a_dropped", "b_dropped")]
        ratio = "" if r["ratio_to_bare"] is None else "%.3f" % r["ratio_to_bare"]
        print("%-20s %-5s %5d %7d %11d %7s %6.2f %8.1f %6d %8d %8d %s" % (
            r["name"], r["family"], r["size"], r["clients"], r["pps"], ratio, r["cpus"], r["ns"], r["lost"], *dropped,
            r["limit"]))
