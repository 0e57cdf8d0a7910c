// SPDX-License-Identifier: GPL-2.0-only
/* One boot of a guest: everything that a reset makes anew. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-pin.h"
#include "lib/log.h"
#include "machine-parts.h"

/* --- what happens on vCPU threads ------------------------------------------*/

static void on_ended(void *opaque, struct vcpu *vcpu, enum vcpu_end end,
		     const char *why)
{
	struct boot *boot = opaque;
	uint64_t pc;

	switch (end) {
	case VCPU_POWER_OFF:
		session_end(boot->session, END_POWER_OFF, NULL);
		break;
	case VCPU_RESET:
		session_end(boot->session, END_RESET, NULL);
		break;
	case VCPU_CRASH:
		pc = arch_vcpu_pc(vcpu);
		session_end(boot->session, END_CRASH,
			    "the guest cannot go on: vCPU %u at PC 0x%" PRIx64
			    ": %s",
			    vcpu->id, pc, why);
		break;
	}
}

/* Once a page, so that a probing driver does not flood the terminal. */
static void on_unclaimed(void *opaque, uint64_t addr, unsigned int size,
			 bool is_write)
{
	struct boot *boot = opaque;
	const uint64_t page = addr >> 12 | UINT64_C(1) << 63;
	size_t i;

	for (i = 0; i < sizeof(boot->unclaimed) / sizeof(boot->unclaimed[0]);
	     i++) {
		uint64_t seen = 0;

		if (atomic_compare_exchange_strong(&boot->unclaimed[i], &seen,
						   page)) {
			log_info("no device at 0x%" PRIx64
				 ": %s of %u bytes ignored",
				 addr, is_write ? "write" : "read", size);
			return;
		}
		if (seen == page)
			return;
	}
}

/* --- building --------------------------------------------------------------*/

static int create_vm(struct boot *boot, struct error *err)
{
	const uint64_t ram_size = boot->cfg->mem_size;
	unsigned long type;
	int ret;

	ret = vm_open(&boot->vm, err);
	if (ret)
		return ret;
	if (boot->cfg->disabled_caps)
		vm_disable(&boot->vm, boot->cfg->disabled_caps);
	ret = arch_check_width(&boot->vm, boot->board.kernel.width, err);
	if (ret)
		return ret;
	ret = arch_vm_type(&boot->vm, boot->board.map->ram_base + ram_size,
			   &type, err);
	if (ret)
		return ret;
	ret = vm_create(&boot->vm, type, err);
	if (ret)
		return ret;
	if (boot->cfg->hugetlb)
		ret = gmem_add_huge_ram(&boot->gmem, boot->board.map->ram_base,
					ram_size, &boot->cfg->huge, err);
	else
		ret = gmem_add_ram(&boot->gmem, boot->board.map->ram_base,
				   ram_size, err);
	if (ret)
		return ret;
	return vm_add_memory(&boot->vm, &boot->gmem, err);
}

static int create_vcpus(struct boot *boot, struct error *err)
{
	unsigned int i;
	int ret;

	boot->env = (struct vcpu_env){
		.bus = &boot->bus,
		.coalesced = &boot->coalesced,
		.unclaimed = on_unclaimed,
		.ended = on_ended,
		.opaque = boot,
	};
	boot->vm.nr_vcpus = boot->cfg->cpus;
	for (i = 0; i < boot->cfg->cpus; i++) {
		struct vcpu *vcpu = &boot->vcpu[i];

		ret = vcpu_create(vcpu, &boot->vm, i, &boot->env, err);
		if (ret)
			return ret;
		boot->nr_vcpus++;
		ret = arch_vcpu_init(vcpu, boot->board.kernel.width,
				     boot->cfg->pmu, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* KVM sets up a route for each: no more than there can be devices for. */
static unsigned int nr_spis(const struct board *board)
{
	unsigned int i, last = 0;

	/* The board's own tree tells of others, too. */
	if (board->dtb)
		return ARCH_MAX_SPIS;
	for (i = 0; i < board->nr_devs; i++)
		if (board->dev[i].spi > last)
			last = board->dev[i].spi;
	return (last / ARCH_SPI_BLOCK + 1) * ARCH_SPI_BLOCK;
}

static int load(const struct boot *boot, uint64_t gpa, const void *data,
		size_t size, const char *what, struct error *err)
{
	if (size && gmem_write(&boot->gmem, gpa, data, size))
		return error_set(err, TL_MEMORY, EFAULT,
				 "the %s (%zu bytes at 0x%" PRIx64
				 ") does not fit in guest memory: give more "
				 "(-m)",
				 what, size, gpa);
	return 0;
}

static int load_fdt(struct boot *boot, struct error *err)
{
	const struct board *board = &boot->board;
	enum guest_width width = board->kernel.width;
	uint64_t mpidr[CONFIG_MAX_CPUS];
	unsigned int i;
	size_t size;
	void *blob;
	int ret;

	for (i = 0; i < boot->nr_vcpus; i++) {
		ret = arch_vcpu_mpidr(&boot->vcpu[i], &mpidr[i], err);
		if (ret)
			return ret;
	}
	ret = board_make_fdt(board, boot->cfg, boot->gic.version, mpidr,
			     arch_cpu_compatible(&boot->vm, width),
			     arch_vcpu_psci_version(&boot->vcpu[0]), &blob,
			     &size, err);
	if (ret)
		return ret;
	if (boot->cfg->dump_dtb)
		ret = board_dump_fdt(boot->cfg->dump_dtb, blob, size, err);
	if (!ret)
		ret = load(boot, board->layout.dtb_gpa, blob, size,
			   "device tree", err);
	free(blob);
	return ret;
}

static int load_guest(struct boot *boot, struct error *err)
{
	struct board *board = &boot->board;
	const struct layout *layout = &board->layout;
	int ret;

	ret = load(boot, layout->kernel_gpa, board->kernel.data,
		   board->kernel.size, "kernel", err);
	if (ret)
		return ret;
	ret = load(boot, layout->initrd_gpa, board->initrd, board->initrd_size,
		   "initrd", err);
	if (ret)
		return ret;
	ret = load_fdt(boot, err);
	if (ret)
		return ret;
	/* The guest has its copies; a big initrd is not held twice. */
	image_drop_data(&board->kernel);
	free(board->initrd);
	board->initrd = NULL;
	return arch_vcpu_set_entry(&boot->vcpu[0], board->kernel.width,
				   layout->entry, layout->dtb_gpa, err);
}

static void release_boot(struct boot *boot)
{
	panic_watch_destroy(&boot->panic);
	panic_watch_destroy(&boot->console_panic);
	free(boot);
}

int boot_new(struct session *session, struct boot **out, struct error *err)
{
	struct boot *boot;
	unsigned int i;
	int ret;

	*out = NULL;
	boot = calloc(1, sizeof(*boot));
	if (!boot)
		return error_set(err, TL_FAIL, ENOMEM, "no memory for a VM");
	boot->session = session;
	boot->cfg = session->cfg;
	boot->vm = (struct vm){ .kvm_fd = -1, .fd = -1 };
	boot->gic.fd = -1;
	boot->inert_fd = -1;
	panic_watch_init(&boot->panic);
	panic_watch_init(&boot->console_panic);

	ret = board_prepare(boot->cfg, arch_native_width(), &boot->board, err);
	if (ret)
		goto free_boot;
	ret = create_vm(boot, err);
	if (ret)
		goto close_vm;
	if (!arch_has_system_off(&boot->vm))
		board_add_power(&boot->board);
	ret = arch_gic_create(&boot->vm, boot->board.map, boot->cfg->gic,
			      boot->cfg->cpus, nr_spis(&boot->board),
			      &boot->gic, err);
	if (ret)
		goto close_vm;
	ret = create_vcpus(boot, err);
	if (ret)
		goto destroy_vcpus;
	ret = arch_gic_init(&boot->gic, err);
	for (i = 0; !ret && boot->cfg->pmu && i < boot->nr_vcpus; i++)
		ret = arch_vcpu_init_pmu(&boot->vcpu[i], err);
	if (ret)
		goto destroy_vcpus;
	ret = machine_devs_create(boot, err);
	if (ret)
		goto destroy_vcpus;
	ret = load_guest(boot, err);
	if (ret)
		goto destroy_devs;
	if (session->control)
		machine_stats_open(boot);
	*out = boot;
	return 0;

destroy_devs:
	machine_devs_destroy(boot);
destroy_vcpus:
	while (boot->nr_vcpus)
		vcpu_destroy(&boot->vcpu[--boot->nr_vcpus]);
	arch_gic_close(&boot->gic);
close_vm:
	vm_close(&boot->vm);
	machine_exits_close(boot);
	gmem_destroy(&boot->gmem);
	board_free(&boot->board);
free_boot:
	release_boot(boot);
	return ret;
}

void boot_free(struct boot *boot)
{
	if (!boot)
		return;
	/* Workers first: they raise interrupts and write to memory. */
	machine_devs_destroy(boot);
	machine_stats_close(boot);
	while (boot->nr_vcpus)
		vcpu_destroy(&boot->vcpu[--boot->nr_vcpus]);
	arch_gic_close(&boot->gic);
	vm_close(&boot->vm);
	machine_exits_close(boot);
	gmem_destroy(&boot->gmem);
	board_free(&boot->board);
	release_boot(boot);
}

/* --- running ---------------------------------------------------------------*/

int boot_start(struct boot *boot, struct error *err)
{
	cpu_set_t cpus;
	unsigned int i;
	int ret;

	for (i = 0; i < boot->nr_vcpus; i++) {
		ret = vcpu_start(&boot->vcpu[i], err);
		if (!ret && config_pin_cpus(boot->cfg->cpu_pin, i, &cpus))
			ret = vcpu_pin(&boot->vcpu[i], &cpus, err);
		if (ret)
			return ret;
	}
	return 0;
}

void boot_stop(struct boot *boot)
{
	unsigned int i;

	session_hurry_ports(boot->session, true);
	for (i = 0; i < boot->nr_vcpus; i++)
		vcpu_stop(&boot->vcpu[i]);
	session_hurry_ports(boot->session, false);
}

void boot_panic_text(struct boot *boot, char *text, size_t size)
{
	*text = '\0';
	if (!panic_watch_text(&boot->panic, text, size))
		panic_watch_text(&boot->console_panic, text, size);
}

static void log_exits(const struct vcpu *vcpu, const struct stats *stats)
{
	const struct stats_counter *exits = stats_find(stats, "exits");
	const struct stats_counter *user = stats_find(stats, "mmio_exit_user");
	const struct stats_counter *traps = stats_find(stats, "trap_exits");

	if (!exits)
		return;
	if (traps)
		log_info("vCPU %u: %" PRIu64 " exits, %" PRIu64
			 " traps, %" PRIu64 " MMIO exits to trapline",
			 vcpu->id, exits->value, traps->value,
			 user ? user->value : 0);
	else
		log_info("vCPU %u: %" PRIu64 " exits, %" PRIu64
			 " MMIO exits to trapline",
			 vcpu->id, exits->value, user ? user->value : 0);
}

int boot_save(struct boot *boot, struct error *err)
{
	struct machine_result *result = &boot->session->result;
	const unsigned int cpus = boot->cfg->cpus;
	unsigned int i;
	pid_t *tid;
	int ret;

	/* Reading the statistics takes longer than some guests. */
	if (!boot->cfg->trace && log_get_level() < LOG_INFO)
		return 0;
	tid = realloc(result->tid, (result->boots + 1) * cpus * sizeof(*tid));
	if (!tid)
		return error_set(err, TL_FAIL, ENOMEM,
				 "no memory to note the vCPUs' threads");
	result->tid = tid;
	tid += result->boots++ * cpus;
	result->gic_version = boot->gic.version;
	result->width = boot->board.kernel.width;
	memcpy(result->dev, boot->board.dev, sizeof(result->dev));
	result->nr_devs = boot->board.nr_devs;
	for (i = 0; i < boot->nr_vcpus; i++) {
		struct stats *stats = &result->stats[i];

		tid[i] = boot->vcpu[i].tid;
		ret = stats_add(&boot->vcpu[i], stats, err);
		if (ret && ret != -ENOSYS)
			return ret;
		log_exits(&boot->vcpu[i], stats);
	}
	return 0;
}
