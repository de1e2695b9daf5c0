// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual Contiguous Memory Manager: who maps what, for people.
 *
 * In /sys/kernel/debug/vcm/, "contexts" says it as text, context by context,
 * "units" the same unit by unit, "graph" as a graph in the language of Graphviz's
 * dot, "faults" who has hooked the faults of which device, and "boards" what was
 * declared. All read the books under the locks that guard them; none is an
 * interface for programs.
 */
#define pr_fmt(fmt) "vcm: " fmt

#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/init.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string_choices.h>
#include <linux/string_helpers.h>

#include "vcm_internal.h"

struct vcm_size {
	char text[16];
};

static struct vcm_size vcm_show_size(u64 len)
{
	struct vcm_size size;

	string_get_size(len, 1, STRING_UNITS_2, size.text, sizeof(size.text));
	return size;
}

static const char *vcm_show_state(const struct vcm_res *res)
{
	switch (READ_ONCE(res->state)) {
	case VCM_RES_IDLE:
		return "not backed";
	case VCM_RES_MOVING:
		return "being changed";
	case VCM_RES_MIGRATING:
		return "being moved";
	case VCM_RES_BACKED:
		return "backed";
	case VCM_RES_STUCK:
		return "STUCK: a unit does not answer";
	default:
		return "gone";
	}
}

static unsigned int vcm_count_active(const struct vcm_table *table)
{
	struct vcm_walker *walker;
	unsigned int nr = 0;

	list_for_each_entry(walker, &table->walkers, node)
		nr += walker->active;
	return nr;
}

/* "one table, shared", or "2 tables, mirrored" */
static const char *vcm_show_sharing(struct vcm *vcm)
{
	struct vcm_table *table;

	if (list_empty(&vcm->tables))
		return "no table yet";
	table = list_first_entry(&vcm->tables, struct vcm_table, node);
	if (!list_is_singular(&vcm->tables))
		return "mirrored";
	if (list_empty(&table->walkers))
		return "no unit";
	return list_is_singular(&table->walkers) ? "one unit" : "shared";
}

static void vcm_show_tables(struct seq_file *s, struct vcm *vcm)
{
	struct vcm_walker *walker;
	struct vcm_table *table;
	unsigned int nr = 0;

	list_for_each_entry(table, &vcm->tables, node) {
		seq_printf(s, "  table %u%s: %pad-%pad, blocks %#lx, ", nr++,
			   table == vcm->home ? " (home)" : "",
			   &table->geo.first, &table->geo.last,
			   table->geo.pgsizes);
		if (table->rights != VCM_ALL_RIGHTS)
			seq_printf(s, "%s at most, ",
				   vcm_show_rights(table->rights).text);
		seq_printf(s, "%u active, walked by", vcm_count_active(table));
		if (list_empty(&table->walkers))
			seq_puts(s, " nobody");
		list_for_each_entry(walker, &table->walkers, node)
			seq_printf(s, " %s", walker->unit->name);
		seq_putc(s, '\n');
	}
}

static void vcm_show_devices(struct seq_file *s, struct vcm *vcm)
{
	struct vcm_assoc *assoc;
	unsigned int i;

	list_for_each_entry(assoc, &vcm->assocs, vcm_node) {
		seq_printf(s, "  device %s: %s, ",
			   dev_name(assoc->device->dev),
			   assoc->active ? "active" : "inactive");
		if (assoc->attr)
			seq_printf(s, "%s at most, ",
				   vcm_show_rights(assoc->attr).text);
		seq_puts(s, "behind");
		for (i = 0; i < assoc->nr_walkers; i++)
			seq_printf(s, " %s", assoc->walkers[i]->unit->name);
		seq_putc(s, '\n');
	}
}

static void vcm_show_bounds(struct seq_file *s, struct vcm *vcm)
{
	struct vcm_bound *bound;

	spin_lock(&vcm->res_lock);
	list_for_each_entry(bound, &vcm->bounds, node) {
		dma_addr_t first = bound->window->range.first;
		dma_addr_t last = bound->window->range.last;

		seq_printf(s, "  bound %pad-%pad %s, %s\n", &first, &last,
			   vcm_show_size(vcm_res_len(bound->window)).text,
			   range_space_empty(&bound->space) ? "empty" : "in use");
	}
	spin_unlock(&vcm->res_lock);
}

/* "64.0 KiB at 0x... in 1 run, mapped 3 times, cached" */
static void vcm_show_piece(struct seq_file *s, const struct vcm_piece *piece)
{
	size_t mappers = vcm_phys_count_mappers(piece->phys);
	size_t len = vcm_piece_len(piece);
	struct vcm_phys_iter iter = vcm_piece_iter(piece);
	phys_addr_t pa, next;
	unsigned int runs = 0;

	while (vcm_phys_iter_next(&iter, &next))
		pa = runs++ ? pa : next;
	seq_printf(s, "%s at %pap in %u run%s, mapped %zu time%s, %s\n",
		   vcm_show_size(len).text, &pa, runs, str_plural(runs),
		   mappers, str_plural(mappers),
		   vcm_cache_name(vcm_phys_cache(piece->phys)));
}

static void vcm_show_res(struct seq_file *s, struct vcm_res *res)
{
	dma_addr_t first = vcm_res_addr(res), last = res->range.last;
	struct vcm *vcm = res->vcm;
	struct vcm_piece *piece;

	if (first == VCM_NOWHERE)
		seq_puts(s, "  nowhere");
	else
		seq_printf(s, "  %pad-%pad", &first, &last);
	seq_printf(s, " %s %s, %s",
		   vcm_show_rights(READ_ONCE(res->attr)).text,
		   vcm_show_size(vcm_res_len(res)).text, vcm_show_state(res));

	spin_lock(&vcm->res_lock);
	piece = vcm_first_piece(res);
	if (!piece)
		seq_putc(s, '\n');
	if (piece && !piece->off && !vcm_next_piece(piece)) {
		seq_puts(s, ": ");
		vcm_show_piece(s, piece);
		piece = NULL;
	} else if (piece) {
		seq_puts(s, ", in pieces:\n");
	}
	for (; piece; piece = vcm_next_piece(piece)) {
		seq_printf(s, "    +%#zx%s: ", piece->off,
			   piece->stuck ? " STUCK" : "");
		vcm_show_piece(s, piece);
	}
	spin_unlock(&vcm->res_lock);
}

/* Says who maps what, context by context. */
int vcm_contexts_show(struct seq_file *s, void *unused)
{
	struct vcm_res *res;
	struct vcm *vcm;

	mutex_lock(&vcm_topology_lock);
	list_for_each_entry(vcm, &vcm_contexts, node) {
		down_read(&vcm->lock);
		seq_printf(s, "context %s: %pad-%pad, %s, tables: %zu, reservations: %zu\n",
			   vcm->name, &vcm->start, &vcm->last,
			   vcm_show_sharing(vcm),
			   list_count_nodes(&vcm->tables),
			   vcm_get_num_res(vcm));
		vcm_show_tables(s, vcm);
		vcm_show_devices(s, vcm);
		vcm_show_bounds(s, vcm);
		vcm_for_each_res(vcm, res)
			vcm_show_res(s, res);
		up_read(&vcm->lock);
	}
	mutex_unlock(&vcm_topology_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcm_contexts);

/* "context vcm0, table 1: shared with 15 units, device a (active), b" */
static void vcm_show_walker(struct seq_file *s, struct vcm *vcm,
			    unsigned int nr, struct vcm_walker *walker)
{
	size_t others = list_count_nodes(&walker->table->walkers) - 1;
	struct vcm_assoc *assoc;
	unsigned int i;

	seq_printf(s, "  context %s, table %u of %zu: ", vcm->name, nr,
		   list_count_nodes(&vcm->tables));
	if (walker->table->rights != VCM_ALL_RIGHTS)
		seq_printf(s, "%s at most, ",
			   vcm_show_rights(walker->table->rights).text);
	if (others)
		seq_printf(s, "shared with %zu unit%s, devices", others,
			   str_plural(others));
	else
		seq_puts(s, "shared with nobody, devices");
	list_for_each_entry(assoc, &vcm->assocs, vcm_node)
		for (i = 0; i < assoc->nr_walkers; i++)
			if (assoc->walkers[i] == walker)
				seq_printf(s, " %s (%s)",
					   dev_name(assoc->device->dev),
					   assoc->active ? "active" :
					   "inactive");
	seq_putc(s, '\n');
}

/* Every walker of @unit; if @s is NULL, the first one is only looked for. */
static struct vcm_walker *vcm_show_walkers(struct seq_file *s,
					   const struct vcm_iommu *unit)
{
	struct vcm_walker *walker;
	struct vcm_table *table;
	struct vcm *vcm;

	lockdep_assert_held(&vcm_topology_lock);

	list_for_each_entry(vcm, &vcm_contexts, node) {
		unsigned int nr = 0;

		list_for_each_entry(table, &vcm->tables, node) {
			list_for_each_entry(walker, &table->walkers, node) {
				if (walker->unit != unit)
					continue;
				if (!s)
					return walker;
				vcm_show_walker(s, vcm, nr, walker);
			}
			nr++;
		}
	}
	return NULL;
}

/*
 * Says the same unit by unit. There is no list of units: one is known by the
 * tables that it walks. Tables come and go under vcm_topology_lock only.
 */
int vcm_units_show(struct seq_file *s, void *unused)
{
	struct vcm_walker *walker;
	struct vcm_table *table;
	struct vcm *vcm;

	mutex_lock(&vcm_topology_lock);
	list_for_each_entry(vcm, &vcm_contexts, node)
		list_for_each_entry(table, &vcm->tables, node)
			list_for_each_entry(walker, &table->walkers, node) {
				struct vcm_iommu *unit = walker->unit;

				if (vcm_show_walkers(NULL, unit) != walker)
					continue;
				seq_printf(s, "unit %s: %s\n", unit->name,
					   unit->ops->name);
				vcm_show_walkers(s, unit);
			}
	mutex_unlock(&vcm_topology_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcm_units);

/* Nodes are named after the addresses of their objects, hashed by %p. */
static void vcm_graph_devices(struct seq_file *s, struct vcm *vcm)
{
	struct vcm_walker *walker;
	struct vcm_assoc *assoc;
	unsigned int i;

	list_for_each_entry(assoc, &vcm->assocs, vcm_node) {
		struct device *dev = assoc->device->dev;

		seq_printf(s, "\t\"%p\" [label=\"device\\n%s\", shape=component, fillcolor=lightskyblue];\n",
			   assoc->device, dev_name(dev));
		for (i = 0; i < assoc->nr_walkers; i++) {
			walker = assoc->walkers[i];
			seq_printf(s, "\t\"%p\" [label=\"unit\\n%s\", shape=hexagon, fillcolor=khaki];\n",
				   walker->unit, walker->unit->name);
			seq_printf(s, "\t\"%p\" -> \"%p\" [style=%s];\n",
				   assoc->device, walker->unit,
				   assoc->active ? "solid" : "dashed");
		}
	}
}

static void vcm_graph_tables(struct seq_file *s, struct vcm *vcm)
{
	struct vcm_walker *walker;
	struct vcm_table *table;
	unsigned int nr = 0;

	seq_printf(s, "\tsubgraph \"cluster_%p\" {\n\t\tlabel=\"%s: %s\";\n",
		   vcm, vcm->name, vcm_show_sharing(vcm));
	seq_printf(s, "\t\"%p\" [label=\"context %s\\n%pad-%pad\", shape=box3d, fillcolor=palegreen];\n",
		   vcm, vcm->name, &vcm->start, &vcm->last);
	list_for_each_entry(table, &vcm->tables, node) {
		size_t units = list_count_nodes(&table->walkers);

		seq_printf(s, "\t\"%p\" [label=\"table %u%s\\n%zu unit%s, %u active",
			   table, nr++, table == vcm->home ? " (home)" : "",
			   units, str_plural(units), vcm_count_active(table));
		if (table->rights != VCM_ALL_RIGHTS)
			seq_printf(s, "\\n%s at most",
				   vcm_show_rights(table->rights).text);
		seq_puts(s, "\", shape=folder, fillcolor=wheat];\n");
	}
	seq_puts(s, "\t}\n");
	list_for_each_entry(table, &vcm->tables, node) {
		seq_printf(s, "\t\"%p\" -> \"%p\";\n", table, vcm);
		list_for_each_entry(walker, &table->walkers, node)
			seq_printf(s, "\t\"%p\" -> \"%p\" [style=%s];\n",
				   walker->unit, table,
				   walker->active ? "solid" : "dashed");
	}
}

static void vcm_graph_bounds(struct seq_file *s, struct vcm *vcm)
{
	struct vcm_bound *bound;

	spin_lock(&vcm->res_lock);
	list_for_each_entry(bound, &vcm->bounds, node) {
		dma_addr_t first = bound->window->range.first;

		seq_printf(s, "\t\"%p\" [label=\"bound %pad\\n%s\", shape=tab, fillcolor=palegreen];\n",
			   bound, &first,
			   vcm_show_size(vcm_res_len(bound->window)).text);
		seq_printf(s, "\t\"%p\" -> \"%p\";\n", vcm, bound);
	}
	spin_unlock(&vcm->res_lock);
}

static void vcm_graph_res(struct seq_file *s, struct vcm_res *res)
{
	dma_addr_t first = vcm_res_addr(res);
	struct vcm *vcm = res->vcm;
	const void *parent = vcm;
	struct vcm_piece *piece;

	spin_lock(&vcm->res_lock);
	if (res->bound)
		parent = res->bound;
	spin_unlock(&vcm->res_lock);

	seq_printf(s, "\t\"%p\" [label=\"%pad\\n%s %s\", shape=box, fillcolor=white];\n",
		   res, &first, vcm_show_size(vcm_res_len(res)).text,
		   vcm_show_rights(READ_ONCE(res->attr)).text);
	seq_printf(s, "\t\"%p\" -> \"%p\";\n", parent, res);

	spin_lock(&vcm->res_lock);
	vcm_for_each_piece(res, piece) {
		seq_printf(s, "\t\"%p\" [label=\"memory\\n%s\", shape=cylinder, fillcolor=lightpink];\n",
			   piece->phys, vcm_show_size(piece->phys->len).text);
		seq_printf(s, "\t\"%p\" -> \"%p\";\n", res, piece->phys);
	}
	spin_unlock(&vcm->res_lock);
}

/* Says it as a graph. */
int vcm_graph_show(struct seq_file *s, void *unused)
{
	struct vcm_res *res;
	struct vcm *vcm;

	seq_puts(s, "digraph vcm {\n\trankdir=LR;\n\tnode [style=filled, fontname=\"sans-serif\"];\n\tedge [fontname=\"sans-serif\"];\n");
	mutex_lock(&vcm_topology_lock);
	list_for_each_entry(vcm, &vcm_contexts, node) {
		down_read(&vcm->lock);
		vcm_graph_devices(s, vcm);
		vcm_graph_tables(s, vcm);
		vcm_graph_bounds(s, vcm);
		vcm_for_each_res(vcm, res)
			vcm_graph_res(s, res);
		up_read(&vcm->lock);
	}
	mutex_unlock(&vcm_topology_lock);
	seq_puts(s, "}\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcm_graph);

static int vcm_faults_show(struct seq_file *s, void *unused)
{
	vcm_hooks_show(s);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcm_faults);

static int vcm_boards_file_show(struct seq_file *s, void *unused)
{
	vcm_boards_show(s);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vcm_boards_file);

static int __init vcm_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("vcm", NULL);

	debugfs_create_file("contexts", 0400, dir, NULL, &vcm_contexts_fops);
	debugfs_create_file("units", 0400, dir, NULL, &vcm_units_fops);
	debugfs_create_file("graph", 0400, dir, NULL, &vcm_graph_fops);
	debugfs_create_file("faults", 0400, dir, NULL, &vcm_faults_fops);
	debugfs_create_file("boards", 0400, dir, NULL, &vcm_boards_file_fops);
	return 0;
}
late_initcall(vcm_debugfs_init);
