#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1500
# Old rules and the configuration that `import` makes from them do the same, for each set of rules in tests/import. The
# rules are loaded into a firewall with nft or iptables. Probes go through it (import_probes.py). Then the rules are
# removed, wgxdp comes up with the imported configuration, and the same probes must arrive at the same backends. The
# configuration must be the expected one. The third line of an expected file lists ports for which wgxdp cannot do the
# same (`differs`), or says that the rules cannot be loaded here. Each packet also arrives, or does not, as `import
# --compare` says of the files and the firewall's network. Named sets stay when the rules are removed. BREAK=1 forgets
# lists of clients. With names, only these sets are tried.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/import-network.sh"

# Removes all rules, but leaves the named sets, which the imported configuration may follow.
remove_rules() {
	inside firewall nft list sets > "$work/sets"
	inside firewall nft flush ruleset
	inside firewall nft -f "$work/sets"
}

# Compares what `import --compare` says with the packets that arrived, without those for which wgxdp differs.
as_compared() { # EXPECTED
	local arguments status=0
	read -ra arguments <<< "$(sed -n '2s/^# wgxdp import//p' "$1")"
	{ inside firewall ip -j addr && inside firewall ip -j route && inside firewall ip -j -6 route; } > "$work/network"
	(cd "$work" && "$wgxdp" import --compare --verbose --json "${arguments[@]}" network) > "$work/report" || status=$?
	[[ $status == 0 || $status == 3 ]] || fail "$name: import --compare: status $status"
	without "${note#\# differs:}" < "$work/packets" > "$work/comparable"
	said=$(selftests/lib/import_compare.py "$work/report" "$work/comparable" "$work/old-all" "$work/new-all") ||
		fail "$name: import --compare is wrong"
	answers=$((answers + said))
}

turn=0
probe() { # EXPECTED FILE...: prints what arrives
	turn=$((turn + 1)) firewall_mac=$(mac firewall eth0) client_mac=$(mac client uplink) \
		packets=$work/packets selftests/lib/import_probes.py "$@"
}

# Leaves out what is sent to ports for which wgxdp differs.
without() { # PORTS
	awk -v ports="$1" 'BEGIN {n = split(ports, list, " ")} {
		for (i = 1; i <= n; i++) {
			split(list[i], range, "-")
			if ($2 + 0 >= range[1] && $2 + 0 <= (range[2] ? range[2] : range[1]))
				next
		}
		print
	}'
}

imported() { # EXPECTED: runs import, and compares
	local status=0 wanted=0 arguments
	! grep -q '^# The configuration lacks' "$1" || wanted=3
	grep -q '^[a-z]' "$1" || wanted=1 # nothing became a part of a configuration
	read -ra arguments <<< "$(sed -n '2s/^# wgxdp import//p' "$1")"
	(cd "$work" && "$wgxdp" import "${arguments[@]}") > "$work/got" 2> "$work/warnings" || status=$?
	{ head -n 3 "$1"; cat "$work/got"; } > "$work/whole"
	diff "$1" "$work/whole" > "$work/diff" || fail "$name: not the expected configuration: $(< "$work/diff")"
	[[ $status == "$wanted" ]] || fail "$name: status $status"
	[[ $wanted != 3 || -s $work/warnings ]] || fail "$name: no warning"
}

compared=0 sets=0 arrived=0 answers=0
for expected in tests/import/*.yaml; do
	name=$(basename "$expected" .yaml)
	[[ $# == 0 || " $* " == *" $name "* ]] || continue
	mapfile -t files < <(sed -n '2s/^# wgxdp import //p' "$expected" | grep -oE '[a-z0-9-]+\.[a-z0-9]+' | sed 's,^,tests/import/,')
	note=$(sed -n 3p "$expected")
	ip -all netns del
	build_network
	for file in "${files[@]}"; do
		if [[ $note == '# not loaded'* ]]; then cp "$file" "$work"; else load "$file"; fi
	done
	imported "$expected"
	sets=$((sets + 1))
	[[ $note != '# not loaded'* ]] || { say "ok $name: as expected"; continue; }
	probe "$expected" "${files[@]}" 2> "$work/sent" > "$work/old-all"
	without "${note#\# differs:}" < "$work/old-all" > "$work/old"
	remove_rules
	[[ ! ${BREAK:-} ]] || sed -i '/^    \(allow\|deny\):/d' "$work/got"
	if grep -q '^services:' "$work/got"; then
		wgxdp up -c "$work/got" > "$work/up" 2>&1 || fail "$name: $(< "$work/up")"
	fi
	probe "$expected" "${files[@]}" 2> "$work/sent" > "$work/new-all"
	without "${note#\# differs:}" < "$work/new-all" > "$work/new"
	diff "$work/old" "$work/new" > "$work/diff" || fail "$name: < the old rules, > wgxdp: $(head -n 20 "$work/diff")"
	! grep -q '^services:' "$work/got" || wgxdp down
	as_compared "$expected"
	count=$(wc -l < "$work/old")
	say "ok $name: $count of $(cut -d ' ' -f 2 "$work/sent") packets arrived, the same ones; $said answers of --compare are right"
	compared=$((compared + $(cut -d ' ' -f 2 "$work/sent"))) arrived=$((arrived + count))
done
[[ $# != 0 ]] || expect 'sets of rules' $sets '>=' 45
[[ $# != 0 ]] || expect 'answers of --compare' $answers '>=' 1500
say "ok $compared packets compared, $arrived arrived"
say "ok $answers answers of --compare are right"
