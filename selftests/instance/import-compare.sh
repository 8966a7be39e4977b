#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 120
# `import --compare` finds for each set of rules in tests/import that the imported configuration differs only where the
# expected file says so (import.sh compares its answers with real packets). It names each of the mistakes that are put
# into imported configurations here. It needs neither root nor the rules in the kernel; only nft needs a namespace, to
# write its JSON. BREAK=1 compares each set with a configuration whose backend has another port.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

# Puts what import reads into $work.
write_rules() { # FILE
	local name=${1##*/} device
	[[ ! -e $work/$name ]] || return 0
	cp "$1" "$work/$name"
	[[ $1 == *.nft ]] || return 0
	ip -all netns del
	namespaces firewall
	for device in eth0 br-lan docker0 vps wg0; do
		inside firewall ip link add "$device" type veth peer name "$device-end"
	done
	inside firewall nft -f "$1"
	inside firewall nft -j list ruleset > "$work/$name"
}

arguments_of() { # EXPECTED: sets $arguments, without --wan for the file
	read -ra arguments <<< "$(sed -n '2s/^# wgxdp import//p' "$1")"
}

compare() { # ARGUMENT...: runs import --compare in $work; sets $status
	status=0
	(cd "$work" && "$wgxdp" import --compare "$@") > "$work/said" 2> "$work/errors" || status=$?
}

packets=0 sets=0
for expected in tests/import/*.yaml; do
	name=$(basename "$expected" .yaml)
	arguments_of "$expected"
	for file in "${arguments[@]}"; do
		[[ ! -e tests/import/$file ]] || write_rules "tests/import/$file"
	done
	if [[ ${BREAK:-} ]]; then
		sed 's/port: 51820 }/port: 51829 }/' "$expected" > "$work/config"
		arguments+=(-c config)
	fi
	compare -v -j "${arguments[@]}"
	[[ $status == 0 || $status == 3 ]] || fail "$name: status $status: $(< "$work/errors")"
	[[ $status == "$(grep -q '"result": "differs"' "$work/said" && echo 3 || echo 0)" ]] || fail "$name: status $status"
	count=$(selftests/lib/import_compare.py verdict "$expected" "$work/said") || fail "$name: another verdict is expected"
	packets=$((packets + count)) sets=$((sets + 1))
	[[ ! ${BREAK:-} ]] || continue
	compare "${arguments[@]}"
	cp "$work/said" "$work/own"
	cp "$expected" "$work/as-file"
	grep -q '^[a-z]' "$work/as-file" || echo '{}' >> "$work/as-file" # a file without a section is refused
	compare -c as-file "${arguments[@]}"
	diff "$work/own" "$work/said" > "$work/diff" || fail "$name: another result with -c: $(< "$work/diff")"
done
expect 'sets of rules' $sets '>=' 58
expect packets $packets '>=' 1200

# Puts a mistake into an expected configuration. The comparison must fail, and say what is wrong.
seeds=0
seed() { # NAME SCRIPT-FOR-SED TEXT...
	local text
	name=$1
	arguments_of "tests/import/$name.yaml"
	sed "$2" "tests/import/$name.yaml" > "$work/config"
	! cmp -s "tests/import/$name.yaml" "$work/config" || fail "$name: no mistake: $2"
	compare -c config "${arguments[@]}"
	[[ $status == 3 ]] || fail "$name: $2: status $status: $(cat "$work/said" "$work/errors")"
	for text in "${@:3}"; do
		grep '^differs: ' "$work/said" | holds -F -- "$text" || fail "$name: $2: '$text' is not in: $(< "$work/said")"
	done
	seeds=$((seeds + 1))
}
forwards='service udp-51820 would forward it to'
# an entry of deny or allow is missing, or one is too much
seed fail2ban 's|, 203.0.113.77/32||' 'from 203.0.113.77 ' 'the rules drop it by fail2ban.v4:9 (' "$forwards 192.168.1.10"
seed fail2ban 's|192.0.2.0/25|192.0.2.0/26|' 'from 192.0.2.64 ' 'fail2ban.v4:10 ('
seed fail2ban 's|192.0.2.0/25|192.0.2.0/24|' 'from 192.0.2.128 ' 'would drop it: its deny has the client'
seed iptables-sources 's|, 203.0.113.20/32||' 'from 203.0.113.20 ' 'its allow lacks the client'
seed nft-router '/allow:/d' 'the rules drop it by the policy of inet filter forward' "$forwards 2001:db8:2::10"
# the order of rules is ignored: a drop stands before an accept
seed nft-sets-copied 's|deny: .*|deny: [ 203.0.113.0/24 ]|' 'from 203.0.113.9 ' 'would drop it: its deny has the client'
# another set, or its elements without it
seed nft-sets 's|inet filter offices|inet filter blocked6|' 'from 198.18.0.0 ' 'its allow lacks the client'
seed nft-sets '0,/{ nft-set: "inet filter blocked" }, /s///' 'from 192.0.2.0 ' '(ip saddr @blocked drop)'
# another port, backend, interface or family
seed iptables-dnat 's|port: 51820 }|port: 51821 }|' 'rules forward it to 192.168.1.10 port 51820' '192.168.1.10 port 51821'
seed nft-map-named 's|192.168.1.11|192.168.1.12|' 'rules forward it to 192.168.1.11' 'would forward it to 192.168.1.12'
seed iptables-multiport 's|443, ||' 'port 443 on eth0' 'no service has it'
seed iptables-multiport 's|51820-51822|51820-51823|' 'port 51823 on eth0' 'the rules leave it to this host'
seed iptables-dnat 's|eth0|eth1|' 'an IPv4 address of eth0' 'no service has it'
seed nft-addresses 's|198.51.100.1, ||' 'to 198.51.100.1 ' 'no service has it'
seed iptables-both 's|, ipv6: "2001:db8:2::10"||; s|ipv6: dnat|ipv6: direct|' 'an IPv6 address of eth0' 'no service has it'
seed nft-both-families 's|port: 51821 }|port: 51820 }|' '2001:db8:2::10 port 51821 by' '2001:db8:2::10 port 51820'
# the source of packets
seed nft-snat 's|192.168.255.2|192.168.255.1|' 'masquerade it as 192.168.255.2' 'masquerade it as 192.168.255.1'
seed nft-masquerade 's|nat: masquerade|nat: dnat|; s|ipv6: off|ipv6: direct|; /flows:/d' 'and masquerade it with ports 20000-29999 by' "$forwards"
seed iptables-snat 's|30000-39999|30000-30999|' 'with ports 30000-39999' 'with ports 30000-30999'
# all services are missing
seed ufw '/^services:/,/^$/d; s/^# These rules.*/{}/' 'ufw.v4:26' 'ufw.v4:25' 'no service has it'
say "ok $seeds mistakes in configurations, each named"

# A list whose entries are unknown decides nothing.
arguments_of tests/import/fail2ban.yaml
sed 's|deny: .*|deny: [ { file: /nowhere } ]|' tests/import/fail2ban.yaml > "$work/config"
compare -c config "${arguments[@]}"
grep '^undecided: ' "$work/said" | holds -F 'it has a list whose entries are not in the rules' || fail "unknown list: $(< "$work/said")"
# wrong usage
for wrong in -v -j '-c config'; do
	status=0
	read -ra words <<< "$wrong"
	(cd "$work" && "$wgxdp" import "${words[@]}" fail2ban.v4) > /dev/null 2>&1 || status=$?
	[[ $status == 2 ]] || fail "import $wrong without --compare: status $status"
done
say "ok $sets sets, $packets packets: as expected"
