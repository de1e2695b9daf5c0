# SPDX-License-Identifier: GPL-2.0-only
# The front door of VCMM. Not a part of the kernel: 'make help' tells what it does.

PLATFORM ?=
SUITE ?=
KDIR ?=
EXTRA ?=
CHECK ?=
UPDATE ?=
export QEMU_AARCH64 ?=

vcm = @tools/vcm/run $@ 'PLATFORM=$(PLATFORM)' 'SUITE=$(SUITE)' 'KDIR=$(KDIR)' \
	'EXTRA=$(EXTRA)' 'CHECK=$(CHECK)' 'UPDATE=$(UPDATE)'

.PHONY: help demo test bench check docs tree series platforms clean

help:
	@echo 'VCMM, the Virtual Contiguous Memory Manager for Linux'
	@echo
	@echo '  make demo       boot a machine with 16 IOMMUs and watch a frame of video go'
	@echo '                  from camera to codec to display; leaves a graph in build/demo/'
	@echo '  make test       build the kernels, run every KUnit suite on every platform;'
	@echo '                  results in build/results.json, logs in build/log/'
	@echo '  make bench      what it costs, in instructions, beside what its peers cost;'
	@echo '                  figures and plots in build/bench/'
	@echo '  make check      everything that can be seen without running: warnings of gcc,'
	@echo '                  clang and sparse on each architecture, style, documentation'
	@echo '  make docs       build the documentation into build/docs/'
	@echo '  make tree       lay the sources over a copy of the kernel; say where it is'
	@echo '  make series     write everything as patches against the kernel, build/series/'
	@echo '  make platforms  list the platforms'
	@echo '  make clean      remove build/'
	@echo
	@echo '  PLATFORM=name   only this platform (make test takes several)'
	@echo '  SUITE=glob      only these KUnit suites, or tests: suite.test'
	@echo '  CHECK=glob      only these checks'
	@echo '  UPDATE=yes      make bench puts what it found on record: budgets, documentation'
	@echo '  KDIR=path       use this kernel tree; it is copied, never changed'
	@echo '  EXTRA=path      build this folder (with a Kbuild file) into the kernel too'
	@echo '  QEMU_AARCH64=path'
	@echo '                  use this QEMU for arm64; several SMMUv3 take 10.2 or newer'
	@echo
	@echo 'Debian packages that are missing are installed, where root or sudo allows it.'

demo test bench check docs tree series platforms:
	$(vcm)

clean:
	rm -rf build
