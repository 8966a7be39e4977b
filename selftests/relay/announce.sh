#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# Two relays with one key tell each other by BGP which sites they serve. `announce` puts the live sites into a table,
# BIRD sends that table and writes received routes into main, and `follow: { routes: … }` reads main. Sites at different
# relays reach each other through both. A site that moves to the other relay is reached there by all. A silent site is
# no longer announced, and is forgotten. The relays' nft drops everything, so only wgxdp can forward. When the daemon is
# killed, its routes stay; `down` removes them. BREAK=1 does not announce.
#
#     site a, c --- r1 --- internet 198.51.100.0/24 --- r2 --- site b        each site one namespace, which is its edge and its server
#                    \______ wgx: BGP, and what goes between ______/
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

overlay=fd12:3456:789a tunnels=fd12:3456:7899
silent=4

relay_config() { # RELAY NUMBER
	cat > "$work/$1.yaml" <<- EOF
		follow: { wireguard: [ wgs$2, wgx$2 ], routes: [ main ] }
		$([[ ${BREAK:-} ]] || echo "announce: { table: 700, silent: ${silent}s }")
		policy: { overlay: "$overlay::/48" }
	EOF
	cat > "$work/$1.conf" <<- EOF
		router id 10.0.0.$2;
		protocol device {}
		ipv6 table sites;
		protocol kernel here { kernel table 700; learn; scan time 1; ipv6 { table sites; import filter { preference = 200; accept; }; export none; }; }
		protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
		protocol pipe { table sites; peer table master6; import none; export all; }
		protocol bgp others { local $tunnels:ff::$2 as 6500$2; neighbor $tunnels:ff::$((3 - $2)) as 6500$((3 - $2)); connect retry time 1;
			ipv6 { import all; export where source = RTS_INHERIT; next hop self; }; }
	EOF
}
relay() { # RELAY NUMBER
	namespaces "$1"
	routers "$1"
	cable "$1" eth0 internet "$1"
	inside internet ip link set "$1" master br0
	addresses "$1" eth0 "198.51.100.$2/24"
	tunnel "$1" "wgs$2" "$tunnels::1/128" $port
	tunnel "$1" "wgx$2" "$tunnels:ff::$2/64" $((port + 1))
	inside "$1" nft 'add table ip6 t; add chain ip6 t c { type filter hook forward priority filter; policy drop; }'
	relay_config "$1" "$2"
}
joined() { # NUMBER OTHER
	inside "r$1" wg set "wgx$1" peer "$(key "wgx$2")" endpoint "198.51.100.$2:$((port + 1))" allowed-ips "$tunnels:ff::$2/128,$overlay::/48"
}
site() { # SITE NUMBER
	namespaces "$1"
	cable "$1" eth0 internet "site-$1"
	inside internet ip link set "site-$1" master br0
	addresses "$1" eth0 "198.51.100.$2/24"
	tunnel "$1" "wg-$1" "$tunnels::$1/128"
	addresses "$1" "wg-$1" "$overlay:$1::10/128"
	for relay in 1 2; do inside r$relay wg set wgs$relay peer "$(key "wg-$1")" allowed-ips "$overlay:$1::/64,$tunnels::$1/128"; done
	inside "$1" ip route add "$overlay::/48" dev "wg-$1" src "$overlay:$1::10"
}
goes_to() { # SITE NUMBER: as its edge router does when its name gets another address
	inside "$1" wg set "wg-$1" peer "$(key wgs1)" remove
	inside "$1" wg set "wg-$1" peer "$(key wgs1)" endpoint "198.51.100.$2:$port" persistent-keepalive 1 allowed-ips "$overlay::/48,$tunnels::1/128"
}
begins() { # NUMBER
	start "r$1" "$wgxdp" --instance "r$1" daemon -c "$work/r$1.yaml" > "$work/daemon$1" 2>&1
	daemons[$1]=$!
	wait_for 10 "the daemon of r$1" grep -q 'the daemon follows changes' "$work/daemon$1"
}
announced() { inside "r$1" ip -6 route show table 700 2> /dev/null | sed -n 's/^\(fd[^ ]*\).*/\1/p' | xargs; } # NUMBER
announces() { [[ $(announced "$1") == "${*:2}" ]]; }
reaches() { inside "$1" ping -q -c 1 -W 1 "$overlay:$2::10" > /dev/null; } # SITE SITE
forgotten() { inside "r$1" wg show "wgs$1" endpoints | holds -F "$(key "wg-$2")"$'\t(none)'; } # NUMBER SITE
declare -A daemons=()

choose_wireguard
namespaces internet
inside internet ip link add br0 type bridge
inside internet ip link set br0 up
relay r1 1
relay r2 2
cp "$work/wgs1.key" "$work/wgs2.key"
cp "$work/wgs1.pub" "$work/wgs2.pub"
inside r2 wg set wgs2 private-key "$work/wgs2.key"
joined 1 2
joined 2 1
site a 11
site b 12
site c 13
begins 1
begins 2
for n in 1 2; do
	start r$n bird -f -c "$work/r$n.conf" -s "$work/r$n.ctl" -P "$work/r$n.pid" 2> "$work/r$n.bird"
done
expect 'sites at r1 before there are any' "$(announced 1)" == ''
goes_to a 1
goes_to c 1
goes_to b 2
wait_for 20 'a and c at r1' announces 1 "$overlay:a::/64" "$overlay:c::/64"
wait_for 20 'b at r2' announces 2 "$overlay:b::/64"
wait_for 30 'a reaches b' reaches a b
wait_for 5 'b reaches c' reaches b c
wait_for 5 'a reaches c' reaches a c
say "ok sites of two relays reach each other, over: $(inside r1 ip -6 route get "$overlay:b::10" | head -1 | grep -o 'dev [^ ]*')"
expect 'the route of the kernel has our protocol' "$(inside r1 ip -6 route show table 700 proto 119 | wc -l)" == 2

goes_to a 2
from=$(date +%s%N)
wait_for 20 'c, who stayed, reaches a at r2' reaches c a
say "ok c reaches a, which moved, after $((($(date +%s%N) - from) / 1000000)) ms"
wait_for 20 'a at r2' announces 2 "$overlay:a::/64" "$overlay:b::/64"
wait_for 20 'a no more at r1' announces 1 "$overlay:c::/64"
reaches b a || fail 'b does not reach a'
reaches a c || fail 'a does not reach c'

kill -KILL "${daemons[1]}"
wait "${daemons[1]}" 2> /dev/null || :
expect 'announced routes without the daemon' "$(announced 1)" == "$overlay:c::/64"
reaches c a || fail 'c does not reach a without the daemon'
begins 1
expect 'announced routes with another daemon' "$(announced 1)" == "$overlay:c::/64"

# the file has another table while no daemon runs
kill "${daemons[1]}"
wait "${daemons[1]}" 2> /dev/null || :
sed -i.right 's/table: 700/table: 800/' "$work/r1.yaml"
begins 1
there() { inside r1 ip -6 route show table 800 2> /dev/null | holds "^$overlay:c::/64"; }
wait_for 10 'c in the other table' there
expect 'announced routes in the former table' "$(announced 1)" == ''
kill "${daemons[1]}"
wait "${daemons[1]}" 2> /dev/null || :
mv "$work/r1.yaml.right" "$work/r1.yaml"
begins 1
wait_for 10 'c in the first table' announces 1 "$overlay:c::/64"
! there || fail 'the route stays in the other table'

inside c wg set wg-c peer "$(key wgs1)" remove
wait_for 20 'c, which is silent, at r1 no more' announces 1
wait_for 5 'r1 does not know where c was' forgotten 1 c
inside r1 ip -6 route add "$overlay:d::/64" dev wgs1 table 700
inside r2 "$wgxdp" --instance r2 down
expect 'announced routes after down' "$(announced 2)" == ''
inside r1 "$wgxdp" --instance r1 down
expect 'foreign routes left in the table' "$(announced 1)" == "$overlay:d::/64"
say ok
