// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demonstration of VCMM: one frame, three devices, one address.
 *
 * A camera writes a frame into memory, a codec reads it and writes a second
 * one, a display reads that. Three of QEMU's edu devices play the parts. The
 * set-up, demo_set_up(), is what a media driver would do; the rest is the show
 * and the proof.
 *
 *	echo start > /sys/kernel/debug/vcm_demo/play	the film
 *	echo stop > /sys/kernel/debug/vcm_demo/play	the end, and an intruder
 *
 * In between everything stays mapped, to be looked at in
 * /sys/kernel/debug/vcm/. Each line that the demonstration prints begins with
 * "vcm-demo: "; one that begins with "vcm-demo: FAILED" says which check did
 * not hold, and the write to the file fails as well.
 */
#define pr_fmt(fmt) "vcm-demo: " fmt

#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/string_choices.h>
#include <linux/uaccess.h>
#include <linux/vcm.h>

#include "vcm_edu.h"

#define ROWS		16
#define ROW_LEN		64
#define PICTURE		(ROWS * ROW_LEN)

static const char scene[ROWS][ROW_LEN + 1] = {
	"                                                   \\   |   /    ",
	"                                                     .---.      ",
	"                        /\\                       -- (     ) --  ",
	"                       /**\\                          '---'      ",
	"                      /****\\     /\\                /   |   \\    ",
	"               /\\    /      \\   /**\\                            ",
	"              /**\\  /        \\ /    \\     _                     ",
	"             /    \\/          /      \\   / \\        _           ",
	"            /      \\         /        \\ /   \\   /\\ / \\          ",
	"    _______/________\\_______/__________/_____\\_/__/___\\________ ",
	"        |                                                       ",
	"       /|\\          A frame of video, seen by the camera.       ",
	"      / | \\                                                     ",
	"     /__|__\\                       ~    ~~       ~              ",
	"    \\_______/    ~~     ~       ~~          ~          ~~       ",
	"  ~    ~~     ~      ~     ~~        ~    ~~     ~   ~      ~   ",
};

enum { CAMERA, CODEC, DISPLAY, PARTS };
static const char * const part_name[PARTS] = { "camera", "codec", "display" };

/*
 * The two frames are what the demonstration is about. The scene is what the
 * camera looks at, the screen is what a viewer sees: small pages with the
 * rights that fit.
 */
enum { FRAME, FLIPPED, SCENE, SCREEN, BUFFERS };
static const struct {
	const char *name;
	size_t len;
	u32 attr;
} buffer_spec[BUFFERS] = {
	[FRAME] = { "frame", SZ_2M, VCM_READ | VCM_WRITE },
	[FLIPPED] = { "flipped frame", SZ_2M, VCM_READ | VCM_WRITE },
	[SCENE] = { "scene", PAGE_SIZE, VCM_READ },
	[SCREEN] = { "screen", PAGE_SIZE, VCM_WRITE },
};

static DEFINE_MUTEX(demo_lock);
static struct demo {
	bool playing;
	struct vcm *vcm;
	struct device *dev[PARTS];
	struct vcm_assoc *assoc[PARTS];
	struct vcm_res *res[BUFFERS];
	struct vcm_phys *phys[BUFFERS];
	char upright[PICTURE];
	char flipped[PICTURE];
	char seen[PICTURE];
} demo;

#define demo_check(cond, fmt, ...)					\
({									\
	bool __ok = (cond);						\
	if (!__ok)							\
		pr_err("FAILED: " fmt "\n", ##__VA_ARGS__);		\
	__ok;								\
})

static dma_addr_t demo_addr(int buffer)
{
	return vcm_get_dev_addr(demo.res[buffer]);
}

/*
 * A glance at memory, for the proof only: VCMM gave the CPU no mapping. This
 * borrows the view that the kernel has of all memory.
 */
static struct page *demo_page(int buffer)
{
	phys_addr_t pa = 0;
	size_t len;

	vcm_get_chunk(demo.phys[buffer], 0, &pa, &len);
	return pfn_to_page(PHYS_PFN(pa));
}

static bool demo_holds(int buffer, const char *picture)
{
	memcpy_from_page(demo.seen, demo_page(buffer), 0, PICTURE);
	return !memcmp(demo.seen, picture, PICTURE);
}

static void demo_print(const char *picture)
{
	int row;

	for (row = 0; row < ROWS; row++)
		pr_info("  |%.*s|\n", ROW_LEN, picture + row * ROW_LEN);
}

static unsigned int demo_count_blocks(int buffer)
{
	unsigned int nr = 0;
	phys_addr_t pa;
	size_t len;

	while (!vcm_get_chunk(demo.phys[buffer], nr, &pa, &len))
		nr++;
	return nr;
}

/* Everything back, in the order that the rules of VCMM ask for. */
static int demo_tear_down(void)
{
	int i, ret = 0;

	for (i = 0; i < PARTS; i++) {
		if (demo.assoc[i]) {
			if (vcm_is_active(demo.assoc[i]))
				ret = ret ?: vcm_deactivate(demo.assoc[i]);
			ret = ret ?: vcm_deassoc(demo.assoc[i]);
		}
		put_device(demo.dev[i]);
	}
	for (i = 0; i < BUFFERS; i++) {
		if (demo.res[i]) {
			if (!IS_ERR(vcm_get_physmem_from_res(demo.res[i])))
				ret = ret ?: vcm_unback(demo.res[i]);
			ret = ret ?: vcm_unreserve(demo.res[i]);
		}
		if (demo.phys[i])
			ret = ret ?: vcm_phys_free(demo.phys[i]);
	}
	if (demo.vcm)
		ret = ret ?: vcm_free(demo.vcm);
	demo_check(!ret, "something could not be given back (%d)", ret);
	memset(&demo, 0, sizeof(demo));
	return ret;
}

static int demo_set_up(void)
{
	int i, ret;

	for (i = 0; i < PARTS; i++) {
		demo.dev[i] = vcm_edu_get(i);
		if (demo.dev[i])
			continue;
		pr_err("this needs three edu devices behind an IOMMU, and there are %d\n",
		       i);
		return -ENODEV;
	}

	/* An address space that belongs to no device ... */
	demo.vcm = vcm_create(SZ_64M, SZ_64M);
	if (IS_ERR(demo.vcm)) {
		ret = PTR_ERR(demo.vcm);
		demo.vcm = NULL;
		return ret;
	}
	ret = vcm_set_name(demo.vcm, "video");
	if (ret)
		return ret;

	/* ... memory in it ... */
	for (i = 0; i < BUFFERS; i++) {
		struct vcm_res *res;
		struct vcm_phys *phys;

		res = vcm_reserve(demo.vcm, buffer_spec[i].len,
				  buffer_spec[i].attr);
		if (IS_ERR(res))
			return PTR_ERR(res);
		demo.res[i] = res;
		phys = vcm_phys_alloc(NULL, buffer_spec[i].len, VCM_ZERO);
		if (IS_ERR(phys))
			return PTR_ERR(phys);
		demo.phys[i] = phys;
		ret = vcm_back(res, phys);
		if (ret)
			return ret;
	}

	/* ... and three devices on it. It could as well be the other way. */
	for (i = 0; i < PARTS; i++) {
		struct vcm_assoc *assoc;

		assoc = vcm_assoc(demo.vcm, demo.dev[i], 0);
		if (assoc == ERR_PTR(-ENODEV))
			pr_err("%s is behind no IOMMU\n",
			       dev_name(demo.dev[i]));
		if (IS_ERR(assoc))
			return PTR_ERR(assoc);
		demo.assoc[i] = assoc;
		ret = vcm_activate(assoc);
		if (ret)
			return ret;
	}
	return 0;
}

static void demo_introduce(void)
{
	unsigned int tables = vcm_get_num_tables(demo.vcm);
	dma_addr_t addr;
	int i;

	pr_info("One address space, the context \"video\", and three devices on it:\n");
	for (i = 0; i < PARTS; i++)
		pr_info("  %-8s %s\n", part_name[i], dev_name(demo.dev[i]));
	pr_info("Their IOMMUs walk %u page table%s.\n", tables,
		tables == 1 ? " together" : "s with the same contents");
	for (i = 0; i < BUFFERS; i++) {
		unsigned int blocks = demo_count_blocks(i);

		addr = demo_addr(i);
		pr_info("  %-14s %4zu KiB at %pad, made of %u block%s of memory\n",
			buffer_spec[i].name, buffer_spec[i].len / SZ_1K, &addr,
			blocks, str_plural(blocks));
	}
	pr_info("Each was mapped once, before any of the devices was there.\n");
	pr_info("The CPU was given no mapping: what it shows here, it looked up for the proof.\n");
}

/* The display reads the second frame and puts it on the screen. */
static int demo_show(void)
{
	struct device *display = demo.dev[DISPLAY];
	int ret;

	ret = vcm_edu_fetch(display, demo_addr(FLIPPED), 0, PICTURE);
	ret = ret ?: vcm_edu_store(display, demo_addr(SCREEN), 0, PICTURE);
	if (ret)
		return ret;
	if (!demo_check(demo_holds(SCREEN, demo.flipped),
			"the screen does not show the second frame"))
		return -EIO;
	return 0;
}

static int demo_play(void)
{
	dma_addr_t frame = demo_addr(FRAME), flipped = demo_addr(FLIPPED);
	int row, ret;

	for (row = 0; row < ROWS; row++) {
		memcpy(demo.upright + row * ROW_LEN, scene[row], ROW_LEN);
		memcpy(demo.flipped + (ROWS - 1 - row) * ROW_LEN, scene[row],
		       ROW_LEN);
	}
	memcpy_to_page(demo_page(SCENE), 0, demo.upright, PICTURE);

	ret = vcm_edu_fetch(demo.dev[CAMERA], demo_addr(SCENE), 0, PICTURE);
	ret = ret ?: vcm_edu_store(demo.dev[CAMERA], frame, 0, PICTURE);
	if (ret)
		return ret;
	pr_info("The camera wrote a frame to %pad:\n", &frame);
	if (!demo_check(demo_holds(FRAME, demo.upright),
			"the frame is not what the camera saw"))
		return -EIO;
	demo_print(demo.seen);

	ret = vcm_edu_fetch(demo.dev[CODEC], frame, 0, PICTURE);
	for (row = 0; row < ROWS && !ret; row++)
		ret = vcm_edu_store(demo.dev[CODEC], flipped + row * ROW_LEN,
				    (ROWS - 1 - row) * ROW_LEN, ROW_LEN);
	if (ret)
		return ret;
	pr_info("The codec read it at %pad, the same address, and wrote it upside\n",
		&frame);
	pr_info("down to %pad, row by row.\n", &flipped);
	if (!demo_check(demo_holds(FRAME, demo.upright) &&
			demo_holds(FLIPPED, demo.flipped),
			"the second frame is not the first one upside down"))
		return -EIO;

	ret = demo_show();
	if (ret)
		return ret;
	pr_info("The display read it at %pad, again the same address, and shows:\n",
		&flipped);
	demo_print(demo.seen);
	pr_info("Checked at every hop: each device found what the one before it left.\n");
	return 0;
}

/*
 * The frame is unbacked, but the display still knows its address. The display
 * is on the context as before and its own buffer holds the flipped picture, so
 * whatever gets through would show.
 */
static int demo_intrude(void)
{
	dma_addr_t frame = demo_addr(FRAME), flipped = demo_addr(FLIPPED);
	int ret;

	ret = vcm_unback(demo.res[FRAME]);
	if (ret)
		return ret;
	pr_info("The frame was unbacked: its memory is still there, its address leads nowhere.\n");

	ret = vcm_edu_store(demo.dev[DISPLAY], frame, 0, PICTURE);
	if (ret)
		return ret;
	if (!demo_check(demo_holds(FRAME, demo.upright),
			"the display wrote to unbacked memory"))
		return -EIO;
	pr_info("The display tried to write to %pad: blocked, the memory is unchanged.\n",
		&frame);

	ret = vcm_edu_fetch(demo.dev[DISPLAY], frame, 0, PICTURE);
	ret = ret ?: vcm_edu_store(demo.dev[DISPLAY], demo_addr(SCREEN), 0,
				   PICTURE);
	if (ret)
		return ret;
	if (!demo_check(!demo_holds(SCREEN, demo.upright),
			"the display read unbacked memory"))
		return -EIO;
	pr_info("The display tried to read %pad: blocked, it did not get the frame.\n",
		&frame);

	ret = demo_show();
	if (ret)
		return ret;
	pr_info("The second frame at %pad, which is still mapped, it can read as ever.\n",
		&flipped);
	return 0;
}

static int demo_start(void)
{
	int ret;

	if (demo.playing)
		return -EBUSY;
	ret = demo_set_up();
	if (ret) {
		pr_err("cannot set the stage (%d)\n", ret);
		demo_tear_down();
		return ret;
	}
	demo.playing = true;
	demo_introduce();
	ret = demo_play();
	if (ret) {
		pr_err("FAILED: the show was stopped (%d)\n", ret);
		demo_tear_down();
	}
	return ret;
}

static int demo_stop(void)
{
	int ret;

	if (!demo.playing)
		return -ENOENT;
	ret = demo_intrude();
	if (ret)
		pr_err("FAILED: the intruder was not stopped (%d)\n", ret);
	ret = demo_tear_down() ?: ret;
	if (!ret)
		pr_info("done\n");
	return ret;
}

/**
 * vcm_demo_device_gone() - the driver of a device is about to unbind
 * @dev: the device
 */
void vcm_demo_device_gone(struct device *dev)
{
	int i;

	guard(mutex)(&demo_lock);
	for (i = 0; i < PARTS; i++) {
		if (demo.dev[i] != dev)
			continue;
		pr_info("The %s leaves: the show is over.\n", part_name[i]);
		demo_tear_down();
		return;
	}
}

static ssize_t demo_write(struct file *file, const char __user *from,
			  size_t len, loff_t *pos)
{
	char word[16] = "";
	int ret;

	if (len >= sizeof(word) || copy_from_user(word, from, len))
		return -EINVAL;
	guard(mutex)(&demo_lock);
	if (sysfs_streq(word, "start"))
		ret = demo_start();
	else if (sysfs_streq(word, "stop"))
		ret = demo_stop();
	else
		ret = -EINVAL;
	return ret ?: len;
}

static const struct file_operations demo_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = demo_write,
};

static int __init demo_init(void)
{
	debugfs_create_file("play", 0200, debugfs_create_dir("vcm_demo", NULL),
			    NULL, &demo_fops);
	return 0;
}
late_initcall(demo_init);
