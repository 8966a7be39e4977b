# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by the tests of links: addresses on the devices between client and wg-end, and checks that packets pass.
#
#     198.51.100.0/24, 2001:db8:1::/64              192.168.1.0/24, 2001:db8:2::/64
#     client .7 $uplink ------- $wan .1 firewall .1 $lan ------- $eth .10 wg-end
source "${BASH_SOURCE[0]%/*}/lib.sh"

n=200 # questions of each family
uplink=uplink wan=wan lan=lan eth=eth
public=198.51.100.1 # the destination of the client's IPv4 packets
at_wan=(198.51.100.1/24 2001:db8:1::1/64) at_lan=(192.168.1.1/24 2001:db8:2::1/64) # the firewall's addresses

number() {
	addresses client "$uplink" 198.51.100.7/24 2001:db8:1::7/64
	addresses firewall "$wan" "${at_wan[@]}"
	addresses firewall "$lan" "${at_lan[@]}"
	addresses wg-end "$eth" 192.168.1.10/24 2001:db8:2::10/64
	gateways client 198.51.100.1 2001:db8:1::1
	gateways wg-end 192.168.1.1 2001:db8:2::1
	ping_all
	start_listener wg-end wg-end4 -e 192.168.1.10:$port
	listeners=$!
	start_listener wg-end wg-end6 -e "[2001:db8:2::10]:$port"
	listeners+=" $!"
}

# Resolves the neighbours. Another test covers unresolved ones.
ping_all() {
	local end
	for end in "$wan 198.51.100.7" "$wan 2001:db8:1::7" "$lan 192.168.1.10" "$lan 2001:db8:2::10"; do
		# shellcheck disable=SC2086
		inside firewall ping -q -c 1 -W 5 -I $end > /dev/null
	done
}

answered() { # WHAT FROM TO
	inside client "$udptool" ask -n $n -r 20000 "$2" "$3" > "$work/answered"
	expect "$1: answered" "$(said answered answered)" == $n
}

# WHAT MODE XDP [UP-ARGUMENT...]: XDP names the directions in which native XDP must carry nearly all packets; it may
# carry $few_xdp (0) of the others
carries() {
	local direction few
	local up=("${@:4}")
	((${#up[@]})) || up=(--wan "$wan" --to '192.168.1.10,2001:db8:2::10')
	wgxdp up "${up[@]}" --mode "$2" > "$work/up"
	answered "$1, $2, IPv4" 198.51.100.7:4000 "$public:$port"
	answered "$1, $2, IPv6" '[2001:db8:1::7]:4000' "[2001:db8:2::10]:$port"
	for direction in original reply; do
		expect "$1, $2, $direction: forwarded" "$(shown all $direction forwarded)" == $((2 * n))
		few=('<=' "${few_xdp:-0}")
		[[ $3 != *$direction* ]] || few=('>' $((2 * n - 40)))
		expect "$1, $2, $direction: by XDP" "$(shown all $direction forwarded_xdp)" "${few[@]}"
	done
	expect_sums
	wgxdp down
}

unplug() {
	local pid
	for pid in $listeners; do stop "$pid"; done
	for ns in client firewall wg-end; do ip netns del $ns; done
}
