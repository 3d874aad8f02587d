// What waits for the next requests of a sandbox: arm and disarm, as text, and the bar that is always visible.

import { admin, changes } from "./api.js";
import { Answers, fill, h, keepScroll, throttled } from "./dom.js";
import { catalogue } from "./contract.js";
import { shown } from "./exact_json.js";
import { attempt, button, iconButton, toast } from "./widgets.js";
import { currentRoute, routeUrl } from "./route.js";
import { instant } from "./times.js";
import { decimal, t, textOr } from "./translations.js";

/** Another page or a command may arm as well: this often the bar looks. */
const LOOK_MS = 5_000;

const conditions = (when) => Object.entries(when ?? {}).map(([path, value]) => `${path} = ${shown(value)}`);

/** An outcome by its code and id: `CODE · scenario`. */
export function outcomeName(scenario, operation, outcomes) {
  const found = outcomes.find((one) => one.scenario === scenario && one.operation === operation);
  return [found?.code, scenario].filter(Boolean).join(" · ");
}

/** A span of time with a space before its unit; a number is one of milliseconds. */
function spanText(span) {
  const [, number, unit] = /^([\d.]+)(m?s)$/.exec(typeof span === "string" ? span : `${shown(span)}ms`) ?? [];
  return number ? `${decimal(Number(number))} ${unit}` : String(span);
}

/** A delay as text: a time, or where it lies. */
function delayText(delay) {
  if (delay.uniform) return t("delay.text.uniform", { from: spanText(delay.uniform[0]), to: spanText(delay.uniform[1]) });
  if (delay.lognormal) return t("delay.text.lognormal", { median: spanText(delay.lognormal.median), cap: spanText(delay.lognormal.cap) });
  return spanText(typeof delay === "object" && "fixed" in delay ? delay.fixed : delay); // a text has a method of this name
}

/** An armed answer as text: `CODE · scenario · for 2 requests · body.x = 1`; without a count where it has no `left`. */
export function armedText(one, outcomes) {
  const what = one.responses ? [t("arm.turns", { count: one.responses.length })] : [
    one.scenario ? outcomeName(one.scenario, one.operation, outcomes) : "",
    one.fault ? textOr(`fault.name.${one.fault.kind ?? one.fault}`, one.fault.kind ?? one.fault) : "",
    one.fault && one.commit !== undefined ? t(one.commit ? "arm.committed" : "arm.not.committed") : "",
    one.delay === undefined ? "" : t("arm.delay", { delay: delayText(one.delay) })];
  const left = one.left === undefined ? "" : one.left === "always" ? t("arm.left.always") : t("arm.left", { count: one.left });
  return [...what, left, ...conditions(one.when)].filter(Boolean).join(" · ");
}

const namesOf = () => catalogue().catch(() => []);

/** The message about the last armed answer, until it is used: `{id, sandbox, since, toast}`. */
let lastArmed = null;

function forgetLastArmed() {
  lastArmed?.toast.remove();
  lastArmed = null;
}

async function disarm(one, sandbox) {
  forgetLastArmed();
  await attempt(async () => {
    try {
      await admin(`armed/${one.id}`, { method: "DELETE", sandbox });
      toast(t("arm.taken"));
    } catch (error) {
      if (error.kind !== "not-armed") throw error;
      toast(t("arm.used")); // a request was faster
    }
  });
}

/** Arms an answer in a sandbox; the message that names it can undo it. Gives whether it worked. */
export function arm(spec, sandbox) {
  return attempt(async () => {
    const armed = await admin("arm", { method: "POST", value: spec, sandbox });
    const what = armedText({ ...armed, left: undefined }, await namesOf()); // a count would be old soon
    const isElsewhere = sandbox !== currentRoute().params.sandbox;
    const done = t(isElsewhere ? "arm.done.elsewhere" : "arm.done", { what, name: sandbox || t("sandbox.default") });
    const text = armed.note ? `${done} ${t("arm.fallback")}` : done;
    forgetLastArmed();
    lastArmed = { id: armed.id, sandbox, since: performance.now(), toast: toast(text, "", button(t("arm.undo"), () => disarm(armed, sandbox), { kind: "small" })) };
  });
}

/** The bar with what waits; `setState` tells whether the mock can be asked, as `listen` of api.js does. */
export function nextAnswers(program) {
  const list = h("ul", { class: "plain next-list", "aria-live": "polite" });
  const count = h("span", { class: "badge plain", hidden: true });
  const takeAll = button(t("next.take.all"), () => attempt(() => admin("armed", { method: "DELETE", sandbox: currentRoute().params.sandbox }), t("arm.taken.all")), { kind: "small", hidden: true });
  const node = h("section", { class: "next", "aria-labelledby": "next-title" },
    h("h2", { id: "next-title" }, t("next.title"), " ", count), list, takeAll,
    button(t("next.arm"), program, { name: "target", kind: "primary" }));
  const looks = new Answers();
  let isLive = false;
  let drawn = "";

  function chip(one, sandbox, outcomes) {
    const text = armedText(one, outcomes);
    return h("li", { class: "chip" }, h("span", {}, text), iconButton(t("arm.take", { what: text }), "close", () => disarm(one, sandbox)));
  }

  /** The head says how many wait, also where the list below it has to be scrolled. */
  function drawHead(armed) {
    count.textContent = String(armed);
    count.hidden = armed === 0;
    takeAll.hidden = armed < 2;
    node.classList.toggle("has-armed", armed > 0);
  }

  function drawUnknown() {
    drawn = "";
    drawHead(0);
    fill(list, h("li", { class: "dim" }, t("next.unknown")));
  }

  async function load() {
    const { sandbox } = currentRoute().params;
    const startedAt = performance.now();
    const [{ armed }, clock] = await Promise.all([admin("armed", { sandbox, exact: true }), admin("clock", { sandbox })]);
    return { sandbox, startedAt, armed, clock, outcomes: armed.length ? await namesOf() : [] };
  }

  const look = () => looks.ask(load, draw, drawUnknown); // of an error the view tells what is wrong

  function draw({ sandbox, startedAt, armed, clock, outcomes }) {
    const isUsed = lastArmed?.sandbox === sandbox && lastArmed.since < startedAt && !armed.some((one) => one.id === lastArmed.id);
    if (isUsed) forgetLastArmed();
    const stopped = clock.mode === "real" ? "" : t(`next.clock.${clock.mode}`, { at: clock.mode === "frozen" ? instant(clock.now) : "" });
    const key = JSON.stringify([sandbox, armed, stopped]);
    if (key === drawn) return;
    drawn = key;
    drawHead(armed.length);
    keepScroll(node, () => fill(list, ...(armed.length ? armed.map((one) => chip(one, sandbox, outcomes)) : [h("li", { class: "dim" }, t("next.none"))]),
      stopped ? h("li", {}, h("a", { href: routeUrl("state") }, stopped)) : null));
  }

  changes.addEventListener("change", throttled(look, 300));
  setInterval(() => { if (isLive && document.visibilityState === "visible") look(); }, LOOK_MS);
  fill(list, h("li", { class: "dim" }, "…"));
  return {
    node,
    setState(state) {
      const wasLive = isLive;
      isLive = state === "live";
      if (!isLive) looks.forget(); // a view that begins anew may be about another sandbox
      if (isLive && !wasLive) look();
      if (!isLive && (wasLive || state !== "connecting")) drawUnknown();
    },
  };
}
