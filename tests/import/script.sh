# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh # commands in an order of their own
iptables -P FORWARD DROP
iptables -A FORWARD -i eth0 -p udp -d 192.168.1.10 --dport 51820 -j ACCEPT
iptables -I FORWARD -s 203.0.113.13 -j DROP
iptables -t nat -A PREROUTING -i eth0 -p udp --dport 51820 -j DNAT --to 192.168.1.10
sudo ip6tables -t nat -A PREROUTING -i eth0 -p udp --dport 51820 -j DNAT --to-destination 2001:db8:2::10
