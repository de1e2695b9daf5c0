// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: boards, and the drivers that know none.
 *
 * A board is a table that says which contexts there are and which device takes
 * part in which. It commits nothing: a context is made when the first driver
 * asks for it with vcm_get(), and goes with the last vcm_put(). This file sits
 * on top of the core and does with its public functions what a driver that
 * knew the topology would do.
 *
 * Boards, devices and units come in any order. A driver that is early is told
 * -EPROBE_DEFER, and what it asked is noted by the name of the device, so that
 * the board that answers it can have the device tried again. Nothing else is
 * left behind, and no device is kept alive.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/string_choices.h>
#include <linux/workqueue.h>

#include "vcm_internal.h"
#include "vcm_machine.h"

/* So much of the name of a device is kept for messages. */
#define VCM_USER_LEN	64

/**
 * struct vcm_declared - a context that a board declares
 * @spec: what the board says of it
 * @vcm: the context, or NULL while nobody has asked for it
 * @memtype: where its memory comes from, while there is @vcm
 * @bounds: one for each that the board says; NULL where there is none (yet)
 * @users: vcm_get() less vcm_put()
 * @user: the last device that asked for it, for messages
 * @told: that it stays although nobody uses it
 */
struct vcm_declared {
	const struct vcm_board_context *spec;
	struct vcm *vcm;
	struct vcm_memtype *memtype;
	struct vcm_bound **bounds;
	unsigned int users;
	char user[VCM_USER_LEN];
	bool told;
};

/**
 * struct vcm_listed - a board that was added
 * @node: in vcm_boards
 * @board: its table
 * @nr: length of @contexts
 * @contexts: those it declares
 */
struct vcm_listed {
	struct list_head node;
	const struct vcm_board *board;
	unsigned int nr;
	struct vcm_declared contexts[] __counted_by(nr);
};

/**
 * struct vcm_joined - an association that vcm_get() made
 * @node: in vcm_joined_list
 * @assoc: the association; not followed, as it may be gone
 * @member: why
 */
struct vcm_joined {
	struct list_head node;
	struct vcm_assoc *assoc;
	const struct vcm_board_member *member;
};

/**
 * struct vcm_waiting - a device that was turned away
 * @node: in vcm_waiting_list
 * @bus: where to find it
 * @name: its name; the device itself may be gone by then
 */
struct vcm_waiting {
	struct list_head node;
	const struct bus_type *bus;
	char name[];
};

/*
 * Guards all of this. Taken inside the lock of a device (probe), outside of
 * vcm_topology_lock; never in a bus notifier.
 */
static DEFINE_MUTEX(vcm_boards_lock);
static LIST_HEAD(vcm_boards);
static LIST_HEAD(vcm_joined_list);
static LIST_HEAD(vcm_waiting_list);

/* Looking entries up */

/* A context that some board declares, by its name or itself; and the board. */
static struct vcm_declared *vcm_declared_find(const char *name,
					      const struct vcm *vcm,
					      const struct vcm_board **board)
{
	struct vcm_listed *listed;
	unsigned int i;

	lockdep_assert_held(&vcm_boards_lock);

	list_for_each_entry(listed, &vcm_boards, node) {
		for (i = 0; i < listed->nr; i++) {
			struct vcm_declared *declared = &listed->contexts[i];

			if (name ? strcmp(declared->spec->name, name) :
				   declared->vcm != vcm)
				continue;
			if (board)
				*board = listed->board;
			return declared;
		}
	}
	return NULL;
}

static struct vcm_declared *vcm_declared_named(const char *name)
{
	return vcm_declared_find(name, NULL, NULL);
}

static struct vcm_declared *vcm_declared_of(const struct vcm *vcm)
{
	return vcm_declared_find(NULL, vcm, NULL);
}

static struct vcm_listed *vcm_board_find(const struct vcm_board *board)
{
	struct vcm_listed *listed;

	list_for_each_entry(listed, &vcm_boards, node)
		if (listed->board == board)
			return listed;
	return NULL;
}

/**
 * vcm_board_of_context() - who declares a context?
 * @name: the context
 *
 * Return: the board's name, or NULL.
 */
const char *vcm_board_of_context(const char *name)
{
	const struct vcm_board *board;

	return vcm_declared_find(name, NULL, &board) ? board->name : NULL;
}

/**
 * vcm_board_of_member() - who else says this of a device?
 * @member: the entry of a board that is not added yet
 * @index: receives the number of the other entry
 *
 * Return: the board's name, or NULL.
 */
const char *vcm_board_of_member(const struct vcm_board_member *member,
				unsigned int *index)
{
	struct vcm_listed *listed;

	list_for_each_entry(listed, &vcm_boards, node) {
		const struct vcm_board *board = listed->board;

		*index = vcm_board_find_clash(board, board->nr_members, member);
		if (*index < board->nr_members)
			return board->name;
	}
	return NULL;
}

/*
 * What the boards say of a device: the entry with this con_id, or else the one
 * for any. -ENOENT if there is neither, -ENODEV if no board knows the device.
 */
static const struct vcm_board_member *vcm_member_find(const char *dev,
						      const char *con_id)
{
	const struct vcm_board_member *member, *any = NULL;
	struct vcm_listed *listed;
	unsigned int i;
	bool named = false;

	lockdep_assert_held(&vcm_boards_lock);

	list_for_each_entry(listed, &vcm_boards, node) {
		for (i = 0; i < listed->board->nr_members; i++) {
			member = &listed->board->members[i];
			if (strcmp(member->dev, dev))
				continue;
			named = true;
			if (!member->con_id)
				any = member;
			else if (con_id && !strcmp(member->con_id, con_id))
				return member;
		}
	}
	return any ?: ERR_PTR(named ? -ENOENT : -ENODEV);
}

/* Devices that were turned away */

static struct vcm_waiting *vcm_waiting_find(struct device *dev)
{
	struct vcm_waiting *waiting;

	lockdep_assert_held(&vcm_boards_lock);

	list_for_each_entry(waiting, &vcm_waiting_list, node)
		if (waiting->bus == dev->bus &&
		    !strcmp(waiting->name, dev_name(dev)))
			return waiting;
	return NULL;
}

static int vcm_waiting_add(struct device *dev)
{
	size_t len = strlen(dev_name(dev)) + 1;
	struct vcm_waiting *waiting;

	if (!dev->bus || vcm_waiting_find(dev))
		return 0;
	waiting = kmalloc(struct_size(waiting, name, len), GFP_KERNEL);
	if (!waiting)
		return -ENOMEM;
	waiting->bus = dev->bus;
	memcpy(waiting->name, dev_name(dev), len);
	list_add_tail(&waiting->node, &vcm_waiting_list);
	return 0;
}

static void vcm_waiting_del(struct device *dev)
{
	struct vcm_waiting *waiting = vcm_waiting_find(dev);

	if (!waiting)
		return;
	list_del(&waiting->node);
	kfree(waiting);
}

/* Has one of the contexts arrived that a device was declared for? */
static bool vcm_is_served(const char *dev)
{
	struct vcm_listed *listed;
	unsigned int i;

	list_for_each_entry(listed, &vcm_boards, node) {
		for (i = 0; i < listed->board->nr_members; i++) {
			const struct vcm_board_member *member =
				&listed->board->members[i];

			if (!strcmp(member->dev, dev) &&
			    vcm_declared_named(member->context))
				return true;
		}
	}
	return false;
}

static void vcm_reattach(struct device *dev)
{
	struct device *parent = NULL;
	int ret;

	if (dev->type && dev->type->need_parent_lock)
		parent = dev->parent;
	if (parent)
		device_lock(parent);
	ret = device_attach(dev);
	if (parent)
		device_unlock(parent);
	dev_dbg(dev, "vcm: tried again: %d\n", ret);
}

/*
 * The driver core tries a deferred device again when some driver has bound, and
 * one whose driver gave up never. A board is reason enough for either. This
 * takes the lock of the device, which a probe that waits for vcm_boards_lock
 * holds, so it cannot be done where boards are added.
 */
static void vcm_retry(struct work_struct *work)
{
	struct vcm_waiting *waiting, *next;
	struct device *dev;
	LIST_HEAD(served);

	mutex_lock(&vcm_boards_lock);
	list_for_each_entry_safe(waiting, next, &vcm_waiting_list, node)
		if (vcm_is_served(waiting->name))
			list_move_tail(&waiting->node, &served);
	mutex_unlock(&vcm_boards_lock);

	list_for_each_entry_safe(waiting, next, &served, node) {
		dev = bus_find_device_by_name(waiting->bus, NULL,
					      waiting->name);
		if (dev)
			vcm_reattach(dev);
		put_device(dev);
		kfree(waiting);
	}
}
static DECLARE_WORK(vcm_retry_work, vcm_retry);

/* Associations that vcm_get() made */

/*
 * Which context is an association on? NULL if it is gone, and its memory is
 * given back then; or if, against the rules, somebody else did that.
 */
static struct vcm *vcm_assoc_settle(const struct vcm_assoc *assoc)
{
	struct vcm_assoc *pos;
	struct vcm *vcm;

	guard(mutex)(&vcm_topology_lock);
	list_for_each_entry(vcm, &vcm_contexts, node) {
		list_for_each_entry(pos, &vcm->assocs, vcm_node)
			if (pos == assoc)
				return vcm;
		list_for_each_entry(pos, &vcm->gone, vcm_node) {
			if (pos != assoc)
				continue;
			vcm_assoc_forget(pos);
			return NULL;
		}
	}
	return NULL;
}

/* Forget those that are gone, or that somebody else gave back. */
static void vcm_joined_tidy(void)
{
	struct vcm_joined *joined, *next;

	lockdep_assert_held(&vcm_boards_lock);

	list_for_each_entry_safe(joined, next, &vcm_joined_list, node) {
		if (vcm_assoc_settle(joined->assoc))
			continue;
		list_del(&joined->node);
		kfree(joined);
	}
}

/* Take every device off a context that vcm_get() has put on some context. */
static void vcm_joined_drop(const struct vcm *vcm)
{
	struct vcm_joined *joined, *next;

	vcm_joined_tidy();
	list_for_each_entry_safe(joined, next, &vcm_joined_list, node) {
		if (vcm_assoc_settle(joined->assoc) != vcm)
			continue;
		/* Inactive is as good, and so is a device that just went. */
		vcm_deactivate(joined->assoc);
		if (vcm_deassoc(joined->assoc))
			continue;
		list_del(&joined->node);
		kfree(joined);
	}
}

/* Put a device on a context, unless it is there. */
static int vcm_join(struct vcm *vcm, struct device *dev,
		    const struct vcm_board_member *member)
{
	struct vcm_joined *joined;
	int ret = 0;

	if (!IS_ERR(vcm_get_assoc(vcm, dev)))
		return 0;
	joined = kmalloc(sizeof(*joined), GFP_KERNEL);
	if (!joined)
		return -ENOMEM;
	joined->member = member;
	joined->assoc = vcm_assoc(vcm, dev, member->attr);
	if (IS_ERR(joined->assoc)) {
		ret = PTR_ERR(joined->assoc);
		goto free;
	}
	if (!(member->flags & VCM_MEMBER_INACTIVE))
		ret = vcm_activate(joined->assoc);
	if (ret == -EBUSY)
		dev_err(dev, "vcm: %s: it is active on another context\n",
			vcm_get_name(vcm));
	if (ret)
		goto deassoc;
	list_add_tail(&joined->node, &vcm_joined_list);
	return 0;

deassoc:
	vcm_deassoc(joined->assoc);
free:
	kfree(joined);
	return ret;
}

/* Contexts */

static void vcm_set_declared(struct vcm *vcm, bool declared)
{
	guard(mutex)(&vcm_topology_lock);
	vcm->declared = declared;
}

static int vcm_declared_free_bounds(struct vcm_declared *declared)
{
	unsigned int i;
	int ret;

	for (i = 0; i < declared->spec->nr_bounds; i++) {
		if (!declared->bounds[i])
			continue;
		ret = vcm_free_bound(declared->bounds[i]);
		if (ret)
			return ret;
		declared->bounds[i] = NULL;
	}
	return 0;
}

/* Those that are not there; some may be, in a context that is taken up again. */
static int vcm_declared_make_bounds(struct vcm_declared *declared)
{
	unsigned int i;

	for (i = 0; i < declared->spec->nr_bounds; i++) {
		const struct vcm_board_bound *spec = &declared->spec->bounds[i];
		struct vcm_bound *bound;

		if (declared->bounds[i])
			continue;
		bound = vcm_create_bound_at(declared->vcm, spec->addr,
					    spec->len);
		if (IS_ERR(bound))
			return PTR_ERR(bound);
		declared->bounds[i] = bound;
	}
	return 0;
}

/* Free a context that nobody uses; -EBUSY if something is left in it. */
static int vcm_declared_unmake(struct vcm_declared *declared)
{
	struct vcm *vcm = declared->vcm;
	int ret;

	if (vcm_get_num_res(vcm))
		return -EBUSY;
	ret = vcm_declared_free_bounds(declared);
	if (ret)
		return ret;
	vcm_set_declared(vcm, false);
	ret = vcm_free(vcm);
	if (ret) {
		vcm_set_declared(vcm, true);
		return ret;
	}
	vcm_memtype_put(declared->memtype);
	declared->memtype = NULL;
	declared->vcm = NULL;
	declared->told = false;
	return 0;
}

/* Nobody uses it any more. What is left in it is not ours to give back. */
static int vcm_declared_idle(struct vcm_declared *declared)
{
	vcm_joined_drop(declared->vcm);
	return vcm_declared_unmake(declared);
}

static int vcm_declared_make(struct vcm_declared *declared)
{
	const struct vcm_board_context *spec = declared->spec;
	struct vcm_memtype *memtype;
	struct vcm *vcm;
	int ret;

	if (declared->vcm)
		return vcm_declared_make_bounds(declared);

	memtype = vcm_memtype_get(spec->memtype ?: "system");
	if (IS_ERR(memtype))
		return PTR_ERR(memtype) == -ENOENT ? -EPROBE_DEFER :
						     PTR_ERR(memtype);
	vcm = vcm_create(spec->start, spec->len);
	if (IS_ERR(vcm)) {
		vcm_memtype_put(memtype);
		return PTR_ERR(vcm);
	}
	vcm_set_name(vcm, spec->name);
	vcm_set_declared(vcm, true);
	declared->vcm = vcm;
	declared->memtype = memtype;
	ret = vcm_declared_make_bounds(declared);
	if (ret)
		vcm_declared_unmake(declared);
	return ret;
}

/* What drivers call */

static struct vcm *vcm_declared_get(struct vcm_declared *declared,
				    struct device *dev,
				    const struct vcm_board_member *member)
{
	int ret;

	ret = vcm_declared_make(declared);
	if (ret)
		return ERR_PTR(ret);
	ret = vcm_join(declared->vcm, dev, member);
	if (ret) {
		if (!declared->users)
			vcm_declared_unmake(declared);
		return ERR_PTR(ret);
	}
	declared->users++;
	declared->told = false;
	strscpy(declared->user, dev_name(dev));
	return declared->vcm;
}

/* Turned away, but to be tried again when a board arrives that helps. */
static struct vcm *vcm_turn_away(struct device *dev, int err)
{
	return ERR_PTR(vcm_waiting_add(dev) ?: err);
}

/**
 * vcm_get() - the context that was declared for a device
 * @dev: the device; its driver manages its own DMA
 * @con_id: what the driver calls the context, or NULL if it knows only one
 *
 * As clk_get(): which context it is, and who else is on it, is said by a board;
 * see Documentation/mm/vcm/boards.rst. The device is on it and active on
 * return, or inactive if the board says that its driver does the switching. If
 * it was on it before, it stays as it was.
 *
 * To be called when the driver binds, or later. It can pass on -EPROBE_DEFER
 * as it is: when a board arrives that names the device, it is tried again.
 *
 * Context: May sleep. Not from a bus notifier.
 * Return: the context, to be given back with vcm_put(); or with nothing changed
 * an ERR_PTR(): -EPROBE_DEFER if the board, the context, its memory type or a
 * unit of the device may still come; -ENOENT if no board says what @con_id is,
 * and none is expected any more; -EBUSY if the device is active on another
 * context, or somebody else drives its DMA; -EINVAL for a bad pointer;
 * or what vcm_assoc(), vcm_activate() and vcm_create_bound_at() say.
 */
struct vcm *vcm_get(struct device *dev, const char *con_id)
{
	const struct vcm_board_member *member;
	struct vcm_declared *declared;
	struct vcm *vcm;

	if (IS_ERR_OR_NULL(dev) || IS_ERR(con_id))
		return ERR_PTR(-EINVAL);

	guard(mutex)(&vcm_boards_lock);
	vcm_joined_tidy();
	member = vcm_member_find(dev_name(dev), con_id);
	if (member == ERR_PTR(-ENODEV)) {
		int ret = driver_deferred_probe_check_state(dev);

		return vcm_turn_away(dev, ret == -EPROBE_DEFER ? ret : -ENOENT);
	}
	if (IS_ERR(member)) {
		dev_err(dev, "vcm: boards name it, but none says what its \"%s\" is\n",
			con_id ?: "(NULL)");
		return vcm_turn_away(dev, -ENOENT);
	}
	declared = vcm_declared_named(member->context);
	if (!declared) {
		dev_dbg(dev, "vcm: no board has context %s yet\n",
			member->context);
		return vcm_turn_away(dev, -EPROBE_DEFER);
	}
	vcm = vcm_declared_get(declared, dev, member);
	if (vcm == ERR_PTR(-EPROBE_DEFER))
		return vcm_turn_away(dev, -EPROBE_DEFER);
	if (!IS_ERR(vcm))
		vcm_waiting_del(dev);
	return vcm;
}
EXPORT_SYMBOL_GPL(vcm_get);

static void vcm_declared_put(struct vcm_declared *declared)
{
	size_t nr;

	if (--declared->users || !vcm_declared_idle(declared))
		return;
	nr = vcm_get_num_res(declared->vcm);
	if (!declared->told)
		pr_warn("context %s: %s was the last to use it, but %zu reservation%s left in it: it stays\n",
			declared->spec->name, declared->user, nr,
			nr == 1 ? " is" : "s are");
	declared->told = true;
}

/**
 * vcm_put() - give back what vcm_get() gave
 * @vcm: the context; nothing happens for NULL or an error pointer
 *
 * When the last user is gone, every device that vcm_get() has put on the
 * context is taken off it, and the context is freed. If there are reservations
 * left in it, it stays, a message says so, and the next vcm_get() takes it up
 * again. If a driver unbinds without this call, its device is taken off the
 * context, but goes on being counted as a user.
 *
 * Context: May sleep. Not from a bus notifier.
 */
void vcm_put(struct vcm *vcm)
{
	struct vcm_declared *declared;

	if (IS_ERR_OR_NULL(vcm))
		return;
	guard(mutex)(&vcm_boards_lock);
	declared = vcm_declared_of(vcm);
	if (declared && declared->users)
		vcm_declared_put(declared);
	else
		pr_err("a context was put that vcm_get() did not give, or not as often\n");
}
EXPORT_SYMBOL_GPL(vcm_put);

static void vcm_devm_put(void *vcm)
{
	vcm_put(vcm);
}

/**
 * devm_vcm_get() - vcm_get(), and vcm_put() when the driver unbinds
 * @dev: as for vcm_get()
 * @con_id: as for vcm_get()
 *
 * Context: May sleep. Not from a bus notifier.
 * Return: as vcm_get().
 */
struct vcm *devm_vcm_get(struct device *dev, const char *con_id)
{
	struct vcm *vcm = vcm_get(dev, con_id);
	int ret;

	if (IS_ERR(vcm))
		return vcm;
	ret = devm_add_action_or_reset(dev, vcm_devm_put, vcm);
	return ret ? ERR_PTR(ret) : vcm;
}
EXPORT_SYMBOL_GPL(devm_vcm_get);

/**
 * vcm_get_bound() - a bound that the board declares in a context
 * @vcm: the context, from vcm_get()
 * @name: the bound's name
 *
 * Context: May sleep.
 * Return: the bound, which stays until vcm_put() and is not to be freed;
 * ERR_PTR(-ENOENT) if there is none of this name, or no board declares @vcm;
 * ERR_PTR(-EINVAL) for a bad pointer.
 */
struct vcm_bound *vcm_get_bound(struct vcm *vcm, const char *name)
{
	struct vcm_declared *declared;
	unsigned int i;

	if (IS_ERR_OR_NULL(vcm) || IS_ERR_OR_NULL(name))
		return ERR_PTR(-EINVAL);
	guard(mutex)(&vcm_boards_lock);
	declared = vcm_declared_of(vcm);
	if (!declared)
		return ERR_PTR(-ENOENT);
	for (i = 0; i < declared->spec->nr_bounds; i++)
		if (declared->bounds[i] &&
		    !strcmp(declared->spec->bounds[i].name, name))
			return declared->bounds[i];
	return ERR_PTR(-ENOENT);
}
EXPORT_SYMBOL_GPL(vcm_get_bound);

/**
 * vcm_get_memtype() - where the board says that a context's memory comes from
 * @vcm: the context, from vcm_get()
 *
 * Context: May sleep.
 * Return: the memory type for vcm_phys_alloc(), which stays until vcm_put();
 * ERR_PTR(-ENOENT) if no board declares @vcm; ERR_PTR(-EINVAL) for a bad
 * pointer.
 */
struct vcm_memtype *vcm_get_memtype(struct vcm *vcm)
{
	struct vcm_declared *declared;

	if (IS_ERR_OR_NULL(vcm))
		return ERR_PTR(-EINVAL);
	guard(mutex)(&vcm_boards_lock);
	declared = vcm_declared_of(vcm);
	return declared ? declared->memtype : ERR_PTR(-ENOENT);
}
EXPORT_SYMBOL_GPL(vcm_get_memtype);

/* What board files call */

static void vcm_listed_free(struct vcm_listed *listed)
{
	unsigned int i;

	for (i = 0; i < listed->nr; i++)
		kfree(listed->contexts[i].bounds);
	kfree(listed);
}

static struct vcm_listed *vcm_listed_alloc(const struct vcm_board *board)
{
	struct vcm_listed *listed;
	unsigned int i;

	listed = kzalloc(struct_size(listed, contexts, board->nr_contexts),
			 GFP_KERNEL);
	if (!listed)
		return NULL;
	listed->nr = board->nr_contexts;
	listed->board = board;
	for (i = 0; i < listed->nr; i++) {
		struct vcm_declared *declared = &listed->contexts[i];

		declared->spec = &board->contexts[i];
		declared->bounds = kcalloc(declared->spec->nr_bounds,
					   sizeof(*declared->bounds),
					   GFP_KERNEL);
		if (!declared->bounds) {
			vcm_listed_free(listed);
			return NULL;
		}
	}
	return listed;
}

/**
 * vcm_board_add() - from now on there is this board
 * @board: its table; must stay as it is until vcm_board_remove()
 *
 * The table is checked as a whole before any of it counts. A message names the
 * first entry that is wrong. Devices whose drivers asked too early are tried
 * again.
 *
 * Context: May sleep; at boot and while the system runs.
 * Return: 0; or with nothing changed -EINVAL for a bad pointer, an empty table,
 * a name that is missing, a window or bound that is empty or not in whole
 * pages, or an unknown flag or right; -EACCES for rights with neither VCM_READ
 * nor VCM_WRITE; -ENAMETOOLONG; -EOVERFLOW if a window or bound ends at no device
 * address; -ERANGE if a bound leaves its window; -EBUSY if it overlaps another
 * one; -EEXIST if the board, a board or context of this name,
 * or an entry for this device and con_id is there already; -ENOMEM.
 */
int vcm_board_add(const struct vcm_board *board)
{
	struct vcm_listed *listed, *other;
	int ret;

	if (IS_ERR_OR_NULL(board))
		return -EINVAL;
	guard(mutex)(&vcm_boards_lock);
	ret = vcm_board_check(board);
	if (ret)
		return ret;
	list_for_each_entry(other, &vcm_boards, node) {
		if (strcmp(other->board->name, board->name))
			continue;
		pr_err("board %s: there is one of this name\n", board->name);
		return -EEXIST;
	}
	listed = vcm_listed_alloc(board);
	if (!listed)
		return -ENOMEM;
	list_add_tail(&listed->node, &vcm_boards);
	if (!list_empty(&vcm_waiting_list))
		queue_work(system_unbound_wq, &vcm_retry_work);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_board_add);

static bool vcm_board_has(const struct vcm_board *board,
			  const struct vcm_board_member *member)
{
	return member >= board->members &&
	       member < board->members + board->nr_members;
}

/* Is a device where an entry of the board has put it, or was moved to since? */
static bool vcm_board_is_joined(const struct vcm_board *board)
{
	struct vcm_joined *joined;
	struct vcm *vcm;

	list_for_each_entry(joined, &vcm_joined_list, node) {
		if (!vcm_board_has(board, joined->member))
			continue;
		vcm = vcm_assoc_settle(joined->assoc);
		if (!vcm)
			continue;
		pr_err("board %s: it put %s on context %s, and there it is\n",
		       board->name, joined->member->dev, vcm_get_name(vcm));
		return true;
	}
	return false;
}

static bool vcm_listed_is_used(struct vcm_listed *listed)
{
	const char *board = listed->board->name;
	unsigned int i;

	for (i = 0; i < listed->nr; i++) {
		struct vcm_declared *declared = &listed->contexts[i];

		if (!declared->users)
			continue;
		pr_err("board %s: context %s is in use by %s\n", board,
		       declared->spec->name, declared->user);
		return true;
	}
	for (i = 0; i < listed->nr; i++) {
		struct vcm_declared *declared = &listed->contexts[i];

		/* Somebody may have given back what was left in it. */
		if (!declared->vcm || !vcm_declared_idle(declared))
			continue;
		pr_err("board %s: context %s is not empty, %s was the last to use it: %zu reservations, or a device that somebody else put there\n",
		       board, declared->spec->name, declared->user,
		       vcm_get_num_res(declared->vcm));
		return true;
	}
	return false;
}

/**
 * vcm_board_remove() - there is no such board any more
 * @board: as given to vcm_board_add()
 *
 * What its drivers gave back is not there any more; to vcm_get() it is as if
 * the board never was.
 *
 * Context: May sleep; while the system runs.
 * Return: 0; -EBUSY if a context of the board is in use or something is left in
 * it, or a device is still where an entry of the board has put it: nothing
 * changes then, and a message names context and device; -ENOENT if it was not
 * added; -EINVAL for a bad pointer.
 */
int vcm_board_remove(const struct vcm_board *board)
{
	struct vcm_listed *listed;

	if (IS_ERR_OR_NULL(board))
		return -EINVAL;
	guard(mutex)(&vcm_boards_lock);
	listed = vcm_board_find(board);
	if (!listed)
		return -ENOENT;
	vcm_joined_tidy();
	if (vcm_listed_is_used(listed) || vcm_board_is_joined(board))
		return -EBUSY;
	list_del(&listed->node);
	vcm_listed_free(listed);
	return 0;
}
EXPORT_SYMBOL_GPL(vcm_board_remove);

/* For people */

static void vcm_declared_show(struct seq_file *s,
			      const struct vcm_declared *declared)
{
	const struct vcm_board_context *spec = declared->spec;
	dma_addr_t last = spec->start + (spec->len - 1);
	unsigned int i;

	seq_printf(s, "  context %s: %pad-%pad, memory %s, ", spec->name,
		   &spec->start, &last, spec->memtype ?: "system");
	if (declared->users)
		seq_printf(s, "%u user%s, the last one is %s\n",
			   declared->users, str_plural(declared->users),
			   declared->user);
	else if (declared->vcm)
		seq_printf(s, "not used, but not empty; %s was the last one\n",
			   declared->user);
	else
		seq_puts(s, "not used\n");
	for (i = 0; i < spec->nr_bounds; i++) {
		last = spec->bounds[i].addr + (spec->bounds[i].len - 1);
		seq_printf(s, "    bound %s: %pad-%pad\n", spec->bounds[i].name,
			   &spec->bounds[i].addr, &last);
	}
}

/**
 * vcm_boards_show() - all boards, as text
 * @s: where to
 *
 * Context: May sleep.
 */
void vcm_boards_show(struct seq_file *s)
{
	struct vcm_waiting *waiting;
	struct vcm_listed *listed;
	unsigned int i;

	guard(mutex)(&vcm_boards_lock);
	list_for_each_entry(listed, &vcm_boards, node) {
		const struct vcm_board *board = listed->board;

		seq_printf(s, "board %s\n", board->name);
		for (i = 0; i < listed->nr; i++)
			vcm_declared_show(s, &listed->contexts[i]);
		for (i = 0; i < board->nr_members; i++) {
			const struct vcm_board_member *member =
				&board->members[i];

			seq_printf(s, "  device %s: %s%s is context %s",
				   member->dev, member->con_id ?: "(any)",
				   member->flags & VCM_MEMBER_INACTIVE ?
				   ", inactive," : "", member->context);
			if (member->attr)
				seq_printf(s, ", may do %s at most",
					   vcm_show_rights(member->attr).text);
			seq_putc(s, '\n');
		}
	}
	list_for_each_entry(waiting, &vcm_waiting_list, node)
		seq_printf(s, "waiting: %s\n", waiting->name);
}
