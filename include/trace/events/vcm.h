/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the Virtual Contiguous Memory Manager.
 *
 * Each says what was asked and how it ended, refusals included; only calls
 * whose arguments were not worth looking at leave no trace. A context may be
 * renamed while it is traced: what is printed is then the old name or the new.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vcm

#if !defined(_TRACE_VCM_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_VCM_H

#include <linux/device.h>
#include <linux/tracepoint.h>
#include <linux/types.h>

/* A range of a context; where it is not known yet, its address is 0. */
DECLARE_EVENT_CLASS(vcm_range,
		    TP_PROTO(const char *vcm, u64 addr, u64 len, int ret),
		    TP_ARGS(vcm, addr, len, ret),
		    TP_STRUCT__entry(__string(vcm, vcm)
				     __field(u64, addr)
				     __field(u64, len)
				     __field(int, ret)),
		    TP_fast_assign(__assign_str(vcm);
				   __entry->addr = addr;
				   __entry->len = len;
				   __entry->ret = ret;),
		    TP_printk("context=%s addr=0x%llx len=0x%llx ret=%d",
			      __get_str(vcm), __entry->addr, __entry->len, __entry->ret));

DEFINE_EVENT(vcm_range, vcm_reserve,
	     TP_PROTO(const char *vcm, u64 addr, u64 len, int ret),
	     TP_ARGS(vcm, addr, len, ret));

DEFINE_EVENT(vcm_range, vcm_unreserve,
	     TP_PROTO(const char *vcm, u64 addr, u64 len, int ret),
	     TP_ARGS(vcm, addr, len, ret));

/* The range is that of the reservation. */
DEFINE_EVENT(vcm_range, vcm_back,
	     TP_PROTO(const char *vcm, u64 addr, u64 len, int ret),
	     TP_ARGS(vcm, addr, len, ret));

DEFINE_EVENT(vcm_range, vcm_unback,
	     TP_PROTO(const char *vcm, u64 addr, u64 len, int ret),
	     TP_ARGS(vcm, addr, len, ret));

/* A unit is pointed at a table of a context for a device, or at nothing. */
DECLARE_EVENT_CLASS(vcm_point,
		    TP_PROTO(const char *vcm, const char *unit, const struct device *dev,
			     int ret),
		    TP_ARGS(vcm, unit, dev, ret),
		    TP_STRUCT__entry(__string(vcm, vcm)
				     __string(unit, unit)
				     __string(dev, dev_name(dev))
				     __field(int, ret)),
		    TP_fast_assign(__assign_str(vcm);
				   __assign_str(unit);
				   __assign_str(dev);
				   __entry->ret = ret;),
		    TP_printk("context=%s unit=%s device=%s ret=%d", __get_str(vcm),
			      __get_str(unit), __get_str(dev), __entry->ret));

DEFINE_EVENT(vcm_point, vcm_attach,
	     TP_PROTO(const char *vcm, const char *unit, const struct device *dev,
		      int ret),
	     TP_ARGS(vcm, unit, dev, ret));

DEFINE_EVENT(vcm_point, vcm_detach,
	     TP_PROTO(const char *vcm, const char *unit, const struct device *dev,
		      int ret),
	     TP_ARGS(vcm, unit, dev, ret));

/* A unit is told to forget; one event for each unit on the table. */
TRACE_EVENT(vcm_invalidate,
	    TP_PROTO(const char *vcm, const char *unit, u64 addr, u64 len, int ret),
	    TP_ARGS(vcm, unit, addr, len, ret),
	    TP_STRUCT__entry(__string(vcm, vcm)
			     __string(unit, unit)
			     __field(u64, addr)
			     __field(u64, len)
			     __field(int, ret)),
	    TP_fast_assign(__assign_str(vcm);
			   __assign_str(unit);
			   __entry->addr = addr;
			   __entry->len = len;
			   __entry->ret = ret;),
	    TP_printk("context=%s unit=%s addr=0x%llx len=0x%llx ret=%d",
		      __get_str(vcm), __get_str(unit), __entry->addr,
		      __entry->len, __entry->ret));

/* A device was refused; the result is that of vcm_report_fault(). */
TRACE_EVENT(vcm_fault,
	    TP_PROTO(const char *vcm, const char *unit, const struct device *dev,
		     u64 addr, u32 access, int ret),
	    TP_ARGS(vcm, unit, dev, addr, access, ret),
	    TP_STRUCT__entry(__string(vcm, vcm)
			     __string(unit, unit)
			     __string(dev, dev_name(dev))
			     __field(u64, addr)
			     __field(u32, access)
			     __field(int, ret)),
	    TP_fast_assign(__assign_str(vcm);
			   __assign_str(unit);
			   __assign_str(dev);
			   __entry->addr = addr;
			   __entry->access = access;
			   __entry->ret = ret;),
	    TP_printk("context=%s unit=%s device=%s addr=0x%llx access=0x%x ret=%d",
		      __get_str(vcm), __get_str(unit), __get_str(dev),
		      __entry->addr, __entry->access, __entry->ret));

#endif /* _TRACE_VCM_H */

#include <trace/define_trace.h>
