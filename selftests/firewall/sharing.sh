#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Other programs on the devices stay as they are, before, with and after wgxdp. These are filters on clsact, an ingress qdisc with
# a filter, and an XDP program (beside which only tc mode works, and up says so). wgxdp forwards beside them. A filter
# that is added while wgxdp runs stays afterwards, with its qdisc.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

shared='shared qdisc'
peer=$build/selftests/peer.bpf.o
add_filter() { inside firewall tc filter add dev "$1" ingress pref "$2" bpf direct-action obj "$peer" sec tc; } # DEVICE PREF

theirs() { # prints everything that is not named like wgxdp's
	on_host firewall | grep -vE 'wgxdp|^[a-z]*: $'
}

# WHAT TC-OF-WAN TC-OF-LAN XDP-OF-WAN: goes up and down, and forwards in between
beside() {
	local what=$1 before
	theirs > "$work/theirs"
	before=$(arrived wg-end all_of_them)
	wgxdp up --wan wan --lan lan --to 192.168.1.10 --mode "${mode:-auto}"
	expect "$what: wan, and tc on wan, on lan" "$(shown get interfaces.wan.mode interfaces.wan.tc interfaces.lan.tc)" == \
		"$4 ${tcx:-$2} ${tcx:-$3}"
	inside client "$udptool" send -n 10 -r 10000 uplink "$wan_mac" 198.51.100.7:4000 198.51.100.1:$port > /dev/null
	expect "$what: forwarded" $(($(arrived wg-end all_of_them) - before)) == 10
	expect "$what: and counted" "$(shown all original forwarded)" == 10
	wgxdp down
	theirs | diff "$work/theirs" - || fail "$what: something of others' changed"
	say "ok $what: all of others' is as it was"
}

# tcx needs no qdisc, if the kernel has it
tcx_here() {
	wgxdp up --wan wan --to 192.168.1.10 > /dev/null
	[[ $(shown get interfaces.wan.tc) != tcx ]] || echo tcx
	wgxdp down > /dev/null
}

firewall_network
wan_mac=$(mac firewall wan)
count_arrivals wg-end all_of_them "udp dport $port"
tcx=$(tcx_here)
for mode in auto tc; do
	xdp=native
	[[ $mode != tc ]] || xdp=tc
	beside "$mode, nothing there" clsact clsact $xdp
	inside firewall tc qdisc add dev wan clsact
	[[ $mode == tc ]] || beside "$mode, clsact" "$shared" clsact $xdp
	add_filter wan 1
	add_filter wan 7
	[[ $mode == tc ]] || beside "$mode, clsact with filters" "$shared" clsact $xdp
	inside firewall tc qdisc add dev lan ingress
	[[ $mode == tc ]] || beside "$mode, ingress qdisc" "$shared" "$shared" $xdp
	add_filter lan 1
	beside "$mode, ingress qdisc with a filter" "$shared" "$shared" $xdp
	inside firewall tc qdisc del dev wan clsact
	inside firewall tc qdisc del dev lan ingress
done

# A filter added while wgxdp runs, to wgxdp's own clsact if it has one
mode=auto
wgxdp up --wan wan --lan lan --to 192.168.1.10
inside firewall tc qdisc add dev wan clsact 2> /dev/null || :
add_filter wan 20
wgxdp down
inside firewall tc filter show dev wan ingress | grep 'pref 20' > /dev/null || fail "another's filter went with us"
inside firewall tc filter show dev wan ingress | grep wgxdp > /dev/null && fail 'our filter stayed'
say "ok another's filter outlives wgxdp"
inside firewall tc qdisc del dev wan clsact

inside firewall ip link set wan xdpdrv obj "$peer" program pass
theirs > "$work/theirs"
! wgxdp up --wan wan --lan lan --to 192.168.1.10 2> "$work/err" || fail 'up where another XDP program is'
grep -q 'wan.*pass' "$work/err" || fail "up does not say that wan has the XDP program pass: $(< "$work/err")"
theirs | diff "$work/theirs" - || fail 'the refused up changed something'
say "ok $(< "$work/err")"
mode='tc'
beside 'tc, an XDP program of others' clsact clsact tc

# With `shared: true`: wgxdp cannot share with that program, which does not use libxdp's dispatcher. Without such a
# program `up` shares, or the kernel refuses what the dispatcher needs, and then nothing is left
cat > "$work/shared.yaml" << EOF_YAML
interfaces: [ { name: wan, role: wan, shared: true } ]
services: [ { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } } ]
EOF_YAML
theirs > "$work/theirs"
! wgxdp up -c "$work/shared.yaml" 2> "$work/err" || fail 'up shares with a program that has no dispatcher'
grep -q 'wan: another XDP program, pass .*dispatcher.*--mode tc' "$work/err" || fail "$(< "$work/err")"
theirs | diff "$work/theirs" - || fail 'the refused up changed something'
say "ok $(< "$work/err")"
inside firewall ip link set wan xdpdrv off
theirs > "$work/theirs"
if wgxdp up -c "$work/shared.yaml" 2> "$work/err"; then
	expect 'shared' "$(shown get interfaces.wan.shared)" == yes
	wgxdp down
else
	grep -q 'wan: cannot attach to libxdp.s dispatcher: .*freplace.*--mode tc' "$work/err" || fail "$(< "$work/err")"
	say "ok $(< "$work/err")"
fi
on_host firewall | grep wgxdp && fail 'something of ours is left'
theirs | diff "$work/theirs" - || fail "something of others' changed"
say 'ok told to share: all is as it was'
