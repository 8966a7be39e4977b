#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# `up` succeeds while other devices of the host vanish, and attaches again to a device that returns. `up` succeeds
# while other devices of the host vanish at any moment. A LAN device that leaves for another network namespace and
# returns gets packets again, by XDP, after `up`. BREAK=1 leaves out this `up`.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

firewall_network
namespaces away
count_arrivals wg-end originals "udp dport $port"
service_file dnat

# --- other devices vanish

come_and_go() {
	while :; do
		ip link add comes type veth peer name goes
		ip link del comes
	done
}
export -f come_and_go
start firewall bash -c come_and_go
visitors=$!
for ((i = 1; i <= 12; i++)); do
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up number $i, while devices vanish: $(< "$work/up")"
	wgxdp down > /dev/null
done
all_run $visitors
kill $visitors
wait $visitors || :
say 'ok up succeeds while devices vanish: 12 times'

# --- the LAN device leaves and returns

originals() { # prints how many of 100 packets arrive at wg-end
	local before
	before=$(arrived wg-end originals)
	inside client "$udptool" send -n 100 -r 1000 uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null
	sleep 0.3
	echo $(($(arrived wg-end originals) - before))
}
greet() { inside firewall ping -q -c 1 -W 5 192.168.1.10 > /dev/null; }
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
greet
expect 'before: arrived' "$(originals)" == 100
by_xdp=$(shown all original forwarded_xdp)
expect 'before: by XDP' "$by_xdp" '>=' 90
number=$(index firewall lan)
inside firewall ip link set lan netns away
inside away ip link set lan netns firewall
expect 'the number of lan' "$(index firewall lan)" == "$number"
inside firewall ip link set lan up
addresses firewall lan 192.168.1.1/24 2001:db8:2::1/64
[[ ${BREAK:-} ]] || wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
greet
expect 'afterwards: arrived' "$(originals)" == 100
expect 'afterwards: by XDP' "$(($(shown all original forwarded_xdp) - by_xdp))" '>=' 90
wgxdp show drops | holds send_failed && fail "packets were lost: $(wgxdp show drops)"
expect_sums
