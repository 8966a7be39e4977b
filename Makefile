# SPDX-License-Identifier: GPL-2.0-or-later
# The only makefile: everything is built below $(O).
O        ?= build
V        ?= 0
PREFIX   ?= /usr/local
DESTDIR  ?=
CC       ?= gcc
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(shell command -v bpftool) /usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config
PYTHON   ?= /usr/bin/python3
VERSION  := $(shell cat VERSION)

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2);)

.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

PKGS     := libbpf libmnl libfyaml
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Werror -D_GNU_SOURCE \
	-Iinclude -I$(O) -DVERSION='"$(VERSION)"' $(shell $(PKG_CONFIG) --cflags $(PKGS)) $(CFLAGS)
LIBS      = $(shell $(PKG_CONFIG) --libs $(PKGS)) -lelf -lz
MULTIARCH := $(shell $(CC) -print-multiarch)
BPF_CFLAGS ?= -O2 -g
ALL_BPF_CFLAGS = -target bpf -mcpu=v2 -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Werror \
	-Iinclude -I/usr/include/$(MULTIARCH) $(BPF_CFLAGS)

USER_SRC := $(wildcard user/*.c)
USER_OBJ := $(USER_SRC:user/%.c=$(O)/user/%.o)

.PHONY: all clean install
all: $(O)/wgxdp

$(O)/%.bpf.o: bpf/%.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(CLANG) $(ALL_BPF_CFLAGS) -MMD -MP -c $< -o $@

$(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $(*F) > $@

$(O)/user/%.o: user/%.c Makefile VERSION | $(O)/wgxdp.skel.h
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(O)/wgxdp: $(USER_OBJ)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS)

clean:
	$(Q)rm -rf $(O)

-include $(USER_OBJ:.o=.d) $(wildcard $(O)/*.bpf.d)
