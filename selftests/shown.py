#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
# shown: what `wgxdp show --json`, on standard input, says.
#
#   shown get PATH...                      values: services.0.original.forwarded, interfaces.wan.mode
#   shown all DIRECTION KEY...             the sums of counters over all services: reply forwarded
#   shown reason DIRECTION REASON          packets that were not forwarded for that reason, over all services
#   shown sums                             checks that every packet is accounted for, peers' too; a line of what it found
import json
import sys


def get(shown, path):
    value = shown
    for part in path.split("."):
        if not isinstance(value, list):
            value = value[part]
        elif part.isdigit():
            value = value[int(part)]
        else:
            value = next(entry for entry in value if entry["name"] == part)
    return value


def reasons(shown, direction, service=None, reason=None, verdict=None, peer=None):
    return sum(drop["packets"] for drop in shown["drops"]
               if drop["direction"] == direction and service in (None, drop.get("service")) and peer in (None, drop.get("peer"))
               and reason in (None, drop["reason"]) and verdict in (None, drop["verdict"]))


def sums(shown):
    seen = {"received": 0, "forwarded": 0, "dropped": 0, "passed": 0}
    whose = [("service", entry, direction) for entry in shown["services"] for direction in ("original", "reply")]
    whose += [("peer", entry, "rx") for entry in shown["peers"]]
    for kind, entry, direction in whose:
        counted = entry[direction]
        where = f"{entry['name']}, {direction}: {counted}"
        if counted["received"] != counted["forwarded"] + counted["dropped"] + counted["passed"]:
            sys.exit(f"received is not forwarded + dropped + passed: {where}")
        for verdict in ("dropped", "passed"):
            if counted[verdict] != reasons(shown, direction, verdict=verdict, **{kind: entry["name"]}):
                sys.exit(f"{verdict} is not the sum of its reasons: {where}, {shown['drops']}")
        for key in seen:
            seen[key] += counted[key]
    received, sent = (sum(peer[key]["forwarded"] for peer in shown["peers"]) for key in ("rx", "tx"))
    if received != sent:
        sys.exit(f"{received} forwarded from peers, {sent} to peers: {shown['peers']}")
    return ", ".join(f"{value} {key}" for key, value in seen.items())


def main():
    shown, what, args = json.load(sys.stdin), sys.argv[1], sys.argv[2:]
    if what == "get":
        print(*(get(shown, path) for path in args))
    elif what == "all":
        print(*(sum(service[args[0]][key] for service in shown["services"]) for key in args[1:]))
    elif what == "reason":
        print(reasons(shown, args[0], reason=args[1]))
    elif what == "sums":
        print(sums(shown))
    else:
        sys.exit(f"{what}?")


main()
