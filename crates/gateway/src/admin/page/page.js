// The page of the admin port. It gets everything once, then what is new each second, over a stream that carries the token
// in a header. Texts are set as text, never as HTML.

import { Chart } from "/charts.js";

const KEPT_MS = 15 * 60 * 1000;
/** Without an event for longer, what is shown is old. */
const STALE_MS = 4000;
/** Without an event for longer, the connection is given up: whoever is gone does not always say so. */
const SILENT_MS = 8000;
/** An order without an answer for longer is said to have failed. */
const PATIENCE_MS = 5000;
/** Often enough that several may be lost of the 15 s of a lease. */
const RENEW_MS = 3000;

const $ = (id) => document.getElementById(id);
const state = { view: null, points: new Map(), heard: 0, holding: null, renewed: 0, abort: null, active: 0, spoken: "", run: 0 };

const token = {
  get: () => sessionStorage.getItem("token"),
  set: (value) => sessionStorage.setItem("token", value),
  forget: () => sessionStorage.removeItem("token"),
};

function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") node.className = value;
    else if (key.startsWith("data-")) node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children);
  return node;
}

// ---- what numbers look like

const percent = (share) => share.replace("%", " %");
const number = (value) => String(Number(value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)));
const rate = (value) => `${number(value)} /s`;
const share = (value) => `${number(value)} %`;
const millis = (value) => (value === null || value === undefined ? "–" : value >= 1000 ? `${number(value / 1000)} s` : `${number(value)} ms`);
const errorsOf = (side) => (side.requests ? (100 * side.errors) / side.requests : null);
const perSecond = (side, point) => (point.millis ? (1000 * side.requests) / point.millis : 0);
const time = (text) => new Date(text).toLocaleTimeString([], { hour12: false });
const seconds = (value) => `${Math.ceil(value)} s`;

// ---- log in, the stream, and what to do when it breaks

function showLogIn(problem = "") {
  state.run += 1;
  state.holding = null;
  $("view").hidden = true;
  $("log-out").hidden = true;
  $("log-in").hidden = false;
  $("log-in-problem").textContent = problem;
  connection("not connected");
  $("token").focus();
}

function connection(text, kind = "") {
  $("connection").textContent = text;
  $("connection").className = `pill ${kind}`;
}

$("log-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token.set($("token").value.trim());
  $("token").value = "";
  connect();
});

$("log-out").addEventListener("click", () => {
  token.forget();
  showLogIn();
});

async function connect() {
  state.run += 1;
  const run = state.run;
  for (let failures = 0; run === state.run; failures += 1) {
    try {
      state.abort = new AbortController();
      state.active = performance.now();
      const answer = await fetch("/events", {
        headers: { authorization: `Bearer ${token.get()}` },
        cache: "no-store",
        signal: state.abort.signal,
      });
      if (answer.status === 401) {
        token.forget();
        return showLogIn("The gateway does not know this token.");
      }
      if (answer.status === 429) {
        return showLogIn((await answer.json()).error);
      }
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      state.points.clear();
      failures = 0;
      await read(answer.body, run);
    } catch {
      // Said below, and by the banner once it lasts.
    }
    if (run !== state.run) return undefined;
    connection("connection lost, trying again", "lost");
    await new Promise((done) => setTimeout(done, Math.min(5000, 500 * 2 ** failures)));
  }
  return undefined;
}

async function read(body, run) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (run === state.run) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    let end;
    while ((end = text.indexOf("\n\n")) >= 0) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) take(JSON.parse(data.slice(6)));
    }
  }
  await reader.cancel();
}

function take(view) {
  const isFirst = state.view === null;
  state.view = view;
  state.heard = performance.now();
  state.active = state.heard;
  remember("", view.total);
  for (const [name, family] of Object.entries(view.families)) remember(name, family.points);
  for (const name of state.points.keys()) if (name && !(name in view.families)) state.points.delete(name);
  if (isFirst || $("view").hidden) {
    $("log-in").hidden = true;
    $("view").hidden = false;
    $("log-out").hidden = false;
  }
  connection("live", "live");
  draw();
  renew();
}

function remember(name, points) {
  const known = state.points.get(name) ?? [];
  for (const point of points) known.push({ ...point, t: Date.parse(point.at) });
  const oldest = (known.at(-1)?.t ?? 0) - KEPT_MS;
  state.points.set(name, known.slice(known.findIndex((point) => point.t >= oldest)));
}

setInterval(() => {
  if (performance.now() - state.active > SILENT_MS) state.abort?.abort();
  if (!state.view || $("view").hidden) return;
  const silence = performance.now() - state.heard;
  const isStale = silence > STALE_MS;
  $("view").classList.toggle("is-stale", isStale);
  $("stale").hidden = !isStale;
  if (isStale) {
    if ($("connection").textContent === "live") connection("stale", "lost");
    $("stale").textContent = `Nothing new from the gateway since ${new Date(Date.now() - silence).toLocaleTimeString([], { hour12: false })}: what you see is old. The command "gateway return" works without this page.`;
  }
}, 500);

// ---- orders

async function order(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { authorization: `Bearer ${token.get()}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    return { done: false, words: "the gateway does not answer, so it is not known whether it was done: use the command line" };
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) return { done: false, status: answer.status, words: said.error ?? `HTTP ${answer.status}` };
  const changes = (said.changes ?? []).map((change) => `${change.family}: ${percent(change.from)} → ${percent(change.to)}`);
  return { done: true, words: changes.length ? changes.join(", ") : "done" };
}

$("orders").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const name = event.submitter?.dataset.order ?? "set";
  const field = (key) => form.elements[key].value.trim();
  const body = { who: field("who"), why: field("why"), family: field("family") };
  sessionStorage.setItem("who", body.who);
  if (name === "set") {
    body.share = field("share").replace(/\s/g, "");
    if (!body.share) return answered({ done: false, words: "say which share, such as 10%" });
    if (!body.share.endsWith("%")) body.share += "%";
  }
  const answer = await order(`/${name}`, body);
  if (answer.done && name === "set" && form.elements.hold.checked) {
    state.holding = { who: body.who, why: body.why, family: body.family };
    state.renewed = performance.now();
  }
  if (answer.done && name === "confirm") state.holding = null;
  drawHolding();
  return answered(answer);
});

function answered({ done, words }) {
  $("order-answer").textContent = words;
  $("order-answer").className = done ? "good" : "bad";
}

/** Renews when something was heard, so that a page that sees nothing does not hold a share. */
async function renew() {
  const { holding } = state;
  if (!holding || performance.now() - state.renewed < RENEW_MS) return;
  state.renewed = performance.now();
  const names = holding.family === "all" ? Object.keys(state.view.families) : [holding.family];
  if (!names.some((name) => state.view.families[name]?.lease_seconds !== null)) return stopHolding("the lease is over: nothing is renewed any more");
  const answer = await order("/renew", holding);
  if (!answer.done && answer.status === 409) stopHolding(answer.words);
}

function stopHolding(words) {
  state.holding = null;
  drawHolding();
  if (words) answered({ done: false, words });
}

function drawHolding() {
  $("holding").hidden = !state.holding;
  if (state.holding) {
    const which = state.holding.family === "all" ? "all leases" : `the lease of ${state.holding.family}`;
    $("holding").firstElementChild.textContent = `This page renews ${which} as ${state.holding.who} while it is open.`;
  }
}

$("stop-holding").addEventListener("click", () => stopHolding());

$("return").addEventListener("click", () => {
  $("return-problem").textContent = "";
  $("anyway").hidden = true;
  $("return-form").elements.anyway.checked = false;
  $("return-form").elements.who.value = sessionStorage.getItem("who") ?? "";
  $("return-dialog").showModal();
});
$("return-cancel").addEventListener("click", () => $("return-dialog").close());
$("return-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { who, why, anyway } = event.currentTarget.elements;
  sessionStorage.setItem("who", who.value.trim());
  const answer = await order("/return", { who: who.value.trim(), why: why.value.trim(), family: "all", anyway: anyway.checked });
  if (!answer.done) {
    $("return-problem").textContent = answer.words;
    $("anyway").hidden = answer.status !== 409;
    return;
  }
  stopHolding();
  answered(answer);
  $("return-dialog").close();
});

// ---- drawing

const charts = new Map();
const chart = (key, title, options) => {
  const made = new Chart(title, { ...options, onCursor: (at) => charts.forEach((one) => one.point(at)) });
  charts.set(key, made);
  $("charts").append(made.node);
};
chart("share", "People on the new side", { format: share, least: 1, most: 100, isSteps: true });
chart("rate", "Requests", { format: rate, least: 1 });
chart("errors", "Errors", { format: share, least: 1 });
chart("p50", "Latency p50", { format: millis, least: 1 });
chart("p99", "Latency p99", { format: millis, least: 1 });
for (const id of ["chart-family", "chart-minutes"]) $(id).addEventListener("change", () => drawCharts());

const SIDES = [["legacy", "old"], ["platform", "new"]];

/** Sums `count` points: counts add up, the median is weighted, and of high percentiles the worst is shown. */
function together(points, count) {
  if (count === 1) return points;
  const groups = new Map();
  for (const point of points) {
    const key = Math.floor(point.t / 1000 / count);
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return [...groups.values()].map((group) => {
    const sum = { t: group.at(-1).t, share: group.at(-1).share, millis: group.reduce((all, one) => all + one.millis, 0) };
    for (const [side] of SIDES) {
      const parts = group.map((one) => one[side]).filter((one) => one.p50_ms !== null);
      const weight = parts.reduce((all, one) => all + one.requests, 0);
      sum[side] = {
        requests: group.reduce((all, one) => all + one[side].requests, 0),
        errors: group.reduce((all, one) => all + one[side].errors, 0),
        p50_ms: weight ? parts.reduce((all, one) => all + one.p50_ms * one.requests, 0) / weight : null,
        p99_ms: parts.length ? Math.max(...parts.map((one) => one.p99_ms)) : null,
      };
    }
    return sum;
  });
}

function drawCharts() {
  const name = $("chart-family").value;
  const minutes = Number($("chart-minutes").value);
  const to = Date.parse(state.view.at);
  const from = to - minutes * 60000;
  const since = (points) => points.filter((point) => point.t >= from);
  const points = together(since(state.points.get(name) ?? []), minutes > 5 ? 3 : 1);
  const lines = (value) => SIDES.map(([kind, word]) => ({ kind, name: word, points: points.map((point) => ({ t: point.t, v: value(point[kind], point) })) }));
  charts.get("rate").update(lines((side, point) => perSecond(side, point)), from, to);
  charts.get("errors").update(lines((side) => errorsOf(side)), from, to);
  charts.get("p50").update(lines((side) => side.p50_ms), from, to);
  charts.get("p99").update(lines((side) => side.p99_ms), from, to);
  // Families whose steps were the same are one line.
  const steps = new Map();
  for (const family of name ? [name] : Object.keys(state.view.families).filter((one) => state.view.families[one].is_movable)) {
    const line = since(state.points.get(family) ?? []).map((point) => ({ t: point.t, v: Number.parseFloat(point.share) }));
    const key = line.map((point) => point.v).join();
    const known = steps.get(key);
    if (known) known.names.push(family);
    else steps.set(key, { names: [family], line });
  }
  charts.get("share").update(
    [...steps.values()].map(({ names, line }, index) => ({
      kind: `share share-${index % 3}`,
      name: steps.size === 1 && !name ? "all" : names.join(", "),
      points: line,
      hasKey: steps.size > 1,
    })),
    from,
    to,
  );
}

function options(select, names, first) {
  const wanted = [first, ...names.map((name) => [name, name])];
  const known = [...select.options].map((one) => one.value).join();
  if (known === wanted.map(([value]) => value).join()) return;
  const chosen = select.value;
  select.replaceChildren(...wanted.map(([value, text]) => make("option", { value, textContent: text })));
  if (names.includes(chosen)) select.value = chosen;
}

/** One sentence for all families that are in the same state. */
function sentences(families) {
  const groups = new Map();
  for (const [name, family] of families) {
    const { share: now, safe, frozen, holder, gates } = family;
    const returned = gates && ["returned", "gone"].includes(gates.state) ? gates.because : null;
    const key = JSON.stringify([now, safe, frozen, holder, returned]);
    const group = groups.get(key) ?? { names: [], now, safe, frozen, holder, returned, lease: null };
    group.names.push(name);
    if (family.lease_seconds !== null) group.lease = Math.min(group.lease ?? Infinity, family.lease_seconds);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function words({ now, safe, lease, holder, frozen, returned }, withCountdown) {
  const parts = [];
  if (lease !== null) {
    const left = withCountdown ? `lease ends in ${seconds(lease)}` : "on lease";
    parts.push(`${left}, renewed by ${holder ?? "nobody yet"}`, `safe share ${percent(safe)}`);
  } else if (now !== "0%") {
    parts.push("confirmed as safe, needs no lease");
  }
  if (frozen) parts.push("frozen until somebody thaws it");
  if (returned) parts.push(`the gates took traffic back: ${returned}`);
  const who = now === "0%" ? "Everybody is on the old side" : now === "100%" ? "Everybody is on the new side" : `${percent(now)} of people are on the new side`;
  return [who, parts.length ? `; ${parts.join("; ")}.` : "."];
}

function rows(table, list) {
  const body = $(table).tBodies[0];
  const labels = [...$(table).tHead.rows[0].cells].map((cell) => cell.dataset.label ?? cell.textContent.trim());
  body.replaceChildren(
    ...list.map((cells) =>
      make("tr", {}, ...cells.map((cell, index) => {
        const { text, kind = "" } = typeof cell === "object" ? cell : { text: cell };
        return make("td", { class: kind, textContent: text, "data-label": labels[index] });
      })),
    ),
  );
}

const VERDICTS = { pass: ["✓ pass", "good"], idle: ["○ idle", "quiet"], hold: ["‖ hold", "warn"], fail: ["✗ fail", "bad"] };
const CONDITIONS = { well: ["✓ well", "good"], ejected: ["✗ left out for a while: too many failures", "bad"], unwell: ["✗ fails its checks", "bad"] };
const STATES = { suspect: "failed once, looked at again", failing: "fails, and nothing is done by itself", returned: "went back to the safe share", gone: "went back to nobody" };

function draw() {
  const { view } = state;
  const families = Object.entries(view.families);
  const movable = families.filter(([, family]) => family.is_movable);
  options($("chart-family"), families.map(([name]) => name), ["", "all together"]);
  options($("order-family"), movable.map(([name]) => name), ["all", "all"]);
  drawState(movable);
  drawCharts();
  drawFamilies(families);
  drawGates(movable);
  drawEndpoints(families);
  rows("instances", view.instances.map(({ address, sides, families: of, condition }) => [
    { text: address, kind: "code" },
    sides.map((side) => (side === "legacy" ? "old" : "new")).join(", "),
    [...of].join(", "),
    { text: CONDITIONS[condition][0], kind: CONDITIONS[condition][1] },
  ]));
  drawShadow();
  rows("changes", view.changes.map(({ at, who, what, family, changes, why }) => [
    { text: time(at), kind: "time" },
    who,
    family ? `${what} (${family})` : what,
    changes.map((one) => `${one.family} ${percent(one.from)} → ${percent(one.to)}`).join(", "),
    why,
  ]));
}

function drawState(movable) {
  const groups = sentences(movable);
  const items = groups.map((group) => {
    const [who, rest] = words(group, true);
    const names = groups.length > 1 ? [make("div", { class: "names", textContent: group.names.join(", ") })] : [];
    return make("li", {}, ...names, make("b", { textContent: who }), rest);
  });
  if (movable.length === 0) items.push(make("li", { textContent: "No route has services on both sides, so there is nothing to move." }));
  for (const problem of state.view.routes_problems) items.push(make("li", { class: "bad", textContent: `The routes file is refused: ${problem}` }));
  if (state.view.forced > 0) items.push(make("li", { class: "quiet", textContent: `${state.view.forced} rules keep somebody on one side whatever the share.` }));
  $("state").replaceChildren(...items);
  const spoken = groups.map((group) => `${groups.length > 1 ? `${group.names.join(", ")}: ` : ""}${words(group, false).join("")}`).join(" ");
  if (spoken !== state.spoken) $("spoken").textContent = spoken;
  state.spoken = spoken;
  document.title = `${groups.map((group) => percent(group.now)).join(" / ") || "–"} · Gateway`;
}

function drawFamilies(families) {
  rows("families", families.map(([name, family]) => {
    const point = family.lately;
    const side = (key) => {
      const one = point?.[key];
      const errors = one ? errorsOf(one) : null;
      return [
        { text: one ? number(perSecond(one, point)) : "–", kind: `n ${key}` },
        { text: errors === null ? "–" : share(errors), kind: `n ${key} ${errors > 0 ? "bad" : ""}` },
        { text: millis(one?.p50_ms), kind: `n ${key}` },
        { text: millis(one?.p99_ms), kind: `n ${key}` },
      ];
    };
    const [verdict, kind] = family.gates ? VERDICTS[family.gates.verdict] : ["–", "quiet"];
    const lease = family.lease_seconds === null ? "none" : `${seconds(family.lease_seconds)}, ${family.holder ?? "?"}`;
    return [
      name,
      family.is_movable ? percent(family.share) + (family.frozen ? " frozen" : "") : "one side only",
      family.is_movable ? percent(family.safe) : "–",
      family.is_movable ? lease : "–",
      ...side("legacy"),
      ...side("platform"),
      { text: verdict, kind },
    ];
  }));
}

function drawGates(movable) {
  const open = new Set([...document.querySelectorAll("#gates details[open]")].map((one) => one.dataset.family));
  $("gates").replaceChildren(...movable.filter(([, family]) => family.gates).map(([name, { gates }]) => {
    const [verdict, kind] = VERDICTS[gates.verdict];
    const about = [gates.armed ? "armed" : "not armed: a failure does not return traffic by itself"];
    if (STATES[gates.state]) about.push(`${STATES[gates.state]}${gates.because ? ` (${gates.because})` : ""}`);
    const item = (finding) => {
      const [word, color] = VERDICTS[finding.verdict];
      const what = [finding.metric ?? "enough seen", finding.class].filter(Boolean).join(" ");
      return make("li", {}, make("span", { class: color, textContent: word }), ` ${what}${finding.reason ? `: ${finding.reason}` : ""}`);
    };
    const details = make("details", { open: open.has(name), "data-family": name },
      make("summary", { textContent: "What each gate says" }), make("ul", {}, ...gates.findings.map(item)));
    return make("li", {}, make("b", { textContent: `${name} ` }), make("span", { class: kind, textContent: verdict }),
      `${gates.reason ? `: ${gates.reason}` : ""} (${about.join("; ")})`, details);
  }));
  if (!$("gates").children.length) $("gates").append(make("li", { class: "quiet", textContent: "The gates have nothing to compare yet." }));
}

function drawEndpoints(families) {
  const chosen = $("chart-family").value;
  const all = families.filter(([name]) => !chosen || name === chosen).flatMap(([, family]) => family.endpoints);
  const errors = (one) => one.legacy[1] + one.platform[1];
  const requests = (one) => one.legacy[0] + one.platform[0];
  all.sort((a, b) => errors(b) - errors(a) || requests(b) - requests(a));
  const count = ([requests, errors], side) => [
    { text: String(requests), kind: `n ${side}` },
    { text: String(errors), kind: `n ${side} ${errors > 0 ? "bad" : ""}` },
  ];
  rows("endpoints", all.slice(0, 12).map((one) => [
    { text: one.endpoint, kind: "code" },
    ...count(one.legacy, "legacy"),
    ...count(one.platform, "platform"),
  ]));
}

function drawShadow() {
  const { mode, rate: taken, reads, learned, differences, left_out: more } = state.view.shadow;
  const of = `${percent(taken)} of reads`;
  const texts = {
    off: learned || reads.compared ? "Off; what it found is kept." : "Off: nothing is asked twice.",
    learning: `Learns from ${of} what one side answers differently when asked twice: ${learned} of 2000 pairs.`,
    comparing: `Compares ${of}: ${reads.compared} compared, ${reads.equal} equal, ${reads.intended} differ as intended, ${reads.noise} by noise, ${reads.different} differ.`,
  };
  const missing = reads.dropped + reads.unanswered + reads.too_large + reads.encoded;
  $("shadow-words").textContent = texts[mode] + (missing ? ` ${missing} of ${reads.sampled} were not compared.` : "") + (more ? ` ${more} further differences are not listed.` : "");
  $("shadow").hidden = differences.length === 0;
  rows("shadow", differences.map((one) => [
    { text: one.endpoint, kind: "code" }, { text: one.field, kind: "code" }, one.kind.replaceAll("_", " "),
    { text: String(one.count), kind: "n" }, one.legacy, one.platform, time(one.last),
  ]));
}

$("orders").elements.who.value = sessionStorage.getItem("who") ?? "";
if (token.get()) connect();
else showLogIn();
