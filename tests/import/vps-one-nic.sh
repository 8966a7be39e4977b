# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh # a VPS passes WireGuard on to another public host
iptables -t nat -A PREROUTING -i eth0 -p udp --dport 51820 -j DNAT --to-destination 198.51.100.50:51820
iptables -t nat -A POSTROUTING -o eth0 -p udp -d 198.51.100.50 --dport 51820 -j MASQUERADE
