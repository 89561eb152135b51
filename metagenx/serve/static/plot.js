// A plot on a canvas: lines, points with error bars, steps; linear and logarithmic axes; zoom by mouse, touch and keys.

const MARGIN = { left: 70, right: 12, top: 8, bottom: 38 };

export class Plot {
  constructor({ title, xLabel = "", yLabel = "", xLog = false, yLog = false, size = "", linked = null }) {
    this.options = { xLabel, yLabel, xLog, yLog };
    this.series = [];
    this.zoom = null;
    this.linked = linked;
    this.canvas = document.createElement("canvas");
    this.canvas.className = size;
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.title = title;
    this.canvas.setAttribute("aria-label", title);
    this.pending = false;
    this.pointer = null;
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    window.addEventListener("theme", () => this.draw());
    this.listen();
  }

  set(series, options = {}) {
    Object.assign(this.options, options);
    this.series = series;
    this.draw();
  }

  draw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => { this.pending = false; this.paint(); });
  }

  get range() {
    const zoom = this.linked ? this.linked.zoom : this.zoom;
    const found = { x: [Infinity, -Infinity], y: [Infinity, -Infinity] };
    const { xLog, yLog } = this.options;
    for (const { x, y, kind, ignore } of this.series) {
      if (ignore) continue;
      for (let i = 0; i < x.length; i++) {
        const a = x[i], b = y[i];
        if (a === null || b === null || (xLog && a <= 0) || (yLog && b <= 0)) continue;
        if (zoom && (a < zoom[0] || a > zoom[1])) continue;
        if (a < found.x[0]) found.x[0] = a;
        if (a > found.x[1]) found.x[1] = a;
        if (b < found.y[0]) found.y[0] = b;
        if (b > found.y[1]) found.y[1] = b;
      }
    }
    if (found.x[0] > found.x[1]) { found.x = xLog ? [1, 10] : [0, 1]; found.y = yLog ? [0.1, 1] : [0, 1]; }
    if (zoom) found.x = [...zoom];
    for (const [key, log] of [["x", xLog], ["y", yLog]]) {
      let [low, high] = found[key];
      if (low === high) { low = log ? low / 2 : low - (Math.abs(low) || 1) / 2; high = log ? high * 2 : high + (Math.abs(high) || 1) / 2; }
      if (key === "y") {
        const pad = 0.04;
        if (log) { const f = (high / low) ** pad; low /= f; high *= f; } else { const d = (high - low) * pad; low -= d; high += d; }
      }
      found[key] = [low, high];
    }
    return found;
  }

  scales(width, height) {
    const { x, y } = this.range;
    const make = (low, high, from, to, log) => {
      if (log) { const a = Math.log(low), k = (to - from) / (Math.log(high) - a); return (v) => from + k * (Math.log(v) - a); }
      const k = (to - from) / (high - low);
      return (v) => from + k * (v - low);
    };
    return {
      x, y,
      px: make(x[0], x[1], MARGIN.left, width - MARGIN.right, this.options.xLog),
      py: make(y[0], y[1], height - MARGIN.bottom, MARGIN.top, this.options.yLog),
    };
  }

  paint() {
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    if (!width || !height) return;
    if (this.canvas.width !== Math.round(width * ratio)) this.canvas.width = Math.round(width * ratio);
    if (this.canvas.height !== Math.round(height * ratio)) this.canvas.height = Math.round(height * ratio);
    const c = this.canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const color = (name) => (name.startsWith("--") ? style.getPropertyValue(name).trim() : name);
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    const s = this.scales(width, height);
    this.axes(c, s, width, height, color);
    c.save();
    c.beginPath();
    c.rect(MARGIN.left, MARGIN.top, width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom);
    c.clip();
    for (const series of this.series) this.one(c, s, series, color);
    c.restore();
    if (this.pointer) this.readout(c, s, width, height, color);
  }

  axes(c, s, width, height, color) {
    c.font = "12px system-ui, sans-serif";
    c.strokeStyle = color("--line");
    c.fillStyle = color("--quiet");
    c.lineWidth = 1;
    const bottom = height - MARGIN.bottom;
    c.textAlign = "center";
    c.textBaseline = "top";
    for (const v of ticks(s.x[0], s.x[1], this.options.xLog, width / 90)) {
      const p = s.px(v);
      c.beginPath(); c.moveTo(p, MARGIN.top); c.lineTo(p, bottom); c.stroke();
      c.fillText(tickText(v), p, bottom + 5);
    }
    c.fillText(this.options.xLabel, (MARGIN.left + width) / 2, height - 15);
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const v of ticks(s.y[0], s.y[1], this.options.yLog, height / 45)) {
      const p = s.py(v);
      c.beginPath(); c.moveTo(MARGIN.left, p); c.lineTo(width - MARGIN.right, p); c.stroke();
      c.fillText(tickText(v), MARGIN.left - 6, p);
    }
    c.save();
    c.translate(12, (MARGIN.top + bottom) / 2);
    c.rotate(-Math.PI / 2);
    c.textAlign = "center";
    c.fillText(this.options.yLabel, 0, 0);
    c.restore();
  }

  one(c, s, series, color) {
    const { x, y, kind = "line", error } = series;
    const { xLog, yLog } = this.options;
    c.globalAlpha = series.alpha ?? 1;
    c.strokeStyle = c.fillStyle = color(series.color || "--accent");
    c.lineWidth = series.width || 1.5;
    const good = (i) => x[i] !== null && y[i] !== null && y[i] !== undefined && !(xLog && x[i] <= 0) && !(yLog && y[i] <= 0);
    if (kind === "points") {
      const r = series.radius || 1.8;
      c.beginPath();
      for (let i = 0; i < x.length; i++) {
        if (!good(i)) continue;
        const px = s.px(x[i]), py = s.py(y[i]);
        c.rect(px - r, py - r, 2 * r, 2 * r);
      }
      c.fill();
      if (error && error.length === x.length) {
        c.globalAlpha = 0.35;
        c.lineWidth = 1;
        c.beginPath();
        for (let i = 0; i < x.length; i++) {
          if (!good(i) || !(error[i] > 0)) continue;
          const px = s.px(x[i]), low = y[i] - error[i];
          c.moveTo(px, yLog && low <= 0 ? s.py(y[i]) : s.py(low)); // no logarithm below: the upper half only
          c.lineTo(px, s.py(y[i] + error[i]));
        }
        c.stroke();
      }
    } else {
      c.lineJoin = "round";
      c.beginPath();
      let pen = false, before = 0;
      for (let i = 0; i < x.length; i++) {
        if (!good(i)) { pen = false; continue; }
        const px = s.px(x[i]), py = s.py(y[i]);
        if (!pen) c.moveTo(px, py);
        else { if (kind === "step") c.lineTo(px, before); c.lineTo(px, py); }
        pen = true;
        before = py;
      }
      c.stroke();
    }
    c.globalAlpha = 1;
  }

  readout(c, s, width, height, color) {
    const at = this.pointer.x;
    if (at < MARGIN.left || at > width - MARGIN.right) return;
    const lines = [];
    let place = null;
    for (const series of this.series) {
      if (!series.label || !series.x.length) continue;
      let best = -1, distance = Infinity;
      for (let i = 0; i < series.x.length; i++) {
        if (series.x[i] === null) continue;
        const d = Math.abs(s.px(series.x[i]) - at);
        if (d < distance) { distance = d; best = i; }
      }
      if (best < 0 || distance > 40 || lines.length > 7) continue;
      if (place === null) { place = s.px(series.x[best]); lines.push(tickText(Number(series.x[best].toPrecision(5)))); }
      lines.push(`${series.label}: ${series.y[best] === null ? "–" : Number(series.y[best].toPrecision(4))}`);
    }
    if (place === null) return;
    c.strokeStyle = color("--quiet");
    c.setLineDash([3, 3]);
    c.beginPath(); c.moveTo(place, MARGIN.top); c.lineTo(place, height - MARGIN.bottom); c.stroke();
    c.setLineDash([]);
    const wide = Math.max(...lines.map((line) => c.measureText(line).width)) + 14;
    const left = place + wide + 12 > width ? place - wide - 8 : place + 8;
    c.fillStyle = color("--panel");
    c.globalAlpha = 0.92;
    c.fillRect(left, MARGIN.top + 4, wide, lines.length * 16 + 8);
    c.globalAlpha = 1;
    c.fillStyle = color("--text");
    c.textAlign = "left";
    c.textBaseline = "top";
    lines.forEach((line, i) => c.fillText(line, left + 7, MARGIN.top + 8 + 16 * i));
  }

  listen() {
    const canvas = this.canvas;
    let from = null;
    const place = (event) => { const box = canvas.getBoundingClientRect(); return { x: event.clientX - box.left, y: event.clientY - box.top }; };
    canvas.addEventListener("pointermove", (event) => { this.pointer = place(event); this.draw(); });
    canvas.addEventListener("pointerleave", () => { this.pointer = null; this.draw(); });
    canvas.addEventListener("pointerdown", (event) => { from = event.pointerType === "mouse" ? place(event).x : null; });
    canvas.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const to = place(event).x;
      if (Math.abs(to - from) > 12) this.setZoom([this.back(Math.min(from, to)), this.back(Math.max(from, to))]);
      from = null;
    });
    canvas.addEventListener("dblclick", () => this.setZoom(null));
    canvas.addEventListener("keydown", (event) => {
      const [low, high] = this.range.x;
      const log = this.options.xLog, f = (v) => (log ? Math.log(v) : v), g = (v) => (log ? Math.exp(v) : v);
      const a = f(low), b = f(high), middle = (a + b) / 2, half = (b - a) / 2;
      const to = { "+": [middle - half / 1.5, middle + half / 1.5], "-": [middle - half * 1.5, middle + half * 1.5], ArrowLeft: [a - half / 4, b - half / 4], ArrowRight: [a + half / 4, b + half / 4] }[event.key];
      if (event.key === "0") this.setZoom(null);
      else if (to) this.setZoom(to.map(g));
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  back(pixel) {
    const { x } = this.range;
    const t = (pixel - MARGIN.left) / (this.canvas.clientWidth - MARGIN.left - MARGIN.right);
    return this.options.xLog ? Math.exp(Math.log(x[0]) + t * (Math.log(x[1]) - Math.log(x[0]))) : x[0] + t * (x[1] - x[0]);
  }

  setZoom(zoom) {
    (this.linked || this).zoom = zoom;
    (this.linked || this).draw();
    for (const other of this.others || []) other.draw();
    this.draw();
  }
}

function ticks(low, high, log, count) {
  const found = [];
  if (log && high / low > 5) {
    const first = Math.ceil(Math.log10(low)), last = Math.floor(Math.log10(high));
    const step = Math.max(1, Math.ceil((last - first + 1) / Math.max(2, count)));
    for (let e = first; e <= last; e += step) found.push(Number(`1e${e}`));
    if (found.length < 3) for (let e = first - 1; e <= last; e++) for (const k of [2, 5]) { const v = Number(`${k}e${e}`); if (v >= low && v <= high) found.push(v); }
    if (found.length > 1) return found.sort((a, b) => a - b);
    found.length = 0;
  }
  const raw = (high - low) / Math.max(2, count);
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * size).find((k) => k >= raw);
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9 && found.length < 50; v += step) found.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  return found;
}

function tickText(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(0).replace("e+", "e").length > 7 ? value.toExponential(1) : value.toExponential(Number.isInteger(Math.log10(size)) ? 0 : 1).replace("e+", "e");
  return String(Number(value.toPrecision(5)));
}
