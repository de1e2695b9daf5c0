/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual Contiguous Memory Manager: what a consumer sees.
 *
 * A *context* (struct vcm) is an address space that belongs to no device. A
 * *reservation* (struct vcm_res) is a range of it, a *physical allocation*
 * (struct vcm_phys) is memory, *backing* joins the two, and an *association*
 * (struct vcm_assoc) puts a device on the context. Which IOMMUs that involves,
 * and whether they share one page table or mirror it, is not the consumer's
 * business. All five are opaque here; the functions are described where they
 * are defined, and as a whole in Documentation/mm/vcm/.
 */
#ifndef _LINUX_VCM_H
#define _LINUX_VCM_H

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/types.h>

struct device;
struct dma_buf;
struct iommu_domain;
struct mm_struct;
struct sg_table;
struct vcm;
struct vcm_assoc;
struct vcm_bound;
struct vcm_memtype;
struct vcm_phys;
struct vcm_res;

/*
 * Attributes of a reservation: what a device may do through it. One without
 * VCM_READ and VCM_WRITE can be made, but not backed. What is to be backed with
 * the registers of a device says so, and takes no RAM: VCM_MMIO. And of an
 * association: what its device may do at most, through whatever reservation.
 */
#define VCM_READ	BIT(0)	/* the device may read */
#define VCM_WRITE	BIT(1)	/* the device may write */
#define VCM_EXEC	BIT(2)	/* the device may fetch instructions */
#define VCM_PRIV	BIT(3)	/* privileged accesses only, where the format has them */
#define VCM_MMIO	BIT(7)	/* for registers of a device, not for memory */

/*
 * Cacheability. Of an allocation: what the memory is; without one of these it
 * is VCM_CACHED, or, if it is not in the kernel's linear map, what the first
 * reservation makes of it. Of a reservation: how it is to be mapped; without
 * one of these, as the memory is. One memory, one cacheability: all mappings of
 * it, the linear map included, have the same.
 */
#define VCM_CACHED	BIT(4)	/* through the caches of the CPUs */
#define VCM_UNCACHED	BIT(5)	/* past them */
#define VCM_WC		BIT(6)	/* past them, and writes may be combined */
#define VCM_CACHE_MASK	(VCM_CACHED | VCM_UNCACHED | VCM_WC)

/* Attributes of a physical allocation. */
#define VCM_CONTIG	BIT(8)	/* one chunk */
#define VCM_ZERO	BIT(9)	/* cleared before anybody sees it */

/* For vcm_phys_migrate(). */
#define VCM_NO_WRITES	BIT(0)	/* no device writes to the memory meanwhile */

/*
 * Of an allocation: the block sizes that it may be made of, as orders.
 * VCM_BLOCKS(16, 20) allows 64 KiB to 1 MiB; VCM_BLOCKS(20, 0), 1 MiB and
 * more; without it, all are allowed.
 */
#define VCM_BLOCKS_MIN_SHIFT	12
#define VCM_BLOCKS_MAX_SHIFT	18
#define VCM_BLOCKS_MASK		GENMASK(23, 12)
#define VCM_BLOCKS(min_order, max_order)					\
	((((u32)(min_order) & 63) << VCM_BLOCKS_MIN_SHIFT) |		\
	 (((u32)(max_order) & 63) << VCM_BLOCKS_MAX_SHIFT))
#define VCM_BLOCKS_MIN(attr)	(((attr) >> VCM_BLOCKS_MIN_SHIFT) & 63)
#define VCM_BLOCKS_MAX(attr)	(((attr) >> VCM_BLOCKS_MAX_SHIFT) & 63)

/*
 * Alignment, for both: VCM_ALIGN(21) asks for multiples of 2^21 bytes. Without
 * it a reservation gets the alignment that lets the largest blocks be used,
 * and an allocation that of its blocks.
 */
#define VCM_ALIGN_SHIFT		24
#define VCM_ALIGN_MASK		GENMASK(29, 24)
#define VCM_ALIGN(order)	(((u32)(order) << VCM_ALIGN_SHIFT) & VCM_ALIGN_MASK)
#define VCM_ALIGN_ORDER(attr)	(((attr) & VCM_ALIGN_MASK) >> VCM_ALIGN_SHIFT)

/**
 * struct vcm_mapper - one place where memory is mapped
 * @res: the reservation; a counted reference
 * @phys: the allocation that the memory belongs to; without a reference
 * @off: where in @res, in bytes
 * @pa: which memory
 * @len: bytes, contiguous in the mapping and in memory
 */
struct vcm_mapper {
	struct vcm_res *res;
	struct vcm_phys *phys;
	size_t off;
	phys_addr_t pa;
	size_t len;
};

/**
 * typedef vcm_handler - told of an access that was refused
 * @dev: the device that tried
 * @addr: device address; some IOMMUs report no more than the page
 * @access: VCM_READ or VCM_WRITE; with VCM_EXEC for an instruction fetch and
 *          VCM_PRIV for a privileged access, where the IOMMU says so
 * @data: as given to vcm_hook()
 *
 * Where the hardware lets a refused access wait, the answer decides it.
 * Elsewhere the access has failed by then, and the handler is only told.
 *
 * Context: A work item; may sleep, and may back what is missing. One call at a
 * time for each device. It must not remove the hook of another device, nor
 * bind or unbind a driver.
 * Return: 0 if the fault is dealt with and the access is to be tried again;
 * anything else terminates it.
 */
typedef int (*vcm_handler)(struct device *dev, dma_addr_t addr, u32 access,
			   void *data);

/* contexts */
struct vcm *vcm_create(dma_addr_t start, u64 len);
struct vcm *vcm_create_identity(phys_addr_t start, u64 len);
struct vcm *vcm_create_kernel(void);
struct vcm *vcm_create_user(struct mm_struct *mm);
#ifdef CONFIG_VCM_DOMAIN
struct vcm *vcm_create_from_domain(struct iommu_domain *domain,
				   dma_addr_t start, u64 len);
#else
static inline struct vcm *vcm_create_from_domain(struct iommu_domain *domain,
						 dma_addr_t start, u64 len)
{
	return ERR_PTR(-EOPNOTSUPP);
}
#endif
struct vcm *vcm_clone(struct vcm *vcm);
int vcm_free(struct vcm *vcm);
int vcm_set_name(struct vcm *vcm, const char *name);
const char *vcm_get_name(struct vcm *vcm);
dma_addr_t vcm_get_start_addr(struct vcm *vcm);
u64 vcm_get_len(struct vcm *vcm);
size_t vcm_get_min_page_size(struct vcm *vcm);

/* reservations */
struct vcm_res *vcm_reserve(struct vcm *vcm, size_t len, u32 attr);
struct vcm_res *vcm_reserve_at(struct vcm *vcm, dma_addr_t addr, size_t len,
			       u32 attr);
int vcm_unreserve(struct vcm_res *res);
int vcm_set_res_attr(struct vcm_res *res, u32 attr);
u32 vcm_get_res_attr(struct vcm_res *res);
struct vcm *vcm_get_vcm_from_res(struct vcm_res *res);
dma_addr_t vcm_get_dev_addr(struct vcm_res *res);
void *vcm_get_kernel_addr(struct vcm_res *res);
size_t vcm_get_res_len(struct vcm_res *res);
size_t vcm_get_num_res(struct vcm *vcm);
struct vcm_res *vcm_get_next_res(struct vcm *vcm, struct vcm_res *prev);
struct vcm_res *vcm_get_res(struct vcm *vcm, dma_addr_t addr);
void vcm_res_put(struct vcm_res *res);
ssize_t vcm_res_copy(struct vcm_res *to, size_t to_off, struct vcm_res *from,
		     size_t from_off, size_t len);

/* bounds */
struct vcm_bound *vcm_create_bound(struct vcm *vcm, size_t len);
struct vcm_bound *vcm_create_bound_at(struct vcm *vcm, dma_addr_t addr,
				      size_t len);
struct vcm_res *vcm_reserve_from_bound(struct vcm_bound *bound, size_t len,
				       u32 attr);
dma_addr_t vcm_get_bound_start_addr(struct vcm_bound *bound);
size_t vcm_get_bound_len(struct vcm_bound *bound);
int vcm_free_bound(struct vcm_bound *bound);

/* physical memory */
struct vcm_memtype *vcm_memtype_get(const char *name);
void vcm_memtype_put(struct vcm_memtype *type);
struct vcm_phys *vcm_phys_alloc(struct vcm_memtype *type, size_t len, u32 attr);
struct vcm_phys *vcm_phys_alloc_node(struct vcm_memtype *type, size_t len,
				     u32 attr, int nid);
struct vcm_phys *vcm_map_phys_addr(phys_addr_t pa, size_t len);
struct vcm_phys *vcm_phys_from_sg(struct sg_table *sgt);
struct vcm_phys *vcm_phys_pin_user(unsigned long addr, size_t len, u32 rights);
int vcm_phys_free(struct vcm_phys *phys);
void vcm_phys_put(struct vcm_phys *phys);
struct vcm_phys *vcm_get_physmem_from_res(struct vcm_res *res);
struct vcm_memtype *vcm_get_memtype_of_physalloc(struct vcm_phys *phys);
size_t vcm_get_phys_len(struct vcm_phys *phys);
int vcm_get_chunk(struct vcm_phys *phys, unsigned int index, phys_addr_t *pa,
		  size_t *len);
size_t vcm_get_phys_num_res(phys_addr_t pa);
struct vcm_res *vcm_get_next_phys_res(phys_addr_t pa, struct vcm_res *prev,
				      size_t *len);

#ifdef CONFIG_DMA_SHARED_BUFFER
struct vcm_phys *vcm_import_dma_buf(struct dma_buf *dmabuf);
#else
static inline struct vcm_phys *vcm_import_dma_buf(struct dma_buf *dmabuf)
{
	return ERR_PTR(-EOPNOTSUPP);
}
#endif

int vcm_phys_migrate(struct vcm_phys *phys, struct vcm_memtype *type, u32 attr,
		     u32 flags);

bool vcm_get_next_mapper(phys_addr_t pa, size_t len, struct vcm_mapper *mapper);

/* memory as a dma-buf */
#ifdef CONFIG_DMA_SHARED_BUFFER
struct dma_buf *vcm_export_dma_buf(struct vcm_phys *phys, int flags);
struct vcm_phys *vcm_dma_buf_get_phys(struct dma_buf *buf);
#else
static inline struct dma_buf *vcm_export_dma_buf(struct vcm_phys *phys,
						 int flags)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline struct vcm_phys *vcm_dma_buf_get_phys(struct dma_buf *buf)
{
	return ERR_PTR(-EOPNOTSUPP);
}
#endif

/* backing */
int vcm_back(struct vcm_res *res, struct vcm_phys *phys);
int vcm_back_range(struct vcm_res *res, size_t res_off, struct vcm_phys *phys,
		   size_t phys_off, size_t len);
int vcm_unback(struct vcm_res *res);

/* all three at once */
struct vcm_res *vcm_alloc(struct vcm *vcm, struct vcm_memtype *type, size_t len,
			  u32 attr);
struct vcm_res *vcm_alloc_from_bound(struct vcm_bound *bound,
				     struct vcm_memtype *type, size_t len,
				     u32 attr);
int vcm_dealloc(struct vcm_res *res);
struct vcm_res *devm_vcm_alloc(struct device *dev, struct vcm *vcm,
			       struct vcm_memtype *type, size_t len, u32 attr);

/* associations */
struct vcm_assoc *vcm_assoc(struct vcm *vcm, struct device *dev, u32 attr);
int vcm_deassoc(struct vcm_assoc *assoc);
int vcm_activate(struct vcm_assoc *assoc);
int vcm_deactivate(struct vcm_assoc *assoc);
bool vcm_is_active(struct vcm_assoc *assoc);
struct vcm_assoc *vcm_get_assoc(struct vcm *vcm, struct device *dev);
int vcm_set_assoc_attr(struct vcm_assoc *assoc, u32 attr);
u32 vcm_get_assoc_attr(struct vcm_assoc *assoc);
int vcm_assoc_move(struct vcm_assoc *assoc, struct vcm *to);

/* looking things up */
int vcm_translate(struct vcm *src, dma_addr_t addr, struct vcm *dst,
		  dma_addr_t *out);
int vcm_dev_addr_to_phys_addr(struct vcm *vcm, dma_addr_t addr,
			      phys_addr_t *pa);
unsigned int vcm_get_num_tables(struct vcm *vcm);
unsigned int vcm_get_num_units(struct vcm *vcm);

/* what a board declares; see include/linux/vcm-machine.h */
struct vcm *vcm_get(struct device *dev, const char *con_id);
void vcm_put(struct vcm *vcm);
struct vcm *devm_vcm_get(struct device *dev, const char *con_id);
struct vcm_bound *vcm_get_bound(struct vcm *vcm, const char *name);
struct vcm_memtype *vcm_get_memtype(struct vcm *vcm);

/* faults */
int vcm_hook(struct device *dev, vcm_handler handler, void *data);

/**
 * vcm_for_each_res() - visit every reservation of a context
 * @vcm: the context
 * @res: loop cursor; holds a counted reference, so leave the loop early only
 *       with vcm_res_put()
 */
#define vcm_for_each_res(vcm, res)					\
	for ((res) = vcm_get_next_res(vcm, NULL); (res);		\
	     (res) = vcm_get_next_res(vcm, res))

/**
 * vcm_for_each_phys_res() - visit every reservation that maps a byte of memory
 * @pa: physical address
 * @res: loop cursor; holds a counted reference, so leave the loop early only
 *       with vcm_res_put()
 * @len: size_t that receives how far the mapping goes on from @pa
 */
#define vcm_for_each_phys_res(pa, res, len)				\
	for ((res) = vcm_get_next_phys_res(pa, NULL, &(len)); (res);	\
	     (res) = vcm_get_next_phys_res(pa, res, &(len)))

/**
 * vcm_for_each_mapper() - visit every place where a range of memory is mapped
 * @start: first physical address
 * @size: bytes
 * @cursor: a struct vcm_mapper; holds a counted reference, so leave the loop
 *          early only with vcm_res_put() of its reservation
 */
#define vcm_for_each_mapper(start, size, cursor)			\
	for ((cursor)->res = NULL;					\
	     vcm_get_next_mapper(start, size, cursor);)

#endif /* _LINUX_VCM_H */
