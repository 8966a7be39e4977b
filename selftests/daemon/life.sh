#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# vm
# An instance starts, changes and ends without losing a packet, and `down` removes it completely. A second `up`
# changes nothing. `up` with another configuration changes only what differs, without losing a packet. A wrong
# configuration changes nothing. `down` leaves no pin, link, program, map, qdisc or filter. The instance forwards
# while none of its processes runs.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                              2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

ten_to() { # PORT: sends ten packets; COUNT of them come through
	local before
	before=$(arrived wg-end all_of_them)
	inside client "$udptool" send -n 10 -r 10000 uplink "$wan_mac" 198.51.100.7:4000 "198.51.100.1:$1" > /dev/null
	came=$(($(arrived wg-end all_of_them) - before))
}

to=(--to "192.168.1.10,2001:db8:2::10")

nothing_before() {
	on_host firewall > "$work/before"
	wgxdp down || fail 'down with nothing up'
	! wgxdp show > "$work/out" 2>&1 || fail 'show with nothing up succeeds'
	grep -q default "$work/out" || fail "show with nothing up does not name the instance: $(< "$work/out")"
	inside firewall strace -qq -e trace=close -o "$work/closed" "$wgxdp" show > "$work/out" 2>&1 || :
	[[ -s $work/closed ]] || fail 'strace saw nothing'
	! grep '^close(0)' "$work/closed" || fail 'show with nothing up closed its standard input, which is not its own'
}

runs_without_us() {
	wgxdp up --wan wan --lan lan "${to[@]}"
	! pgrep -x wgxdp > /dev/null || fail 'a process of wgxdp stays'
	ten_to $port
	expect 'forwarded, with no process alive' "$came" == 10
}

# Counters and ids stay too
up_twice() {
	bpf_objects default > "$work/objects"
	wgxdp up --wan wan --lan lan "${to[@]}"
	bpf_objects default | cmp -s - "$work/objects" || fail 'up again made other objects'
	expect 'forwarded, after up again' "$(shown all original forwarded)" == 10
}

other_configuration() {
	local rounds=15 n sender
	wgxdp up --wan wan --lan lan "${to[@]}" --port 443
	ten_to $port
	expect 'on the port before' "$came" == 0
	ten_to 443
	expect 'on the other port' "$came" == 10
	before=$(arrived wg-end all_of_them)
	start client "$udptool" send -n 15000 -r 5000 uplink "$wan_mac" 198.51.100.7:4000 198.51.100.1:443 > "$work/sent"
	sender=$!
	for ((n = 0; n < rounds; n++)); do
		kill -0 $sender 2> /dev/null || break
		wgxdp up --wan wan --lan lan "${to[@]}" --port 443,$((1000 + n))
	done
	wait $sender
	expect "lost while it was changed $n times" $((15000 - $(arrived wg-end all_of_them) + before)) == 0
	expect_sums
}

# A refused `up` names its reason, exits with this status, and changes nothing
refused() { # STATUS WORD ARGUMENT...
	local status=0
	as_it_is > "$work/was"
	wgxdp up "${@:3}" > "$work/out" 2>&1 || status=$?
	expect "up ${*:3}: status" "$status" == "$1"
	grep -qF -- "$2" "$work/out" || fail "up ${*:3}: $(< "$work/out") does not name $2"
	as_it_is | diff "$work/was" - || fail "up ${*:3}: something changed"
}
as_it_is() {
	on_host firewall
	[[ ! -e /sys/fs/bpf/wgxdp/default ]] || bpf_objects default
	cat /run/wgxdp/default/running.yaml 2> /dev/null || :
}

wrong_ones() {
	printf 'services:\n  - { name: a, nat: dant }\n' > "$work/wrong.yaml"
	refused 2 lo --wan wan --lan lo "${to[@]}"
	refused 2 bogus --wan wan --bogus "${to[@]}"
	refused 2 wrong.yaml:2: -c "$work/wrong.yaml"
	refused 2 nosuch.yaml -c "$work/nosuch.yaml"
	refused 1 192.168.1.1 --wan wan --to 192.168.1.1
}

still_forwards() {
	ten_to 443
	expect 'still forwarded' "$came" == 10
}

gone() {
	bpf_objects default > "$work/objects"
	(($(wc -l < "$work/objects") > 15)) || fail "only these objects: $(< "$work/objects")"
	wgxdp down
	on_host firewall | diff "$work/before" - || fail 'down left something'
	[[ ! -e /run/wgxdp/default/running.yaml ]] || fail 'down left the running configuration'
	wait_for 10 "the kernel lets go of $(wc -l < "$work/objects") objects" none_of_these "$work/objects"
	say "ok $(wc -l < "$work/objects") links, programs and maps are gone, and nothing else is left"
}

at_once() {
	local pids=() pid n
	for n in 1 2 3 4; do
		start firewall "$wgxdp" up --wan wan --lan lan "${to[@]}" > /dev/null
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || fail 'one of four at once failed'; done
	ten_to $port
	expect 'forwarded, after four up at once' "$came" == 10
}

state_lost() {
	rm -rf /run/wgxdp
	shown get instance > /dev/null || fail 'show without /run/wgxdp'
	wgxdp up --wan wan --lan lan "${to[@]}"
	ten_to $port
	expect 'forwarded, after its /run was lost' "$came" == 10
	expect_sums
}

# An upgrade from a version without this map: counters stay, and the map exists
a_new_map() {
	local before
	before=$(shown all original forwarded)
	rm /sys/fs/bpf/wgxdp/default/tx_dropped
	shown get instance > /dev/null || fail 'show without a map of this version'
	wgxdp up --wan wan --lan lan "${to[@]}"
	[[ -e /sys/fs/bpf/wgxdp/default/tx_dropped ]] || fail 'a map that this version has is not pinned'
	ten_to $port
	expect 'forwarded, by programs with a new map' "$came" == 10
	expect 'forwarded in all' "$(shown all original forwarded)" '>=' $((before + 10))
}

# The devices are deleted and created again
devices_anew() {
	inside firewall ip link del lan
	wgxdp show > /dev/null || fail 'show without lan'
	cable firewall lan wg-end eth
	takes_xdp wg-end eth
	addresses firewall lan 192.168.1.1/24 2001:db8:2::1/64
	addresses wg-end eth 192.168.1.10/24 2001:db8:2::10/64
	wgxdp up --wan wan --lan lan "${to[@]}"
	ten_to $port
	expect 'forwarded, by a new lan' "$came" == 10
}

# Indexes of a host that has made thousands of interfaces: one falls on the wan's place in the map, and two others share
# a place
indexes() {
	local index
	index=$(index firewall wan)
	ip link add early netns firewall index $((index + 4096)) type veth peer name early-end netns client
	ip link add many netns firewall index $((index + 8000)) type veth peer name many-end netns client
	ip link add more netns firewall index $((index + 12096)) type veth peer name more-end netns client
	wgxdp up --wan wan --lan lan "${to[@]}" || fail 'an interface that is nothing to us keeps it from being up'
	ten_to $port
	expect 'forwarded, beside interfaces with equal places' "$came" == 10
	expect 'up again' "$(wgxdp up --wan wan --lan lan "${to[@]}" | tail -n 1)" == 'the data path is up: nothing had to change'
	inside firewall ip link del early
	inside firewall ip link del many
	inside firewall ip link del more
}

firewall_network
wan_mac=$(mac firewall wan)
count_arrivals wg-end all_of_them "udp dport $port"
nothing_before
wrong_ones
for step in runs_without_us up_twice other_configuration wrong_ones still_forwards gone at_once state_lost a_new_map gone \
	indexes gone runs_without_us devices_anew gone; do
	$step
done
