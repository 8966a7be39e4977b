#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# People's mistakes on command lines and in files get the messages of tests/mistakes, word for word. None changes what
# runs. `UPDATE=1 selftests/instance/mistakes.sh` writes the files again. BREAK=1 expects another word.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                              2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

firewall_network
inside firewall ip link add br0 type bridge
mkdir "$work/bin" "$work/here"
chmod 755 "$work" "$work/bin"
install -m 755 "$wgxdp" "$work/bin/wgxdp"
export PATH=$work/bin:$PATH
cat > "$work/running.yaml" << 'YAML'
services:
  - name: wg-end
    listen: { interface: wan, ports: [ 51820 ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: 51820 }
peers: [ { name: site-a, device: lan, prefixes: [ "fd12:3456:789a:a::/64" ] } ]
policy: { overlay: "fd12:3456:789a::/48" }
YAML
: > "$work/resolv.conf"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
mkdir -p /etc/wgxdp
mount -t tmpfs none /etc/wgxdp
wgxdp up -c "$work/running.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
total=0
for file in tests/mistakes/*; do
	said=$file
	if [[ ! ${UPDATE:-} ]]; then
		said=$work/mistakes
		sed "${BREAK:+0,/error: /s//&not /}" "$file" > "$said"
	fi
	inside firewall "$root/selftests/lib/mistakes.py" "$said" "$work/here" > "$work/said" 2>&1 || fail "$file: $(< "$work/said")"
	total=$((total + $(tail -n 1 "$work/said")))
	say "ok $file: $(tail -n 1 "$work/said")"
done
expect 'mistakes, each answered as the files say' $total '>=' 60
