// SPDX-License-Identifier: GPL-2.0-only
/* The layers of a disk, from what the user said of it. */
#include <string.h>

#include "backend/disk.h"

int disk_open(const struct disk_options *opt, struct disk **disk,
	      struct error *err)
{
	bool layered = opt->overlay || opt->snapshot;
	struct disk *top;
	int ret;

	*disk = NULL;
	/* A base is read only: any number of VMs share it. */
	ret = disk_raw_open(opt->path, opt->read_only || layered, opt->direct,
			    &top, err);
	/* With a snapshot on top, the overlay is a base in turn. */
	if (!ret && opt->overlay)
		ret = disk_overlay_open(top, opt->path, opt->overlay,
					opt->read_only || opt->snapshot,
					opt->direct, &top, err);
	if (!ret && opt->snapshot && !opt->read_only)
		ret = disk_snapshot_open(top, opt->direct, &top, err);
	if (ret)
		return ret;
	if (opt->id) {
		memset(top->id, 0, sizeof(top->id));
		memcpy(top->id, opt->id, strnlen(opt->id, sizeof(top->id)));
	}
	*disk = top;
	return 0;
}
