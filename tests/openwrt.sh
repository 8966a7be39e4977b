#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The init script for OpenWrt, by busybox's ash where that is to be had, else by dash: rc.common, UCI and procd are played by a few functions. What
# it tells procd, the configuration that it makes of UCI's and that `wgxdp check` finds right, and what each command does; docs/openwrt.md
# shows the configuration that is there. BREAK=1 has UCI without the service.
set -euo pipefail
cd "$(dirname "$0")/.."
wgxdp=$(realpath "${O:-build}")/wgxdp
script=scripts/openwrt/wgxdp.init
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*" >&2; exit 1; }
ash=(dash)
! command -v busybox > /dev/null || ash=(busybox ash)

"${ash[@]}" -n "$script"
shellcheck "$script"

# This host's /var and /sys/fs/bpf are not its own
sed -e "s,^PROG=.*,PROG=$work/wgxdp," -e "s,/var/,$work/var/,g" -e '/\/proc\/mounts/d' -e '/-e \/run/d' "$script" > "$work/init"
printf '#!/bin/sh\necho "wgxdp $*"\n' > "$work/wgxdp"
chmod 755 "$work/wgxdp"
cat > "$work/rc.common" << 'END'
# UCI: /etc/config's grammar, as far as it is needed; sections without a name get one
config_load() {
	sections='' n=0
	while read -r word a b; do
		case $word in
		config | option | list) eval "b=$b" ;;
		*) continue ;;
		esac
		case $word in
		config) n=$((n + 1)); b=${b:-cfg$n}; section=$b; sections="$sections $a:$b" ;;
		option) eval "${section}_$a=\$b" ;;
		list) eval "${section}_$a=\"\${${section}_$a:+\${${section}_$a} }\$b\"" ;;
		esac
	done < "$config"
}
config_get() { eval "$1=\${$2_$3:-\$4}"; }
config_get_bool() { config_get "$@"; }
config_foreach() {
	for each in $sections; do [ "${each%%:*}" != "$2" ] || "$1" "${each#*:}"; done
}
for word in open_instance set_param close_instance add_reload_trigger; do eval "procd_$word() { echo \"$word \$*\"; }"; done
start() { start_service "$@"; }
END
run() { # COMMAND: of the init script
	(cd "$work" && "${ash[@]}" -c ". ./rc.common; . ./init; $1")
}
export config=$work/config
sed 's/^\toption enabled .0.$/\toption enabled 1/' scripts/openwrt/wgxdp.config > "$config"
[[ ! ${BREAK:-} ]] || sed -i "/config service/,\$d" "$config"

run start > "$work/said"
diff - "$work/said" << END || fail 'start says something else to procd'
open_instance 
set_param command $work/wgxdp daemon -c $work/var/etc/wgxdp.yaml
set_param respawn 3600 5 0
set_param stdout 1
set_param stderr 1
close_instance 
END
diff - "$work/var/etc/wgxdp.yaml" << END || fail 'another configuration'
interfaces:
  - { name: "eth0", role: wan }
  - { name: "br-lan", role: lan }
services:
  - name: wg_end
    listen: { interface: "eth0", ports: [ 51820 ] }
    backend: { ipv4: "192.168.1.10", ipv6: "2001:db8:2::10", port: 51820 }
    nat: dnat
END
status=0
"$wgxdp" check -c "$work/var/etc/wgxdp.yaml" > "$work/said" 2>&1 || status=$?
((status == 0 || status == 3)) || fail "check: $(< "$work/said")" # 3: valid, and this host lacks something
[[ $(run reload_service | tail -n 1) == "wgxdp reload -c $work/var/etc/wgxdp.yaml" ]] || fail reload
[[ $(run service_stopped) == 'wgxdp down' ]] || fail stop
[[ $(run service_triggers) == 'add_reload_trigger wgxdp' ]] || fail triggers

# several ports, one family, a file of one's own, not enabled
sed -i -e "s/^\tlist port.*/&\n\tlist port '443'/" -e '/option ipv4/d' "$config"
run start > /dev/null
grep -qF 'ports: [ 51820, 443 ]' "$work/var/etc/wgxdp.yaml" || fail 'several ports'
grep -qF 'backend: { ipv6: "2001:db8:2::10", port: 51820 }' "$work/var/etc/wgxdp.yaml" || fail 'one family'
sed -i "s,#option file.*,option file '/etc/wgxdp/own.yaml'," "$config"
run start > "$work/said"
grep -qx 'set_param command .* daemon -c /etc/wgxdp/own.yaml' "$work/said" || fail 'a file of ones own'
cp scripts/openwrt/wgxdp.config "$config"
[[ ! $(run start) ]] || fail 'not enabled, and started'
[[ $(run reload_service) == 'wgxdp down' ]] || fail 'not enabled any more, and left as it was'

diff <(sed -n "/^    config wgxdp 'main'/,/option nat/{s/^    //;p}" docs/openwrt.md | sed 's/^        /\t/') <(sed 1d scripts/openwrt/wgxdp.config) ||
	fail 'docs/openwrt.md shows another configuration'
echo "the init script does what it should, by ${ash[*]}"
