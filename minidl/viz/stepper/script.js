"use strict";
// Draws the page from its data. Python has chosen the rows, the order in them and every x (viz/layout.py);
// here the heights of rows are added up, because folding changes them.

// A sentence comes as the number of its pattern and the words that belong in it.
const D = JSON.parse(document.getElementById("data").textContent);
(function spell(value) {
  for (const key in value) {
    const v = value[key];
    if (v && v.w) value[key] = D.patterns[v.p].replace(/\{(\d)\}/g, (_, k) => v.w[k]);
    else if (v && typeof v === "object") spell(v);
  }
})([D.steps, D.faults]);
const L = D.layout, $ = id => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const svg = document.querySelector("#graph svg");
const state = { step: 0, closed: new Set(), predict: false, fault: null, committed: new Set(), fit: false, asked: 0, hits: 0 };

function make(tag, attributes = {}, text = null, parent = null) {
  const drawn = ["svg", "g", "rect", "text", "path", "circle", "image", "title", "marker", "defs"].includes(tag);
  const element = drawn ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

// ------------------------------------------------------------------------------------------ the layout

const rowOf = {};
for (const [g, group] of Object.entries(L.groups))
  group.rows.forEach((row, r) => row.forEach(item => { rowOf[item] = [g, r]; }));
const leaves = new Set(L.sources.map(String));
const shown = (key, closed) => { const g = L.boxes[key][3].find(g => closed.has(g)); return g === undefined ? String(key) : g; };

function place(closed) {
  const out = { boxes: {}, groups: {}, folded: {}, edges: [], width: L.width };
  const raw = {};
  function fill(g, top) {
    const group = L.groups[g];
    let y = top + (g === "root" ? L.pad : L.header);
    group.rows.forEach((row, r) => {
      let high = 0;
      for (const item of row) {
        const inner = L.groups[item];
        if (!inner) {
          const [x, w, h] = L.boxes[item];
          out.boxes[item] = { x, y, w, h };
          high = Math.max(high, h);
        } else if (closed.has(item)) {
          out.folded[item] = { x: inner.x + (inner.w - inner.fw) / 2, y, w: inner.fw, h: L.folded };
          high = Math.max(high, L.folded);
        } else {
          const h = fill(item, y);
          out.groups[item] = { x: inner.x, y, w: inner.w, h };
          high = Math.max(high, h);
        }
      }
      for (const item of row) if (leaves.has(String(item))) out.boxes[item].y = y + high - out.boxes[item].h;
      raw[g + " " + r] = [y, y + high];
      y += high + L.gap;
    });
    return y - L.gap + L.pad - top;
  }
  out.height = fill("root", 0);
  function reach(g, r) {
    let [top, bottom] = raw[g + " " + r], [a, i] = [g, r];
    while (i === 0 && a !== "root") { [a, i] = rowOf[a]; top = raw[a + " " + i][0]; }
    [a, i] = [g, r];
    while (i === L.groups[a].rows.length - 1 && a !== "root") { [a, i] = rowOf[a]; bottom = raw[a + " " + i][1]; }
    return [top, bottom];
  }
  const rect = key => out.folded[key] || out.boxes[key];
  const arriving = {};
  for (const [u, v, stretches] of L.edges) {
    const from = shown(u, closed), to = shown(v, closed);
    if (from === to) continue;
    const hidden = g => g === from || g === to || (L.groups[g].in || []).some(o => o === from || o === to);
    const a = rect(from), b = rect(to);
    const parts = [[a.x + a.w / 2, a.y + a.h, reach(...rowOf[from])[1]]];
    for (const [x, g, r] of stretches) if (!hidden(g)) parts.push([x, ...reach(g, r)]);
    parts.push([b.x + b.w / 2, reach(...rowOf[to])[0], b.y]);
    out.edges.push({ u, v, from, to, parts });
    const lines = arriving[to] = arriving[to] || {}, line = parts[parts.length - 2][0] + " " + from;
    (lines[line] = lines[line] || []).push(parts);
  }
  squeeze(out, closed);
  for (const [to, lines] of Object.entries(arriving)) {
    const r = rect(to), keys = Object.keys(lines).sort((a, b) => parseFloat(a) - parseFloat(b));
    const step = Math.min(L.port, r.w / (keys.length + 1));
    keys.forEach((key, k) => lines[key].forEach(parts => { parts[parts.length - 1][0] = r.x + r.w / 2 + (k - (keys.length - 1) / 2) * step; }));
  }
  return out;
}

function squeeze(out, closed) { // take out the strips that folding has left empty
  const taken = [];
  const all = [...Object.entries(out.boxes).filter(([key]) => shown(key, closed) === key).map(([, r]) => r), ...Object.values(out.folded)];
  for (const r of all) taken.push([r.x, r.x + r.w]);
  for (const [key, r] of Object.entries(out.groups))
    taken.push([r.x, r.x + Math.max(L.groups[key].fw, L.pad)], [r.x + r.w - L.pad, r.x + r.w]);
  for (const edge of out.edges) for (const [x] of edge.parts.slice(1, -1)) taken.push([x, x]);
  taken.sort((a, b) => a[0] - b[0]);
  const cuts = [];
  let end = 0;
  for (const [a, b] of taken) {
    const gap = end ? L.gapx : L.pad;
    if (a - end > gap) cuts.push([end + gap, a - end - gap]);
    end = Math.max(end, b);
  }
  const moved = x => cuts.reduce((y, [at, n]) => y - Math.max(0, Math.min(x - at, n)), x);
  for (const r of all.concat(Object.values(out.groups))) { const right = moved(r.x + r.w); r.x = moved(r.x); r.w = right - r.x; }
  for (const edge of out.edges) for (const part of edge.parts) part[0] = moved(part[0]);
  out.width = moved(end) + L.pad;
}

function line(parts, upwards = false) {
  const points = parts.flatMap(([x, top, bottom]) => [[x, top], [x, bottom]]);
  if (upwards) points.reverse();
  let d = "M" + points[0];
  for (let k = 1; k < points.length; k++) {
    const [x0, y0] = points[k - 1], [x, y] = points[k], m = (y0 + y) / 2;
    d += x === x0 ? "L" + x + " " + y : `C${x0} ${m} ${x} ${m} ${x} ${y}`;
  }
  return d;
}

// ---------------------------------------------------------------------------------------------- values

const LEVELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const parse = text => Number(text.replaceAll("−", "-"));
const dark = () => document.documentElement.classList.contains("dark");

function shade(t) { // t from −1 to 1: blue, the paper, orange
  const end = t < 0 ? [33, 102, 172] : [202, 98, 0], middle = dark() ? [38, 43, 50] : [247, 247, 245];
  const s = Math.sqrt(Math.abs(t));
  return end.map((c, k) => Math.round(middle[k] + (c - middle[k]) * s));
}

function heat(value) { // a canvas with a pixel for each cell
  let rows, cols, level;
  if (value.h) {
    [rows, cols] = [value.r, value.c];
    level = k => value.h[k] === "!" ? NaN : (LEVELS.indexOf(value.h[k]) / 63) * 2 - 1;
  } else {
    const flat = value.n.flat().map(parse), m = Math.max(...flat.filter(isFinite).map(Math.abs), 0) || 1;
    [rows, cols] = [value.n.length, value.n.length ? value.n[0].length : 1];
    level = k => isFinite(flat[k]) ? flat[k] / m : NaN;
  }
  const canvas = make("canvas", { width: cols || 1, height: rows || 1 });
  const ink = canvas.getContext("2d");
  for (let k = 0; k < rows * cols; k++) {
    const t = level(k);
    ink.fillStyle = isNaN(t) ? "#e0007f" : `rgb(${shade(t)})`;
    ink.fillRect(k % cols, Math.floor(k / cols), 1, 1);
  }
  return canvas;
}

function card(title, at, kind = "", note = "") {
  const value = D.values[at], box = make("div", { class: "card " + kind });
  const head = make("h3", {}, null, box);
  const [name, symbol] = [].concat(title);
  head.append(name + " ");
  if (symbol) make("i", {}, symbol, head);
  if (!value) { make("span", { class: "shape" }, "several values", box); return box; }
  if (value.n && value.s === "()") make("span", { class: "one" }, value.n[0][0], box);
  else {
    make("span", { class: "shape" }, value.s, box);
    if (value.n) {
      const table = make("table", {}, null, box);
      for (const row of value.n) {
        const tr = make("tr", {}, null, table);
        for (const x of row) make("td", {}, x, tr);
      }
    } else {
      const canvas = heat(value), size = Math.max(6, Math.min(14, Math.floor(150 / Math.max(value.r, value.c))));
      canvas.style.width = value.c * size + "px";
      canvas.style.height = value.r * size + "px";
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `heat map of ${name}, from ${value.lo} to ${value.hi}`);
      box.append(canvas);
      make("small", {}, `${value.lo} … ${value.hi}`, box);
      if (value.i) make("small", {}, "slice " + value.i, box);
      if (value.e) make("small", {}, "means of " + value.e, box);
    }
  }
  if (note) make("small", {}, note, box);
  return box;
}

// ------------------------------------------------------------------------------------------- the steps

const FAULT = Object.fromEntries(D.faults.map(f => [f.key, f]));
const forwardEnd = D.steps.findIndex(s => s.k === "seed");

function stepsNow() {
  const fault = FAULT[state.fault];
  if (!fault) return D.steps;
  return [{ k: "plant" }, ...fault.marks.map(mark => ({ k: "mark", ...mark })), { k: "verdict" }];
}

function name(e) { return D.nodes[e].name; }

function known() { // what the graph shows at this step: values computed, gradients arrived (by node: place in D.values)
  const values = new Set(), grads = {}, complete = new Set();
  D.nodes.forEach((n, e) => { if (n.kind !== "op") values.add(e); });
  if (state.fault) {
    D.nodes.forEach((n, e) => values.add(e));
    FAULT[state.fault].marks.slice(0, state.step).forEach(m => { grads[m.e] = m.v === undefined ? D.nodes[m.e].g : m.v; complete.add(m.e); });
    return { values, grads, complete };
  }
  for (let k = 0; k <= state.step; k++) {
    const s = D.steps[k], hide = k === state.step && hidden();
    if (s.k === "forward" && !hide) values.add(s.e);
    if (s.k === "seed") { grads[s.e] = D.nodes[s.e].g; complete.add(s.e); }
    if (s.k === "backward" && !hide) {
      if (D.nodes[s.to].v != null) grads[s.to] = s.after === undefined ? s.added : s.after; // else several values
      if (s.n[0] === s.n[1]) complete.add(s.to);
    }
  }
  return { values, grads, complete };
}

function hidden() { // is the value of this step still to be predicted?
  const s = stepsNow()[state.step];
  return state.predict && !state.fault && !!s.ask && !state.committed.has(state.step);
}

// ------------------------------------------------------------------------------------------- the graph

let placed = null;
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

function drawGraph() {
  const steps = stepsNow(), s = steps[state.step], fault = FAULT[state.fault];
  const { values, grads, complete } = known();
  const focus = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : null;
  placed = place(state.closed);
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${placed.width} ${placed.height}`);
  const area = $("graph");
  const whole = Math.min(area.clientWidth / placed.width, area.clientHeight / placed.height);
  const broad = area.clientWidth / placed.width;
  const across = broad < 0.75 ? 1 : Math.min(broad, 1.25); // a little smaller, where that spares scrolling sideways
  const scale = state.fit ? Math.min(whole, 2) : whole >= 1 ? Math.min(whole, 1.5) : across;
  svg.setAttribute("width", placed.width * scale);
  svg.setAttribute("height", placed.height * scale);
  const current = s.e === undefined ? null : shown(s.e, state.closed);
  const to = s.to === undefined ? null : shown(s.to, state.closed);
  const revealed = fault && fault.first !== null && (!state.predict || state.committed.has(state.fault));
  const bad = revealed ? shown(fault.first, state.closed) : null;

  const open = Object.entries(placed.groups).sort((a, b) => L.groups[a[0]].in.length - L.groups[b[0]].in.length);
  for (const [, r] of open)
    make("rect", { class: "group", x: r.x, y: r.y, width: r.w, height: r.h }, null, svg);
  for (const edge of placed.edges) {
    const lit = s.k === "forward" && edge.v === s.e;
    make("path", { class: "edge" + (lit ? " lit" : ""), d: line(edge.parts), "data-edge": edge.u + "-" + edge.v }, null, svg);
  }
  if (s.k === "backward") {
    const edge = placed.edges.find(e => e.u === s.to && e.v === s.e);
    if (edge) {
      make("path", { class: "flowing", d: line(edge.parts, true) }, null, svg);
      const [x, y] = [edge.parts[0][0], edge.parts[0][1]];
      make("path", { d: `M${x - 9} ${y + 13}L${x} ${y}L${x + 9} ${y + 13}`, class: "edge", style: "stroke:var(--backward);stroke-width:4" }, null, svg);
    }
  }
  for (const [key, r] of open) {
    const head = make("g", { class: "head", tabindex: 0, role: "button", "data-key": key, "aria-expanded": "true", "aria-label": `fold ${L.groups[key].label}` }, null, svg);
    make("rect", { x: r.x + 2, y: r.y + 2, width: Math.min(r.w - 4, L.groups[key].fw + 20), height: L.header - 4, rx: 8 }, null, head);
    make("text", { x: r.x + 12, y: r.y + 21 }, "▾ " + L.groups[key].label, head);
    pressed(head, () => toggle(key));
  }
  for (const [key, r] of Object.entries(placed.folded)) {
    const marks = [key === current && "now", key === to && "to", key === bad && "first-bad"].filter(Boolean).join(" ");
    const g = make("g", { class: "folded " + marks, tabindex: 0, role: "button", "data-key": key, "aria-expanded": "false", "aria-label": `unfold ${L.groups[key].label}` }, null, svg);
    make("rect", { class: "box", x: r.x, y: r.y, width: r.w, height: r.h, rx: 10 }, null, g);
    make("text", { class: "name", x: r.x + 14, y: r.y + r.h / 2 + 6 }, "▸ " + L.groups[key].label, g);
    pressed(g, () => toggle(key));
  }
  for (const [key, r] of Object.entries(placed.boxes)) {
    if (shown(key, state.closed) !== key) continue;
    const e = Number(key), node = D.nodes[e];
    const wrong = fault && revealed && fault.marks.find((m, k) => m.e === e && m.off !== undefined && k < Math.max(state.step, m.e === fault.first ? 1e9 : 0));
    const classes = ["node", node.kind, !values.has(e) && "waiting", values.has(e) && node.kind === "op" && "done", e in grads && "has-grad",
      key === current && "now", key === to && "to", wrong && "bad", key === bad && "first-bad"].filter(Boolean).join(" ");
    const value = D.values[node.v], said = [node.kind === "op" ? "operation" : node.kind, node.name, value ? "shape " + value.s : ""];
    if (values.has(e) && node.one) said.push("value " + node.sub);
    const g = make("g", { class: classes, tabindex: 0, role: "button", "data-key": key, "aria-label": said.filter(Boolean).join(", ") }, null, svg);
    make("rect", { class: "box", x: r.x, y: r.y, width: r.w, height: r.h, rx: 7 }, null, g);
    make("text", { class: "name", x: r.x + 12, y: r.y + 25 }, node.label, g);
    if (node.one) {
      make("text", { class: "sub", x: r.x + 12, y: r.y + 48 }, values.has(e) ? node.sub : "?", g);
      if (e in grads && D.values[grads[e]]) make("text", { class: "grad", x: r.x + r.w - 12, y: r.y + 48, "text-anchor": "end" }, "∇ " + D.values[grads[e]].n[0][0], g);
    } else {
      make("text", { class: "sub", x: r.x + 12, y: r.y + 48 }, node.sub, g);
      const x = r.x + r.w - 2 * 38 - 14;
      swatch(g, x, r.y + 11, values.has(e) ? node.v : null, "");
      if (node.kind !== "constant") swatch(g, x + 42, r.y + 11, e in grads ? grads[e] : null, " g");
    }
    const verdict = wrong ? [0, "wrong by " + wrong.off] : complete.has(e) && !fault ? node.check : null;
    if (verdict) {
      const b = make("g", { class: "check" + [" bad", "", " kink"][verdict[0]] }, null, g);
      make("circle", { cx: r.x + r.w - 3, cy: r.y + 2, r: 10 }, null, b);
      make("text", { x: r.x + r.w - 3, y: r.y + 8 }, ["✗", "✓", "∧"][verdict[0]], b);
      make("title", {}, verdict[1], b);
    }
    pressed(g, () => choose(e));
  }
  if (focus) { const again = svg.querySelector(`[data-key="${focus}"]`); if (again) again.focus({ preventScroll: true }); }
  const at = current !== null ? placed.folded[current] || placed.boxes[current] : bad !== null ? placed.folded[bad] || placed.boxes[bad] : null;
  const other = to !== null ? placed.folded[to] || placed.boxes[to] : at;
  if (at && !state.fit) {
    const x = (at.x + at.w / 2 + other.x + other.w / 2) / 2 * scale, y = (at.y + at.h / 2 + other.y + other.h / 2) / 2 * scale;
    area.scrollTo({ left: x - area.clientWidth / 2, top: y - area.clientHeight / 2, behavior: calm ? "auto" : "smooth" });
  } else if (!at && !state.fit) area.scrollTo({ left: (placed.width * scale - area.clientWidth) / 2, top: 0 });
}

const pictures = {};

function picture(at) { // as an address, drawn once in light and once in dark
  const key = at + (dark() ? " dark" : "");
  return pictures[key] = pictures[key] || heat(D.values[at]).toDataURL();
}

function swatch(parent, x, y, at, kind) {
  const value = at === null || at === undefined ? null : D.values[at];
  if (!value) { make("rect", { class: "slot", x, y, width: 38, height: 38 }, null, parent); return; }
  make("image", { x, y, width: 38, height: 38, preserveAspectRatio: "none", href: picture(at) }, null, parent);
  make("rect", { class: "frame" + kind, x, y, width: 38, height: 38 }, null, parent);
}

function pressed(element, action) {
  element.addEventListener("click", action);
  element.addEventListener("keydown", event => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); action(); }
  });
}

function toggle(key) {
  state.closed.has(key) ? state.closed.delete(key) : state.closed.add(key);
  draw();
}

function choose(e) { // a node: guess it, or go to where it is computed, then to where it passes on
  if (state.fault && state.predict && !state.committed.has(state.fault)) return guessNode(e);
  const steps = stepsNow();
  const forward = steps.findIndex(s => s.e === e), backward = steps.findIndex(s => (s.k === "backward" && (s.e === e || s.to === e)));
  const to = state.step === forward || (forward < 0) ? backward : forward;
  if (to >= 0) go(to);
}

// ------------------------------------------------------------------------------------------- the panel

function sentences(where, list) {
  for (const text of list) {
    const p = make("p", {}, null, where), lead = text.match(/^([A-Z][^:.()]{2,40}): /);
    if (lead) make("strong", {}, lead[1] + ":", p);
    (lead ? text.slice(lead[1].length + 1) : text).split("`").forEach((part, k) => p.append(k % 2 ? make("code", {}, part) : part));
  }
}

function drawPanel() {
  const steps = stepsNow(), s = steps[state.step], fault = FAULT[state.fault], hide = hidden();
  const phase = fault ? "fault" : { forward: "forward", start: "forward", seed: "backward", backward: "backward", end: "backward" }[s.k];
  document.body.className = phase;
  $("phase").replaceChildren();
  make("b", {}, { fault: "Planted fault", forward: "Forward", backward: "Backward" }[phase], $("phase"));
  $("phase").append(`step ${state.step + 1} of ${steps.length}`);
  const flow = $("flow"), say = $("say");
  flow.replaceChildren(); say.replaceChildren();
  const sign = text => make("span", { class: "sign", "aria-hidden": "true" }, text, flow);

  if (fault) faultPanel(s, fault, flow, say, sign);
  else {
    $("title").textContent = s.title;
    if (s.k === "forward" && !hide) {
      const inputs = D.operands[s.e].filter(o => o !== null).slice(0, 3);
      inputs.forEach(o => flow.append(card(name(o), D.nodes[o].v)));
      if (inputs.length) sign("→");
      flow.append(card(name(s.e), D.nodes[s.e].v, "new"));
    }
    if (s.k === "backward" && hide) flow.append(card(["upstream", "ȳ"], s.up));
    if (s.k === "backward" && !hide) {
      flow.append(card(["upstream", "ȳ"], s.up));
      sign("→");
      if (s.raw !== undefined) {
        flow.append(card("contribution", s.raw));
        sign("Σ →");
        flow.append(card([`summed over ${s.axes}`, s.bar], s.added, s.before === undefined ? "new" : ""));
      } else flow.append(card(["contribution", s.bar], s.added, s.before === undefined ? "new" : ""));
      if (s.before !== undefined) {
        sign("+");
        flow.append(card("had arrived", s.before));
        sign("=");
        flow.append(card("gradient of " + name(s.to), s.after, "new"));
      }
    }
    if (s.k === "seed") flow.append(card("gradient of " + name(s.e), D.nodes[s.e].g, "new"));
    if (s.k === "end") D.nodes.forEach((n, e) => { if (n.kind === "leaf" && n.g !== undefined && flow.children.length < 6) flow.append(card(n.name + ".grad", n.g)); });
    if (!hide) sentences(say, s.tell || []);
    sentences(say, s.say || []);
  }

  const node = s.e === undefined ? null : D.nodes[s.e];
  const text = node && node.f !== undefined ? D.formulas[node.f] : null;
  $("formula").hidden = !text;
  $("formula").replaceChildren();
  if (text) {
    const letters = D.operands[s.e].map((o, k) => o === null ? null : `${node.letters[k]} is ${name(o)}`).filter(Boolean);
    make("b", {}, `the formula of ${node.op}: y is ${node.name}` + letters.slice(0, 6).map(l => ", " + l).join(""), $("formula"));
    text.slice(0, Math.max(5, s.piece ? s.piece[0] + 1 : 0)).forEach((pieces, i) => {
      const row = make("div", {}, null, $("formula"));
      pieces.forEach((piece, j) => {
        const lit = s.piece && s.piece[0] === i && s.piece[1] === j || s.k === "forward" && i === 0 && j === 0;
        make(lit ? "mark" : "span", { class: "piece" }, piece, row);
      });
    });
  }
  const source = node && node.src !== undefined ? D.sources[node.src] : null;
  $("code").hidden = !source;
  $("code").replaceChildren();
  if (source) {
    make("b", {}, `your code: ${source.file}, line ${source.line}` + (node.in ? `, in ${node.in}` : ""), $("code"));
    const pre = make("pre", {}, null, $("code"));
    if (source.cols) {
      pre.append(source.text.slice(0, source.cols[0]));
      make("mark", {}, source.text.slice(...source.cols), pre);
      pre.append(source.text.slice(source.cols[1]));
    } else pre.textContent = source.text;
  }
  const target = fault ? null : s.k === "backward" && s.n[0] === s.n[1] && !hide ? D.nodes[s.to] : s.k === "seed" ? node : null;
  $("badge").hidden = !(target && target.check);
  if (target && target.check) {
    $("badge").textContent = ["✗ ", "✓ ", "∧ "][target.check[0]] + target.name + ": " + target.check[1];
    $("badge").className = ["bad", "", "kink"][target.check[0]];
  }
  const asking = hide || (fault && state.predict && s.k === "plant" && !state.committed.has(state.fault));
  $("ask").hidden = !asking;
  if (asking) {
    $("question").textContent = hide ? s.ask[0] : "Which node gets a wrong gradient first? Type its name or click on it.";
    $("guess").placeholder = hide ? (s.ask.length > 2 ? "a number" : "such as (3, 4)") : "a name in the graph";
    $("guess").value = "";
  }
  if (asking || !state.committed.has(state.fault || state.step)) $("verdict").hidden = true;
}

function faultPanel(s, fault, flow, say, sign) {
  const open = !state.predict || state.committed.has(state.fault);
  if (s.k === "plant") {
    $("title").textContent = "Planted: " + fault.title;
    sentences(say, [fault.what]);
    if (open) {
      const p = make("p", {}, null, say);
      make("strong", { id: "first-wrong" }, fault.verdict, p);
      p.append(" " + fault.count);
      if (fault.first !== null) {
        const b = make("button", {}, "Go there", make("p", {}, null, say));
        b.addEventListener("click", () => { L.boxes[fault.first][3].forEach(g => state.closed.delete(g)); go(1 + fault.marks.findIndex(m => m.off !== undefined)); });
      }
      sentences(say, [fault.hint]);
    }
  } else if (s.k === "mark") {
    const node = D.nodes[s.e], off = s.off !== undefined;
    $("title").textContent = !open ? `${node.name} gets its gradient` : off
      ? `${node.name}: ` + (s.off === "stops" ? "the program stops" : s.off === "shape" ? "the gradient has the wrong shape" : `the gradient is off by ${s.off}`)
      : `${node.name}: the gradient is still right`;
    if (off && open) {
      if (s.v !== undefined && s.v !== null) { flow.append(card("with the fault", s.v, "bad")); sign("≠"); }
      if (node.g !== undefined) flow.append(card("right", node.g, "right"));
      if (s.e === fault.first) { const p = make("p", {}, null, say); make("strong", {}, "The first wrong node.", p); p.append(" Everything before it is right; everything computed from it inherits the error."); }
      sentences(say, [s.say]);
      if (s.e === fault.first) sentences(say, [fault.hint]);
    } else if (node.g !== undefined) flow.append(card("gradient of " + node.name, node.g));
  } else {
    $("title").textContent = open ? fault.verdict : "The end of the faulty pass";
    if (open) sentences(say, [fault.count, fault.what, fault.hint].filter(Boolean));
  }
}

// ----------------------------------------------------------------------------------------- predict mode

function judge(good, text) {
  state.asked++;
  if (good) state.hits++;
  state.committed.add(state.fault || state.step);
  draw();
  $("verdict").className = good ? "good" : "";
  $("verdict").textContent = text + ` (${state.hits} of ${state.asked} right)`;
  $("verdict").hidden = false;
}

function guessNode(e) {
  const fault = FAULT[state.fault], good = e === fault.first || e === null && fault.first === null;
  judge(good, (good ? "✓ Yes. " : "✗ Not that one. ") + fault.verdict);
}

$("ask").addEventListener("submit", event => {
  event.preventDefault();
  const said = $("guess").value.trim(), s = stepsNow()[state.step];
  if (!said) return;
  if (state.fault) {
    const e = D.nodes.findIndex(n => n.name === said);
    return guessNode(e < 0 && /^none$/i.test(said) ? null : e);
  }
  const [, answer, tolerance] = s.ask;
  const digits = text => (text.match(/\d+/g) || []).join(" ");
  const value = parse(said.replace(",", "."));
  const good = tolerance === undefined ? digits(said) === digits(answer) : Math.abs(value - parse(answer)) <= tolerance;
  judge(good, good ? `✓ Yes: ${answer}.` : `✗ You said ${said}; it is ${answer}.`);
});
$("show").addEventListener("click", () => state.fault ? guessNode(-1) : judge(false, `It is ${stepsNow()[state.step].ask[1]}.`));

// -------------------------------------------------------------------------------------------- the whole

function draw() {
  const steps = stepsNow();
  $("at").max = steps.length - 1;
  $("at").value = state.step;
  $("at").setAttribute("aria-valuetext", `step ${state.step + 1} of ${steps.length}`);
  const part = state.fault ? 1 : (forwardEnd - 0.5) / (steps.length - 1), p = 100 * part + "%";
  $("at").style.background = state.fault ? "var(--wrong)" : `linear-gradient(to right, var(--forward) ${p}, var(--backward) ${p})`;
  $("fpart").textContent = state.fault ? "backward, with the fault" : "forward";
  $("fpart").style.width = p;
  $("bpart").hidden = !!state.fault;
  $("count").textContent = `${state.step + 1} / ${steps.length}`;
  $("predict").setAttribute("aria-pressed", state.predict);
  $("fit").setAttribute("aria-pressed", state.fit);
  $("fold").textContent = state.closed.size ? "Unfold modules" : "Fold modules";
  $("fold").hidden = Object.keys(L.groups).length < 2;
  $("fault").value = state.fault || "";
  drawPanel();
  drawGraph();
}

function go(to) {
  const last = stepsNow().length - 1;
  const next = Math.max(0, Math.min(last, to));
  if (next > state.step && hidden()) { $("guess").focus(); return; } // first commit, or ask to be shown
  state.step = next;
  const hash = "#" + (state.fault ? state.fault + "." : "") + (state.step + 1);
  try { history.replaceState(null, "", hash); } catch { location.hash = hash; } // a notebook's frame has no address
  $("panel").scrollTop = 0;
  draw();
}

function readHash() {
  const found = location.hash.match(/^#(?:([a-z-]+)\.)?(\d+)$/);
  if (!found) return false;
  state.fault = FAULT[found[1]] ? found[1] : null;
  state.step = Math.max(0, Math.min(Number(found[2]), stepsNow().length) - 1);
  return true;
}

function plant(key) {
  state.fault = FAULT[key] ? key : null;
  state.step = 0;
  $("verdict").hidden = true;
  go(0);
}

const all = () => Object.keys(L.groups).filter(g => g !== "root");
const actions = {
  ArrowRight: () => go(state.step + 1), ArrowLeft: () => go(state.step - 1), Home: () => go(0), End: () => go(1e9),
  p: () => { state.predict = !state.predict; state.committed.clear(); state.asked = state.hits = 0; draw(); },
  m: () => { state.closed = new Set(state.closed.size ? [] : all()); draw(); },
  f: () => { state.fit = !state.fit; draw(); },
  t: () => { document.documentElement.classList.toggle("dark"); draw(); },
};
document.addEventListener("keydown", event => {
  const typing = event.target.matches("#guess, select") || event.target.matches("#at") && event.key.startsWith("Arrow");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
});
for (const [id, key] of Object.entries({ first: "Home", back: "ArrowLeft", next: "ArrowRight", last: "End", predict: "p", fold: "m", fit: "f", theme: "t" }))
  $(id).addEventListener("click", actions[key]);
$("at").addEventListener("input", () => go(Number($("at").value)));
$("fault").addEventListener("change", () => { plant($("fault").value); $("fault").blur(); });
for (const f of D.faults) make("option", { value: f.key }, f.title + (f.first === null ? " (harmless here)" : ""), $("fault"));
addEventListener("hashchange", () => { if (readHash()) draw(); });
addEventListener("resize", draw);
if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.classList.add("dark");
if (D.nodes.length > 40) // what is inside the modules of a large graph comes when asked for
  for (const g of all()) if (L.groups[g].in.length) state.closed.add(g);
if (!readHash() && D.begin) state.fault = D.begin;
draw();
