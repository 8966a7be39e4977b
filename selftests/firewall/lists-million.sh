#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# alone
# A million prefixes in a file are loaded by `up` within two seconds, and cost a packet at most 40 ns. 900,000 are of
# IPv4, and 100,000 of IPv6. Beside them, a set of nftables changes 1,000 times a second for ten seconds. A client in
# no list loses no packet, and the last change is in force within a second. A packet of an admitted client costs at
# most 40 ns more than without lists. BREAK=1 puts the client into the set for a moment.
#
#     client  .7, .9 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

seconds=10 rate=2000

config() { # [ENTRY OF DENY...]
	local entry
	cat << END
express: off
interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
services:
  - name: wg-end
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, port: $port }
END
	(($#)) || return 0
	echo '    deny:'
	for entry; do echo "      - $entry"; done
}

slab() { awk '/^Slab|^Percpu/ {sum += $2} END {print int(sum / 1024)}' /proc/meminfo; } # MB of the kernel
send() { # COUNT RATE [CLIENT]
	inside client "$udptool" send -n "$1" -r "$2" uplink "$wan_mac" "${3:-198.51.100.7}:4000" "198.51.100.1:$port" > /dev/null
}

# Prints the time of the program for each packet of an admitted client, in ns: the least of some rounds
cost() {
	local least=
	for _ in {1..9}; do
		run_time=$(bpftool -j prog show pinned /sys/fs/bpf/wgxdp/default/progs/wgxdp_xdp)
		send 20000 0
		least=$(bpftool -j prog show pinned /sys/fs/bpf/wgxdp/default/progs/wgxdp_xdp |
			/usr/bin/python3 -c '
import json, sys
before, after, least = json.loads(sys.argv[1]), json.load(sys.stdin), sys.argv[2]
ns = (after["run_time_ns"] - before.get("run_time_ns", 0)) / (after["run_cnt"] - before.get("run_cnt", 0))
print(min(ns, float(least or ns)))' "$run_time" "$least")
	done
	echo "$least"
}

# Adds and removes addresses in turn, 1,000 in a second, each as a transaction of its own
changes() {
	/usr/bin/python3 -u -c '
import sys, time
seconds, broken = int(sys.argv[1]), sys.argv[2]
began = time.monotonic()
for n in range(seconds * 1000):
    time.sleep(max(0, began + n / 1000 - time.monotonic()))
    i = n // 2 * 7919 % 16777216
    print("%s element inet filter moving { 10.%d.%d.%d }" % ("delete" if n % 4 == 3 else "add", i >> 16, i >> 8 & 255, i & 255))
    if broken and n in (5000, 5300):
        print("%s element inet filter moving { 198.51.100.7 }" % ("add" if n == 5000 else "delete"))
print("add element inet filter moving { 198.51.100.9 }")
print("took %.1f s" % (time.monotonic() - began), file=sys.stderr)' "$seconds" "${BREAK:-}" 2> "$work/paced" | inside firewall nft -i > /dev/null 2> "$work/nft"
}

firewall_network
addresses client uplink 198.51.100.9/24
wan_mac=$(mac firewall wan)
quiet wg-end
count_arrivals wg-end client "ip saddr 198.51.100.7 udp sport 4000 udp dport $port"
count_arrivals wg-end last "ip saddr 198.51.100.9 udp sport 4000 udp dport $port"
inside firewall nft add table inet filter
inside firewall nft add set inet filter moving '{ type ipv4_addr; }'
/usr/bin/python3 - > "$work/list" << 'END'
import ipaddress
import random

random.seed(1)
ours = int(ipaddress.IPv4Address('198.51.100.0')) >> 8
four = set()
while len(four) < 900000:
    a = random.getrandbits(32)
    if a >> 8 != ours:
        four.add(a)
six = set()
while len(six) < 100000:
    six.add(random.getrandbits(45))
print(*(ipaddress.IPv4Address(a) for a in four), sep='\n')
print(*('%s/48' % ipaddress.IPv6Address((1 << 125) | a << 80) for a in six), sep='\n')
END

# --- the cost of a packet, with and without lists
echo 1 > /proc/sys/kernel/bpf_stats_enabled
config > "$work/none.yaml"
config 198.51.100.200 > "$work/literal.yaml"
config 198.51.100.200 "{ file: $work/list }" '{ nft-set: "inet filter moving" }' > "$work/all.yaml"
wgxdp up -c "$work/none.yaml" > /dev/null
none=$(cost)
wgxdp up -c "$work/literal.yaml" > /dev/null
literal=$(cost)
before=$(slab)
began=$(ms)
wgxdp up -c "$work/all.yaml" > /dev/null
took=$(($(ms) - began))
expect 'prefixes' "$(shown get lists.0.prefixes)" == 1000000
expect 'ms of up with a million prefixes, limit 2000' "$took" "<=" "$(at_most 2000)"
say "MB of the kernel's memory: $(($(slab) - before))"
all=$(cost)
say "ns for a packet: $none without lists, $literal with a literal prefix, $all with a million prefixes"
echo 198.51.100.201 >> "$work/list" # shares a bit of the hints with the client
began=$(ms)
wgxdp up -c "$work/all.yaml" > /dev/null
say "ms of up again: $(($(ms) - began))"
say "ns for a packet of a client that needs a search: $(cost)"
echo 0 > /proc/sys/kernel/bpf_stats_enabled
expect 'ns more for a million prefixes' "$(awk "BEGIN {print $all - $literal}")" "<=" "$(at_most 40)"

# --- a set that changes
start_daemon -c "$work/all.yaml"
say "MB of the daemon: $(awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$daemon/status")"
before=$(arrived wg-end client)
used=$(awk '{print $14 + $15}' "/proc/$daemon/stat")
start client "$udptool" send -n $((rate * (seconds + 1))) -r $rate uplink "$wan_mac" 198.51.100.7:4000 "198.51.100.1:$port" > "$work/sent"
sender=$!
changes
began=$(ms)
while :; do
	last=$(arrived wg-end last)
	send 5 10000 198.51.100.9
	[[ $(arrived wg-end last) != "$last" ]] || break
	(($(ms) - began < 60000)) || fail 'the last change is never in force'
done
expect 'ms until the last change was in force' $(($(ms) - began)) "<=" "$(at_most 1000)"
say "changes: $(< "$work/paced"), CPU time of the daemon: $(awk -v was="$used" '{print ($14 + $15 - was) / 100}' "/proc/$daemon/stat") s"
[[ ! -s $work/nft ]] || fail "nft: $(head -n 3 "$work/nft")"
wait "$sender"
expect 'lost packets of a client in no list' $((rate * (seconds + 1) + before - $(arrived wg-end client))) == 0
count=$(inside firewall nft -j list set inet filter moving | /usr/bin/python3 -c '
import json, sys
print(len(next(e["set"]["elem"] for e in json.load(sys.stdin)["nftables"] if "set" in e)))')
expect "prefixes of the set, which nft says too" "$(shown get lists.1.prefixes)" == "$count"

# --- a file that changes: half of it goes
began=$(ms)
head -n 500000 "$work/list" > "$work/list.new"
mv "$work/list.new" "$work/list"
half_is_gone() { [[ $(shown get lists.0.prefixes) == 500000 ]]; }
wait_for 10 'half of the file goes' half_is_gone
say "ms until half of the file was gone: $(($(ms) - began))"
say "MB of the daemon: $(awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$daemon/status")"
end_daemon
