// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: the back end over struct iommu_domain.
 *
 * The IOMMU core of Linux has other words for what VCMM needs, and this file
 * is the dictionary:
 *
 *	a table			a paging domain that a kernel driver manages
 *	a unit			a struct iommu_device: one IOMMU instance
 *	program the base	attach the domain
 *	reach nothing		the group's blocking domain, which the core of the
 *				IOMMU layer installs while somebody owns the DMA
 *	can it walk that table?	does the IOMMU driver accept the domain?
 *
 * So every IOMMU driver of this kernel is a driver of VCMM, and none of them
 * knows. Three things need more than a word:
 *
 * A domain flushes every IOMMU it is attached to before iommu_unmap() returns,
 * so there is no invalidate op here.
 *
 * The unit of attachment is the group: devices that the hardware cannot tell
 * apart. They reach the same memory whether we like it or not, so all devices
 * of a group that are active at a time must be on one table.
 *
 * Whether a driver accepts a domain, and with some drivers what a domain can
 * express, is known only from trying. A device that is associated but not
 * active sits on its blocking domain and can be attached for a trial. Nothing
 * is taken from a device that is active.
 *
 * A domain that somebody else owns can be the home of a context, too: then the
 * context is a window of it. The owner attaches and frees it; VCMM only maps
 * and unmaps. See vcm_create_from_domain().
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vcm-driver.h>

/* One IOMMU instance */
struct vcm_domain_unit {
	struct vcm_iommu unit;
	struct list_head node;
	struct iommu_device *iommu;
};

/* One page table */
struct vcm_domain_table {
	struct vcm_table table;
	struct iommu_domain *domain;
	struct iommu_device *iommu;	/* on which it was made */
	bool has_priv;			/* may tell privileged accesses apart */
};

/* One IOMMU group, as long as a device of it is associated */
struct vcm_domain_group {
	struct list_head node;
	struct iommu_group *group;	/* counted */
	struct iommu_device *iommu;	/* which its devices are behind */
	unsigned int claims;		/* associations of its devices */
	unsigned int users;		/* of them, those that are active ... */
	struct iommu_domain *domain;	/* ... and what on */
};

/* The core serialises all but the ops that write or read one table. */
static LIST_HEAD(vcm_domain_units);
static LIST_HEAD(vcm_domain_groups);

/* Its address tells the IOMMU layer that the owner of a group's DMA is VCMM. */
static char vcm_domain_owner;

static const struct vcm_iommu_ops vcm_domain_ops;
static const struct vcm_table_ops vcm_domain_table_ops;

#define to_domain_unit(u)	container_of(u, struct vcm_domain_unit, unit)
#define to_domain_table(t)	container_of(t, struct vcm_domain_table, table)

/*
 * What differs between kernel versions
 *
 * In 6.12 iommu_paging_domain_alloc() gives VT-d no chance to look at the
 * device: the domain claims 57 bits of address and 4 KiB blocks, whatever the
 * hardware has. The callback that iommufd uses tells the truth. Later kernels
 * tell it here as well, and have no such callback.
 */
static struct iommu_domain *vcm_domain_alloc(struct device *dev)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;
	struct iommu_domain *domain;

	if (!ops->domain_alloc_user)
		return iommu_paging_domain_alloc(dev);
	domain = ops->domain_alloc_user(dev, 0, NULL, NULL);
	if (!IS_ERR(domain))
		domain->owner = ops;
	return domain;
}

static struct vcm_domain_group *vcm_domain_find_group(struct device *dev)
{
	struct vcm_domain_group *dg;

	list_for_each_entry(dg, &vcm_domain_groups, node)
		if (dg->group == dev->iommu_group)
			return dg;
	return NULL;
}

/* Does the driver accept the domain? -EBUSY if the group is attached already. */
static int vcm_domain_try(struct vcm_domain_group *dg,
			  struct iommu_domain *domain)
{
	int ret;

	ret = iommu_attach_group(domain, dg->group);
	if (!ret)
		iommu_detach_group(domain, dg->group);
	return ret;
}

/*
 * Some drivers (in 6.12 virtio-iommu, arm-smmu, qcom_iommu, ipmmu-vmsa) fill a
 * domain in when it is first attached; until then it has no aperture. Any
 * device of the unit will do that can be spared for a moment.
 */
static int vcm_domain_complete(struct iommu_device *iommu, struct device *dev,
			       struct iommu_domain *domain)
{
	struct vcm_domain_group *dg;
	int ret = -EBUSY;

	if (domain->geometry.aperture_end)
		return 0;
	list_for_each_entry(dg, &vcm_domain_groups, node) {
		if (dg->iommu != iommu)
			continue;
		ret = vcm_domain_try(dg, domain);
		if (ret != -EBUSY)
			break;
	}
	if (ret == -EBUSY)
		dev_err(dev, "vcm: this IOMMU driver can make another page table only while the device is inactive\n");
	if (ret)
		return ret;
	return domain->geometry.aperture_end ? 0 : -EOPNOTSUPP;
}

/*
 * Interrupts of a device behind such an IOMMU are writes that it translates.
 * Its driver must ask for them while the device is active.
 */
static int vcm_domain_add_msi(struct iommu_domain *domain, struct device *dev)
{
	struct iommu_resv_region *region;
	LIST_HEAD(regions);
	int ret = 0;

	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list) {
		if (region->type != IOMMU_RESV_SW_MSI)
			continue;
		ret = iommu_get_msi_cookie(domain, region->start);
		break;
	}
	iommu_put_resv_regions(dev, &regions);
	return ret;
}

static void vcm_domain_table_free(struct vcm_table *table)
{
	struct vcm_domain_table *dt = to_domain_table(table);

	/* Some drivers find the domain of a fault under RCU. */
	synchronize_rcu();
	iommu_domain_free(dt->domain);
	kfree(dt);
}

/*
 * A device has faulted. Its driver keeps it, and so the table, from being
 * detached. Without a hook, the driver's own message comes as well.
 */
static int vcm_domain_fault(struct iommu_domain *domain, struct device *dev,
			    unsigned long addr, int flags, void *table)
{
	const struct vcm_fault fault = {
		.table = table,
		.dev = dev,
		.addr = addr,
		.access = flags & IOMMU_FAULT_WRITE ? VCM_WRITE : VCM_READ,
	};

	return vcm_report_fault(&fault) == -ENOENT ? -ENOSYS : 0;
}

/* IOMMU_READ and the like; -EOPNOTSUPP if the table cannot express it. */
static __always_inline int vcm_domain_prot(const struct vcm_domain_table *dt,
					   u32 attr)
{
	int prot = attr & VCM_MMIO ? IOMMU_MMIO :
		   attr & VCM_CACHED ? IOMMU_CACHE : 0;

	/* These two are the same bits. */
	static_assert(VCM_READ == IOMMU_READ && VCM_WRITE == IOMMU_WRITE);
	prot |= attr & (VCM_READ | VCM_WRITE);
	if (!(attr & VCM_EXEC))
		prot |= IOMMU_NOEXEC;
	if (unlikely(attr & VCM_PRIV)) {
		if (!dt->has_priv)
			return -EOPNOTSUPP;
		prot |= IOMMU_PRIV;
	}
	return prot;
}

static int vcm_domain_map(struct vcm_table *table, dma_addr_t addr,
			  phys_addr_t pa, size_t len, u32 attr, gfp_t gfp,
			  size_t *mapped)
{
	struct vcm_domain_table *dt = to_domain_table(table);
	int prot = vcm_domain_prot(dt, attr);

	/* On an error it undoes what it did. */
	*mapped = 0;
	if (prot < 0)
		return prot;
	return iommu_map(dt->domain, addr, pa, len, prot, gfp);
}

static int vcm_domain_map_list(struct vcm_table *table, dma_addr_t addr,
			       const phys_addr_t *pages, unsigned int nr,
			       u32 attr, gfp_t gfp, size_t *mapped)
{
	struct vcm_domain_table *dt = to_domain_table(table);
	int prot = vcm_domain_prot(dt, attr);

	*mapped = 0;
	if (prot < 0)
		return prot;
	return iommu_map_list(dt->domain, addr, pages, nr, prot, gfp);
}

static size_t vcm_domain_unmap(struct vcm_table *table, dma_addr_t addr,
			       size_t len)
{
	return iommu_unmap(to_domain_table(table)->domain, addr, len);
}

static int vcm_domain_lookup(struct vcm_table *table, dma_addr_t addr,
			     phys_addr_t *pa)
{
	/* Physical address 0 looks like none; no memory that we map is there. */
	*pa = iommu_iova_to_phys(to_domain_table(table)->domain, addr);
	return *pa ? 0 : -ENOENT;
}

static const struct vcm_table_ops vcm_domain_table_ops = {
	.free = vcm_domain_table_free,
	.map = vcm_domain_map,
	.map_list = vcm_domain_map_list,
	.unmap = vcm_domain_unmap,
	.lookup = vcm_domain_lookup,
};

static struct vcm_iommu *vcm_domain_get_unit(struct device *dev,
					     unsigned int index)
{
	struct vcm_domain_unit *du;
	struct iommu_device *iommu;

	if (index || !device_iommu_mapped(dev) || !dev->iommu)
		return ERR_PTR(-ENODEV);
	iommu = dev->iommu->iommu_dev;
	list_for_each_entry(du, &vcm_domain_units, node)
		if (du->iommu == iommu)
			return vcm_iommu_get(&du->unit);

	du = kzalloc(sizeof(*du), GFP_KERNEL);
	if (!du)
		return ERR_PTR(-ENOMEM);
	du->iommu = iommu;
	vcm_iommu_init(&du->unit, &vcm_domain_ops,
		       iommu->dev ? dev_name(iommu->dev) : "iommu");
	list_add_tail(&du->node, &vcm_domain_units);
	return &du->unit;
}

static void vcm_domain_free(struct vcm_iommu *unit)
{
	struct vcm_domain_unit *du = to_domain_unit(unit);

	list_del(&du->node);
	kfree(du);
}

static int vcm_domain_claim(struct vcm_iommu *unit, struct device *dev)
{
	struct vcm_domain_group *dg;
	int ret;

	if (!device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY)) {
		dev_err(dev, "vcm: its DMA does not see the caches of the CPUs, and VCMM does no cache maintenance yet\n");
		return -EINVAL;
	}
	ret = iommu_device_claim_dma_owner(dev, &vcm_domain_owner);
	if (ret == -EPERM || ret == -EBUSY) {
		dev_err(dev, "vcm: somebody else drives the DMA of its IOMMU group: every driver of the group must set .driver_managed_dma = true and leave the DMA API alone\n");
		return -EBUSY;
	}
	if (ret)
		return ret;

	dg = vcm_domain_find_group(dev);
	if (!dg) {
		dg = kzalloc(sizeof(*dg), GFP_KERNEL);
		if (!dg) {
			iommu_device_release_dma_owner(dev);
			return -ENOMEM;
		}
		dg->group = iommu_group_get(dev);
		dg->iommu = to_domain_unit(unit)->iommu;
		list_add_tail(&dg->node, &vcm_domain_groups);
	}
	dg->claims++;
	return 0;
}

static void vcm_domain_unclaim(struct vcm_iommu *unit, struct device *dev)
{
	struct vcm_domain_group *dg = vcm_domain_find_group(dev);

	iommu_device_release_dma_owner(dev);
	if (--dg->claims)
		return;
	WARN_ON_ONCE(dg->users);
	list_del(&dg->node);
	iommu_group_put(dg->group);
	kfree(dg);
}

static int vcm_domain_walk_reserved(struct vcm_iommu *unit, struct device *dev,
				    vcm_reserved_fn fn, void *data)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	int ret;

	ret = iommu_get_group_resv_regions(dev->iommu_group, &regions);
	list_for_each_entry_safe(region, next, &regions, list) {
		/* Relaxable: of no use once a driver has the device. */
		if (!ret && region->type != IOMMU_RESV_DIRECT_RELAXABLE)
			ret = fn(data, region->start,
				 region->start + (region->length - 1));
		kfree(region);
	}
	return ret;
}

/*
 * Between two instances only the driver knows. For the moment of the trial an
 * inactive device reaches what @table maps, on behalf of the caller who is
 * about to let it.
 */
static int vcm_domain_can_walk(struct vcm_iommu *unit, struct device *dev,
			       struct vcm_table *table)
{
	struct vcm_domain_group *dg = vcm_domain_find_group(dev);
	struct iommu_domain *domain;
	int ret;

	if (table->ops != &vcm_domain_table_ops)
		return -EINVAL;
	if (to_domain_table(table)->iommu == to_domain_unit(unit)->iommu)
		return 0;
	domain = to_domain_table(table)->domain;
	/* Its group is on some table, so it cannot be tried on another one. */
	if (dg->users)
		return dg->domain == domain ? 0 : -EAGAIN;
	ret = vcm_domain_try(dg, domain);
	return ret == -EBUSY ? -EAGAIN : ret;
}

static struct vcm_table *vcm_domain_table_alloc(struct vcm_iommu *unit,
						struct device *dev)
{
	struct iommu_device *iommu = to_domain_unit(unit)->iommu;
	struct vcm_domain_table *dt;
	struct iommu_domain *domain;
	int ret;

	dt = kzalloc(sizeof(*dt), GFP_KERNEL);
	if (!dt)
		return ERR_PTR(-ENOMEM);

	domain = vcm_domain_alloc(dev);
	if (IS_ERR(domain)) {
		ret = PTR_ERR(domain);
		goto err_free;
	}
	ret = vcm_domain_complete(iommu, dev, domain);
	if (!ret)
		ret = vcm_domain_add_msi(domain, dev);
	if (ret)
		goto err_domain;

	dt->table.ops = &vcm_domain_table_ops;
	dt->table.geo = (struct vcm_geometry){
		.first = domain->geometry.aperture_start,
		/* iommu_map() takes an unsigned long. */
		.last = min_t(u64, domain->geometry.aperture_end, ULONG_MAX),
		/* Domains don't say; where they refuse it is -ERANGE. */
		.last_pa = PHYS_ADDR_MAX,
		.pgsizes = domain->pgsize_bitmap,
	};
	dt->domain = domain;
	dt->iommu = iommu;
	/*
	 * No driver says whether its format knows IOMMU_PRIV. Those that do
	 * are the Arm ones, and they can also forbid execution.
	 */
	dt->has_priv = device_iommu_capable(dev, IOMMU_CAP_NOEXEC);
	iommu_set_fault_handler(domain, vcm_domain_fault, &dt->table);
	return &dt->table;

err_domain:
	iommu_domain_free(domain);
err_free:
	kfree(dt);
	return ERR_PTR(ret);
}

static int vcm_domain_attach(struct vcm_iommu *unit, struct device *dev,
			     struct vcm_table *table)
{
	struct vcm_domain_group *dg = vcm_domain_find_group(dev);
	struct iommu_domain *domain = to_domain_table(table)->domain;
	int ret;

	if (dg->users && dg->domain != domain) {
		dev_err(dev, "vcm: another device of its IOMMU group is active on another page table\n");
		return -EBUSY;
	}
	if (!dg->users) {
		ret = iommu_attach_group(domain, dg->group);
		if (ret)
			return ret;
		dg->domain = domain;
	}
	dg->users++;
	return 0;
}

static void vcm_domain_detach(struct vcm_iommu *unit, struct device *dev,
			      struct vcm_table *table)
{
	struct vcm_domain_group *dg = vcm_domain_find_group(dev);

	if (!--dg->users)
		iommu_detach_group(dg->domain, dg->group);
}

static const struct vcm_iommu_ops vcm_domain_ops = {
	.name = "domain",
	.owner = THIS_MODULE,
	.get_unit = vcm_domain_get_unit,
	.free = vcm_domain_free,
	.claim = vcm_domain_claim,
	.unclaim = vcm_domain_unclaim,
	.for_each_reserved = vcm_domain_walk_reserved,
	.can_walk = vcm_domain_can_walk,
	.table_alloc = vcm_domain_table_alloc,
	.attach = vcm_domain_attach,
	.detach = vcm_domain_detach,
	/* .invalidate: iommu_unmap() has flushed when it returns. */
};

/* A domain of somebody else */

static void vcm_prebuilt_free(struct vcm_table *table)
{
	kfree(to_domain_table(table));
}

/* How many bytes from @addr on are all mapped, or all not; at most @len. */
static u64 vcm_prebuilt_run(struct iommu_domain *domain, u64 addr, u64 len,
			    bool mapped)
{
	u64 granule = BIT_ULL(__ffs(domain->pgsize_bitmap));
	u64 run;

	for (run = 0; run < len; run += granule) {
		if (mapped != !!iommu_iova_to_phys(domain, addr + run))
			return run;
		cond_resched();
	}
	return len;
}

/* Some drivers overwrite an entry that is there, others warn of it. */
static int vcm_prebuilt_busy(struct vcm_table *table, dma_addr_t addr,
			     size_t len)
{
	struct iommu_domain *domain = to_domain_table(table)->domain;
	dma_addr_t busy = addr + vcm_prebuilt_run(domain, addr, len, false);

	if (busy - addr >= len)
		return 0;
	pr_err("%s: the owner of the page table has mapped something at %pad since the context was made\n",
	       vcm_get_name(table->vcm), &busy);
	return -EADDRINUSE;
}

static int vcm_prebuilt_map(struct vcm_table *table, dma_addr_t addr,
			    phys_addr_t pa, size_t len, u32 attr, gfp_t gfp,
			    size_t *mapped)
{
	*mapped = 0;
	return vcm_prebuilt_busy(table, addr, len) ?:
	       vcm_domain_map(table, addr, pa, len, attr, gfp, mapped);
}

static int vcm_prebuilt_map_list(struct vcm_table *table, dma_addr_t addr,
				 const phys_addr_t *pages, unsigned int nr,
				 u32 attr, gfp_t gfp, size_t *mapped)
{
	size_t len = (size_t)nr << __ffs(table->geo.pgsizes);

	*mapped = 0;
	return vcm_prebuilt_busy(table, addr, len) ?:
	       vcm_domain_map_list(table, addr, pages, nr, attr, gfp, mapped);
}

static const struct vcm_table_ops vcm_prebuilt_ops = {
	.free = vcm_prebuilt_free,
	.map = vcm_prebuilt_map,
	.map_list = vcm_prebuilt_map_list,
	.unmap = vcm_domain_unmap,
	.lookup = vcm_domain_lookup,
};

/* The context keeps out of all that is mapped there now. */
static int vcm_prebuilt_keep_out(struct vcm *vcm, struct iommu_domain *domain)
{
	u64 addr = vcm_get_start_addr(vcm), left = vcm_get_len(vcm), len;
	int ret;

	for (;;) {
		len = vcm_prebuilt_run(domain, addr, left, false);
		addr += len;
		left -= len;
		if (!left)
			return 0;
		len = vcm_prebuilt_run(domain, addr, left, true);
		ret = vcm_keep_out(vcm, addr, addr + (len - 1));
		if (ret)
			return ret;
		addr += len;
		left -= len;
	}
}

/* Is all of it in reach of those who map into the domain by hand? */
static int vcm_prebuilt_check(struct iommu_domain *domain, dma_addr_t start,
			      u64 len)
{
	u64 first = domain->geometry.aperture_start;
	u64 last = min_t(u64, domain->geometry.aperture_end, ULONG_MAX);

	/* Of the others, the DMA API hands the addresses out, or a process. */
	if (domain->type != IOMMU_DOMAIN_UNMANAGED || !domain->pgsize_bitmap) {
		pr_err("a domain of type %#x is not one that its owner maps into\n",
		       domain->type);
		return -EOPNOTSUPP;
	}
	if (start < first || start > last || len - 1 > last - start) {
		pr_err("%llu bytes at %pad are out of the reach of the domain, %#llx-%#llx\n",
		       len, &start, first, last);
		return -ERANGE;
	}
	return 0;
}

/**
 * vcm_create_from_domain() - create a context in a page table of somebody else
 * @domain: the page table, made with iommu_paging_domain_alloc() and the like
 * @start: first device address that VCMM may use
 * @len: bytes
 *
 * Its reservations are mapped in @domain, so each device that the owner
 * attaches to it reaches what backs them. VCMM writes to this window only, and
 * never attaches, detaches or frees the domain. After vcm_unback() no device
 * reaches the memory, as after iommu_unmap(). The owner keeps the domain until
 * vcm_free().
 *
 * What is mapped in the window now stays, and reservations keep out of it for
 * as long as the context lives. To find it, every page of the window is looked
 * at, so ask for what you need. From now on the owner maps and unmaps outside of
 * the window only. If something is in the way all the same, vcm_back() answers
 * -EADDRINUSE. What the devices cannot use (MSI windows, their DMA masks) the
 * owner knows and the domain does not: choose the window accordingly.
 *
 * A device that is given to vcm_assoc() is not attached to @domain, where it
 * would see what the owner has mapped: it gets a page table of its own, with
 * what is in the context at the same addresses. Devices that the owner drives
 * are refused there with -EBUSY. VCM_PRIV is refused, because a domain does not
 * tell whether it has it.
 *
 * Context: May sleep.
 * Return: the context; or an ERR_PTR(): -EINVAL for a bad pointer, no length,
 * or what is not in whole pages, -ERANGE if the window leaves what the domain can
 * map, -EOPNOTSUPP if nobody maps into the domain by hand (that of the DMA API,
 * an identity domain), or without CONFIG_VCM_DOMAIN, -ENOMEM.
 */
struct vcm *vcm_create_from_domain(struct iommu_domain *domain,
				   dma_addr_t start, u64 len)
{
	struct vcm_domain_table *dt;
	struct vcm *vcm;
	int ret;

	if (IS_ERR_OR_NULL(domain) || !len)
		return ERR_PTR(-EINVAL);
	ret = vcm_prebuilt_check(domain, start, len);
	if (ret)
		return ERR_PTR(ret);
	dt = kzalloc(sizeof(*dt), GFP_KERNEL);
	if (!dt)
		return ERR_PTR(-ENOMEM);
	dt->domain = domain;
	dt->table.ops = &vcm_prebuilt_ops;
	dt->table.geo = (struct vcm_geometry){
		.first = domain->geometry.aperture_start,
		.last = min_t(u64, domain->geometry.aperture_end, ULONG_MAX),
		.last_pa = PHYS_ADDR_MAX,
		.pgsizes = domain->pgsize_bitmap,
	};
	vcm = vcm_create_around(&dt->table, start, len);
	if (IS_ERR(vcm))
		goto err_free;
	ret = vcm_prebuilt_keep_out(vcm, domain);
	if (ret) {
		WARN_ON_ONCE(vcm_free(vcm));
		return ERR_PTR(ret);
	}
	return vcm;

err_free:
	kfree(dt);
	return vcm;
}
EXPORT_SYMBOL_GPL(vcm_create_from_domain);

static int __init vcm_domain_init(void)
{
	return vcm_iommu_register(&vcm_domain_ops);
}
subsys_initcall(vcm_domain_init);
