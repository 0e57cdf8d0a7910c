# SPDX-License-Identifier: GPL-2.0-only
# What trapline bench runs: static programs for each kind of host and guest and
# for this machine, in $(O)/bench/KIND/.

bench-lib-src := $(filter-out benchmarks/mibench/main.c, \
		$(wildcard benchmarks/mibench/*.c))
bench-kinds := arm64 armhf local

bench-cc-arm64 = $(if $(filter aarch64,$(machine)),,aarch64-linux-gnu-)gcc
bench-cc-armhf = $(if $(filter armv7%,$(machine)),,arm-linux-gnueabihf-)gcc
bench-cc-local = gcc
bench-triplet-arm64 := aarch64-linux-gnu
bench-triplet-armhf := arm-linux-gnueabihf

# $(call bench-sysroot,KIND): where its libraries are, if not this machine's own
bench-sysroot = $(if $(filter local,$(1))$(if $(filter \
	aarch64-arm64 armv7l-armhf,$(machine)-$(1)),own),,$(TRAPLINE_CACHE)/sysroot-$(1))
bench-flags := -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O2 \
	     -ffp-contract=off $(WARN) -static
bench-dirs = $(if $(call bench-sysroot,$(1)),-isystem $(call \
	bench-sysroot,$(1))/usr/include/$(bench-triplet-$(1)) -isystem $(call \
	bench-sysroot,$(1))/usr/include -L$(call \
	bench-sysroot,$(1))/usr/lib/$(bench-triplet-$(1)))

$(O)/bench/%/mibench: $(bench-lib-src) benchmarks/mibench/main.c \
		benchmarks/mibench/workload.h scripts/sysroot
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(if $(call bench-sysroot,$*),scripts/sysroot $*)
	$(Q)$(bench-cc-$*) $(bench-flags) $(call bench-dirs,$*) -o $@ \
		$(filter %.c,$^) -lgsm -ljpeg -lz -lm

$(O)/bench/%/group: benchmarks/group.c
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(bench-cc-$*) $(bench-flags) -o $@ $<

.PHONY: bench-programs
bench-programs: $(foreach k,$(bench-kinds),$(O)/bench/$(k)/mibench \
		$(O)/bench/$(k)/group) \
		$(O)/guests/exits64.bin $(O)/guests/exits32.bin

# The payload that times exits, for both widths of guest: bare metal, loaded
# anywhere; see tests/guests/exits.c.
exits-flags := -std=gnu11 -O2 $(WARN) -ffreestanding -nostdlib -fpie \
	     -fvisibility=hidden -fno-stack-protector -fno-tree-loop-distribute-patterns \
	     -fno-asynchronous-unwind-tables -Wl,--build-id=none \
	     -Wl,-T,tests/guests/exits.lds -static -Itests/guests
exits-flags64 := -mgeneral-regs-only -mstrict-align
exits-flags32 := -march=armv7ve -marm -mfloat-abi=soft -mno-unaligned-access

$(O)/guests/exits%.bin: tests/guests/exits.c tests/guests/exits.lds \
		$(addprefix tests/guests/,defs.h exits.h machine.h tree.h)
	$(call say,GUEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)p=$(if $(filter 32,$*),$(guest-as32),$(guest-as64)); \
		$${p}gcc $(exits-flags) $(exits-flags$*) -o $(@:.bin=.elf) $< && \
		$${p}objcopy -O binary $(@:.bin=.elf) $@

# `trapline bench` is the program trapline-bench beside trapline: a script that
# starts the driver, from here or from where it is installed.
libexecdir ?= $(PREFIX)/libexec/trapline

$(obj)/trapline-bench: benchmarks/trapline-bench
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)sed 's|@DRIVER@|$(CURDIR)/benchmarks/driver|' $< >$@
	$(Q)chmod 755 $@

all: $(obj)/trapline-bench

.PHONY: install-bench
install: install-bench
# With the programs that were built (make bench-programs), if they were.
install-bench:
	$(Q)install -d $(DESTDIR)$(libexecdir)/driver $(DESTDIR)$(bindir)
	$(Q)install -m 644 benchmarks/driver/*.py $(DESTDIR)$(libexecdir)/driver/
	$(Q)install -m 644 $(wildcard benchmarks/mibench/plan-*) \
		$(DESTDIR)$(libexecdir)/driver/
	$(Q)cd $(O) && for file in bench/*/mibench bench/*/group \
			guests/exits*.bin; do \
		[ ! -e $$file ] || install -D -m 755 $$file \
			$(abspath $(DESTDIR)$(libexecdir))/driver/$$file; done
	$(Q)sed 's|@DRIVER@|$(libexecdir)/driver|' benchmarks/trapline-bench \
		>$(DESTDIR)$(bindir)/trapline-bench
	$(Q)chmod 755 $(DESTDIR)$(bindir)/trapline-bench
