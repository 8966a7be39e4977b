# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sites behind a blind relay. Source lib.sh and sites.sh first. Each edge router has one tunnel. Its peers are the relay
# and every other site, all at the relay's address.
relay=wgr-one # the relay's own WireGuard

blind_edge() { # SITE
	local edge=wgb-$1
	tunnel "edge-$1" "$edge" "${tunnels:?}::$1/128" "${port:?}"
	inside relay wg set $relay peer "$(key "$edge")" allowed-ips "${tunnels:?}::$1/128"
	inside relay ip route add "${tunnels:?}::$1" dev $relay
	knows_relay "$1"
	inside "edge-$1" ip route add "${tunnels:?}::1" dev "$edge"
}

blind_peer() { # SITE PEER'S-DEVICE ALLOWED-IPS OPTION...: all peers are at the relay's address
	inside "edge-$1" wg set "wgb-$1" peer "$(key "$2")" endpoint "${relay_at[${family[$1]:-4}]}" allowed-ips "$3" "${@:4}"
}
knows_relay() { blind_peer "$1" $relay "${tunnels:?}::1/128" persistent-keepalive 25; } # SITE
knows_site() { blind_peer "$1" "wgb-$2" "${overlay:?}:$2::/64,${tunnels:?}::$2/128"; } # SITE OTHER
forgets() { inside "edge-$1" wg set "wgb-$1" peer "$(key "$2")" remove; } # SITE PEER'S-DEVICE: removes the peer and its sessions

blind_pair() { # SITE OTHER: adds both sites' peers to SITE
	knows_site "$1" "$2"
	inside "edge-$1" ip route add "${overlay:?}:$2::/64" dev "wgb-$1" src "${overlay:?}:$1::1"
	inside "edge-$1" ip route add "${tunnels:?}::$2" dev "wgb-$1"
}

declare -A relay_at=(["4"]='198.51.100.1:51820' ["6"]='[2001:db8::1]:51820')

blind_mesh() { # SITE...: every pair of these
	local s t
	for s; do
		for t; do
			[[ $s == "$t" ]] || blind_pair "$s" "$t"
		done
	done
}

blind_file() { # OPTION...: writes $work/wgxdp.yaml with additional keys of blind:
	printf '%s\n' 'interfaces: [ { name: eth0, role: wan } ]' \
		"blind: { listen: { interface: eth0, port: $port }, device: $relay${*:+, $*} }" > "${work:?}/wgxdp.yaml"
}

all_authenticated() { # N: the relay knows where N sites are
	(($(grep -c 'blind: site .* is at' "${work:?}/daemon") >= $1))
}

# The sites of $sites. The named ones are behind NATs, symmetric unless nat_kind says cone; the others have IPv6. The
# relay's nic transmits from XDP. The daemon starts later.
sites=(a b c)
declare -A nat_kind=() number=([a]=1 [b]=2 [c]=3 [d]=4 [e]=5)
blind_network() { # SITE...: sites behind a NAT; at least a and b
	local s
	declare -gA family=()
	for s in "${sites[@]}"; do [[ " $* " == *" $s "* ]] || family[$s]=6; done
	choose_wireguard
	internet
	takes_xdp internet relay
	for s in "${sites[@]}"; do site "$s"; done
	for s; do nat "$s" "${number[$s]}" "${nat_kind[$s]:-symmetric}"; done
	for s in "${!family[@]}"; do on_internet "edge-$s" wan "2001:db8::$s/64"; done
	routers relay
	relay_tunnel $relay "$port" "${tunnels:?}::1"
	for s in "${sites[@]}"; do blind_edge "$s"; done
	blind_mesh "${sites[@]}"
	site_names
}

site_names() { # the names in wg-quick's file
	local s
	mkdir -p /etc/wireguard
	mount -t tmpfs none /etc/wireguard
	for s in "${sites[@]}"; do printf '# site-%s\n[Peer]\nPublicKey = %s\n' "$s" "$(key "wgb-$s")"; done > "/etc/wireguard/$relay.conf"
}

decrypted() { # prints the bytes that the relay's own WireGuard has received from its peers
	inside relay wg show $relay transfer | awk '{sum += $2} END {print sum + 0}'
}

site_shown() { # SITE KEY: a value of `wgxdp show sites`
	wgxdp show sites --json | /usr/bin/python3 -IS -c 'import json, sys
print(next((s[sys.argv[2]] for s in json.load(sys.stdin)["sites"] if s["name"] == "site-" + sys.argv[1]), "absent"))' "$@"
}
site_is() { [[ $(site_shown "$1" "$2") == "$3" ]]; } # SITE KEY VALUE

endpoint_of() { endpoint_seen relay $relay "wgb-$1"; } # SITE: prints the site's endpoint in the relay's WireGuard

pairs_of() { # SITE...: every pair, in both directions
	local s t
	for s; do for t; do [[ $s == "$t" ]] || echo "$s-$t"; done; done
}
mapfile -t every_pair < <(pairs_of "${sites[@]}")
# The first packet of each pair waits for a handshake. Two handshakes that begin at once may have to start again.
first_pings() { ping_all -c 3 -i 0.2 -W 10 > /dev/null; }

sites_talk() { # starts the daemon, until all three sites reach each other
	start_daemon -c "$work/wgxdp.yaml"
	wait_for 30 'all sites' all_authenticated 3
	first_pings
}

ping_all() { # OPTION...: pings every pair in turn, and prints how many packets were lost
	local pair lost=0
	for pair in "${every_pair[@]}"; do lost=$((lost + $(ping_between "${pair%-*}" "${pair#*-}" "$@"))); done
	echo $lost
}

ping_between() { # SITE OTHER -c COUNT [-i INTERVAL] -W SECONDS [OPTION...]: packets lost
	unanswered "server-$1" "${overlay:?}:$2::10" "${@:3}"
}

pinging() { # N: pings from a to b; the output goes to $work/pings
	start server-a ping -D -O -c "$1" -i 0.05 -w $(($1 / 18 + 5)) "$overlay:b::10" > "$work/pings" # see unanswered() for -w
	pinger=$! pings=$1
}

pinged() { # sets $gap, the longest time without an answer in seconds, and $lost
	wait $pinger || :
	gap=$(awk '/bytes from/ {t = substr($1, 2, 17); if (last && t - last > gap) gap = t - last; last = t} END {print gap + 0}' "$work/pings")
	lost=$(unanswered_in "$pings" < "$work/pings")
}
