// The demo's page works without this; with it the buttons do not reload the page and callbacks appear as they come.
(() => {
  "use strict";
  const order = document.querySelector("[data-order]");
  if (!order) return;
  const base = "/demo/orders/" + order.dataset.order;
  const said = document.querySelector("[data-said]");
  const heard = document.querySelector("[data-heard]");

  for (const form of document.querySelectorAll("[data-acts]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = event.submitter;
      const buttons = document.querySelectorAll("[data-acts] button");
      for (const b of buttons) b.disabled = true;
      said.textContent = "Working…";
      try {
        const answer = await fetch(form.action, {
          method: "POST",
          headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
          body: new URLSearchParams({ action: button.value }),
        });
        said.textContent = (await answer.json()).said;
      } catch {
        said.textContent = "The demo does not answer.";
      }
      for (const b of buttons) b.disabled = false;
      button.focus();
    });
  }

  let last = heard.innerHTML;
  const look = async () => {
    try {
      const answer = await fetch(base + "/heard");
      const text = await answer.text();
      const open = heard.querySelector("details[open]");
      if (answer.ok && text !== last && !open) {
        last = text;
        heard.innerHTML = text;
      }
    } catch {
      // the next look may find it again
    }
    setTimeout(look, document.hidden ? 5000 : 800);
  };
  look();
})();
