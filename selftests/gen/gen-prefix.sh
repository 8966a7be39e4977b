#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# alone
# The prefix of a site changes under traffic: its servers use the new addresses at once, and at most 20 s of pings are
# lost. Scenario S runs from the generated files. Then the topology gives site a another subnet. The relay, the edge
# routers of site a and the servers get the new files, and run the commands of their READMEs for a change. The old
# address of a server is deprecated (`ip -6 address`), and the addresses in tunnels and mesh stay. The next run of
# `gen hosts` no longer announces the old prefix. Then the overlay changes, and the sites reach each other by their new
# addresses. BREAK=1 leaves the former prefix out at once.
#
#     the network of site-hosts.sh
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/sites.sh"
source "$root/selftests/lib/hosts.sh"
source "$root/selftests/lib/site-hosts.sh"
on=relay
topology=$work/two-sites.yaml
cp docs/examples/topology/two-sites.yaml "$topology"

makes() { "$wgxdp" gen hosts "$topology" -o "$tree" > "$work/gen" 2>&1 || fail "gen hosts: $(< "$work/gen")"; }
ends() { grep -h '^Address' "$tree"/*/etc/wireguard/*.conf; }
source_of() { inside server-a1 ip -6 route get "${lan6[server-b1]}" | sed -n 's/.* src \([^ ]*\) .*/\1/p'; }
uses_new() { [[ $(source_of) == "$overlay:c::10" ]]; }

# Runs what the commands of a README run, where no systemd runs: networkctl reload, and the units' ExecReload
applies() { # HOST
	installs "$1" "$tree/$1"
	case $1 in
	relay)
		at relay nft -f /etc/nftables.d/wgxdp.nft && at relay sh /etc/wireguard/wgxdp-reload wgvpnr01
		wgxdp reload > "$work/reload" 2>&1 || fail "reload: $(< "$work/reload")"
		;;
	server-*) at "$1" sh /etc/wireguard/wgxdp-reload wgvpn01 ;;
	edge-*)
		kill "${pids["$1 networkd"]}"
		networkd_again "$1"
		at "$1" nft -f /etc/nftables.d/wgxdp.nft && at "$1" /etc/keepalived/wgvpnr01 INSTANCE site-a RELOAD 0 > "$work/reload" 2>&1
		kill -HUP "${pids["$1 radvd"]}"
		;;
	esac
}
has_new() { # HOST
	local subnet=c
	[[ $1 == edge-a* ]] || subnet=b
	[[ $(inside "$1" ip -6 address show dev lan to "$overlay:$subnet::/64") ]]
}
networkd_again() { # HOST
	runs "$1" networkd /lib/systemd/systemd-networkd
	wait_for 10 "the address of $1" has_new "$1"
}

need_tun
makes
build_network
all_boot
before=$(ends)
expect "the server's address" "$(source_of)" == "$overlay:a::10"
traffic_begins
sed -i 's/subnet: a /subnet: c /' "$topology"
makes
[[ ! ${BREAK:-} ]] || makes
expect 'addresses in tunnels and mesh' "$(ends)" == "$before"
expect 'sites whose change is told' "$(grep -o 'prefix of site [a-z-]* changes' "$work/gen")" == 'prefix of site site-a changes'
for host in relay edge-a1 edge-a2 server-a1 server-a2 server-b1; do applies "$host"; done
changed=$(elapsed)
wait_for 10 'the server uses its new address' uses_new
expect 's until the server uses its new address' "$(awk "BEGIN {print int($(elapsed) - $changed + 1)}")" '<=' "$(($(at_most 5000) / 1000))"
[[ $(inside server-a1 ip -6 address show dev eth0 to "$overlay:a::10") == *deprecated* ]] ||
	fail "the former address is not deprecated: $(inside server-a1 ip -6 address show dev eth0)"
for from in server-a1 server-a2; do wait_for 20 "$from reaches site b" reached "$from" "${lan6[server-b1]}"; done
wait_for 20 'site b reaches the new address' reached server-b1 "$overlay:c::10"
sleep 2
traffic_ends
for kind in lan mesh; do expect "ms without an answer ($kind)" "$(silence $kind)" '<=' "$(at_most 20000)"; done
tail -n 1 "$work/traffic-lan" "$work/traffic-mesh"
makes
! grep -h "$overlay:a::" "$tree"/edge-a*/etc/radvd.conf || fail 'the former prefix is announced for ever'
say "ok the prefix of site a has changed; $(silence lan) ms without an answer"

sed -i "s/$overlay/fd12:3456:bbbb/" "$topology"
overlay=fd12:3456:bbbb
makes
expect 'sites whose change is told' "$(grep -c 'the prefix of site .* changes from .* to fd12:3456:bbbb:' "$work/gen")" == 2
expect 'addresses in tunnels and mesh' "$(ends)" == "$before"
for host in relay "${edges[@]}" "${servers[@]}"; do applies "$host"; done
wait_for 20 'site a reaches site b' reached server-a1 "$overlay:b::10"
wait_for 20 'site b reaches site a' reached server-b1 "$overlay:c::11"
wait_for 20 'the mesh' reached server-a1 "$(mesh_address server-b1)"
say 'ok the overlay has changed'
