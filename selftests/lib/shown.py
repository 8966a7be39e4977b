#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
# shown: prints values of `wgxdp show --json`, which it reads from standard input.
#
#   shown get PATH...                      values: services.0.original.forwarded, interfaces.wan.mode
#   shown all DIRECTION KEY...             sums of counters over all services: reply forwarded
#   shown reason DIRECTION REASON          packets of all services that were not forwarded for this reason
#   shown sums                             check that every packet of services and peers is accounted for; prints a line
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


def reasons(shown, direction, who=None, reason=None, verdict=None):
    """who: the service or peer, as ("service", NAME) or ("peer", NAME)"""
    return sum(drop["packets"] for drop in shown["drops"]
               if drop["direction"] == direction and (not who or who == (who[0], drop.get(who[0], "")))
               and reason in (None, drop["reason"]) and verdict in (None, drop["verdict"]))


def sums(shown):
    seen = {"received": 0, "forwarded": 0, "dropped": 0, "passed": 0}
    counters = [("service", entry, direction) for entry in shown["services"] for direction in ("original", "reply")]
    counters += [("peer", entry, "rx") for entry in shown["peers"]]
    for kind, entry, direction in counters:
        counted = entry[direction]
        where = f"{entry['name']}, {direction}: {counted}"
        if counted["received"] != counted["forwarded"] + counted["dropped"] + counted["passed"]:
            sys.exit(f"received is not forwarded + dropped + passed: {where}")
        for verdict in ("dropped", "passed"):
            if counted[verdict] != reasons(shown, direction, (kind, entry["name"]), verdict=verdict):
                sys.exit(f"{verdict} is not the sum of its reasons: {where}, {shown['drops']}")
        for key in seen:
            seen[key] += counted[key]
    for key in ("forwarded", "bytes", "forwarded_xdp", "forwarded_tc"):
        came, went = (sum(peer[direction][key] for peer in shown["peers"]) for direction in ("rx", "tx"))
        if came != went:
            sys.exit(f"{came} {key} from peers, {went} to peers: {shown['peers']}")
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
