#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Every mode carries originals and replies of both families, while no process of wgxdp runs. `show` prints the mode and
# its reason. auto takes the best mode of the driver. A refused mode changes nothing.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                              2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=1000
to=(--wan wan --lan lan --to "192.168.1.10,2001:db8:2::10")

# WHAT: sends questions of both families, which are all answered and counted
carries() {
	inside client "$udptool" ask -n $n -r 10000 198.51.100.7:4000 198.51.100.1:$port > "$work/ipv4"
	inside client "$udptool" ask -n $n -r 10000 "[2001:db8:1::7]:4000" "[2001:db8:2::10]:$port" > "$work/ipv6"
	expect "$1: answered, IPv4" "$(said ipv4 answered)" == $n
	expect "$1: answered, IPv6" "$(said ipv6 answered)" == $n
	expect "$1: originals forwarded" "$(shown all original forwarded)" == $((2 * n))
	expect "$1: replies forwarded" "$(shown all reply forwarded)" == $((2 * n))
	expect_sums
}

running_modes() { shown get interfaces.wan.mode interfaces.lan.mode; }

# WHAT INTERFACE TEXT: the reason in show after a change, after a second `up`, and under the daemon
why_is() {
	expect "$1: why" "$(shown get "interfaces.$2.why")" == "$3"
	wgxdp save | wgxdp up -c - > /dev/null
	expect "$1, up again: why" "$(shown get "interfaces.$2.why")" == "$3"
	start_daemon
	expect "$1, with the daemon: why" "$(shown get "interfaces.$2.why")" == "$3"
	end_daemon
}

modes() {
	local mode redirects wanted why
	for mode in auto native generic tc; do
		redirects=$(driver_redirects firewall wan)
		wgxdp up "${to[@]}" --mode $mode
		! pgrep -x wgxdp > /dev/null || fail 'a process of wgxdp is alive'
		wanted=$mode
		[[ $mode != auto ]] || wanted=native
		expect "$mode: modes" "$(running_modes)" == "$wanted $wanted"
		why="the configuration asks for $mode"
		[[ $mode != auto ]] || why='the driver has native XDP'
		why_is "$mode" lan "$why"
		carries $mode
		redirects=$(($(driver_redirects firewall wan) - redirects))
		if [[ $wanted == native ]]; then
			expect "$mode: redirected by the driver" $redirects '>' $((2 * n * 95 / 100))
		else
			expect "$mode: redirected by the driver" $redirects == 0
		fi
		wgxdp down
	done
}

# From each mode to each other one, without down: the requested mode runs
mode_to_mode() {
	local mode
	for mode in native tc generic native generic tc native; do
		wgxdp up "${to[@]}" --mode $mode > /dev/null
		[[ $(running_modes) == "$mode $mode" ]] || fail "asked for $mode, $(running_modes) runs"
	done
	carries 'from mode to mode'
	wgxdp down
}

# A MACVLAN has no native XDP, and no XDP at all if the NIC below uses it
refused_native() {
	inside firewall ip link add mv0 link wan type macvlan
	inside firewall ip link set mv0 up
	on_host firewall > "$work/before"
	! wgxdp up --wan mv0 --wan wan --to 192.168.1.10 --mode native > "$work/out" 2>&1 || fail 'native on a MACVLAN'
	grep -q mv0 "$work/out" || fail "the refusal does not name mv0: $(< "$work/out")"
	on_host firewall | diff "$work/before" - || fail 'the refused up changed something'
	say "ok $(grep error "$work/out")"
	wgxdp up --wan mv0 --wan wan --to 192.168.1.10
	expect 'auto: mode of a MACVLAN, and of the nic below' "$(shown get interfaces.mv0.mode interfaces.wan.mode)" == 'tc native'
	why_is 'a MACVLAN' mv0 'the kernel allows XDP on this interface or on wan below it, but not on both'
	wgxdp down
	wgxdp up --wan mv0 --to 192.168.1.10
	expect 'auto: mode of a MACVLAN alone' "$(shown get interfaces.mv0.mode)" == generic
	why_is 'a MACVLAN alone' mv0 'the driver refused native XDP: Operation not supported'
	wgxdp down
}

other_whys() {
	inside wg-end ip link set eth xdpdrv off
	inside wg-end ethtool -K eth gro off > /dev/null
	wgxdp up "${to[@]}" > /dev/null
	expect 'a device that cannot transmit: why' "$(shown get interfaces.lan.why)" == 'the driver has native XDP; the device cannot send from XDP, so'"\
 tc sends these packets: the other end of the veth needs GRO or an XDP program: run \`ethtool -K PEER gro on\` there, and then \`wgxdp up\` or \`wgxdp reload\` here"
	wgxdp up "${to[@]}" --mode generic > /dev/null
	wgxdp up "${to[@]}" > /dev/null
	expect 'generic before: why' "$(shown get interfaces.lan.why)" == 'mode auto keeps the generic XDP of an earlier configuration'
	wgxdp save | sed -E 's/(name|interface): wan/\1: nowhere/' > "$work/nowhere.yaml"
	wgxdp up -c "$work/nowhere.yaml" > /dev/null 2>&1
	expect 'not there: why' "$(shown get interfaces.nowhere.why)" == 'it does not exist'
	wgxdp down
	takes_xdp wg-end eth
}

firewall_network
start_listener wg-end wg-end4 -e 192.168.1.10:$port
start_listener wg-end wg-end6 -e "[2001:db8:2::10]:$port"
modes
mode_to_mode
refused_native
other_whys
