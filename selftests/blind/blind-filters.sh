#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: 6.1
# Without tcx (before 6.6), the blind relay's egress program has exactly one filter, whatever the daemon, new programs
# and `up` do. This holds as root and with the capabilities of the systemd units. The daemon leaves a right filter
# alone, so an idle host has no passes. The filter goes with `blind`, moves with its interface, and `down` leaves
# nothing. BREAK=1 adds a second filter.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

limited=(setpriv --bounding-set='-all,+bpf,+net_admin,+perfmon' --inh-caps=-all)

configure() { # [INTERFACE of the blind relay]
	service_file dnat
	[[ ! ${1:-} ]] || echo "blind: { listen: { interface: $1, port: 51830 }, device: wgfilters }" >> "$work/wgxdp.yaml"
}
filters() { inside firewall tc filter show dev "$1" egress | grep -c 'wgxdp_tc_egress' || :; } # DEVICE
are() { [[ $(filters wan) == "$1" && $(filters lan) == "$2" ]]; } # ON-WAN ON-LAN
has() { # WHAT ON-WAN ON-LAN
	wait_for 30 "$1: filters, expected $2 on wan and $3 on lan, not $(filters wan) and $(filters lan)" are "$2" "$3"
	say "ok $1: $2 on wan, $3 on lan"
}
followed() { wgxdp show services | holds "listen: .*$1:"; } # ADDRESS
passes() { # ADDRESS: an address comes, and the daemon follows it
	inside firewall ip address add "$1/24" dev wan
	wait_for 30 "the daemon follows $1" followed "$1"
}
still_the_same() { # WHAT
	sleep 2 # a pass follows the last change
	inside firewall timeout 5 tc monitor > "$work/filters" || :
	expect "$1, messages about filters while nothing changes for 5 s" "$(grep -c wgxdp "$work/filters" || :)" == 0
}

firewall_network
choose_wireguard
tunnel firewall wgfilters fd12:3456:7899::1/128 51830
configure wan
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
wgxdp down
traces firewall > "$work/nothing"

for who in root limited; do
	prefix=()
	[[ $who == root ]] || prefix=("${limited[@]}")
	configure wan
	start firewall "${prefix[@]}" "$wgxdp" daemon -c "$work/wgxdp.yaml" > "$work/daemon" 2>&1
	daemon=$!
	wait_for 60 "the daemon's readiness" grep -q 'the daemon follows changes' "$work/daemon"
	has "$who" 1 0
	passes 198.51.100.250
	passes 198.51.100.251
	[[ ! ${BREAK:-} ]] || inside firewall tc filter add dev wan egress pref 9 bpf direct-action \
		pinned /sys/fs/bpf/wgxdp/default/progs/wgxdp_tc_egress
	has "$who, after more passes" 1 0
	still_the_same "$who"
	inside firewall tc filter del dev wan egress
	has "$who, after someone removed it" 1 0
	inside firewall "${prefix[@]}" "$wgxdp" up -c "$work/wgxdp.yaml" --express off > /dev/null
	has "$who, new programs" 1 0
	end_daemon
	configure lan
	inside firewall "${prefix[@]}" "$wgxdp" up -c "$work/wgxdp.yaml" > /dev/null
	has "$who, blind on lan" 0 1
	configure
	inside firewall "${prefix[@]}" "$wgxdp" up -c "$work/wgxdp.yaml" > /dev/null
	has "$who, without blind" 0 0
	configure wan
	inside firewall "${prefix[@]}" "$wgxdp" up -c "$work/wgxdp.yaml" > /dev/null
	has "$who, with blind again" 1 0
	! grep -q 'cannot watch' "$work/daemon" || fail "$who: $(< "$work/daemon")"
	inside firewall ip address del 198.51.100.250/24 dev wan
	inside firewall ip address del 198.51.100.251/24 dev wan
	inside firewall "${prefix[@]}" "$wgxdp" down
	no_traces firewall "$work/nothing" "$who, down"
done
say ok
