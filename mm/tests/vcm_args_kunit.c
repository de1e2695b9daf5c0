// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of VCMM: wrong arguments.
 *
 * Hard case 30. Each public function with each argument that it must refuse,
 * and the one errno that is documented for it: these cases are the table in
 * Documentation/mm/vcm/. None of them may change anything.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/mm_types.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vcm-machine.h>

#include "../vcm_internal.h"
#include "vcm_bed.h"

#define TOP	(~(dma_addr_t)0)

/* What comes in the place of an object. */
static void *const bad[] = { NULL, (void *)-EIO, (void *)-ENOMEM };

#define for_each_bad(p)							\
	for (unsigned int i_ = 0;					\
	     i_ < ARRAY_SIZE(bad) && ((p) = bad[i_], true); i_++)

#define EXPECT_ERR(test, err, ptr)					\
	KUNIT_EXPECT_EQ(test, err, PTR_ERR_OR_ZERO(ptr))

/* Good ones of everything, to put the bad ones between. */
struct args {
	struct vcm *vcm;
	struct vcm_res *res;
	struct vcm_phys *phys;
	struct vcm_iommu *unit;
	struct device *dev;
};

static int args_init(struct kunit *test)
{
	const struct vcm_soft_config config = {
		.name = "args", .format = VCM_SOFT_HALF,
	};
	struct args *args = kunit_kzalloc(test, sizeof(*args), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, args);
	args->vcm = vcm_create(SZ_1M, SZ_1M);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, args->vcm);
	args->res = vcm_reserve(args->vcm, 2 * PAGE_SIZE, VCM_RW);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, args->res);
	args->phys = vcm_phys_alloc(NULL, 2 * PAGE_SIZE, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, args->phys);
	args->unit = bed_unit(test, &config);
	args->dev = bed_device(test, args->unit);
	test->priv = args;
	return 0;
}

/* Nothing happened in between: everything is there once, and goes. */
static void args_exit(struct kunit *test)
{
	struct args *args = test->priv;

	if (!args)
		return;
	KUNIT_EXPECT_EQ(test, 1, vcm_get_num_res(args->vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(args->vcm));
	KUNIT_EXPECT_EQ(test, 1, kref_read(&args->res->ref));
	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(args->res));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(args->phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(args->vcm));
}

static void args_create(struct kunit *test)
{
	EXPECT_ERR(test, -EINVAL, vcm_create(0, 0));
	EXPECT_ERR(test, -EINVAL, vcm_create(0, 1));
	EXPECT_ERR(test, -EINVAL, vcm_create(0, PAGE_SIZE + 1));
	EXPECT_ERR(test, -EINVAL, vcm_create(0, U64_MAX));
	EXPECT_ERR(test, -EINVAL, vcm_create(1, PAGE_SIZE));
	EXPECT_ERR(test, -EINVAL, vcm_create(PAGE_SIZE / 2, PAGE_SIZE));
	EXPECT_ERR(test, -EINVAL, vcm_create(TOP, PAGE_SIZE));
	EXPECT_ERR(test, -EOVERFLOW,
		   vcm_create(TOP - PAGE_SIZE + 1, 2 * PAGE_SIZE));
	EXPECT_ERR(test, -EOVERFLOW,
		   vcm_create(2 * PAGE_SIZE, U64_MAX - PAGE_SIZE + 1));
	EXPECT_ERR(test, -EOVERFLOW, vcm_create(TOP - PAGE_SIZE + 1,
						U64_MAX - PAGE_SIZE + 1));
}

static void args_create_others(struct kunit *test)
{
	const int err = IS_ENABLED(CONFIG_VCM_DOMAIN) ? -EINVAL : -EOPNOTSUPP;
	void *p;

	for_each_bad(p) {
		EXPECT_ERR(test, -EINVAL, vcm_create_user(p));
		EXPECT_ERR(test, err, vcm_create_from_domain(p, 0, PAGE_SIZE));
	}
	EXPECT_ERR(test, -EINVAL, vcm_create_user(&init_mm));
}

static void args_context(struct kunit *test)
{
	struct args *args = test->priv;
	void *p;

	for_each_bad(p) {
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_free(p));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_set_name(p, "name"));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_set_name(args->vcm, p));
		KUNIT_EXPECT_STREQ(test, "", vcm_get_name(p));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_start_addr(p));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_len(p));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_min_page_size(p));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_num_res(p));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(p));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_num_units(p));
		KUNIT_EXPECT_NULL(test, vcm_get_next_res(p, NULL));
		EXPECT_ERR(test, -EINVAL, vcm_get_res(p, SZ_1M));
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_set_name(args->vcm, ""));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(args->vcm));
	KUNIT_EXPECT_NULL(test, vcm_get_next_res(args->vcm, ERR_PTR(-EIO)));
	EXPECT_ERR(test, -ENOENT, vcm_get_res(args->vcm, 0));
	EXPECT_ERR(test, -ENOENT, vcm_get_res(args->vcm, TOP));
}

static void args_reserve(struct kunit *test)
{
	struct args *args = test->priv;
	struct vcm *vcm = args->vcm;
	unsigned int bit;
	void *p;

	for_each_bad(p) {
		EXPECT_ERR(test, -EINVAL, vcm_reserve(p, PAGE_SIZE, VCM_RW));
		EXPECT_ERR(test, -EINVAL,
			   vcm_reserve_at(p, SZ_1M, PAGE_SIZE, VCM_RW));
	}
	for (bit = 0; bit < 32; bit++) {
		if (BIT(bit) & VCM_RES_ATTRS)
			continue;
		EXPECT_ERR(test, -EINVAL,
			   vcm_reserve(vcm, PAGE_SIZE, VCM_RW | BIT(bit)));
		EXPECT_ERR(test, -EINVAL,
			   vcm_reserve_at(vcm, SZ_1M + SZ_64K, PAGE_SIZE,
					  VCM_RW | BIT(bit)));
	}
	EXPECT_ERR(test, -EINVAL,
		   vcm_reserve(vcm, PAGE_SIZE, VCM_RW | VCM_CACHED | VCM_WC));
	EXPECT_ERR(test, -EINVAL,
		   vcm_reserve_at(vcm, SZ_1M + SZ_64K, PAGE_SIZE,
				  VCM_RW | VCM_CACHED | VCM_UNCACHED));
	EXPECT_ERR(test, -EINVAL, vcm_reserve(vcm, 0, VCM_RW));
	EXPECT_ERR(test, -EINVAL, vcm_reserve_at(vcm, SZ_1M, 0, VCM_RW));
	EXPECT_ERR(test, -EINVAL,
		   vcm_reserve_at(vcm, SZ_1M + 1, PAGE_SIZE, VCM_RW));
	EXPECT_ERR(test, -EINVAL, vcm_reserve_at(vcm, TOP, PAGE_SIZE, VCM_RW));
	EXPECT_ERR(test, -EINVAL,
		   vcm_reserve_at(vcm, SZ_1M + SZ_64K, PAGE_SIZE,
				  VCM_ALIGN(17)));
	EXPECT_ERR(test, -ENOSPC, vcm_reserve(vcm, SZ_1M, VCM_RW));
	EXPECT_ERR(test, -ENOSPC, vcm_reserve(vcm, SIZE_MAX, VCM_RW));
	EXPECT_ERR(test, -ENOSPC, vcm_reserve(vcm, 1, VCM_ALIGN(63)));
	EXPECT_ERR(test, -ENOSPC,
		   vcm_reserve_at(vcm, SZ_1M, SIZE_MAX, VCM_RW));
	EXPECT_ERR(test, -ERANGE,
		   vcm_reserve_at(vcm, SZ_1M, SIZE_MAX - PAGE_SIZE + 1,
				  VCM_RW));
	EXPECT_ERR(test, -ERANGE,
		   vcm_reserve_at(vcm, TOP - PAGE_SIZE + 1, 2 * PAGE_SIZE,
				  VCM_RW));
	EXPECT_ERR(test, -ERANGE, vcm_reserve_at(vcm, 0, PAGE_SIZE, VCM_RW));
	EXPECT_ERR(test, -ERANGE,
		   vcm_reserve_at(vcm, SZ_2M, PAGE_SIZE, VCM_RW));
	EXPECT_ERR(test, -EBUSY,
		   vcm_reserve_at(vcm, SZ_1M + PAGE_SIZE, PAGE_SIZE, VCM_RW));
}

static void args_reservation(struct kunit *test)
{
	struct args *args = test->priv;
	void *p;

	for_each_bad(p) {
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_unreserve(p));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_res_attr(p));
		EXPECT_ERR(test, -EINVAL, vcm_get_vcm_from_res(p));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_dev_addr(p));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_res_len(p));
		EXPECT_ERR(test, -EINVAL, vcm_get_physmem_from_res(p));
		vcm_res_put(p);
	}
	EXPECT_ERR(test, -ENOENT, vcm_get_physmem_from_res(args->res));
}

static void args_bound(struct kunit *test)
{
	struct args *args = test->priv;
	struct vcm_bound *bound = vcm_create_bound(args->vcm, SZ_64K);
	struct vcm *vcm = args->vcm;
	unsigned int bit;
	void *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bound);
	for_each_bad(p) {
		EXPECT_ERR(test, -EINVAL, vcm_create_bound(p, PAGE_SIZE));
		EXPECT_ERR(test, -EINVAL,
			   vcm_create_bound_at(p, SZ_1M, PAGE_SIZE));
		EXPECT_ERR(test, -EINVAL,
			   vcm_reserve_from_bound(p, PAGE_SIZE, VCM_RW));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_bound_start_addr(p));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_bound_len(p));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_free_bound(p));
	}
	for (bit = 0; bit < 32; bit++) {
		if (BIT(bit) & VCM_RES_ATTRS)
			continue;
		EXPECT_ERR(test, -EINVAL,
			   vcm_reserve_from_bound(bound, PAGE_SIZE,
						  VCM_RW | BIT(bit)));
	}
	EXPECT_ERR(test, -EINVAL, vcm_create_bound(vcm, 0));
	EXPECT_ERR(test, -EINVAL, vcm_create_bound_at(vcm, SZ_1M, 0));
	EXPECT_ERR(test, -EINVAL,
		   vcm_reserve_from_bound(bound, PAGE_SIZE,
					  VCM_RW | VCM_UNCACHED | VCM_WC));
	EXPECT_ERR(test, -EINVAL, vcm_reserve_from_bound(bound, 0, VCM_RW));
	EXPECT_ERR(test, -EINVAL,
		   vcm_create_bound_at(vcm, SZ_1M + 1, PAGE_SIZE));
	EXPECT_ERR(test, -ENOSPC, vcm_create_bound(vcm, SZ_1M));
	EXPECT_ERR(test, -ENOSPC, vcm_create_bound(vcm, SIZE_MAX));
	EXPECT_ERR(test, -ENOSPC, vcm_create_bound_at(vcm, SZ_1M, SIZE_MAX));
	EXPECT_ERR(test, -ENOSPC,
		   vcm_reserve_from_bound(bound, SZ_64K + 1, VCM_RW));
	EXPECT_ERR(test, -ENOSPC,
		   vcm_reserve_from_bound(bound, SIZE_MAX, VCM_RW));
	EXPECT_ERR(test, -ENOSPC,
		   vcm_reserve_from_bound(bound, 1, VCM_ALIGN(63)));
	EXPECT_ERR(test, -ERANGE, vcm_create_bound_at(vcm, 0, PAGE_SIZE));
	EXPECT_ERR(test, -ERANGE, vcm_create_bound_at(vcm, SZ_2M, PAGE_SIZE));
	EXPECT_ERR(test, -ERANGE,
		   vcm_create_bound_at(vcm, TOP - PAGE_SIZE + 1,
				       2 * PAGE_SIZE));
	EXPECT_ERR(test, -EBUSY, vcm_create_bound_at(vcm, SZ_1M, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, SZ_64K, vcm_get_bound_len(bound));
	KUNIT_EXPECT_EQ(test, 0, vcm_free_bound(bound));
}

static void args_alloc(struct kunit *test)
{
	unsigned int bit;
	void *p;

	for_each_bad(p) {
		EXPECT_ERR(test, -EINVAL, vcm_memtype_get(p));
		vcm_memtype_put(p);
		if (IS_ERR(p))
			EXPECT_ERR(test, -EINVAL,
				   vcm_phys_alloc(p, PAGE_SIZE, 0));
	}
	EXPECT_ERR(test, -ENOENT, vcm_memtype_get(""));
	EXPECT_ERR(test, -ENOENT, vcm_memtype_get("System"));
	EXPECT_ERR(test, -EINVAL, vcm_phys_alloc(NULL, 0, 0));
	EXPECT_ERR(test, -EINVAL,
		   vcm_phys_alloc(NULL, PAGE_SIZE, VCM_CACHED | VCM_WC));
	EXPECT_ERR(test, -EINVAL,
		   vcm_phys_alloc(NULL, PAGE_SIZE, VCM_UNCACHED | VCM_WC));
	EXPECT_ERR(test, -ENOMEM, vcm_phys_alloc(NULL, SIZE_MAX, 0));
	EXPECT_ERR(test, -EOPNOTSUPP,
		   vcm_phys_alloc(NULL, PAGE_SIZE, VCM_ALIGN(63)));
	EXPECT_ERR(test, -EOPNOTSUPP,
		   vcm_phys_alloc(NULL, (PAGE_SIZE << MAX_PAGE_ORDER) + 1,
				  VCM_CONTIG));
	for (bit = 0; bit < 32; bit++) {
		if (BIT(bit) & VCM_PHYS_ATTRS)
			continue;
		EXPECT_ERR(test, -EINVAL,
			   vcm_phys_alloc(NULL, PAGE_SIZE, BIT(bit)));
	}
}

/* What takes a process is refused what it must not have in vcm_user_pages. */
static void args_foreign(struct kunit *test)
{
	const phys_addr_t top = ALIGN_DOWN(~(phys_addr_t)0, PAGE_SIZE);
	struct sg_table sgt = {};
	void *p;

	EXPECT_ERR(test, -EINVAL, vcm_map_phys_addr(NOWHERE, 0));
	EXPECT_ERR(test, -EINVAL, vcm_map_phys_addr(NOWHERE + 1, PAGE_SIZE));
	EXPECT_ERR(test, -EINVAL, vcm_map_phys_addr(NOWHERE, PAGE_SIZE + 1));
	EXPECT_ERR(test, -EINVAL, vcm_map_phys_addr(NOWHERE, SIZE_MAX));
	EXPECT_ERR(test, -EOVERFLOW, vcm_map_phys_addr(top, 2 * PAGE_SIZE));
	if (IS_ENABLED(CONFIG_SPARSEMEM) && sizeof(phys_addr_t) > 4)
		EXPECT_ERR(test, -ERANGE, vcm_map_phys_addr(top, PAGE_SIZE));
	for_each_bad(p) {
		EXPECT_ERR(test, -EINVAL, vcm_phys_from_sg(p));
		if (IS_ENABLED(CONFIG_DMA_SHARED_BUFFER))
			EXPECT_ERR(test, -EINVAL, vcm_import_dma_buf(p));
		else
			EXPECT_ERR(test, -EOPNOTSUPP, vcm_import_dma_buf(p));
	}
	EXPECT_ERR(test, -EINVAL, vcm_phys_from_sg(&sgt));
	if (!current->mm)
		EXPECT_ERR(test, -EINVAL,
			   vcm_phys_pin_user(PAGE_SIZE, PAGE_SIZE, VCM_RW));
}

static void args_phys(struct kunit *test)
{
	struct args *args = test->priv;
	phys_addr_t pa;
	size_t len;
	void *p;

	for_each_bad(p) {
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_phys_free(p));
		EXPECT_ERR(test, -EINVAL, vcm_get_memtype_of_physalloc(p));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_phys_len(p));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_get_chunk(p, 0, &pa, &len));
	}
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_get_chunk(args->phys, 0, NULL, &len));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_get_chunk(args->phys, 0, &pa, NULL));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			vcm_get_chunk(args->phys, 2, &pa, &len));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_phys_num_res(~(phys_addr_t)0));
	KUNIT_EXPECT_NULL(test,
			  vcm_get_next_phys_res(~(phys_addr_t)0, NULL, &len));
	KUNIT_EXPECT_NULL(test, vcm_get_next_phys_res(0, ERR_PTR(-EIO), &len));
	KUNIT_EXPECT_NULL(test, vcm_get_next_phys_res(0, NULL, NULL));
}

#ifdef CONFIG_DMA_SHARED_BUFFER
static void args_dmabuf(struct kunit *test)
{
	static const int flags[] = { O_APPEND, O_CREAT | O_RDWR, O_ACCMODE, -1 };
	struct args *args = test->priv;
	unsigned int i;
	void *p;

	for_each_bad(p) {
		EXPECT_ERR(test, -EINVAL, vcm_export_dma_buf(p, O_RDWR));
		EXPECT_ERR(test, -EINVAL, vcm_dma_buf_get_phys(p));
		vcm_phys_put(p);
	}
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		EXPECT_ERR(test, -EINVAL, vcm_export_dma_buf(args->phys, flags[i]));
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&args->phys->users));
}
#else
static void args_dmabuf(struct kunit *test)
{
	struct args *args = test->priv;

	EXPECT_ERR(test, -EOPNOTSUPP, vcm_export_dma_buf(args->phys, O_RDWR));
	EXPECT_ERR(test, -EOPNOTSUPP, vcm_dma_buf_get_phys(NULL));
}
#endif

static void args_back(struct kunit *test)
{
	struct args *args = test->priv;
	struct vcm_phys *longer = vcm_phys_alloc(NULL, 3 * PAGE_SIZE, 0);
	struct vcm_res *deaf = vcm_reserve(args->vcm, PAGE_SIZE * 2, VCM_EXEC);
	void *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, longer);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, deaf);
	for_each_bad(p) {
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back(p, args->phys));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back(args->res, p));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_unback(p));
	}
	KUNIT_EXPECT_EQ(test, -EACCES, vcm_back(deaf, args->phys));
	KUNIT_EXPECT_EQ(test, -ENOSPC, vcm_back(args->res, longer));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unback(args->res));

	KUNIT_EXPECT_EQ(test, 0, vcm_back(args->res, args->phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_back(args->res, args->phys));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_unreserve(args->res));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_phys_free(args->phys));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(args->res));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unback(args->res));

	KUNIT_EXPECT_EQ(test, 0, vcm_unreserve(deaf));
	KUNIT_EXPECT_EQ(test, 0, vcm_phys_free(longer));
}

/* Memory that a unit cannot reach, or not in whole pages of its own. */
static void args_back_reach(struct kunit *test)
{
	const struct vcm_soft_config config = {
		.name = "short", .format = VCM_SOFT_HALF, .oas = PAGE_SHIFT,
	};
	struct args *args = test->priv;
	struct device *dev = bed_device(test, bed_unit(test, &config));
	struct vcm_assoc *assoc = vcm_assoc(args->vcm, dev, 0);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	KUNIT_EXPECT_EQ(test, -ERANGE, vcm_back(args->res, args->phys));
	EXPECT_ERR(test, -ENOENT, vcm_get_physmem_from_res(args->res));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));

	/* Nor can it join a context that maps such memory. */
	KUNIT_EXPECT_EQ(test, 0, vcm_back(args->res, args->phys));
	EXPECT_ERR(test, -ERANGE, vcm_assoc(args->vcm, dev, 0));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_num_tables(args->vcm));
	KUNIT_EXPECT_EQ(test, 0, vcm_unback(args->res));
}

static int args_handler(struct device *dev, dma_addr_t addr, u32 access,
			void *data)
{
	return -EFAULT;
}

static void args_hook(struct kunit *test)
{
	struct args *args = test->priv;
	struct device *root = root_device_register("vcm-args");
	const struct vcm_fault unknown = { .addr = 1, .access = VCM_READ };
	void *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, root);
	for_each_bad(p) {
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_hook(p, args_handler, NULL));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_hook(p, NULL, NULL));
	}
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_hook(root, args_handler, NULL));
	root_device_unregister(root);
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(args->dev, NULL, NULL));
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(args->dev, args_handler, NULL));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_hook(args->dev, args_handler, NULL));
	KUNIT_EXPECT_EQ(test, 0, vcm_hook(args->dev, NULL, NULL));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_report_fault(&unknown));
}

static void args_assoc(struct kunit *test)
{
	struct args *args = test->priv;
	struct device *orphan = bed_device(test, NULL);
	struct device *root = root_device_register("vcm-args");
	struct vcm *vcm = args->vcm;
	unsigned int bit;
	void *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, root);
	for_each_bad(p) {
		EXPECT_ERR(test, -EINVAL, vcm_assoc(p, args->dev, 0));
		EXPECT_ERR(test, -EINVAL, vcm_assoc(vcm, p, 0));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_deassoc(p));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_activate(p));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_deactivate(p));
		KUNIT_EXPECT_FALSE(test, vcm_is_active(p));
		EXPECT_ERR(test, -EINVAL, vcm_get_assoc(p, args->dev));
		EXPECT_ERR(test, -EINVAL, vcm_get_assoc(vcm, p));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_assoc_move(p, vcm));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_set_assoc_attr(p, VCM_READ));
		KUNIT_EXPECT_EQ(test, 0, vcm_get_assoc_attr(p));
	}
	EXPECT_ERR(test, -ENOENT, vcm_get_assoc(vcm, args->dev));
	for (bit = 0; bit < 32; bit++)
		if (!(BIT(bit) & VCM_RIGHTS))
			EXPECT_ERR(test, -EINVAL,
				   vcm_assoc(vcm, args->dev,
					     VCM_READ | BIT(bit)));
	EXPECT_ERR(test, -EACCES, vcm_assoc(vcm, args->dev, VCM_EXEC));
	EXPECT_ERR(test, -EACCES, vcm_assoc(vcm, args->dev, VCM_PRIV));
	EXPECT_ERR(test, -EOPNOTSUPP, vcm_assoc(vcm, orphan, VCM_READ));
	orphan->dma_mask = NULL;
	EXPECT_ERR(test, -ENODEV, vcm_assoc(vcm, orphan, 0));
	EXPECT_ERR(test, -ENODEV, vcm_assoc(vcm, root, 0));
	root_device_unregister(root);

	vcm_soft_fail(args->unit, VCM_SOFT_DEFER, 0, -1);
	EXPECT_ERR(test, -EPROBE_DEFER, vcm_assoc(vcm, args->dev, 0));
	vcm_soft_fail(args->unit, VCM_SOFT_DEFER, 0, 0);
}

static void args_associated(struct kunit *test)
{
	struct args *args = test->priv;
	struct vcm *other = vcm_create(SZ_1M, SZ_1M);
	struct vcm_assoc *assoc = vcm_assoc(args->vcm, args->dev, 0), *second;
	unsigned int bit;
	void *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, assoc);
	for_each_bad(p)
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_assoc_move(assoc, p));
	KUNIT_EXPECT_EQ(test, -EEXIST, vcm_assoc_move(assoc, args->vcm));
	for (bit = 0; bit < 32; bit++)
		if (!(BIT(bit) & VCM_RIGHTS))
			KUNIT_EXPECT_EQ(test, -EINVAL,
					vcm_set_assoc_attr(assoc, VCM_READ |
							   BIT(bit)));
	KUNIT_EXPECT_EQ(test, -EACCES, vcm_set_assoc_attr(assoc, VCM_EXEC));
	KUNIT_EXPECT_EQ(test, -EACCES, vcm_set_assoc_attr(assoc, VCM_PRIV));
	KUNIT_EXPECT_EQ(test, 0, vcm_get_assoc_attr(assoc));
	second = vcm_assoc(other, args->dev, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, second);

	EXPECT_ERR(test, -EEXIST, vcm_assoc(args->vcm, args->dev, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, 0, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_activate(second));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_deactivate(second));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_deassoc(assoc));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_free(other));
	KUNIT_EXPECT_TRUE(test, vcm_is_active(assoc));

	/* The device goes; its associations can only be put away. */
	kunit_device_unregister(test, args->dev);
	KUNIT_EXPECT_FALSE(test, vcm_is_active(assoc));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_activate(assoc));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_deactivate(assoc));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_assoc_move(assoc, other));
	KUNIT_EXPECT_EQ(test, -ENODEV, vcm_set_assoc_attr(assoc, VCM_READ));
	EXPECT_ERR(test, -ENOENT, vcm_get_assoc(args->vcm, args->dev));
	KUNIT_EXPECT_EQ(test, 0, vcm_deassoc(assoc));
	/* Or be left to vcm_free(). */
	KUNIT_EXPECT_EQ(test, 0, vcm_free(other));
}

static void args_translate(struct kunit *test)
{
	struct args *args = test->priv;
	struct vcm *vcm = args->vcm;
	phys_addr_t pa = 1;
	dma_addr_t out = 1;
	void *p;

	for_each_bad(p) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				vcm_translate(p, SZ_1M, vcm, &out));
		KUNIT_EXPECT_EQ(test, -EINVAL,
				vcm_translate(vcm, SZ_1M, p, &out));
		KUNIT_EXPECT_EQ(test, -EINVAL,
				vcm_dev_addr_to_phys_addr(p, SZ_1M, &pa));
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_translate(vcm, SZ_1M, vcm, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_dev_addr_to_phys_addr(vcm, SZ_1M, NULL));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_translate(vcm, SZ_1M, vcm, &out));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_translate(vcm, TOP, vcm, &out));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			vcm_dev_addr_to_phys_addr(vcm, SZ_1M, &pa));
	KUNIT_EXPECT_EQ(test, 1, out);
	KUNIT_EXPECT_EQ(test, 1, pa);
}

/* A kind of unit that no device is behind. */
static struct vcm_iommu *nobody(struct device *dev, unsigned int index)
{
	return ERR_PTR(-ENODEV);
}

static void free_none(struct vcm_iommu *unit)
{
}

static int walk_none(struct vcm_iommu *unit, struct device *dev,
		     struct vcm_table *table)
{
	return -EINVAL;
}

static struct vcm_table *alloc_none(struct vcm_iommu *unit, struct device *dev)
{
	return ERR_PTR(-ENOMEM);
}

static void detach_none(struct vcm_iommu *unit, struct device *dev,
			struct vcm_table *table)
{
}

static int claim_none(struct vcm_iommu *unit, struct device *dev)
{
	return 0;
}

static void unclaim_none(struct vcm_iommu *unit, struct device *dev)
{
}

static const struct vcm_iommu_ops whole = {
	.name = "nobody's", .get_unit = nobody, .free = free_none,
	.can_walk = walk_none, .table_alloc = alloc_none, .attach = walk_none,
	.detach = detach_none, .claim = claim_none, .unclaim = unclaim_none,
};

#define EXPECT_MANDATORY(test, op) do {					\
	struct vcm_iommu_ops ops_ = whole;				\
									\
	ops_.op = NULL;							\
	KUNIT_EXPECT_EQ_MSG(test, -EINVAL, vcm_iommu_register(&ops_),	\
			    "without " #op);				\
} while (0)

static void args_register(struct kunit *test)
{
	struct vcm_iommu_ops less = whole;
	void *p;

	for_each_bad(p)
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_iommu_register(p));
	EXPECT_MANDATORY(test, name);
	EXPECT_MANDATORY(test, get_unit);
	EXPECT_MANDATORY(test, free);
	EXPECT_MANDATORY(test, can_walk);
	EXPECT_MANDATORY(test, table_alloc);
	EXPECT_MANDATORY(test, attach);
	EXPECT_MANDATORY(test, detach);
	EXPECT_MANDATORY(test, claim);
	EXPECT_MANDATORY(test, unclaim);

	KUNIT_EXPECT_EQ(test, 0, vcm_iommu_register(&whole));
	KUNIT_EXPECT_EQ(test, -EBUSY, vcm_iommu_register(&whole));
	vcm_iommu_unregister(&whole);
	/* Gone, and whoever was never there is not missed. */
	vcm_iommu_unregister(&whole);

	less.claim = NULL;
	less.unclaim = NULL;
	KUNIT_EXPECT_EQ(test, 0, vcm_iommu_register(&less));
	vcm_iommu_unregister(&less);
}

static int soft_refused(enum vcm_soft_format format, unsigned int ias,
			unsigned int oas, dma_addr_t first, size_t len)
{
	const struct vcm_soft_config config = {
		.name = "refused", .format = format, .ias = ias, .oas = oas,
		.reserved_first = first, .reserved_len = len,
	};
	struct vcm_iommu *unit = vcm_soft_create(&config);

	if (IS_ERR(unit))
		return PTR_ERR(unit);
	vcm_soft_destroy(unit);
	return 0;
}

static void args_soft(struct kunit *test)
{
	const struct vcm_soft_config nameless = { .format = VCM_SOFT_HALF };
	struct args *args = test->priv;
	u8 byte = 0;

	EXPECT_ERR(test, -EINVAL, vcm_soft_create(&nameless));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			soft_refused(VCM_SOFT_NR_FORMATS, 0, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, soft_refused(VCM_SOFT_HALF, 1, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			soft_refused(VCM_SOFT_HALF, 65, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, soft_refused(VCM_SOFT_HALF, 0, 1, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			soft_refused(VCM_SOFT_HALF, 0, 65, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			soft_refused(VCM_SOFT_HALF, 0, 0, TOP, 2));
	KUNIT_EXPECT_EQ(test, 0, soft_refused(VCM_SOFT_HALF, 0, 0, TOP, 1));

	KUNIT_EXPECT_EQ(test, -EEXIST,
			vcm_soft_add_device(args->unit, args->dev));
	KUNIT_EXPECT_EQ(test, -ENXIO, vcm_soft_dma(args->unit, args->dev, 0,
						   &byte, 1, VCM_READ));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_soft_dma(args->unit, args->dev, 0,
						    &byte, 1, VCM_RW));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_soft_dma(args->unit, args->dev, TOP,
						    &byte, 2, VCM_READ));
}

/* Contexts of other kinds, and what they are made from. */
static void args_spaces(struct kunit *test)
{
	struct args *args = test->priv;
	struct vcm *kernel = vcm_create_kernel();
	struct vcm_table lacking = {};
	void *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kernel);
	EXPECT_ERR(test, -EINVAL, vcm_create_identity(0, 0));
	EXPECT_ERR(test, -EINVAL, vcm_create_identity(1, PAGE_SIZE));
	EXPECT_ERR(test, -EINVAL, vcm_create_identity(0, PAGE_SIZE + 1));
	EXPECT_ERR(test, -EOVERFLOW,
		   vcm_create_identity(2 * PAGE_SIZE,
				       U64_MAX - PAGE_SIZE + 1));
	EXPECT_ERR(test, -EINVAL, vcm_create_around(&lacking, 0, PAGE_SIZE));
	for_each_bad(p) {
		EXPECT_ERR(test, -EINVAL, vcm_create_around(p, 0, PAGE_SIZE));
		EXPECT_ERR(test, -EINVAL, vcm_clone(p));
		KUNIT_EXPECT_NULL(test, vcm_get_home(p));
		EXPECT_ERR(test, -EINVAL, vcm_get_kernel_addr(p));
	}
	EXPECT_ERR(test, -EOPNOTSUPP, vcm_clone(kernel));
	KUNIT_EXPECT_NULL(test, vcm_get_home(args->vcm));
	EXPECT_ERR(test, -EINVAL, vcm_get_kernel_addr(args->res));
	EXPECT_ERR(test, -EOPNOTSUPP,
		   vcm_reserve_at(kernel, vcm_get_start_addr(kernel), PAGE_SIZE,
				  VCM_RW));
	KUNIT_EXPECT_EQ(test, 0, vcm_free(kernel));
}

static void args_back_range(struct kunit *test)
{
	struct args *args = test->priv;
	struct vcm_phys *phys = args->phys;
	struct vcm_res *res = args->res;
	const size_t page = PAGE_SIZE;
	void *p;

	for_each_bad(p) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				vcm_back_range(p, 0, phys, 0, page));
		KUNIT_EXPECT_EQ(test, -EINVAL,
				vcm_back_range(res, 0, p, 0, page));
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back_range(res, 0, phys, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back_range(res, 1, phys, 0, page));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back_range(res, 0, phys, 1, page));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_back_range(res, 0, phys, 0, 1));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			vcm_back_range(res, 2 * page, phys, 0, page));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			vcm_back_range(res, page, phys, 0, 2 * page));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			vcm_back_range(res, SIZE_MAX, phys, 0, page));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			vcm_back_range(res, 0, phys, page, 2 * page));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			vcm_back_range(res, 0, phys, SIZE_MAX, page));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_unback(res));
}

/* What changes, copies or moves something that is there. */
static void args_change(struct kunit *test)
{
	struct args *args = test->priv;
	struct vcm_mapper mapper = {};
	struct vcm_res *res = args->res;
	unsigned int bit;
	void *p;

	for_each_bad(p) {
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_set_res_attr(p, VCM_READ));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(p, 0, res, 0, 1));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(res, 0, p, 0, 1));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_phys_migrate(p, NULL, 0, 0));
		KUNIT_EXPECT_FALSE(test, vcm_get_next_mapper(0, 1, p));
		vcm_res_put(p);
		vcm_memtype_put(p);
	}
	for (bit = 0; bit < 32; bit++)
		if (!(BIT(bit) & (VCM_TABLE_ATTRS | VCM_CACHE_MASK)))
			KUNIT_EXPECT_EQ(test, -EINVAL,
					vcm_set_res_attr(res,
							 VCM_RW | BIT(bit)));
	KUNIT_EXPECT_EQ(test, VCM_RW, vcm_get_res_attr(res));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_res_copy(res, 0, res, 0, 0));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			vcm_res_copy(res, 0, res, SIZE_MAX, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_res_copy(res, 0, res, PAGE_SIZE, 1));
	for (bit = 1; bit < 32; bit++)
		KUNIT_EXPECT_EQ(test, -EINVAL,
				vcm_phys_migrate(args->phys, NULL, 0,
						 BIT(bit)));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_phys_migrate(args->phys, NULL, VCM_ZERO, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vcm_phys_migrate(args->phys, ERR_PTR(-EIO), 0, 0));
	KUNIT_EXPECT_FALSE(test, vcm_get_next_mapper(0, 0, &mapper));
	EXPECT_ERR(test, -EINVAL,
		   vcm_phys_alloc_node(NULL, PAGE_SIZE, 0, MAX_NUMNODES));
	EXPECT_ERR(test, -EINVAL, vcm_phys_alloc_node(NULL, PAGE_SIZE, 0, -2));
	EXPECT_ERR(test, -EINVAL, vcm_phys_alloc_node(NULL, 0, 0, 0));
}

/* Each step of the call in one refuses what it would refuse alone. */
static void args_alloc_in_one(struct kunit *test)
{
	struct args *args = test->priv;
	struct vcm *vcm = args->vcm;
	void *p;

	for_each_bad(p) {
		EXPECT_ERR(test, -EINVAL, vcm_alloc(p, NULL, 1, VCM_READ));
		EXPECT_ERR(test, -EINVAL,
			   vcm_alloc_from_bound(p, NULL, 1, VCM_READ));
		EXPECT_ERR(test, -EINVAL,
			   devm_vcm_alloc(p, vcm, NULL, 1, VCM_READ));
		EXPECT_ERR(test, -EINVAL,
			   devm_vcm_alloc(args->dev, p, NULL, 1, VCM_READ));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_dealloc(p));
	}
	EXPECT_ERR(test, -EINVAL, vcm_alloc(vcm, ERR_PTR(-EIO), 1, VCM_READ));
	EXPECT_ERR(test, -EINVAL, vcm_alloc(vcm, NULL, 0, VCM_READ));
	EXPECT_ERR(test, -EINVAL, vcm_alloc(vcm, NULL, 1, VCM_READ | BIT(31)));
	EXPECT_ERR(test, -EINVAL, vcm_alloc(vcm, NULL, 1, VCM_READ |
					    VCM_BLOCKS(20, 16)));
	EXPECT_ERR(test, -ENOSPC, vcm_alloc(vcm, NULL, SZ_2M, VCM_READ));
	EXPECT_ERR(test, -EACCES, vcm_alloc(vcm, NULL, 1, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_dealloc(args->res));
}

static void args_boards(struct kunit *test)
{
	struct args *args = test->priv;
	const struct vcm_board board = { .name = "args" };
	struct vcm_memtype_desc desc = { .name = "args" };
	void *p;

	for_each_bad(p) {
		EXPECT_ERR(test, -EINVAL, vcm_get(p, NULL));
		EXPECT_ERR(test, -EINVAL, devm_vcm_get(p, NULL));
		EXPECT_ERR(test, -EINVAL, vcm_get_bound(p, "low"));
		EXPECT_ERR(test, -EINVAL, vcm_get_bound(args->vcm, p));
		EXPECT_ERR(test, -EINVAL, vcm_get_memtype(p));
		vcm_put(p);
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_board_add(p));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_board_remove(p));
		EXPECT_ERR(test, -EINVAL, vcm_memtype_register(p));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_memtype_unregister(p));
		KUNIT_EXPECT_EQ(test, -EINVAL, vcm_memtype_refill(p));
	}
	EXPECT_ERR(test, -ENOENT, vcm_get_bound(args->vcm, "low"));
	EXPECT_ERR(test, -ENOENT, vcm_get_memtype(args->vcm));
	KUNIT_EXPECT_EQ(test, -EINVAL, vcm_board_add(&board));
	KUNIT_EXPECT_EQ(test, -ENOENT, vcm_board_remove(&board));
	EXPECT_ERR(test, -EINVAL, vcm_memtype_register(&desc));
}

static struct kunit_case vcm_args_cases[] = {
	KUNIT_CASE(args_create),
	KUNIT_CASE(args_create_others),
	KUNIT_CASE(args_context),
	KUNIT_CASE(args_reserve),
	KUNIT_CASE(args_reservation),
	KUNIT_CASE(args_bound),
	KUNIT_CASE(args_alloc),
	KUNIT_CASE(args_foreign),
	KUNIT_CASE(args_phys),
	KUNIT_CASE(args_dmabuf),
	KUNIT_CASE(args_back),
	KUNIT_CASE(args_back_reach),
	KUNIT_CASE(args_back_range),
	KUNIT_CASE(args_change),
	KUNIT_CASE(args_alloc_in_one),
	KUNIT_CASE(args_spaces),
	KUNIT_CASE(args_boards),
	KUNIT_CASE(args_assoc),
	KUNIT_CASE(args_associated),
	KUNIT_CASE(args_hook),
	KUNIT_CASE(args_translate),
	KUNIT_CASE(args_register),
	KUNIT_CASE(args_soft),
	{}
};

static struct kunit_suite vcm_args_suite = {
	.name = "vcm_args",
	.init = args_init,
	.exit = args_exit,
	.test_cases = vcm_args_cases,
};

kunit_test_suite(vcm_args_suite);

MODULE_DESCRIPTION("KUnit tests of VCMM: wrong arguments");
MODULE_LICENSE("GPL");
