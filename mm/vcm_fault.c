// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: accesses that a unit refused.
 *
 * Whoever reports a fault may be in a hard interrupt; whoever handles it wants
 * to sleep, to back what is missing. So a report leaves a record in the hook
 * of its device, and a work item of the hook calls the handler.
 *
 * A device that has gone mad can fault faster than anybody can listen. What a
 * hook keeps is bounded, what does not fit is counted and told of, and the
 * handler is called a bounded number of times per second. Where the access
 * waits for the answer, it limits itself.
 *
 * A hook goes away in this order: it takes no record any more, its work is
 * over, nobody finds it any more, nobody who has found it is at it any more
 * (RCU), its memory is freed.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <trace/events/vcm.h>

#include "vcm_internal.h"

/* One batch of records, and how long the next one has to wait. */
#define VCM_HOOK_PAUSE	msecs_to_jiffies(10)

/**
 * struct vcm_hook - the handler of a device
 * @dev: the device, counted
 * @handler: what to call
 * @data: and what with
 * @hash: in the table of hooks
 * @removers: those who are about to remove it
 * @rcu: frees it
 * @work: calls the handler
 * @lock: guards what follows; taken in hard interrupts
 * @dead: it takes no record any more, and does not call the handler
 * @not_before: when the next batch may start, in jiffies
 * @stats: what it has seen
 * @told: how many of the dropped ones somebody was told of
 * @first: the oldest record in @store
 * @nr: how many there are
 * @store: the records, as a ring
 */
struct vcm_hook {
	/* immutable */
	struct device *dev;
	vcm_handler handler;
	void *data;

	/* vcm_hooks_lock */
	struct hlist_node hash;		/* RCU to read */
	unsigned int removers;

	struct rcu_head rcu;
	struct delayed_work work;

	raw_spinlock_t lock;	/* guards what follows */
	bool dead;
	unsigned long not_before;
	struct vcm_hook_stats stats;
	unsigned long told;
	unsigned int first;
	unsigned int nr;
	struct vcm_fault store[VCM_HOOK_STORE];
};

static DEFINE_MUTEX(vcm_hooks_lock);
static DEFINE_HASHTABLE(vcm_hooks, 6);

/* What is told of faults, to people. */
DEFINE_RATELIMIT_STATE(vcm_fault_limit, DEFAULT_RATELIMIT_INTERVAL,
		       DEFAULT_RATELIMIT_BURST);

/* The caller is an RCU reader, or holds vcm_hooks_lock. */
static struct vcm_hook *vcm_hook_find(struct device *dev)
{
	struct vcm_hook *hook;

	hash_for_each_possible_rcu(vcm_hooks, hook, hash, (unsigned long)dev,
				   lockdep_is_held(&vcm_hooks_lock))
		if (hook->dev == dev)
			return hook;
	return NULL;
}

/* The end of an access that waits. */
static void vcm_fault_resume(const struct vcm_fault *fault, bool retry)
{
	struct vcm_iommu *unit = fault->unit;
	struct module *owner = unit->ops->owner;

	unit->ops->resume(unit, fault->dev, fault->token, retry);
	vcm_iommu_put(unit);
	module_put(owner);
}

/* The oldest record, if there is one. */
static bool vcm_hook_take(struct vcm_hook *hook, struct vcm_fault *fault)
{
	unsigned long flags;
	bool found;

	raw_spin_lock_irqsave(&hook->lock, flags);
	found = hook->nr;
	if (found) {
		*fault = hook->store[hook->first];
		hook->first = (hook->first + 1) % VCM_HOOK_STORE;
		hook->nr--;
	}
	raw_spin_unlock_irqrestore(&hook->lock, flags);
	return found;
}

/* Somebody waits, or has waited long enough since the last batch. */
static void vcm_hook_queue(struct vcm_hook *hook, bool stalled)
{
	unsigned long wait = hook->not_before - jiffies;

	lockdep_assert_held(&hook->lock);

	if (stalled)
		mod_delayed_work(system_unbound_wq, &hook->work, 0);
	else
		queue_delayed_work(system_unbound_wq, &hook->work,
				   wait <= VCM_HOOK_PAUSE ? wait : 0);
}

/* Keep a record, or count it. */
static int vcm_hook_put(struct vcm_hook *hook, const struct vcm_fault *fault)
{
	unsigned long flags;
	int ret = 0;

	raw_spin_lock_irqsave(&hook->lock, flags);
	if (hook->dead) {
		ret = -ENOENT;
	} else if (hook->nr == VCM_HOOK_STORE) {
		hook->stats.dropped++;
		ret = -ENOSPC;
	} else {
		hook->store[(hook->first + hook->nr++) % VCM_HOOK_STORE] =
			*fault;
		hook->stats.kept++;
		vcm_hook_queue(hook, fault->stalled);
	}
	raw_spin_unlock_irqrestore(&hook->lock, flags);
	return ret;
}

static void vcm_hook_tell(struct vcm_hook *hook)
{
	unsigned long dropped;

	if (hook->told == READ_ONCE(hook->stats.dropped) ||
	    !__ratelimit(&vcm_fault_limit))
		return;
	dropped = READ_ONCE(hook->stats.dropped);
	dev_warn(hook->dev, "vcm: %lu faults dropped: they come faster than %u in %u ms\n",
		 dropped - hook->told, VCM_HOOK_STORE,
		 jiffies_to_msecs(VCM_HOOK_PAUSE));
	hook->told = dropped;
}

/* Whatever is stored meanwhile has queued the work again. */
static void vcm_hook_work(struct work_struct *work)
{
	struct vcm_hook *hook = container_of(to_delayed_work(work),
					     struct vcm_hook, work);
	unsigned int left = VCM_HOOK_STORE;
	struct vcm_fault fault;

	while (left-- && vcm_hook_take(hook, &fault)) {
		int ret = -ENODEV;

		if (!READ_ONCE(hook->dead))
			ret = hook->handler(fault.dev, fault.addr,
					    fault.access, hook->data);
		if (fault.stalled)
			vcm_fault_resume(&fault, !ret);
		cond_resched();
	}
	vcm_hook_tell(hook);
	raw_spin_lock_irq(&hook->lock);
	hook->not_before = jiffies + VCM_HOOK_PAUSE;
	raw_spin_unlock_irq(&hook->lock);
}

/* Its unit must be there when the access is told how it ends. */
static int vcm_hook_report(struct vcm_hook *hook, const struct vcm_fault *fault)
{
	struct vcm_iommu *unit = fault->unit;
	int ret;

	if (fault->stalled) {
		/* Its table is in use, so the module is there. */
		__module_get(unit->ops->owner);
		vcm_iommu_get(unit);
	}
	ret = vcm_hook_put(hook, fault);
	if (ret && fault->stalled) {
		/* Not the last one: its driver is still at it. */
		vcm_iommu_put(unit);
		module_put(unit->ops->owner);
	}
	return ret;
}

static void vcm_fault_warn(const struct vcm_fault *fault)
{
	const char *what = fault->access & VCM_WRITE ? "write" :
			   fault->access & VCM_EXEC ? "fetch" : "read";
	const char *where = fault->table ? fault->table->vcm->name : "no context";
	const char *who = fault->access & VCM_PRIV ? "privileged " : "";

	if (!__ratelimit(&vcm_fault_limit))
		return;
	if (IS_ERR_OR_NULL(fault->dev))
		pr_warn("%s: fault: an unknown device's %s%s at %pad\n", where,
			who, what, &fault->addr);
	else
		dev_warn(fault->dev, "vcm: %s: fault: %s%s at %pad, and no handler\n",
			 where, who, what, &fault->addr);
}

/**
 * vcm_report_fault() - a unit has refused an access
 * @fault: which; copied
 *
 * For low-level drivers. If somebody has hooked the device's faults, its
 * handler is going to be called. If the access waits, so is
 * &vcm_iommu_ops.resume, once. Otherwise a warning says that nobody cares, at
 * a bounded rate.
 *
 * Context: Any, hard interrupts included; does not sleep. The caller keeps
 * &vcm_fault.table and &vcm_fault.dev from going away until it returns: a lock
 * that attaching and detaching take as well will do, or RCU.
 * Return: 0 if a handler is going to be called; -ENOENT if there is none;
 * -ENOSPC if there is one that cannot keep up: it is told of a number.
 * -EINVAL if the access waits, and the unit has no &vcm_iommu_ops.resume.
 * After an error, terminate the access.
 */
int vcm_report_fault(const struct vcm_fault *fault)
{
	struct vcm_hook *hook;
	int ret = -ENOENT;

	if (WARN_ON_ONCE(fault->stalled &&
			 (!fault->unit || !fault->unit->ops->resume)))
		return -EINVAL;
	rcu_read_lock();
	hook = vcm_hook_find(fault->dev);
	if (hook)
		ret = vcm_hook_report(hook, fault);
	rcu_read_unlock();
	if (!IS_ERR_OR_NULL(fault->dev))
		trace_vcm_fault(fault->table ? fault->table->vcm->name : "",
				fault->unit ? fault->unit->name : "",
				fault->dev, fault->addr, fault->access, ret);
	if (ret == -ENOENT)
		vcm_fault_warn(fault);
	return ret;
}
EXPORT_SYMBOL_GPL(vcm_report_fault);

/**
 * vcm_hook_add() - give a device a handler
 * @dev: the device
 * @handler: the handler
 * @data: what to call it with
 *
 * Context: May sleep.
 * Return: 0, -EBUSY if it has one, -ENOMEM.
 */
int vcm_hook_add(struct device *dev, vcm_handler handler, void *data)
{
	struct vcm_hook *hook = kzalloc(sizeof(*hook), GFP_KERNEL);

	if (!hook)
		return -ENOMEM;
	hook->dev = dev;
	hook->handler = handler;
	hook->data = data;
	INIT_HLIST_NODE(&hook->hash);
	INIT_DELAYED_WORK(&hook->work, vcm_hook_work);
	raw_spin_lock_init(&hook->lock);
	hook->not_before = jiffies;

	guard(mutex)(&vcm_hooks_lock);
	if (vcm_hook_find(dev)) {
		kfree(hook);
		return -EBUSY;
	}
	get_device(dev);
	hash_add_rcu(vcm_hooks, &hook->hash, (unsigned long)dev);
	return 0;
}

/* Let nobody in any more, and wait until nobody is there. */
static void vcm_hook_stop(struct vcm_hook *hook)
{
	struct vcm_fault fault;

	raw_spin_lock_irq(&hook->lock);
	WRITE_ONCE(hook->dead, true);
	raw_spin_unlock_irq(&hook->lock);
	cancel_delayed_work_sync(&hook->work);
	while (vcm_hook_take(hook, &fault))
		if (fault.stalled)
			vcm_fault_resume(&fault, false);
}

/**
 * vcm_hook_remove() - take the handler of a device away, if it has one
 * @dev: the device
 *
 * When it returns the handler does not run, and never will again, whoever else
 * is removing it. Accesses that wait for it are terminated.
 *
 * Context: May sleep, as long as the handler takes.
 * Return: 0; -EDEADLK from the handler itself, nothing changes then.
 */
int vcm_hook_remove(struct device *dev)
{
	struct vcm_hook *hook;

	scoped_guard(mutex, &vcm_hooks_lock) {
		hook = vcm_hook_find(dev);
		if (!hook)
			return 0;
		if (current_work() == &hook->work.work)
			return -EDEADLK;
		hook->removers++;
	}
	vcm_hook_stop(hook);

	/* The first one makes room for another hook, the last one frees it. */
	scoped_guard(mutex, &vcm_hooks_lock) {
		if (hash_hashed(&hook->hash))
			hash_del_rcu(&hook->hash);
		if (--hook->removers)
			return 0;
	}
	vcm_hook_tell(hook);
	put_device(hook->dev);
	kfree_rcu(hook, rcu);
	return 0;
}

/**
 * vcm_hook_get_stats() - what has the hook of a device seen?
 * @dev: the device
 * @stats: where to put it
 *
 * Context: May sleep.
 * Return: 0, -ENOENT if it has none.
 */
int vcm_hook_get_stats(struct device *dev, struct vcm_hook_stats *stats)
{
	struct vcm_hook *hook;

	guard(mutex)(&vcm_hooks_lock);
	hook = vcm_hook_find(dev);
	if (!hook)
		return -ENOENT;
	raw_spin_lock_irq(&hook->lock);
	*stats = hook->stats;
	raw_spin_unlock_irq(&hook->lock);
	return 0;
}

/**
 * vcm_hooks_show() - who has hooked what, for people
 * @m: where to write it
 *
 * Context: May sleep.
 */
void vcm_hooks_show(struct seq_file *m)
{
	struct vcm_hook *hook;
	unsigned int bucket;

	guard(mutex)(&vcm_hooks_lock);
	hash_for_each(vcm_hooks, bucket, hook, hash)
		seq_printf(m, "%s: %ps, %lu faults kept, %lu dropped\n",
			   dev_name(hook->dev), hook->handler,
			   READ_ONCE(hook->stats.kept),
			   READ_ONCE(hook->stats.dropped));
}
