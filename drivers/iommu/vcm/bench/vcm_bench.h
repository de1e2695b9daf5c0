/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What VCMM costs, beside what its peers cost, in the same boot.
 *
 * A *row* is one question, such as "what does vcm_back() cost?". It prepares a
 * bed, measures VCMM and each peer doing the same job, and says the figures, a
 * line each:
 *
 *	vcm-bench: B1|op=map size=4096 scattered=0|vcm|1152|instructions
 *
 * that is the row, its parameters, who, the figure, and its unit.
 *
 * The clock of a virtual machine whose instructions take a nanosecond each
 * (-icount shift=0) counts instructions. On any other machine the figures are
 * real time, and worth as much as that is.
 *
 * A new row is a function here, its line in vcm_bench.c, and a file of its own.
 */
#ifndef _VCM_BENCH_H
#define _VCM_BENCH_H

#include <linux/iova.h>
#include <linux/scatterlist.h>
#include <linux/types.h>
#include <linux/vcm.h>

struct device;
struct iommu_domain;

#define BENCH_COUNT	"instructions"
#define BENCH_RIGHTS	(VCM_READ | VCM_WRITE)

/* Measuring */

/**
 * struct bench_op - something to be measured, that can be undone
 * @make: do it
 * @undo: and back
 * @data: for both
 *
 * Both return an errno, which ends the row.
 */
struct bench_op {
	int (*make)(void *data);
	int (*undo)(void *data);
	void *data;
};

/**
 * struct bench_cost - what something cost, without the reading of the clock
 * @make: the median of &bench_op.make
 * @undo: the median of &bench_op.undo
 */
struct bench_cost {
	u64 make;
	u64 undo;
};

int bench_measure(const struct bench_op *op, struct bench_cost *cost);

__printf(5, 6)
void bench_say(const char *row, const char *who, u64 figure, const char *unit,
	       const char *params, ...);

/**
 * struct bench_count - what was written into a domain
 * @domain: the domain
 * @calls: calls of the driver of the IOMMU
 * @entries: leaf entries
 * @of_order: those of one block size, by its logarithm
 */
struct bench_count {
	struct iommu_domain *domain;
	unsigned long calls;
	unsigned long entries;
	unsigned long of_order[BITS_PER_LONG];
};

void bench_count_begin(struct bench_count *count, struct iommu_domain *domain);
void bench_count_end(struct bench_count *count);
int bench_count_commands(struct device *dev, const struct bench_op *op,
			 unsigned int *commands);

/* The bed: devices, and who has them */

/**
 * struct bench_domain - an IOMMU domain as a driver without VCMM has one
 * @dev: the device on it
 * @domain: the domain
 * @iovad: what the driver gets its addresses from
 */
struct bench_domain {
	struct device *dev;
	struct iommu_domain *domain;
	struct iova_domain iovad;
};

/**
 * struct bench_bed - three devices behind one kind of IOMMU
 * @vcm: a context
 * @assoc: the first device, active on @vcm
 * @own: the second one, on a domain of its own
 * @dma: the third one, left to the DMA API
 */
struct bench_bed {
	struct vcm *vcm;
	struct vcm_assoc *assoc;
	struct bench_domain own;
	struct device *dma;
};

/* Addresses of @vcm and of @own are those of the DMA API: below 4 GiB. */
#define BENCH_START	SZ_64M
#define BENCH_LEN	(SZ_4G - SZ_64M)

struct device *bench_device(unsigned int index);
int bench_bed_init(struct bench_bed *bed);
void bench_bed_exit(struct bench_bed *bed);

/* IOMMUs in software, of which there can be many */
#define BENCH_SOFT_MAX	128

int bench_soft_init(unsigned int nr, bool mirrored);
void bench_soft_exit(unsigned int nr);
struct device *bench_soft_device(unsigned int index);

/**
 * struct bench_shape - how a buffer lies in memory
 * @len: bytes
 * @scattered: no page follows the other; otherwise, blocks as large as can be
 */
struct bench_shape {
	size_t len;
	bool scattered;
};

#define BENCH_SHAPES	6
extern const struct bench_shape bench_shapes[BENCH_SHAPES];

/**
 * struct bench_mem - a buffer, for VCMM and for its peers
 * @shape: how it lies in memory
 * @phys: the memory
 * @sgt: the same, an entry for each physically contiguous run
 */
struct bench_mem {
	struct bench_shape shape;
	struct vcm_phys *phys;
	struct sg_table sgt;
};

int bench_mem_init(struct bench_mem *mem, const struct bench_shape *shape);
void bench_mem_exit(struct bench_mem *mem);

/* Peers */

/* The rights that a back end of VCMM asks for, with VCM_READ and VCM_WRITE. */
#define BENCH_PROT	(IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE | IOMMU_NOEXEC)

/**
 * struct bench_peer - one that does the job of VCMM without it
 * @who: its name
 * @make: map a buffer
 * @undo: unmap it
 */
struct bench_peer {
	const char *who;
	int (*make)(void *job);
	int (*undo)(void *job);
};

/**
 * struct bench_job - a buffer to be mapped, by one of all who can
 * @bed: the devices
 * @mem: the buffer
 * @res: of VCMM: the reservation
 * @addr: of a peer: device address
 */
struct bench_job {
	struct bench_bed *bed;
	struct bench_mem *mem;
	struct vcm_res *res;
	dma_addr_t addr;
};

int bench_domain_init(struct bench_domain *own, struct device *dev);
void bench_domain_exit(struct bench_domain *own);

/* VCMM itself, with &bench_job.res */
extern const struct bench_peer bench_vcm_back;

/* They map at &bench_job.addr. */
extern const struct bench_peer bench_iommu_map;
extern const struct bench_peer bench_iommu_map_sgtable;
/* They get an address as well, and put it into &bench_job.addr. */
extern const struct bench_peer bench_dma_map_sgtable;
extern const struct bench_peer bench_alloc_iova_fast;

int bench_compare(const char *row, const struct bench_peer *peer,
		  struct bench_job *job);

/* Rows */
int bench_back(void);
int bench_whole(void);
int bench_units(void);
int bench_tables(void);
int bench_live(void);
int bench_full(void);
int bench_blocks(void);
int bench_flush(void);
int bench_mappers(void);
int bench_frames(void);
int bench_bytes(void);
int bench_parallel(void);

#endif /* _VCM_BENCH_H */
