/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual Contiguous Memory Manager: what a board file sees.
 *
 * A *board* is a const table. It says which contexts there are, with which
 * windows, bounds and memory types, and which device takes part in which. The
 * drivers of these devices call vcm_get() and know nothing of it. Devices,
 * boards and IOMMUs may come in any order, and boards may come and go while
 * the system runs.
 *
 *	static const struct vcm_board_bound video_bounds[] = {
 *		VCM_BOUND("stills", SZ_64M, SZ_16M),
 *	};
 *
 *	static const struct vcm_board_context contexts[] = {
 *		VCM_CONTEXT("video", SZ_64M, SZ_64M, VCM_BOUNDS(video_bounds)),
 *		VCM_CONTEXT("sound", 0, SZ_1G, .memtype = "low"),
 *	};
 *
 *	static const struct vcm_board_member members[] = {
 *		VCM_MEMBER("fe500000.camera", "frames", "video"),
 *		VCM_MEMBER("fe700000.display", NULL, "video", .attr = VCM_READ),
 *		VCM_MEMBER("fe600000.codec", "frames", "video"),
 *		VCM_MEMBER("fe600000.codec", "samples", "sound",
 *			   .flags = VCM_MEMBER_INACTIVE),
 *	};
 *
 *	static const struct vcm_board board =
 *		VCM_BOARD("evaluation board", contexts, members);
 *
 * Documentation/mm/vcm/boards.rst has the whole story.
 */
#ifndef _LINUX_VCM_MACHINE_H
#define _LINUX_VCM_MACHINE_H

#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/types.h>
#include <linux/vcm.h>

/**
 * struct vcm_board_bound - a window of a context that has a name
 * @name: what vcm_get_bound() is asked for; unique in its context
 * @addr: first device address, a multiple of PAGE_SIZE
 * @len: bytes, a multiple of PAGE_SIZE
 */
struct vcm_board_bound {
	const char *name;
	dma_addr_t addr;
	size_t len;
};

/**
 * struct vcm_board_context - a context that the board has
 * @name: 1 to 31 characters, unique over all boards
 * @start: first device address, as for vcm_create()
 * @len: bytes, as for vcm_create()
 * @memtype: where its memory comes from, as for vcm_memtype_get(); NULL for
 *           "system"
 * @bounds: windows that are kept for those who ask for them, which do not
 *          overlap; or NULL
 * @nr_bounds: how many
 */
struct vcm_board_context {
	const char *name;
	dma_addr_t start;
	u64 len;
	const char *memtype;
	const struct vcm_board_bound *bounds;
	unsigned int nr_bounds;
};

/* Flags of a member */
#define VCM_MEMBER_INACTIVE	BIT(0)	/* its driver activates it, not vcm_get() */

/**
 * struct vcm_board_member - a device that takes part in a context
 * @dev: its name, see dev_name()
 * @con_id: what its driver calls the context; NULL for whatever no other entry
 *          of the device says
 * @context: the context's name, of this board or of another one, which may
 *           come later
 * @attr: what it may do at most, as for vcm_assoc()
 * @flags: VCM_MEMBER_INACTIVE, or 0
 */
struct vcm_board_member {
	const char *dev;
	const char *con_id;
	const char *context;
	u32 attr;
	u32 flags;
};

/**
 * struct vcm_board - a board
 * @name: for messages and debugfs, unique
 * @contexts: which contexts there are; or NULL
 * @nr_contexts: how many
 * @members: who takes part; or NULL
 * @nr_members: how many
 *
 * All of it is only read, and must stay until vcm_board_remove().
 */
struct vcm_board {
	const char *name;
	const struct vcm_board_context *contexts;
	unsigned int nr_contexts;
	const struct vcm_board_member *members;
	unsigned int nr_members;
};

/* More members of the struct may follow, as .memtype = "...". */
#define VCM_BOUND(_name, _addr, _len)					\
	{ .name = (_name), .addr = (_addr), .len = (_len) }

#define VCM_BOUNDS(_bounds)						\
	.bounds = (_bounds), .nr_bounds = ARRAY_SIZE(_bounds)

#define VCM_CONTEXT(_name, _start, _len, ...)				\
	{ .name = (_name), .start = (_start), .len = (_len), ##__VA_ARGS__ }

#define VCM_MEMBER(_dev, _con_id, _context, ...)			\
	{ .dev = (_dev), .con_id = (_con_id), .context = (_context),	\
	  ##__VA_ARGS__ }

#define VCM_BOARD(_name, _contexts, _members)				\
	{ .name = (_name),						\
	  .contexts = (_contexts), .nr_contexts = ARRAY_SIZE(_contexts), \
	  .members = (_members), .nr_members = ARRAY_SIZE(_members) }

int vcm_board_add(const struct vcm_board *board);
int vcm_board_remove(const struct vcm_board *board);

#endif /* _LINUX_VCM_MACHINE_H */
