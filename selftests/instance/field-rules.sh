#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# Import and doctor are right about the rules of each program that people use for firewalls, or name what is undecided.
# Real programs make the rules: ufw, firewalld, Docker, podman, Shorewall, fail2ban, the bouncer of CrowdSec, the daemon
# of virtual machines, and iptables-legacy beside nft. The rules of others are in tests/field. Real packets of many
# clients go through the rules alone. Then the rules are removed, and wgxdp with the imported configuration must send the
# same packets to the same places. If the configuration has no lists, doctor must name the clients that the rules ban,
# and no others. It must also say whether the rules drop packets to this host's own WireGuard port. With names, only
# these cases are tried. BREAK=1 removes the rules before import and doctor see them.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                                                 bridges of the programs ---------- containers
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"
source "$root/selftests/lib/field.sh"

choose_wireguard
own=51999 # port of the firewall's own WireGuard

build_network() {
	firewall_network
	gateways firewall 198.51.100.7 2001:db8:1::7
	inside firewall ip link set lo up
	quiet client wg-end
	backends=(wg-end) ports=("$port") to=(198.51.100.1 2001:db8:1::1 2001:db8:2::10) bans=() undecided='' unsure=''
	clients=(198.51.100.7 203.0.113.5 203.0.113.66 192.0.2.77 8.8.8.8 2001:db8:1::7 2001:db8:66::5 2600::1)
}

probes() { # FILE
	local client address probed
	for client in "${clients[@]}"; do
		for address in "${to[@]}"; do
			[[ ${client//[^:]/}: == *::* && $address != *:* || $client != *:* && $address == *:* ]] ||
				for probed in "${ports[@]}" 17777; do echo "$client $address $probed"; done
		done
		[[ $client == *:* ]] && address=2001:db8:1::1 || address=198.51.100.1
		echo "$client $address $own"
	done | selftests/lib/field_probe.py client firewall "$1" "${backends[@]}"
}

sets_of() { # writes what named sets have
	inside firewall nft -j list ruleset > "$work/sets"
	inside firewall ipset save > "$work/ipsets" 2> /dev/null || :
}

# Removes all rules, and lets the kernel forward nothing. Sets stay, because services may follow them.
remove_rules() {
	local kind name six table
	inside firewall nft list tables > "$work/tables"
	while read -r _ kind name; do
		inside firewall nft flush table "$kind" "$name"
	done < "$work/tables"
	for six in '' 6; do
		for table in filter nat mangle raw; do inside firewall ip${six}tables-legacy -t $table -F 2> /dev/null || :; done
	done
	inside firewall nft -f - <<< 'table inet gone { chain f { type filter hook forward priority 300; policy drop; }; }'
}

# The rules must be what the case says: else it proves nothing
check_case() {
	local client words
	read -ra words <<< "$wants"
	grep -qxF "$wants" "$work/before" || fail "$name: not '$wants': $(< "$work/before")"
	for client in "${bans[@]}"; do
		! grep -q "^$client .* ${words[3]} " "$work/before" || fail "$name: $client is not banned: $(< "$work/before")"
	done
}

judge() { # WHAT ARGUMENT...: counts what is wrong
	selftests/lib/field_judge.py "$@" > "$work/wrong" && return
	! grep -vqE -- "${unsure:-^$}" "$work/wrong" && { say "   undecided: $(head -n 1 "$work/wrong")"; return; }
	fail "$name: $1: $(< "$work/wrong")
$(cat "$work/$name.yaml" "$work/warnings")"
}

making=''
exec {errors}>&2
trap '[[ ! $making ]] || tail -n 30 "$work/made" >&$errors' EXIT # a case writes to that file
try() { # NAME
	local imported=0 want=0
	name=$1
	build_network
	making=$name
	"case_$name" > "$work/made" 2>&1
	making=''
	probes "$own" > "$work/before"
	check_case
	[[ ! ${BREAK:-} ]] || inside firewall nft flush ruleset
	wgxdp import > "$work/$name.yaml" 2> "$work/warnings" || imported=$?
	[[ ! $undecided ]] || want=3
	[[ $imported == "$want" ]] || fail "$name: import: status $imported: $(cat "$work/warnings" "$work/$name.yaml")"
	grep -qE -- "$undecided" "$work/warnings" || [[ ! $undecided ]] || fail "$name: import does not name '$undecided': $(< "$work/warnings")"
	sets_of
	tunnel firewall "$device" fd12:3456:7899::1/128 $own
	inside firewall wg set "$device" peer "$peer" allowed-ips fd12:3456:789a::/64
	echo "peers: [ { name: site, public-key: \"$peer\", device: $device, prefixes: [ \"fd12:3456:789a::/64\" ] } ]"$'\npolicy: { overlay: "fd12:3456:789a::/48" }' >> "$work/$name.yaml"
	wgxdp up -c "$work/$name.yaml" > "$work/up" 2>&1 || fail "$name: up: $(< "$work/up")"
	doctor
	judge content "$work/before" "$work/doctor.json" $own
	sed '/^    \(allow\|deny\):/d' "$work/$name.yaml" > "$work/plain.yaml"
	wgxdp reload -c "$work/plain.yaml" > "$work/up" 2>&1 || fail "$name: reload: $(< "$work/up")"
	doctor
	remove_rules
	probes 0 > "$work/plain"
	judge doctor "$work/before" "$work/doctor.json" $own "$work/plain" "$work/sets" "$work/ipsets"
	wgxdp reload -c "$work/$name.yaml" > "$work/up" 2>&1 || fail "$name: reload: $(< "$work/up")"
	probes 0 > "$work/after"
	judge services "$work/before" "$work/after" $own
	wgxdp down > /dev/null
	[[ ! ${VERBOSE:-} ]] || cat "$work"/{before,plain,after}
	say "ok $name: $(grep -cv ' \(lost\|here\)$' "$work/before") of $(wc -l < "$work/before") packets are forwarded, status $imported"
}

device=wgf$$ peer=$(wg genkey | wg pubkey)

# Each case has a sandbox of its own, in which its programs may run on
if (($# != 1)); then
	mapfile -t names < <(declare -F | sed -n 's/^declare -f case_//p')
	(($#)) && names=("$@")
	for name in "${names[@]}"; do env -u WGXDP_APART "$0" "$name" || fail "$name"; done
	say "ok ${#names[@]} cases"
	exit
fi
try "$1"
