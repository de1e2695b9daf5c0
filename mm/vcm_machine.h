/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual Contiguous Memory Manager: between boards and their checks.
 */
#ifndef _MM_VCM_MACHINE_H
#define _MM_VCM_MACHINE_H

#include <linux/vcm-machine.h>

#define VCM_MEMBER_FLAGS	VCM_MEMBER_INACTIVE

/* vcm_board_check.c */
int vcm_board_check(const struct vcm_board *board);
unsigned int vcm_board_find_clash(const struct vcm_board *board,
				  unsigned int nr,
				  const struct vcm_board_member *member);

/* vcm_machine.c */
const char *vcm_board_of_context(const char *name);
const char *vcm_board_of_member(const struct vcm_board_member *member,
				unsigned int *index);

#endif /* _MM_VCM_MACHINE_H */
