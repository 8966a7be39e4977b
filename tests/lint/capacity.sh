#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# `scripts/capacity` computes the same results as this file, which does so in another way, from a small bench with
# round figures. docs/reference/capacity.md shows the output of the script, and the limits are those of the sources.
# Bad input is refused, with advice. UPDATE=1 writes the page's tables again.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

row() { # NAME DIRECTION SIZE CLIENTS NS
	printf '{"name": "%s", "direction": "%s", "family": "ipv4", "size": %d, "clients": %d, "ns": %s}' "$@"
}
{
	printf '{"kernel": "6.12", "cpus": 4, "rounds": 3, "secs": 0.3, "others_load": 0.01, "routed": {"ns": 900}, "rows": ['
	row 'wgxdp route tunnel' tunnel 144 1 100; printf ', '
	row 'wgxdp masquerade 44' original 144 1 150; printf ', '
	row 'wgxdp masquerade 44' original 144 1000 200; printf ', '
	row 'wgxdp masquerade 46' original 144 1000 220; printf ', '
	row 'wgxdp masquerade 44' reply 144 1 180; printf ', '
	row 'wgxdp dnat ipv4' original 144 1 90; printf ', '
	row 'wgxdp dnat ipv4' original 1452 1 110; printf ', '
	row 'wgxdp dnat ipv4' reply 1452 1 130; printf ', '
	row 'wgxdp dnat ipv4 tc' reply 1452 1 990; printf ', '
	row 'wgxdp blind 44' original 144 1000 400
	printf ']}\n'
} > "$work/bench.json"

/usr/bin/python3 - "$work/bench.json" << 'EOF'
import json, re, subprocess, sys

def asked(*options, bench=sys.argv[1]):
    return json.loads(subprocess.run(["scripts/capacity", "--bench", bench, "--json"] + list(options), stdout=subprocess.PIPE, check=True).stdout)

def same(what, is_, wanted):
    if is_ != wanted:
        sys.exit("%s: %r, expected %r" % (what, is_, wanted))

# 1 us a packet; four CPUs at half of it: 2,000,000 packets/s. 1,000,000/s: one relay. 2,500,000/s: with two, half of them cross, so 3,750,000 of 4,000,000
a = asked("--sites", "10000", "--sites", "25000", "--sites", "100000", "--pps", "100", "--packet-size", "125")
same("ns", a["ns"], {"sites": 1000})
same("packets/s", [c["packets_per_second"] for c in a["columns"]], [1000000, 2500000, 10000000])
same("Mbit/s", [c["mbits_per_second"] for c in a["columns"]], [1000, 2500, 10000])
same("relays that carry them", [c["relays_for_packets"] for c in a["columns"]], [1, 2, 10])     # 19,000,000 of 20,000,000
same("relays", [c["relays"] for c in a["columns"]], [2, 3, 11])
same("BGP", [(c["bgp_sessions"], c["routes_announced"], c["routes_heard"]) for c in a["columns"]], [(1, 5000, 5000), (3, 8334, 16666), (55, 9091, 90909)])
same("overlay", [c["overlay"] for c in a["columns"]], [48, 48, 47])
same("a /48's", [asked("--sites", str(n))["columns"][0]["overlay"] for n in (65536, 65537, 131072, 131073)], [48, 47, 47, 46])
for n in (1, 2, 19, 20, 21, 39, 77, 400):       # the least that carries it
    r = asked("--sites", str(100000), "--pps", str(n))["columns"][0]["relays_for_packets"]
    carries = [100000 * n * (2 * k - 1) <= 2000000 * k * k for k in (r, r - 1) if k]
    same("%d a site: %d relays" % (n, r), carries, [True, False][:len(carries)])
# clients: the dearest row of as many; half of it replies. 20,000 at 100/s and 200 ns: 400 ms of a CPU a second
a = asked("--sites", "0", "--clients", "20000", "--pps", "100", "--cpus", "1", "--load", "20", "--spare", "0")
same("clients", (a["ns"], a["columns"][0]["relays"], a["columns"][0]["bgp_sessions"]), ({"clients": 200}, 2, 0))
same("addresses", [asked("--sites", "0", "--clients", str(n))["columns"][0]["addresses_of_ours"] for n in (1, 41000, 41001)], [1, 1, 2])
same("dnat", asked("--sites", "0", "--clients", "5", "--nat", "dnat", "--packet-size", "1400")["ns"], {"clients": 120})
same("blind", asked("--blind", "--sites", "1000")["ns"], {"sites": 400})
same("another WireGuard", asked("--wireguard", "150")["ns"], {"sites": 250})
# memory: 100,000 sites, a relay and the unknown peer are 100,002. So 131,072 of 32 and of 120 bytes, and of four
# counters of 24 bytes a CPU, with its pointer
maps = asked("--sites", "100000", "--spare", "1", "--cpus", "3", bench="none")["columns"][0]
same("peers", [maps["maps"][m] - 312 for m in ("peers", "peer_names", "peer_totals")], [131072 * 32, 131072 * 120, 131072 * 4 * (8 + 3 * 24)])
same("table", maps["maps"]["table"] - 4096, 262144 * 128)
same("all", maps["map_bytes"], sum(maps["maps"].values()))
same("rooms", [asked("--sites", str(n), "--spare", "0", bench="none")["columns"][0]["maps"]["peers"] - 312 for n in (63, 64, 1000)], [64 * 32, 128 * 32, 1024 * 32])
# a bucket of eight places, 1,088 bytes and two lines, for five flows and a third, as a power of two
flows = [asked("--sites", "0", "--clients", str(n), bench="none")["columns"][0]["maps"] for n in (1, 43690, 43691)]
same("flows", [m["flow_table"] - 4096 for m in flows], [4096, 8192 * 1088, 16384 * 1088])
same("index of flows", [m["flow_index"] - 4096 for m in flows], [4096, 8192 * 128, 16384 * 128])
# limits, as the sources have them, by hand
same("limits", {l["most"] for l in asked()["limits"]}, {1048574, 65536, 1048576, 131072, 16777216, 4194304, 4096, 131071, 41000, 1024, 8192, 2097152})

# the page
import os
page = was = open("docs/reference/capacity.md", encoding="utf-8").read()
blocks = re.findall(r"^```\n\$ (scripts/capacity [^\n]*)\n(.*?)^```$", page, re.M | re.S)
same("examples in the page", len(blocks), 3)
for command, text in blocks:
    now = subprocess.run(command, shell=True, stdout=subprocess.PIPE, text=True, check=True).stdout
    if os.environ.get("UPDATE"):
        page = page.replace("$ %s\n%s```" % (command, text), "$ %s\n%s```" % (command, now))
    else:
        same("docs/reference/capacity.md, %s" % command, text, now)
if page != was:
    open("docs/reference/capacity.md", "w", encoding="utf-8").write(page)
EOF

refused() { # WHAT-IT-SAYS OPTION...
	local status=0
	scripts/capacity "${@:2}" > "$work/out" 2> "$work/said" || status=$?
	if [[ $status != 2 || -s $work/out ]] || ! grep -q -- "$1" "$work/said"; then
		echo "${*:2}: status $status, expected 2 and '$1'"
		cat "$work/said"
		exit 1
	fi
}
refused "'x' is no whole number from 0 to 1048574" --sites x
refused "'-1' is no number from 0" --pps -1
refused "'1.5' is no whole number from 0 to 4194304" --clients 1.5
refused "'0' is no whole number from 1 to 100" --load 0
refused 'a blind relay has 131071 sites at most' --blind --sites 131072
refused 'a /48 or a shorter one is wanted' --overlay 49 --sites 65536
refused 'a relay has 1048574 peers at most' --bench none --sites 1048574
refused 'nowhere: No such file.*make bench' --bench "$work/nowhere"
refused 'no result of the bench' --bench README.md
echo '{"rows": []}' > "$work/empty.json"
refused "no result of the bench (KeyError: 'cpus')" --bench "$work/empty.json"
echo '[]' > "$work/list.json"
refused 'no result of the bench' --bench "$work/list.json"
refused 'need 400 relays, and blind relays share no load' --bench "$work/bench.json" --blind --sites 1000 --pps 1000000
echo '{"cpus": 2, "rows": [ {"name": "wgxdp", "direction": "site", "size": 144, "clients": 1, "ns": "fast"} ]}' > "$work/words.json"
refused 'no result of the bench' --bench "$work/words.json"
refused 'no row .wgxdp blind ...*what is there is' --bench <(sed 's/wgxdp blind/blind/' "$work/bench.json") --blind
refused '--wireguard NS says it' --bench <(sed 's/"routed": {"ns": 900}, //' "$work/bench.json")
echo 'capacity says what a network needs'
