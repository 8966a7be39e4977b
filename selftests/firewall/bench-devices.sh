#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# `scripts/bench --devices` between two network namespaces finds a plausible rate of each way, and leaves both hosts
# as before. It does so for both families, and packets arrive without loss. When the bench ends, also by SIGTERM, both
# hosts are as before. It refuses devices that carry ssh, have an XDP program, are down or do not forward. BREAK=1
# ends it by SIGKILL.
#
#     sender out ---- wan firewall lan ---- back sender
source "${BASH_SOURCE[0]%/*}/../lib/bench-devices.sh"

namespaces sender firewall
routers firewall
cable sender out firewall wan
cable sender back firewall lan
bench() { inside firewall scripts/bench --devices wan,lan --sender local:sender --sender-devices out,back --secs 0.4 --rate 5000 "$@"; }
hosts > "$work/before"

# --- figures

bench > "$work/out" 2> "$work/err" || fail "$(cat "$work/out" "$work/err")"
plausible veth 'packet socket' 'bare redirect' 'wgxdp dnat' 'wgxdp none' 'wgxdp masquerade' 'nft dnat'
is_as_before 'after all rows'

# One device on each side, and a stand-in for ssh, which gives its words to a shell
mkdir "$work/bin"
printf '#!/bin/sh\nshift 2\nexec nsenter --net=/run/netns/sender sh -c "$*"\n' > "$work/bin/ssh"
chmod +x "$work/bin/ssh"
PATH=$work/bin:$PATH bench --devices wan,wan --sender root@sender --sender-devices out,out --rows '(masquerade|nft dnat), ipv6' > "$work/out" 2> "$work/err" || fail "$(cat "$work/out" "$work/err")"
expect 'rows by one device on each side' "$(grep -cE '^(wgxdp masquerade|nft dnat) +ipv6' "$work/out")" == 2
is_as_before 'after those'

# --- an end before the end

signal=TERM
[[ ! ${BREAK:-} ]] || signal=KILL

for row in 'masquerade, ipv6' 'bare redirect, ipv4' 'nft dnat, ipv4'; do
	bench --rows "$row" --secs 20 > "$work/out" 2>&1 &
	bench=$!
	frames_come() { (($(inside firewall cat /proc/net/dev | awk '$1 == "wan:" {print $3}') > at + 1000)); }
	at=$(inside firewall cat /proc/net/dev | awk '$1 == "wan:" {print $3}')
	wait_for 20 'packets' frames_come
	kill -"$signal" "$(pgrep -f "scripts/bench --devices wan,lan .*--rows $row")"
	wait $bench || :
	is_as_before "after SIGTERM in '$row'"
done

# --- refusals

refused() { # WHAT-IT-SAYS
	local status=0
	bench --rows 'bare redirect, ipv4' > "$work/out" 2>&1 || status=$?
	[[ $status == 1 ]] || fail "status $status: $(< "$work/out")"
	grep -q "$1" "$work/out" || fail "$1: not said: $(< "$work/out")"
	say "ok refused: $(grep bench: "$work/out")"
}
takes_xdp firewall lan
refused 'lan has an XDP program'
inside firewall ip link set lan xdpdrv off
inside firewall ip address add 192.0.2.1/24 dev wan
SSH_CONNECTION='192.0.2.9 40000 192.0.2.1 22' refused 'wan carries an ssh connection (192.0.2.9)'
inside firewall ip address del 192.0.2.1/24 dev wan
inside firewall sysctl -qw net.ipv6.conf.lan.forwarding=0
refused 'net.ipv6.conf.lan.forwarding is 0'
inside firewall sysctl -qw net.ipv6.conf.lan.forwarding=1
inside firewall ip link set wan down
refused 'is down or has no cable'
inside firewall ip link set wan up
is_as_before 'after refusals'
