#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# On a kernel without BTF, wgxdp loads in native mode and carries packets. OpenWrt's kernels are built so
# (CONFIG_DEBUG_INFO_BTF=n). selftests/firewall/firewall-dnat.sh shows what depends only on packets.
#
# Simulated: programs find no BTF of the kernel, because an empty directory lies over /sys/kernel/btf, and no vmlinux lies where libbpf
# looks next. Not simulated: the kernel still has its BTF inside, so what only such a kernel would refuse does not show here; and its
# version and configuration are Debian's, not OpenWrt's. BREAK=1 does not hide it.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

[[ -e /sys/kernel/btf/vmlinux ]] || fail 'this kernel has no BTF: run selftests/firewall/firewall-dnat.sh on it'
[[ ${BREAK:-} ]] || mount -t tmpfs -o ro none /sys/kernel/btf
release=$(uname -r)
for file in /sys/kernel/btf/vmlinux "/boot/vmlinux-$release" /{usr/,}lib/modules/"$release"/{vmlinux-"$release",build/vmlinux,kernel/vmlinux} \
	/usr/lib/debug/{,boot/,lib/modules/"$release"/}vmlinux{,-"$release"}{,.debug}; do
	[[ ! -e $file ]] || fail "programs find the kernel's BTF in $file"
done
firewall_network
quiet wg-end
count_arrivals wg-end all_of_them "udp dport $port"
wgxdp up --wan wan --lan lan --to 192.168.1.10 > /dev/null
expect 'mode of wan' "$(shown get interfaces.wan.mode)" == native
ten_come all_of_them 'without BTF'
expect_sums
