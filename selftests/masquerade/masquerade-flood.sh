#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# alone
# A flood of 100,000 packets a second from spoofed sources changes no port of 200 idle clients, and new clients get
# in. 200 clients of a masquerading service are idle except for keepalives in one direction, half of them from the
# client and half from the backend. Then, for 60 s, at least 100,000 packets a second come from random spoofed sources
# and ports, IPv4 and IPv6, and the backend answers none. No idle client's port changes, and each flow keeps both
# directions. New clients that try three times, like WireGuard, get in during the flood and after it. Ten silent
# clients are gone by then. BREAK=1 removes one direction of one flow in the middle.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                              2001:db8:2::/64
#     clients: 100.64.0.0/16, 2001:db8:9::/48; spoofed: 10.0.0.0/8, 2001:db9::/32
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

half=50 # clients of each family with keepalives in one direction, and newcomers of each at a time
silent=5
seconds=60 # seconds of the flood
rate=56000 # in each family
timeout=40
keepalive=15 # seconds, while it goes one way
ask=148 flood=100 # bytes of packets that the backend answers, and of those that it does not
pins=/sys/fs/bpf/wgxdp/default

configuration() {
	cat <<- EOF
		services:
		  - name: many
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
		    nat: masquerade
		    flows: { max: 10000, timeout: ${timeout}s }
	EOF
}

network() {
	firewall_network
	inside client ip route add local 100.64.0.0/16 dev lo
	inside client ip route add local 2001:db8:9::/48 dev lo
	inside client sysctl -qw net.ipv6.ip_nonlocal_bind=1
	inside firewall ip route add 100.64.0.0/16 via 198.51.100.7
	inside firewall ip route add 2001:db8:9::/48 via 2001:db8:1::7
	count_arrivals wg-end flood "udp dport $port udp length $((flood + 8))" # these belong to no session: dropped
	count_arrivals wg-end keepalives "udp dport $port udp length 40"
	count_arrivals client keepalives "udp sport $port udp length 40"
	inside wg-end nft add rule inet seen arrivals udp length "{ 40, $((flood + 8)) }" drop
	inside client nft add rule inet seen arrivals udp length 40 drop
}

# prints client and pool port of clients whose address begins like this
rows() { # PATTERN
	wgxdp show flows --json | /usr/bin/python3 -IS -c '
import json, re, sys
for f in json.load(sys.stdin)["flows"]:
    if re.match(sys.argv[1], f["client"]): print(f["client"], f["ours"])' "$1"
}

# NUMBER IPV4 IPV6: so many clients of each family, from these addresses on, send a packet each; `show flows` lists
# those that got a flow
come() {
	inside client "$udptool" ask -s $ask -n "$1" -c "$1" -r 200 -w 500 "$2:4000" 198.51.100.1:$port > "$work/asked4"
	inside client "$udptool" ask -s $ask -n "$1" -c "$1" -r 200 -w 500 "[$3]:4000" "[2001:db8:1::1]:$port" > "$work/asked6"
}
idle() { rows '100\.64\.[12]\.|\[2001:db8:9:[12]:'; }
idle_there() {
	come $half 100.64.1.1 2001:db8:9:1::1
	come $half 100.64.2.1 2001:db8:9:2::1
	[[ $(idle | wc -l) == $((4 * half)) ]]
}
silent_ones() { rows '100\.64\.3\.|\[2001:db8:9:3:' | wc -l; }

# WHEN NUMBER: new clients try three times, a second or more apart
newcomers() {
	local came=()
	while ((${#came[@]} < 3)); do
		come $half "100.64.$2.1" "2001:db8:9:$2::1"
		came+=("$(rows "100\\.64\\.$2\\.|\\[2001:db8:9:$2:" | wc -l)")
		((came[-1] < 2 * half)) || break
		sleep 1
	done
	say "newcomers $1: there after each try: ${came[*]}"
	expect "newcomers $1" "${came[-1]}" == $((2 * half))
}

# One round: the clients of 100.64.1 and 2001:db8:9:1 send, and the backend sends to those of 2
keepalives() {
	local ours
	inside client "$udptool" send -s 32 -n $half -c $half uplink "$wan" 100.64.1.1:4000 198.51.100.1:$port
	inside client "$udptool" send -s 32 -n $half -c $half uplink "$wan" '[2001:db8:9:1::1]:4000' "[2001:db8:1::1]:$port"
	while read -r ours; do
		if [[ $ours == \[* ]]; then set -- "[2001:db8:2::10]"; else set -- 192.168.1.10; fi
		inside wg-end "$udptool" send -s 32 eth "$lan" "$1:$port" "$ours"
	done < <(awk '/^100\.64\.2\.|^\[2001:db8:9:2:/ {print $2}' "$work/before")
}
keep_alive() {
	while :; do
		keepalives > /dev/null
		echo round >> "$work/rounds"
		sleep $keepalive
	done
}

# Prints the number of errors in the table, and of flows, half-open ones too
halves() {
	"$build/selftests/flowtable" "$pins" > "$work/table"
	echo "$(said table wrong) $(($(said table flows) + $(said table half_open)))"
}
take_one_away() { "$build/selftests/flowtable" "$pins" break; }

flood() { # NAME FROM TO
	start client "$udptool" send -a -s $flood -n $((rate * seconds)) -r $rate uplink "$wan" "$2" "$3" > "$work/$1"
}

network
start_listener wg-end four -e 192.168.1.10:$port
start_listener wg-end six -e "[2001:db8:2::10]:$port"
configuration > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
wan=$(mac firewall wan) lan=$(mac firewall lan)
come $silent 100.64.3.1 2001:db8:9:3::1
expect 'clients that will send nothing' "$(silent_ones)" == $((2 * silent))
wait_for 10 'the idle clients' idle_there
idle > "$work/before"
expect 'idle clients' "$(wc -l < "$work/before")" == $((4 * half))
keep_alive &
keeper=$!

before=$(shown get services.many.original.received) at=$(elapsed)
flood flood4 10.0.0.0:1 198.51.100.1:$port
flooding=("$!")
flood flood6 '[2001:db9::]:1' "[2001:db8:1::1]:$port"
flooding+=("$!")
sleep 10
newcomers 'during the flood' 10
[[ ! ${BREAK:-} ]] || take_one_away
sleep 15
newcomers 'during the flood, later' 11
all_run "${flooding[@]}" || fail 'the flood ended before the newcomers had come'
wait "${flooding[@]}"
took=$(awk "BEGIN {print $(elapsed) - $at}") received=$(($(shown get services.many.original.received) - before))
expect 'sent' $(($(said flood4 sent) + $(said flood6 sent))) == $((2 * rate * seconds))
say "flood: $received packets received in $took s; $(arrived wg-end flood) came to the backend"
rate=$(awk "BEGIN {print int($received / $took)}")
expect 'packets received a second' "$rate" '>=' 100000
read -r half_flows entries <<< "$(halves)"
expect "half flows, of $entries entries" "$half_flows" == 0
idle > "$work/after"
expect 'ports of idle clients that changed' "$(comm -3 <(sort "$work/before") <(sort "$work/after") | wc -l)" == 0
expect 'idle clients' "$(wc -l < "$work/after")" == $((4 * half))
newcomers 'after the flood' 12
kill $keeper
expect 'rounds of keepalives' "$(wc -l < "$work/rounds")" '>=' $((seconds / (keepalive + 5)))
say "keepalives that came: $(arrived wg-end keepalives) to the backend, $(arrived client keepalives) to clients"
expect 'clients that sent nothing' "$(silent_ones)" == 0
wgxdp show metrics | grep -E '^wgxdp_flows|dropped_packets_total.* [1-9]' || :
expect_sums
say "0 of $((4 * half)) ports changed, 0 half flows of $entries entries, $((6 * half)) of $((6 * half)) newcomers came in, at $rate spoofed tuples/s for $seconds s"
