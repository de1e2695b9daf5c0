// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU in software: the hardware.
 *
 * Devices that do DMA, a TLB, and what can be made to go wrong with them.
 *
 * The TLB keeps what it has once seen until it is told to forget it, whatever
 * becomes of the table, and is asked before the table. A flush that is missing
 * or too short therefore shows at the next DMA, every time; real hardware
 * shows it on a busy day.
 *
 * Translations are filed under the tag of their table (Arm says ASID). Tags are
 * used again, so a unit forgets a tag when its last device leaves the table.
 *
 * An access that faults fails, or waits for a handler to deal with it. One that
 * waits is on a list of its unit until somebody takes it off: the handler's
 * answer, the device's leaving, or its patience. Whoever does says how it ends.
 */
#include <linux/bug.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/rbtree.h>
#include <linux/slab.h>

#include "vcm_soft.h"

/**
 * struct soft_tlb_entry - one page, as the walker once saw it
 * @node: in &vcm_soft_unit.tlb, by @tag, then @page
 * @tag: of the table
 * @page: device address of the page, one granule of the unit long
 * @pa: physical address of the page
 * @attr: access rights
 */
struct soft_tlb_entry {
	struct rb_node node;
	unsigned int tag;
	dma_addr_t page;
	phys_addr_t pa;
	u32 attr;
};

/**
 * struct soft_stall - an access that waits
 * @node: in &vcm_soft_unit.stalls; &vcm_soft_unit.lock
 * @dev: the device
 * @token: what it is known by
 * @retry: how it ends; valid once it is off the list
 * @done: it is off the list
 */
struct soft_stall {
	struct list_head node;
	struct device *dev;
	u64 token;
	bool retry;
	struct completion done;
};

static int soft_tlb_cmp(const struct soft_tlb_entry *entry, unsigned int tag,
			dma_addr_t page)
{
	if (entry->tag != tag)
		return entry->tag < tag ? -1 : 1;
	if (entry->page != page)
		return entry->page < page ? -1 : 1;
	return 0;
}

static bool soft_tlb_less(struct rb_node *a, const struct rb_node *b)
{
	struct soft_tlb_entry *new = rb_entry(a, struct soft_tlb_entry, node);
	const struct soft_tlb_entry *old =
		rb_entry(b, struct soft_tlb_entry, node);

	return soft_tlb_cmp(new, old->tag, old->page) < 0;
}

/* The first entry of @tag for @page or a later one. */
static struct soft_tlb_entry *soft_tlb_find(struct vcm_soft_unit *unit,
					    unsigned int tag, dma_addr_t page)
{
	struct rb_node *node = unit->tlb.rb_node;
	struct soft_tlb_entry *found = NULL;

	lockdep_assert_held(&unit->lock);

	while (node) {
		struct soft_tlb_entry *entry =
			rb_entry(node, struct soft_tlb_entry, node);

		if (soft_tlb_cmp(entry, tag, page) < 0) {
			node = node->rb_right;
		} else {
			found = entry;
			node = node->rb_left;
		}
	}
	return found && found->tag == tag ? found : NULL;
}

static void soft_tlb_add(struct vcm_soft_unit *unit, unsigned int tag,
			 dma_addr_t page, phys_addr_t pa, u32 attr)
{
	struct soft_tlb_entry *entry;

	lockdep_assert_held(&unit->lock);

	/* Without memory it just is not cached: a TLB may forget any time. */
	entry = kmalloc(sizeof(*entry), GFP_ATOMIC | __GFP_NOWARN);
	if (!entry)
		return;
	entry->tag = tag;
	entry->page = page;
	entry->pa = pa;
	entry->attr = attr;
	rb_add(&entry->node, &unit->tlb, soft_tlb_less);
	unit->stats.tlb_entries++;
}

/* Forget [@first, @last]. Takes the time of what is there, not of its length. */
static void soft_tlb_forget(struct vcm_soft_unit *unit, unsigned int tag,
			    dma_addr_t first, dma_addr_t last)
{
	struct soft_tlb_entry *entry;

	first &= ~((dma_addr_t)unit->granule - 1);
	while ((entry = soft_tlb_find(unit, tag, first)) &&
	       entry->page <= last) {
		rb_erase(&entry->node, &unit->tlb);
		kfree(entry);
		unit->stats.tlb_entries--;
	}
}

/* Ask the TLB, then the table, and remember what it said. */
static int soft_translate(struct vcm_soft_unit *unit,
			  struct vcm_soft_table *table, dma_addr_t addr,
			  phys_addr_t *pa, u32 *attr)
{
	size_t off = addr & (unit->granule - 1);
	struct soft_tlb_entry *entry;
	struct vcm_soft_leaf leaf;
	int err;

	entry = soft_tlb_find(unit, table->tag, addr - off);
	if (entry && entry->page == addr - off) {
		*pa = entry->pa + off;
		*attr = entry->attr;
		return 0;
	}
	err = vcm_soft_table_walk(table, addr, &leaf);
	if (err)
		return err;
	soft_tlb_add(unit, table->tag, addr - off, leaf.pa - off, leaf.attr);
	*pa = leaf.pa;
	*attr = leaf.attr;
	return 0;
}

static struct vcm_soft_client *soft_find_client(struct vcm_soft_unit *unit,
						struct device *dev)
{
	struct vcm_soft_client *client;

	lockdep_assert_held(&unit->lock);

	list_for_each_entry(client, &unit->clients, node)
		if (client->dev == dev)
			return client;
	return NULL;
}

static bool soft_may(u32 attr, u32 access)
{
	if ((attr & VCM_PRIV) && !(access & VCM_PRIV))
		return false;
	access &= ~VCM_PRIV;
	return (attr & access) == access;
}

/* Where does a device look? */
static int soft_get_base(struct vcm_soft_unit *unit, struct device *dev,
			 struct vcm_soft_table **table)
{
	struct vcm_soft_client *client = soft_find_client(unit, dev);

	if (!client)
		return -ENODEV;
	if (!client->table)
		return -ENXIO;
	*table = client->table;
	return 0;
}

/* One page of a DMA. */
static int soft_dma_page(struct vcm_soft_unit *unit, struct device *dev,
			 dma_addr_t addr, void *buf, size_t len, u32 access)
{
	struct vcm_soft_table *table;
	phys_addr_t pa;
	u32 attr;
	int err;

	err = soft_get_base(unit, dev, &table);
	if (err)
		return err;
	if (soft_translate(unit, table, addr, &pa, &attr) ||
	    !soft_may(attr, access) || attr & VCM_MMIO ||
	    !pfn_valid(PHYS_PFN(pa))) {
		unit->stats.faults++;
		return -EFAULT;
	}
	if (access & VCM_WRITE)
		memcpy_to_page(pfn_to_page(PHYS_PFN(pa)), offset_in_page(pa),
			       buf, len);
	else
		memcpy_from_page(buf, pfn_to_page(PHYS_PFN(pa)),
				 offset_in_page(pa), len);
	return 0;
}

/* An access ends to wait. */
static void soft_stall_end(struct vcm_soft_unit *unit, struct soft_stall *stall,
			   bool retry)
{
	lockdep_assert_held(&unit->lock);

	list_del_init(&stall->node);
	unit->stats.stalled--;
	stall->retry = retry;
	complete(&stall->done);
}

/**
 * vcm_soft_resume() - how does an access end that waits?
 * @unit: the unit
 * @token: which one; it may be over already
 * @retry: try again; otherwise it fails
 *
 * Context: Any.
 */
void vcm_soft_resume(struct vcm_soft_unit *unit, u64 token, bool retry)
{
	struct soft_stall *stall;
	unsigned long flags;

	spin_lock_irqsave(&unit->lock, flags);
	list_for_each_entry(stall, &unit->stalls, node) {
		if (stall->token != token)
			continue;
		soft_stall_end(unit, stall, retry);
		break;
	}
	spin_unlock_irqrestore(&unit->lock, flags);
}

/* The device leaves its table: what waits fails. */
static void soft_stall_end_all(struct vcm_soft_unit *unit, struct device *dev)
{
	struct soft_stall *stall, *next;

	list_for_each_entry_safe(stall, next, &unit->stalls, node)
		if (stall->dev == dev)
			soft_stall_end(unit, stall, false);
}

/* Say so. Does the access wait for an answer? */
static bool soft_report(struct vcm_soft_unit *unit, struct device *dev,
			dma_addr_t addr, u32 access, struct soft_stall *stall)
{
	struct vcm_soft_client *client = soft_find_client(unit, dev);
	struct vcm_fault fault = {
		.unit = &unit->iommu,
		.table = &client->table->table,
		.dev = dev,
		.addr = addr,
		.access = access,
		.stalled = stall,
	};

	if (stall)
		fault.token = ++unit->last_token;
	if (vcm_report_fault(&fault) || !stall)
		return false;
	stall->dev = dev;
	stall->token = fault.token;
	init_completion(&stall->done);
	list_add_tail(&stall->node, &unit->stalls);
	unit->stats.stalled++;
	return true;
}

/* Wait for the answer, until @deadline. */
static bool soft_stall_wait(struct vcm_soft_unit *unit,
			    struct soft_stall *stall, unsigned long deadline)
{
	long left = deadline - jiffies;
	unsigned long flags;

	wait_for_completion_timeout(&stall->done, max(left, 0L));
	spin_lock_irqsave(&unit->lock, flags);
	if (!list_empty(&stall->node))
		soft_stall_end(unit, stall, false);
	spin_unlock_irqrestore(&unit->lock, flags);
	return stall->retry;
}

/* One page of a DMA, and what becomes of it if it faults. */
static int soft_dma_try(struct vcm_soft_unit *unit, struct device *dev,
			dma_addr_t addr, void *buf, size_t len, u32 access,
			unsigned long deadline)
{
	struct soft_stall stall;
	bool again;
	int err;

	do {
		unsigned long flags;
		bool waits = false;

		spin_lock_irqsave(&unit->lock, flags);
		err = soft_dma_page(unit, dev, addr, buf, len, access);
		if (err == -EFAULT)
			waits = soft_report(unit, dev, addr, access,
					    unit->config.stall_ms ? &stall :
								    NULL);
		spin_unlock_irqrestore(&unit->lock, flags);
		again = waits && soft_stall_wait(unit, &stall, deadline);
	} while (again);
	return err;
}

/**
 * vcm_soft_dma() - let a device read or write memory
 * @unit: the unit through which
 * @dev: the device
 * @addr: first device address
 * @buf: kernel memory: the device's own buffer, so to say
 * @len: bytes; any number, at any address
 * @access: VCM_READ to copy memory to @buf or VCM_WRITE to copy @buf to memory,
 *          one of the two; with VCM_READ, VCM_EXEC for an instruction fetch;
 *          VCM_PRIV for a privileged access
 *
 * Pages are translated one after the other: when one faults, those before it
 * have been transferred. The lock is held until the last byte of a page is
 * copied: whoever invalidates takes it, and so waits for the accesses that are
 * under way, as hardware does before it reports a flush complete.
 *
 * A fault is reported. If @unit has &vcm_soft_config.stall_ms, the access waits
 * until a handler has dealt with it, and is tried again if that says so; it
 * fails if there is no handler, if the time is over, or when @dev leaves its
 * table. @unit may be destroyed meanwhile.
 *
 * Context: Any; does not sleep, unless @unit has &vcm_soft_config.stall_ms.
 * Return: 0; -EFAULT if there is no translation, no permission or no memory;
 * -ENXIO if @dev is attached to nothing; -ENODEV if it is not behind @unit;
 * -EINVAL for an @access that makes no sense or a range that wraps.
 */
int vcm_soft_dma(struct vcm_iommu *unit, struct device *dev, dma_addr_t addr,
		 void *buf, size_t len, u32 access)
{
	u32 direction = access & (VCM_READ | VCM_WRITE);
	struct vcm_soft_unit *soft = to_soft_unit(unit);
	unsigned int stall_ms = soft->config.stall_ms;
	unsigned long deadline = jiffies + msecs_to_jiffies(stall_ms);
	dma_addr_t last;
	int err = 0;

	if ((direction != VCM_READ && direction != VCM_WRITE) ||
	    ((access & VCM_EXEC) && direction != VCM_READ) ||
	    (access & ~VCM_SOFT_RIGHTS))
		return -EINVAL;
	if (len && check_add_overflow(addr, len - 1, &last))
		return -EINVAL;

	might_sleep_if(stall_ms);
	if (stall_ms)
		vcm_iommu_get(unit);
	while (len) {
		size_t off = addr & (soft->granule - 1);
		size_t n = min(len, soft->granule - off);

		err = soft_dma_try(soft, dev, addr, buf, n, access, deadline);
		if (err)
			break;
		addr += n;
		buf += n;
		len -= n;
	}
	if (stall_ms)
		vcm_iommu_put(unit);
	return err;
}
EXPORT_SYMBOL_GPL(vcm_soft_dma);

/**
 * vcm_soft_walk() - what does the table say that a device is attached to?
 * @unit: the unit through which
 * @dev: the device
 * @addr: device address
 * @leaf: where to put it
 *
 * Reads the table and not the TLB.
 *
 * Context: Any; does not sleep.
 * Return: 0; -ENOENT if @addr is not mapped; -ENXIO if @dev is attached to
 * nothing; -ENODEV if it is not behind @unit.
 */
int vcm_soft_walk(struct vcm_iommu *unit, struct device *dev, dma_addr_t addr,
		  struct vcm_soft_leaf *leaf)
{
	struct vcm_soft_unit *soft = to_soft_unit(unit);
	struct vcm_soft_table *table;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&soft->lock, flags);
	err = soft_get_base(soft, dev, &table);
	if (!err)
		err = vcm_soft_table_walk(table, addr, leaf);
	spin_unlock_irqrestore(&soft->lock, flags);
	return err;
}
EXPORT_SYMBOL_GPL(vcm_soft_walk);

/**
 * vcm_soft_has_device() - is a device behind a unit?
 * @unit: the unit
 * @dev: the device
 *
 * Context: Any.
 * Return: true if it is.
 */
bool vcm_soft_has_device(struct vcm_soft_unit *unit, struct device *dev)
{
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&unit->lock, flags);
	found = soft_find_client(unit, dev);
	spin_unlock_irqrestore(&unit->lock, flags);
	return found;
}

/**
 * vcm_soft_add_device() - put a device behind a unit
 * @unit: the unit
 * @dev: the device; may be behind several units
 *
 * Context: May sleep.
 * Return: 0, -EEXIST if it is behind @unit already, -ENOMEM.
 */
int vcm_soft_add_device(struct vcm_iommu *unit, struct device *dev)
{
	struct vcm_soft_unit *soft = to_soft_unit(unit);
	struct vcm_soft_client *client;
	unsigned long flags;
	bool known;

	client = kzalloc(sizeof(*client), GFP_KERNEL);
	if (!client)
		return -ENOMEM;
	client->dev = get_device(dev);

	spin_lock_irqsave(&soft->lock, flags);
	known = soft_find_client(soft, dev);
	if (!known)
		list_add_tail(&client->node, &soft->clients);
	spin_unlock_irqrestore(&soft->lock, flags);
	if (!known)
		return 0;

	put_device(dev);
	kfree(client);
	return -EEXIST;
}
EXPORT_SYMBOL_GPL(vcm_soft_add_device);

/**
 * vcm_soft_set_base() - point a device at a table
 * @unit: the unit
 * @dev: the device
 * @table: the table
 *
 * A DMA on another CPU looks at the table with the lock held, so it finds
 * either nothing or a table that is complete.
 *
 * Context: Any.
 * Return: 0; -ENODEV if @dev is not behind @unit; -EBUSY if it is attached.
 */
int vcm_soft_set_base(struct vcm_soft_unit *unit, struct device *dev,
		      struct vcm_soft_table *table)
{
	struct vcm_soft_client *client;
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&unit->lock, flags);
	client = soft_find_client(unit, dev);
	if (!client) {
		err = -ENODEV;
	} else if (WARN_ON_ONCE(client->table)) {
		err = -EBUSY;
	} else {
		client->table = table;
		unit->stats.attached++;
	}
	spin_unlock_irqrestore(&unit->lock, flags);
	return err;
}

static bool soft_is_pointed_at(struct vcm_soft_unit *unit,
			       const struct vcm_soft_table *table)
{
	struct vcm_soft_client *client;

	lockdep_assert_held(&unit->lock);

	list_for_each_entry(client, &unit->clients, node)
		if (client->table == table)
			return true;
	return false;
}

static void soft_leave(struct vcm_soft_unit *unit,
		       struct vcm_soft_client *client)
{
	struct vcm_soft_table *table = client->table;

	if (!table)
		return;
	client->table = NULL;
	unit->stats.attached--;
	soft_stall_end_all(unit, client->dev);
	/* Nobody here uses the tag any more, and another table may get it. */
	if (!soft_is_pointed_at(unit, table))
		soft_tlb_forget(unit, table->tag, 0, ~(dma_addr_t)0);
}

/**
 * vcm_soft_clear_base() - point a device at nothing
 * @unit: the unit
 * @dev: the device
 *
 * Context: Any.
 */
void vcm_soft_clear_base(struct vcm_soft_unit *unit, struct device *dev)
{
	struct vcm_soft_client *client;
	unsigned long flags;

	spin_lock_irqsave(&unit->lock, flags);
	client = soft_find_client(unit, dev);
	if (client)
		soft_leave(unit, client);
	spin_unlock_irqrestore(&unit->lock, flags);
}

/**
 * vcm_soft_remove_device() - take a device from behind a unit
 * @unit: the unit
 * @dev: the device; must not be attached any more
 *
 * Context: May sleep.
 */
void vcm_soft_remove_device(struct vcm_iommu *unit, struct device *dev)
{
	struct vcm_soft_unit *soft = to_soft_unit(unit);
	struct vcm_soft_client *client;
	unsigned long flags;

	spin_lock_irqsave(&soft->lock, flags);
	client = soft_find_client(soft, dev);
	if (client) {
		WARN_ON_ONCE(client->table);
		soft_leave(soft, client);
		list_del(&client->node);
	}
	spin_unlock_irqrestore(&soft->lock, flags);
	if (!client)
		return;
	put_device(client->dev);
	kfree(client);
}
EXPORT_SYMBOL_GPL(vcm_soft_remove_device);

static bool soft_fires(struct vcm_soft_unit *unit, enum vcm_soft_fault fault)
{
	struct vcm_soft_injector *injector = &unit->faults[fault];

	lockdep_assert_held(&unit->lock);

	if (!injector->times)
		return false;
	if (injector->after) {
		injector->after--;
		return false;
	}
	if (injector->times > 0)
		injector->times--;
	return true;
}

/**
 * vcm_soft_fires() - is it time to do something wrong?
 * @unit: the unit
 * @fault: what it is about to do
 *
 * Context: Any.
 * Return: true if it must go wrong; counts the occasion either way.
 */
bool vcm_soft_fires(struct vcm_soft_unit *unit, enum vcm_soft_fault fault)
{
	unsigned long flags;
	bool fires;

	spin_lock_irqsave(&unit->lock, flags);
	fires = soft_fires(unit, fault);
	spin_unlock_irqrestore(&unit->lock, flags);
	return fires;
}

/**
 * vcm_soft_fail() - tell an instance to do something wrong
 * @unit: the unit
 * @fault: what
 * @after: how many times it still goes well before
 * @times: how many times it then goes wrong: -1 for ever, 0 to stop it
 *
 * VCM_SOFT_FAIL_MAP leaves the first half of the range mapped, and says so.
 * VCM_SOFT_FAIL_FLUSH and VCM_SOFT_LOSE_FLUSH spare the flush that comes
 * before a page-table page is freed.
 *
 * Context: Any.
 */
void vcm_soft_fail(struct vcm_iommu *unit, enum vcm_soft_fault fault,
		   int after, int times)
{
	struct vcm_soft_unit *soft = to_soft_unit(unit);
	unsigned long flags;

	if (WARN_ON_ONCE((unsigned int)fault >= VCM_SOFT_NR_FAULTS))
		return;
	spin_lock_irqsave(&soft->lock, flags);
	soft->faults[fault] = (struct vcm_soft_injector){
		.after = after, .times = times,
	};
	spin_unlock_irqrestore(&soft->lock, flags);
}
EXPORT_SYMBOL_GPL(vcm_soft_fail);

/**
 * vcm_soft_forget() - forget the translations of a range
 * @unit: the unit
 * @table: the table that they come from
 * @addr: first device address
 * @len: bytes
 *
 * The faults strike only after an unmap. A unit that went on walking a node
 * which is about to be freed would be a bug in this kernel, not in the one
 * that is being modelled.
 *
 * Context: Any.
 * Return: 0, or -EIO if it is told to fail.
 */
int vcm_soft_forget(struct vcm_soft_unit *unit, struct vcm_soft_table *table,
		    dma_addr_t addr, size_t len)
{
	bool walk = vcm_soft_is_walk_flush(table), fail = false, lose = false;
	unsigned long flags;

	spin_lock_irqsave(&unit->lock, flags);
	if (walk) {
		unit->stats.walk_flushes++;
	} else {
		unit->stats.flushes++;
		unit->stats.flush_addr = addr;
		unit->stats.flush_len = len;
		fail = soft_fires(unit, VCM_SOFT_FAIL_FLUSH);
		lose = fail || soft_fires(unit, VCM_SOFT_LOSE_FLUSH);
	}
	if (len && !lose)
		soft_tlb_forget(unit, table->tag, addr, addr + (len - 1));
	spin_unlock_irqrestore(&unit->lock, flags);
	return fail ? -EIO : 0;
}

/**
 * vcm_soft_get_stats() - what has an instance seen?
 * @unit: the unit
 * @stats: where to put it
 *
 * Context: Any.
 */
void vcm_soft_get_stats(struct vcm_iommu *unit, struct vcm_soft_stats *stats)
{
	struct vcm_soft_unit *soft = to_soft_unit(unit);
	unsigned long flags;

	spin_lock_irqsave(&soft->lock, flags);
	*stats = soft->stats;
	spin_unlock_irqrestore(&soft->lock, flags);
}
EXPORT_SYMBOL_GPL(vcm_soft_get_stats);

/**
 * vcm_soft_table_pages() - how much page table is there?
 * @unit: the unit
 *
 * Context: Any.
 * Return: page-table pages in use by the tables that @unit made; a node of the
 * tree counts as one, whatever its size.
 */
unsigned long vcm_soft_table_pages(struct vcm_iommu *unit)
{
	struct vcm_soft_unit *soft = to_soft_unit(unit);
	struct vcm_soft_table *table;
	unsigned long flags, nr = 0;

	spin_lock_irqsave(&soft->lock, flags);
	list_for_each_entry(table, &soft->tables, made)
		nr += table->fmt->nodes(table);
	spin_unlock_irqrestore(&soft->lock, flags);
	return nr;
}
EXPORT_SYMBOL_GPL(vcm_soft_table_pages);
