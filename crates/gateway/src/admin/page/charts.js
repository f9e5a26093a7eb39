// Line charts over time, drawn as SVG. All charts of a page share one cursor, so that their values belong to one moment.

const NAMESPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 150;
const MARGIN = { left: 58, right: 8, top: 8, bottom: 20 };

function element(name, attributes, text) {
  const node = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

/** The smallest of 1, 2, 2.5 and 5 times a power of ten that `largest` fits under. */
function roundedUp(largest) {
  const power = 10 ** Math.floor(Math.log10(largest));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((limit) => limit >= largest * 0.999);
}

const clock = (milliseconds, withSeconds) =>
  new Date(milliseconds).toLocaleTimeString([], {
    hour: "2-digit", minute: "2-digit", second: withSeconds ? "2-digit" : undefined, hour12: false,
  });

export class Chart {
  /**
   * `format(value)` writes a value with its unit; `least` is the smallest top of the scale; `isSteps` draws a value until
   * the next one. `onCursor(time | null)` is told where the pointer or the arrow keys are.
   */
  constructor(title, { format, least, most, isSteps = false, onCursor }) {
    Object.assign(this, { title, format, least, most, isSteps, onCursor, lines: [], cursor: null });
    this.node = document.createElement("figure");
    this.node.className = "chart";
    this.caption = document.createElement("figcaption");
    this.svg = element("svg", { role: "img", tabindex: "0", "aria-label": title });
    this.node.append(this.caption, this.svg);
    this.svg.addEventListener("pointermove", (event) => onCursor(this.timeAt(event.offsetX)));
    this.svg.addEventListener("pointerleave", () => onCursor(null));
    this.svg.addEventListener("blur", () => onCursor(null));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  /**
   * `lines`: `{kind, name, points: [{t, v}]}` with t in milliseconds, and v null where nothing is known; `hasKey` shows how
   * the line is drawn beside its name.
   */
  update(lines, from, to) {
    Object.assign(this, { lines, from, to });
    this.draw();
  }

  point(time) {
    this.cursor = time;
    this.draw();
  }

  key(event) {
    const times = this.lines[0]?.points.map((point) => point.t) ?? [];
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") return this.onCursor(null);
    if (!step || times.length === 0) return undefined;
    event.preventDefault();
    const at = this.cursor === null ? times.length - 1 : nearest(times, this.cursor) + step;
    return this.onCursor(times[Math.max(0, Math.min(times.length - 1, at))]);
  }

  timeAt(x) {
    const width = this.svg.clientWidth - MARGIN.left - MARGIN.right;
    return this.from + Math.max(0, Math.min(1, (x - MARGIN.left) / width)) * (this.to - this.from);
  }

  draw() {
    const width = this.svg.clientWidth;
    if (!width || this.from === undefined) return;
    const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
    const values = this.lines.flatMap((line) => line.points.map((point) => point.v ?? 0));
    const top = this.most ?? roundedUp(Math.max(this.least, ...values));
    const x = (t) => MARGIN.left + ((t - this.from) / (this.to - this.from)) * inner.width;
    const y = (v) => MARGIN.top + inner.height * (1 - Math.min(v, top) / top);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const nodes = [];
    for (const part of [0, 0.5, 1]) {
      const at = y(top * part);
      nodes.push(element("line", { class: part ? "grid" : "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: at, y2: at }));
      nodes.push(element("text", { x: MARGIN.left - 6, y: at + 4, "text-anchor": "end" }, this.format(top * part, true)));
    }
    const minutes = (this.to - this.from) / 60000;
    const step = (minutes > 10 ? 5 : minutes > 3 ? 1 : 0.5) * 60000;
    for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) {
      if (x(t) > MARGIN.left + 14 && x(t) < width - 20) {
        nodes.push(element("text", { x: x(t), y: HEIGHT - 5, "text-anchor": "middle" }, clock(t, step < 60000)));
      }
      nodes.push(element("line", { class: "grid", x1: x(t), x2: x(t), y1: MARGIN.top, y2: MARGIN.top + inner.height }));
    }
    const shown = this.cursor ?? null;
    const captions = [];
    const drawn = [];
    for (const line of this.lines) {
      drawn.push(element("path", { class: line.kind, d: path(line.points, x, y, this.isSteps) }));
      const times = line.points.map((point) => point.t);
      const point = line.points[shown === null ? times.length - 1 : nearest(times, shown)];
      const value = point?.v ?? null;
      captions.push([line.kind, `${line.name} ${value === null ? "–" : this.format(value)}`, line.hasKey]);
      if (shown !== null && value !== null) {
        drawn.push(element("circle", { class: line.kind, cx: x(point.t), cy: y(value), r: 3.5 }));
      }
    }
    // The first line is dashed and comes last, so that both are seen where they are the same.
    nodes.push(...drawn.reverse());
    if (shown !== null) {
      nodes.push(element("line", { class: "cursor", x1: x(shown), x2: x(shown), y1: MARGIN.top, y2: MARGIN.top + inner.height }));
      captions.unshift(["time", clock(shown, true)]);
    }
    this.svg.replaceChildren(...nodes);
    this.svg.setAttribute("aria-label", `${this.title}: ${captions.map(([, text]) => text).join(", ")}`);
    const title = document.createElement("b");
    title.textContent = this.title;
    const spans = captions.map(([kind, text, hasKey]) => {
      const span = document.createElement("span");
      span.className = `value ${kind}`;
      if (hasKey) {
        const sample = element("svg", { class: "sample", viewBox: "0 0 26 10", "aria-hidden": "true" });
        sample.append(element("path", { class: kind, d: "M0 5h26" }));
        span.append(sample);
      }
      span.append(text);
      return span;
    });
    this.caption.replaceChildren(title, ...spans);
  }
}

/** The index of the time that is nearest to `time`. */
function nearest(times, time) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low > 0 && time - times[low - 1] < times[low] - time ? low - 1 : low;
}

/** Gaps stay gaps: nothing known is not zero. */
function path(points, x, y, isSteps) {
  let d = "";
  let before = null;
  points.forEach(({ t, v }, index) => {
    if (v === null) {
      before = null;
      return;
    }
    const alone = before === null && (points[index + 1]?.v ?? null) === null;
    if (before === null) d += `M${x(t).toFixed(1)} ${y(v).toFixed(1)}`;
    else if (isSteps) d += `H${x(t).toFixed(1)}V${y(v).toFixed(1)}`;
    else d += `L${x(t).toFixed(1)} ${y(v).toFixed(1)}`;
    // A line of no length has round ends, so a single point is seen.
    if (alone) d += "h0.1";
    before = v;
  });
  return d;
}
