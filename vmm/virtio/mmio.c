// SPDX-License-Identifier: GPL-2.0-only
#include "virtio/mmio.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_mmio.h>

#include "virtio/mmio-impl.h"
#include "virtio/mmio-legacy.h"

#define MAGIC   0x74726976 /* "virt" */
#define VERSION 2
#define VENDOR  0x50415254 /* "TRAP" */

static uint32_t half(uint64_t val, uint32_t word)
{
	return word < 2 ? (uint32_t)(val >> (32 * word)) : 0;
}

static void set_low(uint64_t *addr, uint32_t val)
{
	*addr = (*addr & ~UINT64_C(0xffffffff)) | val;
}

static void set_high(uint64_t *addr, uint32_t val)
{
	*addr = (*addr & UINT64_C(0xffffffff)) | (uint64_t)val << 32;
}

/* The selected queue's registers, NULL where QueueSel names none. */
static struct virtq_setup *selected(struct virtio_mmio *vm)
{
	return virtio_mmio_selected(vm) ? &vm->setup[vm->queue_sel] : NULL;
}

static uint32_t reg_read(struct virtio_mmio *vm, uint64_t offset)
{
	struct virtio_device *vdev = vm->vdev;
	uint32_t val;

	if (vm->legacy && virtio_legacy_read(vm, offset, &val))
		return val;
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MAGIC;
	case VIRTIO_MMIO_VERSION:
		return VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return vdev->ops->id;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return half(virtio_device_offered(vdev),
			    vm->device_features_sel);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return selected(vm) ? vdev->queue_max : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return selected(vm) &&
		       virtio_device_queue_ready(vdev, vm->queue_sel);
	case VIRTIO_MMIO_STATUS:
		return virtio_device_status(vdev);
	/* No shared memory region: length and base are all ones (4.2.2). */
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return UINT32_MAX;
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return virtio_device_generation(vdev);
	default:
		return 0;
	}
}

/* A live queue keeps its rings: 4.2.2.2 forbids moving them. */
static void queue_reg_write(struct virtio_mmio *vm, uint64_t offset,
			    uint32_t val)
{
	struct virtq_setup *setup = selected(vm);

	if (!setup)
		return;
	if (offset == VIRTIO_MMIO_QUEUE_READY) {
		if (val & 1)
			virtio_device_enable_queue(vm->vdev, vm->queue_sel,
						   setup);
		else
			virtio_device_disable_queue(vm->vdev, vm->queue_sel);
		return;
	}
	if (virtio_device_queue_ready(vm->vdev, vm->queue_sel))
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		setup->num = val;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
		set_low(&setup->desc, val);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_high(&setup->desc, val);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
		set_low(&setup->driver, val);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_high(&setup->driver, val);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
		set_low(&setup->device, val);
		break;
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_high(&setup->device, val);
		break;
	}
}

static void status_write(struct virtio_mmio *vm, uint32_t val)
{
	virtio_device_set_status(vm->vdev, val);
	if (val)
		return;
	vm->device_features_sel = 0;
	vm->driver_features_sel = 0;
	vm->queue_sel = 0;
	memset(vm->setup, 0, vm->vdev->nr_queues * sizeof(*vm->setup));
	/* GuestPageSize stays: Linux writes it once, before its first reset. */
	if (vm->legacy)
		memset(vm->legacy, 0,
		       vm->vdev->nr_queues * sizeof(*vm->legacy));
}

static void reg_write(struct virtio_mmio *vm, uint64_t offset, uint32_t val)
{
	if (vm->legacy && virtio_legacy_write(vm, offset, val))
		return;
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		vm->device_features_sel = val;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		virtio_device_want_features(vm->vdev, vm->driver_features_sel,
					    val);
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		vm->driver_features_sel = val;
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		vm->queue_sel = val;
		break;
	case VIRTIO_MMIO_STATUS:
		status_write(vm, val);
		break;
	default:
		queue_reg_write(vm, offset, val);
		break;
	}
}

/* Configuration space is little-endian bytes, accessed at any width. */
static uint64_t config_read(struct virtio_device *vdev, uint64_t offset,
			    unsigned int size)
{
	uint64_t val = 0;

	if (vdev->ops->config_read)
		vdev->ops->config_read(vdev, offset, &val, size);
	return le64toh(val);
}

static void config_write(struct virtio_device *vdev, uint64_t offset,
			 unsigned int size, uint64_t val)
{
	val = htole64(val);
	if (vdev->ops->config_write)
		vdev->ops->config_write(vdev, offset, &val, size);
}

/* Registers that keep their value, and those that a write to another moves;
 * device.c keeps those that move by themselves. */
static void fill_shadow(struct virtio_mmio *vm)
{
	static const uint16_t constant[] = {
		VIRTIO_MMIO_MAGIC_VALUE,  VIRTIO_MMIO_VERSION,
		VIRTIO_MMIO_DEVICE_ID,    VIRTIO_MMIO_VENDOR_ID,
		VIRTIO_MMIO_SHM_LEN_LOW,  VIRTIO_MMIO_SHM_LEN_HIGH,
		VIRTIO_MMIO_SHM_BASE_LOW, VIRTIO_MMIO_SHM_BASE_HIGH,
	};
	size_t i;

	for (i = 0; i < sizeof(constant) / sizeof(constant[0]); i++)
		shadow_set(&vm->vdev->shadow, constant[i],
			   reg_read(vm, constant[i]));
	virtio_device_publish_config(vm->vdev);
}

static void update_shadow(struct virtio_mmio *vm)
{
	static const uint16_t moved[] = {
		VIRTIO_MMIO_DEVICE_FEATURES,
		VIRTIO_MMIO_QUEUE_NUM_MAX,
		VIRTIO_MMIO_QUEUE_READY,
		VIRTIO_MMIO_QUEUE_PFN,
	};
	size_t i;

	for (i = 0; i < sizeof(moved) / sizeof(moved[0]); i++)
		shadow_set(&vm->vdev->shadow, moved[i], reg_read(vm, moved[i]));
}

static uint64_t mmio_read(void *dev, uint64_t offset, unsigned int size)
{
	struct virtio_mmio *vm = dev;
	uint64_t val;

	if (offset < VIRTIO_MMIO_CONFIG && size != 4)
		return 0; /* registers are 32 bits wide (4.2.2.2) */
	/* An interrupt handler must not wait for a reset on another vCPU. */
	if (offset == VIRTIO_MMIO_INTERRUPT_STATUS)
		return virtio_device_isr(vm->vdev);

	pthread_mutex_lock(&vm->lock);
	if (offset >= VIRTIO_MMIO_CONFIG)
		val = config_read(vm->vdev, offset - VIRTIO_MMIO_CONFIG, size);
	else
		val = reg_read(vm, offset);
	pthread_mutex_unlock(&vm->lock);
	return val;
}

static void mmio_write(void *dev, uint64_t offset, unsigned int size,
		       uint64_t val)
{
	struct virtio_mmio *vm = dev;

	if (offset < VIRTIO_MMIO_CONFIG && size != 4)
		return;
	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY) {
		virtio_device_notify(vm->vdev, (uint32_t)val);
		return;
	}
	if (offset == VIRTIO_MMIO_INTERRUPT_ACK) {
		virtio_device_isr_ack(vm->vdev, (uint32_t)val);
		return;
	}

	pthread_mutex_lock(&vm->lock);
	if (offset >= VIRTIO_MMIO_CONFIG)
		config_write(vm->vdev, offset - VIRTIO_MMIO_CONFIG, size, val);
	else
		reg_write(vm, offset, (uint32_t)val);
	update_shadow(vm);
	/* A field may depend on what was negotiated. */
	if (offset >= VIRTIO_MMIO_CONFIG || offset == VIRTIO_MMIO_STATUS)
		virtio_device_publish_config(vm->vdev);
	pthread_mutex_unlock(&vm->lock);
}

const struct mmio_ops virtio_mmio_ops = {
	.read = mmio_read,
	.write = mmio_write,
};

int virtio_mmio_new(struct virtio_device *vdev,
		    const struct virtio_mmio_config *config,
		    struct virtio_mmio **out, struct error *err)
{
	struct virtio_mmio *vm;
	int ret;

	*out = NULL;
	vm = calloc(1, sizeof(*vm));
	if (vm)
		vm->setup = calloc(vdev->nr_queues, sizeof(*vm->setup));
	if (!vm || !vm->setup) {
		ret = error_set(err, TL_FAIL, ENOMEM, "%s %s: out of memory",
				vdev->ops->name, vdev->label);
		goto free_all;
	}
	vm->vdev = vdev;
	vdev->legacy = config->legacy && virtio_legacy_has(vdev->ops->id);
	if (vdev->legacy && virtio_legacy_init(vm)) {
		ret = error_set(err, TL_FAIL, ENOMEM, "%s %s: out of memory",
				vdev->ops->name, vdev->label);
		goto free_all;
	}
	vdev->shadow = config->shadow;
	vdev->ack_inert = config->ack_inert;
	vdev->ack_opaque = config->opaque;
	ret = virtio_device_attach(vdev, config->gmem, &config->irq,
				   config->irq_fd, err);
	if (ret)
		goto free_all;
	ret = virtio_device_start(vdev, err);
	if (ret)
		goto free_all;
	pthread_mutex_init(&vm->lock, NULL);
	fill_shadow(vm);
	update_shadow(vm);
	*out = vm;
	return 0;

free_all:
	virtio_device_free(vdev);
	if (vm) {
		free(vm->setup);
		free(vm->legacy);
	}
	free(vm);
	return ret;
}

void virtio_mmio_free(struct virtio_mmio *vm)
{
	if (!vm)
		return;
	virtio_device_free(vm->vdev);
	pthread_mutex_destroy(&vm->lock);
	free(vm->setup);
	free(vm->legacy);
	free(vm);
}

void virtio_mmio_pause(struct virtio_mmio *vm)
{
	virtio_device_pause(vm->vdev);
}

void virtio_mmio_resume(struct virtio_mmio *vm)
{
	virtio_device_resume(vm->vdev);
}

unsigned int virtio_mmio_nr_queues(const struct virtio_mmio *vm)
{
	return vm->vdev->nr_queues;
}

int virtio_mmio_kick_fd(const struct virtio_mmio *vm, unsigned int q)
{
	return vm->vdev->kick[q];
}

uint32_t virtio_mmio_device_id(const struct virtio_mmio *vm)
{
	return vm->vdev->ops->id;
}

const char *virtio_mmio_device_name(const struct virtio_mmio *vm)
{
	return vm->vdev->ops->name;
}
