# SPDX-License-Identifier: GPL-2.0-only
# Trapline: `make help` lists what there is to make.

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL     := /bin/sh

VERSION   := 0.1.0

# --- what to build, and where ------------------------------------------------
# ARCH is the host trapline runs on: arm64, arm, or native (this machine, if it
# is no ARM: everything but the KVM part).
machine   := $(shell uname -m)
ifeq ($(machine),aarch64)
ARCH      ?= arm64
else ifneq ($(filter armv7% armv8l,$(machine)),)
ARCH      ?= arm
else
ARCH      ?= native
endif
ifeq ($(filter $(ARCH),arm arm64 native),)
$(error ARCH=$(ARCH): choose arm, arm64 or native)
endif

O         ?= build
export O
TRAPLINE_CACHE ?= $(abspath $(O))/cache
export TRAPLINE_CACHE

Q         := $(if $(filter 1,$(V)),,@)
say        = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)';)

PREFIX    ?= /usr/local
DESTDIR   ?=
bindir    := $(PREFIX)/bin
mandir    := $(PREFIX)/share/man

# --- tools and flags ---------------------------------------------------------
# A cross build takes its libraries from a sysroot of unpacked Debian packages.
needs-sysroot :=
ifeq ($(ARCH),arm64)
ifneq ($(machine),aarch64)
CROSS_COMPILE ?= aarch64-linux-gnu-
needs-sysroot := $(TRAPLINE_CACHE)/sysroot-arm64
endif
triplet   := aarch64-linux-gnu
endif
ifeq ($(ARCH),arm)
ifeq ($(filter armv7% armv8l,$(machine)),)
CROSS_COMPILE ?= arm-linux-gnueabihf-
needs-sysroot := $(TRAPLINE_CACHE)/sysroot-armhf
endif
triplet   := arm-linux-gnueabihf
endif

ifeq ($(origin CC),default)
CC        := $(CROSS_COMPILE)gcc
endif
CFLAGS    ?= -O2 -g
# scripts/check-hardening looks whether a program has it all.  PIE for ARM's
# static programs is what glibc has for 64 bits only (rcrt1.o).
can        = $(shell echo 'int main(void) { return 0; }' | $(CC) -Werror $(1) \
		-x c -c -o /dev/null - 2>/dev/null && echo $(1))
harden    := -fstack-protector-strong -fPIE -U_FORTIFY_SOURCE \
	     -D_FORTIFY_SOURCE=2 $(call can,-fstack-clash-protection)
ifeq ($(ARCH),arm64)
harden    += $(call can,-mbranch-protection=standard)
endif
ldflags   := -Wl,-z,relro,-z,now,-z,noexecstack
link-vmm  := $(if $(filter native,$(ARCH)),-pie,$(if $(filter \
		arm,$(ARCH)),-static -no-pie,-static-pie))
WARN      := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes \
	     -Wshadow -Wpointer-arith -Wvla
cflags    := -std=c11 -D_GNU_SOURCE -DTRAPLINE_VERSION='"$(VERSION)"' \
	     -D_FILE_OFFSET_BITS=64 -Ivmm $(WARN) -fno-strict-aliasing \
	     -fno-common -pthread $(harden)
ifneq ($(needs-sysroot),)
cflags    += -isystem $(needs-sysroot)/usr/include/$(triplet) \
	     -isystem $(needs-sysroot)/usr/include
ldflags   += -L$(needs-sysroot)/usr/lib/$(triplet) \
	     -Wl,-rpath-link,$(needs-sysroot)/usr/lib/$(triplet) \
	     -Wl,-rpath-link,$(needs-sysroot)/lib/$(triplet)
sysroot-stamp := $(needs-sysroot)/.complete
endif
ifeq ($(ARCH),arm)
# <linux/kvm.h> wants an <asm/kvm.h>, which left Linux for 32-bit ARM in 5.7.
cflags    += -Ivmm/arch-arm/uapi-arm32
endif
libs-vmm  := -lfdt -lz -ldeflate -llzma -lzstd -llz4 -llzo2 -lxxhash -ljansson \
	     -lexpat -lncursesw -ltinfo -lm
libs-trace := -lzstd -lz -ljansson -lelf -lm
# For the plugin and its test.
libs-tep  := -ltracecmd -ltracefs -ltraceevent
# <trace-cmd.h> includes the others' headers by their bare names.
trace-inc  = $(foreach d,traceevent tracefs trace-cmd,-isystem $(1)/usr/include/$(d))
cflags    += $(call trace-inc,$(needs-sysroot))

# The HTML report has d3.js inside.  Without it there is no such report.
D3        ?= /usr/share/javascript/d3/d3.min.js
html-def  := $(if $(wildcard $(D3)),-DTRAPLINE_D3='"$(D3)"')

# --- sources -----------------------------------------------------------------
# Files that issue KVM ioctls are left out of a native build: vmm/kvm/,
# vmm/machine*.c and vmm/arch-arm/kvm-*.c.  vmm/native.c stands in for them.
kvm-src   := $(wildcard vmm/kvm/*.c vmm/machine*.c vmm/arch-arm/kvm-*.c)
ifeq ($(ARCH),arm64)
kvm-src   := $(filter-out vmm/arch-arm/kvm-host32.c,$(kvm-src))
endif
ifeq ($(ARCH),arm)
kvm-src   := $(filter-out vmm/arch-arm/kvm-host64.c,$(kvm-src))
endif
pure-src  := $(filter-out vmm/main.c vmm/native.c $(kvm-src) \
		vmm/arch-arm/kvm-%.c, \
		$(wildcard vmm/*.c vmm/lib/*.c vmm/core/*.c vmm/hw/*.c \
		vmm/virtio/*.c vmm/backend/*.c vmm/arch-arm/*.c))
trace-src := $(filter-out trace/main.c trace/plugin_%.c,$(wildcard trace/*.c))
lib-src   := $(wildcard vmm/lib/*.c)

obj       := $(O)/$(ARCH)
vmm-obj   := $(patsubst %.c,$(obj)/%.o,$(pure-src) vmm/main.c \
		$(if $(filter native,$(ARCH)),vmm/native.c,$(kvm-src)))
report-obj := $(patsubst %.c,$(obj)/%.o,trace/main.c $(trace-src) $(lib-src))
programs  := $(obj)/trapline $(obj)/trapline-report
# Its headers are the same for all machines; it is loaded when it is there.
libvirt-inc ?= /usr/include
ifneq ($(wildcard $(libvirt-inc)/libvirt/libvirt.h),)
programs  += $(obj)/trapline-libvirt
endif
libvirt-obj := $(patsubst %.c,$(obj)/%.o,$(wildcard vmm/libvirt/*.c) $(lib-src))
# For trace-cmd and KernelShark; see trace/plugin_kvm_arm.c.
plugin-obj := $(patsubst %.c,$(obj)/pic/%.o,trace/plugin_kvm_arm.c \
		trace/esr.c trace/smccc.c trace/sysreg.c)
plugin    := $(obj)/plugin_kvm_arm.so

.PHONY: guests help all deps demo test test-all check tsan lint lint-conv \
	lint-tidy fuzz bench install clean
.DEFAULT_GOAL := all

help:
	@echo 'Trapline $(VERSION)'
	@echo
	@echo '  make all       build trapline for ARCH=$(ARCH) into $(obj)/'
	@echo '  make deps      install the packages that the rest needs (asks for root once)'
	@echo '  make demo      boot a guest under trapline and print its trap profile'
	@echo '  make test      unit and nested tests, without the longest'
	@echo '  make test-all  with these, too: every device under a Linux guest'
	@echo '  make check     unit tests only: no virtual machine, a few seconds'
	@echo '  make tsan      the same under ThreadSanitizer'
	@echo '  make lint      format, shellcheck, compilers and analyzers, include rules'
	@echo '  make fuzz      run each fuzz target for FUZZ_SECONDS (default 30)'
	@echo '  make bench     measure against the budgets in benchmarks/budgets'
	@echo '  make install   install under DESTDIR/PREFIX ($(DESTDIR)$(PREFIX))'
	@echo '  make clean     remove what was built; downloads and kernels stay in the cache'
	@echo
	@echo '  O=DIR          build elsewhere than build/'
	@echo '  V=1            show the commands'
	@echo '  ARCH=          arm64, arm (an ARMv7 host) or native (this machine)'
	@echo '  CROSS_COMPILE= compiler prefix, aarch64-linux-gnu- or arm-linux-gnueabihf-'
	@echo '  TRAPLINE_CACHE=DIR  keep downloads and built kernels there, not in build/cache'

all: $(programs) $(plugin)

deps:
	$(Q)scripts/deps

# --- the sandbox's filters ---------------------------------------------------
# Made here, for any ARM: the VMM needs no libseccomp, and no time for it.
HOSTCC    ?= gcc
sandbox-gen := $(O)/gen/sandbox-generate
here      := $(if $(filter aarch64,$(machine)),arm64,$(if $(filter \
		armv7% armv8l,$(machine)),arm,$(machine)))
sandbox-inc = $(O)/gen/$(if $(filter native,$(1)),$(here),$(1))
sandbox-h := $(foreach a,arm64 arm $(here),$(O)/gen/$(a)/sandbox-filters.h)

$(sandbox-gen): $(wildcard vmm/sandbox/*)
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=c11 -D_GNU_SOURCE -O1 $(WARN) -Ivmm -o $@ \
		$(filter %.c,$^) -lseccomp

$(O)/gen/%/sandbox-filters.h: $(sandbox-gen)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(sandbox-gen) $* >$@.new && mv $@.new $@

$(obj)/vmm/sandbox.o: | $(call sandbox-inc,$(ARCH))/sandbox-filters.h
$(obj)/vmm/sandbox.o: override CPPFLAGS += -I$(call sandbox-inc,$(ARCH))

# --- compile and link --------------------------------------------------------
# .incbin is not among the dependencies that the compiler lists.
$(obj)/trace/html-assets.o $(O)/unit/obj/trace/html-assets.o: \
	$(wildcard trace/html/* $(D3))
$(obj)/trace/html-assets.o $(O)/unit/obj/trace/html-assets.o: \
	override CPPFLAGS += $(html-def)

$(obj)/%.o: %.c $(sysroot-stamp)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cflags) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The VMM for ARM is static: one file that runs in a bare initramfs.
$(obj)/trapline: $(vmm-obj)
	$(call say,LD,$@)
	$(Q)$(CC) $(link-vmm) $(CFLAGS) $(ldflags) \
		$(LDFLAGS) -pthread -o $@ $^ $(libs-vmm)

$(obj)/trapline-report: $(report-obj)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(CFLAGS) $(ldflags) $(LDFLAGS) -pthread -o $@ $^ $(libs-trace)

# Its own program, as a static one cannot load libraries.
$(obj)/include/libvirt:
	$(Q)mkdir -p $(@D) && ln -sfn $(libvirt-inc)/libvirt $@
$(obj)/vmm/libvirt/ask.o: | $(obj)/include/libvirt
$(obj)/vmm/libvirt/ask.o: override CPPFLAGS += -isystem $(obj)/include

$(obj)/trapline-libvirt: $(libvirt-obj)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(CFLAGS) $(ldflags) $(LDFLAGS) -pthread -o $@ $^ -ldl

$(obj)/pic/%.o: %.c $(sysroot-stamp)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cflags) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden \
		-MMD -MP -c -o $@ $<

$(plugin): $(plugin-obj)
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(CFLAGS) $(ldflags) $(LDFLAGS) -o $@ $^ -ltraceevent

ifneq ($(sysroot-stamp),)
# It knows itself whether its list of packages is another one now.
$(sysroot-stamp): scripts/sysroot
	$(Q)scripts/sysroot $(if $(filter arm,$(ARCH)),armhf,$(ARCH))
	$(Q)touch $@
endif

# --- unit tests: native, ASan + UBSan ----------------------------------------
unit-cc   ?= gcc
unit-san  ?= address,undefined
unit-flags := -std=c11 -D_GNU_SOURCE -DTRAPLINE_VERSION='"$(VERSION)"' \
	     -D_FILE_OFFSET_BITS=64 -Ivmm -Itrace -Itests/unit $(WARN) -fno-strict-aliasing \
	     -fno-common -pthread -O1 -g -fsanitize=$(unit-san) \
	     -fno-sanitize-recover=all -fno-omit-frame-pointer \
	     $(call trace-inc,)
unit      := $(O)/unit
unit-src  := $(wildcard tests/unit/test_*.c)
fake-src  := tests/unit/fake_kvm.c tests/unit/fault_world.c
unit-help := $(filter-out $(unit-src) $(fake-src),$(wildcard tests/unit/*.c))
unit-bin  := $(patsubst tests/unit/%.c,$(unit)/%,$(unit-src))
unit-obj  := $(patsubst %.c,$(unit)/obj/%.o,$(pure-src) vmm/native.c \
		$(trace-src) trace/plugin_kvm_arm.c vmm/libvirt/ask.c \
		$(unit-help) benchmarks/mibench/input.c \
		benchmarks/mibench/adpcm.c benchmarks/mibench/fft.c)

$(unit)/obj/vmm/sandbox.o: | $(sandbox-h)
$(unit)/obj/vmm/sandbox.o: override CPPFLAGS += -I$(call sandbox-inc,native)

$(unit)/obj/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(unit-cc) $(unit-flags) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# One archive, so that a test links only what it uses.
$(unit)/all.a: $(unit-obj)
	$(Q)rm -f $@ && ar rcs $@ $^

sandbox-bin := $(filter $(unit)/test_sandbox%,$(unit-bin))

# Of the whole machine, and with another way to link.
fault-bin   := $(addprefix $(unit)/test_machine_,faults work_faults stress)

$(filter-out $(fault-bin) $(sandbox-bin),$(unit-bin)): $(unit)/%: $(unit)/obj/tests/unit/%.o $(unit)/all.a
	$(call say,LD,$@)
	$(Q)$(unit-cc) $(unit-flags) -o $@ $< $(unit)/all.a \
		$(libs-vmm) $(libs-trace) $(libs-tep) -lcmocka

# The machine on a KVM that is none, as a 32-bit host has it: no instruction of
# ARM's is in there.
FAKE_KVM_WRAPS := malloc calloc realloc strdup mmap64 eventfd epoll_create1 \
	epoll_ctl timerfd_create signalfd socket bind listen fstat64 \
	ftruncate64 flock memfd_create mkostemp64 pread64 pthread_create \
	open64 ioctl close preadv64 pwritev64 pwrite64 read write fdatasync \
	fsync fallocate64 accept4 recv send getsockopt connect lstat64 \
	madvise aligned_alloc posix_memalign
fake-obj  := $(patsubst %.c,$(unit)/fake/%.o,$(filter-out \
		vmm/arch-arm/kvm-host64.c,$(wildcard vmm/kvm/*.c \
		vmm/machine*.c vmm/arch-arm/kvm-*.c)) $(fake-src))

$(unit)/fake/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(unit-cc) $(unit-flags) -Ivmm/arch-arm/uapi-arm32 $(CPPFLAGS) \
		-MMD -MP -c -o $@ $<

$(fault-bin): $(unit)/%: $(unit)/obj/tests/unit/%.o $(fake-obj) $(unit)/all.a
	$(call say,LD,$@)
	$(Q)$(unit-cc) $(unit-flags) $(FAKE_KVM_WRAPS:%=-Wl,--wrap=%) -o $@ $^ \
		$(libs-vmm) $(libs-trace) -lcmocka

# Without sanitizers, whose own calls are on no list.
$(sandbox-bin): $(unit)/%: tests/unit/%.c tests/unit/sandbox_child.c \
		tests/unit/sandbox_child.h \
		vmm/sandbox.c vmm/sandbox-root.c vmm/sandbox/rules.c \
		vmm/lib/thread.c vmm/lib/worker.c vmm/lib/error.c vmm/lib/log.c \
		vmm/lib/file.c \
		vmm/lib/evloop.c vmm/backend/console-tty.c vmm/sandbox.h \
		vmm/sandbox/rules.h $(sandbox-h)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(unit-cc) $(filter-out -fsanitize% -fno-sanitize%,$(unit-flags)) \
		-I$(O)/gen -I$(call sandbox-inc,native) $(CPPFLAGS) -o $@ \
		$(filter %.c,$^) -lcmocka

# As it is installed, for this machine's trace-cmd.
unit-plugin := $(unit)/plugins/plugin_kvm_arm.so
$(unit)/test_trace_plugin: | $(unit-plugin)
$(unit-plugin): trace/plugin_kvm_arm.c trace/esr.c trace/smccc.c trace/sysreg.c
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)/kvm_arm
	$(Q)$(unit-cc) -std=c11 -D_GNU_SOURCE -O1 -fPIC -shared -fvisibility=hidden \
		$(call trace-inc,) -o $@ $^ -ltraceevent
	$(Q)ln -sfn ../plugin_kvm_arm.so $(@D)/kvm_arm/plugin_kvm_arm.so

# --- fuzzers: clang's libFuzzer, ASan + UBSan --------------------------------
FUZZ_SECONDS ?= 30
fuzz-src  := $(wildcard tests/fuzz/fuzz_*.c)
fuzz-help := $(filter-out $(fuzz-src),$(wildcard tests/fuzz/*.c))
fuzz      := $(O)/fuzz
fuzz-bin  := $(patsubst tests/fuzz/%.c,$(fuzz)/%,$(fuzz-src))
fuzz-obj  := $(patsubst %.c,$(fuzz)/obj/%.o,$(pure-src) $(trace-src) \
		$(unit-help) $(fuzz-help))
fuzz-san   = -fsanitize=fuzzer$(1),address,undefined -fno-sanitize-recover=undefined
fuzz-cc   := clang -std=c11 -D_GNU_SOURCE -DTRAPLINE_VERSION='"$(VERSION)"' \
	     -D_FILE_OFFSET_BITS=64 -Ivmm -Itrace -Itests/unit -O1 -g -pthread \
	     -fno-strict-aliasing $(call trace-inc,)

$(fuzz)/obj/vmm/sandbox.o: | $(sandbox-h)
$(fuzz)/obj/vmm/sandbox.o: override CPPFLAGS += -I$(call sandbox-inc,native)

$(fuzz)/obj/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(fuzz-cc) $(call fuzz-san,-no-link) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(fuzz)/all.a: $(fuzz-obj)
	$(Q)rm -f $@ && ar rcs $@ $^

$(fuzz-bin): $(fuzz)/%: $(fuzz)/obj/tests/fuzz/%.o $(fuzz)/all.a
	$(call say,FUZZ,$@)
	$(Q)$(fuzz-cc) $(call fuzz-san,) -o $@ $^ $(libs-vmm) $(libs-trace) -lcmocka

# --- static analysis ---------------------------------------------------------
# For scripts/lint: all that ARCH is built from, and no narrowing or change of
# sign that the code does not show.
conv      := $(obj)/conv
conv-src  := $(sort $(patsubst $(obj)/%.o,%.c,$(patsubst $(obj)/pic/%,$(obj)/%,\
		$(vmm-obj) $(report-obj) $(libvirt-obj) $(plugin-obj))) \
		$(if $(filter native,$(ARCH)),$(wildcard vmm/sandbox/*.c)))

$(conv)/%.ok: %.c Makefile $(sysroot-stamp)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -Wconversion -Werror $(CPPFLAGS) $(CFLAGS) \
		-fsyntax-only -MMD -MP -MF $(@:.ok=.d) -MT $@ $<
	$(Q)touch $@

$(conv)/vmm/sandbox.ok: | $(call sandbox-inc,$(ARCH))/sandbox-filters.h
$(conv)/vmm/sandbox.ok: override CPPFLAGS += -I$(call sandbox-inc,$(ARCH))
$(conv)/vmm/libvirt/ask.ok: | $(obj)/include/libvirt
$(conv)/vmm/libvirt/ask.ok: override CPPFLAGS += -isystem $(obj)/include
$(conv)/trace/html-assets.ok: override CPPFLAGS += $(html-def)

lint-conv: $(patsubst %.c,$(conv)/%.ok,$(conv-src))

# As the unit tests are built, the KVM files on the fake one's terms; only what
# is an arm64 host's alone does not compile here.
tidy      := $(unit)/tidy
tidy-src  := $(filter-out vmm/arch-arm/kvm-host64.c,$(wildcard vmm/*.c vmm/*/*.c \
		trace/*.c))
tidy-flags = $(filter-out -f% -O1 -g,$(unit-flags)) $(if $(filter vmm/kvm/% \
		vmm/machine% vmm/arch-arm/kvm-%,$<),-Ivmm/arch-arm/uapi-arm32) \
		$(CPPFLAGS)

$(tidy)/%.ok: %.c .clang-tidy Makefile
	$(Q)mkdir -p $(@D)
	$(Q)$(unit-cc) $(tidy-flags) -MM -MP -MF $(@:.ok=.d) -MT $@ $<
	$(Q)clang-tidy --quiet --warnings-as-errors='*' $< -- $(tidy-flags) \
		2>$(@:.ok=.err) || { cat $(@:.ok=.err); exit 1; }
	$(Q)touch $@

$(tidy)/vmm/sandbox.ok: | $(call sandbox-inc,native)/sandbox-filters.h
$(tidy)/vmm/sandbox.ok: override CPPFLAGS += -I$(call sandbox-inc,native)

lint-tidy: $(patsubst %.c,$(tidy)/%.ok,$(tidy-src))

# --- bare-metal guests for the nested tests ----------------------------------
guest-bin := $(patsubst tests/guests/%.S,$(O)/guests/%.bin, \
		$(filter-out %-start.S,$(wildcard tests/guests/*.S)))
guest-as64 ?= $(if $(filter aarch64,$(machine)),,aarch64-linux-gnu-)
guest-as32 ?= $(if $(filter armv7%,$(machine)),,arm-linux-gnueabihf-)

# -Ttext 0: the code is position-independent, the loader decides.
$(O)/guests/%.bin: tests/guests/%.S tests/guests/defs.h
	$(call say,GUEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)set -e; p=$(if $(filter %32,$*),$(guest-as32),$(guest-as64)); \
		cpp -P -Itests/guests $< >$(@:.bin=.s); \
		$${p}as -o $(@:.bin=.o) $(@:.bin=.s); \
		$${p}ld -Ttext 0 -o $(@:.bin=.elf) $(@:.bin=.o); \
		$${p}objcopy -O binary $(@:.bin=.elf) $@

# One in C, for both widths.  Addresses are relative to the PC, with no table of
# them; that is -fno-pie for 64 bits and -fpie for 32.
hostile-cc64 = $(guest-as64)gcc -fno-pie
hostile-cc32 = $(guest-as32)gcc -fpie -fvisibility=hidden -marm -mcpu=cortex-a15 \
		-mfloat-abi=soft
$(O)/guests/hostile%.bin: tests/guests/hostile%-start.S tests/guests/hostile.c \
		tests/guests/hostile.h tests/guests/hostile-cpu.h \
		tests/guests/defs.h
	$(call say,GUEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(hostile-cc$*) -std=c11 -O2 $(WARN) -ffreestanding \
		-fno-stack-protector -fno-asynchronous-unwind-tables \
		-mgeneral-regs-only -Itests/guests \
		-nostdlib -static -Wl,-Ttext=0,--build-id=none,-z,noexecstack \
		-o $(@:.bin=.elf) $(filter %.S %.c,$^)
	$(Q)$(guest-as$*)objcopy -O binary $(@:.bin=.elf) $@

guest-bin += $(O)/guests/hostile32.bin $(O)/guests/hostile64.bin

# Programs for Linux guests, and one for each end of a socket between a guest and
# its host; they need nothing of the sysroot.
$(O)/guests/%32: tests/guests/%.c
	$(call say,GUEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(guest-as32)gcc -std=c11 -D_GNU_SOURCE -O2 $(WARN) -static -o $@ $<
$(O)/guests/%64: tests/guests/%.c
	$(call say,GUEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(guest-as64)gcc -std=c11 -D_GNU_SOURCE -O2 $(WARN) -static -o $@ $<

guest-bin += $(foreach p,blkload stream,$(O)/guests/$(p)32 $(O)/guests/$(p)64)

# For the host of benchmarks/bench; static, too.
$(O)/guests/cputime: benchmarks/cputime.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(guest-as64)gcc -std=c11 -D_GNU_SOURCE -O2 $(WARN) -static -o $@ $<

guest-bin += $(O)/guests/cputime

# The floor under an exit, behind trapline's own filter.
$(O)/guests/bare-kvm: benchmarks/bare-kvm.c $(O)/gen/arm64/sandbox-filters.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(guest-as64)gcc -std=c11 -D_GNU_SOURCE -O2 $(WARN) \
		-I$(O)/gen/arm64 -pthread -static -o $@ $<

guest-bin += $(O)/guests/bare-kvm

guests: $(guest-bin)

check: $(unit-bin) $(O)/bench/local/mibench
	$(Q)tests/run --unit $(unit-bin) tests/bench-driver

# The same under ThreadSanitizer, in a folder of its own.
tsan:
	$(Q)$(MAKE) O=$(O)/tsan unit-san=thread check

test: $(unit-bin) $(fuzz-bin) $(guest-bin) bench-programs
	$(Q)TEST_BROWSER=1 tests/run --unit $(unit-bin) \
		--beside tests/fuzz-quick tests/bench-driver \
		$(if $(TEST_ALL),tests/bench-slurm) --nested

test-all: tsan
	$(Q)TEST_ALL=1 $(MAKE) test

fuzz: $(fuzz-bin)
	$(Q)tests/fuzz/run $(FUZZ_SECONDS) $(fuzz-bin)

demo:
	$(Q)scripts/demo

lint:
	$(Q)scripts/lint

bench:
	$(Q)benchmarks/bench
	$(Q)benchmarks/tracing-cost
	$(Q)benchmarks/read-cost
	$(Q)benchmarks/patch-cost

include benchmarks/bench.mk

# --- install, clean ----------------------------------------------------------
# The plugin goes where libtraceevent looks, which is no matter of our PREFIX,
# unless that is a place of the user's own.
ifneq ($(filter /usr /usr/local,$(PREFIX)),)
libdir    := $(if $(needs-sysroot),,$(shell pkg-config --variable=libdir \
		libtraceevent 2>/dev/null))
plugindir ?= $(or $(libdir),/usr/lib/$(or $(triplet),$(shell $(CC) \
		-print-multiarch)))/traceevent/plugins
else
plugindir ?= $(PREFIX)/lib/traceevent/plugins
endif

install: $(programs) $(plugin)
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)install -d $(DESTDIR)$(bindir) $(DESTDIR)$(mandir)/man1
	$(Q)install -m 755 $(programs) $(DESTDIR)$(bindir)/
	$(Q)install -m 644 $(wildcard docs/man/*.1) $(DESTDIR)$(mandir)/man1/
	$(Q)install -d $(DESTDIR)$(plugindir)/kvm_arm
	$(Q)install -m 644 $(plugin) $(DESTDIR)$(plugindir)/
	$(Q)ln -sfn ../plugin_kvm_arm.so \
		$(DESTDIR)$(plugindir)/kvm_arm/plugin_kvm_arm.so
ifeq ($(filter /usr /usr/local,$(PREFIX)),)
	@echo '  for trace-cmd to find its plugin: export TRACEEVENT_PLUGIN_DIR=$(plugindir)'
endif

clean:
	$(call say,CLEAN,$(O))
	$(Q)rm -rf $(O)/arm $(O)/arm64 $(O)/native $(O)/gen $(O)/unit $(O)/fuzz $(O)/guests \
		$(O)/demo $(O)/test

-include $(shell find $(O)/$(ARCH) $(unit) $(fuzz) -name '*.d' 2>/dev/null)
