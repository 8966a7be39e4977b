#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# When one of three relays fails, its sites are interrupted for at most 10 s, and the other pairs lose no packet.
# Three relays with one key, six sites, and a name with the addresses of all three. Each site's edge router is at one
# relay, by `endpoints` with `within`. Each relay announces its live sites, BIRD tells the other relays by BGP (with
# BFD), and `follow: { routes: … }` reads the received routes. Every site pings every other site 20 times a second,
# while one relay at a time fails and comes back. The first one is switched off, the second is cut off from the
# network for a while, and so is the third, whose daemon also dies. Pairs at the failed relay are interrupted for at
# most 10 s. The other pairs lose no packet, and none is lost when the relay comes back. Peers keep their settings.
# BREAK=1 leaves out `within`: sites leave a dead relay only after WireGuard's own times.
#
#     sites a, b --- r1 --- internet 198.51.100.0/24 --- r2 --- c, d         each site one namespace, which is its edge and its server
#                    \_____ wgxNM: BGP, and what _______/
#                     \____ goes between ______ r3 --- e, f
source "${BASH_SOURCE[0]%/*}/../lib/several-relays.sh"

tunnels=fd12:3456:7899
sites=(a b c d e f)
in_site() { inside "$@"; }
start_in_site() { start "$@"; }
server() { echo "$overlay:$1::10"; } # SITE

link() { (($1 < $2)) && echo "$tunnels:ff$1$2" || echo "$tunnels:ff$2$1"; } # NUMBER OTHER: prints the prefix of their tunnel
others() { local n; for n in "${relays[@]}"; do ((n == $1)) || echo "$n"; done; } # NUMBER
relay_config() { # NUMBER
	local m
	{
		echo "follow: { wireguard: [ wgs$1 ], routes: [ main ] }"
		echo 'announce: { table: 700, silent: 4s }'
		echo "policy: { overlay: \"$overlay::/48\" }"
		echo 'peers:'
		for m in $(others "$1"); do
			echo "  - { name: r$m, device: wgx$1$m, public-key: \"$(key "wgx$m$1")\", prefixes: [ \"$(link "$1" "$m")::$m/128\" ] }"
		done
	} > "$work/r$1.yaml"
	{
		cat <<- EOF
			router id 10.0.0.$1;
			protocol device {}
			protocol bfd { interface "wgx*" { interval 200 ms; multiplier 5; }; }
			ipv6 table sites;
			protocol kernel here { kernel table 700; learn; scan time 1; ipv6 { table sites; import filter { preference = 200; accept; }; export none; }; }
			protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
			protocol pipe { table sites; peer table master6; import none; export all; }
		EOF
		for m in $(others "$1"); do
			echo "protocol bgp r$m { local $(link "$1" "$m")::$1 as 6500$1; neighbor $(link "$1" "$m")::$m as 6500$m; connect delay time 1; connect retry time 1;"
			echo "	error wait time 1, 2; bfd on;"
			echo '	ipv6 { import all; export where source = RTS_INHERIT; next hop self; }; }'
		done
	} > "$work/r$1.conf"
}
wgs() { # NUMBER: creates the device of the sites, without a session
	local site
	tunnel "r$1" "wgs$1" "$tunnels::1/128" $port
	inside "r$1" wg set "wgs$1" private-key "$work/relay.key"
	for site in "${sites[@]}"; do
		inside "r$1" wg set "wgs$1" peer "$(key "wg-$site")" preshared-key "$work/relay.psk" allowed-ips "$overlay:$site::/64,$tunnels::$site/128"
	done
	inside "r$1" ip route add "$tunnels::/112" dev "wgs$1"
}
relay() { # NUMBER
	local m
	namespaces "r$1"
	routers "r$1"
	plug "r$1" eth0
	addresses "r$1" eth0 "198.51.100.$1/24"
	inside "r$1" nft 'add table ip6 t; add chain ip6 t c { type filter hook forward priority filter; policy drop; }'
	for m in $(others "$1"); do tunnel "r$1" "wgx$1$m" "$(link "$1" "$m")::$1/64" $((port + m)); done
}
begins() { # NUMBER
	start "r$1" "$wgxdp" --instance "r$1" daemon -c "$work/r$1.yaml" >> "$work/daemon$1" 2>&1
	daemons[$1]=$!
	start "r$1" bird -f -c "$work/r$1.conf" -s "$work/r$1.ctl" -P "$work/r$1.pid" 2>> "$work/bird$1"
	birds[$1]=$!
}
site() { # SITE NUMBER
	namespaces "$1"
	plug "$1" eth0 "site-$1"
	addresses "$1" eth0 "198.51.100.$((10 + $2))/24"
	tunnel "$1" "wg-$1" "$tunnels::$1/128"
	addresses "$1" "wg-$1" "$overlay:$1::10/128"
	inside "$1" ip route add "$overlay::/48" dev "wg-$1" src "$overlay:$1::10"
	inside "$1" ip route add "$tunnels::1/128" dev "wg-$1" src "$tunnels::$1"
	cat > "$work/$1.yaml" <<- EOF
		endpoints:
		  - { interface: wg-$1, peer: "$(< "$work/relay.pub")", host: relay.example.net, port: $port$([[ ${BREAK:-} ]] || echo ', within: 4s') }
	EOF
}
joins() { # SITE RELAY
	inside "$1" wg set "wg-$1" peer "$(< "$work/relay.pub")" preshared-key "$work/relay.psk" endpoint "198.51.100.$2:$port" persistent-keepalive 1 \
		allowed-ips "$overlay::/48,$tunnels::1/128"
	start "$1" "$wgxdp" --instance "$1" daemon -c "$work/$1.yaml" > "$work/daemon-$1" 2>&1
}
where() { inside "$1" wg show "wg-$1" endpoints | sed -n 's/.*198\.51\.100\.\([0-9]*\):.*/\1/p'; } # SITE: its relay
settings() { inside "$1" wg showconf "wg-$1" | grep -v '^Endpoint\|^ListenPort'; } # SITE

choose_wireguard
(umask 077 && wg genkey > "$work/relay.key" && wg genpsk > "$work/relay.psk")
wg pubkey < "$work/relay.key" > "$work/relay.pub"
internet
echo 'nameserver 198.51.100.53' > "$work/resolv.conf"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
echo 'relay.example.net 5 198.51.100.1 198.51.100.2 198.51.100.3' > "$work/zone"
for n in "${relays[@]}"; do relay "$n"; done
for n in "${relays[@]}"; do
	for m in $(others "$n"); do
		inside "r$n" wg set "wgx$n$m" peer "$(key "wgx$m$n")" endpoint "198.51.100.$m:$((port + n))" allowed-ips "$(link "$n" "$m")::$m/128,$overlay::/48"
	done
done
i=0
for s in "${sites[@]}"; do site "$s" $((i++)); done
for n in "${relays[@]}"; do
	wgs "$n"
	relay_config "$n"
	begins "$n"
done
i=0
for s in "${sites[@]}"; do joins "$s" $((i++ / 2 + 1)); done
wait_for 60 'each site reaches each other one' reach_all
say 'ok all reach all'
for s in "${sites[@]}"; do settings "$s" > "$work/settings-$s"; done

pings_begin
sleep 5
for n in "${relays[@]}"; do
	phase goes "$n"
	sleep 0.5 # answers in flight belong to this phase
	inside internet ip link set "r$n" down
	((n == 2)) || ends "$n"
	((n != 1)) || inside r1 ip link del wgs1
	sleep 8
	((n != 3)) || begins 3
	sleep 8
	phase comes "$n"
	((n != 1)) || wgs 1
	inside internet ip link set "r$n" up
	((n != 1)) || begins 1
	sleep 16
done
pings_end
for s in "${sites[@]}"; do
	settings "$s" | sort | cmp -s - <(sort "$work/settings-$s") || fail "$s has other settings than before"
done
say ok
