// The demo's pages work without this; with it the buttons do not reload the page, and what changes appears as it comes.
(() => {
  "use strict";
  const live = document.querySelector("[data-live]");
  if (!live) return;
  const said = document.querySelector("[data-said]");
  let busy = false;

  const hold = (yes) => {
    busy = yes;
    for (const b of document.querySelectorAll("[data-acts] button")) b.disabled = yes;
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-acts]")) return;
    event.preventDefault();
    const button = event.submitter;
    const body = new URLSearchParams(new FormData(form));
    body.set("action", button.value);
    hold(true);
    said.textContent = "Working…";
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
        body,
      });
      said.textContent = answer.ok ? (await answer.json()).said : "That is not there any more.";
    } catch {
      said.textContent = "The demo does not answer.";
    }
    hold(false);
    document.getElementById(button.id)?.focus();
  });

  // What is open stays open, what has the focus keeps it.
  const show = (text) => {
    const shown = new Map([...live.querySelectorAll("details[id]")].map((d) => [d.id, d.open]));
    const focus = live.contains(document.activeElement) ? document.activeElement.id : "";
    live.innerHTML = text;
    for (const d of live.querySelectorAll("details[id]")) if (shown.has(d.id)) d.open = shown.get(d.id);
    if (focus) document.getElementById(focus)?.focus();
  };

  let last = "";
  const look = async () => {
    try {
      const answer = await fetch(live.dataset.live);
      const text = await answer.text();
      if (answer.ok && text !== last && !busy) {
        show(text);
        last = text;
      }
    } catch {
      // the next look may find it again
    }
    setTimeout(look, document.hidden ? 5000 : 800);
  };
  look();
})();
