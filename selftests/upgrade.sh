#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# Upgraded twenty times, and brought to another configuration twenty times, under traffic in both directions: no packet is lost,
# the counters go on, and each upgrade is one (another program in the same link). BREAK=1 takes wgxdp down in between.
#
#     client uplink ---- wan firewall lan ---- eth wg-end       5,000 packets/s each way
source "${BASH_SOURCE[0]%/*}/lib.sh"

n=110000 # packets each way
rate=5000
times=20

build_another
builds=("$wgxdp" "$other")

program() { # MODE: the number of the program that does the work
	local name=wgxdp_xdp
	[[ $1 != tc ]] || name=wgxdp_tc
	bpftool -j prog show pinned /sys/fs/bpf/wgxdp/default/progs/$name | grep -o '"id":[0-9]*'
}

firewall_network
quiet wg-end client
for mode in native tc; do
	count_arrivals wg-end "there_$mode" "udp dport $port"
	count_arrivals client "back_$mode" "udp sport $port"
	wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10" --mode $mode > /dev/null
	link_before=$(bpf_objects default | grep -c '^link') runs=$(program $mode)
	start client "$udptool" send -n $n -r $rate -c 50 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > "$work/there"
	there=$!
	start wg-end "$udptool" send -n $n -r $rate eth "$(mac firewall lan)" 192.168.1.10:$port 198.51.100.7:4000 > "$work/back"
	back=$!
	upgraded=0
	for ((i = 1; i <= times; i++)); do
		wgxdp=${builds[i % 2]}
		[[ ! ${BREAK:-} ]] || wgxdp down
		wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10" --mode $mode > /dev/null
		now=$(program $mode)
		[[ $now == "$runs" ]] || upgraded=$((upgraded + 1))
		runs=$now
		# and another configuration: one more port, or one less
		wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10" --port "$port,$((20000 + i))" --mode $mode > /dev/null
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
done
say "0 lost of $((4 * n)) during $((2 * times)) upgrades and $((2 * times)) changes of the configuration"
