#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# No packet is lost when the first packets meet unresolved neighbours, and each is counted once. The neighbours are
# wg-end for originals, and the client for its answers.
#
#     client  .7 -- 198.51.100.0/24 -- .1 firewall .1 -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                      2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

rounds=3
burst=20

neighbours() { inside firewall ip neighbour show to "$1" | grep -c lladdr || :; } # ADDRESS

# Again, after one of the neighbours has resolved the firewall, and so announced itself
forgotten() { # ADDRESS ADDRESS
	inside firewall ip neighbour flush all
	[[ $(neighbours "$1")$(neighbours "$2") == 00 ]]
}

# MODE FAMILY FROM TO BACKEND CLIENT
try() {
	local what="$1, IPv$2" before_end before_client forwarded=0 n
	before_end=$(arrived wg-end questions) before_client=$(arrived client answers)
	for ((n = 0; n < rounds; n++)); do
		wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10" --mode "$1"
		wait_for 5 "$what: neighbours are forgotten" forgotten "$5" "$6"
		inside client "$udptool" send -n $burst uplink "$wan_mac" "$3" "$4" > /dev/null
		wait_for 5 "$what: all answers at the client" all_came $((before_client + burst * (n + 1)))
		[[ $(neighbours "$5")$(neighbours "$6") == 11 ]] || fail "$what: the kernel has not resolved them"
		forwarded=$((forwarded + $(shown all original forwarded) + $(shown all reply forwarded)))
		shown sums > "$work/sums" || fail "$what: $(< "$work/sums")"
		[[ $(< "$work/sums") == "$((2 * burst)) received, "* ]] || fail "$what: sent $burst each way, $(< "$work/sums")"
		wgxdp down
	done
	expect "$what: of $((burst * rounds)) came to wg-end" $(($(arrived wg-end questions) - before_end)) == $((burst * rounds))
	expect "$what: answers that came to the client" $(($(arrived client answers) - before_client)) == $((burst * rounds))
	expect "$what: counted as forwarded, both ways" $forwarded == $((2 * burst * rounds))
}
all_came() { (($(arrived client answers) >= $1)); }

firewall_network
wan_mac=$(mac firewall wan)
count_arrivals wg-end questions "udp dport $port"
count_arrivals client answers "udp sport $port"
start_listener wg-end wg-end4 -e 192.168.1.10:$port
start_listener wg-end wg-end6 -e "[2001:db8:2::10]:$port"
start_listener client client4 198.51.100.7:4000 # otherwise the client would send ICMP errors, which belong to the service too
start_listener client client6 "[2001:db8:1::7]:4000"
for mode in native generic tc; do
	try $mode 4 198.51.100.7:4000 198.51.100.1:$port 192.168.1.10 198.51.100.7
	try $mode 6 "[2001:db8:1::7]:4000" "[2001:db8:2::10]:$port" 2001:db8:2::10 2001:db8:1::7
done
