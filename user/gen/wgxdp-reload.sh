#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# wgxdp-reload DEVICE: gives a running tunnel the peers of its file, and the routes that wg-quick would give it. Other peers notice
# nothing. `wg syncconf` alone sets no routes, and removes the private key, which is not in the file, and wg-quick's fwmark.
# Address, MTU, DNS and Table take effect only by a restart.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
device=$1
file=/etc/wireguard/$device.conf

allowed() { wg show "$device" allowed-ips | cut -f 2 | tr ' ' '\n' | grep / | sort -u | sort -s -t / -k 2nr; }
family() { case $1 in *:*) echo -6 ;; *) echo -4 ;; esac; }

before=$(allowed || :)
peers=$(wg-quick strip "$device")
key=$(cat "/etc/wireguard/$device-privatekey")
printf '[Interface]\nPrivateKey = %s\nFwMark = %s\nListenPort = %s\n%s\n' "$key" "$(wg show "$device" fwmark)" \
	"$(wg show "$device" listen-port)" "$peers" | wg syncconf "$device" /dev/stdin
after=$(allowed || :)

if ! grep -q '^Table' "$file"; then
	for prefix in $before; do # "proto boot": not the route of the device's own address
		echo "$after" | grep -qxF "$prefix" || ip "$(family "$prefix")" route del "$prefix" dev "$device" proto boot 2> /dev/null || :
	done
	for prefix in $after; do
		case $prefix in */0) continue ;; esac # wg-quick has tables and rules for these, which stay
		[ "$(ip "$(family "$prefix")" route show dev "$device" match "$prefix")" ] ||
			ip "$(family "$prefix")" route add "$prefix" dev "$device"
	done
fi
# These commands of the file may run twice
sed -n "s/%i/$device/g; s/^PostUp = \(ip .* replace .*\)/\1/p" "$file" | sh -e
