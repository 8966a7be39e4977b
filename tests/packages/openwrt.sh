#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The init script and the feed for OpenWrt do what OpenWrt expects of them, in a play of its system. The init script
# for OpenWrt runs in busybox's ash if it is installed, else in dash. A few functions play rc.common, UCI and procd.
# The test checks what it passes to procd, its configuration from UCI's (which `wgxdp check` accepts and
# docs/guides/openwrt.md shows), and each command. Then the feed's packages prepare, build and install, with OpenWrt's
# build system played too. BREAK=1 has UCI without the service.
set -euo pipefail
cd "$(dirname "$0")/../.."
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
[[ ! $(PKG_UPGRADE=1 run service_stopped) ]] || fail 'an upgrade takes the instance down'
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

diff <(sed -n "/^    config wgxdp 'main'/,/option nat/{s/^    //;p}" docs/guides/openwrt.md | sed 's/^        /\t/') <(sed 1d scripts/openwrt/wgxdp.config) ||
	fail 'docs/guides/openwrt.md shows another configuration'

# --- the feed: OpenWrt's build system is played by a few lines; what its packages prepare, build with, and install

mkdir -p "$work/top/include" "$work/feeds"
ln -s "$PWD/scripts/openwrt/feed" "$work/feeds/wgxdp"
cat > "$work/top/rules.mk" << 'END'
INCLUDE_DIR := $(TOPDIR)/include
PKG_BUILD_DIR = $(TOPDIR)/$(PKG_NAME)-$(PKG_VERSION)
CP := cp -fpR
INSTALL_DIR := install -d -m0755
INSTALL_BIN := install -m0755
INSTALL_CONF := install -m0600
TARGET_CC := target-cc
END
cat > "$work/top/include/package.mk" << 'END'
define BuildPackage
prepare:
$(Build/Prepare)
compile:
$(Build/Compile)
install:
$(call Package/$(1)/install,$(TOPDIR)/root)
conffiles:
	@printf '%s\n' $(strip $(Package/$(1)/conffiles))
endef
END
: > "$work/top/include/cmake.mk"
echo 'CLANG := target-clang' > "$work/top/include/bpf.mk"
feed() { # PACKAGE TARGET
	MAKEFLAGS='' make -s -C "$work/feeds/wgxdp/$1" TOPDIR="$work/top" "${@:2}"
}
tree=$work/top/wgxdp-$(< VERSION)
feed wgxdp prepare
# The sources are whole: make knows how to build the program from them
MAKEFLAGS='' make -n -C "$tree" CC=gcc > "$work/said" 2>&1 || fail "the package's sources do not build: $(tail -n 3 "$work/said")"
feed wgxdp -n compile > "$work/said" 2>&1
for word in CC=\"target-cc\" CLANG=\"target-clang\" $(sed -n 's/^\(WITH_[A-Z]*\) ?= 1$/\1=0/p' Makefile); do
	grep -qF " $word " "$work/said" || fail "the package does not build with $word: $(< "$work/said")"
done
mkdir -p "$tree/build"
cp "$work/wgxdp" "$tree/build/wgxdp"
feed wgxdp install
diff - <(cd "$work/top/root" && find . -mindepth 1 -printf '%m %P\n' | sort -k 2) << 'END' || fail 'the package installs something else'
755 etc
755 etc/config
600 etc/config/wgxdp
755 etc/init.d
755 etc/init.d/wgxdp
755 etc/wgxdp
755 usr
755 usr/lib
755 usr/lib/wgxdp
755 usr/lib/wgxdp/wgxdp-ddns-ovh
755 usr/lib/wgxdp/wgxdp-ddns-rfc2136
755 usr/sbin
755 usr/sbin/wgxdp
END
diff - <(feed wgxdp conffiles) <<< $'/etc/config/wgxdp\n/etc/wgxdp/' || fail 'other files of configuration'
feed libfyaml -n install > "$work/said"
grep -q 'libfyaml.so' "$work/said" || fail "libfyaml installs $(< "$work/said")"
echo "the init script does what it should, by ${ash[*]}"
