#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1500
# Old rules and the configuration that `import` makes from them do the same, for each set of rules in tests/import. The
# rules are loaded into a firewall with nft or iptables. Probes go through it (import_probes.py). Then the rules are
# removed, wgxdp comes up with the imported configuration, and the same probes must arrive at the same backends. The
# configuration must be the expected one, and each rule about forwarded UDP packets must be in it. The third line of an
# expected file lists ports for which wgxdp cannot do the same (`differs`), or says that the rules cannot be loaded
# here. Each packet also arrives, or does not, as `import --compare` says. Named sets stay when the rules are removed.
# BREAK=1 forgets lists of clients. With names, only these sets are tried.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/import-network.sh"

# Prints the rules that decide about forwarded UDP packets, one a line, as comments name them.
origins() { # FILE
	case $1 in
	*.v4 | *.v6)
		grep -nE -- '-j (DNAT|SNAT|MASQUERADE|REDIRECT|ACCEPT|DROP|REJECT)' "$1" |
			grep -vE -- '-A (INPUT|OUTPUT)|-p (tcp|icmp|ipv6-icmp) |ctstate (INVALID|RELATED,ESTABLISHED) |--state RELATED' |
			sed "s/^\([0-9]*\):.*/${1##*/}:\1:/"
		;;
	*.nft)
		/usr/bin/python3 - "$work/${1##*/}" <<- 'EOF'
			import json, sys
			ends = {'dnat', 'snat', 'masquerade', 'redirect', 'accept', 'drop', 'reject'}
			for o in json.load(open(sys.argv[1]))['nftables']:
			    rule, text = o.get('rule'), json.dumps(o)
			    if rule and ends & {k for s in rule['expr'] for k in s} and not any(
			            word in text for word in ('"tcp", "field"', 'icmp', '"key": "state"')):
			        print(f"{rule['family']} {rule['table']} {rule['chain']} handle {rule['handle']}:")
		EOF
		;;
	esac
}

# Removes all rules, but leaves the named sets, which the imported configuration may follow.
remove_rules() {
	inside firewall nft list sets > "$work/sets"
	inside firewall nft flush ruleset
	inside firewall nft -f "$work/sets"
}

# Compares what `import --compare` says with the packets that arrived.
as_compared() { # EXPECTED
	local arguments status=0
	read -ra arguments <<< "$(sed -n '2s/^# wgxdp import//p' "$1")"
	(cd "$work" && "$wgxdp" import --compare --verbose --json "${arguments[@]}") > "$work/report" || status=$?
	[[ $status == 0 || $status == 3 ]] || fail "$name: import --compare: status $status"
	said=$(selftests/lib/import_compare.py packets "$work/report" "$work/packets" "$work/old-all" "$work/new-all") ||
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
	local status=0 wanted=0 origin arguments
	! grep -q '^# \(wgxdp has no counterpart\|The configuration lacks\)' "$1" || wanted=3
	grep -q '^[a-z]' "$1" || wanted=1 # nothing became a part of a configuration
	read -ra arguments <<< "$(sed -n '2s/^# wgxdp import//p' "$1")"
	(cd "$work" && "$wgxdp" import "${arguments[@]}") > "$work/got" 2> "$work/warnings" || status=$?
	{ head -n 3 "$1"; cat "$work/got"; } > "$work/whole"
	diff "$1" "$work/whole" > "$work/diff" || fail "$name: not the expected configuration: $(< "$work/diff")"
	[[ $status == "$wanted" ]] || fail "$name: status $status"
	! grep -q 'has no counterpart\|The configuration lacks' "$1" || [[ -s $work/warnings ]] || fail "$name: no warning"
	for file in "${files[@]}"; do
		while IFS= read -r origin; do
			grep -qF -- "$origin" "$1" || fail "$name: the rule $origin is lost"
			rules=$((rules + 1))
		done < <(origins "$file")
	done
}

rules=0 compared=0 sets=0 arrived=0 answers=0
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
say "ok $rules rules, none lost; $compared packets compared, $arrived arrived"
say "ok $answers answers of --compare are right"
