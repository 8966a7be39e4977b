#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# `import --compare` finds for each set of rules in tests/import that the imported configuration differs only where the
# expected file says so (import.sh compares its answers with real packets). It names each of the mistakes that are put
# into imported configurations here. It needs neither root nor the rules in the kernel; only nft needs a namespace, to
# write its JSON. BREAK=1 compares each set with a configuration whose backend has another port.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

# Puts what import reads into $work.
cp tests/import/* "$work"
namespaces firewall
for device in eth0 br-lan docker0 vps wg0; do
	echo "link add $device type veth peer name $device-end"
done | inside firewall ip -b -
# shellcheck disable=SC2016 # for the other shell
inside firewall bash -euc 'for file in tests/import/*.nft; do
	{ echo flush ruleset && cat "$file"; } | nft -f -
	nft -j list ruleset > "$0/${file##*/}"
done' "$work"

arguments_of() { # EXPECTED: sets $arguments, without --wan for the file
	local line
	{ read -r line && read -r line; } < "$1"
	read -ra arguments <<< "${line#'# wgxdp import'}"
}

compare() { # ARGUMENT...: runs import --compare in $work; sets $status
	status=0
	(cd "$work" && exec "$wgxdp" import --compare "$@") > "$work/said" 2> "$work/errors" || status=$?
}

reports=()
for expected in tests/import/*.yaml; do
	name=${expected##*/} name=${name%.yaml}
	arguments_of "$expected"
	text=$(< "$expected")
	[[ $'\n'$text == *$'\n'[a-z]* ]] || text+=$'\n{}' # a file without a section is refused
	[[ ! ${BREAK:-} ]] || arguments+=(-c as-file) text=${text//port: 51820 \}/port: 51829 \}}
	echo "$text" > "$work/as-file"
	compare -v -j "${arguments[@]}"
	said=$(< "$work/said") as=0
	[[ $said != *'"result": "differs"'* ]] || as=3
	[[ $status == "$as" ]] || fail "$name: status $status: $(< "$work/errors")"
	echo "$said" > "$work/$name.report"
	reports+=("$expected" "$work/$name.report")
	[[ ! ${BREAK:-} ]] || continue
	compare -v -j -c as-file "${arguments[@]}"
	[[ $(< "$work/said") == "$said" ]] || fail "$name: another result with -c: $(diff "$work/$name.report" "$work/said")"
done
packets=$(selftests/lib/import_compare.py verdict "${reports[@]}") || fail 'another verdict is expected'
sets=$((${#reports[@]} / 2))
expect 'sets of rules' $sets '>=' 58
expect packets $packets '>=' 1200

# Puts a mistake into an expected configuration. The comparison must fail, and say what is wrong.
seeds=0
seed() { # NAME SCRIPT-FOR-SED TEXT...
	local text differs
	name=$1
	arguments_of "tests/import/$name.yaml"
	sed "$2" "tests/import/$name.yaml" > "$work/config"
	! cmp -s "tests/import/$name.yaml" "$work/config" || fail "$name: no mistake: $2"
	compare -c config "${arguments[@]}"
	[[ $status == 3 ]] || fail "$name: $2: status $status: $(cat "$work/said" "$work/errors")"
	differs=$(grep '^differs: ' "$work/said")
	for text in "${@:3}"; do
		[[ $differs == *"$text"* ]] || fail "$name: $2: '$text' is not in: $(< "$work/said")"
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
# Lines that import has not read are named, and the status is 3.
sed "\$a iptables -D FORWARD 1" tests/import/script.sh > "$work/lost.sh"
compare lost.sh
[[ $status == 3 && $(< "$work/errors") == *'lost.sh:8: import has not read'* ]] || fail "a lost line: status $status: $(< "$work/errors")"
# wrong usage
for wrong in -v -j '-c config'; do
	status=0
	read -ra words <<< "$wrong"
	(cd "$work" && "$wgxdp" import "${words[@]}" fail2ban.v4) > /dev/null 2>&1 || status=$?
	[[ $status == 2 ]] || fail "import $wrong without --compare: status $status"
done
say "ok $sets sets, $packets packets: as expected"
