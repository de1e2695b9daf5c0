/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bed of the suites with real DMA: QEMU's edu devices behind the IOMMUs of
 * the machine, and what a case makes of contexts, reservations and memory, to be
 * given back when it ends.
 *
 * A transfer takes 100 ms of virtual time, so each one is counted.
 */
#ifndef _VCM_DOMAIN_BED_H
#define _VCM_DOMAIN_BED_H

#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/vcm.h>

struct device;
struct page;

#define DBED_RW		(VCM_READ | VCM_WRITE)
#define DBED_DEVS	3
#define DBED_MAX_DEVS	32
#define DBED_MAX_OBJS	8
#define DBED_MAX_ASSOCS	(2 * DBED_MAX_DEVS)
/* How much a device moves, and where in its own buffer. */
#define DBED_MOVE	64
#define DBED_SIG_OFF	0
#define DBED_CATCH_OFF	1024
/* How much there is of a memory type of dbed_memtype(). */
#define DBED_POOL_LEN	SZ_128K

/* The edu devices reach 28 bits of address, unless QEMU is told otherwise. */
#define DBED_START	SZ_64M
#define DBED_LEN	SZ_64M

struct dbed_buf {
	struct vcm_res *res;
	struct vcm_phys *phys;
	dma_addr_t addr;
};

/* What a case made; given back, and checked, when it ends. */
struct dbed {
	struct device *dev[DBED_MAX_DEVS];
	int nr_devs;
	struct vcm *vcm[DBED_MAX_OBJS];
	struct vcm_assoc *assoc[DBED_MAX_ASSOCS];
	struct vcm_res *res[DBED_MAX_OBJS];
	struct vcm_phys *phys[DBED_MAX_OBJS];
	int nr_vcm, nr_assoc, nr_res, nr_phys;
};

/* Patterns: one that was never used, and that of a device */
u32 dbed_fresh(void);
u32 dbed_signature(int index);

/* Memory, as the CPU sees it: through the kernel's view of all memory */
struct page *dbed_page(struct kunit *test, struct vcm_phys *phys, size_t off);
void dbed_poke(struct kunit *test, struct vcm_phys *phys, size_t off, u32 seed);
bool dbed_holds(struct kunit *test, struct vcm_phys *phys, size_t off,
		u32 seed);
/* The same of memory that is no allocation any more: all bytes of a page */
void dbed_paint(struct page *page);
bool dbed_is_painted(struct page *page);

struct device *dbed_device(unsigned int index);
const char *dbed_iommu_name(struct device *dev);

/* Devices: to and from their own buffers; what gets through, and what doesn't */
void dbed_store(struct kunit *test, struct device *dev, dma_addr_t addr,
		size_t off);
void dbed_fetch(struct kunit *test, struct device *dev, dma_addr_t addr);
bool dbed_writes(struct kunit *test, int index, dma_addr_t addr,
		 struct vcm_phys *phys, size_t off);
bool dbed_caught(struct kunit *test, int index, struct dbed_buf out, u32 seed);
bool dbed_reads(struct kunit *test, int index, dma_addr_t addr,
		struct vcm_phys *phys, size_t off, struct dbed_buf out);

/* Objects, which go away with the case */
struct vcm *dbed_vcm(struct kunit *test, dma_addr_t start, u64 len);
struct vcm_res *dbed_keep_res(struct kunit *test, struct vcm_res *res);
struct vcm_phys *dbed_phys(struct kunit *test, size_t len);
struct vcm_memtype *dbed_memtype(struct kunit *test, const char *name);
struct vcm_phys *dbed_phys_of(struct kunit *test, struct vcm_memtype *type,
			      size_t len);
struct dbed_buf dbed_new_buf(struct kunit *test, struct vcm *vcm, size_t len,
			     u32 attr);
struct vcm_assoc *dbed_join(struct kunit *test, struct vcm *vcm, int index);
struct vcm_assoc *dbed_join_active(struct kunit *test, struct vcm *vcm,
				   int index);

/* For struct kunit_suite */
int dbed_suite_init(struct kunit_suite *suite);
void dbed_suite_exit(struct kunit_suite *suite);
int dbed_init(struct kunit *test);
void dbed_exit(struct kunit *test);

#endif /* _VCM_DOMAIN_BED_H */
