/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bed that the suites of VCMM lie in: a context, software IOMMUs, a device
 * behind each, and a device to do DMA with. A suite says which *kind* of bed it
 * wants, and most want all of them: what is true of one table must be true of
 * a shared one and of a mirror.
 */
#ifndef _MM_TESTS_VCM_BED_H
#define _MM_TESTS_VCM_BED_H

#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/vcm-soft.h>
#include <linux/vcm.h>

struct mm_struct;
struct vcm_board;

#define VCM_RW		(VCM_READ | VCM_WRITE)

/* A window that every format can address; 1 GiB. */
#define BED_START	0x10000000
#define BED_LEN		SZ_1G

/* Where there is no memory: some GiB of physical addresses that nobody touches. */
#ifdef CONFIG_PHYS_ADDR_T_64BIT
#define NOWHERE		(64 * (u64)SZ_1G)
#else
#define NOWHERE		((u64)SZ_2G)
#endif

/**
 * struct vcm_bed_kind - what the bed is made of
 * @name: for the test's output
 * @nr: how many units
 * @formats: unit i gets formats[i % nr_formats]
 * @nr_formats: so many different formats, as many tables come of it
 */
struct vcm_bed_kind {
	const char *name;
	unsigned int nr;
	enum vcm_soft_format formats[3];
	unsigned int nr_formats;
};

/**
 * struct vcm_bed - the bed
 * @test: the test that lies in it
 * @kind: what it is made of
 * @vcm: a context, [BED_START, BED_START + BED_LEN)
 * @nr: how many of each of the following
 * @units: software IOMMUs
 * @devs: a device behind each
 * @assocs: their associations, once bed_join() was called
 */
struct vcm_bed {
	struct kunit *test;
	const struct vcm_bed_kind *kind;
	struct vcm *vcm;
	unsigned int nr;
	struct vcm_iommu **units;
	struct device **devs;
	struct vcm_assoc **assocs;
};

extern const struct vcm_bed_kind vcm_bed_kinds[];
extern const struct vcm_bed_kind vcm_bed_one;
extern const struct vcm_bed_kind vcm_bed_two;
extern const struct vcm_bed_kind vcm_bed_mirror;

const void *vcm_bed_gen_params(const void *prev, char *desc);

struct vcm_bed *bed_new(struct kunit *test, const struct vcm_bed_kind *kind);
struct vcm_iommu *bed_unit(struct kunit *test,
			   const struct vcm_soft_config *config);
struct device *bed_device(struct kunit *test, struct vcm_iommu *unit);
void bed_remove_unit(struct kunit *test, struct vcm_iommu *unit);
void bed_join_first(struct vcm_bed *bed, unsigned int nr);
void bed_join(struct vcm_bed *bed);
void bed_leave(struct vcm_bed *bed);
struct vcm_res *bed_reserve(struct vcm_bed *bed, size_t len, u32 attr);
struct vcm_phys *bed_alloc(struct vcm_bed *bed, size_t len, u32 attr);
void bed_end(struct vcm_bed *bed);

/* What every device of the bed sees; each says what it expects of all. */
void bed_expect_access(struct vcm_bed *bed, dma_addr_t addr, u32 access);
void bed_expect_fault(struct vcm_bed *bed, dma_addr_t addr, u32 access);
void bed_expect_memory(struct vcm_bed *bed, struct vcm_res *res,
		       struct vcm_phys *phys);
void bed_expect_unmapped(struct vcm_bed *bed, dma_addr_t addr, size_t len);

void bed_expect_idle(struct vcm_bed *bed, struct vcm_res *res,
		     struct vcm_phys *phys);

/* One context and its reservations, without a bed. */
struct vcm *space_new(struct kunit *test, dma_addr_t start, u64 len);
struct vcm_res *space_take(struct kunit *test, struct vcm *vcm, size_t len,
			   u32 attr);
struct vcm_res *space_take_at(struct kunit *test, struct vcm *vcm,
			      dma_addr_t addr, size_t len);
void space_give(struct kunit *test, struct vcm_res *res);
dma_addr_t space_where(struct kunit *test, struct vcm *vcm, size_t len);
int space_try(struct vcm *vcm, size_t len, u32 attr);
int space_try_at(struct vcm *vcm, dma_addr_t addr, size_t len);
struct vcm_assoc *space_join(struct kunit *test, struct vcm *vcm,
			     struct device *dev);
struct device *bed_limited(struct kunit *test, struct vcm_iommu **unit,
			   struct vcm_soft_config config);

/* The thread becomes a process, with an empty address space; and exits. */
struct mm_struct *bed_process(struct kunit *test);
void bed_process_exit(struct mm_struct *mm);

/* Boards, and what else can only be seen from outside. */
void bed_board(struct kunit *test, const struct vcm_board *board);
unsigned int bed_count_contexts(void);
bool bed_log_has(const char *text);

/*
 * Memory in so many single pages, a run of three pages, and so many single pages
 * again: lists of pages that end in several ways.
 */
#define SCATTERED_FIRST		70
#define SCATTERED_RUN		3
#define SCATTERED_LAST		33

/* The CPU's side, through the linear map. */
struct vcm_phys *phys_scattered(struct kunit *test);
void phys_fill(struct vcm_phys *phys, u8 value);
unsigned long bed_free_pages(void);
u8 phys_peek(struct vcm_phys *phys, size_t off);

#endif /* _MM_TESTS_VCM_BED_H */
