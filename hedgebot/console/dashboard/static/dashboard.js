// Shows each snapshot as it comes. Every text of a venue goes in as text, never as markup.
"use strict";

const $ = (id) => document.getElementById(id);
const UNKNOWN = "?";
const STALE_MS = 3500;
let csrf = "";
let heardAt = 0;
let view = null;

function el(name, props = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (key === "class") node.className = value;
    else node[key] = value;
  }
  node.append(...children.filter((one) => one !== null && one !== undefined));
  return node;
}

function svg(name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

const known = (value) => value !== null && value !== undefined;
const digitsOf = (coin) => ({ BTC: 4, ETH: 3 })[coin] ?? 2;

function number(value, digits = 0, sign = false) {
  if (!known(value)) return UNKNOWN;
  const text = Math.abs(Number(value)).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const negative = Number(value) < 0 && /[1-9]/.test(text);
  return (negative ? "−" : sign ? "+" : "") + text;
}

const usd = (value, sign = false) => `${number(value, Math.abs(value ?? 0) < 1000 ? 2 : 0, sign)} USD`;

function age(ms) {
  if (!known(ms)) return UNKNOWN;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 100000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7200000 ? `${Math.round(ms / 60000)} min` : `${Math.round(ms / 3600000)} h`;
}

function duration(seconds) {
  if (!known(seconds)) return UNKNOWN;
  const whole = Math.floor(seconds);
  const hours = Math.floor(whole / 3600);
  const rest = [Math.floor(whole / 60) % 60, whole % 60].map((one) => String(one).padStart(2, "0")).join(":");
  return hours ? `${hours}:${rest}` : rest;
}

const shortName = (instrument) => instrument.split(":").slice(1).join(" ") || instrument;

function fact(name, value, { key = null, note = "" } = {}) {
  const red = key && view.reds.find((one) => one.key === key);
  const shown = el("dd", { class: red ? "bad" : "", title: red ? red.action : "" }, value);
  if (note) shown.append(" ", el("small", {}, note));
  if (red) shown.append(" ", el("small", {}, `→ ${red.action}`));
  return el("div", {}, el("dt", {}, name), shown);
}

// The band around zero with its inside target, the hard limit at the ends, the net delta, and the worst case as a whisker.
function band(one) {
  const limit = Math.max(one.limit_coin ?? 0, one.band_coin ?? 0, 1e-12);
  const soft = one.band_coin ?? 0;
  // The band takes the middle half whatever the limit is; outside it the way to the limit is drawn to its own scale.
  const place = (value) => {
    const size = Math.abs(value);
    const share = size <= soft ? (size / (soft || 1)) * 0.5 : 0.5 + (Math.min(size - soft, limit - soft) / (limit - soft || 1)) * 0.5;
    return 50 + Math.sign(value) * share * 49;
  };
  const at = (value) => `${place(value).toFixed(2)}%`;
  const span = (from, to) => ({ x: at(Math.min(from, to)), width: `${Math.abs(place(to) - place(from)).toFixed(2)}%` });
  const color = (name) => `var(--${name})`;
  const picture = svg("svg", { class: "band", role: "img" });
  picture.append(svg("title", {}, `net delta of ${one.underlying} within its band and limit`));
  const mark = (value, top, bottom, stroke, more = {}) =>
    picture.append(svg("line", { x1: at(value), x2: at(value), y1: top, y2: bottom, stroke, "stroke-width": 2, ...more }));
  picture.append(svg("rect", { ...span(-limit, limit), y: 13, height: 14, fill: color("track") }));
  picture.append(svg("rect", { ...span(-soft, soft), y: 13, height: 14, fill: color("band") }));
  for (const edge of [-soft, soft]) mark(edge, 9, 31, color("accent"));
  for (const edge of [-limit, limit]) mark(edge, 7, 33, color("bad"), { "stroke-width": 3 });
  mark(0, 13, 27, color("dim"), { "stroke-width": 1, "stroke-dasharray": "2 2" });
  if (known(one.delta_coin)) {
    const outside = Math.abs(one.delta_coin) > limit ? "bad" : Math.abs(one.delta_coin) > soft ? "warn" : "good";
    if (known(one.worst_case_coin)) {
      const worst = Math.sign(one.delta_coin || 1) * one.worst_case_coin;
      picture.append(svg("rect", { ...span(one.delta_coin, worst), y: 18, height: 4, fill: color(outside), opacity: 0.5 }));
      mark(worst, 16, 24, color(outside));
    }
    picture.append(svg("rect", { x: at(one.delta_coin), y: 7, width: 8, height: 26, rx: 4, fill: color(outside), transform: "translate(-4 0)" }));
  }
  return picture;
}

function scale(one) {
  const legend = el("div", { class: "head dim" });
  const step = (value) => `±${known(value) ? Number(value.toPrecision(4)) : UNKNOWN}`;
  legend.append(
    el("small", {}, `band ${step(one.band_coin)} ${one.underlying}`),
    el("small", {}, `hedges end ${step(one.inside_coin)}`),
    el("small", {}, `limit ${step(one.limit_coin)} ${one.underlying}`),
  );
  return legend;
}

function underlying(one) {
  const coin = one.underlying;
  const digits = digitsOf(coin);
  const beyond = !known(one.delta_coin) || Math.abs(one.delta_coin) > one.limit_coin ? "bad" : Math.abs(one.delta_coin) > one.band_coin ? "warn" : "good";
  const hedges = one.hedges === null ? UNKNOWN : number(one.hedges);
  const card = el(
    "section",
    { class: "card" },
    el("div", { class: "head" }, el("h2", {}, `${coin} net delta`), el("span", { class: "dim" }, `price ${usd(one.price_usd)}`)),
    el("div", { class: `big ${beyond}` }, `${number(one.delta_coin, digits, true)} ${coin} `, el("small", {}, usd(one.delta_usd, true))),
    band(one),
    scale(one),
    el(
      "dl",
      {},
      fact("Worst case", `${number(one.worst_case_coin, digits)} ${coin}`, { key: `${coin}.worst`, note: "incl. unknown orders" }),
      fact("Next hedge", view.triggers[coin].replace(/^hedge /, "")),
      fact("Gamma", `${number(one.gamma_coin_per_pct, digits, true)} ${coin}`, { note: "per 1 %" }),
      fact("Vega", usd(one.vega_usd_per_vol_point, true), { note: "per vol point" }),
      fact("Theta", usd(one.theta_usd_per_day, true), { note: "per day" }),
      fact("Hedges", hedges, { note: hedgeNames(one) }),
      fact("Book age", age(one.book_age_ms)),
      fact("Option age", age(one.option_age_ms)),
    ),
    el("p", { class: "why" }, one.why_not),
  );
  if (one.positions.length) card.append(positions(one));
  return card;
}

function hedgeNames(one) {
  const legs = one.hedge_legs ?? [];
  if (legs.length < 2) return shortName(one.hedge_instrument);
  return legs.map((leg) => `${shortName(leg.instrument)} (${leg.role})`).join(", ");
}

function isCoin(row) {
  return row.kind === "coins" || row.kind === "token";
}

function positions(one) {
  const rows = one.positions.map((row) =>
    el(
      "tr",
      {},
      el("td", {}, isCoin(row) ? `${row.kind} ${row.instrument}${row.kind === "token" ? ` x ${row.ratio}` : ""}` : shortName(row.instrument)),
      el("td", { class: "num" }, `${known(row.contracts) ? number(row.contracts, 4, true).replace(/\.?0+$/, "") : UNKNOWN} ${isCoin(row) ? row.instrument : "contracts"}`),
      el("td", { class: "num" }, known(row.mark) ? `${number(row.mark, 2)} · ${age(row.age_ms)}` : known(row.age_ms) ? `age ${age(row.age_ms)}` : ""),
    ),
  );
  const shown = el("details", {}, el("summary", {}, `${rows.length} positions (size, mark and its age)`), el("table", {}, ...rows));
  shown.open = opened.has(one.underlying);
  shown.addEventListener("toggle", () => (shown.open ? opened.add(one.underlying) : opened.delete(one.underlying)));
  return shown;
}
const opened = new Set();

function account(one) {
  const use = one.margin_use;
  const level = !known(use) || use > 0.8 ? "bad" : use > 0.5 ? "warn" : "";
  const fill = el("i", { class: level });
  fill.style.width = `${Math.min(100, (use ?? 1) * 100)}%`;
  const chip = (key, text) => {
    const red = view.reds.find((red) => red.key === key);
    return el("span", { class: red ? "chip bad" : "chip", title: red ? red.action : "" }, text, red ? ` → ${red.action}` : "");
  };
  const streams = one.streams.map((stream) =>
    chip(`${one.account}.${stream.stream}`, `${stream.stream} ${stream.up ? age(stream.age_ms) : "DOWN"}`),
  );
  return el(
    "section",
    { class: "card" },
    el("div", { class: "head" }, el("h2", {}, `Margin · ${one.account}`), el("span", { class: "dim" }, `${one.role} account`)),
    el("div", { class: `big ${level}` }, `${known(use) ? number(use * 100, 1) : UNKNOWN} % `, el("small", {}, "of equity is maintenance margin")),
    el("div", { class: "meter" }, fill),
    el(
      "dl",
      {},
      fact("Equity", usd(one.equity_usd), { note: `age ${age(one.margin_age_ms)}` }),
      fact("Buffer", `${known(use) ? number((1 - use) * 100, 1) : UNKNOWN} %`),
      fact("Initial margin", usd(one.initial_margin_usd)),
      fact("Maintenance", usd(one.maintenance_margin_usd)),
    ),
    ...[one.pocket, one.collateral_shock, one.margin_hike, one.regime].filter(Boolean).map((text) => el("p", { class: "dim" }, text)),
    el(
      "div",
      { class: "chips" },
      ...streams,
      one.watched ? chip("", "margin only") : chip(`${one.account}.recon`, one.reconciled ? `reconciled ${age(one.reconciled_age_ms)} ago` : "NOT RECONCILED"),
      chip(`${one.account}.clock`, `clock ${number(one.clock_offset_ms, 1, true)} ms`),
    ),
  );
}

function venue(one) {
  const over = known(one.share) && known(one.share_max) && one.share > one.share_max;
  return el(
    "section",
    { class: "card" },
    el("div", { class: "head" }, el("h2", {}, `Venue · ${one.venue}`), el("span", { class: "dim" }, "if it is gone")),
    el(
      "dl",
      {},
      fact("Lost", known(one.loss_usd) ? usd(-one.loss_usd) : UNKNOWN),
      fact("Share of equity", `${known(one.share) ? number(one.share * 100, 1) : UNKNOWN} %`, {
        note: over ? `cap ${number(one.share_max * 100, 1)} % → RB-53` : known(one.share_max) && one.share_max < 1 ? `cap ${number(one.share_max * 100, 1)} %` : "no cap",
      }),
      ...one.gone.map((left) => fact(`Open ${left.underlying}`, `${number(left.delta_coin, 4, true)} ${left.underlying}`, { note: usd(left.delta_usd) })),
    ),
  );
}

function alertRow(one) {
  return el(
    "div",
    { class: "alert" },
    el("span", { class: `sev ${one.severity}` }, one.severity.toUpperCase()),
    el("b", {}, one.kind),
    ` ${one.subject}: ${one.summary} `,
    el("span", { class: "dim" }, `runbooks/${one.runbook} · ${age(one.age_ms)}`),
  );
}

function channels(delivery) {
  if (!delivery.channels.length) return null;
  return el(
    "div",
    { class: "chips" },
    ...delivery.channels.map((one) =>
      el("span", { class: one.problem ? "chip bad" : "chip" }, one.problem ? `${one.name} fails: ${one.problem} → RB-30` : `${one.name} ${one.handed_over ? "ok" : "not used yet"}`),
    ),
    el("span", { class: "chip" }, delivery.latency.count ? `slowest hand-off ${delivery.latency.max_s.toFixed(2)} s` : "nothing handed over yet"),
  );
}

function orders(book) {
  if (!book.orders.length) return el("p", { class: "dim" }, "none open, none unknown");
  return el(
    "table",
    {},
    ...book.orders.map((one) =>
      el(
        "tr",
        {},
        el("td", { class: one.status === "unknown" ? "bad" : "" }, one.status === "unknown" ? "UNKNOWN → RB-07" : one.status),
        el("td", {}, `${one.side} ${one.qty_contracts ?? UNKNOWN} ${shortName(one.instrument)}`),
        el("td", { class: "num" }, age(one.age_ms)),
      ),
    ),
  );
}

function costs(book) {
  const coins = (amounts) => Object.entries(amounts).map(([coin, amount]) => `${number(amount, coin.startsWith("USD") ? 2 : 8)} ${coin}`).join(", ") || "0";
  return el(
    "dl",
    {},
    fact("Funding forecast", `${usd(book.funding_usd_per_day, true)}/day`, { key: "funding", note: `of ${usd(book.funding_limit_usd_per_day)}/day` }),
    fact("Funding paid", coins(book.funding)),
    fact("Fees paid", coins(book.fees)),
    fact("Hedges", number(book.hedges), { note: `${number(book.refusals)} refused` }),
  );
}

function strategies(book) {
  const reduce = el("button", { class: "small" }, "Reduce only");
  reduce.addEventListener("click", () => act("kill", { action: "reduce" }, "Only orders that reduce risk?", "Our orders are cancelled; from then on only what reduces risk goes out, also across restarts, until somebody says unkill at the machine.", "Reduce only"));
  return el(
    "table",
    {},
    el("tr", {}, el("td", {}, "the whole book"), el("td", {}, book.mode), el("td", { class: "num" }, book.mode === "active" ? reduce : "")),
    ...Object.entries(book.strategies).map(([name, enabled]) => {
      const off = el("button", { class: "small" }, "Disable");
      off.addEventListener("click", () => act("disable", { strategy: name }, `Disable ${name}?`, `It proposes nothing any more; positions are kept. Enabling again is a word at the machine: hedgebot enable ${name}`, "Disable"));
      return el("tr", {}, el("td", {}, name), el("td", { class: enabled ? "good" : "warn" }, enabled ? "on" : "off"), el("td", { class: "num" }, enabled ? off : ""));
    }),
  );
}

function show(next) {
  view = next;
  const { book, daemon } = view.snapshot;
  document.body.classList.toggle("gone", !view.reachable);
  const mode = view.reachable ? book.mode : "unknown";
  $("book").textContent = daemon.book_name || "hedgebot";
  $("run-mode").textContent = (daemon.run_mode || UNKNOWN).toUpperCase();
  $("run-mode").classList.toggle("live", daemon.run_mode === "live");
  $("mode").textContent = mode.toUpperCase() + (book.latched && view.reachable ? " · LATCHED" : "");
  $("mode").className = `tag mode ${mode}`;
  $("reason").textContent = view.reachable ? book.mode_reason : view.problem;
  document.title = `${mode === "active" ? "" : `${mode.toUpperCase()} · `}${daemon.book_name || "hedgebot"}`;
  $("reds").hidden = !view.reds.length;
  $("reds").replaceChildren(...view.reds.map((one) => el("p", {}, el("b", {}, one.what), ` → ${one.action}`)));
  if (!view.reachable) return;
  $("underlyings").replaceChildren(...book.underlyings.map(underlying));
  $("accounts").replaceChildren(...book.accounts.map(account), ...book.venues.map(venue));
  const delivery = channels(daemon.alert_delivery);
  $("alerts").replaceChildren(...(view.alerts.length ? view.alerts.map(alertRow) : [el("p", { class: "good" }, "none")]), ...(delivery ? [delivery] : []));
  $("orders").replaceChildren(orders(book));
  $("costs").replaceChildren(costs(book));
  if (!$("strategies").contains(document.activeElement)) $("strategies").replaceChildren(strategies(book));
  $("decisions").replaceChildren(...view.decisions.map((one) => el("li", { class: one.outcome }, one.line)));
  $("footer").textContent =
    `version ${daemon.version || UNKNOWN} · config ${book.config_hash || UNKNOWN} · epoch ${book.epoch ?? UNKNOWN} · up ${duration(daemon.uptime_s)} · ` +
    `memory ${known(daemon.rss_bytes) ? number(daemon.rss_bytes / 1e6) : UNKNOWN} MB · loop lag at most ${age(daemon.loop_lag_ms_max)} · ` +
    `journal ${daemon.journal_failing ? "FAILS → RB-25" : `at event ${number(daemon.journal_head_seq)}`} · KILL: press k, then Enter`;
}

function pulse() {
  const silent = Date.now() - heardAt;
  const stale = silent > STALE_MS || !view || !view.reachable;
  $("pulse").classList.toggle("stale", stale);
  $("pulse").textContent = !heardAt ? "connecting" : !view.reachable ? "NO ANSWER" : stale ? `STALE ${age(silent)}` : `live · ${age(view.age_ms + silent)}`;
  document.body.classList.toggle("gone", stale && heardAt > 0);
}

async function act(verb, fields, title, text, yes) {
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  $("ask-reason").value = "";
  const dialog = $("ask");
  if (dialog.open) return;
  dialog.returnValue = "no";
  dialog.showModal();
  $("ask-yes").focus();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "yes") return;
  toast("sent …");
  try {
    const reply = await fetch(`/api/v1/${verb}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify({ ...fields, reason: $("ask-reason").value }),
    });
    if (reply.status === 401) location.replace("/");
    const words = reply.headers.get("Content-Type").includes("json") ? (await reply.json()).explanation : await reply.text();
    toast(`${verb}: ${words}`);
  } catch {
    toast(`${verb} was NOT answered by the dashboard. On the machine: hedgebot kill`);
  }
}

const kill = () => act("kill", {}, "Kill the whole book?", "No new order, our orders are cancelled, positions are kept. It stays halted, also across restarts, until somebody says unkill at the machine.", "KILL");

let hiding = 0;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => ($("toast").hidden = true), 12000);
}

$("kill").addEventListener("click", kill);
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
  if (event.key === "k" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    kill();
  }
});
// Enter in the reason is a yes too: two keystrokes, or a few words between them.
$("ask-reason").addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    $("ask").close("yes");
  }
});

function listen() {
  const source = new EventSource("/api/v1/stream");
  source.addEventListener("view", (event) => {
    heardAt = Date.now();
    show(JSON.parse(event.data));
    pulse();
  });
  source.addEventListener("error", async () => {
    source.close();
    const session = await fetch("/api/v1/session").catch(() => null);
    if (session?.status === 401) location.replace("/");
    setTimeout(listen, 2000);
  });
}

async function start() {
  const session = await fetch("/api/v1/session");
  if (!session.ok) return location.replace("/");
  csrf = (await session.json()).csrf;
  listen();
  setInterval(pulse, 500);
}
start();
