#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# A firewall whose WAN is shaped by SQM through an ifb forwards in both directions, and SQM's filters stay as they
# are. A WAN whose downstream is shaped, as SQM does it: the filter of an ingress qdisc sends everything through an
# ifb, and another project's BPF filter is beside it. The same with clsact. wgxdp forwards in both directions, also
# while neighbours are unresolved, in auto and tc mode. Under the daemon, SQM and wgxdp may start and stop in any
# order. Other traffic still goes through the ifb, and all other filters stay as they are. BREAK=1: without the
# daemon.
#
#     client uplink ------- wan firewall lan ------- eth wg-end
#                            | ^
#                          ifb4wan
source "${BASH_SOURCE[0]%/*}/../lib/ways.sh"

pings=20

plug() { # QDISC
	firewall_cables
	inside firewall ip link add ifb4wan type ifb
	inside firewall ip link set ifb4wan up
	inside firewall tc qdisc add dev ifb4wan root fq_codel
	shape "$1"
}

shape() { # QDISC
	inside firewall tc qdisc add dev wan "$1"
	inside firewall tc filter add dev wan ingress protocol all pref 10 matchall action mirred egress redirect dev ifb4wan
	inside firewall tc filter add dev wan ingress pref 20 bpf direct-action obj "$build/selftests/peer.bpf.o" sec tc
	[[ $1 != clsact ]] ||
		inside firewall tc filter add dev wan egress pref 20 bpf direct-action obj "$build/selftests/peer.bpf.o" sec tc
}

# Prints other programs' filters on wan. Without tcx, wgxdp's own filter takes the first free priority
theirs() {
	inside firewall tc qdisc show dev wan
	{ inside firewall tc filter show dev wan ingress && inside firewall tc filter show dev wan egress; } | grep -vw 'pref 1'
}

through_ifb() { inside firewall tc -s qdisc show dev ifb4wan | awk '$1 == "Sent" {print $4; exit}'; }

shaped() { # WHAT
	local before
	before=$(through_ifb)
	inside client ping -q -c $pings -i 0.01 -W 5 198.51.100.1 > /dev/null
	expect "$1: of $pings pings, through the ifb" $(($(through_ifb) - before)) '>=' $pings
}

unresolved() { # WHAT MODE
	wgxdp up --wan wan --to '192.168.1.10,2001:db8:2::10' --mode "$2" > /dev/null
	theirs | diff "$work/theirs" - || fail "$1: something of others' changed"
	shaped "$1"
	inside firewall ip neigh flush all
	inside client "$udptool" ask -n 10 -r 1000 198.51.100.7:4000 198.51.100.1:$port > "$work/answered"
	expect "$1, neighbours unresolved: answered" "$(said answered answered)" == 10
	expect_sums
	wgxdp down
}

# removes and creates the qdisc, and so all its filters
sqm_anew() { # WHAT QDISC
	wgxdp up --wan wan --to '192.168.1.10,2001:db8:2::10' --mode tc > /dev/null
	inside firewall tc qdisc del dev wan "$2"
	shape "$2"
	theirs > "$work/theirs"
	wgxdp up --wan wan --to '192.168.1.10,2001:db8:2::10' --mode tc > /dev/null
	answered "$1, SQM and wgxdp up anew" 198.51.100.7:4000 198.51.100.1:$port
	wgxdp down
	theirs | diff "$work/theirs" - || fail "$1: something of others' changed"
}

# Under the daemon, in any order: SQM meets wgxdp's own qdisc only without tcx (before 6.6)
followed() { # WHAT QDISC
	[[ ${BREAK:-} ]] || start_daemon
	inside firewall tc qdisc del dev wan "$2"
	inside firewall tc qdisc add dev wan "$2" || fail "$1: something is in the way of the new qdisc"
	inside firewall tc qdisc del dev wan "$2"
	shape "$2"
	theirs > "$work/theirs"
	wait_for 10 "$1, SQM restarted: carried by wgxdp again" carried
	say "ok $1, SQM restarted: carried again"
	if [[ ! $tcx ]]; then
		inside firewall tc filter del dev wan ingress pref 1
		wait_for 10 "$1, its filter removed: carried by wgxdp again" carried
		say "ok $1, wgxdp's filter removed: carried again"
		unseen "$1"
	fi
	shaped "$1, followed by the daemon"
}
# Two changes of which the daemon learns at once, and a filter that is removed while the daemon is busy
unseen() { # WHAT
	local at
	kill -STOP "$daemon"
	inside firewall tc filter del dev wan ingress pref 1
	inside firewall ip neigh flush all
	kill -CONT "$daemon"
	wait_for 10 "$1, its filter and the neighbours removed: carried by wgxdp again" carried
	say "ok $1, wgxdp's filter and the neighbours removed: carried again"
	for at in 0.1 0.2 0.3 0.4 0.5 0.7 0.9; do
		inside firewall ip address replace "192.0.2.${at#*.}/32" dev lo
		sleep $at
		inside firewall tc filter del dev wan ingress pref 1
		wait_for 10 "$1, its filter removed $at s after an address came: carried by wgxdp again" carried
	done
	say "ok $1, wgxdp's filter removed $at s after an address came, and before: carried again"
}
carried() {
	inside client "$udptool" ask -n 5 -r 1000 -w 100 198.51.100.7:4000 198.51.100.1:$port > "$work/asked" && [[ $(said asked answered) == 5 ]]
}

first() { # WHAT QDISC: wgxdp starts before SQM
	inside firewall tc qdisc del dev wan "$2"
	wgxdp up --wan wan --to '192.168.1.10,2001:db8:2::10' --mode tc > /dev/null
	tcx=1
	if [[ $(shown get interfaces.wan.tc) != tcx ]]; then
		tcx=
		! inside firewall tc qdisc add dev wan ingress 2> /dev/null || fail "$1: the guide requires an order without need"
		inside firewall tc qdisc del dev wan clsact
	fi
	inside firewall tc qdisc add dev wan "$2"
	say "ok $1, wgxdp first: there is room for SQM's qdisc"
	followed "$1, wgxdp first" "$2"
	wgxdp down
	wait "$daemon" || fail "the daemon ended with status $?: $(< "$work/daemon")"
	theirs | diff "$work/theirs" - || fail "$1, wgxdp first: something of others' changed"
}

modprobe -a ifb act_mirred cls_matchall cls_bpf sch_ingress sch_fq_codel
for qdisc in ingress clsact; do
	plug $qdisc
	number
	theirs > "$work/theirs"
	on_host firewall > "$work/before"
	shaped "$qdisc, without wgxdp"
	for mode in auto tc; do
		xdp=
		[[ $mode == tc ]] || xdp='original reply'
		carries "$qdisc" $mode "$xdp"
		unresolved "$qdisc, $mode" $mode
		on_host firewall | diff "$work/before" - || fail "$qdisc, $mode: not as it was"
		say "ok $qdisc, $mode: all of others' is as it was"
	done
	sqm_anew "$qdisc" "$qdisc"
	first "$qdisc" "$qdisc"
	unplug
done
say 'ok both ways beside an ifb and a filter of others, which stay as they are'
