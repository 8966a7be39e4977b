# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench's results: bench.json, the table, and the limits that `--check` holds them against."""
import json
import os
import sys
from statistics import median

import blind
import flows
import guard
import rounds
import sites

# row, direction, clients (None: any number), least ratio to the bare redirect
LEAST_RATIO = [("wgxdp dnat ipv4", "original", None, 0.88), ("wgxdp dnat ipv6", "original", None, 0.88),
               ("wgxdp none ipv6", "original", None, 0.88),
               ("wgxdp dnat ipv4", "reply", 1, 0.85), ("wgxdp dnat ipv6", "reply", 1, 0.85),
               ("wgxdp none ipv6", "reply", 1, 0.85),
               ("wgxdp dnat ipv4", "reply", 20000, 0.55), ("wgxdp dnat ipv6", "reply", 20000, 0.42),
               ("wgxdp none ipv6", "reply", 20000, 0.42), ("wgxdp route nic", "site", 1, 0.88)] + [
                   ("wgxdp dnat %s daemon" % family, "reply", clients, 0.85)
                   for family in ("ipv4", "ipv6") for clients in (20000, 1000000)] + [
                       ("wgxdp masquerade " + pair, direction, 1, least)
                       for pair, least in (("44", 0.82), ("46", 0.78), ("64", 0.78)) for direction in ("original", "reply")] + [
                           ("wgxdp masquerade 44" + rounds.WITHOUT, "original", clients, least)
                           for clients, least in ((1, 0.85), (20000, 0.58), (1000000, 0.45))]
MOST_OVER_PARSE = 25        # ns of an original by test-run, above parse + redirect
MOST_TC_OF_NFT = 0.65       # ns of tc over ns of nft dnat
LEAST_OVER_NFT = 5          # packets of native XDP over packets of nft dnat, originals
MOST_OF_ONE_ROUTE = 1.15    # ns with 65,536 routes and as many random destinations over ns with one
LEAST_OVER_POLICY = 4       # packets of the relay on nics over packets of the kernel with the policy's rules
MOST_TUNNEL_OF_POLICY = 0.70
MOST_OF_LRU = 1.15          # ns with a million flows over ns of a program that only looks them up and rewrites
LEAST_OVER_NFT_MASQUERADE = 4
LEAST_OVER_SOCKETS = 8      # packets, divided by the packets of a relay with a socket for each client
MOST_OF_OFF = 1.15          # ns with a guard over ns without
MOST_OF_LOOKUP = 1.15       # additional ns of strict, over those of a program that only looks clients up, both above the bare redirect
MOST_INITIATION = {1: 400, 64: 20000}       # ns by test-run, by the number of keys


def as_dict(row):
    ns = median(row.ns)
    config = rounds.config_of(row.state) if row.name.startswith("wgxdp") else rounds.NFT_STATES.get(row.state)
    d = {"name": row.title(), "direction": row.direction, "size": row.size, "clients": row.clients,
         "family": "ipv%d" % row.family, "pps": round(1e9 / ns), "ns": round(ns, 1), "ratio_to_bare": None,
         "min": round(min(row.ns), 1), "max": round(max(row.ns), 1),
         "rounds": [round(x, 1) for x in row.ns], "config": config}
    if row.ratios:
        d.update(ratio_to_bare=round(median(row.ratios), 3), ratio_min=round(min(row.ratios), 3),
                 ratio_max=round(max(row.ratios), 3))
    return d


def write(path, result):
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    os.replace(path + ".new", path)


def read(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def key(row):
    return row["name"], row["direction"], row["family"], row["size"], row["clients"]


def print_table(result):
    print("%-24s %-8s %-5s %5s %7s %8s %15s %11s %7s %15s" % ("path", "packets", "", "bytes", "clients", "ns",
                                                              "min..max", "packets/s", "ratio", "min..max"))
    for r in sorted(result["rows"], key=lambda r: (r["direction"], r["size"], r["clients"], r["family"], r["ns"])):
        ratio = ("%7.3f %15s" % (r["ratio_to_bare"], "%.3f..%.3f" % (r["ratio_min"], r["ratio_max"]))
                 if r["ratio_to_bare"] is not None else "")
        print("%-24s %-8s %-5s %5d %7d %8.1f %15s %11d %s" % (
            r["name"], r["direction"], r["family"], r["size"], r["clients"], r["ns"],
            "%.0f..%.0f" % (r["min"], r["max"]), r["pps"], ratio))
    print("%d rounds of %s s; the other CPUs were busy %.0f %% of the time"
          % (result["rounds"], result["secs"], 100 * result["others_load"]))
    for kind, t in result.get("testrun", {}).items():
        print("test-run %-14s redirect %.1f ns, parse + redirect %.1f, wgxdp %.1f: %+.1f over parse + redirect "
              "(fastest tenth of each; median of differences %+.1f)" % (
                  kind, t["redirect_only"], t["parse_redirect"], t["wgxdp"], t["over_parse"], t["over_parse_median"]))
    for keys, t in result.get("initiations", {}).items():
        print("test-run initiation, key %s of %s: %.0f ns (fastest tenth; median %.0f)" % (keys, keys, t["ns"], t["median"]))
    if "routed" in result:
        print("wireguard-go between two others: %(ns).0f ns of its own CPU time a packet that it decrypts and encrypts" % result["routed"])
    verifier = result.get("verifier", {})
    for name, v in verifier.get("live", {}).items():
        stack = verifier.get("object", {}).get(name, {}).get("stack")
        print("verifier %-10s verified %d instructions, translated %d, stack %s bytes"
              % (name, v["verified_insns"], v["translated_insns"], stack))


def misses(result, partial):
    """One line for each limit that is missed, or, unless the run was partial, that was not measured."""
    rows = {key(r): r for r in result["rows"]}
    bad = []

    def limit(label, value, ok, wanted):
        if value is None:
            bad.extend([] if partial else ["%s: not measured" % label])
        elif not ok(value):
            bad.append("%s: %.3f, wanted %s" % (label, value, wanted))

    for name, direction, clients, least in LEAST_RATIO:
        found = [r for r in rows.values() if r["name"] == name and r["direction"] == direction and
                 clients in (None, r["clients"])]
        for r in found:
            limit("%s, %s, %d clients, %d bytes: ratio to bare redirect" % (name, direction, r["clients"], r["size"]),
                  r["ratio_to_bare"], lambda v, least=least: v >= least, ">= %.2f" % least)
        if not found:
            limit("%s, %s, %s" % (name, direction, clients or "any number of clients"), None, None, None)
    for family in ("ipv4", "ipv6"):
        limit("test-run, original %s: ns over parse + redirect" % family,
              result.get("testrun", {}).get("original " + family, {}).get("over_parse"),
              lambda v: v <= MOST_OVER_PARSE, "<= %d" % MOST_OVER_PARSE)
    for direction in ("original", "reply"):
        for clients in (1, 1000, 20000):
            rest = (direction, "ipv4", rounds.SMALL, clients)
            ns = {n: rows.get((n,) + rest, {}).get("ns") for n in ("nft dnat", "wgxdp dnat ipv4 tc", "wgxdp dnat ipv4")}
            nft, tc, xdp = ns.values()
            limit("wgxdp dnat ipv4 tc, %s, %d clients: ns over nft dnat's" % (direction, clients),
                  tc / nft if tc and nft else None, lambda v: v <= MOST_TC_OF_NFT, "<= %.2f" % MOST_TC_OF_NFT)
            if direction == "original":
                limit("wgxdp dnat ipv4, %s, %d clients: packets over nft dnat's" % (direction, clients),
                      nft / xdp if xdp and nft else None, lambda v: v >= LEAST_OVER_NFT, ">= %d" % LEAST_OVER_NFT)
    site_limits(rows, limit)
    flow_limits(rows, limit)
    guard_limits(rows, limit)
    blind.limits(rows, limit, rounds.SMALL, result.get("routed"))
    for keys, most in MOST_INITIATION.items():
        limit("test-run, initiation with %d keys: ns" % keys, result.get("initiations", {}).get(str(keys), {}).get("ns"),
              lambda v, most=most: v <= most, "<= %d" % most)
    return bad


def site_limits(rows, limit):
    def over(a, b):
        ns = [rows.get((name, direction, "ipv6", rounds.SMALL, n), {}).get("ns") for name, direction, n in (a, b)]
        return ns[0] / ns[1] if all(ns) else None

    one, policy = ("wgxdp route nic", "site", 1), ("kernel forward nft policy", "site", 1)
    limit("wgxdp route nic: ns with %d routes over ns with one" % sites.SITES, over(one[:2] + (sites.SITES,), one),
          lambda v: v <= MOST_OF_ONE_ROUTE, "<= %.2f" % MOST_OF_ONE_ROUTE)
    limit("wgxdp route nic: packets over the kernel's with the policy's rules", over(policy, one),
          lambda v: v >= LEAST_OVER_POLICY, ">= %d" % LEAST_OVER_POLICY)
    limit("wgxdp route tunnel: ns over the kernel's with the policy's rules",
          over(("wgxdp route tunnel", "tunnel", 1), ("kernel forward nft policy", "tunnel", 1)),
          lambda v: v <= MOST_TUNNEL_OF_POLICY, "<= %.2f" % MOST_TUNNEL_OF_POLICY)


def flow_limits(rows, limit):
    def over(name, direction, clients):
        ns = [rows.get((n, direction, "ipv4", rounds.SMALL, clients), {}).get("ns") for n in (name, "wgxdp masquerade 44")]
        return ns[0] / ns[1] if all(ns) else None

    lru = over("lru lookup", "original", flows.MILLION)
    limit("wgxdp masquerade 44, %d flows: ns over lru lookup's" % flows.MILLION, 1 / lru if lru else None,
          lambda v: v <= MOST_OF_LRU, "<= %.2f" % MOST_OF_LRU)
    for name, least in (("nft masquerade", LEAST_OVER_NFT_MASQUERADE), ("relay sockets", LEAST_OVER_SOCKETS)):
        for direction, clients in flows.COMPARED:
            limit("wgxdp masquerade 44, %s, %d clients: packets over %s" % (direction, clients, name), over(name, direction, clients),
                  lambda v, least=least: v >= least, ">= %d" % least)


def guard_limits(rows, limit):
    for family in ("ipv4", "ipv6"):
        def ns(name, clients, family=family):
            return rows.get((name, "original", family, rounds.SMALL, clients), {}).get("ns")

        name, many = "wgxdp dnat " + family, guard.ANSWERED
        off, on = ns(name, 1), ns(name + " guard", 1)
        limit("%s guard: ns over those without" % name, on / off if on and off else None, lambda v: v <= MOST_OF_OFF, "<= %.2f" % MOST_OF_OFF)
        off, on, lookup, bare = ns(name, many), ns(name + " strict", many), ns(guard.LOOKUP, many), ns("bare redirect", many)
        limit("%s strict, %d clients: ns more than without, over a lookup's" % (name, many),
              (on - off) / (lookup - bare) if on and off and lookup and bare else None,
              lambda v: v <= MOST_OF_LOOKUP, "<= %.2f" % MOST_OF_LOOKUP)


def check(result, partial):
    bad = misses(result, partial)
    for line in bad:
        print("bench: missed: " + line, file=sys.stderr)
    sys.stderr.flush()
    print("check: %s" % ("%d limits missed" % len(bad) if bad else "no limit is missed"))
    return not bad
