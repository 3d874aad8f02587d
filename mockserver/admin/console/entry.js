// One journal entry: the request, the answer and why, and actions for it.

import { admin, adminFile } from "./api.js";
import { contract, apiOrigin, recordTitles } from "./contract.js";
import { armDialog } from "./arming.js";
import { curl } from "./curl.js";
import { h, icon, uniqueId } from "./dom.js";
import { maskBadge, viewJson } from "./json_view.js";
import { shown, stringify } from "./exact_json.js";
import { attempt, button, copyText, englishText, errorState, iconButton, isForwarded, notice, saveFile, sourceBadge, answerBadge } from "./widgets.js";
import { routeUrl, currentRoute } from "./route.js";
import { instant } from "./times.js";
import { decimal, language, t, textOr } from "./translations.js";
import { violationText } from "./violations.js";
import { adviceNotice, conditionText, differencePlace, evidenceTexts, faultName, maskedPlaces, noteNotice, warningText } from "./wording.js";

/** Loads an entry of a sandbox, and gives the `nodes` that show it, or why it cannot be shown (`failed`). */
export async function entryNodes(id, sandbox, { close, again }) {
  let entry;
  let served;
  try {
    [entry, served] = await Promise.all([admin(`requests/${encodeURIComponent(id)}`, { sandbox, exact: true }), contract()]);
  } catch (error) {
    return { failed: true, nodes: [h("div", { class: "entry-top" }, h("div", { class: "spread" }), iconButton(t("close"), "close", close)), errorState(error, again)] };
  }
  const titles = recordTitles(served, entry.decision?.operation);
  return { failed: false, nodes: [top(entry, served, sandbox, close), ...explanation(entry, served, !entry.answer_lost, again), exchange(entry), nearMisses(entry, titles), records(entry, titles)] };
}

function top(entry, served, sandbox, close) {
  const isElsewhere = sandbox !== currentRoute().params.sandbox; // the page shows all sandboxes; the buttons act on that of the entry
  const doing = (key) => (isElsewhere ? t(`${key}.in`, { name: sandbox || t("sandbox.default") }) : t(key));
  const file = (kind, name) => () => attempt(async () => saveFile(await adminFile(`requests/${encodeURIComponent(entry.id)}/${kind}`, { sandbox }), name));
  return h("header", { class: "entry-top" },
    h("div", { class: "entry-line" },
      answerBadge(entry),
      h("h2", { class: "entry-title", tabindex: "-1" }, [entry.code, entry.scenario ?? entry.problem ?? "—"].filter((one) => one !== null).join(" · ")),
      sourceBadge(entry),
      h("span", { class: "spread" }),
      iconButton(t("close"), "close", close)),
    h("p", { class: "entry-target" }, h("span", { class: "mono" }, `${entry.method} ${entry.target}`), mask(entry, "/request/target")),
    h("p", { class: "dim" }, `#${entry.id} · ${instant(entry.time)}${entry.sandbox ? ` · ${entry.sandbox}` : ""} · ${t("entry.took", { ms: decimal(Math.round(entry.micros / 10) / 100) })}`),
    entry.masked.length ? h("p", { class: "dim entry-masked" }, t("entry.masked", { places: maskedPlaces(entry) })) : null,
    h("div", { class: "actions" },
      entry.decision ? button(doing("entry.arm"), () => armDialog({ scenario: entry.scenario, operation: entry.decision.operation, sandbox, body: entry.request.body }), { name: "target", kind: "primary" }) : null,
      entry.decision ? h("a", { class: "button", href: routeUrl("try", { entry: entry.id, sandbox }) }, icon("try"), h("span", {}, doing("entry.again"))) : null,
      button(t("entry.curl"), () => copyText(curlCommand(entry, served)), { name: "copy" }),
      entry.decision ? button(t("entry.bundle"), file("bundle", `bundle-${entry.id}.json`), { name: "download" }) : null,
      button(t("entry.report"), file("report", `report-${entry.id}.html`), { name: "flag" })));
}

/** The curl command of the request, with secrets masked as in the journal. */
function curlCommand(entry, served) {
  const { headers: sent, body: text } = entry.request;
  const host = sent.find((one) => one.name.toLowerCase() === "host")?.value;
  return curl({ method: entry.method, url: `${host ? `${location.protocol}//${host}` : apiOrigin(served)}${entry.target}`, headers: sent, body: text });
}

function section(title, ...children) {
  const id = uniqueId("section");
  return h("section", { class: "panel", "aria-labelledby": id }, h("h3", { id }, title), ...children);
}

/** Why this answer was sent: heading and note of the documents, conditions that held, assumptions; advice if it `hasArrived`. `again` loads the entry again. */
export function explanation(entry, served, hasArrived = !entry.answer_lost, again = null) {
  const { decision } = entry;
  const parts = [entry.answer_lost ? lostNotice(entry) : decision && hasArrived ? adviceNotice(decision) : null];
  const constant = constantKey(entry, served);
  if (constant && hasArrived) parts.push(notice("info", t("entry.constant", { key: constant })));
  if (decision?.heading) parts.push(h("blockquote", {}, h("p", { lang: "en" }, decision.heading), h("footer", { class: "dim" }, t("entry.heading"))));
  if (decision?.note) parts.push(noteNotice(decision));
  const facts = [];
  const fact = (name, ...value) => facts.push(h("dt", {}, name), h("dd", {}, ...value));
  if (decision) {
    fact(t("entry.trigger"), t(decision.trigger === "state" && !entry.cause ? "trigger.state.hand" : `trigger.${decision.trigger}`));
    if (decision.because.length) fact(t("entry.because"), h("ul", { class: "plain" }, ...becauseLines(decision, recordTitles(served, decision.operation))));
  } else if (entry.recording) {
    recordingFacts(entry, fact);
  } else {
    fact(t("entry.problem"), textOr(`problem.${entry.problem}`, entry.problem ?? "—"));
    if (entry.reply.body?.did_you_mean?.length) fact(t("entry.near"), h("span", { class: "mono" }, entry.reply.body.did_you_mean.join(", ")));
    if (entry.reply.body?.test_values?.length) fact(t("values.title"), h("span", { class: "mono" }, entry.reply.body.test_values.join(", ")));
    if (entry.reply.body?.detail) fact(t("entry.detail"), h("span", { lang: "en" }, entry.reply.body.detail));
  }
  if (entry.cause) fact(t("entry.cause"), entryLink(entry.cause, entry));
  if (entry.retry_of) fact(t("entry.retry_of"), ...retryText(entry.retry_of, entry));
  if (entry.answer_lost) fact(t("entry.retry"), ...(entry.retried_by ? retryText(entry.retried_by, entry) : [`${t("lost.retry.none")} `, again ? button(t("lost.retry.look"), again, { kind: "small" }) : null]));
  if (entry.fault) fact(t("entry.fault"), `${faultName(entry.fault)}${entry.committed ? ` · ${t("entry.committed")}` : ""}`);
  if (entry.delay_ms > 0) fact(t("entry.delay"), `${Math.round(entry.delay_ms)} ms`);
  if (entry.fallback) fact(t("entry.fallback"), `${t("problem.provider-unreachable")}. `, englishText(entry.fallback));
  if (entry.client_left) fact(t("entry.delivery"), t("entry.client.left"));
  if (entry.trace) fact(t("entry.trace"), h("a", { class: "mono", href: routeUrl("journal", { text: entry.trace, all: "1" }) }, entry.trace));
  if (decision?.assumed.length) {
    const meaning = (one) => served.assumption_texts[one]?.[language] ?? served.assumptions[one];
    fact(t("entry.assumed"), h("details", { class: "points" }, h("summary", { class: "mono" }, decision.assumed.join(", ")),
      h("ul", { class: "plain" }, ...decision.assumed.map((one) => h("li", {}, h("span", { class: "mono" }, one), meaning(one) ? h("span", { class: "dim" }, ` — ${meaning(one)}`) : null)))));
  }
  if (decision) fact(t("entry.position"), h("span", { class: "mono" }, decision.position));
  return [section(t("entry.why"), ...parts, h("dl", { class: "facts" }, ...facts))];
}

/** A test value that never changes, where the answer rests on such keys alone; otherwise undefined, as the next answer may differ. */
function constantKey({ decision, keys, records: found }, { operations, collections }) {
  if (decision?.trigger !== "values") return undefined;
  const lookups = operations.find((one) => one.operation === decision.operation)?.lookups ?? {};
  const constantIn = (name) => collections.find((one) => one.collection === name)?.constant ?? [];
  const constant = found.filter((one) => constantIn(lookups[one.lookup]).includes(one.key)).map((one) => one.key);
  // Records of a collection without such keys count where the request changed nothing of them.
  const unchanged = found.filter((one) => !constantIn(lookups[one.lookup]).length && stringify(one.before) === stringify(one.after)).map((one) => one.key);
  return keys.every((key) => constant.includes(key) || unchanged.includes(key)) ? constant[0] : undefined;
}

/** That the client did not get the answer, why, and whether a retry finds the change made. */
function lostNotice(entry) {
  const how = entry.client_left ? t("entry.client.left") : t(`fault.${entry.fault}`);
  const retry = isForwarded(entry) ? "lost.forwarded" : entry.committed ? "lost.committed" : "lost.unchanged";
  return notice("bad", h("strong", {}, t("lost.text", { how })), " ", t(retry));
}

/** A link to another entry of the sandbox. */
const entryLink = (id, { sandbox }) => h("a", { href: routeUrl("journal", { ...currentRoute().params, id, of: `~${sandbox}` }) }, `#${id}`);

/** The other request of a retry, and how it was answered. */
function retryText(found, entry) {
  const parts = [
    found.after_ms > 0 ? t("lost.retry.after", { ms: found.after_ms }) : null,
    ...(found.answer_lost ? [t("lost")] : [found.status, found.code]),
    found.scenario ?? found.problem,
    found.has_masked_values ? t("lost.retry.masked") : null,
  ];
  return [entryLink(found.id, entry), ...parts.filter((one) => one !== null).map((one) => ` · ${one}`)];
}

/** What an answer of the provider is to the contract. */
function recordingFacts({ scenario, recorded, recording }, fact) {
  fact(t("entry.recorded"), t(`recorded.words.${recorded}`, { scenario }));
  if (recording.reason) fact(t("entry.detail"), h("span", { lang: "en" }, recording.reason));
  if (recording.expected) fact(t("recorded.expected"), h("span", { class: "mono" }, recording.expected));
  if (recording.differences.length) {
    fact(t("recorded.differences"), h("ul", { class: "plain" }, ...recording.differences.map((one) => h("li", { class: "mono" },
      `${differencePlace(one.at)} · ${t("misses.expected")} `, h("span", { class: "good-text" }, shown(one.expected)), ` · ${t("misses.came")} `, h("span", { class: "bad-text" }, shown(one.came))))));
  }
  fact(t("recorded.latency"), `${Math.round(recording.latency_ms)} ms`);
}

/** The conditions that held; in English where the contract has them no more. */
const becauseLines = ({ because, conditions }, titles) => (conditions?.length
  ? conditions.map((one) => h("li", { class: "mono" }, conditionText(one, titles)))
  : because.map((one) => h("li", { class: "mono", lang: "en" }, one)));

/** The mark of a masked place. */
function mask(entry, pointer) {
  return entry.masked.includes(pointer) ? maskBadge() : null;
}

function headers(entry, member) {
  const list = entry[member].headers;
  return h("details", { class: "headers" }, h("summary", {}, t("entry.headers", { count: list.length })),
    h("dl", { class: "facts mono" }, ...list.flatMap(({ name, value }, index) => [h("dt", {}, name), h("dd", {}, value, mask(entry, `/${member}/headers/${index}/1`))])));
}

function body(title, entry, member, found) {
  const place = `/${member}/body/value`;
  const masked = entry.masked.filter((one) => one.startsWith(place)).map((one) => one.slice(place.length));
  const view = viewJson(entry[member].body, found.map((one) => ({ ...one, message: violationText(one) })), title, masked);
  const elsewhere = view.left.map((one) => h("li", {}, h("span", { class: "mono" }, one.at), ` ${one.message}`));
  return section(title, view.node, elsewhere.length ? h("ul", { class: "findings" }, ...elsewhere) : null, headers(entry, member));
}

function exchange(entry) {
  const isAccepted = entry.has_warnings && entry.code === null;
  const warnings = entry.warnings.length ? notice(entry.has_warnings ? "warn" : "info", h("strong", {}, t(isAccepted ? "entry.warnings" : "entry.noticed")), h("ul", {}, ...entry.warnings.map((one) => h("li", {}, warningText(one))))) : null;
  return h("div", { class: "pair" },
    h("div", {}, body(t("entry.request"), entry, "request", entry.violations), warnings),
    body(t(entry.answer_lost ? "entry.reply.lost" : "entry.reply"), entry, "reply", []));
}

function nearMisses(entry, titles) {
  // The last are those about which the request says nothing; beside a refusal they are noise.
  const rank = (one) => (one.held > 0 ? 0 : one.evidence.every(({ kind }) => kind === "missing") ? 2 : 1);
  const near = entry.misses.filter((one) => rank(one) < 2 || entry.code === null);
  if (!near.length) return null;
  const sorted = near.sort((a, b) => rank(a) - rank(b) || (rank(a) ? a.evidence.length - b.evidence.length : b.held - a.held));
  const missRows = (miss) => miss.evidence.map((one) => evidenceTexts(one, entry.violations, titles)).map((one, index) => h("tr", {},
    index === 0 ? h("th", { scope: "row", rowSpan: miss.evidence.length, class: "mono" }, miss.scenario) : null,
    h("td", { class: "mono", data: { title: t("misses.at") } }, one.at),
    h("td", { class: "good-text", data: { title: t("misses.expected") } }, one.expected),
    h("td", { class: "bad-text", data: { title: t("misses.came") } }, one.came)));
  const hidden = sorted.slice(3).flatMap(missRows);
  const inside = h("tbody", {}, ...sorted.slice(0, 3).flatMap(missRows));
  const more = hidden.length ? button(t("misses.more", { count: sorted.length - 3 }), () => { inside.append(...hidden); more.remove(); }) : null;
  return section(t("entry.misses"), h("p", { class: "dim" }, t("misses.about"), entry.contract_changed ? ` ${t("misses.changed")}` : ""),
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t("entry.misses") }, h("table", { class: "grid misses" },
      h("thead", {}, h("tr", {}, ...["scenario", "at", "expected", "came"].map((name) => h("th", { scope: "col" }, t(`misses.${name}`))))), inside)), more);
}

function records(entry, titles) {
  const found = entry.records;
  if (!found.length) return null;
  const valueText = (value, member) => (value === undefined ? "—" : member === "origin" ? t(`origin.${value}`) : shown(value));
  const one = (record) => {
    const names = [...new Set([...Object.keys(record.before ?? {}), ...Object.keys(record.after ?? {})])];
    const changed = (member) => stringify(record.before?.[member]) !== stringify(record.after?.[member]);
    const name = titles[record.lookup] ?? record.lookup;
    const title = [h("span", {}, `${name} `), h("span", { class: "mono dim" }, record.key)];
    const isChanged = names.some(changed);
    const table = h("table", { class: "grid records", "aria-label": `${name} ${record.key}` },
      isChanged ? h("caption", {}, ...title) : null,
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("records.member")), h("th", { scope: "col" }, t("records.before")), h("th", { scope: "col" }, t("records.after")))),
      h("tbody", {}, ...names.map((member) => h("tr", { class: changed(member) ? "changed" : "" }, h("th", { scope: "row", class: "mono" }, member === "origin" ? t("state.origin") : member),
        h("td", { class: "mono" }, record.before ? valueText(record.before[member], member) : "—"),
        h("td", { class: "mono" }, valueText(record.after?.[member], member), changed(member) ? h("span", { class: "badge changed" }, t("records.changed")) : null)))));
    return isChanged ? table : h("details", {}, h("summary", {}, ...title, h("span", {}, ` · ${t("records.unchanged")}`)), table);
  };
  return section(t("entry.records"), h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t("entry.records") }, ...found.map(one)));
}
