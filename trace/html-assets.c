// SPDX-License-Identifier: GPL-2.0-only
#include "html-assets.h"

/* The Makefile names the file of TRAPLINE_D3, if there is one. */
#ifdef TRAPLINE_D3
const bool html_complete = true;
#define D3 ".incbin \"" TRAPLINE_D3 "\"\n"
#else
const bool html_complete = false;
#define D3 ""
#endif

#define ASSET(name, content) \
	".globl " #name "\n" #name ":\n" content ".byte 0\n"

__asm__(".pushsection .rodata\n" ASSET(html_css,
				       ".incbin \"trace/html/report.css\"\n")
		ASSET(html_js, ".incbin \"trace/html/report.js\"\n")
			ASSET(html_d3, D3) ".popsection\n");
