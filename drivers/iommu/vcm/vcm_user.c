// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: the address space of a process.
 *
 * The dictionary first:
 *
 *	the table		what is mapped where: a tree of entries, kept here
 *	the unit		the CPUs, as far as they run this process
 *	its TLB			the page table of the process, filled by page faults
 *	flush			zap: unmap_mapping_pages()
 *
 * So backing writes to the tree and never touches the process. That is why it
 * works from any task, and also once the process has exited or has unmapped
 * the reservation itself. Unbacking takes the entries out and then zaps, which
 * also flushes the TLBs of the CPUs. A page fault that found an entry before is
 * through before the zap, because it holds the lock of the tree for reading
 * while it fills in the page; one that comes later finds nothing.
 *
 * A reservation is a mapping of a file that has no contents and that nobody can
 * open. Each context has one, and the offset in it is the address. By the file
 * a zap finds every page, however user space has cut the mapping to pieces. The
 * file holds this structure, so a mapping that outlives the context finds an
 * empty tree and not freed memory.
 *
 * What user space may do to the mapping: unmap it, in whole or in part. It
 * cannot move, enlarge or protect it, a child does not inherit it, and nobody
 * can pin its pages. What it asks for outside of what is backed is SIGBUS, what
 * the rights don't grant is SIGSEGV.
 *
 * The lock order is &vcm.lock > &mm_struct.mmap_lock > &vcm_user.lock, and
 * &vcm.res_lock is inside of all three.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/align.h>
#include <linux/anon_inodes.h>
#include <linux/cacheinfo.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/interval_tree.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/rwsem.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vcm-driver.h>
#include <linux/workqueue.h>

/* How many pages one fault fills in at most. */
#define VCM_USER_AROUND	16

/**
 * struct vcm_user - the space of a process
 * @table: the home of its context
 * @mm: the process; counted, which does not keep it from exiting
 * @file: what its reservations are mappings of; frees this when it is closed
 * @lock: guards what follows
 * @entries: what is mapped, by address
 * @freed: the context is gone
 */
struct vcm_user {
	struct vcm_table table;
	struct mm_struct *mm;
	struct file *file;

	struct rw_semaphore lock;
	struct rb_root_cached entries;
	bool freed;
};

/**
 * struct vcm_user_entry - memory that is mapped
 * @node: the addresses
 * @pa: the memory at the first of them
 * @attr: with which rights
 */
struct vcm_user_entry {
	struct interval_tree_node node;
	phys_addr_t pa;
	u32 attr;
};

/* munmap() for a task that is not of the process. */
struct vcm_user_drop {
	struct work_struct work;
	struct vcm_user *user;
	unsigned long addr;
	unsigned long end;
};

#define to_vcm_user(t)	container_of(t, struct vcm_user, table)

static struct vcm_user_entry *vcm_user_find(struct vcm_user *user,
					    unsigned long first,
					    unsigned long last)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&user->lock);

	node = interval_tree_iter_first(&user->entries, first, last);
	return node ? container_of(node, struct vcm_user_entry, node) : NULL;
}

/* The table */

static int vcm_user_map(struct vcm_table *table, dma_addr_t addr,
			phys_addr_t pa, size_t len, u32 attr, gfp_t gfp,
			size_t *mapped)
{
	struct vcm_user *user = to_vcm_user(table);
	struct vcm_user_entry *entry;

	if (attr & (VCM_EXEC | VCM_PRIV)) {
		pr_err("%s: a process can neither execute what a context maps, nor be kept from it by VCM_PRIV\n",
		       vcm_get_name(table->vcm));
		return -EOPNOTSUPP;
	}
	entry = kmalloc(sizeof(*entry), gfp);
	if (!entry)
		return -ENOMEM;
	entry->node.start = addr;
	entry->node.last = addr + (len - 1);
	entry->pa = pa;
	entry->attr = attr;

	down_write(&user->lock);
	interval_tree_insert(&entry->node, &user->entries);
	up_write(&user->lock);
	return 0;
}

static size_t vcm_user_unmap(struct vcm_table *table, dma_addr_t addr,
			     size_t len)
{
	struct vcm_user *user = to_vcm_user(table);
	struct vcm_user_entry *entry;
	size_t unmapped = 0;

	down_write(&user->lock);
	while ((entry = vcm_user_find(user, addr, addr + (len - 1)))) {
		unmapped += entry->node.last - entry->node.start + 1;
		interval_tree_remove(&entry->node, &user->entries);
		kfree(entry);
	}
	up_write(&user->lock);
	unmap_mapping_pages(user->file->f_mapping, addr >> PAGE_SHIFT,
			    len >> PAGE_SHIFT, false);
	return unmapped;
}

static int vcm_user_lookup(struct vcm_table *table, dma_addr_t addr,
			   phys_addr_t *pa)
{
	struct vcm_user *user = to_vcm_user(table);
	struct vcm_user_entry *entry;

	down_read(&user->lock);
	entry = vcm_user_find(user, addr, addr);
	if (entry)
		*pa = entry->pa + (addr - entry->node.start);
	up_read(&user->lock);
	return entry ? 0 : -ENOENT;
}

/* A range that is long enough holds an aligned one of that length. */
static int vcm_user_reserve(struct vcm_table *table, size_t len, u64 align,
			    dma_addr_t *addr)
{
	unsigned long gap = align > PAGE_SIZE ? align - PAGE_SIZE : 0;
	struct vcm_user *user = to_vcm_user(table);
	struct mm_struct *mm = user->mm;
	unsigned long first, populate;
	size_t size;

	if (current->mm != mm) {
		pr_err("%s: only the process itself can reserve in its address space\n",
		       vcm_get_name(table->vcm));
		return -ESRCH;
	}
	if (align > SIZE_MAX || check_add_overflow(len, gap, &size) ||
	    size > mm->task_size)
		return -ENOSPC;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	first = get_unmapped_area(user->file, 0, size, 0, MAP_SHARED);
	if (!IS_ERR_VALUE(first)) {
		first = ALIGN(first, align);
		first = do_mmap(user->file, first, len, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED_NOREPLACE, 0,
				first >> PAGE_SHIFT, &populate, NULL);
	}
	mmap_write_unlock(mm);
	/* No room, or a limit of the process. */
	if (IS_ERR_VALUE(first))
		return -ENOMEM;
	*addr = first;
	return 0;
}

/*
 * The process may have unmapped some of it, and mapped other things there. If
 * it has sealed the mapping, that stays, and leads nowhere.
 */
static void vcm_user_drop(struct work_struct *work)
{
	struct vcm_user_drop *drop = container_of(work, struct vcm_user_drop,
						  work);
	struct mm_struct *mm = drop->user->mm;
	unsigned long addr = drop->addr;
	struct vm_area_struct *vma;

	/* Parts of munmap() look at current->mm. */
	kthread_use_mm(mm);
	mmap_write_lock(mm);
	while (addr < drop->end) {
		unsigned long first, end;

		vma = find_vma_intersection(mm, addr, drop->end);
		if (!vma)
			break;
		first = vma->vm_start;
		end = vma->vm_end;
		if (vma->vm_file == drop->user->file)
			do_munmap(mm, first, end - first, NULL);
		addr = end;
	}
	mmap_write_unlock(mm);
	kthread_unuse_mm(mm);
}

static void vcm_user_unreserve(struct vcm_table *table, dma_addr_t addr,
			       size_t len)
{
	struct vcm_user *user = to_vcm_user(table);
	struct vcm_user_drop drop = {
		.user = user, .addr = addr, .end = addr + len,
	};

	/* Its mappings go with the process. */
	if (!mmget_not_zero(user->mm))
		return;
	INIT_WORK_ONSTACK(&drop.work, vcm_user_drop);
	queue_work(system_unbound_wq, &drop.work);
	flush_work(&drop.work);
	destroy_work_on_stack(&drop.work);
	/* Not mmput(): drivers whose files are closed by it may call us. */
	mmput_async(user->mm);
}

static void vcm_user_free(struct vcm_table *table)
{
	struct vcm_user *user = to_vcm_user(table);

	down_write(&user->lock);
	user->freed = true;
	up_write(&user->lock);
	fput(user->file);
}

static const struct vcm_table_ops vcm_user_ops = {
	.free = vcm_user_free,
	.map = vcm_user_map,
	.unmap = vcm_user_unmap,
	.lookup = vcm_user_lookup,
	.reserve = vcm_user_reserve,
	.unreserve = vcm_user_unreserve,
};

/* The mapping */

static pgprot_t vcm_user_prot(u32 attr)
{
	pgprot_t prot = vm_get_page_prot(VM_SHARED | VM_READ |
					 (attr & VCM_WRITE ? VM_WRITE : 0));

	return attr & VCM_MMIO ? pgprot_decrypted(pgprot_noncached(prot)) :
				 vcm_pgprot(prot, attr);
}

/* The page that is missing, and some of those that follow it. */
static vm_fault_t vcm_user_fill(struct vm_fault *vmf, unsigned long addr,
				const struct vcm_user_entry *entry)
{
	unsigned long pages = (entry->node.last - addr) / PAGE_SIZE + 1;
	unsigned long pfn = PHYS_PFN(entry->pa + (addr - entry->node.start));
	struct vm_area_struct *vma = vmf->vma;
	pgprot_t prot = vcm_user_prot(entry->attr);
	unsigned long va = vmf->address & PAGE_MASK;
	unsigned long i;
	vm_fault_t ret;

	if (vmf->flags & FAULT_FLAG_WRITE && !(entry->attr & VCM_WRITE))
		return VM_FAULT_SIGSEGV;
	ret = vmf_insert_pfn_prot(vma, va, pfn, prot);
	if (ret != VM_FAULT_NOPAGE)
		return ret;
	pages = min3(pages, (vma->vm_end - va) / PAGE_SIZE,
		     (unsigned long)VCM_USER_AROUND);
	/* Not asked for, so it may fail. */
	for (i = 1; i < pages; i++)
		if (vmf_insert_pfn_prot(vma, va + i * PAGE_SIZE, pfn + i,
					prot) != VM_FAULT_NOPAGE)
			break;
	return VM_FAULT_NOPAGE;
}

/*
 * It will be there again in a moment. Whoever is at it may wait for somebody
 * who waits for mmap_lock, so that is not kept.
 */
static vm_fault_t vcm_user_wait(struct vm_fault *vmf)
{
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY) ||
	    vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_NOPAGE;
	release_fault_lock(vmf);
	schedule_timeout_killable(1);
	return VM_FAULT_RETRY;
}

static vm_fault_t vcm_user_fault(struct vm_fault *vmf)
{
	struct vcm_user *user = vmf->vma->vm_file->private_data;
	unsigned long addr = vmf->pgoff << PAGE_SHIFT;
	struct vcm_user_entry *entry;
	vm_fault_t ret;
	bool moving;

	down_read(&user->lock);
	entry = vcm_user_find(user, addr, addr);
	moving = !entry && !user->freed &&
		 vcm_is_moving(user->table.vcm, addr);
	ret = entry ? vcm_user_fill(vmf, addr, entry) : VM_FAULT_SIGBUS;
	up_read(&user->lock);
	return moving ? vcm_user_wait(vmf) : ret;
}

/*
 * A page that is there and cannot be written. Those that can be written are
 * filled in so, and are never written to for a first time: either the rights
 * are being changed at this moment, or it is not allowed.
 */
static vm_fault_t vcm_user_mkwrite(struct vm_fault *vmf)
{
	struct vcm_user *user = vmf->vma->vm_file->private_data;
	unsigned long addr = vmf->pgoff << PAGE_SHIFT;
	struct vcm_user_entry *entry;
	bool refused;

	down_read(&user->lock);
	entry = vcm_user_find(user, addr, addr);
	refused = entry && !(entry->attr & VCM_WRITE);
	up_read(&user->lock);
	return refused ? VM_FAULT_SIGSEGV : VM_FAULT_NOPAGE;
}

/* The rights are those of the reservation: vcm_set_res_attr(). */
static int vcm_user_mprotect(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end, unsigned long newflags)
{
	return -EACCES;
}

/* The address is that of the reservation. */
static int vcm_user_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static const struct vm_operations_struct vcm_user_vm_ops = {
	.fault = vcm_user_fault,
	.pfn_mkwrite = vcm_user_mkwrite,
	.mprotect = vcm_user_mprotect,
	.mremap = vcm_user_mremap,
};

static int vcm_user_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vcm_user *user = file->private_data;

	if (vma->vm_mm != user->mm ||
	    vma->vm_pgoff != vma->vm_start >> PAGE_SHIFT)
		return -EINVAL;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTCOPY |
			  VM_DONTDUMP);
	vma->vm_ops = &vcm_user_vm_ops;
	return 0;
}

static int vcm_user_release(struct inode *inode, struct file *file)
{
	struct vcm_user *user = file->private_data;

	mmdrop(user->mm);
	kfree(user);
	return 0;
}

static const struct file_operations vcm_user_fops = {
	.owner = THIS_MODULE,
	.mmap = vcm_user_mmap,
	.release = vcm_user_release,
};

static struct vcm_user *vcm_user_new(struct mm_struct *mm)
{
	struct vcm_user *user;
	struct file *file;

	user = kzalloc(sizeof(*user), GFP_KERNEL);
	if (!user)
		return ERR_PTR(-ENOMEM);
	user->mm = mm;
	init_rwsem(&user->lock);
	user->entries = RB_ROOT_CACHED;
	user->table.ops = &vcm_user_ops;
	user->table.geo = (struct vcm_geometry){
		.last = PAGE_ALIGN_DOWN(mm->task_size) - 1,
		.last_pa = PHYS_ADDR_MAX,
		.pgsizes = PAGE_SIZE,
	};
	/* An inode of its own: its mappings are what a zap goes over. */
	file = anon_inode_create_getfile("[vcm]", &vcm_user_fops, user, O_RDWR,
					 NULL);
	if (IS_ERR(file)) {
		kfree(user);
		return ERR_CAST(file);
	}
	mmgrab(mm);
	user->file = file;
	return user;
}

/**
 * vcm_create_user() - create a context that is the address space of a process
 * @mm: the process
 *
 * A reservation of it is a mapping of the process, at vcm_get_dev_addr(). What
 * backs it, the process sees there; after vcm_unback() it gets SIGBUS. While
 * the memory is moved, or the rights are changed, it waits.
 *
 * The kernel picks the addresses, so there is no vcm_reserve_at(). A
 * reservation can only be made by the process, that is, where current->mm is
 * @mm; anything else by anybody. The process may exit, or unmap what is its
 * own, at any time: all calls but vcm_reserve() work as before, and nobody sees
 * the memory. If it has unmapped a reservation, and the kernel picks those
 * addresses again, vcm_reserve() answers -EBUSY until that one is unreserved.
 *
 * The process can read what it can write. VCM_EXEC and VCM_PRIV are refused.
 *
 * No caller of VCMM holds the mmap_lock of @mm.
 *
 * Context: May sleep.
 * Return: the context; or an ERR_PTR(): -EINVAL for a bad pointer or the
 * kernel's own, -EOPNOTSUPP where the caches of the CPU would hold memory once
 * for each address, -ENFILE, -ENOMEM.
 */
struct vcm *vcm_create_user(struct mm_struct *mm)
{
	struct vcm_user *user;
	struct vcm *vcm;

	if (IS_ERR_OR_NULL(mm) || mm == &init_mm)
		return ERR_PTR(-EINVAL);
	if (cpu_dcache_is_aliasing()) {
		pr_err("the caches of this CPU go by virtual addresses: no contexts of processes\n");
		return ERR_PTR(-EOPNOTSUPP);
	}
	user = vcm_user_new(mm);
	if (IS_ERR(user))
		return ERR_CAST(user);
	vcm = vcm_create_around(&user->table, 0, (u64)user->table.geo.last + 1);
	if (IS_ERR(vcm))
		fput(user->file);
	return vcm;
}
EXPORT_SYMBOL_GPL(vcm_create_user);
