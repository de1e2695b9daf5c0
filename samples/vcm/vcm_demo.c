// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demonstration of VCMM: one frame, many devices, one address.
 *
 * A camera writes a frame into memory, codecs read it and write a second one,
 * each its share of the rows, a display reads that. QEMU's edu devices play the
 * parts, as many as the machine has. Which of them share an address space, and
 * where it is, a board file says: vcm_board_qemu.c is one, and this file does
 * not know it. The set-up, demo_set_up(), is what a media driver would do; the
 * rest is the show and the proof.
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
#include <linux/slab.h>
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

/*
 * The two frames are what the demonstration is about. The scene is what the
 * camera looks at, the screen is what a viewer sees: small pages with the
 * rights that fit, in a window that the board keeps for such.
 */
enum { FRAME, FLIPPED, SCENE, SCREEN, BUFFERS };
static const struct {
	const char *name;
	size_t len;
	u32 attr;
	const char *bound;
} buffer_spec[BUFFERS] = {
	[FRAME] = { "frame", SZ_2M, VCM_READ | VCM_WRITE },
	[FLIPPED] = { "flipped frame", SZ_2M, VCM_READ | VCM_WRITE },
	[SCENE] = { "scene", PAGE_SIZE, VCM_READ, "small" },
	[SCREEN] = { "screen", PAGE_SIZE, VCM_WRITE, "small" },
};

static DEFINE_MUTEX(demo_lock);
static struct demo {
	bool playing;
	struct vcm *vcm;
	/* The first is the camera, the last the display, the others codecs. */
	struct device **dev;
	int nr;
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

static struct device *demo_camera(void)
{
	return demo.dev[0];
}

static struct device *demo_display(void)
{
	return demo.dev[demo.nr - 1];
}

/* The codecs are device 1 to this. */
static int demo_codecs(void)
{
	return demo.nr - 2;
}

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

/* Everything back: the buffers first, and then the devices. */
static int demo_tear_down(void)
{
	int i, ret = 0;

	for (i = 0; i < BUFFERS; i++)
		if (demo.res[i])
			ret = ret ?: vcm_dealloc(demo.res[i]);
	/* The last one takes the devices off the context. */
	for (i = 0; i < demo.nr; i++) {
		vcm_put(demo.vcm);
		put_device(demo.dev[i]);
	}
	kfree(demo.dev);
	demo_check(!ret, "something could not be given back (%d)", ret);
	memset(&demo, 0, sizeof(demo));
	return ret;
}

static int demo_cast(struct device *dev)
{
	struct device **devs;
	struct vcm *vcm;

	/* From here on the device is on the context. */
	vcm = vcm_get(dev, "frames");
	if (IS_ERR(vcm))
		return PTR_ERR(vcm);
	devs = krealloc_array(demo.dev, demo.nr + 1, sizeof(*devs), GFP_KERNEL);
	if (!devs || (demo.vcm && demo.vcm != vcm)) {
		demo.dev = devs ?: demo.dev;
		vcm_put(vcm);
		return devs ? -ENOENT : -ENOMEM;
	}
	demo.dev = devs;
	demo.dev[demo.nr++] = get_device(dev);
	demo.vcm = vcm;
	return 0;
}

/* Who takes part is said by the board. */
static int demo_gather(void)
{
	struct device *dev;
	int i, ret = 0;

	for (i = 0; !ret && (dev = vcm_edu_get(i)); i++) {
		ret = demo_cast(dev);
		if (ret == -ENODEV || ret == -ENOENT) {
			pr_info("%s takes no part: %s\n", dev_name(dev),
				ret == -ENODEV ? "it is behind no IOMMU" :
				"the board has put it elsewhere, or nowhere");
			ret = 0;
		}
		put_device(dev);
	}
	if (!ret && demo.nr < 3) {
		pr_err("this needs three edu devices behind an IOMMU, and there are %d\n",
		       demo.nr);
		ret = -ENODEV;
	}
	return ret;
}

static int demo_set_up(void)
{
	int i, ret;

	/* An address space that belongs to no device, and devices on it ... */
	ret = demo_gather();
	if (ret)
		return ret;

	/* ... and memory in it. It could as well be the other way. */
	for (i = 0; i < BUFFERS; i++) {
		struct vcm_memtype *type = vcm_get_memtype(demo.vcm);
		u32 attr = buffer_spec[i].attr | VCM_ZERO;
		size_t len = buffer_spec[i].len;
		struct vcm_bound *bound;
		struct vcm_res *res;

		bound = vcm_get_bound(demo.vcm, buffer_spec[i].bound);
		res = buffer_spec[i].bound ?
			vcm_alloc_from_bound(bound, type, len, attr) :
			vcm_alloc(demo.vcm, type, len, attr);
		if (IS_ERR(res))
			return PTR_ERR(res);
		demo.res[i] = res;
		demo.phys[i] = vcm_get_physmem_from_res(res);
	}
	return 0;
}

#define NAMES_PER_LINE	4

static void demo_introduce_devices(void)
{
	char line[80];
	int i, len;

	pr_info("One address space, the context \"%s\", and %d devices on it:\n",
		vcm_get_name(demo.vcm), demo.nr);
	pr_info("  %-8s %s\n", "camera", dev_name(demo_camera()));
	for (i = 1; i <= demo_codecs(); i++) {
		if (i % NAMES_PER_LINE == 1)
			len = 0;
		len += scnprintf(line + len, sizeof(line) - len, " %s",
				 dev_name(demo.dev[i]));
		if (i % NAMES_PER_LINE && i < demo_codecs())
			continue;
		pr_info("  %-8s%s\n", i <= NAMES_PER_LINE ?
			demo_codecs() == 1 ? "codec" : "codecs" : "", line);
	}
	pr_info("  %-8s %s\n", "display", dev_name(demo_display()));
}

static void demo_introduce_tables(void)
{
	unsigned int tables = vcm_get_num_tables(demo.vcm);
	unsigned int units = vcm_get_num_units(demo.vcm);

	if (units == 1)
		pr_info("They are behind one IOMMU, which walks one page table.\n");
	else if (tables == 1)
		pr_info("They are behind %u IOMMUs, which share one page table: each mapping is written once.\n",
			units);
	else
		pr_info("They are behind %u IOMMUs, with %u page tables: mirrored, each mapping is in all of them.\n",
			units, tables);
}

static void demo_introduce(void)
{
	dma_addr_t addr;
	int i;

	demo_introduce_devices();
	demo_introduce_tables();
	for (i = 0; i < BUFFERS; i++) {
		unsigned int blocks = demo_count_blocks(i);

		addr = demo_addr(i);
		pr_info("  %-14s %4zu KiB at %pad, made of %u block%s of memory\n",
			buffer_spec[i].name, buffer_spec[i].len / SZ_1K, &addr,
			blocks, str_plural(blocks));
	}
	pr_info("Each was mapped once, by one call, for all of them.\n");
	pr_info("The CPU was given no mapping: what it shows here, it looked up for the proof.\n");
}

/* The display reads the second frame and puts it on the screen. */
static int demo_show(void)
{
	struct device *display = demo_display();
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

/* Each codec turns its share of the rows upside down. */
static int demo_flip(void)
{
	dma_addr_t frame = demo_addr(FRAME), flipped = demo_addr(FLIPPED);
	int i, row, ret = 0;

	for (i = 1; i <= demo_codecs() && !ret; i++) {
		ret = vcm_edu_fetch(demo.dev[i], frame, 0, PICTURE);
		for (row = i - 1; row < ROWS && !ret; row += demo_codecs())
			ret = vcm_edu_store(demo.dev[i],
					    flipped + row * ROW_LEN,
					    (ROWS - 1 - row) * ROW_LEN,
					    ROW_LEN);
	}
	if (ret)
		return ret;
	if (demo_codecs() == 1)
		pr_info("The codec read it at %pad, the same address, and wrote it upside down to\n",
			&frame);
	else
		pr_info("%d codecs read it at %pad, the same address, and wrote it upside down to\n",
			demo_codecs(), &frame);
	pr_info("%pad, row by row%s.\n", &flipped,
		demo_codecs() == 1 ? "" : ", each its share of them");
	if (!demo_check(demo_holds(FRAME, demo.upright) &&
			demo_holds(FLIPPED, demo.flipped),
			"the second frame is not the first one upside down"))
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

	ret = vcm_edu_fetch(demo_camera(), demo_addr(SCENE), 0, PICTURE);
	ret = ret ?: vcm_edu_store(demo_camera(), frame, 0, PICTURE);
	if (ret)
		return ret;
	pr_info("The camera wrote a frame to %pad:\n", &frame);
	if (!demo_check(demo_holds(FRAME, demo.upright),
			"the frame is not what the camera saw"))
		return -EIO;
	demo_print(demo.seen);

	ret = demo_flip();
	if (ret)
		return ret;

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
 * The frame is unbacked, but all devices still know its address, and are on the
 * context as before. What each has in its own buffer is not, from the second row
 * on, what is in the frame, so whatever gets through would show.
 */
static int demo_try_all(void)
{
	dma_addr_t frame = demo_addr(FRAME), flipped = demo_addr(FLIPPED);
	int i, ret;

	pr_info("The frame was unbacked: its memory is still there, its address leads nowhere.\n");

	for (i = 0; i < demo.nr; i++) {
		ret = vcm_edu_store(demo.dev[i], frame, ROW_LEN,
				    PICTURE - ROW_LEN);
		if (ret)
			return ret;
		if (!demo_check(demo_holds(FRAME, demo.upright),
				"%s wrote to unbacked memory",
				dev_name(demo.dev[i])))
			return -EIO;
	}
	pr_info("All %d devices tried to write to %pad: blocked, the memory is unchanged.\n",
		demo.nr, &frame);

	ret = vcm_edu_fetch(demo_display(), frame, 0, PICTURE);
	ret = ret ?: vcm_edu_store(demo_display(), demo_addr(SCREEN), 0,
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

static int demo_intrude(void)
{
	int ret;

	ret = vcm_unback(demo.res[FRAME]);
	if (ret)
		return ret;
	ret = demo_try_all();
	return vcm_back(demo.res[FRAME], demo.phys[FRAME]) ?: ret;
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
	for (i = 0; i < demo.nr; i++) {
		if (demo.dev[i] != dev)
			continue;
		pr_info("%s leaves: the show is over.\n", dev_name(dev));
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
