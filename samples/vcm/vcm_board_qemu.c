// SPDX-License-Identifier: GPL-2.0-only
/*
 * A board file: QEMU machines with edu devices.
 *
 * Which devices there are, and which address space they share, is said here and
 * nowhere else; vcm_demo.c and vcm_edu.c know neither. One table does for all
 * machines: an entry for a device that a machine lacks costs nothing.
 *
 * A context begins at 64 MiB and is as long, because an edu device reaches only
 * 28 bits of address unless QEMU is told otherwise.
 */
#include <linux/init.h>
#include <linux/sizes.h>
#include <linux/vcm-machine.h>

static const struct vcm_board_bound video_bounds[] = {
	VCM_BOUND("small", SZ_64M, SZ_1M),
};

static const struct vcm_board_context qemu_contexts[] = {
	VCM_CONTEXT("video", SZ_64M, SZ_64M, VCM_BOUNDS(video_bounds)),
};

/*
 * Device *n* of a machine, in the order in which the frame travels: the first
 * one sees it, the last one shows it.
 */
static const struct vcm_board_member qemu_members[] = {
	/* One IOMMU: slots of the first PCI bus; slot 6 has two functions. */
	VCM_MEMBER("0000:00:04.0", "frames", "video"),
	VCM_MEMBER("0000:00:05.0", "frames", "video"),
	VCM_MEMBER("0000:00:06.0", "frames", "video"),
	VCM_MEMBER("0000:00:06.1", "frames", "video"),

	/* Up to 16 SMMUv3, each before a PCI bus of its own, in steps of 8. */
	VCM_MEMBER("0000:09:00.0", "frames", "video"),
	VCM_MEMBER("0000:0a:00.0", "frames", "video"),
	VCM_MEMBER("0000:11:00.0", "frames", "video"),
	VCM_MEMBER("0000:12:00.0", "frames", "video"),
	VCM_MEMBER("0000:12:00.1", "frames", "video"),
	VCM_MEMBER("0000:19:00.0", "frames", "video"),
	VCM_MEMBER("0000:21:00.0", "frames", "video"),
	VCM_MEMBER("0000:22:00.0", "frames", "video"),
	VCM_MEMBER("0000:29:00.0", "frames", "video"),
	VCM_MEMBER("0000:31:00.0", "frames", "video"),
	VCM_MEMBER("0000:39:00.0", "frames", "video"),
	VCM_MEMBER("0000:41:00.0", "frames", "video"),
	VCM_MEMBER("0000:49:00.0", "frames", "video"),
	VCM_MEMBER("0000:51:00.0", "frames", "video"),
	VCM_MEMBER("0000:59:00.0", "frames", "video"),
	VCM_MEMBER("0000:61:00.0", "frames", "video"),
	VCM_MEMBER("0000:69:00.0", "frames", "video"),
	VCM_MEMBER("0000:71:00.0", "frames", "video"),
	VCM_MEMBER("0000:79:00.0", "frames", "video"),
	VCM_MEMBER("0000:81:00.0", "frames", "video"),
	VCM_MEMBER("0000:82:00.0", "frames", "video"),
};

static const struct vcm_board qemu_board =
	VCM_BOARD("qemu", qemu_contexts, qemu_members);

static int __init qemu_board_init(void)
{
	return vcm_board_add(&qemu_board);
}
subsys_initcall(qemu_board_init);
