/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that the HTML report has inside, put in when the program is built. */
#ifndef TL_TRACE_HTML_ASSETS_H
#define TL_TRACE_HTML_ASSETS_H

#include <stdbool.h>

/* False: built without d3.js. */
extern const bool html_complete;

/* Each as one string. */
extern const char html_css[];
extern const char html_js[];
extern const char html_d3[]; /* d3.js: Debian's libjs-d3 */

#endif
