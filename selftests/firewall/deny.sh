#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# `service deny` and `allow` apply from the next packet on, only to the clients that they name, in every mode, and no
# other client loses a packet. In native mode: deny overrides allow, and a change that would lock out all others, or let
# everyone in, needs an option. A set of nftables may stand in place of a prefix. If no service has lists, the program
# looks none up. BREAK=1 denies another prefix.
#
#     client  .7, .8, .9 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#             ::7, ::8      2001:db8:1::/64                              2001:db8:2::/64    ::10
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=12000 # packets of a client that no list names

# CLIENT COUNT: of ten packets of this client COUNT (0 or 10) arrive, and the rest count as denied, as in all calls before
come_from() {
	local to=198.51.100.1
	[[ $1 != *:* ]] || to='[2001:db8:2::10]'
	inside client "$udptool" send -n 10 -r 10000 uplink "$wan_mac" "$1:4000" "$to:$port" > /dev/null
	come=$((come + $2)) denied=$((denied + 10 - $2))
	[[ $(arrived wg-end others) == "$come" ]] || fail "$mode, from $1: $(arrived wg-end others) arrived; expected $come"
	(($2)) || denied_are
}
denied_are() { [[ $(shown reason original denied) == "$denied" ]] || fail "$mode: $(shown reason original denied) denied; expected $denied"; }

service() { wgxdp service "$@" > /dev/null 2> "$work/said" || fail "service $*: $(< "$work/said")"; }

denies() {
	come_from 198.51.100.8 10
	come_from '[2001:db8:1::8]' 10
	service deny add wg-end "${BREAK:+192.0.2.1}${BREAK:-198.51.100.8}"
	come_from 198.51.100.8 0
	come_from 198.51.100.9 10
	come_from '[2001:db8:1::8]' 10
	service deny add wg-end 2001:db8:1::8/127
	come_from '[2001:db8:1::8]' 0
	come_from '[2001:db8:1::7]' 10
	service deny del wg-end 198.51.100.8
	come_from 198.51.100.8 10
	service deny del wg-end 2001:db8:1::8/127
	come_from '[2001:db8:1::8]' 10
}

refuses() { # WORDS ARGUMENT...: requires an option that confirms the effect on all others
	wgxdp save > "$work/saved"
	! wgxdp service "${@:2}" > /dev/null 2> "$work/said" || fail "service ${*:2} succeeds"
	grep -qF -- "$1" "$work/said" || fail "service ${*:2} says $(< "$work/said")"
	wgxdp save | cmp - "$work/saved" || fail "service ${*:2} changed something"
}

answers() { # LINE... -- ARGUMENT...
	local lines=()
	while [[ $1 != -- ]]; do lines+=("service wg-end: $1") && shift; done
	wgxdp service "${@:2}" > "$work/out" || fail "service ${*:2} fails"
	diff <(printf '%s\n' "${lines[@]}") "$work/out" || fail "service ${*:2} answers otherwise"
}

allows() {
	refuses 'If you want that, add --refuse-others' allow add wg-end 198.51.100.0/29
	service allow add wg-end 198.51.100.0/29 --refuse-others
	come_from 198.51.100.8 0
	come_from '[2001:db8:1::8]' 0
	answers 'allow 198.51.100.8/31 added' -- allow add wg-end 198.51.100.8/31 198.51.100.0/29
	come_from 198.51.100.8 10
	come_from 198.51.100.9 10
}

both_lists() {
	answers 'nothing changed' -- allow add wg-end 198.51.100.8/31
	service deny add wg-end 198.51.100.9
	come_from 198.51.100.9 0
	service deny del wg-end 198.51.100.9
	come_from 198.51.100.9 10
	answers 'nothing changed' -- deny del wg-end 198.51.100.9
	service deny add wg-end 198.51.100.8/30
	come_from 198.51.100.9 0
	service allow add wg-end 198.51.100.9
	grep -q 'is still part of 198.51.100.8/30 in the list deny' "$work/said" || fail "said $(< "$work/said")"
	come_from 198.51.100.9 0
	service deny del wg-end 198.51.100.9
	grep -q 'deny does not have 198.51.100.9/32' "$work/said" || fail "said $(< "$work/said")"
	expect 'shown: allow' "$(shown get services.wg-end.allow)" == '["198.51.100.0/29", "198.51.100.8/31", "198.51.100.9/32"]'
	expect 'shown: deny' "$(shown get services.wg-end.deny)" == '["198.51.100.8/30"]'
	refuses 'If you want that, add --everyone' allow del wg-end 198.51.100.0/29 198.51.100.8/31 198.51.100.9
}

saved() {
	wgxdp save > "$work/saved"
	grep -qx '    allow: \[ 198.51.100.0/29, 198.51.100.8/31, 198.51.100.9/32 \]' "$work/saved" || fail "saved $(< "$work/saved")"
	grep -qx '    deny: \[ 198.51.100.8/30 \]' "$work/saved" || fail "saved $(< "$work/saved")"
	wgxdp save | wgxdp up -c - > "$work/out"
	[[ $(tail -n 1 "$work/out") == 'the data path is up: nothing had to change' ]] || fail "save | up: $(tail -n 1 "$work/out")"
	come_from 198.51.100.9 0
}

# Denies or allows all clients of one family, which does not affect the other family
families() {
	wgxdp up --wan wan --lan lan --to 192.168.1.10,2001:db8:2::10 --mode "$mode" > /dev/null
	refuses 'If you want that, add --everyone' deny add wg-end ::/0
	service deny add wg-end ::/0 --everyone
	come_from 198.51.100.8 10
	come_from '[2001:db8:1::8]' 0
	wgxdp up --wan wan --lan lan --to 192.168.1.10,2001:db8:2::10 --mode "$mode" > /dev/null
	service allow add wg-end ::/0 --refuse-others
	come_from 198.51.100.8 0
	come_from '[2001:db8:1::8]' 10
	service allow add wg-end 198.51.100.8
	come_from 198.51.100.8 10
	come_from 198.51.100.9 0
	come_from '[2001:db8:1::8]' 10
	service allow del wg-end 198.51.100.8 ::/0 --everyone
	come_from 198.51.100.9 10
}

sets() {
	inside firewall nft 'table inet filter { set bad { type ipv4_addr; elements = { 198.51.100.9 }; }; }'
	wgxdp up --wan wan --lan lan --to 192.168.1.10,2001:db8:2::10 --mode "$mode" > /dev/null
	answers 'deny nft-set inet filter bad added' -- deny add wg-end 'nft-set:inet filter bad' 2> "$work/said"
	come_from 198.51.100.9 0
	come_from 198.51.100.8 10
	answers 'nothing changed' -- deny add wg-end 'nft-set: inet  filter bad' 2> "$work/said"
	refuses "'nft-set:bad' is not the family, table and name of a set" deny add wg-end nft-set:bad
	service deny del wg-end 'nft-set:inet filter worse'
	grep -q 'deny does not have the set inet filter worse' "$work/said" || fail "said $(< "$work/said")"
	service deny del wg-end 'nft-set:inet filter bad'
	come_from 198.51.100.9 10
}

uses_lists() {
	local id
	id=$(bpftool map show pinned /sys/fs/bpf/wgxdp/default/source_trie)
	bpftool prog dump xlated pinned /sys/fs/bpf/wgxdp/default/progs/wgxdp_xdp | grep -F "map[id:${id%%:*}]" > /dev/null
}

firewall_network
addresses client uplink 198.51.100.8/24 198.51.100.9/24 2001:db8:1::8/64
wan_mac=$(mac firewall wan)
quiet wg-end
count_arrivals wg-end others "udp sport 4000 udp dport $port"
count_arrivals wg-end unconcerned "ip saddr 198.51.100.7 udp sport 5000 udp dport $port"
modes=(native generic tc) come=0
[[ ${WGXDP_TIER:-} != core ]] || modes=(native)
for mode in "${modes[@]}"; do
	denied=0
	wgxdp up --wan wan --lan lan --to 192.168.1.10,2001:db8:2::10 --mode "$mode" > /dev/null
	! uses_lists || fail "$mode: the program looks up lists although no service has any"
	before=$(arrived wg-end unconcerned)
	start client "$udptool" send -n $n -r 6000 uplink "$wan_mac" 198.51.100.7:5000 198.51.100.1:$port > "$work/sent"
	sender=$!
	denies
	allows
	[[ $mode != native ]] || both_lists
	uses_lists || fail "$mode: the program does not ask for lists"
	wait "$sender"
	expect "$mode: lost packets of $n of a client in no list" $((n - $(arrived wg-end unconcerned) + before)) == 0
	[[ $mode != native ]] || saved
	denied_are
	expect_sums
	[[ $mode != native ]] || families
	[[ $mode != native ]] || sets
	wgxdp down
done
