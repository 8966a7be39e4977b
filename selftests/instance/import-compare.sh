#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# `import --compare` with files: the rules are loaded into a namespace, and wgxdp itself runs beside them. The imported
# configuration does the same, and each mistake that is put into one is named (import.sh compares the answers with real
# packets, and import-host.sh those of the host itself). BREAK=1 puts the mistakes into no configuration.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
cp tests/import/* "$work"

arguments_of() { # NAME: sets $arguments
	name=$1
	read -ra arguments <<< "$(sed -n '2s/^# wgxdp import//p' "tests/import/$1.yaml")"
}

compare() { # ARGUMENT...: runs import --compare in $work; sets $status
	status=0
	(cd "$work" && exec "$wgxdp" import --compare "$@") > "$work/said" 2> "$work/errors" || status=$?
}

for name in nft-sets docker-address vps-one-nic nft-addresses; do
	arguments_of "$name"
	compare "${arguments[@]}"
	[[ $status == 0 ]] || fail "$name: status $status: $(cat "$work/said" "$work/errors")"
	grep '^[0-9]* samples: [0-9]* agree, 0 differ$' "$work/said" > "$work/sum" || fail "$name: $(< "$work/said")"
	grep '^No file describes the network, so import assumed: ' "$work/said" > /dev/null || fail "$name: what was assumed is not said"
	say "ok $name: $(< "$work/sum")"
done

# Puts a mistake into an expected configuration. The comparison must fail, and say what is wrong.
seeds=0
seed() { # NAME SCRIPT-FOR-SED TEXT...
	arguments_of "$1"
	sed "${BREAK:+s/^//;#}$2" "tests/import/$name.yaml" > "$work/config"
	compare -c config "${arguments[@]}"
	[[ $status == 3 ]] || fail "$name: $2: status $status: $(cat "$work/said" "$work/errors")"
	for text in "${@:3}"; do grep '^differs: ' "$work/said" | holds -F "$text" || fail "$name: $2: '$text' is not in: $(< "$work/said")"; done
	seeds=$((seeds + 1))
}
# an entry of deny or allow is missing, or one is too much
seed fail2ban 's|, 203.0.113.77/32||' 'from 203.0.113.77 ' 'the rules drop it; with wgxdp, this host would forward it to 192.168.1.10'
seed fail2ban 's|192.0.2.0/25|192.0.2.0/24|' 'the rules forward it to 192.168.1.10 port 51820; with wgxdp, this host would drop it'
seed nft-sets-copied 's|deny: .*|deny: [ 203.0.113.0/24 ]|' 'from 203.0.113.9 ' 'would drop it'
seed nft-sets '0,/{ nft-set: "inet filter blocked" }, /s///' 'the rules drop it; with wgxdp, this host would forward it'
# another port, backend, interface, address or family
seed nft-map-named 's|192.168.1.11|192.168.1.12|' 'rules forward it to 192.168.1.11 port 51820; with wgxdp, this host would forward it to 192.168.1.12'
seed iptables-multiport 's|443, ||' 'port 443: the rules forward it to' 'no service has it'
seed nft-addresses 's|198.51.100.1, ||' 'to 198.51.100.1 ' 'no service has it'
seed iptables-both 's|, ipv6: "2001:db8:2::10"||; s|ipv6: dnat|ipv6: direct|' 'the rules forward it to 2001:db8:2::10' 'no service has it'
# the source of packets
seed nft-masquerade 's|nat: masquerade|nat: dnat|; s|ipv6: off|ipv6: direct|; /flows:/d' 'and masquerade it as'
say "ok $seeds mistakes in configurations, each named"

# Lines that import has not run are named, and the status is 3
sed "\$a iptables -D FORWARD \$X" tests/import/script.sh > "$work/lost.sh"
compare -c script.yaml lost.sh
[[ $status == 3 && $(< "$work/errors") == *'lost.sh:8: import has not run'* ]] || fail "a lost line: status $status: $(< "$work/errors")"
# without rules, and wrong usage
compare sites.dump
[[ $status != 0 && $(< "$work/errors") == *'no rules to compare'* ]] || fail "no rules: status $status: $(< "$work/errors")"
for wrong in -v -j '-c config'; do
	status=0
	read -ra words <<< "$wrong"
	(cd "$work" && "$wgxdp" import "${words[@]}" fail2ban.v4) > /dev/null 2>&1 || status=$?
	[[ $status == 2 ]] || fail "import $wrong without --compare: status $status"
done
say 'ok lost lines, no rules, and wrong usage'
