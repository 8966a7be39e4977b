#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# On a host with the rules of tests/import, `wgxdp import` finds by samples the services that the files describe. The
# rules are loaded with nft or iptables. Each port, backend, way of NAT and list of clients must be the expected one, and
# all rules stay as they are. This script lists the sets of rules for which the kernel differs from the file, with the
# reason. Then `import --compare` runs the real program beside some of these rules, and finds each mistake that is put
# into a configuration. BREAK=1 removes the rules before import reads the host. With names, only these sets are tried.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/import-network.sh"

# Sets of rules for which the kernel does something else than the file says, with the reason
declare -A other=(
	[iptables-hairpin-lan]='the rules masquerade clients in the LAN for one of the two addresses only, which the file does not give to eth0'
	[nft-ingress]='192.168.0.0/16 is behind br-lan, so such clients are forged on eth0, and wgxdp drops them by itself'
	[nft-wan-named]='import knows the wan of this host'
)
# Sets of rules that a service cannot follow without a word: status 3
named=' iptables-spread nft-all-ports nft-unreachable nft-limit nft-return nft-shift nft-spread nft-sets-copied '

same=0 sets=0
for expected in tests/import/*.yaml; do
	name=$(basename "$expected" .yaml)
	[[ $# == 0 || " $* " == *" $name "* ]] || continue
	mapfile -t files < <(sed -n '2s/^# wgxdp import //p' "$expected" | grep -oE '[a-z0-9-]+\.[a-z0-9]+' | sed 's,^,tests/import/,')
	[[ $(sed -n 3p "$expected") != '# not loaded'* ]] || continue
	ip -all netns del
	build_network
	for file in "${files[@]}"; do load "$file"; done
	[[ ! ${BREAK:-} ]] || inside firewall nft flush ruleset
	inside firewall nft -a list ruleset > "$work/before"
	status=0
	wgxdp import > "$work/got" 2> "$work/warnings" || status=$?
	inside firewall nft -a list ruleset | diff "$work/before" - > "$work/diff" || fail "$name: import changed the rules: $(< "$work/diff")"
	sets=$((sets + 1))
	if selftests/lib/import_same.py "$expected" "$work/got" > "$work/differs"; then
		same=$((same + 1))
		[[ ! ${other[$name]:-} ]] || fail "$name: the same now, although ${other[$name]}"
	else
		[[ ${other[$name]:-} ]] || fail "$name: $(< "$work/differs") $(cat "$work/got" "$work/warnings")"
		say "ok $name: ${other[$name]}"
	fi
	wanted=0
	grep -q '^services:' "$work/got" || wanted=1
	[[ $named != *" $name "* ]] || wanted=3
	[[ $status == "$wanted" ]] || fail "$name: status $status, expected $wanted: $(< "$work/warnings")"
	[[ $status != 3 ]] || [[ -s $work/warnings ]] || fail "$name: no warning"
done
say "ok $same of $sets sets are the same"
[[ $# != 0 ]] || expect 'sets of rules' $sets '>=' 53

# The real program beside the rules: a configuration that import made does the same, and each mistake in one is found
compared=0
compare() { # STATUS [ARGUMENT...]: runs import --compare
	status=0
	wgxdp import --compare "${@:2}" > "$work/said" 2> "$work/errors" || status=$?
	[[ $status == "$1" ]] || fail "$name: --compare ${*:2}: status $status: $(cat "$work/said" "$work/errors")"
	compared=$((compared + 1))
}
mistake() { # SCRIPT-FOR-SED TEXT...
	sed "$1" "$work/right" > "$work/wrong"
	! cmp -s "$work/right" "$work/wrong" || fail "$name: no mistake: $1"
	compare 3 -c "$work/wrong"
	for text in "${@:2}"; do grep '^differs: ' "$work/said" | holds -F "$text" || fail "$name: $1: '$text' is not in: $(< "$work/said")"; done
}
for name in nft-sets iptables-sources fail2ban nft-masquerade; do
	[[ $# == 0 || " $* " == *" $name "* ]] || continue
	ip -all netns del
	build_network
	for file in "tests/import/$name".[nv]*; do load "$file"; done
	inside firewall nft -a list ruleset > "$work/before"
	compare 0
	grep -E '^[0-9]+ samples: [0-9]+ agree, 0 differ' "$work/said" > "$work/sum" || fail "$name: $(< "$work/said")"
	say "ok $name: $(< "$work/sum")"
	wgxdp import > "$work/right"
	mistake 's/port: 51820 }/port: 51829 }/' 'port 51829'
	mistake 's/ports: \[ 51820 \]/ports: [ 51999 ]/' 'port 51820: the rules forward it' 'no service has it'
	case $name in
	nft-sets)
		mistake 's/{ nft-set: "inet filter blocked" }, //' 'from 198.19.' 'the rules drop it; with wgxdp, this host would forward it'
		mistake '/allow:/d' 'the rules drop it; with wgxdp, this host would forward it'
		;;
	fail2ban) mistake 's|, 203.0.113.77/32||' 'from 203.0.113.77 ' ;;
	nft-masquerade) mistake 's/nat: masquerade/nat: dnat/; s/ipv6: off/ipv6: direct/; /flows:/d' 'and masquerade it as' ;;
	esac
	inside firewall nft -a list ruleset | diff "$work/before" - > "$work/diff" || fail "$name: --compare changed the rules: $(< "$work/diff")"
	[[ ! -e /run/wgxdp/compare.yaml && ! -e /sys/fs/bpf/wgxdp ]] || fail "--compare leaves something behind: $(ls /run/wgxdp /sys/fs/bpf)"
done
say "ok $compared comparisons by the real program"

# Without the right to copy the rules, import says what it needs
status=0
inside firewall setpriv --bounding-set -sys_admin,-net_admin --inh-caps -sys_admin,-net_admin --reuid 65534 --clear-groups \
	"$wgxdp" import > "$work/got" 2> "$work/warnings" || status=$?
[[ $status != 0 && $status != 3 && ! -s $work/got ]] || fail "without rights: status $status"
holds 'run it as root' < "$work/warnings" || fail "without rights: $(< "$work/warnings")"
say 'ok import says which rights it needs'
