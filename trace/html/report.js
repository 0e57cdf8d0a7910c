// SPDX-License-Identifier: GPL-2.0-only
// The page of trapline-report --format html.  d3 (version 3) draws; the numbers
// are in the element "data", as docs/profile-json.md describes them.
(function () {
"use strict";

var data = JSON.parse(document.getElementById("data").textContent);
var profile = data.profile;
var color = d3.scale.ordinal().range(["#5b9bd5", "#f2a154", "#7cc47f",
	"#e07b7b", "#a78bca", "#c49c7a", "#e39ac4", "#3f8f83", "#c9c45a",
	"#5fc2cc"]).domain(data.timeline.classes);
var integer = d3.format(",d");

function milliseconds(ns) {
	return (ns / 1e6).toFixed(3);
}

function microseconds(ns) {
	return ns === undefined ? "-" : (ns / 1e3).toFixed(2);
}

// --- summary ----------------------------------------------------------------

function fact(list, name, value, bad) {
	var item = list.append("div");
	item.append("dt").text(name);
	item.append("dd").classed("bad", !!bad).text(value);
}

function summary() {
	var facts = d3.select("#facts"), totals = profile.totals;
	var recording = profile.recording, vm = profile.vm;
	var least = totals.complete ? "" : "at least ";
	var explained = profile.all.count - profile.unknown;

	d3.select("h1").text("Trap profile of " + profile.trace);
	document.title = "Trap profile of " + profile.trace;
	if (vm)
		fact(facts, "VM", [vm.name, vm.vmm, vm.machine]
			.filter(Boolean).join(", "));
	fact(facts, "exit count", least + integer(totals.exits));
	fact(facts, "trap count", least + integer(totals.traps));
	fact(facts, "kernel's counters",
		{ match: "match", mismatch: "MISMATCH",
			unchecked: "not known" }[totals.verdict],
		totals.verdict === "mismatch");
	fact(facts, "lost events", recording.lost_unknown
		? "some, more than " + integer(recording.lost)
		: integer(recording.lost),
		recording.lost || recording.lost_unknown);
	fact(facts, "recorded", (recording.duration_ns / 1e9).toFixed(3) + " s");
	fact(facts, "explained", profile.all.count
		? (Math.floor(1000 * explained / profile.all.count) / 10)
			.toFixed(1) + " %" : "-");
	if (profile.all.count !== totals.exits)
		fact(facts, "shown", integer(profile.all.count) + " exits");
	fact(facts, "time in KVM", milliseconds(profile.all.kernel_ns) + " ms");
	fact(facts, "time in the VMM", milliseconds(profile.all.user_ns) + " ms");
}

function advice() {
	var list = d3.select("#advice");

	profile.advice.forEach(function (a) {
		var item = list.append("li");
		item.append("b").text(integer(a.count) + " exits ("
			+ (100 * a.share).toFixed(1) + " %, "
			+ milliseconds(a.total_ns) + " ms)");
		item.append("span").text(", most often " + a.most_cause + " at "
			+ a.most_at + " (" + integer(a.most_count) + "): "
			+ a.text);
	});
	d3.select("#advice-part").style("display",
		profile.advice.length ? null : "none");
}

// --- timeline ---------------------------------------------------------------

function timeline() {
	var line = data.timeline, width = 1200, height = 220;
	var margin = { left: 56, right: 12, top: 10, bottom: 26 };
	var bins = line.bins, seconds = line.bin_ns / 1e9;
	var first = line.from_ns / 1e9, end = first + bins * seconds;
	var svg = d3.select("#timeline")
		.attr("viewBox", "0 0 " + width + " " + height);
	var x = d3.scale.linear().domain([first, end])
		.range([margin.left, width - margin.right]);
	var y = d3.scale.linear()
		.range([height - margin.bottom, margin.top]);
	var stack = d3.layout.stack()
		.values(function (d) { return d.values; });
	var layers = stack(line.classes.map(function (name, i) {
		var values = line.count[i].map(function (n, bin) {
			return { x: first + bin * seconds, y: n };
		});
		values.push({ x: end, y: line.count[i][bins - 1] });
		return { name: name, values: values };
	}));
	var area = d3.svg.area().interpolate("step-after")
		.x(function (d) { return x(d.x); })
		.y0(function (d) { return y(d.y0); })
		.y1(function (d) { return y(d.y0 + d.y); });
	var xAxis = d3.svg.axis().scale(x).orient("bottom").ticks(10)
		.tickFormat(function (v) { return v.toPrecision(6) / 1 + " s"; });
	var yAxis = d3.svg.axis().scale(y).orient("left").ticks(5)
		.tickFormat(d3.format("s"));
	var zoom = d3.behavior.zoom().x(x).scaleExtent([1, bins / 4])
		.on("zoom", draw);
	var plot, paths, legend;

	y.domain([0, d3.max(layers.length ? layers[layers.length - 1].values : [],
		function (d) { return d.y0 + d.y; }) || 1]).nice();
	svg.append("clipPath").attr("id", "clip").append("rect")
		.attr({ x: margin.left, y: 0, height: height,
			width: width - margin.left - margin.right });
	svg.append("g").attr("class", "axis")
		.attr("transform", "translate(" + margin.left + ",0)").call(yAxis);
	svg.append("g").attr("class", "axis x")
		.attr("transform", "translate(0," + (height - margin.bottom) + ")");
	plot = svg.append("g").attr("clip-path", "url(#clip)");
	paths = plot.selectAll("path").data(layers).enter().append("path")
		.style("fill", function (d) { return color(d.name); });
	svg.append("rect").attr({ id: "pane", x: margin.left, y: 0,
			width: width - margin.left - margin.right,
			height: height - margin.bottom })
		.style({ fill: "none", "pointer-events": "all" })
		.call(zoom)
		.on("mousemove", function () {
			hover(x.invert(d3.mouse(this)[0]));
		});
	legend = d3.select("#legend");
	line.classes.forEach(function (name) {
		var item = legend.append("span");
		item.append("span").attr("class", "swatch")
			.style("background", color(name));
		item.append("span").text(name);
	});
	d3.select("#timeline-reset").on("click", function () {
		zoom.scale(1).translate([0, 0]);
		draw();
	});

	function hover(at) {
		var bin = Math.floor((at - first) / seconds);
		if (bin < 0 || bin >= bins)
			return;
		d3.select("#timeline-note").text(
			(first + bin * seconds).toFixed(6) + " s, "
			+ (seconds * 1e3).toPrecision(3) + " ms: "
			+ line.classes.map(function (name, i) {
				return [name, line.count[i][bin]];
			}).filter(function (c) { return c[1]; })
			.map(function (c) { return c[0] + " " + integer(c[1]); })
			.join(", "));
	}

	function draw() {
		var t = zoom.translate()[0], s = zoom.scale();
		// stay on the recording
		t = Math.max(Math.min(t, margin.left * (1 - s)),
			(width - margin.right) * (1 - s));
		zoom.translate([t, 0]);
		paths.attr("d", function (d) { return area(d.values); });
		svg.select(".x").call(xAxis);
	}

	draw();
}

// --- flame graph ------------------------------------------------------------

function tree(measure) {
	var root = { name: "all", children: [], index: {}, value: 0, row: null };

	data.flame.rows.forEach(function (row) {
		var node = root, value = row[measure];
		root.value += value;
		data.flame.by.forEach(function (by) {
			var name = row.key[by];
			if (name === null)
				name = "-";
			else if (typeof name === "number")
				name = by + " " + name;
			if (!node.index[name]) {
				node.index[name] = { name: name, children: [],
					index: {}, value: 0, by: by,
					parent: node };
				node.children.push(node.index[name]);
			}
			node = node.index[name];
			node.value += value;
			node.cls = row.key["class"];
		});
	});
	return root;
}

function flame() {
	var width = 1200, level = 20, depth = data.flame.by.length + 1;
	var height = depth * level;
	var svg = d3.select("#flame").attr("viewBox",
		"0 0 " + width + " " + height);
	var x = d3.scale.linear().range([0, width]);
	var note = d3.select("#flame-note");
	var measure = "count", root;

	function describe(d) {
		var path = [], node = d;
		for (; node.parent; node = node.parent)
			path.unshift(node.name);
		return (path.join(" ; ") || "all") + ": "
			+ (measure === "count" ? integer(d.value) + " exits"
				: milliseconds(d.value) + " ms")
			+ ", " + (root.value ? (100 * d.value / root.value)
				.toFixed(1) : "0") + " %";
	}

	function place(node, from, depth, list) {
		node.x = from;
		node.depth = depth;
		if (node.value)
			list.push(node);
		node.children.sort(function (a, b) { return b.value - a.value; });
		node.children.forEach(function (child) {
			place(child, from, depth + 1, list);
			from += child.value;
		});
		return list;
	}

	function show(focus) {
		x.domain([focus.x, focus.x + (focus.value || 1)]);
		svg.attr("data-focus", focus.name);
		note.text(describe(focus));
		frames.each(function (d) {
			var low = Math.max(0, Math.min(width, x(d.x)));
			var high = Math.max(0, Math.min(width, x(d.x + d.value)));
			var room = Math.floor((high - low - 6) / 6.2);
			var frame = d3.select(this);
			frame.style("display", high - low < 0.3 ? "none" : null);
			frame.select("rect").attr({ x: low,
				width: Math.max(0, high - low) });
			frame.select("text").attr("x", low + 4)
				.text(room < 3 ? "" : d.name.length <= room
					? d.name : d.name.slice(0, room - 1)
						+ "\u2026");
		});
	}

	var frames;
	function draw() {
		root = tree(measure);
		svg.selectAll("g").remove();
		frames = svg.selectAll("g").data(place(root, 0, 0, []))
			.enter().append("g").attr("class", "frame")
			.attr("transform", function (d) {
				return "translate(0," + d.depth * level + ")";
			})
			.on("click", show)
			.on("mouseover", function (d) { note.text(describe(d)); });
		frames.append("rect").attr("height", level - 1)
			.style("fill", function (d) {
				return d.by === "class" || d.by === "cause"
					? color(d.cls) : "#c8d0d8";
			});
		frames.append("text").attr("y", level - 6);
		frames.append("title").text(describe);
		show(root);
	}

	function choose(what) {
		measure = what;
		d3.select("#flame-count").attr("aria-pressed", what === "count");
		d3.select("#flame-time").attr("aria-pressed", what !== "count");
		draw();
	}
	d3.select("#flame-count").on("click", function () { choose("count"); });
	d3.select("#flame-time").on("click", function () { choose("total_ns"); });
	d3.select("#flame-reset").on("click", function () { show(root); });
	choose("count");
}

// --- tables -----------------------------------------------------------------

var columns = [
	["count", function (r) { return r.count; }, integer],
	["share", function (r) { return r.share; },
		function (v) { return (100 * v).toFixed(1) + " %"; }],
	["total ms", function (r) { return r.total_ns; }, milliseconds],
	["kernel ms", function (r) { return r.kernel_ns; }, milliseconds],
	["user ms", function (r) { return r.user_ns; }, milliseconds],
	["mean us", function (r) { return r.mean_ns; }, microseconds],
	["p50 us", function (r) { return r.p50_ns; }, microseconds],
	["p99 us", function (r) { return r.p99_ns; }, microseconds],
	["max us", function (r) { return r.max_ns; }, microseconds],
	["to user", function (r) { return r.to_user; }, integer]
];

function compare(a, b) {
	if (a === b)
		return 0;
	if (a === undefined || a === null)
		return -1;
	if (b === undefined || b === null)
		return 1;
	return a < b ? -1 : 1;
}

function table(spec) {
	var part = d3.select("#tables").append("section");
	var rows = spec.rows.slice(), cols, head, body, sorted = -1, up = false;
	var find;

	if (!rows.length)
		return;
	part.append("h2").text(spec.title);
	find = part.append("div").attr("class", "bar").append("input")
		.attr({ type: "search", placeholder: "show only\u2026",
			"aria-label": "show only rows of " + spec.title });
	cols = spec.by.map(function (by) {
		return [by, function (r) { return r.key[by]; },
			function (v) { return v === null ? "-" : v; }, true];
	}).concat(columns);
	part = part.append("div").attr("class", "scroll").append("table");
	head = part.append("thead").append("tr").selectAll("th").data(cols)
		.enter().append("th").attr("scope", "col")
		.classed("name", function (c) { return c[3]; });
	head.append("button").attr("type", "button")
		.text(function (c) { return c[0]; })
		.on("click", function (c) {
			var i = cols.indexOf(c);
			up = i === sorted ? !up : !!c[3];
			sorted = i;
			draw();
		});
	body = part.append("tbody");
	find.on("input", draw);

	function draw() {
		var want = find.property("value").toLowerCase(), shown;
		if (sorted >= 0)
			rows.sort(function (a, b) {
				var get = cols[sorted][1];
				return (up ? 1 : -1) * compare(get(a), get(b));
			});
		shown = rows.filter(function (r) {
			return !want || spec.by.some(function (by) {
				return String(r.key[by]).toLowerCase()
					.indexOf(want) >= 0;
			});
		});
		head.attr("aria-sort", function (c, i) {
			return i !== sorted ? null
				: up ? "ascending" : "descending";
		});
		body.selectAll("tr").remove();
		body.selectAll("tr").data(shown).enter().append("tr")
			.selectAll("td").data(function (r) {
				return cols.map(function (c) {
					return [c[2](c[1](r)), c[3]];
				});
			}).enter().append("td")
			.classed("name", function (d) { return d[1]; })
			.text(function (d) { return d[0]; });
	}

	sorted = spec.by.length;
	draw();
}

summary();
advice();
timeline();
flame();
data.tables.forEach(table);
document.body.setAttribute("data-ready", "yes");
}());
