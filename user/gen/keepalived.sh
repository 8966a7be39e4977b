#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# keepalived calls this script at each change of state. All edge routers of a site are one peer of the relay. So the tunnel has a peer
# only on the edge router that has fe80::1. On the others the tunnel is ready, with its routes, but without a peer. The order of calls
# does not matter: the script looks where the address is.
# The clock must be right (NTP): WireGuard ignores a handshake that is older than the peer's last.
set -u
umask 077
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
tunnel=wgvpnr01
lan=@LAN@
run=/run/wgxdp-$tunnel

is_there() { ip link show dev "$tunnel" > /dev/null 2>&1; }
is_active() { [ "$(ip -6 address show dev "$lan" to fe80::1/128)" ]; }

# At first without endpoints, so that nothing is sent. A WireGuard that is a process shall not have the lock.
ready() {
	is_there && return
	sed '/^Endpoint/d; /^PersistentKeepalive/d' "/etc/wireguard/$tunnel.conf" > "$run/$tunnel.conf" &&
		wg-quick up "$run/$tunnel.conf" 9>&- || return
	for peer in $(wg show "$tunnel" peers); do wg set "$tunnel" peer "$peer" remove; done
}

# With the name of the relay unresolved it is tried again, as long as the address is here
active() {
	ready && WG_ENDPOINT_RESOLUTION_RETRIES=1 sh /etc/wireguard/wgxdp-reload "$tunnel"
}

standby() {
	{ [ -z "$(wg show "$tunnel" peers 2> /dev/null)" ] || wg-quick down "$tunnel"; } && ready
}

stopped() {
	ip -6 address del fe80::1/128 dev "$lan" 2> /dev/null # if keepalived was killed, it left the address
	! is_there || wg-quick down "$tunnel"
}

# For another file. With the name of the relay unresolved it fails, and everything stays.
reload() {
	if is_active; then active; else { ! is_there || wg-quick down "$tunnel"; } && ready; fi
}

mkdir -p "$run"
exec 9> "$run/lock"
flock 9
if [ "$3" = RELOAD ]; then reload; exit; fi
until if [ "$3" = STOP ]; then stopped; elif is_active; then active; else standby; fi; do sleep 1; done
