// Shows the progress of a file of questions. The form also works without this file: the browser saves the response.
"use strict";

(() => {
  // The number of wrong rows that are named; the file has all.
  const NAMED_MAX = 10;

  const form = document.getElementById("bulk");
  const byId = (id) => document.getElementById(id);
  const [progress, told, bar, download, wrong] = ["progress", "told", "bar", "download", "wrong"].map(byId);
  const button = form.querySelector("button[type=submit]");
  let saved = null;
  // The server gives the texts, in the language of the page, with names in braces for numbers.
  const say = (text, numbers = {}) => {
    told.textContent = progress.dataset[text].replace(/\{(\w+)\}/g, (_, name) => numbers[name]);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    begin();
    try {
      await answer(new FormData(form));
    } catch {
      say("broken");
    } finally {
      button.disabled = false;
    }
  });

  function begin() {
    progress.hidden = false;
    download.hidden = true;
    wrong.replaceChildren();
    bar.value = 0;
    say("sending");
    if (saved) URL.revokeObjectURL(saved);
    saved = null;
  }

  async function answer(body) {
    const headers = { Accept: "application/json", "Delaycast-Language": document.documentElement.lang };
    const response = await fetch(form.action, { method: "POST", body, headers });
    if (!response.ok) {
      const { errors } = await response.json();
      told.textContent = errors.map(({ field, reason }) => `${field}: ${reason}`).join("; ");
      return;
    }
    const rows = Number(response.headers.get("delaycast-rows"));
    const type = response.headers.get("content-type");
    const pieces = [];
    const decoder = new TextDecoder();
    // A row of CSV may have several lines, so it is told by its status.
    const status = /(?:^|,|"status":")(OK|ERROR|REJECTED|WAIT)(?:,|")/;
    let [rest, answered, failed] = ["", 0, 0];
    const read = (line) => {
      const [, state] = status.exec(line) ?? [];
      if (!state) return;
      answered += 1;
      if (state === "OK") return;
      failed += 1;
      if (failed > NAMED_MAX) return;
      const item = document.createElement("li");
      item.textContent = line.length > 200 ? `${line.slice(0, 200)} …` : line;
      wrong.append(item);
    };
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop();
      lines.forEach(read);
      bar.value = answered / rows;
      say("rows", { answered, rows });
    }
    bar.value = 1;
    say(failed ? "failed" : "done", { rows, failed });
    saved = URL.createObjectURL(new Blob(pieces, { type }));
    download.href = saved;
    download.download = type.startsWith("text/csv") ? "answers.csv" : "answers.ndjson";
    download.hidden = false;
    download.focus();
  }
})();
