// Refreshes the page of operations in place. Without this file the page reloads itself.
"use strict";

(() => {
  const PAUSE_MS = 2000;
  const REQUEST_MS_MAX = 10000;
  const live = document.getElementById("operations");
  if (!live) return;

  function say(text) {
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = text;
    live.querySelector("[role=status]").replaceChildren(note);
  }

  // The server renders the counts: one wording, escaped once.
  async function refresh() {
    try {
      const response = await fetch(location.pathname, {
        headers: { Accept: "text/html" },
        cache: "no-store",
        signal: AbortSignal.timeout(REQUEST_MS_MAX),
      });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = page.getElementById("operations");
      if (!response.ok) throw new Error(`status ${response.status}`);
      // The page has become another one: a replay has ended.
      if (!fresh) {
        location.reload();
        return;
      }
      for (const open of live.querySelectorAll("details[id][open]")) {
        fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
      }
      live.replaceChildren(...fresh.childNodes);
    } catch {
      say(live.dataset.silent);
    }
  }

  // One request at a time, and none while the page is hidden.
  async function turn() {
    if (!document.hidden) await refresh();
    setTimeout(turn, PAUSE_MS);
  }
  setTimeout(turn, PAUSE_MS);
})();
