# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by the tests of `wgxdp trace`: a configuration with a guard, with flows and with neither, and hosts with fixed
# neighbours.
source "${BASH_SOURCE[0]%/*}/lib.sh"

# shellcheck disable=SC2034 # other_key is theirs
key=$(wg genkey | wg pubkey) other_key=$(wg genkey | wg pubkey)
traced_services() {
	cat <<- EOF
		interfaces: [ { name: wan, role: wan } ]
		services:
		  - name: guarded
		    listen: { interface: wan, ports: [ 51820 ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: 51820 }
		    ipv6: dnat
		    wireguard: { public-key: "$key", handshakes: { per-source: 1000000/s } }
		  - name: many
		    listen: { interface: wan, ports: [ 51821 ] }
		    backend: { ipv4: 192.168.1.10, port: 51821 }
		    nat: masquerade
		    flows: { max: 1024, timeout: 3600s } # a small table is read quickly, and no flow expires during the test
		    deny: [ 198.51.100.66, "2001:db8:1::66" ]
		  - name: plain
		    listen: { interface: wan, ports: [ 51822 ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: 51822 }
		    ipv6: dnat
		    deny: [ 198.51.100.66, "2001:db8:1::66" ]
	EOF
}
settled() { # DEVICE MAC ADDRESS...: adds permanent neighbours
	local address
	for address in "${@:3}"; do inside firewall ip neighbour replace "$address" lladdr "$2" dev "$1" nud permanent; done
}
