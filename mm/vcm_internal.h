/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual Contiguous Memory Manager: what the rooms of the core share.
 *
 * Calls go down: vcm.c (who lives) and vcm_assoc.c (who is joined to whom) call
 * vcm_back.c (joins a range, memory and tables), which calls vcm_res.c (ranges;
 * vcm_bound.c keeps some of them for the holder of a bound), vcm_phys.c (memory
 * and its mappers) and vcm_table.c (the tables of a context); vcm_unit.c knows
 * the low-level drivers, vcm_fault.c what to do when a unit refuses an access.
 * vcm_phys.c gets its memory from vcm_memtype.c (memory types), and that from
 * vcm_pool.c (the kinds of pools); or vcm_foreign.c brings memory that is
 * somebody else's. vcm_cache.c sees to it that all who map some agree on its
 * cacheability. On the roof, vcm_dmabuf.c gives memory to other subsystems, and
 * vcm_heap.c to user space.
 */
#ifndef _MM_VCM_INTERNAL_H
#define _MM_VCM_INTERNAL_H

#include <linux/dma-mapping.h>
#include <linux/gfp_types.h>
#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/range_space.h>
#include <linux/ratelimit_types.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/size_plan.h>
#include <linux/size_pool.h>
#include <linux/spinlock.h>
#include <linux/vcm-driver.h>
#include <linux/vcm-memtype.h>
#include <linux/vcm.h>
#include <linux/workqueue.h>

struct seq_file;
struct sg_table;
struct vcm_pool;

#define VCM_NAME_LEN	32

/* The address of what has none. */
#define VCM_NOWHERE	DMA_MAPPING_ERROR

#define VCM_RIGHTS	(VCM_READ | VCM_WRITE | VCM_EXEC | VCM_PRIV)
#define VCM_TABLE_ATTRS	(VCM_RIGHTS | VCM_MMIO)
#define VCM_RES_ATTRS	(VCM_TABLE_ATTRS | VCM_CACHE_MASK | VCM_ALIGN_MASK)
/* Of a table: whatever the reservations grant. */
#define VCM_ALL_RIGHTS	(VCM_READ | VCM_WRITE | VCM_EXEC)

/*
 * To put back what was mapped before. What was taken out may have freed
 * page-table pages, and there is no way on without them: so wait for memory.
 */
#define VCM_GFP_PUT_BACK	(GFP_KERNEL | __GFP_NOFAIL)

#define VCM_PHYS_ATTRS	(VCM_CACHE_MASK | VCM_CONTIG | VCM_ZERO | VCM_BLOCKS_MASK | VCM_ALIGN_MASK)

/**
 * DOC: Lifetimes
 *
 * ============ ====================== =========================== ============
 * object       its memory lives while  -EBUSY on its release from  released by
 * ============ ====================== =========================== ============
 * context      it is not freed, or a   a reservation, a bound,     vcm_free()
 *              reservation's memory    a live association
 *              lives
 * bound        it is not freed         a reservation from it       vcm_free_bound()
 * reservation  it is not unreserved,   a backing                   vcm_unreserve()
 *              or a lookup holds a
 *              reference
 * allocation   it is not freed         a backing, a dma-buf,       vcm_phys_free(),
 *                                      somebody who got it         the last
 *                                                                  vcm_phys_put()
 * dma-buf      a file, a mapping or    (it is never refused)       the last
 *              somebody holds it                                   dma_buf_put()
 * memory type  it is not unregistered  an allocation, or somebody  vcm_memtype_unregister()
 *                                      who got it
 * association  its context is not      being active                vcm_deassoc()
 *              freed
 * table        a unit walks it, or it  (the core's own)            the last
 *              is its context's home                               vcm_deassoc(),
 *                                                                  vcm_free()
 * unit         its driver or an        (vcm_iommu_remove() never   the last
 *              association holds it    refuses)                    reference
 * ============ ====================== =========================== ============
 *
 * A device or a unit that goes away takes its associations with it. Such an
 * association is *gone*: it joins nothing any more, and all that can be done
 * with it is vcm_deassoc(). If nobody does, vcm_free() gives its memory back.
 */

/**
 * DOC: Locking
 *
 * The order is::
 *
 *	vcm_topology_lock > vcm_copy_lock > &vcm.lock > vcm_cache_lock >
 *	&vcm.res_lock
 *	vcm_cache_lock > mmap_lock of a process > &vcm.res_lock
 *
 *	&vcm.res_lock > vcm_chunks_lock > &vcm_phys.lock
 *	vcm_memtypes_lock
 *
 * vcm_topology_lock (mutex)
 *	who is associated with what, and what is active: all of vcm_assoc.c. These
 *	calls are rare, program hardware, and are serialised for all contexts.
 * vcm_copy_lock (read/write semaphore)
 *	the bytes of all memory: who copies some holds it for reading.
 * &vcm.lock (read/write semaphore)
 *	the tables of one context and the units that walk them. Backing and
 *	unbacking hold it for reading, so they run side by side, and so does a
 *	reservation whose address the home table gives; a table joins
 *	or leaves, a device is attached or detached, and an entry is looked up,
 *	under it for writing. What is above it must not be taken, nor this one,
 *	with the mmap_lock of a process that has a context.
 * vcm_cache_lock (mutex)
 *	how memory is mapped that is not VCM_CACHED for good: from the decision
 *	until the mapping is published. Ordinary memory has no need of it.
 * &vcm.res_lock (spinlock)
 *	the ranges of one context and the state of each reservation. Held for
 *	a tree operation or a change of state, never across a driver's op.
 * vcm_chunks_lock (spinlock)
 *	which allocations a physical page belongs to.
 * &vcm_phys.lock (spinlock)
 *	who maps one allocation. Two of them only under vcm_chunks_lock.
 * vcm_memtypes_lock (mutex)
 *	which memory types there are, whose which range of memory is, and which
 *	names have a dma-heap.
 *	Nobody takes memory or gives it back under it, except for what is kept
 *	ready when a memory type is registered.
 *
 * What is exported has a lock of its own: &vcm_export.lock (mutex), who is
 * attached to a dma-buf. It is taken inside of the dma-buf's reservation lock,
 * which others bring along, and around calls of the DMA API; and none of the
 * above is taken under it. Those who pin memory for a dma-buf don't wait for
 * vcm_topology_lock, because they may hold a lock of the memory management.
 *
 * Faults have locks of their own: vcm_hooks_lock (mutex), who has hooked what,
 * which is RCU for those who report; and &vcm_hook.lock (raw spinlock), what a
 * hook keeps, the innermost of all. A handler runs with none of them held. It
 * may take all of the above, so a hook is never removed under one of these.
 *
 * A reservation is claimed under &vcm.res_lock (its state becomes
 * VCM_RES_MOVING), the slow work is done without it, and the outcome is
 * published under it last. Because claim and publication both happen with
 * &vcm.lock held for reading, whoever holds it for writing sees no
 * reservation in between.
 *
 * vcm_phys_migrate() claims reservations of many contexts (VCM_RES_MIGRATING)
 * and must not hold many of their locks. It holds vcm_topology_lock instead,
 * so that no table comes or goes, and takes &vcm.lock of one context at a time,
 * to write its tables. Who wants a reservation or memory that it has claimed
 * waits for vcm_topology_lock, with nothing held.
 */

/**
 * struct vcm - a context
 * @start: first address
 * @last: last address, inclusive
 * @home_ops: how the home table is written, NULL if there is none; unlike the
 *            table itself they stay
 * @ref: keeps the memory, not the context; see DOC: Lifetimes
 * @name: for messages and debugfs
 * @node: in the list of contexts
 * @assocs: devices on the context
 * @gone: associations whose device or unit went away
 * @declared: a board does; not the consumer's to free
 * @lock: guards the tables; see DOC: Locking
 * @tables: as many as the formats of the units force on the context
 * @home: the one of them that the context was made around, NULL if devices
 *        bring all of them
 * @res_lock: guards the reservations; see DOC: Locking
 * @space: the ranges that are reserved, and those of the bounds
 * @bounds: the bounds, in the order of their making
 * @ordered: the reservations in the order of their making, if memory decides
 *           where they lie; empty otherwise
 * @nr_ordered: how many were ever put there
 * @nr_res: how many reservations there are, with those from bounds
 * @parked: one that was given back and kept; see DOC: Parking
 * @nr_changes: how often room was made, or the limits of the context changed
 * @usable: what all tables can express; its last_pa is not used
 * @windows: what no reservation may touch, by first address
 * @dead: freed; only the memory is left, for those who hold a reservation's
 */
struct vcm {
	/* immutable */
	dma_addr_t start;
	dma_addr_t last;
	const struct vcm_table_ops *home_ops;

	struct kref ref;

	/* vcm_topology_lock */
	char name[VCM_NAME_LEN];
	struct list_head node;
	struct list_head assocs;
	struct list_head gone;
	bool declared;

	struct rw_semaphore lock;
	struct list_head tables;
	struct vcm_table *home;

	spinlock_t res_lock;	/* guards what follows */
	struct range_space space;
	struct list_head bounds;
	struct list_head ordered;
	u64 nr_ordered;
	size_t nr_res;
	struct vcm_res *parked;
	u64 nr_changes;
	struct vcm_geometry usable;
	struct list_head windows;
	bool dead;
};

/**
 * struct vcm_window - device addresses that one device of a context cannot use,
 *                     or that are not the context's
 * @node: in &vcm.windows
 * @owner: the device that brought it; NULL if vcm_keep_out() did
 * @first: first address
 * @last: last address, inclusive
 */
struct vcm_window {
	struct list_head node;
	const struct vcm_device *owner;
	dma_addr_t first;
	dma_addr_t last;
};

/**
 * DOC: Parking
 *
 * Who streams gives a reservation back and at once wants one like it. So the
 * last one that was given back stays where it is for the moment: its range is
 * taken, its memory allocated, but it is VCM_RES_GONE to everybody. The next
 * vcm_reserve() of the same length and alignment gets it.
 *
 * That must not be seen. The search would have found the same range, because
 * only a reservation is parked that took the lowest range there was and since
 * then no room was made and no limit changed: what lies below it can only have
 * become less. Whatever else asks for room or makes some unparks it first, and
 * lookups pass it over.
 */

#define VCM_NOT_LOWEST	U64_MAX

/**
 * enum vcm_res_state - where a reservation is in its life
 * @VCM_RES_IDLE: reserved, nothing behind it
 * @VCM_RES_MOVING: claimed by a call that is under way
 * @VCM_RES_MIGRATING: claimed by vcm_phys_migrate(), which is waited for
 * @VCM_RES_BACKED: its pieces are mapped in every table of the context
 * @VCM_RES_STUCK: a piece is in no table any more, but a unit did not answer
 *                 the flush: the memory stays until vcm_unback() has seen
 *                 every flush
 * @VCM_RES_GONE: unreserved; somebody holds the memory
 */
enum vcm_res_state {
	VCM_RES_IDLE,
	VCM_RES_MOVING,
	VCM_RES_MIGRATING,
	VCM_RES_BACKED,
	VCM_RES_STUCK,
	VCM_RES_GONE,
};

/**
 * struct vcm_bound - a window of a context from which reservations are taken
 * @window: its own range, in &vcm.space: a reservation that no lookup returns
 * @node: in &vcm.bounds
 * @space: the ranges that are reserved in it
 */
struct vcm_bound {
	struct vcm_res *window;	/* immutable */

	/* vcm->res_lock */
	struct list_head node;
	struct range_space space;
};

/**
 * struct vcm_piece - a range of a reservation and the memory behind it
 * @node: in &vcm_res.pieces
 * @mapper: which bytes of @phys it maps, in &vcm_phys.mappers
 * @res: the reservation
 * @phys: the memory
 * @off: where in the reservation it begins, in bytes
 * @stuck: it is in no table any more, but a unit did not answer the flush
 * @was: &vcm_phys.mapped_as of @phys, while it may be put back
 * @filed: the allocation in whose tree @mapper is, NULL while it is in none
 *
 * Mapped and unmapped as a whole. The pieces of a reservation don't overlap.
 */
struct vcm_piece {
	/* immutable while it is in the trees */
	struct vcm_res *res;
	struct vcm_phys *phys;
	size_t off;

	/* vcm->res_lock */
	struct rb_node node;
	bool stuck;

	/* vcm_cache_lock */
	u32 was;

	/* phys->lock */
	struct interval_tree_node mapper;
	struct vcm_phys *filed;
};

/**
 * struct vcm_res - a reservation
 * @range: its addresses, in &vcm.space or &vcm_bound.space; VCM_NOWHERE, and in
 *         no tree, while it is nowhere
 * @vcm: the context; holds a reference on its memory
 * @bound: the bound that it is taken from, or whose window it is, or NULL; not
 *         to be followed once it is unreserved
 * @ref: keeps the memory; see DOC: Lifetimes
 * @len: bytes
 * @attr: access rights, VCM_MMIO, and the cacheability and alignment that were
 *        asked for
 * @floating: its memory decides where it lies; without it is nowhere
 * @number: its place in &vcm.ordered; in a context that has no such order,
 *          &vcm.nr_changes when it took the lowest range that was free, and
 *          VCM_NOT_LOWEST if it did not
 * @node: in &vcm.ordered
 * @state: see &enum vcm_res_state
 * @pieces: what it is backed with, by offset; whoever has claimed the
 *          reservation may read it without the lock
 * @first: the piece that is used first, so that most backings allocate nothing
 */
struct vcm_res {
	struct range_node range;

	/* immutable */
	struct vcm *vcm;
	struct vcm_bound *bound;
	size_t len;
	u64 number;

	struct kref ref;

	/* whoever has claimed it */
	u32 attr;

	/* vcm->res_lock */
	struct list_head node;
	struct rb_root pieces;
	struct vcm_piece first;
	enum vcm_res_state state;

	/* immutable */
	bool floating;
};

/**
 * struct vcm_chunk - physically contiguous memory
 * @pfns: its pages, in the index of all chunks
 * @phys: the allocation
 * @off: its place in the allocation, in bytes
 * @pool: where it came from, and goes back to; NULL if that is no pool
 * @run: its blocks in a pool that is a range
 * @split: in any other pool: it is to be freed page by page
 */
struct vcm_chunk {
	struct interval_tree_node pfns;
	struct vcm_phys *phys;
	size_t off;
	struct vcm_pool *pool;
	union {
		struct size_run *run;
		bool split;
	};
};

static inline size_t vcm_chunk_pages(const struct vcm_chunk *chunk)
{
	return chunk->pfns.last - chunk->pfns.start + 1;
}

static inline size_t vcm_chunk_len(const struct vcm_chunk *chunk)
{
	return vcm_chunk_pages(chunk) << PAGE_SHIFT;
}

static inline phys_addr_t vcm_chunk_pa(const struct vcm_chunk *chunk)
{
	return PFN_PHYS((phys_addr_t)chunk->pfns.start);
}

/**
 * struct vcm_chunks - chunks that are not an allocation yet
 * @nr: how many there are
 * @room: how many there is room for
 * @chunk: the chunks, from kvmalloc()
 */
struct vcm_chunks {
	unsigned int nr;
	unsigned int room;
	struct vcm_chunk *chunk;
};

/**
 * struct vcm_pool_ops - a kind of pool
 * @name: for debugfs
 * @init: fills in the pool's own part, &vcm_pool.sizes and &vcm_pool.nid
 * @exit: undoes @init; nothing is taken from the pool
 * @len: how much memory it has at most, in bytes
 * @could: would there be such a piece if nothing were taken?
 * @take: gets the piece that the plan proposes; -ENOSPC if there is none
 * @give: gives it back; cannot fail, and allocates nothing
 * @refill: optional; makes blocks ready, -ENOMEM if there are too few
 * @show: optional; what is free, for debugfs
 */
struct vcm_pool_ops {
	const char *name;
	int (*init)(struct vcm_pool *pool, const struct vcm_pool_desc *desc);
	void (*exit)(struct vcm_pool *pool);
	u64 (*len)(struct vcm_pool *pool);
	bool (*could)(struct vcm_pool *pool, const struct size_plan *plan);
	int (*take)(struct vcm_pool *pool, const struct size_plan *plan,
		    bool zero, int nid, struct vcm_chunk *chunk);
	void (*give)(struct vcm_pool *pool, struct vcm_chunk *chunk);
	int (*refill)(struct vcm_pool *pool);
	void (*show)(struct vcm_pool *pool, struct seq_file *s);
};

/**
 * struct vcm_ready - blocks of one size that are kept ready
 * @order: log2 of their size in pages
 * @target: how many there should be
 * @nr: how many there are
 * @pages: the blocks
 */
struct vcm_ready {
	unsigned int order;
	size_t target;
	size_t nr;
	struct list_head pages;
};

/**
 * enum vcm_linear - whether memory is in the kernel's linear map
 * @VCM_LINEAR_ALL: all of it
 * @VCM_LINEAR_NONE: nothing of it
 * @VCM_LINEAR_SOME: some of it
 */
enum vcm_linear {
	VCM_LINEAR_ALL,
	VCM_LINEAR_NONE,
	VCM_LINEAR_SOME,
};

/**
 * struct vcm_pool - a source of blocks
 * @ops: its kind
 * @linear: how much of it is in the linear map
 * @sizes: which block sizes there are, a bitmap
 * @nid: the node that all of it is on, or NUMA_NO_NODE
 * @used: bytes that are taken
 * @lock: guards &vcm_ready.nr and &vcm_ready.pages
 * @nr_ready: of the page allocator: length of @ready
 * @ready: of the page allocator: blocks that are kept ready
 * @refill: of the page allocator: makes up for what was taken of @ready
 * @cma: the area
 * @node: of a range: in the list of all of them
 * @first: of a range: first address
 * @last: of a range: last address, inclusive
 * @blocks: of a range: its blocks
 */
struct vcm_pool {
	const struct vcm_pool_ops *ops;
	enum vcm_linear linear;
	unsigned long sizes;
	int nid;
	atomic64_t used;
	union {
		struct {
			spinlock_t lock;	/* guards what is ready */
			unsigned int nr_ready;
			struct vcm_ready *ready;
			struct work_struct refill;
		};
		struct cma *cma;
		struct {
			struct list_head node;
			phys_addr_t first;
			phys_addr_t last;
			struct size_pool *blocks;
		};
	};
};

/**
 * struct vcm_memtype - a named source of memory
 * @name: what vcm_memtype_get() knows it by
 * @kernel_only: user space gets no dma-heap of it
 * @users: who registered it, who got it, and each allocation
 * @node: in the list of memory types
 * @nr_allocs: allocations
 * @nr_pools: length of @sizes and @pools
 * @sizes: the block sizes of each pool
 * @pools: the pools, in order of priority
 */
struct vcm_memtype {
	/* immutable */
	const char *name;
	bool kernel_only;

	refcount_t users;

	/* vcm_memtypes_lock */
	struct list_head node;

	atomic_long_t nr_allocs;

	/* immutable */
	unsigned int nr_pools;
	unsigned long *sizes;
	struct vcm_pool *pools;
};

/**
 * struct vcm_foreign - a kind of memory that comes from no pool
 * @name: for debugfs
 * @release: optional; nobody maps @phys any more, and it is in no index: give
 *           back what &vcm_phys.owner keeps. May sleep. Cannot fail.
 * @nr_allocs: allocations
 * @used: bytes in them
 */
struct vcm_foreign {
	const char *name;
	void (*release)(struct vcm_phys *phys);
	atomic_long_t nr_allocs;
	atomic64_t used;
};

/**
 * struct vcm_phys - a physical allocation
 * @type: the memory type that it comes from, NULL if it comes from elsewhere
 * @foreign: from where, if @type is NULL
 * @owner: of @foreign: what keeps the memory where it is
 * @len: bytes, the sum of the chunks
 * @users: its owner, each backing, each dma-buf, and who got it from one
 * @lock: guards what follows
 * @mappers: the pieces that map it, by offset
 * @moving: vcm_phys_migrate() is at it: no new mapper; see vcm_phys_use()
 * @pins: how many were told where it is, and hold it there
 * @nr_chunks: length of @chunks
 * @chunks: the memory
 * @attr: what the memory is: VCM_MMIO; VCM_READ and VCM_WRITE if it may be read
 *        and written; VCM_CACHED, VCM_UNCACHED or VCM_WC, or none of them if it
 *        is in no linear map, so that its mappers decide
 * @linear: all of it is in the linear map, or would be if it were VCM_CACHED
 * @mapped_as: what they have decided, if @attr leaves it open; says nothing
 *             while there are none
 * @limbo: where it was to be moved to, and a unit did not answer when that was
 *         undone: freed with it, because by then every unit has answered
 */
struct vcm_phys {
	/* immutable */
	struct vcm_foreign *foreign;
	void *owner;
	size_t len;

	refcount_t users;
	spinlock_t lock;	/* guards what follows */
	struct rb_root_cached mappers;
	unsigned int pins;

	/* vcm_topology_lock, and for pins the lock, too */
	bool moving;

	/* only vcm_phys_migrate() writes them; who maps it may read them */
	struct vcm_memtype *type;
	struct vcm_chunk *chunks;
	unsigned int nr_chunks;
	u32 attr;
	struct vcm_phys *limbo;
	bool linear;

	/* vcm_cache_lock; who maps it may read it */
	u32 mapped_as;
};

/**
 * struct vcm_walker - a unit on a table
 * @node: in &vcm_table.walkers
 * @unit: the unit
 * @table: the table
 * @users: associations through it
 * @active: those of them that are active; the unit is flushed if any is
 * @unsure: the unit could not say whether it can walk another table that the
 *          context has, and is to be asked again
 */
struct vcm_walker {
	struct list_head node;
	struct vcm_iommu *unit;
	struct vcm_table *table;
	unsigned int users;
	unsigned int active;
	bool unsure;
};

/**
 * struct vcm_device - a device, as long as it is associated with anything
 * @dev: holds a reference
 * @hash: in the table of devices
 * @assocs: its associations
 * @active: one of them is active
 */
struct vcm_device {
	struct device *dev;
	struct hlist_node hash;
	struct list_head assocs;
	bool active;
};

/**
 * struct vcm_assoc - a device on a context
 * @vcm: the context; vcm_assoc_move() changes it
 * @device: the device, NULL once it is gone
 * @attr: what it may do at most, 0 if nothing restricts it; its tables have the
 *        rights that vcm_rights_of() makes of it
 * @vcm_node: in &vcm.assocs, or in &vcm.gone
 * @device_node: in &vcm_device.assocs
 * @active: the units are pointed at the tables
 * @nr_walkers: how many of @walkers the device has joined
 * @walkers: one for each unit that the device is behind
 */
struct vcm_assoc {
	struct vcm *vcm;
	struct vcm_device *device;
	u32 attr;
	struct list_head vcm_node;
	struct list_head device_node;
	bool active;
	unsigned int nr_walkers;
	struct vcm_walker **walkers;
};

/**
 * struct vcm_window_list - windows that come along with a device
 * @vcm: the context
 * @owner: the device; NULL if none come along, because they are there
 * @list: the windows
 */
struct vcm_window_list {
	const struct vcm *vcm;
	const struct vcm_device *owner;
	struct list_head list;
};

/* How many records of faults a hook keeps. */
#define VCM_HOOK_STORE	32

/**
 * struct vcm_hook_stats - what the hook of a device has seen
 * @kept: faults that its handler was called for, or is going to be
 * @dropped: faults that there was no room for
 */
struct vcm_hook_stats {
	unsigned long kept;
	unsigned long dropped;
};

/* vcm.c */
extern struct mutex vcm_topology_lock;
extern struct list_head vcm_contexts;
void vcm_release(struct kref *ref);

/* vcm_assoc.c */
struct vcm_walker *vcm_assoc_enter(struct vcm_assoc *assoc,
				   struct vcm_iommu *unit, u32 attr,
				   struct vcm_window_list *windows);
void vcm_leave_table(struct vcm *vcm, struct vcm_walker *walker,
		     const struct vcm_device *owner);
int vcm_assoc_activate(struct vcm_assoc *assoc);
void vcm_assoc_deactivate(struct vcm_assoc *assoc);
void vcm_assoc_forget(struct vcm_assoc *assoc);

/* vcm_assoc_attr.c */
int vcm_assoc_check_attr(u32 attr);

/* vcm_res.c */
void vcm_space_init(struct vcm *vcm);
bool vcm_space_end(struct vcm *vcm);
void vcm_space_unpark(struct vcm *vcm);
int vcm_space_admit(struct vcm *vcm, const struct vcm_geometry *usable,
		    struct list_head *windows, struct device *dev);
void vcm_space_retract(struct vcm *vcm, const struct vcm_geometry *usable,
		       const struct vcm_device *owner);
int vcm_space_place(struct vcm *vcm, struct vcm_res *res,
		    const dma_addr_t *addr, size_t len);
struct vcm_res *vcm_res_new(struct vcm *vcm, struct vcm_bound *bound, u32 attr);
void vcm_res_discard(struct vcm_res *res);
struct vcm_res *vcm_res_make(struct vcm *vcm, struct vcm_bound *bound,
			     const dma_addr_t *addr, size_t len, u32 attr);
void vcm_space_exit(struct vcm *vcm);
struct vcm_res *vcm_res_duplicate(struct vcm_res *res, struct vcm *vcm);
int vcm_res_place_floating(struct vcm_res *res, struct vcm_phys *phys);
void vcm_res_lift_floating(struct vcm_res *res);
void vcm_res_publish(struct vcm_res *res, enum vcm_res_state state);

/* Does memory decide where a reservation lies? */
static inline bool vcm_space_floats(const struct vcm *vcm)
{
	return vcm->home_ops && vcm->home_ops->place;
}

/* Does somebody else hand the addresses out? */
static inline bool vcm_space_is_lent(const struct vcm *vcm)
{
	return vcm->home_ops && vcm->home_ops->reserve;
}

/**
 * vcm_res_claim() - begin to back or to unback a reservation
 * @res: the reservation
 * @from: the states that it may be in, a mask of BIT(enum vcm_res_state)
 *
 * Context: The caller holds &vcm.lock for reading until it publishes.
 * Return: the state that it was in, and it is VCM_RES_MOVING now; -ENOENT if
 * it is unreserved, or idle where it should not be; -EAGAIN while its memory
 * is being moved; -EBUSY in any other state.
 */
static inline int vcm_res_claim(struct vcm_res *res, unsigned long from)
{
	struct vcm *vcm = res->vcm;
	enum vcm_res_state state;

	lockdep_assert_held_read(&vcm->lock);

	spin_lock(&vcm->res_lock);
	state = res->state;
	if (from & BIT(state))
		res->state = VCM_RES_MOVING;
	spin_unlock(&vcm->res_lock);

	if (likely(from & BIT(state)))
		return state;
	if (state == VCM_RES_MIGRATING)
		return -EAGAIN;
	return state == VCM_RES_GONE || state == VCM_RES_IDLE ? -ENOENT : -EBUSY;
}

/**
 * vcm_res_place() - give a floating reservation the addresses of its memory
 * @res: the reservation; one that has its addresses for good keeps them
 * @phys: the memory
 *
 * It gives them back when it is idle again.
 *
 * Context: The caller has claimed @res and still holds &vcm.lock.
 * Return: 0; -EBUSY if they are reserved; -ERANGE if the context does not have
 * them, its devices cannot use them, or they are not aligned as @res demands.
 */
static inline int vcm_res_place(struct vcm_res *res, struct vcm_phys *phys)
{
	return unlikely(res->floating) ? vcm_res_place_floating(res, phys) : 0;
}

/**
 * vcm_res_lift() - undo vcm_res_place(), or as much of it as there is
 * @res: the reservation; one that has its addresses for good keeps them
 *
 * Context: The caller holds &vcm.res_lock.
 */
static inline void vcm_res_lift(struct vcm_res *res)
{
	lockdep_assert_held(&res->vcm->res_lock);

	if (unlikely(res->floating))
		vcm_res_lift_floating(res);
}

static inline dma_addr_t vcm_res_addr(const struct vcm_res *res)
{
	return res->range.first;
}

static inline size_t vcm_res_len(const struct vcm_res *res)
{
	return res->len;
}

/* Are the @len bytes at @off, not none, inside of @whole bytes? */
static inline bool vcm_part_of(size_t off, size_t len, size_t whole)
{
	return len <= whole && off <= whole - len;
}

/* vcm_piece.c */
struct vcm_piece *vcm_piece_alloc(void);
void vcm_piece_free_extra(struct vcm_piece *piece);
void vcm_res_link_piece(struct vcm_piece *piece);
void vcm_res_drop_many(struct vcm_res *res);
void vcm_res_stick_pieces(struct vcm_res *res);
struct vcm_piece *vcm_res_find_piece(struct vcm_res *res, size_t first,
				     size_t last);

/**
 * vcm_piece_new() - a piece that is in no tree yet
 * @res: the reservation, claimed
 * @off: where in it, in bytes
 * @phys: the memory; the caller has counted the piece as a user
 * @phys_off: first byte of @phys
 * @len: bytes
 *
 * Context: May sleep.
 * Return: the piece, or NULL if there is no memory.
 */
static inline struct vcm_piece *vcm_piece_new(struct vcm_res *res, size_t off,
					      struct vcm_phys *phys,
					      size_t phys_off, size_t len)
{
	struct vcm_piece *piece = &res->first;

	if (unlikely(!RB_EMPTY_ROOT(&res->pieces)))
		piece = vcm_piece_alloc();
	if (unlikely(!piece))
		return NULL;
	piece->res = res;
	piece->phys = phys;
	piece->off = off;
	piece->stuck = false;
	piece->mapper.start = phys_off;
	piece->mapper.last = phys_off + len - 1;
	return piece;
}

/**
 * vcm_piece_free() - undo vcm_piece_new()
 * @piece: the piece, in no tree
 *
 * Context: Any.
 */
static inline void vcm_piece_free(struct vcm_piece *piece)
{
	if (unlikely(piece != &piece->res->first))
		vcm_piece_free_extra(piece);
}

/* The piece of a reservation that has one and no more, NULL otherwise */
static inline struct vcm_piece *vcm_only_piece(const struct vcm_res *res)
{
	struct rb_node *root = res->pieces.rb_node;

	if (unlikely(!root || root->rb_left || root->rb_right))
		return NULL;
	return rb_entry(root, struct vcm_piece, node);
}

static inline struct vcm_piece *vcm_first_piece(const struct vcm_res *res)
{
	return rb_entry_safe(rb_first(&res->pieces), struct vcm_piece, node);
}

static inline struct vcm_piece *vcm_next_piece(const struct vcm_piece *piece)
{
	return rb_entry_safe(rb_next(&piece->node), struct vcm_piece, node);
}

#define vcm_for_each_piece(res, piece)				\
	for ((piece) = vcm_first_piece(res); (piece);		\
	     (piece) = vcm_next_piece(piece))

static inline dma_addr_t vcm_piece_addr(const struct vcm_piece *piece)
{
	return vcm_res_addr(piece->res) + piece->off;
}

static inline size_t vcm_piece_len(const struct vcm_piece *piece)
{
	return piece->mapper.last - piece->mapper.start + 1;
}

/* vcm_cache.c */

/* How much of memory the CPU sees at a time, to copy or clean it. */
#define VCM_WINDOW	SZ_1M

extern struct mutex vcm_cache_lock;
const char *vcm_cache_name(u32 attr);
enum vcm_linear vcm_find_linear(phys_addr_t pa, size_t len);
int vcm_cache_apply(struct vcm_phys *phys, struct vcm_chunks *chunks, u32 cache);
int vcm_cache_undo(struct vcm_chunk *chunks, unsigned int nr, u32 cache);
void *vcm_window_open(phys_addr_t pa, size_t len, u32 cache);
void vcm_window_close(void *p, size_t len);
int vcm_cache_clean(const struct vcm_chunk *chunk);
int vcm_cache_decide(struct vcm_res *res, size_t off, struct vcm_phys *phys);
int vcm_cache_can_switch(struct vcm_res *res, u32 attr);
int vcm_cache_switch(struct vcm_res *res, u32 attr);
void vcm_cache_switch_back(struct vcm_res *res);
void vcm_cache_show(struct seq_file *s);

/* At most one? */
static inline bool vcm_cache_is_one(u32 attr)
{
	return !(attr & VCM_CACHE_MASK & ((attr & VCM_CACHE_MASK) - 1));
}

/* How everybody maps the memory; the caller does, or is about to. */
static inline u32 vcm_phys_cache(const struct vcm_phys *phys)
{
	return (phys->attr | READ_ONCE(phys->mapped_as)) & VCM_CACHE_MASK;
}

/* vcm_phys.c */

/**
 * struct vcm_phys_iter - a walk over memory in physically contiguous runs
 * @chunk: the chunk that @off lies in
 * @off: where the walk stands, in bytes
 * @end: where it ends
 */
struct vcm_phys_iter {
	const struct vcm_chunk *chunk;
	size_t off;
	size_t end;
};

/**
 * vcm_phys_iter_of() - begin a walk over part of an allocation
 * @phys: the allocation
 * @off: first byte
 * @len: bytes, all of them in @phys
 *
 * Context: The chunks stay as they are until the walk ends.
 * Return: the walk. Who declares it with this value does not pay for a compiler
 * that fills what is declared without one.
 */
static inline struct vcm_phys_iter
vcm_phys_iter_of(const struct vcm_phys *phys, size_t off, size_t len)
{
	unsigned int low = 0, high = off ? phys->nr_chunks : 1;

	/* The last chunk that begins at @off or before. */
	while (high - low > 1) {
		unsigned int mid = low + (high - low) / 2;

		if (phys->chunks[mid].off <= off)
			low = mid;
		else
			high = mid;
	}
	return (struct vcm_phys_iter){
		.chunk = &phys->chunks[low], .off = off, .end = off + len,
	};
}

/* All that a piece maps */
static inline struct vcm_phys_iter
vcm_piece_iter(const struct vcm_piece *piece)
{
	return vcm_phys_iter_of(piece->phys, piece->mapper.start,
				vcm_piece_len(piece));
}

/**
 * vcm_phys_iter_next() - the next physically contiguous run
 * @iter: the walk
 * @pa: where to put the run's physical address
 *
 * Return: bytes; 0 at the end.
 */
static inline size_t vcm_phys_iter_next(struct vcm_phys_iter *iter,
					phys_addr_t *pa)
{
	const struct vcm_chunk *chunk = iter->chunk;
	size_t len, off = iter->off;

	if (off == iter->end)
		return 0;
	*pa = vcm_chunk_pa(chunk) + (off - chunk->off);
	do {
		len = chunk->off + vcm_chunk_len(chunk) - off;
		chunk++;
	} while (len < iter->end - off && vcm_chunk_pa(chunk) == *pa + len);
	len = min(len, iter->end - off);
	iter->chunk = chunk;
	iter->off = off + len;
	return len;
}

/**
 * vcm_phys_use() - count a user of an allocation
 * @phys: the allocation
 *
 * vcm_phys_migrate() says that it is moving, and then takes &vcm.lock of every
 * context for writing. So who has not seen it is done before anything moves.
 *
 * Context: Any but interrupts. The caller holds &vcm.lock of the context that
 * is about to map it, or vcm_topology_lock.
 * Return: true; false if it is being moved, and may have no new ones now.
 */
static __always_inline bool vcm_phys_use(struct vcm_phys *phys)
{
	if (unlikely(READ_ONCE(phys->moving)))
		return false;
	refcount_inc(&phys->users);
	return true;
}

/**
 * vcm_phys_unuse() - undo vcm_phys_use()
 * @phys: the allocation
 *
 * Context: Any.
 */
static inline void vcm_phys_unuse(struct vcm_phys *phys)
{
	refcount_dec(&phys->users);
}

/* interval_tree_insert() of the first one: nothing to be kept in balance */
static inline void vcm_phys_add_first(struct vcm_phys *phys,
				      struct interval_tree_node *mapper)
{
	mapper->__subtree_last = mapper->last;
	rb_link_node(&mapper->rb, NULL, &phys->mappers.rb_root.rb_node);
	rb_insert_color_cached(&mapper->rb, &phys->mappers, true);
}

/**
 * vcm_phys_add_mapper() - note that a piece maps its memory
 * @piece: the piece; counts as a user of the memory already
 *
 * Context: The caller holds &vcm.res_lock of the reservation.
 */
static __always_inline void vcm_phys_add_mapper(struct vcm_piece *piece)
{
	struct vcm_phys *phys = piece->phys;

	lockdep_assert_held(&piece->res->vcm->res_lock);

	spin_lock(&phys->lock);
	if (likely(RB_EMPTY_ROOT(&phys->mappers.rb_root)))
		vcm_phys_add_first(phys, &piece->mapper);
	else
		interval_tree_insert(&piece->mapper, &phys->mappers);
	WRITE_ONCE(piece->filed, phys);
	spin_unlock(&phys->lock);
}

/**
 * vcm_phys_remove_mapper() - undo vcm_phys_add_mapper()
 * @piece: the piece
 *
 * Context: The caller holds &vcm.res_lock of the reservation.
 */
static __always_inline void vcm_phys_remove_mapper(struct vcm_piece *piece)
{
	struct vcm_phys *phys = piece->phys;
	struct rb_node *node = &piece->mapper.rb;

	lockdep_assert_held(&piece->res->vcm->res_lock);

	spin_lock(&phys->lock);
	/* If it is the only one, there is no tree to be kept in balance. */
	if (phys->mappers.rb_root.rb_node == node && !node->rb_left &&
	    !node->rb_right)
		phys->mappers = RB_ROOT_CACHED;
	else
		interval_tree_remove(&piece->mapper, &phys->mappers);
	WRITE_ONCE(piece->filed, NULL);
	spin_unlock(&phys->lock);
}

void vcm_phys_publish(struct vcm_phys *phys, struct vcm_chunks *chunks);
void vcm_phys_swap(struct vcm_phys *a, struct vcm_phys *b);
u32 vcm_phys_mapped_as(struct vcm_phys *phys, const struct vcm_res *except);
int vcm_phys_pin(struct vcm_phys *phys);
void vcm_phys_pin_again(struct vcm_phys *phys);
void vcm_phys_unpin(struct vcm_phys *phys);
size_t vcm_phys_count_mappers(struct vcm_phys *phys);
int vcm_phys_find_addr(struct vcm_phys *phys, size_t off, struct vcm *vcm,
		       dma_addr_t *addr);
bool vcm_memory_is_in(phys_addr_t pa, size_t len, struct vcm_res *res,
		      size_t res_first, size_t res_last);

/* vcm_piece.c, as far as most backings go */

static inline void vcm_res_link_first(struct vcm_piece *piece)
{
	struct rb_root *pieces = &piece->res->pieces;

	rb_link_node(&piece->node, NULL, &pieces->rb_node);
	rb_insert_color(&piece->node, pieces);
}

/**
 * vcm_res_add_piece() - publish a piece
 * @piece: the piece, which overlaps no other
 * @state: the new state of its reservation, which the caller has claimed
 *
 * Context: The caller still holds &vcm.lock.
 */
static __always_inline void vcm_res_add_piece(struct vcm_piece *piece,
					      enum vcm_res_state state)
{
	struct vcm_res *res = piece->res;
	struct vcm *vcm = res->vcm;

	spin_lock(&vcm->res_lock);
	WARN_ON_ONCE(res->state != VCM_RES_MOVING);
	if (likely(RB_EMPTY_ROOT(&res->pieces)))
		vcm_res_link_first(piece);
	else
		vcm_res_link_piece(piece);
	vcm_phys_add_mapper(piece);
	res->state = state;
	spin_unlock(&vcm->res_lock);
}

/* Nothing maps its memory through the piece any more, nor uses it. */
static __always_inline void vcm_piece_drop(struct vcm_piece *piece)
{
	struct vcm_phys *phys = piece->phys;

	vcm_phys_remove_mapper(piece);
	vcm_phys_unuse(phys);
	vcm_piece_free(piece);
}

/**
 * vcm_res_drop_pieces() - publish that nothing backs a reservation any more
 * @res: the reservation, claimed; idle on return, and no user of its memory
 *
 * Context: The caller still holds &vcm.lock.
 */
static __always_inline void vcm_res_drop_pieces(struct vcm_res *res)
{
	struct vcm_piece *piece = vcm_only_piece(res);
	struct vcm *vcm = res->vcm;

	spin_lock(&vcm->res_lock);
	WARN_ON_ONCE(res->state != VCM_RES_MOVING);
	if (likely(piece))
		vcm_piece_drop(piece);
	else
		vcm_res_drop_many(res);
	res->pieces = RB_ROOT;
	vcm_res_lift(res);
	res->state = VCM_RES_IDLE;
	spin_unlock(&vcm->res_lock);
}

/* Of somebody who holds it, for one more. */
static inline void vcm_phys_get(struct vcm_phys *phys)
{
	refcount_inc(&phys->users);
}

/* Of all bytes: the caller holds the lock, or has claimed all mappers. */
static inline struct vcm_piece *vcm_mapper_to_piece(struct interval_tree_node *node)
{
	return node ? container_of(node, struct vcm_piece, mapper) : NULL;
}

#define vcm_phys_for_each_piece(phys, piece)				\
	for ((piece) = vcm_mapper_to_piece(interval_tree_iter_first(	\
			&(phys)->mappers, 0, ULONG_MAX));		\
	     (piece);							\
	     (piece) = vcm_mapper_to_piece(interval_tree_iter_next(	\
			&(piece)->mapper, 0, ULONG_MAX)))

/* vcm_memtype.c */
extern struct mutex vcm_memtypes_lock;
int vcm_memtype_take(struct vcm_memtype **type, size_t len, u32 attr, int nid,
		     struct vcm_chunks *chunks);
void vcm_memtype_give(struct vcm_memtype *type, struct vcm_chunk *chunks,
		      unsigned int nr);
int vcm_chunks_grow(struct vcm_chunks *chunks, unsigned int room);
void vcm_memtypes_visit(void (*visit)(const struct vcm_memtype *type));
void vcm_memtype_show(struct seq_file *s);

/* vcm_user_pages.c */
extern struct vcm_foreign vcm_foreign_user;

/* vcm_import.c */
extern struct vcm_foreign vcm_foreign_dma_buf;

/* vcm_foreign.c */
int vcm_chunks_add(struct vcm_chunks *chunks, phys_addr_t pa, size_t len);
struct vcm_phys *vcm_foreign_create(struct vcm_foreign *foreign, void *owner,
				    struct vcm_chunks *chunks, u32 attr);
void vcm_foreign_release(struct vcm_phys *phys);
void vcm_foreign_show(struct seq_file *s);

/* vcm_dmabuf.c; here for its tests */
void vcm_export_sync(struct device *dev, struct sg_table *table,
		     enum dma_data_direction dir, bool to_device);

/* vcm_heap.c; with CONFIG_VCM_DMABUF_HEAPS only */
bool vcm_heap_exists(const char *type);
struct dma_buf *vcm_heap_buffer(const char *type, size_t len, int flags);
#ifdef CONFIG_VCM_DMABUF_HEAPS
void vcm_heap_add(const struct vcm_memtype *type);
#else
static inline void vcm_heap_add(const struct vcm_memtype *type)
{
}
#endif

/* vcm_pool.c */
extern const struct vcm_pool_ops vcm_pool_pages;
int vcm_pool_init(struct vcm_pool *pool, const struct vcm_pool_desc *desc);

/* vcm_copy.c */
extern struct rw_semaphore vcm_copy_lock;
int vcm_phys_copy(struct vcm_phys *to, size_t to_off, struct vcm_phys *from,
		  size_t from_off, size_t len);

/* vcm_table.c */
void vcm_table_add(struct vcm *vcm, struct vcm_table *table, u32 rights);
int vcm_table_map(struct vcm_table *table, const struct vcm_piece *piece,
		  u32 attr, gfp_t gfp, size_t *left);
/* So many single pages at a time; their addresses are on the stack. */
#define VCM_LIST	32

int vcm_table_map_runs(struct vcm_table *table, const struct vcm_piece *piece,
		       u32 grants, gfp_t gfp, size_t *done);
int vcm_table_refuse(struct vcm_table *table, dma_addr_t addr, phys_addr_t pa,
		     size_t len);
void vcm_table_warn(struct vcm_table *table, dma_addr_t addr, size_t len,
		    size_t unmapped);
struct vcm_walker *vcm_table_add_walker(struct vcm_table *table,
					struct vcm_iommu *unit);
void vcm_table_put_walker(struct vcm_walker *walker);
void vcm_tables_get_geometry(struct vcm *vcm, struct vcm_geometry *usable);

/* What a table has, given the attributes of an association. */
static inline u32 vcm_rights_of(u32 attr)
{
	return attr ?: VCM_ALL_RIGHTS;
}

/*
 * What a table grants through a reservation with these attributes: what both
 * do. VCM_PRIV takes something away, so either of the two is enough.
 */
static inline u32 vcm_table_grants(const struct vcm_table *table, u32 attr)
{
	return (attr & (table->rights | VCM_PRIV | VCM_MMIO)) |
	       (table->rights & VCM_PRIV);
}

/* If it grants nothing that would let a device in, there is no entry. */
static inline bool vcm_table_has(const struct vcm_table *table, u32 attr)
{
	return attr & table->rights & (VCM_READ | VCM_WRITE);
}

/* Nothing that is not attached holds translations of the table. */
static inline bool vcm_walker_caches(const struct vcm_walker *walker)
{
	return walker->active && walker->unit->ops->invalidate;
}

/* Is there a unit to be flushed, or do the tables of this kind do it? */
static inline bool vcm_table_is_cached(const struct vcm_table *table)
{
	const struct vcm_walker *walker;

	list_for_each_entry(walker, &table->walkers, node)
		if (vcm_walker_caches(walker))
			return true;
	return false;
}

/**
 * vcm_table_unmap() - remove a mapping from a table and from every unit on it
 * @table: the table
 * @addr: first device address
 * @len: bytes, all of them mapped
 * @attr: attributes of the reservation, with which they were mapped
 *
 * Context: May sleep. The caller holds &vcm.lock.
 * Return: 0, or -EIO if a unit did not answer the flush: nothing is mapped any
 * more, but that unit may go on using what it cached.
 */
static inline int vcm_table_unmap(struct vcm_table *table, dma_addr_t addr,
				  size_t len, u32 attr)
{
	size_t unmapped;

	lockdep_assert_held(&table->vcm->lock);

	if (unlikely(!len || !vcm_table_has(table, attr)))
		return 0;
	unmapped = table->ops->unmap(table, addr, len);
	if (unlikely(unmapped != len))
		vcm_table_warn(table, addr, len, unmapped);
	return vcm_table_is_cached(table) ? vcm_table_flush(table, addr, len) :
					    0;
}

/* Can the entry be written at all? The driver need not ask again. */
static inline bool vcm_table_fits(u64 addr, u64 pa, u64 len, u64 granule,
				  u64 last_pa)
{
	return IS_ALIGNED(addr | pa | len, granule) && pa <= last_pa &&
	       len - 1 <= last_pa - pa;
}

/* One run. @mapped is for errors only, as with the driver. */
static __always_inline int vcm_table_map_run(struct vcm_table *table,
					     dma_addr_t addr, phys_addr_t pa,
					     size_t len, u32 grants, gfp_t gfp,
					     size_t *mapped)
{
	if (unlikely(!vcm_table_fits(addr, pa, len,
				     BIT_ULL(__ffs(table->geo.pgsizes)),
				     table->geo.last_pa)))
		return vcm_table_refuse(table, addr, pa, len);
	return table->ops->map(table, addr, pa, len, grants, gfp, mapped);
}

/* vcm_table_map(), inline as far as memory goes that comes in one run */
static __always_inline int __vcm_table_map(struct vcm_table *table,
					   const struct vcm_piece *piece,
					   u32 attr, gfp_t gfp, size_t *left)
{
	size_t done = 0, len = vcm_piece_len(piece);
	struct vcm_phys_iter iter = vcm_piece_iter(piece);
	phys_addr_t pa;
	u32 grants;
	int ret;

	lockdep_assert_held(&table->vcm->lock);

	if (unlikely(!vcm_table_has(table, attr)))
		return 0;
	grants = vcm_table_grants(table, attr) | vcm_phys_cache(piece->phys);
	if (likely(vcm_phys_iter_next(&iter, &pa) == len))
		ret = vcm_table_map_run(table, vcm_piece_addr(piece), pa, len,
					grants, gfp, &done);
	else
		ret = vcm_table_map_runs(table, piece, grants, gfp, &done);
	if (unlikely(ret) && vcm_table_unmap(table, vcm_piece_addr(piece), done,
					     attr))
		*left = done;
	return ret;
}

/* vcm_back.c */
int vcm_back_begin(struct vcm_res *res, unsigned long from,
		   struct vcm_phys *phys);
int vcm_back_allowed(struct vcm_res *res, const struct vcm_phys *phys, u32 attr);
int vcm_piece_unmap(const struct vcm_piece *piece);
int vcm_piece_map(const struct vcm_piece *piece, gfp_t gfp, size_t *left);
int vcm_res_unmap(struct vcm_res *res);
int vcm_res_map(struct vcm_res *res, u32 attr, gfp_t gfp, size_t *left);
int vcm_back_replay(struct vcm *vcm, struct vcm_table *table,
		    struct device *dev);
void vcm_back_empty(struct vcm *vcm, struct vcm_table *table,
		    struct vcm_res *end);

/* vcm_fault.c */
extern struct ratelimit_state vcm_fault_limit;
int vcm_hook_add(struct device *dev, vcm_handler handler, void *data);
int vcm_hook_remove(struct device *dev);
int vcm_hook_get_stats(struct device *dev, struct vcm_hook_stats *stats);
void vcm_hooks_show(struct seq_file *m);

/* vcm_unit.c */
struct vcm_iommu *vcm_unit_get(struct device *dev, unsigned int index);

/* Rights as people read them: "rw--" */
struct vcm_rights {
	char text[6];
};

static inline struct vcm_rights vcm_show_rights(u32 attr)
{
	return (struct vcm_rights){ .text = {
		attr & VCM_READ ? 'r' : '-',
		attr & VCM_WRITE ? 'w' : '-',
		attr & VCM_EXEC ? 'x' : '-',
		attr & VCM_PRIV ? 'p' : '-',
		attr & VCM_MMIO ? 'm' : '\0',
	} };
}

/* vcm_debugfs.c; with CONFIG_DEBUG_FS only, and here for its tests */
int vcm_contexts_show(struct seq_file *s, void *unused);
int vcm_units_show(struct seq_file *s, void *unused);
int vcm_graph_show(struct seq_file *s, void *unused);

/* vcm_machine.c */
void vcm_boards_show(struct seq_file *s);

#endif /* _MM_VCM_INTERNAL_H */
