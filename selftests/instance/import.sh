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
#
#     client .7, .50 -- 198.51.100.0/24 -- .1, .2 eth0 firewall br-lan ---- 192.168.0.0/16 --- inside
#            ::7        2001:db8:1::/64    ::1                              2001:db8:2::/64
#                                                      docker0 --- 172.17.0.0/16 ---'
#                                                      vps ------- 10.8.0.0/24 -----'
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

build_network() {
	local device end address
	namespaces client firewall inside
	routers firewall
	cable firewall eth0 client uplink
	takes_xdp client uplink
	addresses client uplink 198.51.100.7/24 198.51.100.50/24 2001:db8:1::7/64
	addresses firewall eth0 198.51.100.1/24 198.51.100.2/24 2001:db8:1::1/64
	gateways firewall 198.51.100.7 2001:db8:1::7
	for device in br-lan:lan docker0:docker vps:tunnel; do
		end=${device#*:} device=${device%:*}
		cable firewall "$device" inside "$end"
		takes_xdp inside "$end"
	done
	inside firewall ip link add wg0 type veth peer name wg0-end
	addresses firewall br-lan 192.168.255.1/16 192.168.255.2/16 2001:db8:2::1/64
	addresses firewall docker0 172.17.0.1/16
	addresses firewall vps 10.8.0.1/24
	for address in 192.168.1.{10,11,12,20} 2001:db8:2::{10,11}; do neighbour "$address" br-lan inside lan; done
	for address in 172.17.0.{2,3}; do neighbour "$address" docker0 inside docker; done
	neighbour 10.8.0.2 vps inside tunnel
	for address in 198.51.100.50 198.51.100.7 2001:db8:1::7; do neighbour "$address" eth0 client uplink; done
	quiet inside client
}

neighbour() { # ADDRESS DEVICE NAMESPACE ITS-DEVICE
	inside firewall ip neigh replace "$1" lladdr "$(mac "$3" "$4")" dev "$2" nud permanent
}

load() { # FILE: loads rules into the firewall, and puts what import reads into $work/FILE
	local name=${1##*/}
	cp "$1" "$work/$name"
	case $1 in
	*.nft)
		inside firewall nft -f "$1"
		inside firewall nft -j list ruleset > "$work/$name"
		;;
	*.v4) inside firewall iptables-restore "$1" ;;
	*.v6) inside firewall ip6tables-restore "$1" ;;
	*.sh) inside firewall sh -e < <(sed 's/^sudo //' "$1") ;;
	*.conf) inside firewall sh -e < <(sed -n "s/^PostUp = //p" "$1" | sed "s/%i/$(basename "$name" .conf)/g") ;;
	esac
}

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
	if [[ $name == nft-masquerade ]]; then
		wgxdp import > "$work/got-here" 2> "$work/warnings" || fail "import without a file: $(< "$work/warnings")"
		diff "$work/got" "$work/got-here" > "$work/diff" || fail "import without a file: $(< "$work/diff")"
	fi
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
