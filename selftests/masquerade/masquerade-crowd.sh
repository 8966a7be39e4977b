#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# alone
# A flood of newcomers takes no answer and no port from 150,000 clients whose flows the backend of a masquerading
# service has answered. Then a flood of newcomers comes from random sources for 20 s, as fast as one CPU makes
# packets. Each makes a flow, because the service has no guard. Afterwards the service gets a guard, and two more
# floods come: one of initiations with a wrong mac1, and one of messages that look like data, which the guard passes.
# Beside each of these, ten WireGuard clients a second begin, and all of them complete a handshake. After each flood,
# an answer reaches each of the 150,000 clients, and its packet leaves with the same address and port as before.
# BREAK=1 ends the flow of one client during the first flood.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 to .6 -- 192.168.1.0/24 -- .10 wg-end
#       wgc1 … wgc200                                                                          wge
#     the 150,000: 100.64.0.0/14; flood: 10.0.0.0/8
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

clients=${CLIENTS:-150000}
seconds=20 # seconds of each flood, at least
each_second=10 # newcomers
newcomers=$((seconds * each_second))
sources=16000000
flooder=0 # the CPU of the flood

configuration() { # [GUARD]
	local own=192.168.1.1 last
	for last in 2 3 4 5 6; do own+=", 192.168.1.$last"; done
	masquerading "max: 170000, ports: 10000-65535, source: [ $own ]"
	[[ ! ${1:-} ]] || echo "    wireguard: { public-key: \"$(key wge)\" }"
}

network() {
	local i last
	firewall_network
	for last in 2 3 4 5 6; do addresses firewall lan 192.168.1.$last/24; done
	packets_by_test_run 10
	inside firewall ip route add 100.64.0.0/14 via 198.51.100.7
	count_arrivals wg-end flood "udp dport $port"
	tunnel wg-end wge 10.77.0.1/16 $port
	for ((i = 1; i <= newcomers; i++)); do
		tunnel client "wgc$i" "10.77.$((1 + i / 250)).$((1 + i % 250))/32"
		inside wg-end wg set wge peer "$(key "wgc$i")" allowed-ips "10.77.$((1 + i / 250)).$((1 + i % 250))/32"
	done
}

# With wireguard-go, each device uses one, and the kernel allows 128 per user by default
inotify_instances() {
	local was
	was=$(sysctl -n fs.inotify.max_user_instances)
	((was >= 2 * newcomers)) || sysctl -qw fs.inotify.max_user_instances=$((2 * newcomers))
	# shellcheck disable=SC2064 # as it was
	trap "sysctl -qw fs.inotify.max_user_instances=$was" EXIT
}

# begin|check WHEN: sends packets of all clients
crowd() {
	inside firewall "$build/selftests/flowcrowd" "$1" /sys/fs/bpf/wgxdp/default "$(index firewall wan)" "$(index firewall lan)" \
		"$(mac firewall wan)" "$(mac firewall lan)" "$clients" "$work/own" > "$work/crowd"
	expect "$2: of $clients established clients, answers that did not come" "$(said crowd lost)" == 0
	expect "$2: clients whose address or port changed" "$(said crowd moved)" == 0
}

flood_begins() { # OPTION...
	received=$(shown get services.many.original.received)
	at=$(ms)
	start client taskset -c $flooder "$build/selftests/flood" "$@" -c $sources uplink "$wan" 10.0.0.1 198.51.100.1 $port > "$work/flood"
	flooding=$!
	wait_for 10 'the flood' grep -q floods "$work/flood"
}
flood_ends() { # NAME
	local took
	took=$(($(ms) - at))
	((took >= seconds * 1000)) || sleep "$(awk "BEGIN {print $seconds - $took / 1000}")"
	all_run "$flooding" || fail "$1: the flood ended too soon: $(< "$work/flood")"
	stop "$flooding"
	rate=$((($(shown get services.many.original.received) - received) * 1000 / ($(ms) - at)))
	say "$1: $(tail -n 1 "$work/flood"), $rate a second received"
	expect "$1: packets received a second" "$rate" '>=' 50000
}

handshakes() { inside client wg show all latest-handshakes | awk '$1 ~ /^wgc/ && $3 != 0' | wc -l; }
all_in() { (($(handshakes) == newcomers)); }
# NAME FIRST-PORT: new clients, each with another port. They handshake at once
newcomers_come() {
	local i begun wait
	begun=$(ms)
	for ((i = 1; i <= newcomers; i++)); do
		wait=$((begun + i * 1000 / each_second - $(ms)))
		((wait <= 0)) || sleep "$(printf 0.%03d $wait)"
		inside client wg set "wgc$i" listen-port $(($2 + i)) peer "$(key wge)" endpoint "198.51.100.1:$port" allowed-ips 10.77.0.1/32 \
			persistent-keepalive 25
	done
	say "$1: $newcomers newcomers in $(($(ms) - begun)) ms, $(handshakes) have a handshake"
	wait_for 16 "$1: handshakes of all newcomers, of which came $(handshakes)" all_in # they try three times
	expect "$1: newcomers that came in, $(($(ms) - begun)) ms after the first one began" "$(handshakes)" == $newcomers
}
newcomers_go() {
	local i
	for ((i = 1; i <= newcomers; i++)); do inside client wg set "wgc$i" peer "$(key wge)" remove; done
	expect 'handshakes that are left' "$(handshakes)" == 0
}

choose_wireguard
[[ $WGXDP_WG == kernel ]] || inotify_instances
network
wan=$(mac firewall wan)
configuration > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
inside wg-end nft add rule inet seen arrivals udp dport $port drop
crowd begin 'no flood'

flood_begins
[[ ! ${BREAK:-} ]] || { sleep 5 && wgxdp flow del --client 100.64.0.1; }
flood_ends 'without a guard'
expect 'without a guard: packets that came to wg-end' "$(arrived wg-end flood)" '>' $((rate * seconds / 2))
crowd check 'without a guard'

configuration guard > "$work/wgxdp.yaml"
wgxdp reload -c "$work/wgxdp.yaml" > "$work/up" || fail "reload: $(< "$work/up")"
crowd check 'after a reload'
inside wg-end nft flush chain inet seen arrivals
inside wg-end nft add rule inet seen arrivals udp dport $port udp length 152 counter name flood drop # length of the flood's data

flood_begins
newcomers_come 'forged initiations' 20000
flood_ends 'forged initiations'
expect 'dropped by the guard' $(($(shown reason original guard_mac1) + $(shown reason original guard_busy))) '>=' $((rate * seconds / 2))
crowd check 'forged initiations'

newcomers_go
came=$(arrived wg-end flood)
flood_begins -d
newcomers_come 'messages like data' 30000
flood_ends 'messages like data'
expect 'messages like data: packets that came to wg-end' $(($(arrived wg-end flood) - came)) '>' $((rate * seconds / 2))
crowd check 'messages like data'
expect_sums
say "0 of $clients established clients lost, $((2 * newcomers)) of $((2 * newcomers)) newcomers came in"
