// Submits the form without leaving the page. The form also works without this file: the server renders every state.
"use strict";

(() => {
  const FIRST_PAUSE_MS = 40;
  const PAUSE_GROWTH = 1.5;
  const PAUSE_MS_MAX = 1000;
  // The server replies within 5 s, if only with an error.
  const REQUEST_MS_MAX = 10000;
  // The pause after which a page that gets no events looks for another version.
  const LOOK_AGAIN_MS = 10000;
  // Consecutive failures before the page reports an outage.
  const FAILURES_MAX = 3;

  const form = document.getElementById("flight_delay_classification");
  const result = document.getElementById("result");
  if (!form || !result) return;
  const formError = document.getElementById("form-error");
  const buttons = form.querySelectorAll("button.button[type=submit]");
  const disable = (disabled) => buttons.forEach((button) => (button.disabled = disabled));
  // A page whose form waits for the answer is asked without waiting here, and shows that it waits.
  const { page, realtime } = form.dataset;
  const giveUpAfterMs = Number(result.dataset.giveUpAfterMs);

  // A request supersedes the previous one; late replies to that are dropped.
  let latest = 0;

  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const pageOf = (id) => `${page}?id=${encodeURIComponent(id)}`;
  // The texts of JSON are English unless they are asked for in the language of the page.
  const headersOf = (accept) => ({ Accept: accept, "Delaycast-Language": document.documentElement.lang });
  const ask = (url, accept, options = {}) => {
    const signal = AbortSignal.timeout(REQUEST_MS_MAX);
    return fetch(url, { ...options, headers: headersOf(accept), cache: "no-store", signal });
  };

  // The links to other languages keep the address of the page.
  function goTo(address) {
    history.pushState(null, "", address);
    for (const link of document.querySelectorAll("[data-language]")) link.href = `${address}&lang=${link.hreflang}`;
  }

  function show(state, id) {
    const content = document.getElementById(state).content.cloneNode(true);
    const again = content.querySelector("[data-action=keep-asking]");
    if (again && id) again.href = pageOf(id);
    replaceResult(state, id, [...content.childNodes]);
  }

  function replaceResult(state, id, nodes, scrolls = true) {
    result.dataset.state = state;
    if (id) result.dataset.id = id;
    else delete result.dataset.id;
    result.replaceChildren(...nodes);
    document.title = `${result.querySelector("h2").textContent} – delaycast`;
    // On a phone the result is below the form: scroll to it, also while it waits.
    const card = result.querySelector(".card");
    const { top, bottom } = card.getBoundingClientRect();
    if (scrolls && (top < 0 || bottom > innerHeight)) card.scrollIntoView({ block: "nearest" });
  }

  // The server renders answers and rejections: one wording, escaped once.
  async function showSettled(id, question, scrolls = true) {
    const response = await ask(pageOf(id), "text/html");
    const settled = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("result");
    if (!response.ok || !settled) throw new Error(`status ${response.status}`);
    if (question !== latest) return;
    replaceResult(settled.dataset.state, id, [...settled.childNodes], scrolls);
    follow(id);
  }

  // The events of the version that is shown, and of those that land later.
  let followed = null;

  function stopFollowing() {
    followed?.close();
    clearTimeout(followed?.timer);
    followed = null;
  }

  // Shows each version of a followed answer as it lands.
  function follow(id) {
    const shown = result.querySelector("[data-follow]");
    const goesOn = shown && ["followed", "starting"].includes(shown.dataset.follow) && !("earlier" in shown.dataset);
    if (!goesOn) return stopFollowing();
    if (followed?.id === id) return;
    stopFollowing();
    followed = new EventSource(`${realtime}/response/${encodeURIComponent(id)}/events`);
    followed.id = id;
    const question = latest;
    followed.addEventListener("version", async ({ data }) => {
      const { version, state } = JSON.parse(data);
      const current = result.querySelector("[data-follow]")?.dataset;
      if (state !== "followed") stopFollowing();
      if (!current || (Number(current.version) >= version && current.follow === state)) return;
      await showSettled(id, question, false).catch(() => {});
    });
    // A server that has no room for another stream refuses it: then the page looks from time to time.
    followed.addEventListener("error", () => {
      if (followed?.readyState !== EventSource.CLOSED) return;
      stopFollowing();
      followed = { id, close() {}, timer: setTimeout(() => refollow(id, question), LOOK_AGAIN_MS) };
    });
  }

  async function refollow(id, question) {
    stopFollowing();
    if (question !== latest) return;
    await showSettled(id, question, false).catch(() => follow(id));
  }

  async function poll(id) {
    const question = ++latest;
    stopFollowing();
    const started = performance.now();
    let pauseMs = FIRST_PAUSE_MS;
    let failures = 0;
    show("waiting", id);
    while (failures < FAILURES_MAX) {
      await sleep(pauseMs);
      if (question !== latest) return;
      try {
        const url = `${realtime}/response/${encodeURIComponent(id)}`;
        const response = await ask(url, "application/json");
        if (!response.ok) throw new Error(`status ${response.status}`);
        if ((await response.json()).status !== "WAIT") return await showSettled(id, question);
        failures = 0;
      } catch {
        failures += 1;
      }
      if (question !== latest) return;
      if (performance.now() - started > giveUpAfterMs) break;
      pauseMs = Math.min(pauseMs * PAUSE_GROWTH, PAUSE_MS_MAX);
    }
    show(failures > 0 ? "unreachable" : "timed_out", id);
  }

  function sayFaults(faults) {
    const elsewhere = [];
    for (const input of form.querySelectorAll("input")) {
      const fault = faults.find(({ field }) => field === input.name);
      const reason = fault ? sentence(fault.reason) : "";
      document.getElementById(`${input.name}-error`).textContent = reason;
      if (fault) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      form.querySelector(`[data-choices="${input.name}"]`)?.replaceChildren(...(fault?.choices ?? []).map(choiceOf));
      if (fault && input.closest("details")) input.closest("details").open = true;
    }
    for (const { field, reason } of faults) {
      if (!form.elements.namedItem(field)) elsewhere.push(`${field}: ${reason}.`);
    }
    formError.textContent = elsewhere.join(" ") || countOf(faults.length);
    formError.hidden = faults.length === 0;
    form.querySelector("[aria-invalid]")?.focus();
  }

  // A button that asks again with one of the meanings.
  function choiceOf({ value, label }) {
    const button = document.createElement("button");
    Object.assign(button, { type: "submit", className: "choice", name: "Choice", value, textContent: label });
    return button;
  }

  function countOf(faults) {
    if (faults === 0) return "";
    const { one, several } = formError.dataset;
    return faults === 1 ? one : several.replace("{count}", faults);
  }

  function sentence(reason) {
    return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`;
  }

  async function submit(submitter = null) {
    const question = ++latest;
    const fields = new URLSearchParams(new FormData(form));
    if (submitter?.name) fields.append(submitter.name, submitter.value);
    sayFaults([]);
    disable(true);
    let answer = null;
    try {
      const response = await ask(realtime, "application/json", { method: "POST", body: fields });
      answer = await response.json();
    } catch {
      // No reply, or an unreadable one.
    }
    disable(false);
    if (question !== latest) return;
    if (answer?.status === "OK") {
      goTo(pageOf(answer.id));
      await poll(answer.id);
    } else if (answer?.id || !answer?.errors) {
      // The log or the server is unreachable. A request with an id may be in the log.
      show(answer?.id ? "unacknowledged" : "unreachable", answer?.id);
      if (answer?.id) result.querySelector("[data-reason]").textContent = sentence(answer.errors[0].reason);
    } else {
      sayFaults(answer.errors);
    }
  }

  // Returns the name of `ATL` or of `Atlanta (ATL)`.
  function nameOf(input) {
    const typed = input.value.trim().toUpperCase();
    const codes = [typed, typed.match(/\(([^()]*)\)$/)?.[1].trim()];
    return [...input.list.options].find((option) => codes.includes(option.value))?.text;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(event.submitter);
  });

  // Each question has its address: Back shows the one before.
  addEventListener("popstate", () => location.reload());

  result.addEventListener("click", (event) => {
    if (!event.target.closest("[data-action=keep-asking]")) return;
    event.preventDefault();
    if (result.dataset.id) poll(result.dataset.id);
    else submit();
    result.focus({ preventScroll: true });
  });

  for (const input of form.querySelectorAll("input[list]")) {
    const hint = document.getElementById(`${input.name}-hint`);
    input.addEventListener("input", () => {
      hint.textContent = nameOf(input) || hint.dataset.otherwise;
    });
    // Typing replaces the text.
    input.addEventListener("focus", () => input.select());
  }

  if (result.dataset.state === "waiting") poll(result.dataset.id);
  else if (result.dataset.id) follow(result.dataset.id);
})();
