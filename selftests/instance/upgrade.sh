#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# Twenty upgrades and twenty changes of the configuration under traffic lose no packet, and counters continue. Traffic
# goes in both directions, and each upgrade puts another program into the same link. Then one upgrade with state:
# flows stay the same, a strict guard knows its clients, sites of the blind relay keep their sessions, and no packet
# is lost. Pins that only the former build has are gone. The next `up` repairs an upgrade that was killed.
#
# FROM=PROGRAM is the former build (a wgxdp; default: this one, built in another way). BREAK=1 takes wgxdp down in
# between. BREAK=2 does so only with state. BREAK=3 pins the former build's maps again after the upgrade.
#
#     client uplink ---- wan firewall lan ---- eth wg-end       5,000 packets/s each way
#                                                               and the network of blind-sites.sh
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

n=110000 # packets each way
rate=5000
times=20

if [[ ${FROM:-} ]]; then
	former=$(realpath "$FROM")
else
	build_another
	former=$other
fi
new=$wgxdp
builds=("$new" "$former")
say "from $former"

program() { # MODE: prints the number of the program that forwards
	local name=wgxdp_xdp
	[[ $1 != tc ]] || name=wgxdp_tc
	bpftool -j prog show pinned /sys/fs/bpf/wgxdp/default/progs/$name | grep -o '"id":[0-9]*'
}

stateless() { # MODE
	local mode=$1
	count_arrivals wg-end "there_$mode" "udp dport $port"
	count_arrivals client "back_$mode" "udp sport $port"
	wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10" --mode "$mode" > /dev/null
	local link_before runs there back upgraded i now
	link_before=$(bpf_objects default | grep -c '^link') runs=$(program "$mode")
	start client "$udptool" send -n $n -r $rate -c 50 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > "$work/there"
	there=$!
	start wg-end "$udptool" send -n $n -r $rate eth "$(mac firewall lan)" 192.168.1.10:$port 198.51.100.7:4000 > "$work/back"
	back=$!
	upgraded=0
	for ((i = 1; i <= times; i++)); do
		wgxdp=${builds[i % 2]}
		[[ ${BREAK:-} != 1 ]] || wgxdp down
		wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10" --mode "$mode" > /dev/null
		now=$(program "$mode")
		[[ $now == "$runs" ]] || upgraded=$((upgraded + 1))
		runs=$now
		# another configuration: one port more, or less
		wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10" --port "$port,$((20000 + i))" --mode "$mode" > /dev/null
	done
	kill -0 $there 2> /dev/null || fail "$mode: the traffic ended before the changes"
	wait $there $back
	expect "$mode: upgrades that were one" $upgraded == $times
	expect "$mode: links of ours" "$(bpf_objects default | grep -c '^link')" == "$link_before"
	wait_for 5 "$mode: all there" test "$(arrived wg-end "there_$mode")" -ge $n || true
	expect "$mode: to wg-end" "$(arrived wg-end "there_$mode")" == $n
	expect "$mode: to the client" "$(arrived client "back_$mode")" == $n
	expect "$mode: counted" "$(($(shown all original forwarded) + $(shown all reply forwarded)))" == $((2 * n))
	expect_sums
	wgxdp down
	wgxdp=$new
}

# --- with state

state_file() { # writes $work/state.yaml: a masquerading service, and one with a strict guard
	cat > "$work/state.yaml" <<- YAML
		interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
		services:
		  - { name: many, listen: { interface: wan, ports: [ 51821 ] }, backend: { ipv4: 192.168.1.10, port: 51821 }, nat: masquerade }
		  - name: guarded
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
		    wireguard: { public-key: "$(key wge)", strict: true }
	YAML
}
flows() { # prints the client and the pool port of each
	wgxdp show flows --json | /usr/bin/python3 -IS -c 'import json, sys
print(*sorted(flow["client"] + ">" + flow["ours"] for flow in json.load(sys.stdin)["flows"]))'
}
handshakes() { # prints the time of each tunnel's latest handshake, for the client and the sites' edge routers
	local edge
	inside client wg show wgc latest-handshakes
	for edge in "${sites[@]}"; do inside "edge-$edge" wg show "wgb-$edge" latest-handshakes | sort; done
}
pings() { # NAME NAMESPACE ADDRESS: for $seconds
	unanswered "$2" "$3" -c $((seconds * 50)) -i 0.02 -W 5 > "$work/$1" &
	senders+=($!)
}
pins() { find /sys/fs/bpf -path /sys/fs/bpf/wgxdp/\* -type f | sort; }

# The relay's instance needs its daemon, and the new build's daemon upgrades it
sites_daemon() {
	on=relay start_daemon --instance sites -c "$work/wgxdp.yaml"
}
upgrade() { # to the new build
	[[ ${BREAK:-} != 2 ]] || wgxdp down
	wgxdp=$new
	wgxdp up -c "$work/state.yaml" > /dev/null
	end_daemon
	[[ ${BREAK:-} != 2 ]] || on=relay wgxdp --instance sites down
	sites_daemon
}
# As if the former build had a map and a program that the new one lacks
pin_more() {
	local pins=/sys/fs/bpf/wgxdp/default
	bpftool map pin pinned $pins/links $pins/former
	bpftool prog pin pinned $pins/progs/wgxdp_tc $pins/progs/wgxdp_former
}

stateful() {
	local seconds=12 clients='4001 4002 4003 4004 4005' client senders=() before after programs name
	choose_wireguard
	tunnel wg-end wge 10.77.0.1/24 "$port"
	tunnel client wgc 10.77.0.2/24
	inside wg-end wg set wge peer "$(key wgc)" allowed-ips 10.77.0.2/32
	inside client wg set wgc peer "$(key wge)" allowed-ips 10.77.0.0/24 endpoint "198.51.100.1:$port"
	start_listener wg-end received -e 192.168.1.10:51821
	state_file
	wgxdp=$former
	wgxdp up -c "$work/state.yaml" > /dev/null
	blind_network a b
	blind_file
	sites_daemon
	wait_for 30 'all sites' all_authenticated 3
	first_pings
	wait_for 10 'a ping through the guard' inside client ping -q -c 1 -W 5 10.77.0.1
	sessions_settle
	for client in $clients; do
		start client "$udptool" ask -n $((seconds * 100)) -r 100 198.51.100.7:"$client" 198.51.100.1:51821 > "$work/asked-$client"
		senders+=($!)
	done
	pings guarded client 10.77.0.1
	pings a-b server-a "$overlay:b::10"
	pings b-c server-b "$overlay:c::10"
	pings c-a server-c "$overlay:a::10"
	wait_for 5 'the flows' test "$(flows | wc -w)" == 5
	before="$(flows); $(handshakes)"
	programs=$(program xdp)
	pin_more
	upgrade
	expect 'an upgrade' "$(program xdp)" != "$programs"
	after="$(flows); $(handshakes)"
	[[ $after == "$before" ]] || fail "flows and latest handshakes: $after, before: $before"
	say 'ok the flows, and the latest handshakes, are those of before'
	all_run "${senders[@]}" || fail 'the traffic ended before the upgrade'
	wait "${senders[@]}" || :
	for client in $clients; do expect "answers to the client with port $client" "$(said "asked-$client" answered)" == $((seconds * 100)); done
	for name in guarded a-b b-c c-a; do expect "pings lost, $name" "$(cat "$work/$name")" == 0; done
	expect_sums
}

# The pins are those of a first `up` of the new build
same_pins() {
	[[ ${BREAK:-} != 3 ]] || pin_more
	pins > "$work/upgraded"
	wgxdp down
	end_daemon
	on=relay wgxdp --instance sites down
	wgxdp up -c "$work/state.yaml" > /dev/null
	sites_daemon
	wait_for 30 'all sites' all_authenticated 3
	pins | diff "$work/upgraded" - > "$work/differs" || fail "pins after the upgrade, and of a first up: $(< "$work/differs")"
	say "ok pins after the upgrade: $(wc -l < "$work/upgraded")"
	end_daemon
	on=relay wgxdp --instance sites down
	wgxdp down
	expect 'pins after down' "$(pins)" == ''
}

# The next `up` repairs a killed upgrade, no matter which build's programs run
killed() { # CALL:NUMBER... (kernels differ in how many there are)
	local step before ends=0
	count_arrivals wg-end whole "udp sport 4000 udp dport $port" # without the tunnel's packets
	wgxdp up --wan wan --lan lan --to 192.168.1.10 > /dev/null
	before=$(pins)
	for step; do
		wgxdp=$former
		wgxdp down
		wgxdp up --wan wan --lan lan --to 192.168.1.10 > /dev/null
		pin_more
		wgxdp=$new
		inside firewall strace -f -o "$work/strace" -e "inject=${step%:*}:signal=KILL:when=${step#*:}" \
			"$wgxdp" up --wan wan --lan lan --to 192.168.1.10 > /dev/null 2>&1 || :
		holds '+++ killed by SIGKILL' < "$work/strace" && ends=$((ends + 1))
		ten_come whole "an upgrade killed at $step"
		wgxdp up --wan wan --lan lan --to 192.168.1.10 > /dev/null
		ten_come whole "an upgrade killed at $step, and up"
		[[ $(pins) == "$before" ]] || fail "an upgrade killed at $step, and up: pins: $(pins | diff <(echo "$before") -)"
		say "ok an upgrade killed at $step, and up"
	done
	expect 'upgrades killed' $ends '>=' 8
	wgxdp down
	expect 'pins after down' "$(pins)" == ''
}

firewall_network
quiet wg-end client
if [[ ${BREAK:-} != [23] ]]; then
	for mode in native tc; do stateless $mode; done
	say "0 lost of $((4 * n)) during $((2 * times)) upgrades and $((2 * times)) changes of the configuration"
fi
stateful
same_pins
killed bpf:5 bpf:150 bpf:250 bpf:350 bpf:400 rename:1 rename:2 rename:3 rename:4 unlink:4 unlink:6 unlink:8 unlink:9
say ok
